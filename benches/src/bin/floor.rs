//! What does a measured call cost that no probe reads? For an instruction counter: `ci/long/floor` runs it twice and divides the
//! difference, so that start and end of the program do not count.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use telemetry::measured;
use telemetry_benches::{bare, work};

#[inline(never)]
#[measured]
fn value(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
#[measured]
fn result(x: u64) -> Result<u64, String> {
    Ok(work(x))
}

#[inline(never)]
#[measured(count)]
fn counted(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
#[measured]
async fn future(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
async fn bare_future(x: u64) -> u64 {
    work(x)
}

fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_default();
    let calls: u64 = arguments.next().and_then(|calls| calls.parse().ok()).unwrap_or(0);
    for n in 0..calls {
        match kind.as_str() {
            "bare" => black_box(bare(n)),
            "value" => black_box(value(n)),
            "result" => black_box(result(n)).unwrap_or(0),
            "counted" => black_box(counted(n)),
            "bare_future" => black_box(ready(bare_future(n))),
            "future" => black_box(ready(future(n))),
            _ => {
                eprintln!("floor takes bare, value, result, counted, bare_future or future, and a number of calls");
                std::process::exit(2);
            }
        };
    }
}
