//! What a call allocates, with the tracking allocator installed.

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::task::{Context, Poll, Waker};
use telemetry::measured;

#[global_allocator]
static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();

fn value(family: &str, function: &str) -> f64 {
    telemetry::testing::value(family, &[("function", function)]).unwrap_or(f64::NAN)
}

#[measured]
fn allocates_nothing(x: u64) -> u64 {
    x.wrapping_mul(3)
}

#[measured]
fn allocates(bytes: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(bytes))
}

#[measured]
fn allocates_and_calls() {
    let _kept: Vec<u8> = black_box(Vec::with_capacity(1_000));
    drop(allocates_inner(5_000));
    drop(allocates_inner(5_000));
}

#[measured]
fn allocates_inner(bytes: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(bytes))
}

#[measured]
fn grows() -> Vec<u8> {
    let mut bytes = black_box(Vec::with_capacity(100));
    bytes.resize(100, 0u8);
    bytes.reserve_exact(400);
    bytes
}

#[test]
fn bytes_and_allocations_are_exact() {
    for n in 0..10 {
        black_box(allocates_nothing(n));
    }
    assert_eq!(value("function_allocated_bytes_total", "allocates_nothing"), 0.0);
    assert_eq!(value("function_allocations_total", "allocates_nothing"), 0.0);
    drop(allocates(1_000));
    drop(allocates(500));
    assert_eq!(value("function_allocated_bytes_total", "allocates"), 1_500.0);
    assert_eq!(value("function_allocations_total", "allocates"), 2.0);
    assert_eq!(value("function_peak_allocated_bytes", "allocates"), 1_000.0);
    drop(grows());
    assert_eq!(value("function_allocated_bytes_total", "grows"), 500.0);
    assert_eq!(value("function_allocations_total", "grows"), 2.0);
}

#[test]
fn callees_are_in_the_inclusive_sum_and_not_in_the_own() {
    allocates_and_calls();
    assert_eq!(value("function_allocated_bytes_total", "allocates_and_calls"), 11_000.0);
    assert_eq!(value("function_self_allocated_bytes_total", "allocates_and_calls"), 1_000.0);
    assert_eq!(value("function_self_allocated_bytes_total", "allocates_inner"), 10_000.0);
    assert_eq!(value("function_peak_allocated_bytes", "allocates_and_calls"), 6_000.0);
}

#[measured]
async fn allocates_between_polls() -> usize {
    let mut kept = Vec::new();
    for _ in 0..4 {
        kept.push(black_box(Vec::<u8>::with_capacity(10_000)));
        let mut pending = true;
        poll_fn(|_| if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(()) }).await;
    }
    kept.len()
}

#[test]
fn a_task_that_moves_between_threads_has_its_own_bytes_and_no_others() {
    let mut future = Box::pin(allocates_between_polls());
    let output = loop {
        let (poll, moved) = std::thread::spawn(move || {
            drop(black_box(vec![0u8; 77_777]));
            let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            (poll, future)
        })
        .join()
        .unwrap();
        future = moved;
        if let Poll::Ready(output) = poll {
            break output;
        }
    };
    assert_eq!(output, 4);
    let slots = 4.0 * size_of::<Vec<u8>>() as f64;
    assert_eq!(value("function_allocated_bytes_total", "allocates_between_polls"), 40_000.0 + slots);
    assert_eq!(value("function_peak_allocated_bytes", "allocates_between_polls"), 40_000.0 + slots);
}

#[measured]
fn hands_allocations_on() {
    let current = telemetry::current();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            drop(black_box(vec![0u8; 3_000]));
            current.scope(|| drop(black_box(vec![0u8; 7_000])));
            current.scope(|| drop(black_box(vec![0u8; 5_000])));
        });
    });
}

#[measured]
fn hands_a_task_on() -> telemetry::InCurrent<impl Future<Output = ()> + Send + 'static> {
    telemetry::in_current(async {
        let kept = black_box(vec![0u8; 20_000]);
        let mut pending = true;
        poll_fn(|_| if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(()) }).await;
        drop(black_box(vec![0u8; 10_000]));
        drop(kept);
    })
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn what_is_allocated_for_a_call_on_another_thread_is_credited_where_that_was_asked() {
    hands_allocations_on();
    let bytes = value("function_allocated_bytes_total", "hands_allocations_on");
    // What spawning a thread allocates is the call's own.
    let spawning = bytes - 12_000.0;
    assert!((0.0..3_000.0).contains(&spawning), "{bytes} bytes: 12,000 credited, 3,000 not");
    let mut task = Box::pin(hands_a_task_on());
    let polled = std::thread::spawn(move || {
        assert!(poll_once(task.as_mut()).is_pending());
        task
    });
    let mut task = polled.join().unwrap();
    assert!(poll_once(task.as_mut()).is_ready());
    assert_eq!(value("function_allocated_bytes_total", "hands_a_task_on"), 30_000.0);
    assert_eq!(value("function_peak_allocated_bytes", "hands_a_task_on"), 30_000.0, "what earlier polls kept is in it");
}

#[measured]
fn allocates_inside() {
    drop(black_box(vec![0u8; 400_000]));
}

#[test]
fn what_is_allocated_outside_every_measured_call_is_shown_as_unattributed() {
    let unattributed = || telemetry::testing::value("telemetry_unattributed_allocated_bytes_total", &[]).unwrap();
    // Other tests and the snapshots themselves allocate meanwhile: by far less than this.
    let before = unattributed();
    std::thread::spawn(|| {
        for _ in 0..1_000 {
            drop(black_box(Vec::<u8>::with_capacity(1_000_000)));
        }
    })
    .join()
    .unwrap();
    let outside = unattributed() - before;
    assert!((1e9..1.2e9).contains(&outside), "{outside} bytes");
    let before = unattributed();
    (0..1_000).for_each(|_| allocates_inside());
    let inside = unattributed() - before;
    assert!(inside < 1e8, "{inside} bytes unattributed, of 4e8 that a function allocated");
}
