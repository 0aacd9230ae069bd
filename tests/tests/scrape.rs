//! Scrapes while threads start, record and end, and scrapes whose reader is slow.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};
use telemetry::snapshot::{Snapshot, Value};
use telemetry::{measured, metric};

metric! {
    /// Rows, by the generation of threads that read them.
    counter generation_rows_total(generation: u32);
    /// Sizes, by the generation of threads that saw them.
    histogram generation_size_bytes(generation: u32) [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    /// Rows, by a name as long as names may be.
    counter long_rows_total(name: &str);
    /// Rows that were read while a reader slept.
    counter late_rows_total(name: u32);
}

/// At once, and so many after another.
const THREADS: u32 = 64;
const GENERATIONS: u32 = 20;
const STEPS: u32 = 200;

#[measured]
fn step(n: u32) -> Result<u32, u32> {
    if n.is_multiple_of(4) { Err(n) } else { Ok(n) }
}

/// What must not fall, and what must hold at every moment.
fn totals(snapshot: &Snapshot) -> [f64; 4] {
    for series in snapshot.family("generation_size_bytes").into_iter().flat_map(|family| &family.series) {
        let Value::Histogram(histogram) = &series.value else { panic!("{series:?}") };
        assert_eq!(histogram.buckets.len(), histogram.bounds.len() + 1);
    }
    let started = snapshot.sum("function_calls_started_total", &[("function", "step")]);
    let ended = snapshot.sum("function_calls_total", &[("function", "step")]);
    assert!(ended <= started, "{ended} calls ended and {started} started");
    let [rows, sizes] = ["generation_rows_total", "generation_size_bytes"].map(|name| snapshot.sum(name, &[]));
    [rows, sizes, started, ended]
}

#[test]
fn totals_are_exact_while_64_threads_start_record_are_scraped_and_end() {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let scraper = scope.spawn(|| {
            let (mut last, mut scrapes) = ([0.0; 4], 0);
            while !done.load(Relaxed) {
                let snapshot = telemetry::snapshot();
                let text = telemetry::export::text::encode(&snapshot);
                let now = totals(&snapshot);
                assert!(now.iter().zip(last).all(|(now, last)| *now >= last), "{now:?} after {last:?}");
                let rows: f64 = text
                    .lines()
                    .filter(|line| line.starts_with("generation_rows_total{"))
                    .map(value)
                    .fold(0.0, |sum, rows| sum + rows);
                assert!(rows.total_cmp(&now[0]).is_eq(), "{rows} written of {now:?}");
                (last, scrapes) = (now, scrapes + 1);
            }
            scrapes
        });
        for generation in 0..GENERATIONS {
            let threads = (0..THREADS).map(|_| {
                scope.spawn(move || {
                    for n in 0..STEPS {
                        generation_rows_total(generation).inc();
                        generation_size_bytes(generation).observe(f64::from(n % 20));
                        let _ = step(n);
                    }
                })
            });
            threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
        }
        done.store(true, Relaxed);
        assert!(scraper.join().unwrap() > 0);
    });
    let snapshot = telemetry::snapshot();
    let all = f64::from(GENERATIONS * THREADS * STEPS);
    assert_eq!(totals(&snapshot), [all; 4]);
    assert_eq!(snapshot.sum("function_calls_total", &[("function", "step"), ("result", "error")]), all / 4.0);
    for generation in 0..GENERATIONS {
        let labels = [("generation", &*generation.to_string())];
        let series = snapshot.series("generation_size_bytes", &labels).unwrap();
        let Value::Histogram(histogram) = &series.value else { panic!("{series:?}") };
        // Of 0 to 19 each as often: 0 and 1 in the first bucket, 17 to 19 in the last.
        let each = u64::from(THREADS * STEPS / 20);
        let expected: Vec<u64> =
            (0..17).map(|bucket| [2, 1, 3][usize::from(bucket > 0) + usize::from(bucket == 16)] * each).collect();
        assert_eq!(histogram.buckets, expected);
        assert_eq!(histogram.sum, f64::from(THREADS * STEPS) * 9.5);
    }
}

fn value(line: &str) -> f64 {
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

fn ask(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

#[test]
fn a_reader_that_stops_reading_holds_up_neither_recording_nor_another_scrape() {
    let telemetry = telemetry::builder().listen("127.0.0.1:0").report(telemetry::Report::Off).max_series(40_000);
    let telemetry = telemetry.init().unwrap();
    let address = telemetry.address().unwrap();
    // 10 MB of text: more than the buffers of a connection take (4 MiB to send), so that the server waits in the middle of it, and so little that
    // an answer for each of the five who ask is within the 64 MiB that slow readers may hold.
    for index in 0..10_000 {
        long_rows_total(&format!("{index:x<1000}")).inc();
    }
    // More of them than snapshots are taken at once. Each has begun to answer, and cannot go on.
    let mut stopped: Vec<TcpStream> = (0..4).map(|_| ask(address)).collect();
    for reader in &mut stopped {
        reader.read_exact(&mut [0; 64]).unwrap();
    }
    let start = Instant::now();
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                // New threads, new series, and old ones.
                for name in 0..1_000 {
                    late_rows_total(thread * 1_000 + name).inc();
                    long_rows_total(&format!("{name:x<1000}")).inc();
                }
            });
        }
    });
    let mut text = String::new();
    ask(address).read_to_string(&mut text).unwrap();
    let rows: f64 = text.lines().filter(|line| line.starts_with("late_rows_total{")).map(value).sum();
    assert_eq!(rows, 4_000.0);
    assert!(text.ends_with('\n'), "the whole answer came");
    // A connection lasts 30 s at most: who waited for those that stopped would have waited for that.
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    for reader in &mut stopped {
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert!(rest.len() > 10_000_000, "{} bytes: the server was still in the middle of it", rest.len());
        // What was recorded since is not in it: the answer is of its moment.
        assert!(!rest.contains("late_rows_total{"));
    }
}
