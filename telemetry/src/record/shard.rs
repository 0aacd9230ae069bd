//! The cells that one thread writes and any thread reads.
//!
//! A shard is never freed and never merged away. A thread that ends hands its shard, counts and all, to the next thread
//! that starts, so there is no moment at which a count is seen twice or not at all, and memory follows the most threads alive at
//! once. What is recorded after a thread's shard was handed on goes to one shared shard, by `fetch_add`.

use crate::record::ages::{Ages, Slot};
use crate::record::callsite::CallSite;
use crate::record::exemplar::{Kept, Seen};
use crate::record::outcome::{OUTCOMES, Outcome};
use crate::record::probe::SiteProbes;
use crate::record::table::Table;
use crate::record::thread;
use crate::record::{clock, dropped, exemplar, exponential, fork, isolated};
use crate::sync::{
    Acquire, AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, IS_SMALL, Mutex, Relaxed, Release, fence, leak,
    leak_raw, lock, spin_loop, unleak,
};

/// Cells for all that a program records.
pub(crate) struct Shard {
    pub(crate) sites: Table<SiteCell>,
    counters: Table<CounterChunk>,
    histograms: Table<HistogramCell>,
    /// Of histograms, once there is a source of traces.
    exemplars: Table<Kept>,
}

impl Shard {
    const fn new() -> Shard {
        Shard { sites: Table::new(), counters: Table::new(), histograms: Table::new(), exemplars: Table::new() }
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
        self.histograms.iter().for_each(|histogram| {
            histogram.version.settle();
            zero(&histogram.sum);
            histogram.near.iter().chain(histogram.far()).for_each(zero);
        });
        self.exemplars.iter().for_each(Kept::reset);
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

// ---- counters -----------------------------------------------------------------------------------------------------

/// 16 counters, 128 bytes: what two threads' cells need to be apart to share neither a cache line nor the pair that is prefetched with it, so
/// that a thread with one counter of many pays for no more than that.
const COUNTERS_PER_CHUNK: usize = if IS_SMALL { 2 } else { 16 };

#[repr(align(128))]
struct CounterChunk([AtomicU64; COUNTERS_PER_CHUNK]);

static COUNTER_SLOTS: AtomicU32 = AtomicU32::new(0);
static HISTOGRAM_SLOTS: AtomicU32 = AtomicU32::new(0);

/// A number for a counter that no other counter of the program has.
pub(crate) fn new_counter_slot() -> u32 {
    COUNTER_SLOTS.fetch_add(1, Relaxed)
}

/// A number for a histogram that no other histogram of the program has.
pub(crate) fn new_histogram_slot() -> u32 {
    HISTOGRAM_SLOTS.fetch_add(1, Relaxed)
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

fn shared_cell<T>(table: &'static Table<T>, index: usize, new: impl FnOnce() -> T) -> &'static T {
    table.get(index).unwrap_or_else(|| {
        let _alone = lock(&SHARED_GROWS);
        table.get(index).unwrap_or_else(|| table.make(index, new()))
    })
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

// ---- versions -----------------------------------------------------------------------------------------------------

/// Brackets writes that belong together. Odd while its one writer writes.
struct Version(AtomicU64);

/// How often a reader tries to read between two equal even versions. A writer that never pauses, or was descheduled inside its bracket,
/// defeats any number of tries; then what was read last is taken as it is. Every cell only grows, so that no total falls: the
/// sum alone may be some observations off its buckets. (An older consistent copy would be worse: the series of the busiest threads would
/// stand still, and then jump.)
const READ_TRIES: usize = if IS_SMALL { 2 } else { 64 };

impl Version {
    const fn new() -> Version {
        Version(AtomicU64::new(0))
    }

    #[inline]
    fn write<R>(&self, writes: impl FnOnce() -> R) -> R {
        let version = self.0.load(Relaxed);
        self.0.store(version.wrapping_add(1), Relaxed);
        // What follows is not seen before the odd version is.
        fence(Release);
        let result = writes();
        self.0.store(version.wrapping_add(2), Release);
        result
    }

    /// Ends the writes of a thread that does not exist any more.
    fn settle(&self) {
        let version = self.0.load(Relaxed);
        if version % 2 != 0 {
            self.0.store(version.wrapping_add(1), Relaxed);
        }
    }

    /// Reads, again and again, until no write came in between, or the tries are used up. Says which.
    fn read(&self, mut reads: impl FnMut()) -> bool {
        for _ in 0..READ_TRIES {
            let before = self.0.load(Acquire);
            reads();
            // What was read above is not newer than the version read below.
            fence(Acquire);
            if before % 2 == 0 && self.0.load(Relaxed) == before {
                return true;
            }
            spin_loop();
        }
        false
    }
}

// ---- histograms of `metric!` --------------------------------------------------------------------------------------

#[repr(align(128))]
struct HistogramCell {
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
struct CellReading {
    sum: f64,
    near: [u64; NEAR_BUCKETS],
    far: Vec<u64>,
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

    fn far(&self) -> &[AtomicU64] {
        self.far.as_ref().map_or(&[], |far| &far.0)
    }

    #[inline]
    fn bucket(&self, index: usize) -> Option<&AtomicU64> {
        self.near.get(index).or_else(|| self.far().get(index - NEAR_BUCKETS))
    }

    /// Reads into what has room for the buckets beyond the near ones. Says whether sum and buckets belong together.
    fn read(&self, into: &mut CellReading) -> bool {
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
    thread::with(|thread| match thread.shard().and_then(|shard| shard.histograms.get(slot as usize)) {
        Some(cell) => cell.observe(bounds, value),
        None => observe_first(slot, bounds, value),
    });
    if exemplar::is_on() {
        exemplar::observation(slot, bounds, value);
    }
}

/// The exemplars of a histogram on this thread, made where they are new; none where the thread is past having a shard.
pub(crate) fn exemplars_of_histogram(slot: u32, new: impl FnOnce() -> Kept) -> Option<&'static Kept> {
    let slot = slot as usize;
    thread::with(|thread| {
        let shard = thread.shard()?;
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

// ---- call sites ---------------------------------------------------------------------------------------------------

/// What one thread knows of one call site.
#[repr(align(128))]
pub(crate) struct SiteCell {
    pub(crate) started: AtomicU64,
    pub(crate) polls: AtomicU64,
    /// How many calls of this site are running on this thread, one within the other. The owner's alone.
    depth: AtomicU64,
    /// Ticks inside calls or polls, a recursion once.
    pub(crate) busy: AtomicU64,
    /// Busy ticks less those of measured callees.
    pub(crate) own: AtomicU64,
    pub(crate) allocated_bytes: AtomicU64,
    pub(crate) allocations: AtomicU64,
    pub(crate) own_allocated_bytes: AtomicU64,
    pub(crate) peak_bytes: AtomicI64,
    /// Visits until there is something to decide about probes; in the shared shard always 0, which is at once. The owner's alone.
    pub(crate) countdown: AtomicU32,
    /// What probes read here; null before anything was decided.
    probes: AtomicPtr<SiteProbes>,
    pub(crate) site: &'static CallSite,
    results: [AtomicPtr<ResultCell>; OUTCOMES],
    pub(crate) ages: Ages,
    shared: bool,
}

/// 16 buckets, 128 bytes: four octaves of durations, which is what most functions span.
const BUCKETS_PER_BLOCK: usize = if IS_SMALL { 3 } else { 16 };
const BLOCKS: usize = exponential::BUCKETS.div_ceil(BUCKETS_PER_BLOCK);

#[repr(align(128))]
struct Block([AtomicU64; BUCKETS_PER_BLOCK]);

/// The calls of one site that ended in one way.
#[repr(align(128))]
pub(crate) struct ResultCell {
    version: Version,
    ticks: AtomicU64,
    blocks: [AtomicPtr<Block>; BLOCKS],
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
    fn new() -> ResultCell {
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

    fn existing_exemplars(&self) -> Option<&'static Kept> {
        // SAFETY: null, or a leaked value.
        unsafe { self.exemplars.load(Acquire).as_ref() }
    }

    #[inline]
    fn record(&self, ticks: u64, shared: bool) {
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

    fn reset(&self) {
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
    fn read(&self, reading: &mut ResultReading) -> bool {
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

/// What a call or a poll that ended allocated, its callees included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) bytes: u64,
    pub(crate) own_bytes: u64,
    pub(crate) allocations: u64,
    pub(crate) peak_bytes: i64,
}

impl SiteCell {
    pub(crate) fn new(site: &'static CallSite, shared: bool) -> SiteCell {
        SiteCell {
            started: AtomicU64::new(0),
            polls: AtomicU64::new(0),
            depth: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            own: AtomicU64::new(0),
            allocated_bytes: AtomicU64::new(0),
            allocations: AtomicU64::new(0),
            own_allocated_bytes: AtomicU64::new(0),
            peak_bytes: AtomicI64::new(0),
            // The first visit is read: it may be the only one.
            countdown: AtomicU32::new(u32::from(!shared)),
            probes: AtomicPtr::new(std::ptr::null_mut()),
            site,
            results: [const { AtomicPtr::new(std::ptr::null_mut()) }; OUTCOMES],
            ages: Ages::new(),
            shared,
        }
    }

    /// A call that began at `start` waits for the first time; its end is to be told to what is returned. Threads that are past having a
    /// shard do not keep ages: they end.
    #[inline]
    pub(crate) fn suspend(&self, start: u64) -> Option<&'static Slot> {
        (!self.shared).then(|| self.ages.suspend(start))
    }

    #[inline]
    pub(crate) fn count(&self, cell: &AtomicU64, n: u64) {
        if self.shared {
            cell.fetch_add(n, Relaxed);
        } else {
            bump(cell, n);
        }
    }

    /// As [`count`](Self::count), where `RARE` tells what cells of one thread and of many have in common.
    #[inline]
    fn count_as<const RARE: bool>(&self, cell: &AtomicU64, n: u64) {
        if RARE {
            self.count(cell, n);
        } else {
            bump(cell, n);
        }
    }

    /// Counts a call as started.
    #[inline]
    pub(crate) fn start<const RARE: bool>(&self) {
        self.count_as::<RARE>(&self.started, 1);
    }

    /// Counts a poll.
    #[inline]
    pub(crate) fn poll<const RARE: bool>(&self) {
        self.count_as::<RARE>(&self.polls, 1);
    }

    /// A call or poll begins on this thread. Says whether it is the outermost, whose start [`Ages`] keeps.
    #[inline]
    pub(crate) fn descend<const RARE: bool>(&self) -> bool {
        let outermost = self.depth.load(Relaxed) == 0;
        self.count_as::<RARE>(&self.depth, 1);
        outermost && !(RARE && self.shared)
    }

    /// Whether the visit that begins is one of the rare: there is something to decide about probes, or several threads write here.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        let left = self.countdown.load(Relaxed);
        let is_due = left <= 1;
        if !is_due {
            self.countdown.store(left - 1, Relaxed);
        }
        is_due
    }

    /// What probes read here, made where it is new.
    pub(crate) fn probes(&self) -> &'static SiteProbes {
        leak_once(&self.probes, SiteProbes::default)
    }

    /// What probes read here, if there is anything.
    pub(crate) fn existing_probes(&self) -> Option<&'static SiteProbes> {
        // SAFETY: null, or a leaked value.
        unsafe { self.probes.load(Acquire).as_ref() }
    }

    /// How many calls or polls of this site run on this thread, one within the other.
    pub(crate) fn running(&self) -> u64 {
        self.depth.load(Relaxed)
    }

    /// Whether several threads write here.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }

    /// A call or poll has left this thread after so many ticks, its callees' included or not. Says whether it was the outermost: inclusive sums
    /// count that alone.
    #[inline]
    pub(crate) fn ascend<const RARE: bool>(&self, ticks: u64, own_ticks: u64) -> bool {
        let depth = if RARE && self.shared {
            self.depth.fetch_sub(1, Relaxed).wrapping_sub(1)
        } else {
            let depth = self.depth.load(Relaxed).saturating_sub(1);
            self.depth.store(depth, Relaxed);
            depth
        };
        self.count_as::<RARE>(&self.own, own_ticks);
        if depth == 0 {
            self.count_as::<RARE>(&self.busy, ticks);
            self.ages.leave();
        }
        depth == 0
    }

    /// Counts what a call or poll allocated.
    #[inline]
    pub(crate) fn used<const RARE: bool>(&self, used: &Used, outermost: bool) {
        if used.allocations == 0 {
            return;
        }
        self.count_as::<RARE>(&self.own_allocated_bytes, used.own_bytes);
        if outermost {
            self.count_as::<RARE>(&self.allocated_bytes, used.bytes);
            self.count_as::<RARE>(&self.allocations, used.allocations);
        }
        if RARE && self.shared {
            self.peak_bytes.fetch_max(used.peak_bytes, Relaxed);
        } else if used.peak_bytes > self.peak_bytes.load(Relaxed) {
            self.peak_bytes.store(used.peak_bytes, Relaxed);
        }
    }

    /// Counts a call as ended, after `ticks` from start to end.
    #[inline]
    pub(crate) fn end<const RARE: bool>(&self, outcome: Outcome, ticks: u64) {
        // SAFETY: null, or a leaked cell.
        match unsafe { self.results[outcome as usize].load(Acquire).as_ref() } {
            Some(result) => result.record(ticks, RARE && self.shared),
            None => self.end_first(outcome, ticks),
        }
    }

    /// Counts a call as ended that was not timed, on a cell of one thread.
    #[inline]
    pub(crate) fn end_counted(&self, outcome: Outcome) {
        // SAFETY: null, or a leaked cell.
        let result = unsafe { self.results[outcome as usize].load(Acquire).as_ref() };
        // SAFETY: null, or a leaked block.
        match result.and_then(|result| unsafe { result.blocks[0].load(Acquire).as_ref() }) {
            Some(block) => bump(&block.0[0], 1),
            None => self.end_first(outcome, 0),
        }
    }

    #[cold]
    #[inline(never)]
    fn end_first(&self, outcome: Outcome, ticks: u64) {
        self.result(outcome).record(ticks, self.shared);
    }

    /// The cell of a result, made where it is new: a series that exists at zero.
    #[cold]
    pub(crate) fn result(&self, outcome: Outcome) -> &'static ResultCell {
        leak_once(&self.results[outcome as usize], ResultCell::new)
    }

    /// Sets what a child of this process begins with: where the forking thread's calls are, those that run have started.
    fn reset(&self, runs_here: bool) {
        let running = if runs_here { self.depth.load(Relaxed) } else { 0 };
        let sums = [&self.polls, &self.busy, &self.own, &self.allocated_bytes, &self.allocations];
        sums.into_iter().chain([&self.own_allocated_bytes]).for_each(zero);
        self.started.store(running, Relaxed);
        self.depth.store(running, Relaxed);
        self.peak_bytes.store(0, Relaxed);
        self.ages.reset(running > 0);
        if let Some(probes) = self.existing_probes() {
            probes.reset();
        }
        for result in &self.results {
            // SAFETY: null, or a leaked cell.
            if let Some(result) = unsafe { result.load(Acquire).as_ref() } {
                result.reset();
            }
        }
    }

    /// What a result's cell holds, if the result has occurred here.
    pub(crate) fn read(&self, outcome: Outcome) -> Option<ResultReading> {
        // SAFETY: null, or a leaked cell.
        let cell = unsafe { self.results[outcome as usize].load(Acquire).as_ref() }?;
        let mut reading = ResultReading::default();
        cell.read(&mut reading);
        if let Some(exemplars) = cell.existing_exemplars() {
            exemplars.read(&mut reading.exemplars);
        }
        Some(reading)
    }
}

/// This thread's cell of a call site; the shared shard's where the thread is past having one.
#[inline]
pub(crate) fn site_cell(thread: &thread::Thread, site: &'static CallSite) -> &'static SiteCell {
    match existing_site_cell(thread, site) {
        Some(cell) => cell,
        None => site_cell_first(site),
    }
}

/// This thread's cell of a call site, where it was made.
#[inline]
pub(crate) fn existing_site_cell(thread: &thread::Thread, site: &CallSite) -> Option<&'static SiteCell> {
    thread.shard()?.sites.get(site.index())
}

#[cold]
fn site_cell_first(site: &'static CallSite) -> &'static SiteCell {
    thread::uncounted(|thread| {
        let index = site.register();
        match thread.take_shard() {
            Some(shard) => {
                shard.sites.get(index).unwrap_or_else(|| shard.sites.make(index, SiteCell::new(site, false)))
            }
            None => shared_cell(&SHARED.sites, index, || SiteCell::new(site, true)),
        }
    })
}

/// True once the tracking allocator has served an allocation.
pub(crate) static TRACKING: AtomicBool = AtomicBool::new(false);

#[cfg(all(test, loom))]
mod models;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_series_of_a_thread_is_as_small_as_two_cache_lines() {
        assert_eq!((size_of::<CounterChunk>(), size_of::<HistogramCell>()), (128, 128));
        // Ten octaves meet four blocks at most.
        assert!(size_of::<ResultCell>() + 4 * size_of::<Block>() <= 1_024);
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
