//! The atomics, cells, locks and thread locals of the recording path, in one place, so that a model checker can stand in for them: under
//! `--cfg loom` they are those of `modelled`.
//!
//! Also what makes the locks survive `fork`: a child has the forking thread alone, so a lock that another thread held at that moment would
//! stay locked in it for ever. Every lock that is taken with [`lock`] is therefore counted while it is held, and a fork waits until none is
//! (see [`before_fork`]), as the C library does with its own.

pub(crate) use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

#[cfg(not(loom))]
mod plain {
    pub(crate) use std::hint::spin_loop;
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicI32, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence,
    };
    pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock};
    pub(crate) use std::thread_local;

    /// Makes a value that is never freed.
    pub(crate) fn leak<T>(value: T) -> &'static T {
        Box::leak(Box::new(value))
    }

    /// Makes a list that is never freed.
    pub(crate) fn leak_all<T>(values: Vec<T>) -> &'static [T] {
        Vec::leak(values)
    }

    /// Makes a value that is never freed, unless [`unleak`] is told of it before anybody else is.
    pub(crate) fn leak_raw<T>(value: T) -> *mut T {
        Box::into_raw(Box::new(value))
    }

    /// Frees what was to be leaked.
    ///
    /// # Safety
    /// `value` came from [`leak_raw`], and nobody else knows it.
    pub(crate) unsafe fn unleak<T>(value: *mut T) {
        // SAFETY: it is in a box of its own, and nobody else's, says the caller.
        drop(unsafe { Box::from_raw(value) });
    }
}
#[cfg(not(loom))]
pub(crate) use plain::*;

#[cfg(loom)]
pub(crate) mod modelled;
#[cfg(loom)]
pub(crate) use modelled::*;

/// Whether the edges of growing tables are to be met soon: where a checker runs each step, in many orders or slowly.
pub(crate) const IS_SMALL: bool = cfg!(any(loom, miri));

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// Threads that hold a lock, or are within [`unforked`].
static HOLDERS: AtomicUsize = AtomicUsize::new(0);
/// Forks that are under way: while there is one, no thread begins to hold a lock.
static FORKS: AtomicUsize = AtomicUsize::new(0);

std::thread_local! {
    /// How many locks this thread holds.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// How long a fork waits for locks. All are held for microseconds, but for a collector's that asks a database: then the child may find
/// that one locked, which is better than to keep the program from forking.
const FORK_WAITS: Duration = Duration::from_millis(100);

/// While it lives, no other thread forks.
struct Unforked(PhantomData<*const ()>);

impl Unforked {
    fn begin() -> Unforked {
        // Models do not fork.
        if cfg!(loom) {
            return Unforked(PhantomData);
        }
        HELD.with(|held| {
            // Who holds one lock already may take another: the fork waits for him.
            if held.get() == 0 {
                // Both sides write before they read, all in one order, so that one of them sees the other.
                loop {
                    HOLDERS.fetch_add(1, SeqCst);
                    if FORKS.load(SeqCst) == 0 {
                        break;
                    }
                    HOLDERS.fetch_sub(1, SeqCst);
                    while FORKS.load(Relaxed) != 0 {
                        std::thread::yield_now();
                    }
                }
            }
            held.set(held.get() + 1);
        });
        Unforked(PhantomData)
    }
}

impl Drop for Unforked {
    fn drop(&mut self) {
        if cfg!(loom) {
            return;
        }
        HELD.with(|held| {
            held.set(held.get() - 1);
            if held.get() == 0 {
                HOLDERS.fetch_sub(1, Release);
            }
        });
    }
}

/// Does something that a child would wait for in vain if it were half done when another thread forks.
pub(crate) fn unforked<R>(f: impl FnOnce() -> R) -> R {
    let _unforked = Unforked::begin();
    f()
}

/// Keeps threads from taking locks, and waits until none holds one. To be followed by [`after_fork_in_parent`] or [`after_fork_in_child`].
pub(crate) fn before_fork() {
    FORKS.fetch_add(1, SeqCst);
    let own = HELD.with(|held| usize::from(held.get() > 0));
    let deadline = Instant::now() + FORK_WAITS;
    while HOLDERS.load(SeqCst) > own && Instant::now() < deadline {
        std::thread::yield_now();
    }
}

pub(crate) fn after_fork_in_parent() {
    FORKS.fetch_sub(1, SeqCst);
}

/// In the child there is one thread.
pub(crate) fn after_fork_in_child() {
    HOLDERS.store(HELD.with(|held| usize::from(held.get() > 0)), SeqCst);
    FORKS.store(0, SeqCst);
}

/// A lock that is held.
pub(crate) struct Locked<'a, T> {
    // Given back before the fork may go on: fields are dropped in this order.
    guard: MutexGuard<'a, T>,
    _unforked: Unforked,
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// Locks, whatever happened to the last holder: what our locks guard is valid after every single write.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Locked<'_, T> {
    let unforked = Unforked::begin();
    Locked { guard: mutex.lock().unwrap_or_else(PoisonError::into_inner), _unforked: unforked }
}

/// The value, where nobody else has it.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<Locked<'_, T>> {
    let unforked = Unforked::begin();
    let guard = match mutex.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    Some(Locked { guard, _unforked: unforked })
}

/// Locks for as long as it takes: no fork waits for it.
#[cfg_attr(
    not(any(feature = "duckdb", feature = "resume")),
    expect(dead_code, reason = "what is held for long comes with features")
)]
pub(crate) fn lock_for_long<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_fork_waits_for_who_holds_a_lock_and_keeps_others_from_taking_one() {
        static GUARDED: Mutex<u32> = Mutex::new(0);
        let (tell, told) = mpsc::channel();
        let held = lock(&GUARDED);
        std::thread::scope(|scope| {
            let forks = scope.spawn(|| {
                before_fork();
                let seen = GUARDED.try_lock().map(|value| *value).ok();
                tell.send(()).unwrap();
                after_fork_in_parent();
                seen
            });
            while FORKS.load(SeqCst) == 0 {
                std::thread::yield_now();
            }
            // Who holds one may take another.
            static OTHER: Mutex<u32> = Mutex::new(0);
            *lock(&OTHER) += 1;
            let mut held = held;
            *held = 7;
            drop(held);
            told.recv().unwrap();
            assert_eq!(forks.join().unwrap(), Some(7), "the fork saw the lock free, after its holder had written");
            *lock(&GUARDED) += 1;
        });
    }
}
