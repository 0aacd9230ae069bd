//! What is read of a thread at some visits: its CPU clock and its bytes of I/O. When, says [`budget`].
//!
//! Readings nest. A visit's own readings are outside its time; inside its CPU time is the end of the first reading and the beginning of the second,
//! which is known of empty visits and taken off. What the readings of callees cost on the same thread is summed up in [`Thread`] and taken off the
//! CPU time of whoever runs meanwhile, and counts as nobody's self time. Bytes that our readings of `/proc` read are taken off exactly.

mod cpu; // the CPU clock of a thread
pub(crate) mod io; // bytes read and written by a thread

use crate::record::budget::{self, Due, INTERRUPTED, PROBES, Plan, Probe};
use crate::record::shard::SiteCell;
use crate::record::thread::Thread;
use crate::record::tree::{self, Seen};
use crate::record::{clock, dropped};
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Relaxed, unforked};
use io::{Bytes, Unread};
use std::sync::OnceLock;

/// What one thread knows of one call site's use of CPU and I/O. Exists once a visit was decided upon.
#[derive(Debug, Default)]
pub(crate) struct SiteProbes {
    pub(crate) plan: Plan,
    /// Nanoseconds.
    pub(crate) cpu: AtomicU64,
    /// What short visits were below zero, their readings being shorter than an empty visit's; later ones make up for it.
    cpu_debt: AtomicU64,
    pub(crate) io_read: AtomicU64,
    pub(crate) io_written: AtomicU64,
    sample: Sample,
    /// The bits of the estimated variance of each probe's sum; of bytes read and written together.
    variance: [AtomicU64; PROBES],
}

/// What a visit's probes read when it began. Kept with the site rather than with the visit, which would else carry its size through every call: of
/// a site's visits on a thread only the outermost is read, so there is one. Atomic since a guard may be leaked, and the cell handed to another
/// thread.
#[derive(Debug, Default)]
struct Sample {
    /// Nanoseconds.
    cpu: AtomicU64,
    /// Ticks that the reading took.
    cpu_ticks: AtomicU64,
    io_read: AtomicU64,
    io_written: AtomicU64,
    /// The thread's sums before anything that was read within the visit.
    nested_ticks: AtomicU64,
    nested_bytes: AtomicU64,
    /// By probe: the `k` of its draw, or [`NOT_READ`].
    exponents: [AtomicU32; PROBES],
    /// The `k` with which the visit has its place in the tree of calls, that of the CPU probe's draw, or [`NOT_READ`].
    placed: AtomicU32,
    /// Nanoseconds that the visit used, once that was read.
    used_cpu: AtomicU64,
}

const NOT_READ: u32 = u32::MAX;

impl Sample {
    /// The `k` with which a probe was read.
    fn exponent(&self, probe: Probe) -> Option<u32> {
        Some(self.exponents[probe as usize].load(Relaxed)).filter(|&k| k != NOT_READ)
    }
}

/// What readings cost, measured once.
#[derive(Clone, Copy, Debug)]
struct Costs {
    /// Nanoseconds of CPU time that an empty visit shows.
    empty: u64,
    /// Ticks of both readings of a visit.
    ticks: [u64; PROBES],
}

static COSTS: OnceLock<Costs> = OnceLock::new();
/// True once the system has told bytes.
static IO_EXISTS: AtomicBool = AtomicBool::new(false);
/// Visits that should have been read and could not, by probe, each with its weight.
static UNREAD: [AtomicU64; PROBES] = [const { AtomicU64::new(0) }; PROBES];

/// Whether a probe's families have something to tell.
pub(crate) fn exists(probe: Probe) -> bool {
    budget::share() > 0.0
        && match probe {
            Probe::Cpu => cfg!(target_os = "linux"),
            Probe::Io => IO_EXISTS.load(Relaxed),
        }
}

