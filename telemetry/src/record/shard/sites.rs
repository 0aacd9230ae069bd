//! The cells of a call site on one thread.

use super::results::{ResultCell, ResultReading};
use super::{SHARED, bump, leak_once, shared_cell, zero};
use crate::record::ages::{Ages, Slot};
use crate::record::callsite::CallSite;
use crate::record::outcome::{OUTCOMES, Outcome};
use crate::record::probe::SiteProbes;
use crate::record::thread;
use crate::record::tree::Node;
use crate::sync::{Acquire, AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Relaxed};

/// What one thread knows of one call site.
#[repr(align(128))]
pub(crate) struct SiteCell {
    pub(crate) started: AtomicU64,
    pub(crate) polls: AtomicU64,
    /// How many calls of this site are running on this thread, one within the other. The owner's alone.
    pub(super) depth: AtomicU64,
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
    pub(super) results: [AtomicPtr<ResultCell>; OUTCOMES],
    pub(crate) ages: Ages,
    /// What called the outermost of the visits that run, and the place in the tree of calls by which it came last. The owner's alone.
    caller: AtomicPtr<SiteCell>,
    node: AtomicPtr<Node>,
    shared: bool,
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
            caller: AtomicPtr::new(std::ptr::null_mut()),
            node: AtomicPtr::new(std::ptr::null_mut()),
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

    /// Keeps what called the outermost visit, for those within it that are read.
    #[inline]
    pub(crate) fn set_caller(&self, caller: Option<&'static SiteCell>) {
        let caller = caller.map_or(std::ptr::null_mut(), |caller| std::ptr::from_ref(caller).cast_mut());
        self.caller.store(caller, Relaxed);
    }

    /// What called the outermost visit, if anything that is measured did.
    pub(crate) fn caller(&self) -> Option<&'static SiteCell> {
        // SAFETY: null, or a leaked cell.
        unsafe { self.caller.load(Relaxed).as_ref() }
    }

    /// Its place in the tree of calls when it was read last.
    pub(crate) fn node(&self) -> Option<&'static Node> {
        // SAFETY: null, or a leaked node.
        unsafe { self.node.load(Relaxed).as_ref() }
    }

    pub(crate) fn set_node(&self, node: &'static Node) {
        self.node.store(std::ptr::from_ref(node).cast_mut(), Relaxed);
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
    pub(super) fn reset(&self, runs_here: bool) {
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

    /// How many calls began, plus how many ended: a number that changes with each of them.
    pub(crate) fn begun_and_ended(&self) -> u64 {
        // SAFETY: null, or a leaked cell.
        let results = self.results.iter().filter_map(|result| unsafe { result.load(Acquire).as_ref() });
        results.fold(self.started.load(Relaxed), |sum, result| sum.wrapping_add(result.ended()))
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
