//! A process that forks and does not `exec`: what its child begins with.
//!
//! The child has a copy of all that was recorded, and of its parent's threads the one that forked. So that it waits for no lock that another thread
//! held, a fork waits until none is held (`sync`). So that nothing counts twice where both processes are scraped, the child's counts begin at
//! zero, and so does the time since which they count. Calls that were running on the thread that forked run in both processes and end in both, with their whole duration; those of other threads are
//! not there in the child. Gauges keep what they were set to. Threads of ours (the endpoint, exporters) do not exist in the child: it has none
//! of them.
//!
//! `posix_spawn`, which [`std::process::Command`] usually takes, does not come by here.

use crate::record::{shard, thread};
use crate::sync::{self, AtomicU64, Relaxed};
use std::sync::Once;
use std::time::{Duration, SystemTime};

/// When this process was forked, in nanoseconds since 1970; 0 where it was not, or nobody watched.
static FORKED_AT: AtomicU64 = AtomicU64::new(0);

/// Which process this is: what was made in another one came here by a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(u64);

impl Process {
    pub(crate) fn current() -> Process {
        Process(FORKED_AT.load(Relaxed))
    }

    /// A child that was forked then, for tests.
    #[cfg(all(test, feature = "__send"))]
    pub(crate) fn forked(at: SystemTime) -> Process {
        Process(u64::try_from(at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos()).unwrap_or(0))
    }

    /// When its counts began at zero, where it is a child.
    pub(crate) fn forked_at(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.0)
    }
}

/// Has forks noticed from now on.
pub(crate) fn watch() {
    static WATCHED: Once = Once::new();
    #[cfg(unix)]
    WATCHED.call_once(|| {
        // An interpreter does not fork.
        if cfg!(miri) {
            return;
        }
        // SAFETY: the three functions are there as long as the program. Where the system has no room for them, forks go unnoticed, as before.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    });
    #[cfg(not(unix))]
    WATCHED.call_once(|| {});
}

#[cfg(unix)]
extern "C" fn before() {
    sync::before_fork();
}

#[cfg(unix)]
extern "C" fn in_parent() {
    sync::after_fork_in_parent();
}

#[cfg(unix)]
extern "C" fn in_child() {
    sync::after_fork_in_child();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    FORKED_AT.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    thread::reset();
    shard::reset();
}
