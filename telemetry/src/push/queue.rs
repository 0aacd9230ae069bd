//! What waits to be sent: as much as the settings allow, the oldest first.

use super::Parcel;
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Queue {
    parcels: VecDeque<Waiting>,
    /// The first one is being sent, and is neither dropped nor sent again meanwhile.
    under_way: bool,
    /// How many states were put in.
    states: u64,
    bytes: usize,
    samples: u64,
    max_bytes: usize,
    max_samples: u64,
}

#[derive(Debug)]
struct Waiting {
    parcel: Arc<Parcel>,
    state: u64,
}

impl Queue {
    pub(super) fn new(max_bytes: usize, max_samples: usize) -> Queue {
        let max_samples = u64::try_from(max_samples).unwrap_or(u64::MAX);
        let parcels = VecDeque::new();
        Queue { parcels, under_way: false, states: 0, bytes: 0, samples: 0, max_bytes, max_samples }
    }

    /// What is put in from now on is a newer state.
    pub(super) fn begin_state(&mut self) {
        self.states += 1;
    }

    /// Adds a parcel, and drops the oldest ones until all fit: how many samples were dropped. One that does not fit by itself is dropped too.
    pub(super) fn push(&mut self, parcel: Parcel) -> u64 {
        self.bytes += parcel.body.len();
        self.samples += parcel.samples;
        self.parcels.push_back(Waiting { parcel: Arc::new(parcel), state: self.states });
        let mut dropped = 0;
        while self.bytes > self.max_bytes || self.samples > self.max_samples {
            let Some(oldest) = self.remove(usize::from(self.under_way)) else { break };
            dropped += oldest.parcel.samples;
        }
        dropped
    }

    /// Drops what is of an older state than the newest: how many samples. Not what is under way, which is tried to its end.
    pub(super) fn drop_older(&mut self) -> u64 {
        let mut dropped = 0;
        let first = usize::from(self.under_way);
        while self.parcels.get(first).is_some_and(|waiting| waiting.state < self.states) {
            dropped += self.remove(first).map_or(0, |older| older.parcel.samples);
        }
        dropped
    }

    /// The one that waits longest, which is under way from now on. `None` where one is, or none waits.
    pub(super) fn send_first(&mut self) -> Option<Arc<Parcel>> {
        if self.under_way {
            return None;
        }
        let first = self.parcels.front()?;
        self.under_way = true;
        Some(Arc::clone(&first.parcel))
    }

    /// What was under way is done with.
    pub(super) fn sent(&mut self) {
        if std::mem::take(&mut self.under_way) {
            self.remove(0);
        }
    }

    /// What was under way waits for another attempt.
    pub(super) fn not_sent(&mut self) {
        self.under_way = false;
    }

    fn remove(&mut self, index: usize) -> Option<Waiting> {
        let removed = self.parcels.remove(index)?;
        self.bytes -= removed.parcel.body.len();
        self.samples -= removed.parcel.samples;
        Some(removed)
    }

    /// Empties it: how many samples were in it, with those that were under way.
    pub(super) fn clear(&mut self) -> u64 {
        let samples = self.samples;
        self.parcels.clear();
        (self.bytes, self.samples, self.under_way) = (0, 0, false);
        samples
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// Samples and bytes of what is under way.
    pub(super) fn under_way(&self) -> Option<(u64, usize)> {
        let first = self.parcels.front().filter(|_| self.under_way)?;
        Some((first.parcel.samples, first.parcel.body.len()))
    }

    /// Samples of what is under way.
    pub(super) fn samples_under_way(&self) -> u64 {
        self.under_way().map_or(0, |(samples, _)| samples)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn samples(&self) -> u64 {
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::Verb;

    fn parcel(bytes: usize, samples: u64) -> Parcel {
        Parcel { verb: Verb::Post, url: "http://h/".into(), headers: &[], body: vec![0; bytes], samples }
    }

    #[test]
    fn the_oldest_make_room_for_the_newest() {
        let mut queue = Queue::new(100, 10);
        assert_eq!((1..=3).map(|n| queue.push(parcel(30, n))).sum::<u64>(), 0);
        assert_eq!(queue.push(parcel(30, 4)), 1, "by bytes");
        assert_eq!(queue.push(parcel(1, 4)), 2 + 3, "by samples");
        assert_eq!((queue.send_first().map(|first| first.samples), queue.samples(), queue.bytes()), (Some(4), 8, 31));
    }

    #[test]
    fn what_is_larger_than_the_queue_is_dropped_and_told() {
        let mut queue = Queue::new(100, 10);
        assert_eq!(queue.push(parcel(101, 5)), 5);
        assert!(queue.is_empty() && queue.bytes() == 0 && queue.samples() == 0);
    }

    #[test]
    fn what_is_under_way_stays_until_its_end_is_known() {
        let mut queue = Queue::new(100, 10);
        queue.push(parcel(40, 1));
        assert_eq!(queue.send_first().map(|first| first.samples), Some(1));
        assert!(queue.send_first().is_none(), "one at a time");
        queue.push(parcel(40, 2));
        assert_eq!(queue.push(parcel(40, 3)), 2, "the oldest that is not under way");
        assert_eq!((queue.samples(), queue.samples_under_way()), (4, 1));
        queue.not_sent();
        assert_eq!(queue.send_first().map(|first| first.samples), Some(1), "again, before the others");
        queue.sent();
        assert_eq!((queue.samples(), queue.bytes(), queue.is_under_way()), (3, 40, false));
        queue.send_first();
        assert_eq!(queue.clear(), 3);
    }

    #[test]
    fn a_newer_state_takes_the_place_of_all_that_waits_of_older_ones() {
        let mut queue = Queue::new(100, 100);
        for n in [1, 2] {
            queue.push(parcel(1, n));
        }
        queue.send_first();
        queue.begin_state();
        queue.push(parcel(1, 4));
        queue.push(parcel(1, 8));
        assert_eq!(queue.drop_older(), 2, "not what is under way");
        queue.not_sent();
        assert_eq!(queue.drop_older(), 1, "once it failed, it goes too");
        assert_eq!(queue.samples(), 12);
    }
}
