//! A queue of a job: how much waits in it, and for how long.

use crate::job::count::Count;
use crate::sync::{AtomicU64, Mutex, Relaxed, lock};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pushes this close together are kept as one: the age is right to 10 ms, and a queue of millions takes little memory.
const SAME_MOMENT: Duration = Duration::from_millis(10);

/// A capacity that nobody has told.
const UNKNOWN: u64 = u64::MAX;

#[derive(Default)]
pub(crate) struct QueueState {
    capacity: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// First in, first out.
#[derive(Default)]
struct Waiting {
    /// When they came, and how many.
    entries: VecDeque<(Instant, u64)>,
    len: u64,
    /// Taken out before it was said that they were put in: a consumer may be faster than its producer's next line.
    owed: u64,
}

impl Waiting {
    fn push(&mut self, records: u64, now: Instant) {
        let paid = self.owed.min(records);
        self.owed -= paid;
        let records = records - paid;
        if records == 0 {
            return;
        }
        self.len += records;
        match self.entries.back_mut() {
            Some((at, waiting)) if now.saturating_duration_since(*at) < SAME_MOMENT => *waiting += records,
            _ => self.entries.push_back((now, records)),
        }
    }

    fn pop(&mut self, mut records: u64) {
        while let Some((_, waiting)) = self.entries.front_mut() {
            let taken = records.min(*waiting);
            *waiting -= taken;
            records -= taken;
            self.len -= taken;
            if *waiting > 0 {
                return;
            }
            self.entries.pop_front();
        }
        self.owed = self.owed.saturating_add(records);
    }
}

/// What a queue is at one moment.
pub(crate) struct Reading {
    pub(crate) len: u64,
    pub(crate) capacity: Option<u64>,
    pub(crate) oldest: Duration,
}

impl QueueState {
    pub(crate) fn new(_name: &str) -> QueueState {
        QueueState { capacity: AtomicU64::new(UNKNOWN), ..QueueState::default() }
    }

    pub(crate) fn read(&self, now: Instant) -> Reading {
        let capacity = self.capacity.load(Relaxed);
        let waiting = lock(&self.waiting);
        let oldest = waiting.entries.front().map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at));
        Reading { len: waiting.len, capacity: (capacity != UNKNOWN).then_some(capacity), oldest }
    }
}

/// A queue of a job, see [`Job::queue`](crate::Job::queue). Cheap to clone into the tasks at both ends.
///
/// It holds nothing itself: say what goes into your channel and what comes out, first in first out. Its size, its capacity and the
/// age of its oldest record are exported while the job runs.
///
/// ```
/// # use telemetry::{Job, backfill_job};
/// #[backfill_job]
/// fn backfill(job: &Job) {
///     let (sender, receiver) = std::sync::mpsc::sync_channel(100);
///     let queue = job.queue("write").capacity(100);
///     sender.send("a flight").unwrap();
///     queue.pushed(1);
///     assert_eq!(queue.len(), 1);
///     receiver.recv().unwrap();
///     queue.popped(1);
///     assert!(queue.is_empty());
/// }
/// backfill();
/// ```
#[derive(Clone)]
pub struct Queue {
    state: Arc<QueueState>,
}

impl Queue {
    pub(crate) fn new(state: Arc<QueueState>) -> Queue {
        Queue { state }
    }

    /// Says how many records the queue can hold.
    #[must_use]
    pub fn capacity(self, records: impl Count) -> Queue {
        self.state.capacity.store(records.count().min(UNKNOWN - 1), Relaxed);
        self
    }

    /// So many records were put in.
    pub fn pushed(&self, records: impl Count) {
        lock(&self.state.waiting).push(records.count(), Instant::now());
    }

    /// So many records were taken out, the oldest ones.
    pub fn popped(&self, records: impl Count) {
        lock(&self.state.waiting).pop(records.count());
    }

    /// How many records wait.
    #[must_use]
    pub fn len(&self) -> u64 {
        lock(&self.state.waiting).len
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long the oldest record has waited; zero where none waits.
    #[must_use]
    pub fn oldest_age(&self) -> Duration {
        self.state.read(Instant::now()).oldest
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_record_tells_the_age() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        waiting.push(2, at(0));
        waiting.push(3, at(5));
        waiting.pop(1);
        assert_eq!((waiting.entries.front(), waiting.len), (Some(&(at(0), 1)), 4));
        waiting.pop(2);
        assert_eq!((waiting.entries.front(), waiting.len), (Some(&(at(5), 2)), 2));
        waiting.pop(2);
        assert_eq!((waiting.entries.front(), waiting.len, waiting.owed), (None, 0, 0));
    }

    #[test]
    fn a_consumer_that_is_faster_than_its_producers_next_line_leaves_no_debt() {
        let mut waiting = Waiting::default();
        waiting.pop(2);
        waiting.push(1, Instant::now());
        assert_eq!((waiting.len, waiting.owed), (0, 1));
        waiting.push(3, Instant::now());
        assert_eq!((waiting.len, waiting.owed), (2, 0));
    }

    #[test]
    fn what_comes_at_one_moment_is_one_entry() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        for _ in 0..1_000_000 {
            waiting.push(1, now);
        }
        assert_eq!((waiting.entries.len(), waiting.len), (1, 1_000_000));
    }
}
