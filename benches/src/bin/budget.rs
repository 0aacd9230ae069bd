//! Is the overhead budget kept, and are the sums right that are made within it?
//!
//! `budget overhead` starts a program of functions of 100 ns, 10 µs and 10 ms again and again, in turns without probes and at 1 %, and compares
//! the CPU time: what is added must stay below 1.5 %. `budget precision` has functions of 10 µs and more run for ten seconds, twenty times each, equal,
//! alternating, periodic and wild, and compares what the library says of their CPU time with the thread's clock: the mean must be within 2 %,
//! 19 of 20 within 5 %. Both start themselves, since a process has one budget. `--quick` shows that they run; then no bar holds.

use std::hint::black_box;
use std::process::{Command, ExitCode};
use telemetry::measured;
use telemetry_benches::work;

/// What `work` takes, in ns: the sizes below are so many of it.
const WORK: u64 = 7;

fn spin(nanoseconds: u64) -> u64 {
    (0..nanoseconds.div_ceil(WORK)).fold(1, |x, _| work(x))
}

#[inline(never)]
#[measured]
fn takes_100_ns() -> u64 {
    spin(100)
}

#[inline(never)]
#[measured]
fn takes_10_us() -> u64 {
    spin(10_000)
}

#[inline(never)]
#[measured]
fn takes_10_ms() -> u64 {
    spin(10_000_000)
}

