//! What stands for the tracking allocator with `--cfg telemetry_off`: the allocator within it.

use std::alloc::{GlobalAlloc, Layout, System};

/// Another allocator, which it passes everything on to.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tracking<A = System> {
    inner: A,
}

impl Tracking<System> {
    /// The system's allocator.
    #[must_use]
    pub const fn system() -> Tracking<System> {
        Tracking { inner: System }
    }
}

impl<A: GlobalAlloc> Tracking<A> {
    /// Another allocator.
    #[must_use]
    pub const fn new(inner: A) -> Tracking<A> {
        Tracking { inner }
    }
}

// SAFETY: every call is passed on with the arguments as they came.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Tracking<A> {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.inner.alloc(layout) }
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.inner.alloc_zeroed(layout) }
    }

    #[inline(always)]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.inner.dealloc(pointer, layout) }
    }

    #[inline(always)]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.inner.realloc(pointer, layout, new_size) }
    }
}
