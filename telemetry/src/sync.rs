//! The atomics, cells and locks of the recording path, in one place, so that a model checker can stand in for them.

pub(crate) use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whatever happened to the last holder: what our locks guard is valid after every single write.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