#[inline(never)]
#[measured]
fn takes(nanoseconds: u64) -> u64 {
    spin(nanoseconds)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let quick = arguments.contains(&"--quick");
    let number = |index: usize| arguments.get(index).and_then(|text| text.parse().ok()).unwrap_or(0);
    let kept = match arguments.first().copied() {
        Some("overhead") => overhead(quick),
        Some("precision") => precision(quick),
        Some("program") => program(number(1)),
        Some("run") => run(arguments.get(1).copied().unwrap_or_default(), number(2), number(3), number(4)),
        _ => {
            eprintln!("budget takes `overhead` or `precision`, and `--quick`");
            return ExitCode::from(2);
        }
    };
    if kept || quick { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

// ---- overhead -----------------------------------------------------------------------------------------------------

fn overhead(quick: bool) -> bool {
    let (turns, rounds) = if quick { (3, 1) } else { (41, 20) };
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for turn in 0..turns {
        // Who begins changes, so that neither always follows the other.
        for budget in if turn % 2 == 0 { ["0", "1%"] } else { ["1%", "0"] } {
            let seconds = child(budget, &["program", &rounds.to_string()]);
            if budget == "0" { &mut without } else { &mut with }.extend(seconds.first());
        }
    }
    println!("| CPU seconds of {rounds} rounds | least | lower quartile | median |");
    println!("|---|---:|---:|---:|");
    let (without, with) = (quantiles(without), quantiles(with));
    println!("| timing alone (budget 0) | {:.4} | {:.4} | {:.4} |", without[0], without[1], without[2]);
    println!("| all probes at 1 % | {:.4} | {:.4} | {:.4} |", with[0], with[1], with[2]);
    let added = [0, 1, 2].map(|which| (with[which] / without[which] - 1.0) * 100.0);
    println!("| added | {:.2} % | {:.2} % | {:.2} % |", added[0], added[1], added[2]);
    // The lower quartile: what others do on the machine adds to a turn, and never takes from it.
    let kept = added[1] < 1.5;
    println!("\nAt most 1.5 % are to be added: {}", if kept { "kept" } else { "NOT KEPT" });
    kept
}

/// Each size gets the same time.
fn program(rounds: u64) -> bool {
    let telemetry = telemetry::builder().listen("off").report(telemetry::Report::Off).init();
    let start = cpu_seconds();
    for _ in 0..rounds {
        black_box(takes_10_ms());
        for _ in 0..1_000 {
            black_box(takes_10_us());
        }
        for _ in 0..100_000 {
            black_box(takes_100_ns());
        }
    }
    println!("{}", cpu_seconds() - start);
    telemetry.is_ok()
}

// ---- precision ----------------------------------------------------------------------------------------------------

fn precision(quick: bool) -> bool {
    let (runs, milliseconds) = if quick { (2, 200) } else { (20, 10_000) };
    println!("| functions | mean of {runs} runs | standard deviation | told | beyond 5 % | read | |");
    println!("|---|---:|---:|---:|---:|---:|---|");
    let mut all_kept = true;
    for (shape, mean) in
        [("equal", 10_000), ("alternating", 10_000), ("periodic", 10_000), ("wild", 10_000), ("wild", 100_000)]
    {
        let mut ratios = Vec::new();
        let (mut told, mut read) = (0.0, 0.0);
        for seed in 0..runs {
            let arguments = ["run", shape, &mean.to_string(), &milliseconds.to_string(), &seed.to_string()];
            if let [ratio, error, share] = child("1%", &arguments)[..] {
                ratios.push(ratio);
                told += error / f64::from(runs);
                read += share / f64::from(runs);
            }
        }
        let average = ratios.iter().sum::<f64>() / ratios.len() as f64;
        let deviation =
            (ratios.iter().map(|ratio| (ratio - average).powi(2)).sum::<f64>() / ratios.len() as f64).sqrt();
        let beyond = ratios.iter().filter(|ratio| (*ratio - 1.0).abs() > 0.05).count();
        let kept = (average - 1.0).abs() < 0.02 && beyond <= 1 && ratios.len() == runs as usize;
        all_kept &= kept;
        println!(
            "| {shape}, {mean} ns | {average:.4} | {:.2} % | {:.2} % | {beyond} | 1 in {:.1} | {} |",
            deviation * 100.0,
            told * 100.0,
            1.0 / read,
            if kept { "kept" } else { "NOT KEPT" }
        );
    }
    all_kept
}

/// Runs one shape for a while, and says what the library told of its CPU time over what the thread's clock did.
fn run(shape: &str, mean: u64, milliseconds: u64, seed: u64) -> bool {
    let Ok(_telemetry) = telemetry::builder().listen("off").report(telemetry::Report::Off).init() else {
        return false;
    };
    let sizes = sizes(shape, mean, seed);
    let start = cpu_seconds();
    let mut calls = 0;
    while cpu_seconds() - start < milliseconds as f64 / 1e3 {
        // As many as a look at the clock is cheap beside.
        for _ in 0..100 {
            black_box(takes(sizes[calls % sizes.len()]));
            calls += 1;
        }
    }
    let all = cpu_seconds() - start;
    let snapshot = telemetry::snapshot();
    // What measuring took is in the thread's time, and not in the function's.
    let truth = all - snapshot.sum("telemetry_overhead_seconds_total", &[]);
    let function = [("function", "takes")];
    let cpu = snapshot.sum("function_cpu_seconds_total", &function);
    let probe = [("function", "takes"), ("probe", "cpu")];
    let error = snapshot.sum("function_probe_standard_error_ratio", &probe);
    let read = snapshot.sum("function_probe_sampling_ratio", &probe);
    println!("{} {error} {read}", cpu / truth);
    true
}

/// Sizes in ns, over and over again. `wild` is lognormal with a coefficient of variation of 3.
fn sizes(shape: &str, mean: u64, seed: u64) -> Vec<u64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) + 1) as f64 / (1u64 << 53) as f64
    };
    let sigma = 10f64.ln().sqrt();
    let mut wild = || {
        let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        (mean as f64 * (sigma * normal - sigma * sigma / 2.0).exp()) as u64
    };
    match shape {
        "alternating" => vec![mean / 10, mean * 19 / 10],
        "periodic" => (0..16).map(|n| if n == 0 { mean * 17 / 2 } else { mean / 2 }).collect(),
        "wild" => (0..100_003).map(|_| wild()).collect(),
        _ => vec![mean],
    }
}

// ---- both ---------------------------------------------------------------------------------------------------------

/// The numbers that this program prints when it is started with a budget.
fn child(budget: &str, arguments: &[&str]) -> Vec<f64> {
    let program = std::env::current_exe().unwrap_or_default();
    let output = Command::new(program).args(arguments).env("TELEMETRY_OVERHEAD_BUDGET", budget).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Least, lower quartile and median.
fn quantiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [0, 1, 2].map(|quarter| values.get(values.len() * quarter / 4).copied().unwrap_or(f64::NAN))
}

/// CPU seconds of this thread.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to the timespec that it is given, which lives.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
