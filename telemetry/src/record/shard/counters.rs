//! The cells of counters: chunks of them, so that a thread that uses a counter has room for its neighbours.

use super::{SHARED, Shard, all, bump_to_the_end, shared_cell};
use crate::record::thread;
use crate::sync::{AtomicU32, AtomicU64, IS_SMALL, Relaxed};

/// 16 counters, 128 bytes: what two threads' cells need to be apart to share neither a cache line nor the pair that is prefetched with it, so
/// that a thread with one counter of many pays for no more than that.
const COUNTERS_PER_CHUNK: usize = if IS_SMALL { 2 } else { 16 };

#[repr(align(128))]
pub(super) struct CounterChunk(pub(super) [AtomicU64; COUNTERS_PER_CHUNK]);

static COUNTER_SLOTS: AtomicU32 = AtomicU32::new(0);

/// A number for a counter that no other counter of the program has.
pub(crate) fn new_counter_slot() -> u32 {
    COUNTER_SLOTS.fetch_add(1, Relaxed)
}

fn place(slot: u32) -> (usize, usize) {
    (slot as usize / COUNTERS_PER_CHUNK, slot as usize % COUNTERS_PER_CHUNK)
}

/// Adds to a counter's cell of this thread. A counter that reached 2^64 - 1 stays there rather than fall.
#[inline]
pub(crate) fn add(slot: u32, n: u64) {
    thread::with(|thread| {
        let (chunk, index) = place(slot);
        match thread.shard().and_then(|shard| shard.counters.get(chunk)) {
            Some(cells) => bump_to_the_end(&cells.0[index], n),
            None => add_first(slot, n),
        }
    });
}

#[cold]
fn add_first(slot: u32, n: u64) {
    let (chunk, index) = place(slot);
    let new = || CounterChunk([const { AtomicU64::new(0) }; COUNTERS_PER_CHUNK]);
    thread::uncounted(|thread| match thread.take_shard() {
        Some(shard) => {
            let cells = shard.counters.get(chunk).unwrap_or_else(|| shard.counters.make(chunk, new()));
            bump_to_the_end(&cells.0[index], n);
        }
        None => {
            let cell = &shared_cell(&SHARED.counters, chunk, new).0[index];
            // Cannot fail: there always is a next value.
            let _ = cell.fetch_update(Relaxed, Relaxed, |now| Some(now.saturating_add(n)));
        }
    });
}

/// The sum of a counter's cells.
pub(crate) fn sum(slot: u32) -> u64 {
    sum_in(&all(), slot)
}

pub(crate) fn sum_in(shards: &[&'static Shard], slot: u32) -> u64 {
    let (chunk, index) = place(slot);
    let cells = shards.iter().filter_map(|shard| shard.counters.get(chunk));
    cells.map(|cells| cells.0[index].load(Relaxed)).fold(0, u64::saturating_add)
}

/// The sums of all counters' cells, by slot. Chunk by chunk, in the order in which they lie in memory, which takes a fraction of what
/// asking for each series takes.
pub(crate) fn sums_in(shards: &[&'static Shard]) -> Vec<u64> {
    let mut sums = vec![0u64; COUNTER_SLOTS.load(Relaxed) as usize];
    for shard in shards {
        for (sums, cells) in sums
            .chunks_mut(COUNTERS_PER_CHUNK)
            .enumerate()
            .filter_map(|(chunk, sums)| Some((sums, shard.counters.get(chunk)?)))
        {
            for (sum, cell) in sums.iter_mut().zip(&cells.0) {
                *sum = sum.saturating_add(cell.load(Relaxed));
            }
        }
    }
    sums
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_takes_two_cache_lines_of_a_thread() {
        assert_eq!(size_of::<CounterChunk>(), 128);
    }
}
