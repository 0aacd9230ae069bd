//! One value from a thread to the task that awaits it, whatever runs the task.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

struct Shared<T> {
    value: Option<T>,
    is_closed: bool,
    waker: Option<Waker>,
}

type Both<T> = Arc<Mutex<Shared<T>>>;

/// Dropped without a value, it wakes the task all the same.
pub(crate) struct Sender<T>(Both<T>);

/// Gives `None` where the sender ended without a value.
pub(crate) struct Receiver<T>(Both<T>);

pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let both = Arc::new(Mutex::new(Shared { value: None, is_closed: false, waker: None }));
    (Sender(Arc::clone(&both)), Receiver(both))
}

impl<T> Sender<T> {
    pub(crate) fn send(self, value: T) {
        locked(&self.0).value = Some(value);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut shared = locked(&self.0);
        shared.is_closed = true;
        let waker = shared.waker.take();
        // Not under the lock: what is woken may look at once.
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut shared = locked(&self.0);
        if shared.is_closed {
            return Poll::Ready(shared.value.take());
        }
        // The last task that asks is the one that is woken.
        shared.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

fn locked<T>(both: &Both<T>) -> MutexGuard<'_, Shared<T>> {
    both.lock().unwrap_or_else(PoisonError::into_inner)
}
