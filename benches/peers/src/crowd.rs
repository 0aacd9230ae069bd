//! What does a call cost where far more threads than processors run the same call site, half of them on each of two?
//!
//! Wall time says nothing there, since threads wait for a processor. What counts is the CPU time of all threads: that of the calling ones
//! within their turns, and that of the process's others, which is the process's clock less the clocks of all threads that are ours.

use crate::contest::{Effort, Spread, count, idle_share};
use crate::contestant::{Contestant, Took};
use crate::machine;
use std::os::unix::thread::JoinHandleExt as _;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How many threads a crowd has.
pub const THREADS: usize = 64;

/// A turn of many has a part of the calls that a turn of one has on each thread: queues are bounded for all threads together.
const PART: u64 = 8;

/// Threads that live as long as the program, every other one on the same processor: left alone, all may follow each other on one.
#[derive(Debug)]
pub struct Crowd {
    members: Vec<Member>,
    times: Receiver<Took>,
}

#[derive(Debug)]
struct Member {
    turns: Sender<Turn>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
struct Turn {
    contestant: &'static Contestant,
    calls: u64,
    /// A sleeping one: threads that wait awake would keep the others from their processor.
    line: Arc<Barrier>,
}

impl Crowd {
    /// Starts the threads.
    #[must_use]
    pub fn new() -> Crowd {
        let (done, times) = channel();
        let member = |index| {
            let (turns, todo) = channel::<Turn>();
            let done = done.clone();
            let thread = thread::spawn(move || {
                machine::pin(index % 2);
                for Turn { contestant, calls, line } in todo {
                    line.wait();
                    let _ = done.send(contestant.run(calls));
                }
            });
            Member { turns, thread }
        };
        Crowd { members: (0..THREADS).map(member).collect(), times }
    }

    /// Has so many threads make so many calls each, and waits for what they leave to others; nanoseconds of CPU time a call.
    fn run(&self, contestant: &'static Contestant, threads: usize, calls: u64, idle: f64) -> f64 {
        let (start, before) = (Instant::now(), self.others());
        let line = Arc::new(Barrier::new(threads));
        for member in &self.members[..threads] {
            let turn = Turn { contestant, calls, line: Arc::clone(&line) };
            member.turns.send(turn).expect("the thread waits for turns");
        }
        let took: Duration = (0..threads).map(|_| self.times.recv().expect("each thread ends its turn").cpu()).sum();
        contestant.rest();
        let others = self.others() - before - idle * start.elapsed().as_secs_f64();
        (took.as_secs_f64() + others.max(0.0)) * 1e9 / (count(calls) * threads as f64)
    }

    /// CPU seconds of the threads that are neither ours nor the calling one. While it is read, ours sleep or are about to.
    fn others(&self) -> f64 {
        let ours = |member: &Member| machine::cpu_of(member.thread.as_pthread_t());
        let process = machine::process_cpu();
        let ours: Duration = self.members.iter().map(ours).sum();
        process.as_secs_f64() - ours.as_secs_f64() - machine::thread_cpu().as_secs_f64()
    }
}

impl Default for Crowd {
    fn default() -> Crowd {
        Crowd::new()
    }
}

/// What a contestant's call costs in CPU time, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Who.
    pub name: &'static str,
    /// Whether it is a bare function, whose figures are not net.
    pub is_bare: bool,
    /// On one of the threads alone.
    pub one: Spread,
    /// On all at once.
    pub many: Spread,
}

struct Record {
    contestant: &'static Contestant,
    calls: u64,
    one: Vec<f64>,
    many: Vec<f64>,
}

/// Has all contestants take turns, each on one thread and then on all; of twins, the one that hides behind nothing.
#[must_use]
pub fn run(contestants: &'static [Contestant], effort: Effort, crowd: &Crowd) -> Vec<Cost> {
    let record = |contestant: &'static Contestant| {
        let calls = contestant.calls_in(effort.turn);
        Record { contestant, calls, one: Vec::new(), many: Vec::new() }
    };
    let hides = |index: usize| contestants.get(index + 1).is_some_and(|next| next.name == contestants[index].name);
    let shown = contestants.iter().enumerate().filter(|(index, _)| !hides(*index));
    let mut records: Vec<Record> = shown.map(|(_, contestant)| record(contestant)).collect();
    let idle = idle_share();
    // The first round is the warm-up, in which each thread makes its cells.
    for round in 0..=effort.rounds {
        for place in 0..records.len() {
            let turn = (round + place) % records.len();
            let Record { contestant, calls, one, many } = &mut records[turn];
            let (alone, together) =
                (crowd.run(contestant, 1, *calls, idle), crowd.run(contestant, THREADS, (*calls / PART).max(1), idle));
            if round > 0 {
                one.push(alone);
                many.push(together);
            }
        }
    }
    let bare = |record: &Record| records.iter().find(|bare| bare.contestant.name == record.contestant.bare);
    records.iter().filter_map(|record| Some(cost(record, bare(record)?))).collect()
}

fn cost(record: &Record, bare: &Record) -> Cost {
    let is_bare = record.contestant.is_bare();
    let net = |mine: &[f64], bare: &[f64]| {
        let net = mine.iter().zip(bare).map(|(mine, bare)| if is_bare { *mine } else { mine - bare });
        Spread::of(net.collect())
    };
    Cost {
        name: record.contestant.name,
        is_bare,
        one: net(&record.one, &bare.one),
        many: net(&record.many, &bare.many),
    }
}
