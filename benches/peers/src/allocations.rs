//! What the tracking allocator adds to an allocation.
//!
//! A program has one allocator, so there are two programs that do the same, [`measure`], and [`compare`] starts them in turns.

use crate::contest::Spread;
use crate::machine;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;
use telemetry::{measured, testing};

/// The bytes of one allocation.
const SIZE: usize = 64;
/// 100,000 calls: a millisecond, so that a turn is short beside what disturbs it.
const CALLS: u32 = 100_000;
/// Turns of each kind in one start of a program; the median is what it prints.
const TURNS: usize = 9;

#[inline(never)]
fn allocate(x: u64) -> u64 {
    black_box(Vec::<u8>::with_capacity(SIZE));
    x
}

#[inline(never)]
#[measured]
fn measured_allocation(x: u64) -> u64 {
    allocate(x)
}

#[inline(never)]
fn nothing(x: u64) -> u64 {
    black_box(x)
}

#[inline(never)]
#[measured]
fn measured_nothing(x: u64) -> u64 {
    black_box(x)
}

/// Nanoseconds a call.
fn time(call: impl Fn(u64) -> u64) -> f64 {
    let start = Instant::now();
    let mut x = 1;
    for _ in 0..CALLS {
        x = call(x);
    }
    black_box(x);
    start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

/// The same on two threads at once, each on a processor of its own: the mean of both.
fn time_two(call: impl Fn(u64) -> u64 + Sync) -> f64 {
    let line = Barrier::new(2);
    let (line, call) = (&line, &call);
    let together = move |processor| {
        machine::pin(processor);
        // Awake and warm when both begin.
        time(call);
        line.wait();
        time(call)
    };
    let both = thread::scope(|scope| {
        let threads = [0, 1].map(|processor| scope.spawn(move || together(processor)));
        threads.map(|thread| thread.join().unwrap_or(f64::NAN))
    });
    both.iter().sum::<f64>() / 2.0
}

/// The rows that [`measure`] prints, in its order.
const ROWS: [&str; 4] = [
    "allocate and free 64 bytes",
    "the same, two threads",
    "`#[measured]`, nothing allocated",
    "`#[measured]`, 64 bytes allocated and freed",
];

/// Measures with the allocator of the program that calls it, and prints a figure a line.
///
/// # Panics
/// Where `tracking` is given and the registry does not show every allocation, or shows one where there was none.
pub fn measure(tracking: bool) {
    let mut figures: [Vec<f64>; 4] = Default::default();
    for turn in 0..=TURNS {
        let empty = time(nothing);
        let alone = time(allocate);
        let row = [
            alone - empty,
            time_two(allocate) - empty,
            time(measured_nothing) - empty,
            time(measured_allocation) - alone,
        ];
        if turn > 0 {
            // The first is the warm-up.
            figures.iter_mut().zip(row).for_each(|(figures, figure)| figures.push(figure));
        }
    }
    let calls = f64::from(CALLS) * (TURNS + 1) as f64;
    let value = |name: &str, function: &str| testing::value(name, &[("function", function)]);
    let expected = |count: f64| tracking.then_some(count);
    assert_eq!(value("function_allocations_total", "measured_allocation"), expected(calls));
    assert_eq!(value("function_allocated_bytes_total", "measured_allocation"), expected(calls * SIZE as f64));
    assert_eq!(value("function_allocations_total", "measured_nothing"), expected(0.0));
    for figures in figures {
        println!("{}", Spread::of(figures).median);
    }
}

/// One row of the comparison, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What is done.
    pub name: &'static str,
    /// With the system's allocator.
    pub system: Spread,
    /// With the tracking allocator around it.
    pub tracking: Spread,
    /// What it adds, round by round.
    pub added: Spread,
}

/// Starts both programs in turns; they lie beside this one.
///
/// # Errors
/// A program that cannot be started, or that failed.
pub fn compare(rounds: usize) -> Result<Vec<Row>, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot tell where this program lies: {error}"))?;
    let folder = own.parent().unwrap_or(Path::new("."));
    let mut system: [Vec<f64>; 4] = Default::default();
    let mut tracking: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        for (program, into) in [("allocations-system", &mut system), ("allocations-tracking", &mut tracking)] {
            for (figures, figure) in into.iter_mut().zip(start(&folder.join(program))?) {
                figures.push(figure);
            }
        }
    }
    let rows = ROWS.iter().zip(system).zip(tracking).map(|((name, system), tracking)| {
        let added = tracking.iter().zip(&system).map(|(tracking, system)| tracking - system).collect();
        Row { name, added: Spread::of(added), system: Spread::of(system), tracking: Spread::of(tracking) }
    });
    Ok(rows.collect())
}

fn start(program: &Path) -> Result<Vec<f64>, String> {
    let output = Command::new(program).output();
    let output = output.map_err(|error| format!("cannot start {}: {error}; build all programs", program.display()))?;
    if !output.status.success() {
        return Err(format!("{} failed: {}", program.display(), String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}
