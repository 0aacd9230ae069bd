//! A queue of a job: how much waits in it, for how long, and how long those at its ends were blocked by it.

use crate::builtin::jobs::recorded as families;
use crate::job::count::Count;
use crate::metric::DurationCounter;
use crate::sync::{AtomicU64, Mutex, Relaxed, lock};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

/// Pushes this close together are kept as one: the age is right to 10 ms, and a queue of millions takes little memory.
const SAME_MOMENT: Duration = Duration::from_millis(10);

/// A capacity that nobody has told.
const UNKNOWN: u64 = u64::MAX;

/// The values of the label `side`, in the order of [`Side`].
const SIDES: [&str; 2] = ["send", "receive"];

/// An end of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Send = 0,
    Receive = 1,
}

/// All that has one name: what its user tells, and the channels that were made by it.
pub(crate) struct QueueState {
    job: Box<str>,
    name: Box<str>,
    capacity: AtomicU64,
    waiting: Mutex<Waiting>,
    channels: Mutex<Vec<Weak<Channel>>>,
    /// From the first channel on: of other queues nobody tells it.
    blocked: OnceLock<[DurationCounter; 2]>,
}

/// What is known of one channel.
pub(crate) struct Channel {
    capacity: u64,
    waiting: Mutex<Waiting>,
    blocked: [Mutex<Blocked>; 2],
    counters: [DurationCounter; 2],
}

/// Those who are blocked on one side.
#[derive(Default)]
struct Blocked {
    now: u32,
    /// Until when their time is counted.
    counted: Option<Instant>,
}

impl Blocked {
    /// Counts the time until now, of all who were blocked; then some more are, or fewer.
    fn change(&mut self, by: i32, counter: DurationCounter) {
        let now = Instant::now();
        if let Some(since) = self.counted.filter(|_| self.now > 0) {
            counter.add(now.saturating_duration_since(since).saturating_mul(self.now));
        }
        self.counted = Some(now);
        self.now = self.now.saturating_add_signed(by);
    }
}

/// Somebody who is blocked, as long as it lives.
pub(crate) struct BlockedAt {
    channel: Arc<Channel>,
    side: Side,
}

impl Drop for BlockedAt {
    fn drop(&mut self) {
        self.channel.change(self.side, -1);
    }
}

impl Channel {
    fn change(&self, side: Side, by: i32) {
        lock(&self.blocked[side as usize]).change(by, self.counters[side as usize]);
    }

    /// The caller is blocked until it drops the guard.
    pub(crate) fn blocked(self: &Arc<Channel>, side: Side) -> BlockedAt {
        self.change(side, 1);
        BlockedAt { channel: self.clone(), side }
    }

    pub(crate) fn pushed(&self, records: u64) {
        lock(&self.waiting).push(records, Instant::now());
    }

    pub(crate) fn popped(&self, records: u64) {
        if records > 0 {
            lock(&self.waiting).pop(records);
        }
    }

    /// Nobody will take anything out any more: what waits is gone, and so is what comes.
    pub(crate) fn abandoned(&self) {
        *lock(&self.waiting) = Waiting { abandoned: true, ..Waiting::default() };
    }
}

/// First in, first out.
#[derive(Default)]
struct Waiting {
    /// When they came, and how many.
    entries: VecDeque<(Instant, u64)>,
    len: u64,
    /// Taken out before it was said that they were put in: a consumer may be faster than its producer's next line.
    owed: u64,
    abandoned: bool,
}

impl Waiting {
    fn push(&mut self, records: u64, now: Instant) {
        let paid = self.owed.min(records);
        self.owed -= paid;
        let records = records - paid;
        if records == 0 || self.abandoned {
            return;
        }
        self.len = self.len.saturating_add(records);
        match self.entries.back_mut() {
            Some((at, waiting)) if now.saturating_duration_since(*at) < SAME_MOMENT => {
                *waiting = waiting.saturating_add(records);
            }
            _ => self.entries.push_back((now, records)),
        }
    }

