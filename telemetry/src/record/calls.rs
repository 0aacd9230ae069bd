//! How the calls on a thread go on, for somebody who watches from another thread. The thread itself does nothing for that.

use crate::record::shard::Shard;
use crate::record::{clock, thread};
use crate::sync::{AtomicPtr, Relaxed};
use std::ptr;

/// Points at where a thread records.
pub(crate) struct Calls(AtomicPtr<Shard>);

impl Calls {
    /// Of no thread.
    pub(crate) fn nowhere() -> Calls {
        Calls(AtomicPtr::new(ptr::null_mut()))
    }

    /// Points at where the calling thread records from now on.
    pub(crate) fn follow(&self) {
        let shard = thread::with(thread::Thread::shard).or_else(|| thread::uncounted(thread::Thread::take_shard));
        self.0.store(shard.map_or(ptr::null_mut(), |shard| ptr::from_ref(shard).cast_mut()), Relaxed);
    }

    fn shard(&self) -> Option<&'static Shard> {
        // SAFETY: null, or a leaked shard, which outlives its thread. Its tables publish what they hold by themselves.
        unsafe { self.0.load(Relaxed).as_ref() }
    }

    /// Changes whenever a call begins or ends there. Polls of a call that waits are neither.
    pub(crate) fn count(&self) -> u64 {
        let cells = self.shard().into_iter().flat_map(|shard| shard.sites.iter());
        cells.fold(0, |sum, cell| sum.wrapping_add(cell.begun_and_ended()))
    }

    /// The function whose call began last of those that run there, and for how many seconds it has.
    pub(crate) fn innermost(&self) -> Option<(String, f64)> {
        let cells = self.shard().into_iter().flat_map(|shard| shard.sites.iter());
        let running = cells.filter_map(|cell| Some((cell.ages.on_thread()?, cell.site)));
        let (since, site) = running.max_by_key(|(since, _)| *since)?;
        Some((site.function().to_owned(), clock::seconds(clock::since(since))))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::record::{CallSite, Ending, enter};
    use std::sync::mpsc;

    #[test]
    fn another_thread_sees_that_calls_begin_and_end_and_where_one_is() {
        static OUTER: CallSite = CallSite::new("seen_outer", || "", "", "", 0);
        static INNER: CallSite = CallSite::new("seen_inner", || "", "", "", 0);
        let (calls, (to_thread, on_thread), (to_us, here)) = (Calls::nowhere(), mpsc::channel(), mpsc::channel());
        assert_eq!((calls.count(), calls.innermost()), (0, None));
        std::thread::scope(|scope| {
            let calls = &calls;
            scope.spawn(move || {
                calls.follow();
                let step = || {
                    to_us.send(()).unwrap();
                    on_thread.recv().unwrap();
                };
                step();
                let outer = enter(&OUTER, false);
                step();
                let inner = enter(&INNER, false);
                step();
                inner.end(Ending::ok_if(&(), |()| true));
                step();
                outer.end(Ending::ok_if(&(), |()| true));
            });
            here.recv().unwrap();
            let mut seen = vec![calls.count()];
            for function in ["seen_outer", "seen_inner", "seen_outer"] {
                to_thread.send(()).unwrap();
                here.recv().unwrap();
                seen.push(calls.count());
                assert_eq!(calls.innermost().unwrap().0, function);
            }
            to_thread.send(()).unwrap();
            assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
        });
    }
}
