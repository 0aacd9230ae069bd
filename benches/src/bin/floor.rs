//! What does a measured call, a counter, a histogram cost, where no probe reads? For an instruction counter: `ci/instructions` runs each path
//! twice and divides the difference, so that start and end of the program do not count.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use telemetry::alloc::Tracking;
use telemetry::{Job, Label, backfill_job, measured, metric};
use telemetry_benches::{bare, work};

/// The tracking allocator for the paths whose names begin with `tracked_`, else the system's: whether there is one is seen at run time.
struct Switch;

#[global_allocator]
static SWITCH: Switch = Switch;
static TRACKED: AtomicBool = AtomicBool::new(false);
static TRACKING: Tracking = Tracking::system();

// SAFETY: both take what they give from the system's allocator, to which every call is passed on with the arguments as they came.
unsafe impl GlobalAlloc for Switch {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if TRACKED.load(Relaxed) {
            // SAFETY: the caller's promise is passed on.
            return unsafe { TRACKING.alloc(layout) };
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if TRACKED.load(Relaxed) {
            // SAFETY: the caller's promise is passed on.
            return unsafe { TRACKING.dealloc(pointer, layout) };
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[derive(Clone, Copy, Label)]
enum Side {
    Left,
    Right,
}

metric! {
    /// Kept by its handle.
    counter kept_total();
    /// Looked up by an enum.
    counter by_side_total(side: Side);
    /// Looked up by a number.
    counter by_number_total(code: u16);
    /// Set.
    gauge set_records();
    /// Looked up by two texts.
    counter by_texts_total(table: &str, stage: &str);
    /// Twelve bounds.
    histogram twelve_bounds_seconds() [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
}

#[inline(never)]
#[measured]
fn value(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
#[measured]
fn allocating(x: u64) -> u64 {
    black_box(Vec::<u8>::with_capacity(64));
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
#[measured]
async fn pending_once(x: u64) -> u64 {
    let mut pending = true;
    std::future::poll_fn(|_| if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(()) }).await;
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

fn run(path: &str, calls: u64) -> bool {
    let each = |call: &dyn Fn(u64) -> u64| {
        (0..calls).for_each(|n| {
            black_box(call(n));
        });
    };
    let gauge = set_records();
    let counter = kept_total();
    let histogram = twelve_bounds_seconds();
    match path {
        "bare" => each(&bare),
        "value" | "tracked_value" => each(&value),
        "result" => each(&|n| result(n).unwrap_or(0)),
        "counted" => each(&counted),
        "bare_future" => each(&|n| ready(bare_future(n))),
        "future" | "tracked_future" => each(&|n| ready(future(n))),
        "pending_once" => each(&|n| ready(pending_once(n))),
        "counter_kept" => each(&|n| {
            counter.inc();
            n
        }),
        "counter_by_enum" => each(&|n| {
            by_side_total(if n.is_multiple_of(2) { Side::Left } else { Side::Right }).inc();
            n
        }),
        "counter_by_number" => each(&|n| {
            by_number_total(black_box(200)).inc();
            n
        }),
        "counter_by_two_texts" => each(&|n| {
            by_texts_total(black_box("flights"), black_box("fetch")).inc();
            n
        }),
        "histogram_kept" => each(&|n| {
            histogram.observe(0.02);
            n
        }),
        "gauge_set" => each(&|n| {
            gauge.set(0.02);
            n
        }),
        "tracked_allocation" => each(&|n| allocating(n)),
        "job_advance" => in_job(|job| {
            each(&|n| {
                job.advance(1);
                n
            });
        }),
        "job_advance_records" => in_job_of_records(|job| {
            each(&|n| {
                job.advance(1);
                n
            });
        }),
        "job_worker_advance" => in_job(|job| {
            let worker = job.worker("bench");
            each(&|n| {
                worker.advance(1);
                n
            });
        }),
        _ => return false,
    }
    true
}

#[backfill_job(unit = "days")]
fn in_job(job: &Job, work: impl FnOnce(&Job)) {
    work(job);
}

/// Where what is counted is records, each is counted in two families.
#[backfill_job(unit = "records")]
fn in_job_of_records(job: &Job, work: impl FnOnce(&Job)) {
    work(job);
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_default();
    let calls: Option<u64> = arguments.next().and_then(|calls| calls.parse().ok());
    TRACKED.store(path.starts_with("tracked_"), Relaxed);
    telemetry::job::progress(telemetry::job::Progress::Off);
    let snapshot = telemetry::snapshot();
    let is_counter = snapshot.series("telemetry_clock_info", &[("source", "tsc")]).is_some();
    if !is_counter {
        eprintln!("the clock in use is not the time-stamp counter, whose instructions are counted");
        return ExitCode::FAILURE;
    }
    if calls.is_some_and(|calls| run(&path, calls)) {
        return ExitCode::SUCCESS;
    }
    eprintln!("usage: floor PATH CALLS, with a path of benches/instructions.txt");
    ExitCode::FAILURE
}
