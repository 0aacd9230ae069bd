//! CPU time and bytes of I/O as a program sees them, at a budget by which everything is read.
#![cfg(target_os = "linux")]

use std::fs;
use std::future::poll_fn;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::{Report, measured};

/// A process has one budget: all tests of this file read everything.
fn read_everything() {
    static START: Once = Once::new();
    START.call_once(|| {
        let telemetry = telemetry::builder().listen("off").report(Report::Off).overhead_budget(1.0).init();
        // Nothing ends with it here.
        std::mem::forget(telemetry.unwrap());
    });
}

fn value(family: &str, function: &str) -> f64 {
    telemetry::testing::value(family, &[("function", function)]).unwrap_or(f64::NAN)
}

fn probed(family: &str, function: &str, probe: &str) -> f64 {
    telemetry::testing::value(family, &[("function", function), ("probe", probe)]).unwrap_or(f64::NAN)
}

fn cpu(function: &str) -> f64 {
    value("function_cpu_seconds_total", function)
}

fn thread_cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to the timespec that it is given, which lives.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Uses so much of the thread's CPU time, however long that takes.
fn compute(time: Duration) {
    let start = thread_cpu();
    while thread_cpu() - start < time {}
}

const MILLISECOND: Duration = Duration::from_millis(1);

#[measured]
fn computes_and_sleeps() {
    compute(20 * MILLISECOND);
    thread::sleep(50 * MILLISECOND);
}

#[test]
fn cpu_time_leaves_out_waiting() {
    read_everything();
    computes_and_sleeps();
    computes_and_sleeps();
    let (cpu, busy) = (cpu("computes_and_sleeps"), value("function_busy_seconds_total", "computes_and_sleeps"));
    assert!((0.0399..0.045).contains(&cpu), "{cpu} s of CPU");
    assert!(busy >= 0.14, "{busy} s busy");
    assert_eq!(probed("function_probe_sampling_ratio", "computes_and_sleeps", "cpu"), 1.0);
    assert_eq!(probed("function_probe_standard_error_ratio", "computes_and_sleeps", "cpu"), 0.0);
}

#[measured]
fn recurses(depth: u32) {
    compute(5 * MILLISECOND);
    if depth > 1 {
        recurses(depth - 1);
    }
}

#[test]
fn a_recursion_counts_its_cpu_time_once() {
    read_everything();
    recurses(6);
    let cpu = cpu("recurses");
    assert!((0.0299..0.035).contains(&cpu), "{cpu} s of CPU");
}

/// Is pending as often as told.
async fn yields(mut times: u32) {
    poll_fn(|_| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        Poll::Pending
    })
    .await;
}

#[measured]
async fn computes_between_polls(pieces: u32) {
    for _ in 0..pieces {
        compute(5 * MILLISECOND);
        yields(1).await;
    }
}

/// Polls a future on another thread each time, which computes and reads on its own account meanwhile.
fn run_on_many_threads<F: Future + Send + 'static>(mut future: Pin<Box<F>>) -> F::Output
where
    F::Output: Send,
{
    loop {
        let polled = thread::spawn(move || {
            compute(2 * MILLISECOND);
            let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            (poll, future)
        });
        let (poll, same) = polled.join().unwrap();
        future = same;
        if let Poll::Ready(output) = poll {
            return output;
        }
    }
}

#[test]
fn the_cpu_time_of_a_future_is_that_of_its_polls_on_whatever_thread() {
    read_everything();
    run_on_many_threads(Box::pin(computes_between_polls(6)));
    let cpu = cpu("computes_between_polls");
    assert!((0.0299..0.036).contains(&cpu), "{cpu} s of CPU");
}

#[measured]
fn writes_and_reads(bytes: usize) {
    let file = tempfile_path("writes_and_reads");
    fs::write(&file, vec![1u8; bytes]).unwrap();
    assert_eq!(reads(&file), bytes);
    fs::remove_file(&file).unwrap();
}

#[measured]
fn reads(file: &std::path::Path) -> usize {
    let mut file = fs::File::open(file).unwrap();
    let mut bytes = [0u8; 1_000];
    let mut all = 0;
    loop {
        match file.read(&mut bytes).unwrap() {
            0 => return all,
            some => all += some,
        }
    }
}

fn tempfile_path(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("telemetry-{name}-{}", std::process::id()))
}

#[test]
fn bytes_of_files_are_exact_and_without_those_of_the_readings() {
    read_everything();
    writes_and_reads(70_000);
    writes_and_reads(30_000);
    let bytes = |function| {
        (value("function_io_read_bytes_total", function), value("function_io_written_bytes_total", function))
    };
    assert_eq!(bytes("writes_and_reads"), (100_000.0, 100_000.0));
    assert_eq!(bytes("reads"), (100_000.0, 0.0));
    assert_eq!(probed("function_probe_sampling_ratio", "reads", "io"), 1.0);
}

#[measured]
async fn reads_between_polls(file: std::path::PathBuf) {
    for _ in 0..3 {
        black_box(fs::read(&file).unwrap());
        yields(1).await;
    }
}

#[test]
fn the_bytes_of_a_future_are_those_of_its_polls_on_whatever_thread() {
    read_everything();
    let file = tempfile_path("reads_between_polls");
    fs::write(&file, vec![1u8; 10_000]).unwrap();
    run_on_many_threads(Box::pin(reads_between_polls(file.clone())));
    fs::remove_file(&file).unwrap();
    assert_eq!(value("function_io_read_bytes_total", "reads_between_polls"), 30_000.0);
}

