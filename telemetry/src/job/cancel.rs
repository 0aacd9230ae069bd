//! How a run is asked to stop, and how that reaches whoever waits for it.

use crate::job::run::Run;
use crate::job::signal;
use crate::sync::{Acquire, AtomicBool, Mutex, Release, lock};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Whether a run was asked to stop. Once asked, it stays so.
#[derive(Default)]
pub(crate) struct Cancel {
    asked: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Cancel {
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Acquire)
    }

    /// Asks, and wakes all who wait.
    pub(crate) fn ask(&self) {
        self.asked.store(true, Release);
        let wakers = std::mem::take(&mut lock(&self.waiting).wakers);
        wakers.into_values().for_each(Waker::wake);
    }
}

impl Run {
    /// Whether the run was asked to stop. Sees a signal at once, before the thread that watches the jobs does.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_asked() || (self.is_running() && signal::asked().is_some())
    }
}

/// Waits until the job is asked to stop, see [`Job::cancelled`](crate::Job::cancelled).
#[must_use = "futures do nothing unless polled"]
pub struct Cancelled {
    run: Arc<Run>,
    ticket: Option<u64>,
}

impl Cancelled {
    pub(crate) fn new(run: Arc<Run>) -> Cancelled {
        Cancelled { run, ticket: None }
    }
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.run.is_cancelled() {
            return Poll::Ready(());
        }
        let ticket = {
            let mut waiting = lock(&self.run.cancel.waiting);
            let ticket = self.ticket.unwrap_or_else(|| {
                waiting.next += 1;
                waiting.next
            });
            let old = waiting.wakers.insert(ticket, context.waker().clone());
            (ticket, old)
        };
        // A waker may own a task that waits as this does, and takes the lock when it is dropped.
        let (ticket, old) = ticket;
        drop(old);
        self.ticket = Some(ticket);
        // Asked between the look and the entry: nobody would wake us.
        if self.run.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker = lock(&self.run.cancel.waiting).wakers.remove(&ticket);
            // Not under the lock, see above.
            drop(waker);
        }
    }
}

impl std::fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cancelled").field(&self.run.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    /// A task that is owned by its waker, and waits for the same.
    struct Owned(#[expect(dead_code, reason = "dropped with its waker")] std::sync::Mutex<Option<Cancelled>>);

    impl Wake for Owned {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_waker_that_owns_another_wait_is_dropped_outside_of_the_lock() {
        let run = Arc::new(Run::new(0, "cancel_owned", "days", None, None));
        let mut inner = Cancelled::new(run.clone());
        assert!(Pin::new(&mut inner).poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
        let waker = std::task::Waker::from(Arc::new(Owned(std::sync::Mutex::new(Some(inner)))));
        let mut outer = Cancelled::new(run);
        assert!(Pin::new(&mut outer).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        // The last of the waker is among those who wait.
        drop(outer);
    }

    #[test]
    fn asking_wakes_those_who_wait_and_forgets_those_who_gave_up() {
        let run = Arc::new(Run::new(0, "cancel", "days", None, None));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let (mut waits, mut gave_up) = (Box::pin(Cancelled::new(run.clone())), Box::pin(Cancelled::new(run.clone())));
        assert!(waits.as_mut().poll(&mut context).is_pending());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        assert!(gave_up.as_mut().poll(&mut context).is_pending());
        drop(gave_up);
        run.cancel.ask();
        assert_eq!(woken.0.load(SeqCst), 1);
        assert!(waits.as_mut().poll(&mut context).is_ready());
    }
}
