//! Does a comparison of runs find one function of fifty that got 10 % slower, and does it leave equal code alone?
//!
//! A run is a process of its own: this program, started again, which calls each of fifty functions of some 25 µs 150 times and keeps its run by `TELEMETRY_HISTORY`. Runs
//! of baseline and head take turns, so that what the machine does in one minute is done to both.
//!
//! - `planted`: ten runs each, the head with one function that does a tenth more; how often it is found, and what else is claimed, in so many repetitions.
//! - `equal`: so many comparisons of ten runs with ten others of the same code, each with runs of its own; how many claim any change.
//!
//! `cargo run --release -p telemetry-benches --features history --bin compare -- planted 10`, `… equal 100`

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use telemetry::history::History;
use telemetry::history::compare::{Comparison, Options, Subject, Verdict};
use telemetry::measured;

const RUNS: usize = 10;
const CALLS: u32 = 150;
/// Steps of work: some 25 µs.
const STEPS: u64 = 20_000;
const SLOWED: &str = "f17";

fn work(steps: u64) -> u64 {
    (0..steps).fold(1u64, |state, step| black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step)))
}

macro_rules! functions {
    ($($name:ident)*) => {
        $(#[measured] fn $name(steps: u64) -> u64 { work(steps) })*
        const ALL: &[(&str, fn(u64) -> u64)] = &[$((stringify!($name), $name)),*];
    };
}
functions! {
    f00 f01 f02 f03 f04 f05 f06 f07 f08 f09 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 f20 f21 f22 f23 f24
    f25 f26 f27 f28 f29 f30 f31 f32 f33 f34 f35 f36 f37 f38 f39 f40 f41 f42 f43 f44 f45 f46 f47 f48 f49
}

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["child", percent] => child(percent.parse()?),
        ["planted", times] => planted(times.parse()?),
        ["equal", times] => equal(times.parse()?),
        _ => Err("write `planted 10` or `equal 100`".into()),
    }
}

fn child(percent: u64) -> Result<(), Failed> {
    let _telemetry = telemetry::init()?;
    for _ in 0..CALLS {
        for (name, function) in ALL {
            let more = if *name == SLOWED { STEPS * percent / 100 } else { 0 };
            black_box(function(STEPS + more));
        }
    }
    Ok(())
}

fn run(file: &Path, percent: &str) -> Result<(), Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["child", percent]).env("TELEMETRY_HISTORY", file);
    let status = command.env("TELEMETRY_LISTEN", "off").env("TELEMETRY_REPORT", "off").status()?;
    if status.success() { Ok(()) } else { Err(format!("a run ended with {status}").into()) }
}

/// Runs both sides by turns, each side first every other time, and compares them.
fn compared(folder: &Path, percent: &str) -> Result<Comparison, Failed> {
    let files = [folder.join("baseline.jsonl"), folder.join("head.jsonl")];
    let mut lots = Vec::new();
    for turn in 0..RUNS {
        let mut sides = [(&files[0], "0"), (&files[1], percent)];
        sides.rotate_left(turn % 2);
        sides.iter().try_for_each(|(file, percent)| run(file, percent))?;
    }
    for file in &files {
        let history = History::open(file)?;
        lots.push(history.read(&history.runs()?)?);
        std::fs::remove_file(file)?;
    }
    Ok(Comparison::of(&lots[0], &lots[1], &Options::default()))
}

fn folder() -> Result<PathBuf, Failed> {
    let folder = std::env::temp_dir().join(format!("telemetry-compare-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn planted(times: usize) -> Result<(), Failed> {
    let folder = folder()?;
    let (mut found, mut others) = (0, 0);
    for time in 1..=times {
        let comparison = compared(&folder, "10")?;
        let is_planted = |subject: &Subject| matches!(subject, Subject::Function(_, name) if name == SLOWED);
        let claims = comparison.changes.iter().filter(|change| change.verdict != Verdict::Same);
        let (right, wrong): (Vec<_>, Vec<_>) = claims.partition(|change| is_planted(&change.subject));
        found += right.len();
        others += wrong.len();
        let of = comparison.changes.iter().find(|change| is_planted(&change.subject));
        let ratio = of.and_then(|change| change.ratio).unwrap_or(0.0);
        let p = of.and_then(|change| change.p_value).unwrap_or(1.0);
        println!("{time}: found {}, ratio {ratio:.3}, p {p:.4}; other claims {}", right.len(), wrong.len());
    }
    std::fs::remove_dir_all(folder)?;
    println!(
        "planted 10 % in one of {}: found in {found} of {times} comparisons of {RUNS} with {RUNS} runs; {others} other claims",
        ALL.len()
    );
    Ok(())
}

fn equal(times: usize) -> Result<(), Failed> {
    let folder = folder()?;
    let mut wolves = 0;
    for time in 1..=times {
        let comparison = compared(&folder, "0")?;
        let claims: Vec<_> = comparison.changes.iter().filter(|change| change.verdict != Verdict::Same).collect();
        wolves += usize::from(!claims.is_empty());
        if !claims.is_empty() || time % 10 == 0 {
            let shown: Vec<String> =
                claims.iter().map(|change| format!("{} {:?}", change.subject, change.ratio)).collect();
            println!("{time}: {wolves} so far; {}", shown.join(", "));
        }
    }
    std::fs::remove_dir_all(folder)?;
    println!(
        "equal code: {wolves} of {times} comparisons of {RUNS} with {RUNS} runs claimed a change in one of {}",
        ALL.len()
    );
    Ok(())
}