/// Visits that should have been read by a probe and could not be.
pub(crate) fn unread(probe: Probe) -> u64 {
    UNREAD[probe as usize].load(Relaxed)
}

/// How long until a switched-off budget is looked at again.
const OFF: u32 = u32::MAX;

/// Decides what is read at the visit that begins, and reads it. Says whether anything was, and what it cost in ticks, which is
/// nobody's own time.
#[cold]
#[inline(never)]
pub(crate) fn begin(thread: &Thread, cell: &SiteCell) -> (bool, u64) {
    let entered = clock::now();
    if budget::share() == 0.0 {
        cell.countdown.store(OFF, Relaxed);
        return (false, clock::now().saturating_sub(entered));
    }
    if cell.is_shared() {
        // Threads that are being destroyed; what one of them reads, another would overwrite.
        Probe::ALL.into_iter().for_each(|probe| miss(probe, 0));
        return (false, clock::now().saturating_sub(entered));
    }
    let costs = costs(thread);
    let probes = cell.probes();
    let typical = &cell.site.typical;
    let elsewhere = typical.load(Relaxed);
    let decision = probes.plan.decide(cell.own.load(Relaxed), cell.running(), costs.ticks, elsewhere, &thread.random);
    let here = probes.plan.typical();
    // Written where it helps to know: the call site's line is read by all threads.
    if here.abs_diff(elsewhere) > elsewhere / 2 {
        typical.store(here, Relaxed);
    }
    cell.countdown.store(decision.countdown, Relaxed);
    // A recursion counts once: what the outermost call uses is all. Its own coin was tossed at its start.
    let is_read = cell.running() == 1 && decision.due != [None; PROBES];
    let mut books = Books::open(thread, probes, costs, entered);
    if is_read {
        probes.begin(thread, decision.due, &mut books);
    }
    // The decision is on the first probe's account.
    books.charge(Probe::Cpu);
    let ticks = books.close();
    if is_read {
        probes.sample.nested_ticks.store(thread.probe_ticks.get(), Relaxed);
    }
    (is_read, ticks)
}

/// Reads again what was read at the beginning, and counts what was used in between. Says what that cost in ticks.
#[cold]
#[inline(never)]
pub(crate) fn end(thread: &Thread, cell: &SiteCell) -> u64 {
    let Some(probes) = cell.existing_probes() else { return 0 };
    let mut books = Books::open(thread, probes, costs(thread), clock::now());
    probes.end(thread, cell, &mut books);
    books.close()
}

/// Gives a visit that was read and has ended its place in the tree of calls.
#[cold]
#[inline(never)]
pub(crate) fn place(thread: &Thread, cell: &'static SiteCell, own_ticks: u64, own_bytes: u64) {
    let Some(probes) = cell.existing_probes() else { return };
    let sample = &probes.sample;
    let k = sample.placed.swap(NOT_READ, Relaxed);
    if k == NOT_READ {
        return;
    }
    let mut books = Books::open(thread, probes, costs(thread), clock::now());
    let cpu = sample.used_cpu.load(Relaxed);
    tree::add(thread, cell, Seen { own_ticks, own_bytes, cpu, k });
    books.charge(Probe::Cpu);
    // As the caller's readings, this is nobody's own time.
    thread.callee_ticks.set(thread.callee_ticks.get().wrapping_add(books.close()));
}

/// Who pays for what, while readings are made.
struct Books<'a> {
    thread: &'a Thread,
    probes: &'a SiteProbes,
    costs: Costs,
    opened: u64,
    since: u64,
    spent: u64,
}

