//! Turns, rounds, and what becomes of the figures.
//!
//! A round visits every contestant once, for a few milliseconds on one thread and then on two, starting at another one each time, so
//! that what the machine does meanwhile meets all alike. A contestant's net figure of a round is its time less that of its bare
//! function in the same round; shown are medians and quartiles over the rounds. A turn whose thread lost its processor is taken again.

use crate::machine;
use crate::pair::Pair;
use std::fmt;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often hotpath's worker looks for events is 50 ms: after two such times the last turn's events are worked off.
const DRAIN: Duration = Duration::from_millis(110);

/// Fewer events than hotpath's worker takes in one sweep (65,536), so that its queue does not grow.
const MOST_QUEUED: u64 = 32_000;

/// How often a turn is taken until its thread keeps its processor. On a machine that is always busy none may.
const TRIES: u64 = 5;

/// One way to wrap the function.
pub struct Contestant {
    /// What it is.
    pub name: &'static str,
    /// The name of the bare function that it wraps; its own name where it is bare.
    pub bare: &'static str,
    /// Where to ask how many calls it saw.
    pub seen: Seen,
    turn: Box<dyn Fn(u64) -> Took + Send + Sync>,
    made: AtomicU64,
    queues: bool,
}

/// How a contestant tells how many calls it saw.
#[derive(Clone, Copy)]
pub enum Seen {
    /// It counts nothing.
    Nothing,
    /// It can be asked at any time.
    Ask(fn() -> u64),
    /// It is in hotpath's report, under this name, when hotpath has ended.
    Hotpath(&'static str),
}

impl Contestant {
    /// A contestant whose call is `call`. Each has a loop of its own, into which nothing but the call's wrapper can be inlined.
    pub fn new(
        name: &'static str,
        bare: &'static str,
        seen: Seen,
        call: impl Fn(u64) -> u64 + Send + Sync + 'static,
    ) -> Contestant {
        let turn = Box::new(move |calls| repeat(calls, &call));
        let queues = matches!(seen, Seen::Hotpath(_));
        Contestant { name, bare, seen, turn, made: AtomicU64::new(0), queues }
    }

    /// Makes so many calls on this thread.
    pub fn run(&self, calls: u64) -> Took {
        self.made.fetch_add(calls, Ordering::Relaxed);
        (self.turn)(calls)
    }

    /// How many calls were made, on all threads.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// How many calls take about this long.
    fn calls_in(&self, time: Duration) -> u64 {
        let sample = 1_000;
        self.run(sample);
        let calls = (time.as_nanos() * u128::from(sample)) / self.run(sample).wall.as_nanos().max(1);
        let most = if self.queues { MOST_QUEUED } else { u64::MAX };
        u64::try_from(calls).unwrap_or(most).clamp(100, most)
    }

    /// Lets what a turn left for other threads be done.
    fn rest(&self) {
        if self.queues {
            thread::sleep(DRAIN);
        }
    }
}

impl fmt::Debug for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contestant").field(&self.name).finish()
    }
}

/// What a turn took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// From its start to its end.
    pub wall: Duration,
    /// The part of it that the thread did not run, because another had its processor or because it waited for a lock.
    pub away: Duration,
    /// When it began.
    pub start: Instant,
    /// Of two threads, whether both ran at the same time; true of one.
    pub together: bool,
}

impl Took {
    /// Whether the thread was away for more than a fiftieth of the turn.
    fn is_disturbed(&self) -> bool {
        self.away * 50 > self.wall
    }
}

/// Each call takes what the last one returned, so that calls cannot overlap more than the function's own length.
#[inline(never)]
fn repeat(calls: u64, call: &impl Fn(u64) -> u64) -> Took {
    let (cpu, start) = (machine::thread_cpu(), Instant::now());
    let mut x = 1;
    for _ in 0..calls {
        x = call(x);
    }
    let wall = start.elapsed();
    black_box(x);
    let away = wall.saturating_sub(machine::thread_cpu().saturating_sub(cpu));
    Took { wall, away, start, together: true }
}

/// How long to run.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds that count.
    pub rounds: usize,
    /// A turn's length.
    pub turn: Duration,
}

/// Middle and quarters of a figure over the rounds.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// A quarter of the rounds is not above.
    pub low: f64,
    /// Half of the rounds is not above.
    pub median: f64,
    /// Three quarters of the rounds are not above.
    pub high: f64,
}

