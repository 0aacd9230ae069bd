//! Starts as its environment says, does what the lines of its standard input say, answers each with a line, and ends with its input.

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use telemetry::{Collection, Collector, Descriptor, Job, Telemetry, backfill_job, measured, metric};

metric! {
    catalog = PUSHED;
    /// Rows of the program.
    counter pushed_rows_total(table: &str, shard: &str);
    /// Seconds of a step of the program.
    histogram pushed_step_seconds() [0.5, 1, 2.5];
}

metric! {
    catalog = SHOWN;
    /// Something that is there at times.
    gauge pushed_visible_ratio();
}

static SHOWS: AtomicBool = AtomicBool::new(true);

struct AtTimes;

impl Collector for AtTimes {
    fn describe(&self) -> &[Descriptor] {
        SHOWN
    }

    fn collect(&self, out: &mut Collection) {
        if SHOWS.load(Relaxed) {
            out.gauge(&pushed_visible_ratio::DESCRIPTOR, &[], 0.5);
        }
    }
}

struct Hangs;

impl Collector for Hangs {
    fn describe(&self) -> &[Descriptor] {
        &[]
    }

    fn collect(&self, _: &mut Collection) {
        std::thread::sleep(Duration::from_secs(600));
    }
}

#[backfill_job(name = "nightly")]
fn nightly(job: &Job, is_well: bool) -> Result<(), String> {
    job.advance(1);
    if is_well { Ok(()) } else { Err("the source is down".to_owned()) }
}

#[measured]
fn step(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn main() -> ExitCode {
    let telemetry = match telemetry::init() {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = telemetry::register(AtTimes) {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    match telemetry.address() {
        Some(address) => println!("serving {address}"),
        None => println!("serving nothing"),
    }
    let mut telemetry = Some(telemetry);
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        println!("{}", obey(&line.split(' ').collect::<Vec<_>>(), &mut telemetry));
    }
    let start = Instant::now();
    drop(telemetry);
    println!("ended {}", start.elapsed().as_millis());
    ExitCode::SUCCESS
}

fn obey(words: &[&str], telemetry: &mut Option<Telemetry>) -> String {
    match *words {
        ["add", table, n] => pushed_rows_total(table, "own").add(n.parse().unwrap_or(0)),
        ["many", n] => {
            (0..n.parse().unwrap_or(0)).for_each(|table: u32| pushed_rows_total(&table.to_string(), "many").inc())
        }
        ["observe", seconds] => pushed_step_seconds().observe(seconds.parse().unwrap_or(f64::NAN)),
        ["step", milliseconds] => step(milliseconds.parse().unwrap_or(0)),
        // How it ends is asked for.
        ["job", how] => drop(nightly(how == "ok")),
        ["hide"] => SHOWS.store(false, Relaxed),
        ["hang"] => return format!("{:?}", telemetry::register(Hangs)),
        ["value", family] => return telemetry::snapshot().sum(family, &[]).to_string(),
        // A family, and one of its labels' values.
        ["value", family, label, value] => return telemetry::snapshot().sum(family, &[(label, value)]).to_string(),
        ["flush", milliseconds] => {
            let (start, deadline) = (Instant::now(), Duration::from_millis(milliseconds.parse().unwrap_or(0)));
            let taken = telemetry.as_ref().is_some_and(|telemetry| telemetry.flush_within(deadline));
            return format!("{taken} {}", start.elapsed().as_millis());
        }
        ["fork"] => return fork(telemetry),
        _ => return format!("what is {words:?}?"),
    }
    "done".to_owned()
}

/// A child that flushes and drops the guard, as one that returns from `main` does.
#[cfg(unix)]
fn fork(telemetry: &mut Option<Telemetry>) -> String {
    // SAFETY: the child calls what may be called after a fork of a program with threads on glibc, whose allocator survives it.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let taken = telemetry.as_ref().is_some_and(|telemetry| telemetry.flush_within(Duration::from_secs(5)));
        drop(telemetry.take());
        // SAFETY: ends this process at once, without what its parent would clean up.
        unsafe { libc::_exit(if taken { 7 } else { 8 }) };
    }
    let mut status = 0;
    // SAFETY: the child is ours, and the status lives.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    format!("child {}", libc::WEXITSTATUS(status))
}
