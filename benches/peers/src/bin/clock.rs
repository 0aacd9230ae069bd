//! Does our clock keep the system's time?
//!
//! A measured function sleeps, and reads the system's clocks when it begins and before it ends. Its duration, as our histogram has it, is
//! compared with theirs: `clock [SECONDS]`, 60 unless said, in six parts. It fails where the drift from the monotonic clock is 0.1 % or more.
//! It uses next to no processor, so it can run beside other things.

use std::process::ExitCode;
use std::time::Duration;
use telemetry::{measured, testing};

/// What is allowed, as a share.
const MOST: f64 = 1e-3;
const PARTS: u32 = 6;

/// The system's clocks: without and with the corrections that it makes to the counter's pace, and the time of day.
const CLOCKS: [(&str, libc::clockid_t); 3] = [
    ("`CLOCK_MONOTONIC`", libc::CLOCK_MONOTONIC),
    ("`CLOCK_MONOTONIC_RAW`", libc::CLOCK_MONOTONIC_RAW),
    ("`CLOCK_REALTIME`", libc::CLOCK_REALTIME),
];

/// Nanoseconds of each clock.
fn read() -> [i64; 3] {
    CLOCKS.map(|(name, clock)| {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a timespec that lives through the call.
        let failed = unsafe { libc::clock_gettime(clock, &raw mut time) } != 0;
        assert!(!failed, "the system has no {name}");
        time.tv_sec * 1_000_000_000 + time.tv_nsec
    })
}

/// The readings lie within what is measured: some microseconds of what ours sees are outside, where the thread's CPU time is read.
#[inline(never)]
#[measured]
fn nap(time: Duration) -> [i64; 3] {
    let start = read();
    std::thread::sleep(time);
    let end = read();
    [0, 1, 2].map(|clock: usize| end[clock] - start[clock])
}

/// Seconds that our histogram has.
fn ours() -> Option<f64> {
    let snapshot = testing::snapshot();
    let series = snapshot.series("function_calls_duration_seconds", &[("function", "nap"), ("result", "ok")])?;
    match &series.value {
        telemetry::snapshot::Value::Exponential(histogram) => Some(histogram.sum),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of some minutes")]
fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}

fn compare(part: Duration) -> Result<(), String> {
    let snapshot = testing::snapshot();
    let source = snapshot.family("telemetry_clock_info").and_then(|family| family.series.first()?.label("source"));
    println!("Our clock: `{}`; parts per million by which it is ahead of the system's.\n", source.unwrap_or("unknown"));
    println!("| seconds | {} |\n|---:|---:|---:|---:|", CLOCKS.map(|(name, _)| name).join(" | "));
    // The first call makes what later ones use, and takes a while for it.
    nap(Duration::ZERO);
    let not_ours = "the registry does not show the function's duration";
    let before = ours().ok_or(not_ours)?;
    let mut total = [0; 3];
    let mut drift = [f64::NAN; 3];
    for _ in 0..PARTS {
        let took = nap(part);
        total = [0, 1, 2].map(|clock: usize| total[clock] + took[clock]);
        let ours = ours().ok_or(not_ours)? - before;
        drift = total.map(|system| ours / seconds(system) - 1.0);
        let shown = drift.map(|drift| format!("{:.2}", drift * 1e6));
        println!("| {:.1} | {} |", ours, shown.join(" | "));
    }
    println!();
    if drift[0].abs() < MOST {
        return Ok(());
    }
    Err(format!("our clock is {:.4} % off {}; at most {} %", drift[0] * 100.0, CLOCKS[0].0, MOST * 100.0))
}

fn main() -> ExitCode {
    let word = std::env::args().nth(1).unwrap_or_else(|| "60".to_owned());
    let done = match word.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(time) if !time.is_zero() => compare(time / PARTS),
        _ => Err(format!("{word:?} is not understood; clock takes a number of seconds")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("clock: {error}");
            ExitCode::FAILURE
        }
    }
}
