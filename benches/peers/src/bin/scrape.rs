//! What a scrape costs beside the crates that do the same:
//! - `scrape [ROUNDS]`: 1,000, 10,000 and 100,000 series;
//! - `scrape threads SCALE ROUNDS`: what more threads that recorded cost it;
//! - `scrape recording [ROUNDS]`: what scrapes cost two threads that record;
//! - `scrape one NAME SCALE TIMES [THREADS]`: one contestant alone, for an instruction counter.
//!
//! In each round every contestant is scraped once, starting at another one each time. Shown are medians and quartiles over the rounds, and of
//! the ratios within a round.

use peers::contest::Spread;
use peers::machine::{self, Used};
use peers::scrape::{self, Scrape};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Series a scale has, and how many of them are counters.
const SCALES: [(&str, u32); 3] = [("1k", 500), ("10k", 5_000), ("100k", 50_000)];
const NAMES: [&str; 3] = ["ours", "`measured` 0.0.25", "`prometheus` 0.14"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let rounds = |word: &str| word.parse().ok().filter(|&rounds: &usize| rounds > 0);
    match words[..] {
        [] => scales(101),
        ["recording"] => recording(101),
        ["one", name, scale, times] => one(name, scale, times, "1"),
        ["one", name, scale, times, threads] => one(name, scale, times, threads),
        ["threads", scale, word] if rounds(word).is_some() => threads(scale, rounds(word).unwrap_or(1)),
        ["recording", word] if rounds(word).is_some() => recording(rounds(word).unwrap_or(1)),
        [word] if rounds(word).is_some() => scales(rounds(word).unwrap_or(1)),
        _ => {
            eprintln!(
                "scrape takes a number of rounds or nothing, `recording` and the same, or `threads`, a scale and a number of rounds"
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// For an instruction counter: one contestant, so many times, after so many threads recorded.
fn one(name: &str, scale: &str, times: &str, threads: &str) {
    let counters = SCALES.iter().find(|(name, _)| *name == scale).map_or(0, |(_, counters)| *counters);
    let mut scrape = Scrape::new();
    scrape.fill(counters);
    let mut idle = Idle { stay: Vec::new(), ended: Vec::new() };
    for _ in 1..threads.parse().unwrap_or(1) {
        idle.add(counters);
    }
    let contestant = NAMES.iter().position(|contestant| contestant.contains(name)).unwrap_or(0);
    for _ in 0..times.parse().unwrap_or(1) {
        turn(&mut scrape, contestant);
    }
}

fn milliseconds<T>(scrape: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    // What it returned is freed within the time: a scrape is over when its answer is gone.
    drop(black_box(scrape()));
    start.elapsed().as_secs_f64() * 1e3
}

fn turn(scrape: &mut Scrape, contestant: usize) -> f64 {
    match contestant {
        0 => milliseconds(|| scrape.ours()),
        1 => milliseconds(|| scrape.measured()),
        _ => milliseconds(|| scrape.prometheus()),
    }
}

/// A contestant's times, and beside them the ratios to the second contestant's of the same round.
fn contest(scrape: &mut Scrape, rounds: usize) -> Vec<(Spread, Spread)> {
    let mut times = [const { Vec::new() }; NAMES.len()];
    for round in 0..rounds + 3 {
        for place in 0..NAMES.len() {
            let contestant = (round + place) % NAMES.len();
            let took = turn(scrape, contestant);
            if round >= 3 {
                times[contestant].push(took);
            }
        }
    }
    let peer = times[1].clone();
    let ratios = |times: &[f64]| times.iter().zip(&peer).map(|(time, peer)| time / peer).collect();
    times.iter().map(|times| (Spread::of(times.clone()), Spread::of(ratios(times)))).collect()
}

fn shown(spread: &Spread) -> String {
    format!("{:.3} ({:.3}–{:.3})", spread.median, spread.low, spread.high)
}

fn scales(rounds: usize) {
    let (start, used) = (Instant::now(), Used::now());
    let pinned = machine::pin(1);
    let mut scrape = Scrape::new();
    println!(
        "| series | contestant | ms | / `measured` | lines of both families | bytes |\n|---|---|---:|---:|---:|---:|"
    );
    for (scale, counters) in SCALES {
        scrape.fill(counters);
        let texts = [scrape.ours().into_bytes(), scrape.measured().as_ref().to_vec(), scrape.prometheus()];
        let lines = texts.each_ref().map(|text| scrape::shared_lines(text));
        assert!(lines.iter().all(|&count| count == lines[0]), "{scale}: {lines:?} lines");
        for (index, (time, ratio)) in contest(&mut scrape, rounds).iter().enumerate() {
            let (name, lines, bytes) = (NAMES[index], lines[index], texts[index].len());
            println!("| {scale} | {name} | {} | {} | {lines} | {bytes} |", shown(time), shown(ratio));
        }
    }
    let (others, stolen) = Used::now().shares_since(&used, start.elapsed());
    println!(
        "\n{rounds} rounds; pinned: {pinned}; meanwhile other programs used {:.0} % of one processor, and the hypervisor kept {:.1} %",
        others * 100.0,
        stolen * 100.0
    );
}

/// Threads that recorded and are still there.
struct Idle {
    stay: Vec<mpsc::Sender<()>>,
    ended: Vec<std::thread::JoinHandle<()>>,
}

impl Idle {
    fn add(&mut self, counters: u32) {
        let (stay, until) = mpsc::channel::<()>();
        let (tell, recorded) = mpsc::channel();
        self.ended.push(std::thread::spawn(move || {
            scrape::record_on_this_thread(counters);
            let _ = tell.send(());
            // Until the other end is dropped.
            let _ = until.recv();
        }));
        self.stay.push(stay);
        let _ = recorded.recv();
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.stay.clear();
        for thread in self.ended.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What threads add: the same series, recorded by more and more of them. The peer in between is the measure, since the machine's pace changes.
/// One scale in a program, since shards remain when their threads have ended.
fn threads(scale: &str, rounds: usize) {
    machine::pin(1);
    let mut scrape = Scrape::new();
    let counters = SCALES.iter().find(|(name, _)| *name == scale).map_or(0, |(_, counters)| *counters);
    scrape.fill(counters);
    println!("| series | threads | ms | / `measured` | more per thread |\n|---|---:|---:|---:|---:|");
    let mut idle = Idle { stay: Vec::new(), ended: Vec::new() };
    let mut alone = f64::NAN;
    for count in [1, 2, 4, 8, 16, 32, 64] {
        while idle.ended.len() + 1 < count {
            idle.add(counters);
        }
        let all = contest(&mut scrape, rounds);
        let (time, ratio) = &all[0];
        let more = if count == 1 {
            alone = time.median;
            String::new()
        } else {
            #[expect(clippy::cast_precision_loss, reason = "a few threads")]
            let more = (time.median / alone - 1.0) / (count - 1) as f64;
            format!("{:.1} %", more * 100.0)
        };
        println!("| {scale} | {count} | {} | {} | {more} |", shown(time), shown(ratio));
    }
}

/// How long two threads record in a turn.
const TURN: Duration = Duration::from_millis(50);

/// What scrapes cost those who record meanwhile. A turn without scrapes, one with a scrape every 10 ms, and one with scrapes that follow each
/// other, in turns. On two processors the scraper takes its share of them in any case: what counts is the recorders' own CPU time for a record.
fn recording(rounds: usize) {
    let mut scrape = Scrape::new();
    scrape.fill(500);
    let ways: [(&str, Option<Duration>); 3] = [
        ("none", None),
        ("every 10 ms", Some(Duration::from_millis(10))),
        ("one after the other", Some(Duration::ZERO)),
    ];
    let mut times = [const { Vec::new() }; 3];
    for round in 0..=rounds {
        for place in 0..ways.len() {
            let way = (round + place) % ways.len();
            let time = record_for_a_turn(&mut scrape, ways[way].1);
            if round > 0 {
                times[way].push(time);
            }
        }
    }
    println!("| scrapes meanwhile | CPU ns a record, 2 threads | / none |\n|---|---:|---:|");
    for ((way, _), of) in ways.iter().zip(&times) {
        let ratios = of.iter().zip(&times[0]).map(|(time, none)| time / none).collect();
        println!("| {way} | {} | {} |", shown(&Spread::of(of.clone())), shown(&Spread::of(ratios)));
    }
}

fn record_for_a_turn(scrape: &mut Scrape, pause: Option<Duration>) -> f64 {
    let until = Instant::now() + TURN;
    std::thread::scope(|scope| {
        let recorders = [0, 1].map(|processor| {
            scope.spawn(move || {
                machine::pin(processor);
                let handles = scrape::handles(500);
                let (mut records, start) = (0u32, machine::thread_cpu());
                while Instant::now() < until {
                    records += scrape::record(&handles);
                }
                (machine::thread_cpu() - start).as_secs_f64() * 1e9 / f64::from(records)
            })
        });
        if let Some(pause) = pause {
            while Instant::now() < until {
                drop(black_box(scrape.ours()));
                std::thread::sleep(pause);
            }
        }
        recorders.map(|recorder| recorder.join().unwrap_or(f64::NAN)).iter().sum::<f64>() / 2.0
    })
}
