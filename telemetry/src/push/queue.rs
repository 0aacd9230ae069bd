//! What waits to be sent: as much as the settings allow, the oldest first.

use super::Parcel;
use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct Queue {
    parcels: VecDeque<Parcel>,
    bytes: usize,
    samples: u64,
    max_bytes: usize,
    max_samples: u64,
}

impl Queue {
    pub(super) fn new(max_bytes: usize, max_samples: usize) -> Queue {
        let max_samples = u64::try_from(max_samples).unwrap_or(u64::MAX);
        Queue { parcels: VecDeque::new(), bytes: 0, samples: 0, max_bytes, max_samples }
    }

    /// Adds a parcel, and drops the oldest ones until all fit: how many samples were dropped. One that does not fit by itself is dropped too.
    pub(super) fn push(&mut self, parcel: Parcel) -> u64 {
        self.bytes += parcel.body.len();
        self.samples += parcel.samples;
        self.parcels.push_back(parcel);
        let mut dropped = 0;
        while self.bytes > self.max_bytes || self.samples > self.max_samples {
            let Some(oldest) = self.pop() else { break };
            dropped += oldest.samples;
        }
        dropped
    }

    pub(super) fn first(&self) -> Option<&Parcel> {
        self.parcels.front()
    }

    /// Takes out the one that is sent next.
    pub(super) fn pop(&mut self) -> Option<Parcel> {
        let parcel = self.parcels.pop_front()?;
        self.bytes -= parcel.body.len();
        self.samples -= parcel.samples;
        Some(parcel)
    }

    /// Empties it: how many samples were in it.
    pub(super) fn clear(&mut self) -> u64 {
        let samples = self.samples;
        self.parcels.clear();
        (self.bytes, self.samples) = (0, 0);
        samples
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
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
        assert_eq!((queue.first().map(|first| first.samples), queue.samples(), queue.bytes()), (Some(4), 8, 31));
    }

    #[test]
    fn what_is_larger_than_the_queue_is_dropped_and_told() {
        let mut queue = Queue::new(100, 10);
        assert_eq!(queue.push(parcel(101, 5)), 5);
        assert!(queue.is_empty() && queue.bytes() == 0 && queue.samples() == 0);
    }
}
