//! What is kept in memory for threads and their series. Counts live bytes, so that its tests run one after the other.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Barrier, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use telemetry::{measured, metric};

struct Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);

// SAFETY: the system's allocator does it all; besides it a number is counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size().cast_signed() as i64, Relaxed);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size().cast_signed() as i64, Relaxed);
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

metric! {
    /// Rows, by the thread's step.
    counter kept_rows_total(step: u32);
    /// Sizes, by the thread's step.
    histogram kept_size_bytes(step: u32) [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    /// Rows of threads that come and go.
    counter passing_rows_total(step: u32);
    /// Sizes of threads that come and go.
    histogram passing_size_bytes() [1, 2, 3];
}

/// How many of the threads that come and go are there at once.
const AT_ONCE: u64 = 16;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Threads that stay until this is dropped, each with the shard that it took.
struct Staying(Vec<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Staying {
    /// Has a new thread do this; returns how many bytes are live that were not before.
    fn add(&mut self, record: impl Fn() + Send + 'static) -> i64 {
        let (stay, until) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let before = LIVE.load(Relaxed);
            record();
            tell.send(LIVE.load(Relaxed) - before).unwrap();
            // Until the other end is dropped.
            let _ = until.recv();
        });
        self.0.push((stay, thread));
        told.recv().unwrap()
    }

    /// Takes the shards that other threads left, so that the next thread has to make one.
    fn take_what_is_free(&mut self) {
        for _ in 0..2 * AT_ONCE {
            self.add(|| passing_rows_total(0).inc());
        }
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        for (stay, thread) in self.0.drain(..) {
            drop(stay);
            let _ = thread.join();
        }
    }
}

#[test]
fn a_series_costs_a_thread_that_used_it_some_bytes_and_others_nothing() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    const SERIES: u32 = 1_600;
    for step in 0..SERIES {
        kept_rows_total(step).inc();
        kept_size_bytes(step).observe(1.0);
    }
    let mut staying = Staying(Vec::new());
    staying.take_what_is_free();
    let nothing = staying.add(|| ());
    assert!(nothing < 64, "a thread that records nothing has {nothing} bytes");
    let one = staying.add(|| kept_rows_total(0).inc());
    let counters = staying.add(|| (0..SERIES).for_each(|step| kept_rows_total(step).inc()));
    let every_16th = staying.add(|| (0..SERIES).step_by(16).for_each(|step| kept_rows_total(step).inc()));
    let histograms = staying.add(|| (0..SERIES).for_each(|step| kept_size_bytes(step).observe(1.0)));
    println!(
        "a thread with {SERIES} counters {counters} bytes, with one {one}, with each 16th {every_16th}; with {SERIES} histograms {histograms}"
    );
    let each = |bytes: i64| bytes as f64 / f64::from(SERIES);
    assert!(each(counters) <= 16.0, "{} bytes a counter", each(counters));
    // The cell, and places in a table that doubles.
    assert!(each(histograms) <= 128.0 + 32.0, "{} bytes a histogram of 12 bounds", each(histograms));
    // The dearest way to use counters: 128 bytes for each, a quarter of that in room for the next ones, and the table.
    let most = i64::from(SERIES / 16) * 160 + one + 2 * i64::from(SERIES);
    assert!(every_16th <= most, "{every_16th} bytes, at most {most}");
}

#[measured]
fn called_in_passing(n: u64) -> u64 {
    n
}

/// The resident memory of this process, in bytes.
fn resident() -> i64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<i64>().unwrap() * 4_096
}

#[test]
fn a_hundred_thousand_threads_that_end_leave_memory_as_it_was() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let generations = |count: u64| {
        for _ in 0..count {
            // All are there before one ends, so that every generation takes as many shards.
            let together = Barrier::new(AT_ONCE as usize);
            thread::scope(|scope| {
                let threads = (0..AT_ONCE).map(|index| {
                    let together = &together;
                    scope.spawn(move || {
                        together.wait();
                        called_in_passing(index);
                        passing_rows_total(index as u32).inc();
                        passing_size_bytes().observe(2.0);
                        together.wait();
                    })
                });
                // Joined, since the end of a scope does not wait for destructors of thread locals, which hand the shard on.
                threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
            });
        }
    };
    generations(250);
    let (live, in_memory) = (LIVE.load(Relaxed), resident());
    generations(100_000 / AT_ONCE);
    let (grown, resident_grown) = (LIVE.load(Relaxed) - live, resident() - in_memory);
    println!("{grown} bytes live and {resident_grown} bytes resident more");
    assert!(grown < 64 * 1024, "{grown} bytes");
    assert!(resident_grown < 2 * 1024 * 1024, "{resident_grown} bytes resident");
    let snapshot = telemetry::snapshot();
    let threads = (250 + 100_000 / AT_ONCE) * AT_ONCE;
    assert_eq!(snapshot.sum("function_calls_total", &[("function", "called_in_passing")]), threads as f64);
    assert_eq!(snapshot.sum("passing_size_bytes", &[]), threads as f64);
}
