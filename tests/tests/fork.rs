//! A process that forks and does not `exec`: the child records, waits for nobody, and counts from zero.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use telemetry::{measured, metric};

metric! {
    /// Rows of both processes.
    counter forked_rows_total(table: &str);
    /// Rows of more tables than a family holds.
    counter crowded_rows_total(table: &str);
    /// Sizes of both processes.
    histogram forked_size_bytes() [10, 100];
    /// What was set last.
    gauge forked_level_ratio();
}

/// Forks happen one at a time, so that no other test's counts are in between.
static ONE: Mutex<()> = Mutex::new(());

/// Runs something in a child, and returns what it wrote. A child that takes longer than a while is taken to hang.
fn in_child(work: impl FnOnce(&mut dyn Write)) -> String {
    let mut ends = [0; 2];
    // SAFETY: writes two descriptors to the array, which has room for them.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: the child calls what may be called after a fork of a program with threads on glibc, whose allocator survives it.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    // SAFETY: both descriptors are new and belong to nobody else.
    let (mut reads, mut writes) = unsafe { (std::fs::File::from_raw_fd(ends[0]), std::fs::File::from_raw_fd(ends[1])) };
    if child == 0 {
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&mut writes)));
        // SAFETY: ends this process at once, without what the test's threads would clean up.
        unsafe { libc::_exit(i32::from(worked.is_err())) };
    }
    drop(writes);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut status = 0;
    // SAFETY: writes to the status, which lives.
    while unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == 0 {
        if Instant::now() > deadline {
            // SAFETY: the child is ours and was not waited for.
            unsafe { libc::kill(child, libc::SIGKILL) };
            panic!("the child hangs");
        }
        thread::sleep(Duration::from_millis(1));
    }
    let mut text = String::new();
    reads.read_to_string(&mut text).unwrap();
    assert_eq!(status, 0, "{text}");
    text
}

fn value(family: &str, labels: &[(&str, &str)]) -> Option<f64> {
    telemetry::testing::value(family, labels)
}

fn calls(function: &str) -> Option<f64> {
    value("function_calls_total", &[("function", function), ("result", "ok")])
}

#[measured]
fn before() {}

#[measured]
fn after() {
    thread::sleep(Duration::from_millis(2));
}

#[measured]
fn forks_inside() -> String {
    let started = Instant::now();
    in_child(|out| {
        let started_total = value("function_calls_started_total", &[("function", "forks_inside")]);
        let running = value("function_calls_concurrent", &[("function", "forks_inside")]);
        write!(out, "{started_total:?} {running:?}").unwrap();
        assert!(started.elapsed() < Duration::from_secs(10));
    })
}

#[test]
fn a_child_counts_from_zero_and_leaves_the_parent_s_counts_alone() {
    let _alone = ONE.lock();
    (0..10).for_each(|_| before());
    forked_rows_total("a").add(5);
    forked_size_bytes().observe(50.0);
    forked_level_ratio().set(0.5);
    let seen = in_child(|out| {
        before();
        after();
        forked_rows_total("a").add(2);
        forked_rows_total("b").inc();
        let busy = value("function_busy_seconds_total", &[("function", "after")]).unwrap();
        assert!((0.002..5.0).contains(&busy), "{busy}");
        write!(
            out,
            "{:?} {:?} {:?} {:?} {} {:?}",
            calls("before"),
            calls("after"),
            value("forked_rows_total", &[("table", "a")]),
            value("forked_rows_total", &[("table", "b")]),
            forked_size_bytes().count(),
            value("forked_level_ratio", &[]),
        )
        .unwrap();
    });
    assert_eq!(seen, "Some(1.0) Some(1.0) Some(2.0) Some(1.0) 0 Some(0.5)");
    assert_eq!((calls("before"), calls("after")), (Some(10.0), None));
    assert_eq!((forked_rows_total("a").get(), forked_size_bytes().count()), (5, 1));
}

#[test]
fn a_call_that_runs_while_its_thread_forks_runs_in_both_and_those_of_other_threads_do_not() {
    let _alone = ONE.lock();
    assert_eq!(forks_inside(), "Some(1.0) Some(1.0)");
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let _ends = Ends(&ended);
        scope.spawn(|| runs_meanwhile(&ended));
        while value("function_calls_concurrent", &[("function", "runs_meanwhile")]) != Some(1.0) {
            thread::yield_now();
        }
        let seen = in_child(|out| {
            let running = value("function_calls_concurrent", &[("function", "runs_meanwhile")]);
            let age = value("function_oldest_call_age_seconds", &[("function", "runs_meanwhile")]);
            write!(out, "{running:?} {age:?}").unwrap();
        });
        assert_eq!(seen, "Some(0.0) Some(0.0)");
    });
}

#[measured]
fn runs_meanwhile(ended: &AtomicBool) {
    while !ended.load(Relaxed) {
        thread::yield_now();
    }
}

