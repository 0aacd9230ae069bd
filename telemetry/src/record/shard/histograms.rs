//! The cells of histograms that `metric!` declares.

use super::version::Version;
use super::{SHARED, Shard, all, bump, shared_cell, zero};
use crate::record::exemplar::{Kept, Seen};
use crate::record::{dropped, exemplar, thread};
use crate::sync::{AtomicU32, AtomicU64, IS_SMALL, Relaxed};

static HISTOGRAM_SLOTS: AtomicU32 = AtomicU32::new(0);

/// A number for a histogram that no other histogram of the program has.
pub(crate) fn new_histogram_slot() -> u32 {
    HISTOGRAM_SLOTS.fetch_add(1, Relaxed)
}

#[repr(align(128))]
pub(super) struct HistogramCell {
    version: Version,
    /// The bits of the sum.
    sum: AtomicU64,
    /// One for each finite bound, and one above them all. Not cumulative.
    near: [AtomicU64; NEAR_BUCKETS],
    /// The buckets beyond, where there are more.
    far: Option<Box<Far>>,
}

/// A dozen bounds and what is above them, which is what most histograms have: with the rest of the cell 128 bytes.
const NEAR_BUCKETS: usize = if IS_SMALL { 1 } else { 13 };

struct Far(Box<[AtomicU64]>);

/// What a histogram's cells held: counts of the buckets, not cumulative, and the sum.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HistogramReading {
    pub(crate) buckets: Vec<u64>,
    pub(crate) sum: f64,
    pub(crate) exemplars: Vec<Seen>,
}

/// What one cell held.
#[derive(Default)]
pub(super) struct CellReading {
    pub(super) sum: f64,
    pub(super) near: [u64; NEAR_BUCKETS],
    pub(super) far: Vec<u64>,
}

impl HistogramCell {
    fn new(bounds: usize) -> HistogramCell {
        let far = (NEAR_BUCKETS..=bounds).map(|_| AtomicU64::new(0)).collect::<Box<[_]>>();
        HistogramCell {
            version: Version::new(),
            sum: AtomicU64::new(0),
            near: [const { AtomicU64::new(0) }; NEAR_BUCKETS],
            far: (!far.is_empty()).then(|| Box::new(Far(far))),
        }
    }

    pub(super) fn reset(&self) {
        self.version.settle();
        zero(&self.sum);
        self.near.iter().chain(self.far()).for_each(zero);
    }

    fn far(&self) -> &[AtomicU64] {
        self.far.as_ref().map_or(&[], |far| &far.0)
    }

    #[inline]
    fn bucket(&self, index: usize) -> Option<&AtomicU64> {
        self.near.get(index).or_else(|| self.far().get(index - NEAR_BUCKETS))
    }

    /// Reads into what has room for the buckets beyond the near ones. Says whether sum and buckets belong together.
    pub(super) fn read(&self, into: &mut CellReading) -> bool {
        self.version.read(|| {
            into.sum = f64::from_bits(self.sum.load(Relaxed));
            for (count, bucket) in into.near.iter_mut().zip(&self.near) {
                *count = bucket.load(Relaxed);
            }
            for (count, bucket) in into.far.iter_mut().zip(self.far()) {
                *count = bucket.load(Relaxed);
            }
        })
    }

    #[inline]
    fn observe(&self, bounds: &[f64], value: f64) {
        let bucket = bucket_of(bounds, value);
        let sum = f64::from_bits(self.sum.load(Relaxed)) + value;
        if !sum.is_finite() {
            return dropped::observation();
        }
        self.version.write(|| {
            self.sum.store(sum.to_bits(), Relaxed);
            if let Some(cell) = self.bucket(bucket) {
                bump(cell, 1);
            }
        });
    }

    fn observe_shared(&self, bounds: &[f64], value: f64) {
        let grown = |now| Some(f64::from_bits(now) + value).filter(|sum| sum.is_finite()).map(f64::to_bits);
        if self.sum.fetch_update(Relaxed, Relaxed, grown).is_err() {
            return dropped::observation();
        }
        if let Some(cell) = self.bucket(bucket_of(bounds, value)) {
            cell.fetch_add(1, Relaxed);
        }
    }
}

/// The first bucket whose upper bound is not below the value. Counting beats searching for the dozen bounds of a usual
/// histogram: the compiler makes it wide and free of branches.
#[inline]
pub(crate) fn bucket_of(bounds: &[f64], value: f64) -> usize {
    bounds.iter().map(|&bound| usize::from(value > bound)).sum()
}

