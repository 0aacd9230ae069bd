//! What a test records for itself: on shards that are in no other snapshot.
//!
//! Recording follows a pointer to the thread's shard. A thread that enters a [`Scope`] has that pointer on a shard of the scope until it leaves,
//! so the path of a call knows nothing of scopes and costs what it did. What is not in a shard looks at one flag, which stays false in a
//! program that has no scope: a gauge's value, and whether a series was asked for at all.
//!
//! Threads and tasks that work for a scope enter it too, with what [`current()`](super::current()) hands over. Scopes and their shards are never freed:
//! a guard or a task may outlive the test.

use crate::record::shard::{self, Shard, SiteCell};
use crate::record::thread;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Relaxed, lock};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ptr;

/// True once there was a scope.
static ANY: AtomicBool = AtomicBool::new(false);

/// Where a test records.
#[derive(Default)]
pub(crate) struct Scope {
    shards: Mutex<Shards>,
    /// The series that were asked for, by their address, each with the bits of its value where it is a gauge.
    series: Mutex<BTreeMap<usize, &'static AtomicU64>>,
}

#[derive(Default)]
struct Shards {
    all: Vec<&'static Shard>,
    /// Those on which no thread is.
    free: Vec<&'static Shard>,
}

/// The scope that the calling thread is in.
pub(crate) fn current() -> Option<&'static Scope> {
    thread::with(|thread| thread.scope.get())
}

/// Whether there ever was a scope.
#[inline]
pub(crate) fn is_any() -> bool {
    ANY.load(Relaxed)
}

/// The calling thread's scope, at next to no cost where there never was one.
#[inline]
pub(crate) fn current_if_any() -> Option<&'static Scope> {
    if is_any() { current() } else { None }
}

impl Scope {
    /// An empty one.
    pub(crate) fn leak() -> &'static Scope {
        ANY.store(true, Relaxed);
        Box::leak(Box::default())
    }

    /// Puts the calling thread into the scope until what it returns is dropped.
    pub(crate) fn enter(&'static self) -> Entered {
        let shard = thread::uncounted(|thread| {
            // Its own, where it has none: what comes with it (a seed, the hand-over at its end) is needed here too.
            thread.take_shard();
            self.take()
        });
        thread::with(|thread| Entered {
            shard: thread.shard.replace(shard),
            scope: thread.scope.replace(Some(self)),
            // What runs in here is nobody's callee: to others the caller is not there.
            running: thread.running.take(),
            _thread: PhantomData,
        })
    }

    /// The same, unless the thread is in it already.
    pub(crate) fn enter_anew(&'static self) -> Option<Entered> {
        let is_here = current().is_some_and(|scope| ptr::eq(scope, self));
        (!is_here).then(|| self.enter())
    }

    fn take(&self) -> &'static Shard {
        let mut shards = lock(&self.shards);
        shards.free.pop().unwrap_or_else(|| {
            let shard = shard::new();
            shards.all.push(shard);
            shard
        })
    }

    pub(crate) fn shards(&self) -> Vec<&'static Shard> {
        lock(&self.shards).all.clone()
    }

    /// The bits of a series' value, which is at first `first`. A series exists here from the first time that it is asked for.
    pub(crate) fn series<T>(&self, series: &T, first: u64) -> &'static AtomicU64 {
        let key = ptr::from_ref(series).addr();
        let made = || thread::uncounted(|_| &*Box::leak(Box::new(AtomicU64::new(first))));
        thread::uncounted(|_| *lock(&self.series).entry(key).or_insert_with(made))
    }

    /// The same where it exists.
    pub(crate) fn existing<T>(&self, series: &T) -> Option<&'static AtomicU64> {
        lock(&self.series).get(&ptr::from_ref(series).addr()).copied()
    }
}

/// A thread is in a scope. Dropped, also by a panic, it is where it was.
pub(crate) struct Entered {
    /// Where the thread was.
    shard: *const Shard,
    scope: Option<&'static Scope>,
    running: Option<&'static SiteCell>,
    _thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        thread::with(|thread| {
            thread.running.set(self.running);
            let scope = thread.scope.replace(self.scope);
            let shard = thread.shard.replace(self.shard);
            // SAFETY: null, or a leaked shard.
            if let (Some(scope), Some(shard)) = (scope, unsafe { shard.as_ref() }) {
                shard.leave();
                thread::uncounted(|_| lock(&scope.shards).free.push(shard));
            }
        });
    }
}