/// Ends what a test started also where an assertion fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn a_child_waits_for_no_lock_that_another_thread_held() {
    let _alone = ONE.lock();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _ends = Ends(&done);
        // Threads that take every lock of the recording path all the time: new series, new threads, snapshots.
        scope.spawn(|| {
            let mut n = 0u32;
            while !done.load(Relaxed) {
                crowded_rows_total(&format!("t{}", n % 3_000)).inc();
                n += 1;
            }
        });
        scope.spawn(|| {
            while !done.load(Relaxed) {
                thread::spawn(before).join().unwrap();
            }
        });
        scope.spawn(|| {
            while !done.load(Relaxed) {
                drop(telemetry::snapshot());
            }
        });
        for round in 0..100 {
            let seen = in_child(|out| {
                crowded_rows_total(&format!("child{round}")).inc();
                after();
                thread::spawn(after).join().unwrap();
                write!(out, "{:?}", calls("after")).unwrap();
            });
            assert_eq!(seen, "Some(2.0)");
        }
    });
}

#[measured]
fn writes(bytes: usize) {
    std::fs::write("/dev/null", vec![1u8; bytes]).unwrap();
}

#[test]
fn bytes_of_a_child_are_its_own_and_not_those_of_the_thread_that_forked() {
    let _alone = ONE.lock();
    writes(1_000_000);
    let seen = in_child(|out| {
        // By itself this one would be the first of its kind, hence be read.
        written_by_the_child();
        write!(out, "{:?}", value("function_io_written_bytes_total", &[("function", "written_by_the_child")])).unwrap();
    });
    assert_eq!(seen, "Some(3000.0)");
}

#[measured]
fn written_by_the_child() {
    std::fs::write("/dev/null", [1u8; 3_000]).unwrap();
}

#[measured]
fn called_at_the_end() {}

#[test]
fn a_call_in_a_thread_local_destructor_is_counted_while_the_process_exits() {
    let _alone = ONE.lock();
    struct Last(std::cell::RefCell<Option<std::fs::File>>);
    impl Drop for Last {
        fn drop(&mut self) {
            let Some(mut out) = self.0.take() else { return };
            called_at_the_end();
            write!(out, "{:?}", calls("called_at_the_end")).unwrap();
        }
    }
    thread_local!(static LAST: Last = const { Last(std::cell::RefCell::new(None)) });
    let mut ends = [0; 2];
    // SAFETY: writes two descriptors to the array, which has room for them.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: as in `in_child`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        LAST.with(|last| {
            // SAFETY: the descriptor is new and belongs to nobody else.
            *last.0.borrow_mut() = Some(unsafe { std::fs::File::from_raw_fd(ends[1]) });
        });
        called_at_the_end();
        // SAFETY: destroys this thread's locals and ends the process; there is no other thread.
        unsafe { libc::exit(0) };
    }
    // SAFETY: the descriptors are new and belong to nobody else.
    let mut reads = unsafe {
        libc::close(ends[1]);
        std::fs::File::from_raw_fd(ends[0])
    };
    let mut text = String::new();
    reads.read_to_string(&mut text).unwrap();
    let mut status = 0;
    // SAFETY: writes to the status, which lives.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((text.as_str(), status), ("Some(2.0)", 0));
}

#[measured(error_type = |error: &&'static str| *error)]
fn fails() -> Result<(), &'static str> {
    Err("gone")
}

#[test]
fn the_series_of_a_child_begin_when_it_was_forked() {
    let _alone = ONE.lock();
    let parents = telemetry::snapshot().started_at;
    fails().unwrap_err();
    thread::sleep(Duration::from_millis(20));
    let before = SystemTime::now();
    let seen = in_child(|out| {
        let snapshot = telemetry::snapshot();
        let from = snapshot.started_at.duration_since(before).unwrap();
        assert!(snapshot.started_at <= snapshot.taken_at && from < Duration::from_secs(10), "{from:?}");
        assert_eq!(snapshot.sum("function_errors_total", &[]), 0.0);
        // A child's child begins later still.
        thread::sleep(Duration::from_millis(5));
        let grandchild_s = in_child(|out| {
            assert!(telemetry::snapshot().started_at > snapshot.started_at);
            write!(out, "later").unwrap();
        });
        write!(out, "{grandchild_s}").unwrap();
    });
    assert_eq!(seen, "later");
    assert_eq!(telemetry::snapshot().started_at, parents, "the parent's are as old as they were");
}

/// Pending for ever.
#[measured]
async fn waits() {
    std::future::pending::<()>().await;
}

#[test]
fn what_waits_in_the_parent_has_no_age_in_the_child() {
    let _alone = ONE.lock();
    let mut waiting = Box::pin(waits());
    let pending = waiting.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending();
    assert!(pending);
    let age = || value("function_oldest_call_age_seconds", &[("function", "waits")]);
    thread::sleep(Duration::from_millis(5));
    assert!(age().unwrap() > 0.0);
    let seen = in_child(|out| write!(out, "{:?}", age()).unwrap());
    assert_eq!(seen, "Some(0.0)");
    assert!(age().unwrap() > 0.0);
}