impl Spread {
    /// Of figures in any order, NaNs left out; NaN where there are no others.
    #[must_use]
    pub fn of(mut figures: Vec<f64>) -> Spread {
        figures.retain(|figure| !figure.is_nan());
        figures.sort_by(f64::total_cmp);
        let at = |quarters: usize| figures.get((figures.len().saturating_sub(1)) * quarters / 4).copied();
        let at = |quarters| at(quarters).unwrap_or(f64::NAN);
        Spread { low: at(1), median: at(2), high: at(3) }
    }
}

/// What a contestant cost, in nanoseconds a call.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Who.
    pub name: &'static str,
    /// Whether it is a bare function, whose figures are not net.
    pub is_bare: bool,
    /// Net on one thread.
    pub one: Spread,
    /// Net on each of two threads at once.
    pub two: Spread,
    /// CPU time that other threads of the process spent because of it.
    pub elsewhere: f64,
}

/// One contestant's rounds.
struct Record {
    contestant: &'static Contestant,
    calls: u64,
    one: Vec<f64>,
    two: Vec<f64>,
    elsewhere: f64,
    calls_alone: u64,
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 calls")]
fn count(calls: u64) -> f64 {
    calls as f64
}

fn each(time: Duration, calls: u64) -> f64 {
    time.as_secs_f64() * 1e9 / count(calls)
}

impl Record {
    fn begin(contestant: &'static Contestant, turn: Duration, pair: &Pair) -> Record {
        let calls = contestant.calls_in(turn);
        // The warm-up round.
        contestant.run(calls);
        let _ = pair.run(contestant, calls);
        contestant.rest();
        Record { contestant, calls, one: Vec::new(), two: Vec::new(), elsewhere: 0.0, calls_alone: 0 }
    }

    fn round(&mut self, pair: &Pair, idle: f64) {
        let (start, process, thread) = (Instant::now(), machine::process_cpu(), machine::thread_cpu());
        let (alone, tries) = self.take(|| self.contestant.run(self.calls));
        let own = machine::thread_cpu().saturating_sub(thread);
        let others = machine::process_cpu().saturating_sub(process).saturating_sub(own);
        self.elsewhere += others.as_secs_f64() - idle * start.elapsed().as_secs_f64();
        self.calls_alone += self.calls * tries;
        self.one.push(alone);
        let (together, _) = self.take(|| pair.run(self.contestant, self.calls));
        self.two.push(together);
    }

    /// Takes a turn until one is not disturbed; else the shortest, or NaN where two threads never met. Says how often.
    fn take(&self, turn: impl Fn() -> Took) -> (f64, u64) {
        let mut shortest = None;
        for tries in 1..=TRIES {
            let took = turn();
            self.contestant.rest();
            if !took.together {
                continue;
            }
            if !took.is_disturbed() {
                return (each(took.wall, self.calls), tries);
            }
            shortest = Some(shortest.map_or(took.wall, |shortest: Duration| shortest.min(took.wall)));
        }
        (shortest.map_or(f64::NAN, |shortest| each(shortest, self.calls)), TRIES)
    }

    fn cost(&self, bare: &Record) -> Cost {
        let is_bare = std::ptr::eq(self.contestant, bare.contestant);
        let net = |mine: &[f64], bare: &[f64]| {
            let net = mine.iter().zip(bare).map(|(mine, bare)| if is_bare { *mine } else { mine - bare });
            Spread::of(net.collect())
        };
        Cost {
            name: self.contestant.name,
            is_bare,
            one: net(&self.one, &bare.one),
            two: net(&self.two, &bare.two),
            elsewhere: (self.elsewhere * 1e9 / count(self.calls_alone)).max(0.0),
        }
    }
}

/// What the process's other threads use while nothing happens, as a share of one processor.
fn idle_share() -> f64 {
    let (start, process, thread) = (Instant::now(), machine::process_cpu(), machine::thread_cpu());
    thread::sleep(Duration::from_millis(500));
    let own = machine::thread_cpu().saturating_sub(thread);
    let others = machine::process_cpu().saturating_sub(process).saturating_sub(own);
    others.div_duration_f64(start.elapsed())
}

/// Has all contestants take turns.
#[must_use]
pub fn run(contestants: &'static [Contestant], effort: Effort, pair: &Pair) -> Vec<Cost> {
    let mut records: Vec<Record> =
        contestants.iter().map(|contestant| Record::begin(contestant, effort.turn, pair)).collect();
    let idle = idle_share();
    for round in 0..effort.rounds {
        for place in 0..records.len() {
            let turn = (round + place) % records.len();
            records[turn].round(pair, idle);
        }
    }
    let bare = |record: &Record| records.iter().find(|bare| bare.contestant.name == record.contestant.bare);
    records.iter().filter_map(|record| Some(record.cost(bare(record)?))).collect()
}
