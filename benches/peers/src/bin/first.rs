//! What does the first call cost, of a call site and on a thread?
//!
//! A first call happens once, so this starts itself again and again: with the overhead budget as it is unless set (1 %), with none, and with
//! nothing measured, which is what a first call costs in any case. A figure is what a first call took more than later ones, in the median of the
//! sites or threads of a process; shown are median and quartiles over the processes. `first [PROCESSES]`, 9 unless said.

use peers::contest::Spread;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use telemetry::measured;

#[global_allocator]
static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();

type Call = fn(u64) -> u64;

/// So many functions, measured and bare, none of which was called before.
macro_rules! functions {
    ($($name:ident)*) => {
        mod measured_functions {
            $(
                #[inline(never)]
                #[telemetry::measured]
                pub(super) fn $name(x: u64) -> u64 {
                    super::black_box(x + 1)
                }
            )*
        }
        mod bare_functions {
            $(
                #[inline(never)]
                pub(super) fn $name(x: u64) -> u64 {
                    super::black_box(x + 1)
                }
            )*
        }
        static MEASURED: &[Call] = &[$(measured_functions::$name),*];
        static BARE: &[Call] = &[$(bare_functions::$name),*];
    };
}

functions! {
    f000 f001 f002 f003 f004 f005 f006 f007 f008 f009 f010 f011 f012 f013 f014 f015 f016 f017 f018 f019
    f020 f021 f022 f023 f024 f025 f026 f027 f028 f029 f030 f031 f032 f033 f034 f035 f036 f037 f038 f039
    f040 f041 f042 f043 f044 f045 f046 f047 f048 f049 f050 f051 f052 f053 f054 f055 f056 f057 f058 f059
    f060 f061 f062 f063 f064 f065 f066 f067 f068 f069 f070 f071 f072 f073 f074 f075 f076 f077 f078 f079
    f080 f081 f082 f083 f084 f085 f086 f087 f088 f089 f090 f091 f092 f093 f094 f095 f096 f097 f098 f099
    f100 f101 f102 f103 f104 f105 f106 f107 f108 f109 f110 f111 f112 f113 f114 f115 f116 f117 f118 f119
    f120 f121 f122 f123 f124 f125 f126 f127 f128 f129 f130 f131 f132 f133 f134 f135 f136 f137 f138 f139
    f140 f141 f142 f143 f144 f145 f146 f147 f148 f149 f150 f151 f152 f153 f154 f155 f156 f157 f158 f159
    f160 f161 f162 f163 f164 f165 f166 f167 f168 f169 f170 f171 f172 f173 f174 f175 f176 f177 f178 f179
    f180 f181 f182 f183 f184 f185 f186 f187 f188 f189 f190 f191 f192 f193 f194 f195 f196 f197 f198 f199
}

/// Called on every thread, and by this one beforehand.
#[inline(never)]
#[measured]
fn everywhere(x: u64) -> u64 {
    black_box(x + 1)
}

#[inline(never)]
fn bare_everywhere(x: u64) -> u64 {
    black_box(x + 1)
}

/// Threads in a process.
const THREADS: usize = 300;
/// Calls after the first.
const LATER: usize = 32;

/// What the first call took more than the second one, and more than the quickest of those that follow, in nanoseconds. The second may still
/// have readings to pay that the first had too.
fn first(call: Call) -> [f64; 2] {
    let call = black_box(call);
    let mut times = [0.0; 1 + LATER];
    for time in &mut times {
        let start = Instant::now();
        black_box(call(1));
        *time = start.elapsed().as_secs_f64() * 1e9;
    }
    let quickest = times[1..].iter().copied().fold(f64::INFINITY, f64::min);
    [times[0] - times[1], times[0] - quickest]
}

/// The medians of both.
fn medians(times: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|which| Spread::of(times.iter().map(|both: &[f64; 2]| both[which]).collect()).median)
}

fn sites(calls: &[Call]) -> [f64; 2] {
    medians(&calls.iter().map(|call| first(*call)).collect::<Vec<_>>())
}

/// A thread that makes the two calls, after `before`, and then waits until its line is cut.
fn started(call: Call, before: fn(), tell: &Sender<[f64; 2]>) -> (Sender<()>, JoinHandle<()>) {
    let (line, until) = channel::<()>();
    let tell = tell.clone();
    let thread = thread::spawn(move || {
        before();
        let _ = tell.send(first(call));
        let _ = until.recv();
    });
    (line, thread)
}