impl<'a> Books<'a> {
    fn open(thread: &'a Thread, probes: &'a SiteProbes, costs: Costs, now: u64) -> Books<'a> {
        Books { thread, probes, costs, opened: now, since: now, spent: 0 }
    }

    /// Charges a probe with the time since the last charge.
    fn charge(&mut self, probe: Probe) {
        let now = clock::now();
        let usual = self.costs.ticks[probe as usize];
        self.spent += self.probes.plan.spend(probe, now.saturating_sub(self.since), usual);
        self.since = now;
    }

    /// What was charged is not the CPU time of who runs meanwhile; all ticks, which it says, are not their own time.
    fn close(self) -> u64 {
        self.thread.probe_ticks.set(self.thread.probe_ticks.get().wrapping_add(self.spent));
        self.since.saturating_sub(self.opened)
    }
}

impl SiteProbes {
    /// The CPU clock comes last at the beginning and first at the end.
    fn begin(&self, thread: &Thread, due: Due, books: &mut Books<'_>) {
        let sample = &self.sample;
        sample.exponents.iter().for_each(|k| k.store(NOT_READ, Relaxed));
        sample.placed.store(due[Probe::Cpu as usize].unwrap_or(NOT_READ), Relaxed);
        sample.used_cpu.store(0, Relaxed);
        sample.nested_bytes.store(thread.probe_bytes.get(), Relaxed);
        if let Some(k) = due[Probe::Io as usize] {
            if let Some(bytes) = read_io(thread, k) {
                sample.io_read.store(bytes.read, Relaxed);
                sample.io_written.store(bytes.written, Relaxed);
                sample.exponents[Probe::Io as usize].store(k, Relaxed);
            }
            books.charge(Probe::Io);
        }
        if let Some(k) = due[Probe::Cpu as usize] {
            if let Some((cpu, ticks)) = read_cpu_calmly(k, books.costs) {
                sample.cpu.store(cpu, Relaxed);
                sample.cpu_ticks.store(ticks, Relaxed);
                sample.exponents[Probe::Cpu as usize].store(k, Relaxed);
            }
        }
    }

    fn end(&self, thread: &Thread, cell: &SiteCell, books: &mut Books<'_>) {
        let sample = &self.sample;
        if let Some(k) = sample.exponent(Probe::Cpu) {
            let nested = thread.probe_ticks.get().wrapping_sub(sample.nested_ticks.load(Relaxed));
            let read = read_cpu(k).map(|now| now.checked_sub(sample.cpu.load(Relaxed)));
            let ticks = clock::now().saturating_sub(books.opened);
            let ours = books.costs.within(sample.cpu_ticks.load(Relaxed), ticks);
            match read {
                Some(Some(used)) => self.add_cpu(cell, used, ours.saturating_add(clock::nanoseconds(nested)), k),
                Some(None) => dropped::clock_step(),
                None => {}
            }
            books.charge(Probe::Cpu);
        }
        if let Some(k) = sample.exponent(Probe::Io) {
            let nested = thread.probe_bytes.get().wrapping_sub(sample.nested_bytes.load(Relaxed));
            if let Some(now) = read_io(thread, k) {
                let read = now.read.wrapping_sub(sample.io_read.load(Relaxed)).saturating_sub(nested);
                let written = now.written.wrapping_sub(sample.io_written.load(Relaxed));
                thread.read_io.set(Some((read, written)));
                self.add_io(cell, Bytes { read, written }, k);
            }
            books.charge(Probe::Io);
        }
    }

    /// Adds what a visit used, less what of it was ours.
    fn add_cpu(&self, cell: &SiteCell, used: u64, ours: u64, k: u32) {
        let weighted = used.abs_diff(ours).saturating_mul(1 << k);
        self.sample.used_cpu.store(used.saturating_sub(ours), Relaxed);
        self.vary(Probe::Cpu, used.abs_diff(ours), k);
        if used < ours {
            return cell.count(&self.cpu_debt, weighted);
        }
        let debt = self.cpu_debt.load(Relaxed).min(weighted);
        cell.count(&self.cpu_debt, debt.wrapping_neg());
        cell.count(&self.cpu, weighted - debt);
    }