#[measured]
fn talks_over_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut other, _) = listener.accept().unwrap();
    one.write_all(&[1; 5_000]).unwrap();
    other.read_exact(&mut [0; 5_000]).unwrap();
}

#[test]
fn sockets_of_the_standard_library_are_not_in_it_as_the_documentation_says() {
    read_everything();
    talks_over_a_socket();
    assert_eq!(value("function_io_read_bytes_total", "talks_over_a_socket"), 0.0);
    assert_eq!(value("function_io_written_bytes_total", "talks_over_a_socket"), 0.0);
}

#[measured]
fn hands_work_to_threads() {
    let current = &telemetry::current();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || current.scope(|| compute(10 * MILLISECOND)));
        }
        scope.spawn(|| compute(30 * MILLISECOND));
    });
}

#[measured]
fn hands_work_to_a_task() -> telemetry::InCurrent<impl Future<Output = ()> + Send + 'static> {
    telemetry::in_current(async {
        for _ in 0..4 {
            compute(5 * MILLISECOND);
            yields(1).await;
        }
    })
}

#[test]
fn work_that_is_handed_to_threads_and_tasks_is_credited_where_that_was_asked() {
    read_everything();
    hands_work_to_threads();
    let seen = cpu("hands_work_to_threads");
    assert!((0.0199..0.0295).contains(&seen), "{seen} s of CPU, of 20 ms that were handed on and 30 ms that were not");
    let task = hands_work_to_a_task();
    run_on_many_threads(Box::pin(task));
    let seen = cpu("hands_work_to_a_task");
    assert!((0.0199..0.026).contains(&seen), "{seen} s of CPU");
    for function in ["hands_work_to_threads", "hands_work_to_a_task"] {
        assert_eq!(value("function_calls_total", function), 1.0, "credited work is no call");
        assert_eq!(value("function_calls_concurrent", function), 0.0);
    }
}

#[measured]
fn panics_in_credited_work() {
    let current = telemetry::current();
    let panicked = thread::spawn(move || current.scope(|| -> u8 { panic!("asked to") })).join();
    assert!(panicked.is_err());
}

#[test]
fn credited_work_that_panics_leaves_nothing_running() {
    read_everything();
    panics_in_credited_work();
    // The thread's next call, on the shard that it left, is outermost again.
    panics_in_credited_work();
    assert_eq!(value("function_calls_total", "panics_in_credited_work"), 2.0);
    assert!(cpu("panics_in_credited_work") > 0.0);
}

#[test]
fn outside_a_measured_call_there_is_nothing_to_credit_and_work_just_runs() {
    assert_eq!(telemetry::current().scope(|| 7), 7);
    let mut future = std::pin::pin!(telemetry::in_current(async { 8 }));
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(8));
}

#[test]
fn what_measuring_costs_is_shown_with_the_budget() {
    read_everything();
    computes_and_sleeps();
    let own = |family, labels: &[(&str, &str)]| telemetry::testing::value(family, labels);
    assert_eq!(own("telemetry_overhead_budget_ratio", &[]), Some(1.0));
    for probe in ["timing", "cpu", "io"] {
        let labels = [("probe", probe)];
        let seconds = own("telemetry_overhead_seconds_total", &labels).unwrap();
        let ratio = own("telemetry_overhead_spent_ratio", &labels).unwrap();
        assert!(seconds > 0.0 && ratio > 0.0 && ratio < 0.5, "{probe}: {seconds} s, {ratio}");
    }
    assert_eq!(own("telemetry_clock_steps_total", &[]), Some(0.0));
}

#[measured]
fn is_called_by_many_threads() {
    thread::sleep(MILLISECOND);
}

#[test]
fn two_hundred_threads_keep_no_more_files_open_than_allowed() {
    read_everything();
    let together = std::sync::Barrier::new(200);
    thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                is_called_by_many_threads();
                together.wait();
                let files =
                    fs::read_dir("/proc/self/fd").unwrap().filter_map(|file| fs::read_link(file.ok()?.path()).ok());
                let ours = files.filter(|file| file.starts_with("/proc") && file.ends_with("io")).count();
                assert!(ours <= 64, "{ours} files are open");
                together.wait();
            });
        }
    });
    assert_eq!(value("function_calls_total", "is_called_by_many_threads"), 200.0);
}

#[measured]
fn lasts_longer_than_a_snapshot(deadline: Instant) -> u32 {
    let mut snapshots = 0;
    while Instant::now() < deadline {
        drop(telemetry::snapshot());
        snapshots += 1;
    }
    snapshots
}

#[test]
fn a_running_call_is_there_at_zero() {
    read_everything();
    thread::scope(|scope| {
        scope.spawn(|| lasts_longer_than_a_snapshot(Instant::now() + 200 * MILLISECOND));
        while value("function_calls_started_total", "lasts_longer_than_a_snapshot") != 1.0 {
            thread::yield_now();
        }
        assert_eq!(cpu("lasts_longer_than_a_snapshot"), 0.0, "its reading is not over");
    });
    assert!(cpu("lasts_longer_than_a_snapshot") > 0.0);
}
