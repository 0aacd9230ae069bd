//! The cells of one result of a call site: how many calls ended so, and how long they took.

use super::version::Version;
use super::{bump, leak_once, zero};
use crate::record::exemplar::{Kept, Seen};
use crate::record::{clock, exemplar, exponential};
use crate::sync::{Acquire, AtomicPtr, AtomicU64, IS_SMALL, Relaxed, Release};

/// 16 buckets, 128 bytes: four octaves of durations, which is what most functions span.
const BUCKETS_PER_BLOCK: usize = if IS_SMALL { 3 } else { 16 };
const BLOCKS: usize = exponential::BUCKETS.div_ceil(BUCKETS_PER_BLOCK);

#[repr(align(128))]
pub(super) struct Block(pub(super) [AtomicU64; BUCKETS_PER_BLOCK]);

/// The calls of one site that ended in one way.
#[repr(align(128))]
pub(crate) struct ResultCell {
    version: Version,
    ticks: AtomicU64,
    pub(super) blocks: [AtomicPtr<Block>; BLOCKS],
    /// Null until there is one.
    exemplars: AtomicPtr<Kept>,
}

/// What a result's cells held.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ResultReading {
    pub(crate) ticks: u64,
    /// Not cumulative; see [`exponential`].
    pub(crate) buckets: Box<[u64; exponential::BUCKETS]>,
    pub(crate) exemplars: Vec<Seen>,
}

impl Default for ResultReading {
    fn default() -> ResultReading {
        ResultReading { ticks: 0, buckets: Box::new([0; exponential::BUCKETS]), exemplars: Vec::new() }
    }
}

impl ResultReading {
    /// How many calls ended so: the sum of the buckets.
    pub(crate) fn ended(&self) -> u64 {
        self.buckets.iter().copied().fold(0, u64::wrapping_add)
    }

    pub(crate) fn merge(&mut self, other: &ResultReading) {
        self.ticks = self.ticks.wrapping_add(other.ticks);
        for (total, count) in self.buckets.iter_mut().zip(other.buckets.iter()) {
            *total = total.wrapping_add(*count);
        }
        exemplar::merge(&mut self.exemplars, &other.exemplars);
    }
}

impl ResultCell {
    /// How many calls ended so, without the rest.
    pub(super) fn ended(&self) -> u64 {
        // SAFETY: null, or a leaked block.
        let blocks = self.blocks.iter().filter_map(|block| unsafe { block.load(Acquire).as_ref() });
        blocks.flat_map(|block| &block.0).fold(0, |sum, cell| sum.wrapping_add(cell.load(Relaxed)))
    }

    pub(super) fn new() -> ResultCell {
        ResultCell {
            version: Version::new(),
            ticks: AtomicU64::new(0),
            blocks: [const { AtomicPtr::new(std::ptr::null_mut()) }; BLOCKS],
            exemplars: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// The exemplars, made where they are new.
    pub(crate) fn exemplars(&self, new: impl FnOnce() -> Kept) -> &'static Kept {
        leak_once(&self.exemplars, new)
    }

    pub(super) fn existing_exemplars(&self) -> Option<&'static Kept> {
        // SAFETY: null, or a leaked value.
        unsafe { self.exemplars.load(Acquire).as_ref() }
    }

    #[inline]
    pub(super) fn record(&self, ticks: u64, shared: bool) {
        let bucket = exponential::bucket(clock::units(ticks));
        let (block, index) = (bucket / BUCKETS_PER_BLOCK, bucket % BUCKETS_PER_BLOCK);
        let block = self.blocks[block].load(Acquire);
        if block.is_null() || shared {
            return self.record_rarely(ticks, bucket, shared);
        }
        // SAFETY: not null, hence a leaked block.
        self.record_in(unsafe { &*block }, index, ticks);
    }

    #[inline]
    fn record_in(&self, block: &Block, index: usize, ticks: u64) {
        self.version.write(|| {
            bump(&self.ticks, ticks);
            bump(&block.0[index], 1);
        });
    }

    #[cold]
    fn record_rarely(&self, ticks: u64, bucket: usize, shared: bool) {
        let (block, index) = (bucket / BUCKETS_PER_BLOCK, bucket % BUCKETS_PER_BLOCK);
        let block = self.block(block);
        if shared {
            self.ticks.fetch_add(ticks, Relaxed);
            // As what follows a version's fence: who sees the end sees the start, which may be on another thread.
            block.0[index].fetch_add(1, Release);
        } else {
            self.record_in(block, index, ticks);
        }
    }

    fn block(&self, index: usize) -> &'static Block {
        leak_once(&self.blocks[index], || Block([const { AtomicU64::new(0) }; BUCKETS_PER_BLOCK]))
    }

    pub(super) fn reset(&self) {
        self.version.settle();
        zero(&self.ticks);
        if let Some(exemplars) = self.existing_exemplars() {
            exemplars.reset();
        }
        for block in &self.blocks {
            // SAFETY: null, or a leaked block.
            if let Some(block) = unsafe { block.load(Acquire).as_ref() } {
                block.0.iter().for_each(zero);
            }
        }
    }

    /// Reads into what is empty. Says whether sum and buckets belong together.
    pub(super) fn read(&self, reading: &mut ResultReading) -> bool {
        self.version.read(|| {
            reading.ticks = self.ticks.load(Relaxed);
            for (block, into) in self.blocks.iter().zip(reading.buckets.chunks_mut(BUCKETS_PER_BLOCK)) {
                // SAFETY: null, or a leaked block.
                if let Some(block) = unsafe { block.load(Acquire).as_ref() } {
                    for (cell, count) in block.0.iter().zip(into) {
                        *count = cell.load(Relaxed);
                    }
                }
            }
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_result_that_spans_ten_octaves_takes_a_kibibyte_of_a_thread() {
        // They meet four blocks at most.
        assert!(size_of::<ResultCell>() + 4 * size_of::<Block>() <= 1_024);
    }
}