    fn pop(&mut self, mut records: u64) {
        while let Some((_, waiting)) = self.entries.front_mut() {
            let taken = records.min(*waiting);
            *waiting -= taken;
            records -= taken;
            self.len = self.len.saturating_sub(taken);
            if *waiting > 0 {
                return;
            }
            self.entries.pop_front();
        }
        self.owed = self.owed.saturating_add(records);
    }
}

impl Waiting {
    fn oldest(&self, now: Instant) -> Duration {
        self.entries.front().map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at))
    }
}

/// What a queue is at one moment.
pub(crate) struct Reading {
    pub(crate) len: u64,
    pub(crate) capacity: Option<u64>,
    pub(crate) oldest: Duration,
}

impl QueueState {
    pub(crate) fn new(job: &str, name: &str) -> QueueState {
        QueueState {
            job: job.into(),
            name: name.into(),
            capacity: AtomicU64::new(UNKNOWN),
            waiting: Mutex::default(),
            channels: Mutex::default(),
            blocked: OnceLock::new(),
        }
    }

    /// A channel of this name.
    pub(crate) fn channel(&self, capacity: usize) -> Arc<Channel> {
        let counter = |side| families::backfill_queue_blocked_seconds_total(&self.job, &self.name, side);
        let counters = *self.blocked.get_or_init(|| {
            let counters = SIDES.map(counter);
            // There at zero, so that the first time is an increase.
            counters.into_iter().for_each(|counter| counter.add(Duration::ZERO));
            counters
        });
        let channel = Arc::new(Channel {
            capacity: capacity.count(),
            waiting: Mutex::default(),
            blocked: Default::default(),
            counters,
        });
        let mut channels = lock(&self.channels);
        channels.retain(|channel| channel.strong_count() > 0);
        channels.push(Arc::downgrade(&channel));
        channel
    }

    /// All that has the name, as one: lengths and capacities add up, and the oldest counts.
    pub(crate) fn read(&self, now: Instant) -> Reading {
        let told = self.capacity.load(Relaxed);
        let mut reading = {
            let waiting = lock(&self.waiting);
            Reading { len: waiting.len, capacity: (told != UNKNOWN).then_some(told), oldest: waiting.oldest(now) }
        };
        for channel in lock(&self.channels).iter().filter_map(Weak::upgrade) {
            // Whoever is blocked for long is seen while that lasts.
            channel.change(Side::Send, 0);
            channel.change(Side::Receive, 0);
            let waiting = lock(&channel.waiting);
            reading.len = reading.len.saturating_add(waiting.len);
            reading.oldest = reading.oldest.max(waiting.oldest(now));
            reading.capacity = Some(reading.capacity.unwrap_or(0).saturating_add(channel.capacity));
        }
        reading
    }
}

/// A queue of a job, see [`Job::queue`](crate::Job::queue). Cheap to clone into the tasks at both ends.
///
/// Its size, its capacity and the age of its oldest record are exported while the job runs. It holds nothing itself. Either it makes a
/// channel that is counted, see [`channel`](crate::job::channel):
///
/// ```
/// # use telemetry::{Job, backfill_job};
/// #[backfill_job]
/// fn backfill(job: &Job) {
///     let (sender, receiver) = job.queue("write").sync_channel(100);
///     sender.send("a flight").unwrap();
///     assert_eq!(job.queue("write").len(), 1);
///     assert_eq!(receiver.recv(), Ok("a flight"));
///     assert!(job.queue("write").is_empty());
/// }
/// backfill();
/// ```
///
/// Or you say what goes into a channel of your own and what comes out, first in first out:
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
        self.state.read(Instant::now()).len
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

    pub(crate) fn channel(&self, capacity: usize) -> Arc<Channel> {
        self.state.channel(capacity)
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
