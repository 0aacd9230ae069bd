//! The cells that one thread writes and any thread reads.
//!
//! A shard is never freed and never merged away. A thread that ends hands its shard, counts and all, to the next thread
//! that starts, so there is no moment at which a count is seen twice or not at all, and memory follows the most threads alive at
//! once. What is recorded after a thread's shard was handed on goes to one shared shard, by `fetch_add`.

mod counters; // of `metric!`
mod histograms; // of `metric!`
mod results; // of a call site, by result
mod sites; // of a call site
mod version; // writes that belong together

use crate::record::exemplar::Kept;
use crate::record::table::Table;
use crate::record::tree::Tree;
use crate::record::{fork, isolated, thread};
use crate::sync::{Acquire, AtomicPtr, AtomicU64, Mutex, Relaxed, Release, leak, leak_raw, lock, unleak};
use counters::CounterChunk;
use histograms::HistogramCell;

pub(crate) use counters::{add, new_counter_slot, sum, sum_in, sums_in};
pub(crate) use histograms::{
    HistogramReading, bucket_of, exemplars_of_histogram, new_histogram_slot, observe, read_histogram,
    read_histograms_in,
};
pub(crate) use results::ResultReading;
pub(crate) use sites::{SiteCell, TRACKING, Used, existing_site_cell, site_cell};

/// Cells for all that a program records.
pub(crate) struct Shard {
    pub(crate) sites: Table<SiteCell>,
    counters: Table<CounterChunk>,
    histograms: Table<HistogramCell>,
    /// Of histograms, once there is a source of traces.
    exemplars: Table<Kept>,
    /// Who called whom.
    pub(crate) tree: Tree,
}

impl Shard {
    const fn new() -> Shard {
        Shard {
            sites: Table::new(),
            counters: Table::new(),
            histograms: Table::new(),
            exemplars: Table::new(),
            tree: Tree::new(),
        }
    }

    /// The thread that it was of has left it.
    pub(crate) fn leave(&self) {
        for cell in self.sites.iter() {
            // A guard that was leaked there would else hide the next thread's calls as recursion.
            cell.depth.store(0, Relaxed);
            cell.ages.leave();
        }
    }

    fn reset(&self, runs_here: bool) {
        self.sites.iter().for_each(|cell| cell.reset(runs_here));
        self.counters.iter().for_each(|chunk| chunk.0.iter().for_each(zero));
        self.histograms.iter().for_each(HistogramCell::reset);
        self.exemplars.iter().for_each(Kept::reset);
        self.tree.reset();
    }
}

static ALL: Mutex<Vec<&'static Shard>> = Mutex::new(Vec::new());
static FREE: Mutex<Vec<&'static Shard>> = Mutex::new(Vec::new());
/// Written by many threads, by read-modify-write.
static SHARED: Shard = Shard::new();
/// Makes cells of the shared shard one thread at a time.
static SHARED_GROWS: Mutex<()> = Mutex::new(());

/// A shard for a thread that starts: one that an ended thread left, else a new one.
pub(crate) fn take() -> &'static Shard {
    fork::watch();
    if let Some(shard) = lock(&FREE).pop() {
        return shard;
    }
    let shard = new();
    lock(&ALL).push(shard);
    shard
}

/// A shard that is in no list.
pub(crate) fn new() -> &'static Shard {
    leak(Shard::new())
}

/// Leaves a shard to the next thread that starts.
pub(crate) fn hand_over(shard: &'static Shard) {
    shard.leave();
    lock(&FREE).push(shard);
}

/// What the calling thread may see: every shard that ever was, or in a scope that scope's.
pub(crate) fn all() -> Vec<&'static Shard> {
    isolated::current().map_or_else(all_of_program, isolated::Scope::shards)
}

/// Every shard that ever was, but for those of scopes; the shared one last.
fn all_of_program() -> Vec<&'static Shard> {
    let mut all = lock(&ALL).clone();
    all.push(&SHARED);
    all
}

/// Adds to what [`all`] returned those shards that came since.
pub(crate) fn refresh(list: &mut Vec<&'static Shard>) {
    if let Some(scope) = isolated::current() {
        *list = scope.shards();
        return;
    }
    let all = lock(&ALL);
    // The list has the shared one besides.
    if list.len() <= all.len() {
        list.clone_from(&all);
        list.push(&SHARED);
    }
}

/// Sets to zero what a child of this process has from it. There is no other thread. Cells that are zero are not written, so that their
/// pages stay shared with the parent.
pub(crate) fn reset() {
    thread::uncounted(|thread| {
        let own = thread.shard();
        let scope = thread.scope.get().map(isolated::Scope::shards);
        for shard in all_of_program().into_iter().chain(scope.into_iter().flatten()) {
            shard.reset(own.is_some_and(|own| std::ptr::eq(own, shard)));
        }
    });
}

fn zero(cell: &AtomicU64) {
    if cell.load(Relaxed) != 0 {
        cell.store(0, Relaxed);
    }
}

/// One writer: what is loaded is what this thread stored, so nothing can be lost before the store.
#[inline]
fn bump(cell: &AtomicU64, n: u64) {
    cell.store(cell.load(Relaxed).wrapping_add(n), Relaxed);
}

/// As `bump`, without wrapping: for what users add.
#[inline]
fn bump_to_the_end(cell: &AtomicU64, n: u64) {
    cell.store(cell.load(Relaxed).saturating_add(n), Relaxed);
}

fn shared_cell<T>(table: &'static Table<T>, index: usize, new: impl FnOnce() -> T) -> &'static T {
    table.get(index).unwrap_or_else(|| {
        let _alone = lock(&SHARED_GROWS);
        table.get(index).unwrap_or_else(|| table.make(index, new()))
    })
}

/// Fills a place that is null until first use. Where two threads meet in the shared shard, one value is given back.
fn leak_once<T>(place: &AtomicPtr<T>, new: impl FnOnce() -> T) -> &'static T {
    // SAFETY: null, or a leaked value.
    if let Some(value) = unsafe { place.load(Acquire).as_ref() } {
        return value;
    }
    let value = thread::uncounted(|_| leak_raw(new()));
    match place.compare_exchange(std::ptr::null_mut(), value, Release, Acquire) {
        // SAFETY: just made, and published for ever.
        Ok(_) => unsafe { &*value },
        Err(other) => {
            // SAFETY: nobody else has seen `value`.
            unsafe { unleak(value) };
            // SAFETY: what was there before is a leaked value.
            unsafe { &*other }
        }
    }
}

#[cfg(all(test, loom))]
mod models;