    fn add_io(&self, cell: &SiteCell, bytes: Bytes, k: u32) {
        self.vary(Probe::Io, bytes.read.wrapping_add(bytes.written), k);
        cell.count(&self.io_read, bytes.read.saturating_mul(1 << k));
        cell.count(&self.io_written, bytes.written.saturating_mul(1 << k));
    }

    /// Adds to the variance: x² (1 - p) / p².
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn vary(&self, probe: Probe, x: u64, k: u32) {
        if k == 0 {
            return;
        }
        let (x, weight) = (x as f64, (1u64 << k) as f64);
        let variance = &self.variance[probe as usize];
        let sum = f64::from_bits(variance.load(Relaxed)) + x * x * (weight - 1.0) * weight;
        variance.store(sum.to_bits(), Relaxed);
    }

    /// The estimated variance of a probe's sum.
    pub(crate) fn variance(&self, probe: Probe) -> f64 {
        f64::from_bits(self.variance[probe as usize].load(Relaxed))
    }

    /// Sets what a child of this process begins with. What was learned stays.
    pub(crate) fn reset(&self) {
        let sums = [&self.cpu, &self.cpu_debt, &self.io_read, &self.io_written, &self.plan.visits];
        let each = self.variance.iter().chain(&self.plan.turns).chain(&self.plan.spent);
        sums.into_iter().chain(each).for_each(|sum| sum.store(0, Relaxed));
    }
}

/// Nanoseconds of CPU time that this thread has used, for a span.
pub(crate) fn cpu(thread: &Thread) -> Option<u64> {
    // What an empty visit shows is to be known before the first one.
    costs(thread);
    cpu::now()
}

/// What two readings by [`cpu`] show where nothing is between them, in nanoseconds.
pub(crate) fn empty_cpu(thread: &Thread) -> u64 {
    costs(thread).empty
}

fn read_cpu(k: u32) -> Option<u64> {
    let now = cpu::now();
    if now.is_none() && cfg!(target_os = "linux") {
        miss(Probe::Cpu, k);
    }
    now
}

/// Reads the clock at the beginning of a visit, and says how many ticks that took.
///
/// A kernel that preempts lazily does so when a thread whose time is up comes back from a system call, hence just after this reading: sampled
/// visits would have the cost of more switches, some 10 µs each, than others have. So a reading that was interrupted is made again.
fn read_cpu_calmly(k: u32, costs: Costs) -> Option<(u64, u64)> {
    let read = || {
        let entered = clock::now();
        read_cpu(k).map(|cpu| (cpu, clock::now().saturating_sub(entered)))
    };
    read().and_then(|(cpu, ticks)| if ticks > costs.interrupted() { read() } else { Some((cpu, ticks)) })
}

fn read_io(thread: &Thread, k: u32) -> Option<Bytes> {
    match io::read(thread) {
        Ok(bytes) => {
            if !IO_EXISTS.load(Relaxed) {
                IO_EXISTS.store(true, Relaxed);
            }
            Some(bytes)
        }
        Err(Unread::Never) => None,
        Err(Unread::NotNow) => {
            miss(Probe::Io, k);
            None
        }
    }
}

/// Counts a visit that should have been read and was not.
fn miss(probe: Probe, k: u32) {
    UNREAD[probe as usize].fetch_add(1 << k, Relaxed);
}

/// What readings cost, measured at first use: some 100 µs.
fn costs(thread: &Thread) -> Costs {
    #[cfg(test)]
    if fake::CPU.get().is_some() {
        return fake::costs();
    }
    *COSTS.get().unwrap_or_else(|| unforked(|| COSTS.get_or_init(|| Costs::measure(thread))))
}

impl Costs {
    /// More ticks than one reading of the CPU clock takes, however cold.
    fn interrupted(self) -> u64 {
        self.ticks[Probe::Cpu as usize] / 2 * INTERRUPTED
    }