/// Threads one after the other. Where they stay, none finds anything that another left; else each takes over what the last one had.
fn threads(call: Call, before: fn(), stay: bool) -> [f64; 2] {
    let (tell, told): (Sender<[f64; 2]>, Receiver<[f64; 2]>) = channel();
    let mut waiting = Vec::new();
    let mut times = Vec::new();
    for _ in 0..THREADS {
        waiting.push(started(call, before, &tell));
        times.extend(told.recv());
        if !stay {
            end(&mut waiting);
        }
    }
    end(&mut waiting);
    medians(&times)
}

fn end(waiting: &mut Vec<(Sender<()>, JoinHandle<()>)>) {
    for (line, thread) in waiting.drain(..) {
        drop(line);
        // One that panicked has told no time.
        let _ = thread.join();
    }
}

/// The C library makes room for a thread at the first allocation that the thread makes.
fn allocate() {
    black_box(Vec::<u8>::with_capacity(64));
}

/// What is asked, and the most nanoseconds that it may take, where there is a bar.
const ROWS: [(&str, Option<f64>); 4] = [
    ("a call site's first call", Some(2_000.0)),
    ("a new thread's first call", Some(5_000.0)),
    ("the same, of a thread that has not allocated", None),
    ("the same, after a thread that ended", None),
];
/// What the overhead budget is, or that nothing is measured.
const WAYS: [&str; 3] = ["1 % (default)", "0", "not measured"];

/// Two figures, in a process of its own.
fn one(row: usize, way: usize) -> Result<[f64; 2], String> {
    let builder = telemetry::builder().report(telemetry::Report::Off);
    let builder = if way == 1 { builder.overhead_budget(0.0) } else { builder };
    let _telemetry = builder.init().map_err(|error| error.to_string())?;
    let (functions, call): (&[Call], Call) = if way == 2 { (BARE, bare_everywhere) } else { (MEASURED, everywhere) };
    for _ in 0..10_000 {
        black_box(call(1));
    }
    Ok(match row {
        0 => sites(functions),
        1 => threads(call, allocate, true),
        2 => threads(call, || (), true),
        _ => threads(call, allocate, false),
    })
}

fn start(row: usize, way: usize) -> Result<[f64; 2], String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot tell where this program lies: {error}"))?;
    let output = Command::new(&own).args(["one", &row.to_string(), &way.to_string()]).output();
    let output = output.map_err(|error| format!("cannot start {}: {error}", own.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let both = <[f64; 2]>::try_from(figures);
    both.map_err(|_| format!("it failed: {}{text}", String::from_utf8_lossy(&output.stderr)))
}

fn all(processes: usize) -> Result<(), String> {
    let mut figures = [const { [const { Vec::new() }; WAYS.len()] }; ROWS.len()];
    for _ in 0..processes {
        for (row, ways) in figures.iter_mut().enumerate() {
            for (way, figures) in ways.iter_mut().enumerate() {
                figures.push(start(row, way)?);
            }
        }
    }
    let show = |figures: &[[f64; 2]]| {
        let [second, later] =
            [0, 1].map(|which| Spread::of(figures.iter().map(|both: &[f64; 2]| both[which]).collect()));
        format!("{:.0} ({:.0}–{:.0}); {:.0}", later.median, later.low, later.high, second.median)
    };
    println!("| first call, ns | budget {} | budget {} | {} | at most |", WAYS[0], WAYS[1], WAYS[2]);
    println!("|---|---:|---:|---:|---:|");
    for ((what, most), ways) in ROWS.iter().zip(figures) {
        let most = most.map_or(String::new(), |most| most.to_string());
        println!("| {what} | {} | {most} |", ways.map(|figures| show(&figures)).join(" | "));
    }
    println!("\nMore than the quickest of the next {LATER} calls (quartiles); more than the second one.");
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse::<usize>().ok();
    let done = match words[..] {
        [] => all(9),
        ["one", row, way] => match (number(row), number(way)) {
            (Some(row), Some(way)) => one(row, way).map(|[second, later]| println!("{second} {later}")),
            _ => Err(format!("{words:?} names no figure")),
        },
        [processes] if number(processes).is_some_and(|count| count > 0) => all(number(processes).unwrap_or(1)),
        _ => Err(format!("{words:?} is not understood; first takes a number of processes, or nothing")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("first: {error}");
            ExitCode::FAILURE
        }
    }
}
