//! What waits to be sent, kind by kind: a kind that is throttled holds nothing else back, and what is being sent is kept until it is confirmed.

use super::limits;
use super::message::{Message, MetricValue};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a lane holds in memory before what is oldest goes to the disk.
const SOFT_ITEMS: usize = 10_000;
const SOFT_BYTES: usize = 32 << 20;
/// And before what is new is dropped, should the disk be too slow.
const HARD_ITEMS: usize = 50_000;
const HARD_BYTES: usize = 256 << 20;
/// Attempts at something at which the server fails, before it goes to the disk.
const ATTEMPTS: u32 = 4;
/// Between attempts, as the official client waits; the last one stays.
const WAITS: [Duration; 5] =
    [Duration::ZERO, Duration::from_secs(4), Duration::from_secs(8), Duration::from_secs(16), Duration::from_secs(30)];

/// The kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Metrics,
    Parameters,
    /// Others, tags, HTML, facts: one after the other.
    Messages,
    Output,
    Uploads,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] = [Kind::Metrics, Kind::Parameters, Kind::Messages, Kind::Output, Kind::Uploads];

    pub(super) fn of(message: &Message) -> Kind {
        match message {
            Message::Parameter(_) => Kind::Parameters,
            Message::Output(_) => Kind::Output,
            Message::Upload(_) => Kind::Uploads,
            _ => Kind::Messages,
        }
    }

    /// How many of them a request carries.
    fn batch(self) -> usize {
        match self {
            Kind::Metrics | Kind::Parameters => limits::BATCH,
            Kind::Output => 500,
            Kind::Messages | Kind::Uploads => 1,
        }
    }
}

/// One thing that waits.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Metric(MetricValue),
    Message(Message),
}

impl Item {
    fn size(&self) -> usize {
        match self {
            Item::Metric(_) => size_of::<MetricValue>(),
            Item::Message(message) => message.size(),
        }
    }
}

/// The waiting room of a kind.
#[derive(Debug, Default)]
pub(super) struct Lane {
    waiting: VecDeque<Item>,
    bytes: usize,
    /// What is being sent: it waits again, unless it is confirmed.
    in_flight: Vec<Item>,
    not_before: Option<Instant>,
    attempts: u32,
}

/// What became of an attempt, for what was in it.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    Waits,
    /// The server fails at it again and again.
    ToDisk(Vec<Item>),
}

impl Lane {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.in_flight.len()
    }

    /// Whether there was room.
    pub(super) fn push(&mut self, item: Item) -> bool {
        if self.waiting.len() >= HARD_ITEMS || self.bytes >= HARD_BYTES {
            return false;
        }
        self.bytes += item.size();
        self.waiting.push_back(item);
        true
    }

    /// What is beyond the room in memory, the oldest.
    pub(super) fn overflow(&mut self) -> Vec<Item> {
        let mut over = Vec::new();
        while self.waiting.len() > SOFT_ITEMS || (self.bytes > SOFT_BYTES && self.waiting.len() > 1) {
            let Some(item) = self.waiting.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(item.size());
            over.push(item);
        }
        over
    }

    /// When it may be sent, if anything waits.
    pub(super) fn ready_at(&self, now: Instant) -> Option<Instant> {
        if self.waiting.is_empty() || !self.in_flight.is_empty() {
            return None;
        }
        Some(self.not_before.unwrap_or(now))
    }

    /// Whether a request would be full.
    pub(super) fn has_batch(&self, kind: Kind) -> bool {
        self.waiting.len() >= kind.batch()
    }

    /// The next request's.
    pub(super) fn begin(&mut self, kind: Kind) -> Vec<Item> {
        let mut count = kind.batch().min(self.waiting.len());
        if kind == Kind::Output {
            // The two streams go apart.
            let stream = |item: &Item| matches!(item, Item::Message(Message::Output(line)) if line.is_error);
            let first = self.waiting.front().is_some_and(stream);
            count = self.waiting.iter().take(count).take_while(|item| stream(item) == first).count();
        } else if kind == Kind::Messages {
            let tags = self.waiting.iter().take_while(|item| matches!(item, Item::Message(Message::Tag(_)))).count();
            count = tags.max(1).min(self.waiting.len());
        }
        self.in_flight = self.waiting.drain(..count).collect();
        self.bytes = self.bytes.saturating_sub(self.in_flight.iter().map(Item::size).sum());
        self.in_flight.clone()
    }

    /// Confirmed, or refused for good.
    pub(super) fn done(&mut self) {
        self.in_flight.clear();
        self.attempts = 0;
        self.not_before = None;
    }

    /// Nothing of this kind before then; the attempt does not count.
    pub(super) fn throttled(&mut self, until: Instant) {
        self.put_back();
        self.not_before = Some(until);
    }

    /// Whether the last attempt did not arrive.
    pub(super) fn has_failed(&self) -> bool {
        self.attempts > 0
    }

    /// It did not arrive. `is_servers`: since the server failed at it.
    pub(super) fn failed(&mut self, now: Instant, is_servers: bool) -> Next {
        let wait = WAITS[(self.attempts as usize).min(WAITS.len() - 1)];
        self.attempts += 1;
        if is_servers && self.attempts >= ATTEMPTS {
            let items = std::mem::take(&mut self.in_flight);
            self.done();
            return Next::ToDisk(items);
        }
        self.put_back();
        self.not_before = Some(now + wait);
        Next::Waits
    }

    /// All that is not confirmed.
    pub(super) fn take_all(&mut self) -> Vec<Item> {
        self.bytes = 0;
        let mut all = std::mem::take(&mut self.in_flight);
        all.extend(self.waiting.drain(..));
        all
    }

    fn put_back(&mut self) {
        for item in std::mem::take(&mut self.in_flight).into_iter().rev() {
            self.bytes += item.size();
            self.waiting.push_front(item);
        }
    }
}

