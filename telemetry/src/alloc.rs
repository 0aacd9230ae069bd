//! The tracking allocator: what each thread allocates, so that a call can tell what it allocated.
//!
//! ```
//! #[global_allocator]
//! static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();
//! # fn main() {}
//! ```
//!
//! Counted is what passes through Rust's global allocator. What C and C++ code allocates for itself, DuckDB included, does not;
//! it is in the process's resident size.

use crate::record::shard::TRACKING;
use crate::record::thread::{self, SHOWN_AT_ONCE, SHOWN_EVERY, Thread};
use crate::sync::Relaxed;
use std::alloc::{GlobalAlloc, Layout, System};

/// An allocator that counts, per thread, what another one serves.
///
/// An allocation counts its size, a reallocation the bytes that it grows by, and each counts once. Costs a few nanoseconds an
/// allocation, see `benches/RESULTS.md`.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tracking<A = System> {
    inner: A,
}

impl Tracking<System> {
    /// Around the system's allocator.
    #[must_use]
    pub const fn system() -> Tracking<System> {
        Tracking { inner: System }
    }
}

impl<A: GlobalAlloc> Tracking<A> {
    /// Around another allocator.
    #[must_use]
    pub const fn new(inner: A) -> Tracking<A> {
        Tracking { inner }
    }
}

fn grown(thread: &Thread, bytes: usize) {
    thread.allocated_bytes.set(thread.allocated_bytes.get().wrapping_add(bytes as u64));
    let allocations = thread.allocations.get().wrapping_add(1);
    thread.allocations.set(allocations);
    // An allocation is smaller than isize::MAX.
    let bytes = bytes as i64;
    if thread.running.get().is_none() {
        thread.allocated_outside(bytes);
    }
    let live = thread.live_bytes.get().wrapping_add(bytes);
    thread.live_bytes.set(live);
    if live > thread.peak_bytes.get() {
        thread.peak_bytes.set(live);
    }
    if allocations % SHOWN_EVERY == 0 || thread.unshown_live() >= SHOWN_AT_ONCE {
        thread.show_allocated();
    }
}

fn shrunk(thread: &Thread, bytes: usize) {
    thread.live_bytes.set(thread.live_bytes.get().wrapping_sub_unsigned(bytes as u64));
    if thread.unshown_live() <= -SHOWN_AT_ONCE {
        thread.show_allocated();
    }
}

#[inline]
fn allocated(pointer: *mut u8, bytes: usize) -> *mut u8 {
    if !pointer.is_null() {
        if !TRACKING.load(Relaxed) {
            TRACKING.store(true, Relaxed);
        }
        thread::with(|thread| grown(thread, bytes));
    }
    pointer
}

// SAFETY: every call is passed on with the arguments as they came; counting touches only thread-local cells, which need no
// allocation and no destructor.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Tracking<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        allocated(unsafe { self.inner.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        allocated(unsafe { self.inner.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        thread::with(|thread| shrunk(thread, layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { self.inner.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        let new = unsafe { self.inner.realloc(pointer, layout, new_size) };
        if new.is_null() {
            return new;
        }
        if new_size >= layout.size() {
            return allocated(new, new_size - layout.size());
        }
        thread::with(|thread| shrunk(thread, layout.size() - new_size));
        new
    }
}
