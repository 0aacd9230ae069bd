//! Does memory stay as it is, and is every call counted, where calls follow each other as fast as they go and nobody reads?
//!
//! Each contestant runs in a process of its own, since what a queue took is not given back: `endurance` starts them one after the other and
//! prints a table; `endurance --quick` makes a hundredth of the calls. It fails where ours grows by more than 1 MiB or does not count right.
//! Those that keep something for every call make a tenth of the calls, or the machine's memory would end.

use peers::machine;
use std::hint::black_box;
use std::pin::pin;
use std::process::{Command, ExitCode};
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use telemetry::{measured, metric, testing};

#[global_allocator]
static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();

/// What is asked of ours: 50 million calls, and 1 MiB.
const CALLS: u64 = 50_000_000;
const MOST_GROWTH: u64 = 1 << 20;

metric! {
    /// Calls.
    counter calls_total();
    /// Seconds, a different bucket at each call.
    histogram duration_seconds() [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
}

#[inline(never)]
#[measured]
fn value(x: u64) -> u64 {
    black_box(x + 1)
}

#[measured]
async fn future(x: u64) -> u64 {
    black_box(x + 1)
}

#[inline(never)]
#[hotpath::measure]
fn hotpath_value(x: u64) -> u64 {
    black_box(x + 1)
}

/// Nobody drains it: the exporter's recorder, without a scrape or its upkeep.
#[inline(never)]
fn metrics_value(x: u64, histogram: &metrics::Histogram) -> u64 {
    let start = Instant::now();
    let y = black_box(x + 1);
    histogram.record(start.elapsed());
    y
}

/// One contestant.
struct Way {
    name: &'static str,
    shown: &'static str,
    /// Of [`CALLS`], one in so many.
    part: u64,
    is_ours: bool,
}

const WAYS: [Way; 7] = [
    Way { name: "value", shown: "**`#[measured]`**", part: 1, is_ours: true },
    Way { name: "threads", shown: "**the same, two threads on one function**", part: 1, is_ours: true },
    Way { name: "future", shown: "**`#[measured]` `async fn`**", part: 1, is_ours: true },
    Way { name: "counter", shown: "**`metric!` counter, handle kept**", part: 1, is_ours: true },
    Way { name: "histogram", shown: "**`metric!` histogram, handle kept**", part: 1, is_ours: true },
    Way { name: "hotpath", shown: "`hotpath::measure`", part: 10, is_ours: false },
    Way { name: "metrics", shown: "`metrics` histogram, kept", part: 10, is_ours: false },
];

fn each(calls: u64, mut call: impl FnMut(u64) -> u64) {
    let mut x = 1;
    for _ in 0..calls {
        x = call(x);
    }
    black_box(x);
}

fn poll(x: u64) -> u64 {
    let mut future = pin!(future(x));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(y) => y,
        Poll::Pending => x,
    }
}

/// Makes so many calls.
fn run(way: &str, calls: u64, recorder: &metrics::Histogram) {
    match way {
        "value" => each(calls, value),
        "threads" => std::thread::scope(|scope| {
            scope.spawn(|| each(calls / 2, value));
            each(calls - calls / 2, value);
        }),
        "future" => each(calls, poll),
        "counter" => {
            let counter = calls_total();
            each(calls, |x| {
                counter.inc();
                x
            });
        }
        "histogram" => {
            let histogram = duration_seconds();
            let bounds = [0.0005, 0.002, 0.02, 0.2, 2.0, 20.0];
            each(calls, |x| {
                histogram.observe(bounds[(x % 6) as usize]);
                x + 1
            });
        }
        "hotpath" => each(calls, hotpath_value),
        _ => each(calls, |x| metrics_value(x, recorder)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn function_calls(function: &str) -> u64 {
    testing::value("function_calls_total", &[("function", function), ("result", "ok")]).unwrap_or(0.0) as u64
}

/// How many it says there were; nothing where asking would make it read what it kept.
fn seen(way: &str) -> Option<u64> {
    match way {
        "value" | "threads" => Some(function_calls("value")),
        "future" => Some(function_calls("future")),
        "counter" => Some(calls_total().get()),
        "histogram" => Some(duration_seconds().count()),
        _ => None,
    }
}

/// In a process of its own: a line with the bytes before and after, the most, the calls that were seen, and nanoseconds a call.
fn one(way: &str, calls: u64) -> Result<(), String> {
    // Its report is not wanted, only that it works as it would: forgotten, it prints none and does not work off its queue.
    let hotpath = (way == "hotpath").then(|| hotpath::HotpathGuardBuilder::new("main").build());
    std::mem::forget(hotpath);
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
    let recorder = metrics::histogram!("duration_seconds");
    // Every cell and every page of code is there before.
    let warm = 100_000.min(calls);
    run(way, warm, &recorder);
    let before = machine::resident()?;
    let start = Instant::now();
    run(way, calls, &recorder);
    let elapsed = start.elapsed();
    let after = machine::resident()?;
    let most = machine::most_resident()?;
    let seen = seen(way).map_or("-".to_owned(), |seen| (seen - warm).to_string());
    println!("{before} {after} {most} {seen} {}", elapsed.as_nanos() / u128::from(calls));
    // Without its report, and without waiting for what queues hold.
    std::process::exit(0);
}

fn all(divisor: u64) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot tell where this program lies: {error}"))?;
    let mut wrong = Vec::new();
    println!(
        "| contestant | calls | ns a call, not net | resident before, MiB | after, MiB | more, KiB | bytes a call | most, MiB | calls it saw |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for Way { name, shown, part, is_ours } in WAYS {
        let calls = CALLS / part / divisor;
        let output = Command::new(&own).args(["one", name, &calls.to_string()]).output();
        let output = output.map_err(|error| format!("cannot start {}: {error}", own.display()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let last: Vec<&str> = text.lines().last().unwrap_or_default().split(' ').collect();
        let [before, after, most, seen, time] = last[..] else {
            return Err(format!("{name} failed: {}{text}", String::from_utf8_lossy(&output.stderr)));
        };
        let number = |word: &str| word.parse::<u64>().map_err(|error| format!("{name} printed {word:?}: {error}"));
        let (before, after, most) = (number(before)?, number(after)?, number(most)?);
        let more = after.saturating_sub(before);
        if is_ours && more > MOST_GROWTH {
            wrong.push(format!("{name} grew by {more} bytes, of at most {MOST_GROWTH}"));
        }
        if is_ours && seen != calls.to_string() {
            wrong.push(format!("{name} saw {seen} calls of {calls}"));
        }
        println!(
            "| {shown} | {calls} | {time} | {} | {} | {} | {} | {} | {seen} |",
            before >> 20,
            after >> 20,
            more >> 10,
            more / calls,
            most >> 20,
        );
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        [] => all(1),
        ["--quick"] => all(100),
        ["one", way, calls] if WAYS.iter().any(|known| known.name == way) => match calls.parse() {
            Ok(calls) if calls > 0 => one(way, calls),
            _ => Err(format!("{calls:?} is no number of calls")),
        },
        _ => Err(format!("{words:?} is not understood; endurance takes nothing, or `--quick`")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("endurance: {error}");
            ExitCode::FAILURE
        }
    }
}
