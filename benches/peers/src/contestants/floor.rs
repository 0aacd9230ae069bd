//! The least: clocks alone, a clock with somewhere to put what it said, and a shared atomic.

use super::names::{self, BARE};
use super::work;
use crate::contestant::{Contestant, Seen};
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What is done with a duration by who does nothing with it: it cannot be left out, and waits for both readings.
#[inline(always)]
fn keep(x: u64, ticks: u64) -> u64 {
    x ^ (ticks >> 63)
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn counter() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and Linux lets programs use it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn two_counter_reads(x: u64) -> u64 {
    let start = counter();
    let y = work(x);
    keep(y, counter().wrapping_sub(start))
}

#[inline(never)]
fn two_instants(x: u64) -> u64 {
    let start = Instant::now();
    let y = work(x);
    #[expect(clippy::cast_possible_truncation, reason = "nanoseconds")]
    let ticks = start.elapsed().as_nanos() as u64;
    keep(y, ticks)
}

/// A thread's sum and its calls by powers of two of their ticks. One thread writes, so loads and stores do.
struct Cells {
    sum: AtomicU64,
    buckets: [AtomicU64; 64],
}

thread_local! {
    static CELLS: Cell<Option<&'static Cells>> = const { Cell::new(None) };
}

/// All threads' cells, which outlive them: somebody has to read them.
static ALL: Mutex<Vec<&'static Cells>> = Mutex::new(Vec::new());

#[cold]
fn first_cells() -> &'static Cells {
    let zero = |_| AtomicU64::new(0);
    let cells: &Cells = Box::leak(Box::new(Cells { sum: AtomicU64::new(0), buckets: std::array::from_fn(zero) }));
    if let Ok(mut all) = ALL.lock() {
        all.push(cells);
    }
    CELLS.set(Some(cells));
    cells
}

#[inline(always)]
fn add(cell: &AtomicU64, n: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn two_counter_reads_and_cells(x: u64) -> u64 {
    let start = counter();
    let y = work(x);
    let ticks = counter().wrapping_sub(start);
    let cells = CELLS.get().unwrap_or_else(first_cells);
    add(&cells.sum, ticks);
    add(&cells.buckets[63 - (ticks | 1).leading_zeros() as usize], 1);
    y
}

fn in_cells() -> u64 {
    let all = ALL.lock().map(|all| all.clone()).unwrap_or_default();
    all.iter().flat_map(|cells| &cells.buckets).map(|bucket| bucket.load(Ordering::Relaxed)).sum()
}

static SHARED: AtomicU64 = AtomicU64::new(0);

/// Those who time.
pub(super) fn timed() -> Vec<Contestant> {
    vec![
        #[cfg(target_arch = "x86_64")]
        Contestant::new(names::FLOOR, BARE, Seen::Nothing, two_counter_reads),
        #[cfg(target_arch = "x86_64")]
        Contestant::new(
            "two counter reads, two thread-local cells",
            BARE,
            Seen::Ask(in_cells),
            two_counter_reads_and_cells,
        ),
        Contestant::new(names::INSTANTS, BARE, Seen::Nothing, two_instants),
    ]
}

/// Those who count.
pub(super) fn instruments() -> Vec<Contestant> {
    let seen = Seen::Ask(|| SHARED.load(Ordering::Relaxed));
    let add = || {
        SHARED.fetch_add(1, Ordering::Relaxed);
    };
    Contestant::twins("a shared atomic add", seen, add).into()
}
