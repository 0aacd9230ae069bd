//! Runs a job that waits for signals, as its first argument says, and tells on standard output what it sees.

use signal_hook::consts::SIGINT;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::{Job, backfill_job};

/// Longer than any test waits: a program that nobody ends must still end.
const LONG: Duration = Duration::from_secs(60);

fn wait_until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() && start.elapsed() < LONG {
        thread::sleep(Duration::from_millis(5));
    }
}

#[backfill_job(total = 1_000, unit = "days")]
fn listens(job: &Job) {
    println!("started");
    job.advance(3);
    wait_until(|| job.is_cancelled());
}

#[backfill_job(total = 1_000, unit = "days")]
async fn awaits(job: &Job) -> Result<(), &'static str> {
    println!("started");
    tokio::time::timeout(LONG, job.cancelled()).await.map_err(|_| "nobody asked")
}

#[backfill_job(total = 3, unit = "days")]
fn finishes(job: &Job) {
    println!("started");
    wait_until(|| job.is_cancelled());
    job.advance(3);
}

#[backfill_job]
fn is_deaf(_: &Job) {
    println!("started");
    thread::sleep(LONG);
}

#[backfill_job]
fn ends_at_once(_: &Job) {}

fn say_result() {
    let jobs = telemetry::snapshot().jobs;
    println!("{}", jobs.last().and_then(|job| job.result).unwrap_or("running"));
}

/// Counts a signal in a way of its own, as a program may that knows nothing of jobs.
fn handle(seen: &Arc<AtomicUsize>) {
    let seen = seen.clone();
    // SAFETY: an atomic addition is async-signal-safe.
    let handler = unsafe {
        signal_hook::low_level::register(SIGINT, move || {
            seen.fetch_add(1, SeqCst);
        })
    };
    handler.expect("a handler");
}

#[backfill_job]
fn handles_meanwhile(job: &Job, seen: &Arc<AtomicUsize>) {
    handle(seen);
    println!("started");
    wait_until(|| job.is_cancelled());
}

fn say_seen(seen: &AtomicUsize, expected: usize) {
    wait_until(|| seen.load(SeqCst) >= expected);
    println!("seen {}", seen.load(SeqCst));
}

#[tokio::main]
async fn main() -> ExitCode {
    let seen = Arc::new(AtomicUsize::new(0));
    match std::env::args().nth(1).as_deref() {
        Some("listens") => listens(),
        Some("awaits") => drop(awaits().await),
        Some("finishes") => finishes(),
        Some("is-deaf") => is_deaf(),
        Some("ends-at-once") => {
            ends_at_once();
            println!("started");
            thread::sleep(LONG);
        }
        Some("handled-before") => {
            handle(&seen);
            listens();
            say_seen(&seen, 1);
            say_seen(&seen, 2);
        }
        Some("handled-meanwhile") => {
            handles_meanwhile(&seen);
            say_seen(&seen, 1);
            say_seen(&seen, 2);
            listens();
        }
        _ => return ExitCode::from(2),
    }
    say_result();
    ExitCode::SUCCESS
}