    /// Nanoseconds of our own that a visit's CPU time shows, after readings that took so many ticks.
    ///
    /// In an empty visit both readings are warm, and their halves that lie within are half of all. Seldom readings are cold, above all the first one
    /// at its beginning, which is outside; where one visit in 64 was read they took 1,031 and 580 ns rather than 430 each, and showed 650 ns
    /// rather than 420. Hence the second one's three parts of four.
    fn within(self, first: u64, second: u64) -> u64 {
        let [first, second] = [first, second].map(|ticks| ticks.min(self.interrupted()));
        let usual = self.ticks[Probe::Cpu as usize].max(1);
        let factor = u128::from(first + 3 * second);
        u64::try_from(u128::from(self.empty) * factor / u128::from(2 * usual)).unwrap_or(u64::MAX)
    }

    /// The middle one of some empty visits: the first are cold, and some are interrupted.
    fn measure(thread: &Thread) -> Costs {
        let cpu: [(u64, u64); 64] = std::array::from_fn(|_| {
            let entered = clock::now();
            let before = cpu::now();
            let (begun, ended) = (clock::now(), clock::now());
            let after = cpu::now();
            let ticks = clock::now().saturating_sub(ended) + begun.saturating_sub(entered);
            (after.zip(before).map_or(0, |(after, before)| after.saturating_sub(before)), ticks)
        });
        // Fewer of the dearer ones. Where there is no file these cost next to nothing, as later ones will.
        let io: [u64; 8] = std::array::from_fn(|_| {
            let entered = clock::now();
            let _ = (io::read(thread), io::read(thread));
            clock::now().saturating_sub(entered)
        });
        Costs { empty: middle(cpu.map(|(empty, _)| empty)), ticks: [middle(cpu.map(|(_, ticks)| ticks)), middle(io)] }
    }
}

fn middle<const N: usize>(mut values: [u64; N]) -> u64 {
    values.sort_unstable();
    values.get(N / 2).copied().unwrap_or(0)
}

/// Readings that tests make up, on their thread.
#[cfg(test)]
pub(crate) mod fake {
    use super::{Bytes, Costs};
    use crate::record::clock;
    use crate::record::thread::Thread;
    use std::cell::Cell;
    use std::time::Duration;

    thread_local! {
        pub(crate) static CPU: Cell<Option<u64>> = const { Cell::new(None) };
        static IO: Cell<Option<Bytes>> = const { Cell::new(None) };
    }

    pub(crate) const CPU_COST: Duration = Duration::from_nanos(420);
    const IO_COST: Duration = Duration::from_micros(3);
    /// What one reading of the file reads.
    const TEXT: u64 = 100;

    /// From here on this thread has made-up clocks.
    pub(crate) fn start() {
        CPU.set(Some(0));
        IO.set(Some(Bytes::default()));
        clock::clock();
        clock::fake::advance(Duration::ZERO);
    }

    /// Computes.
    pub(crate) fn work(time: Duration) {
        CPU.set(CPU.get().map(|cpu| cpu + u64::try_from(time.as_nanos()).unwrap()));
        clock::fake::advance(time);
    }

    pub(crate) fn wait(time: Duration) {
        clock::fake::advance(time);
    }

    pub(crate) fn read_and_write(read: u64, written: u64) {
        IO.set(IO.get().map(|io| Bytes { read: io.read + read, written: io.written + written }));
    }

    pub(super) fn io(thread: &Thread) -> Option<Bytes> {
        let bytes = IO.get()?;
        work(IO_COST);
        read_and_write(TEXT, 0);
        thread.probe_bytes.set(thread.probe_bytes.get() + TEXT);
        Some(bytes)
    }

    pub(super) fn costs() -> Costs {
        Costs {
            empty: u64::try_from(CPU_COST.as_nanos()).unwrap(),
            ticks: [clock::fake::ticks(2 * CPU_COST), clock::fake::ticks(2 * IO_COST)],
        }
    }
}

#[cfg(test)]
mod tests;