/// Observes a finite value in a histogram's cell of this thread.
#[inline]
pub(crate) fn observe(slot: u32, bounds: &[f64], value: f64) {
    if exemplar::is_on() {
        exemplar::observation(slot, bounds, value);
    }
    thread::with(|thread| match thread.shard().and_then(|shard| shard.histograms.get(slot as usize)) {
        Some(cell) => cell.observe(bounds, value),
        None => observe_first(slot, bounds, value),
    });
}

/// The exemplars of a histogram on this thread, made where they are new; none where the thread is past having a shard.
pub(crate) fn exemplars_of_histogram(slot: u32, new: impl FnOnce() -> Kept) -> Option<&'static Kept> {
    let slot = slot as usize;
    thread::with(|thread| {
        let shard = thread.take_shard()?;
        Some(shard.exemplars.get(slot).unwrap_or_else(|| thread::uncounted(|_| shard.exemplars.make(slot, new()))))
    })
}

#[cold]
fn observe_first(slot: u32, bounds: &[f64], value: f64) {
    let slot = slot as usize;
    let new = || HistogramCell::new(bounds.len());
    thread::uncounted(|thread| match thread.take_shard() {
        Some(shard) => {
            let cell = shard.histograms.get(slot).unwrap_or_else(|| shard.histograms.make(slot, new()));
            cell.observe(bounds, value);
        }
        None => shared_cell(&SHARED.histograms, slot, new).observe_shared(bounds, value),
    });
}

/// A histogram over all threads.
pub(crate) fn read_histogram(slot: u32, bounds: usize) -> HistogramReading {
    let mut total = [HistogramReading::empty(bounds)];
    read_histograms_in(&all(), [(slot, 0)].into_iter(), &mut total);
    let [total] = total;
    total
}

/// Adds histograms of one family over all threads, given as slot and place in the totals. One thread after the other, since its cells lie
/// near each other: to go to 64 threads for each histogram would be to go to 64 pages for it.
pub(crate) fn read_histograms_in(
    shards: &[&'static Shard],
    histograms: impl Iterator<Item = (u32, usize)> + Clone,
    totals: &mut [HistogramReading],
) {
    let beyond = totals.first().map_or(0, |total| total.buckets.len().saturating_sub(NEAR_BUCKETS));
    let mut reading = CellReading { far: vec![0; beyond], ..CellReading::default() };
    for shard in shards {
        for (slot, place) in histograms.clone() {
            if let (Some(cell), Some(total)) = (shard.histograms.get(slot as usize), totals.get_mut(place)) {
                cell.read(&mut reading);
                total.add(&reading);
                if let Some(kept) = shard.exemplars.get(slot as usize) {
                    kept.read(&mut total.exemplars);
                }
            }
        }
    }
}

impl HistogramReading {
    pub(crate) fn empty(bounds: usize) -> HistogramReading {
        HistogramReading { buckets: vec![0; bounds + 1], sum: 0.0, exemplars: Vec::new() }
    }

    fn add(&mut self, reading: &CellReading) {
        self.sum = (self.sum + reading.sum).clamp(f64::MIN, f64::MAX);
        let nearby = NEAR_BUCKETS.min(self.buckets.len());
        let (near, far) = self.buckets.split_at_mut(nearby);
        for (total, count) in near.iter_mut().zip(&reading.near) {
            *total = total.wrapping_add(*count);
        }
        for (total, count) in far.iter_mut().zip(&reading.far) {
            *total = total.wrapping_add(*count);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_of_a_dozen_bounds_takes_two_cache_lines_of_a_thread() {
        assert_eq!(size_of::<HistogramCell>(), 128);
    }

    #[test]
    fn a_histogram_keeps_buckets_near_and_far() {
        for bounds in [0, 1, NEAR_BUCKETS - 1, NEAR_BUCKETS, 40] {
            let bounds: Vec<f64> = (0..bounds).map(|bound| bound as f64).collect();
            let cell = HistogramCell::new(bounds.len());
            for bucket in 0..=bounds.len() {
                (0..=bucket).for_each(|_| cell.observe(&bounds, bucket as f64 - 0.5));
            }
            let mut reading =
                CellReading { far: vec![0; (bounds.len() + 1).saturating_sub(NEAR_BUCKETS)], ..CellReading::default() };
            cell.read(&mut reading);
            let mut total = HistogramReading { buckets: vec![1; bounds.len() + 1], sum: 0.0, exemplars: Vec::new() };
            total.add(&reading);
            let expected: Vec<u64> = (2..=bounds.len() as u64 + 2).collect();
            assert_eq!(total.buckets, expected);
        }
    }
}
