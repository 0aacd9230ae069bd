//! One contestant: how it is called, how many calls were made, and who knows how many it saw.

use crate::contestants::{names, work};
use crate::machine;
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One way to wrap the function.
pub struct Contestant {
    /// What it is.
    pub name: &'static str,
    /// The name of the bare function that it wraps; its own name where it is bare.
    pub bare: &'static str,
    /// Where to ask how many calls it saw.
    pub seen: Seen,
    turn: Box<dyn Fn(u64) -> Took + Send + Sync>,
    made: Arc<AtomicU64>,
    drain: Option<Drain>,
}

/// What a contestant leaves for other threads to do, so that a turn must not be long, and has an end that is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// The most calls that a thread may make in a turn.
    pub most: u64,
    /// Returns when what the turns left is done.
    pub work_off: fn(),
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
        Contestant { name, bare, seen, turn, made: Arc::default(), drain: None }
    }

    /// A contestant that needs something around every [`BATCH`] calls; what that costs is part of its figure.
    pub fn under<Root>(
        name: &'static str,
        bare: &'static str,
        seen: Seen,
        root: impl Fn() -> Root + Send + Sync + 'static,
        call: impl Fn(u64) -> u64 + Send + Sync + 'static,
    ) -> Contestant {
        let turn = Box::new(move |calls| repeat_under(calls, &root, &call));
        Contestant { name, bare, seen, turn, made: Arc::default(), drain: None }
    }

    /// One operation as two contestants: before the function of all others, and before an empty one, behind which nothing is hidden. Both
    /// are counted as one.
    pub fn twins(
        name: &'static str,
        seen: Seen,
        operation: impl Fn() + Clone + Send + Sync + 'static,
    ) -> [Contestant; 2] {
        let with_work = operation.clone();
        let first = Contestant::new(name, names::BARE, seen, move |x| before_work(x, &with_work));
        let mut second = Contestant::new(name, names::EMPTY, seen, move |x| before_nothing(x, &operation));
        second.made = Arc::clone(&first.made);
        [first, second]
    }

    /// Says what is left for other threads.
    #[must_use]
    pub fn drained(mut self, drain: Drain) -> Contestant {
        self.drain = Some(drain);
        self
    }

    /// Whether it is what others are compared with.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.name == self.bare
    }

    /// Whether it is the twin of another.
    #[must_use]
    pub fn counts_with(&self, other: &Contestant) -> bool {
        Arc::ptr_eq(&self.made, &other.made)
    }

    /// Makes so many calls on this thread.
    pub fn run(&self, calls: u64) -> Took {
        self.made.fetch_add(calls, Ordering::Relaxed);
        (self.turn)(calls)
    }

    /// How many calls were made, on all threads, with those of a twin.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// How many calls take about this long.
    pub(crate) fn calls_in(&self, time: Duration) -> u64 {
        let sample = 1_000;
        self.run(sample);
        let calls = (time.as_nanos() * u128::from(sample)) / self.run(sample).wall.as_nanos().max(1);
        u64::try_from(calls).unwrap_or(u64::MAX).clamp(100, self.most())
    }

    /// The most calls that a thread may make in a turn.
    pub(crate) fn most(&self) -> u64 {
        self.drain.map_or(u64::MAX, |drain| drain.most)
    }

    /// Lets what a turn left for other threads be done.
    pub(crate) fn rest(&self) {
        if let Some(drain) = self.drain {
            (drain.work_off)();
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
    /// The CPU time that its thread spent.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.wall.saturating_sub(self.away)
    }

    /// Whether the thread was away for more than a fiftieth of the turn.
    pub(crate) fn is_disturbed(&self) -> bool {
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

/// Calls under one root, for who needs one: a request with a hundred steps.
pub const BATCH: u64 = 100;

/// [`repeat`] with a root around each [`BATCH`].
#[inline(never)]
fn repeat_under<Root>(calls: u64, root: &impl Fn() -> Root, call: &impl Fn(u64) -> u64) -> Took {
    let (cpu, start) = (machine::thread_cpu(), Instant::now());
    let (mut x, mut left) = (1, calls);
    while left > 0 {
        let _root = root();
        let batch = left.min(BATCH);
        for _ in 0..batch {
            x = call(x);
        }
        left -= batch;
    }
    let wall = start.elapsed();
    black_box(x);
    let away = wall.saturating_sub(machine::thread_cpu().saturating_sub(cpu));
    Took { wall, away, start, together: true }
}

#[inline(never)]
fn before_work(x: u64, operation: &impl Fn()) -> u64 {
    operation();
    work(x)
}

#[inline(never)]
fn before_nothing(x: u64, operation: &impl Fn()) -> u64 {
    operation();
    black_box(x)
}