/// So many in any minute: a part at once, the rest as time passes.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    capacity: f64,
    per_second: f64,
    at: Instant,
}

impl Bucket {
    /// Half of a minute's at once, and half spread over it.
    pub(super) fn a_minute(most: f64, now: Instant) -> Bucket {
        let capacity = most / 2.0;
        Bucket { tokens: capacity, capacity, per_second: capacity / 60.0, at: now }
    }

    /// How many may be sent now.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
    pub(super) fn available(&mut self, now: Instant) -> usize {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + passed * self.per_second).min(self.capacity);
        self.tokens.max(0.0) as usize
    }

    pub(super) fn take(&mut self, count: usize) {
        self.tokens -= count as f64;
    }

    /// When the next one may be.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        if self.available(now) >= 1 {
            now
        } else {
            now + Duration::from_secs_f64((1.0 - self.tokens) / self.per_second)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comet::message::Output;
    use serde_json::json;

    fn other(number: usize) -> Item {
        Item::Message(Message::Other(format!("{number}"), json!(number)))
    }

    #[test]
    fn what_is_not_confirmed_waits_again_in_its_order() {
        let now = Instant::now();
        let mut lane = Lane::default();
        for number in 0..3 {
            assert!(lane.push(other(number)));
        }
        assert_eq!(lane.begin(Kind::Messages), [other(0)]);
        assert_eq!(lane.ready_at(now), None, "one at a time");
        assert_eq!(lane.failed(now, false), Next::Waits);
        assert_eq!(lane.ready_at(now), Some(now), "again at once");
        lane.begin(Kind::Messages);
        lane.failed(now, false);
        assert_eq!(lane.ready_at(now), Some(now + Duration::from_secs(4)));
        lane.begin(Kind::Messages);
        lane.throttled(now + Duration::from_secs(60));
        assert_eq!(lane.ready_at(now), Some(now + Duration::from_secs(60)));
        lane.begin(Kind::Messages);
        lane.done();
        assert_eq!(lane.take_all(), [other(1), other(2)]);
        assert!(lane.is_empty());
    }

    #[test]
    fn what_the_server_fails_at_goes_to_the_disk_after_four_attempts() {
        let now = Instant::now();
        let mut lane = Lane::default();
        lane.push(other(0));
        lane.push(other(1));
        for _ in 0..3 {
            lane.begin(Kind::Messages);
            assert_eq!(lane.failed(now, true), Next::Waits);
        }
        lane.begin(Kind::Messages);
        assert_eq!(lane.failed(now, true), Next::ToDisk(vec![other(0)]));
        assert_eq!(lane.ready_at(now), Some(now), "the next has its own attempts");
    }

    #[test]
    fn memory_has_an_end() {
        let mut lane = Lane::default();
        let taken = (0..HARD_ITEMS + 5).filter(|number| lane.push(other(*number))).count();
        assert_eq!(taken, HARD_ITEMS);
        let over = lane.overflow();
        assert_eq!((over.len(), lane.len()), (HARD_ITEMS - SOFT_ITEMS, SOFT_ITEMS));
        assert_eq!(over.first(), Some(&other(0)));
    }

    #[test]
    fn streams_go_apart_and_tags_together() {
        let mut lane = Lane::default();
        let line = |is_error| Item::Message(Message::Output(Output { text: "x".into(), is_error, at: 0 }));
        for is_error in [false, false, true] {
            lane.push(line(is_error));
        }
        assert_eq!(lane.begin(Kind::Output).len(), 2);
        lane.done();
        assert_eq!(lane.begin(Kind::Output), [line(true)]);
        let mut lane = Lane::default();
        for item in [Item::Message(Message::Tag("a".into())), Item::Message(Message::Tag("b".into())), other(0)] {
            lane.push(item);
        }
        assert_eq!(lane.begin(Kind::Messages).len(), 2);
    }

    #[test]
    fn a_minute_has_no_more_than_it_may() {
        let start = Instant::now();
        let mut bucket = Bucket::a_minute(1_200.0, start);
        let mut taken = Vec::new();
        for tenth in 0..1_800 {
            let now = start + Duration::from_millis(100 * tenth);
            let available = bucket.available(now);
            bucket.take(available);
            taken.push(available);
        }
        let minutes = taken.windows(600).map(|minute| minute.iter().sum::<usize>());
        let most = minutes.max().unwrap();
        assert!((1_190..=1_200).contains(&most), "{most}");
    }
}
