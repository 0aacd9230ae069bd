//! Turns, rounds, and what becomes of the figures.
//!
//! A round visits every contestant once, for a few milliseconds on one thread and then on two, starting at another one each time, so
//! that what the machine does meanwhile meets all alike. A contestant's net figure of a round is its time less that of its bare
//! function in the same round; shown are medians and quartiles over the rounds. A turn whose thread lost its processor is taken again.

use crate::contestant::{Contestant, Took};
use crate::machine;
use crate::pair::Pair;
use std::thread;
use std::time::{Duration, Instant};

/// How often a turn is taken until its thread keeps its processor. On a machine that is always busy none may.
const TRIES: u64 = 5;

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
    /// The bare function that it wraps; its own name where it is one, whose figures are not net.
    pub bare: &'static str,
    /// Net on one thread.
    pub one: Spread,
    /// Net on each of two threads at once.
    pub two: Spread,
    /// CPU time that other threads of the process spent because of it.
    pub elsewhere: f64,
}

impl Cost {
    /// Whether it is a bare function.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.name == self.bare
    }

    /// What a call costs on one thread, wherever it is spent.
    #[must_use]
    pub fn in_all(&self) -> f64 {
        self.one.median + self.elsewhere
    }
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
pub(crate) fn count(calls: u64) -> f64 {
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
        let is_bare = self.contestant.is_bare();
        let net = |mine: &[f64], bare: &[f64]| {
            let net = mine.iter().zip(bare).map(|(mine, bare)| if is_bare { *mine } else { mine - bare });
            Spread::of(net.collect())
        };
        Cost {
            name: self.contestant.name,
            bare: self.contestant.bare,
            one: net(&self.one, &bare.one),
            two: net(&self.two, &bare.two),
            elsewhere: (self.elsewhere * 1e9 / count(self.calls_alone)).max(0.0),
        }
    }
}

/// What the process's other threads use while nothing happens, as a share of one processor.
pub(crate) fn idle_share() -> f64 {
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
