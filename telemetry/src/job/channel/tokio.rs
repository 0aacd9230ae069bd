//! Tokio's bounded channel.
//!
//! Needs no runtime by itself, as tokio's does not; [`Sender::send_timeout`] alone needs tokio's timer.

use super::Receiving;
use crate::job::queue::{BlockedAt, Channel, Side};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
pub use tokio::sync::mpsc::error::{SendError, SendTimeoutError, TryRecvError, TrySendError};

/// The sending end, see [`Queue::tokio_channel`](crate::job::Queue::tokio_channel): as [`tokio::sync::mpsc::Sender`].
pub struct Sender<T> {
    inner: mpsc::Sender<T>,
    channel: Arc<Channel>,
}

/// A sender that does not keep the channel open: as [`tokio::sync::mpsc::WeakSender`].
pub struct WeakSender<T> {
    inner: mpsc::WeakSender<T>,
    // As weak: both ends gone, the queue is.
    channel: Weak<Channel>,
}

/// The receiving end, see [`Queue::tokio_channel`](crate::job::Queue::tokio_channel): as [`tokio::sync::mpsc::Receiver`].
pub struct Receiver<T> {
    // First, so that what it still holds is dropped before it is said to be gone.
    inner: mpsc::Receiver<T>,
    receiving: Receiving,
}

/// Room for one value: as [`tokio::sync::mpsc::Permit`].
pub struct Permit<'a, T> {
    inner: mpsc::Permit<'a, T>,
    channel: &'a Channel,
}

pub(super) fn channel<T>(channel: Arc<Channel>, bound: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel(bound);
    (Sender { inner: sender, channel: channel.clone() }, Receiver { inner: receiver, receiving: Receiving(channel) })
}

pin_project_lite::pin_project! {
    /// A future of the channel's: from its first poll that is pending to its end, its task is blocked.
    struct Blocking<'a, F> {
        channel: &'a Arc<Channel>,
        side: Side,
        blocked: Option<BlockedAt>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Blocking<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let poll = this.future.poll(context);
        if poll.is_ready() {
            *this.blocked = None;
        } else if this.blocked.is_none() {
            *this.blocked = Some(this.channel.blocked(*this.side));
        }
        poll
    }
}

fn blocking<F: Future>(channel: &Arc<Channel>, side: Side, future: F) -> Blocking<'_, F> {
    Blocking { channel, side, blocked: None, future }
}

impl<T> Sender<T> {
    /// Sends; waits while the channel is full.
    ///
    /// # Errors
    /// The receiver is gone or closed; the value comes back.
    ///
    /// # Cancellation
    /// Dropped before it is ready, nothing was sent, the value is lost, and so is the place among those who wait.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        // In the same poll in which the value went in, so that no drop can come between.
        blocking(&self.channel, Side::Send, self.inner.send(value)).await?;
        self.channel.pushed(1);
        Ok(())
    }

    /// Sends; waits while the channel is full, but no longer than told. Needs a tokio runtime with its timer on.
    ///
    /// # Errors
    /// There was no room in time, or the receiver is gone or closed; the value comes back.
    ///
    /// # Cancellation
    /// As [`send`](Sender::send).
    pub async fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        blocking(&self.channel, Side::Send, self.inner.send_timeout(value, timeout)).await?;
        self.channel.pushed(1);
        Ok(())
    }

    /// Sends, if there is room.
    ///
    /// # Errors
    /// The channel is full, or the receiver is gone or closed; the value comes back.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.inner.try_send(value)?;
        self.channel.pushed(1);
        Ok(())
    }

    /// Sends; blocks the thread while the channel is full. Not within asynchronous code.
    ///
    /// # Errors
    /// The receiver is gone or closed; the value comes back.
    ///
    /// # Panics
    /// Within asynchronous code, as tokio's does.
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        {
            let _blocked = (self.inner.capacity() == 0).then(|| self.channel.blocked(Side::Send));
            self.inner.blocking_send(value)?;
        }
        self.channel.pushed(1);
        Ok(())
    }

    /// Waits for room, and keeps it.
    ///
    /// # Errors
    /// The receiver is gone or closed.
    ///
    /// # Cancellation
    /// Dropped before it is ready, the place among those who wait is lost.
    pub async fn reserve(&self) -> Result<Permit<'_, T>, SendError<()>> {
        let inner = blocking(&self.channel, Side::Send, self.inner.reserve()).await?;
        Ok(Permit { inner, channel: &self.channel })
    }

    /// Keeps room, if there is some.
    ///
    /// # Errors
    /// The channel is full, or the receiver is gone or closed.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        let inner = self.inner.try_reserve()?;
        Ok(Permit { inner, channel: &self.channel })
    }

    /// Waits until the receiver is gone or closed.
    pub async fn closed(&self) {
        self.inner.closed().await;
    }

    /// Whether the receiver is gone or closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// How much room there is.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// How many values the channel holds at most.
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }

    /// Whether both are ends of one channel.
    #[must_use]
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// A sender that does not keep the channel open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { inner: self.inner.downgrade(), channel: Arc::downgrade(&self.channel) }
    }
}

impl<T> WeakSender<T> {
    /// A sender again, while there is another one.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        Some(Sender { inner: self.inner.upgrade()?, channel: self.channel.upgrade()? })
    }
}

impl<T> Permit<'_, T> {
    /// Sends into the room that was kept.
    pub fn send(self, value: T) {
        self.inner.send(value);
        self.channel.pushed(1);
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender { inner: self.inner.clone(), channel: self.channel.clone() }
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> WeakSender<T> {
        WeakSender { inner: self.inner.clone(), channel: self.channel.clone() }
    }
}

impl<T> Receiver<T> {
    /// Receives; waits while the channel is empty. `None` where it is empty and closed, or all senders are gone.
    ///
    /// # Cancellation
    /// Dropped before it is ready, nothing was received.
    pub async fn recv(&mut self) -> Option<T> {
        let received = blocking(&self.receiving.0, Side::Receive, self.inner.recv()).await;
        self.receiving.0.popped(u64::from(received.is_some()));
        received
    }

    /// Receives up to so many into the buffer; waits while the channel is empty. How many: none where the channel is empty and closed, all
    /// senders are gone, or the limit is 0.
    ///
    /// # Cancellation
    /// Dropped before it is ready, nothing was received.
    pub async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let received = blocking(&self.receiving.0, Side::Receive, self.inner.recv_many(buffer, limit)).await;
        self.receiving.0.popped(received as u64);
        received
    }

    /// Receives, if there is something.
    ///
    /// # Errors
    /// The channel is empty, or that and all senders are gone.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let received = self.inner.try_recv();
        self.receiving.0.popped(u64::from(received.is_ok()));
        received
    }

    /// Receives; blocks the thread while the channel is empty. Not within asynchronous code.
    ///
    /// # Panics
    /// Within asynchronous code, as tokio's does.
    pub fn blocking_recv(&mut self) -> Option<T> {
        let received = {
            let _blocked = self.inner.is_empty().then(|| self.receiving.0.blocked(Side::Receive));
            self.inner.blocking_recv()
        };
        self.receiving.0.popped(u64::from(received.is_some()));
        received
    }

    /// Receives, or has the task woken when there is something. Whether its caller waits is not known, so no time is counted.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let received = self.inner.poll_recv(context);
        self.receiving.0.popped(u64::from(matches!(received, Poll::Ready(Some(_)))));
        received
    }

    /// Lets nothing more in; what is there can still be received.
    pub fn close(&mut self) {
        self.inner.close();
    }

    /// Whether nothing more comes in.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// How many values are in the channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether the channel is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// How much room there is.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// How many values the channel holds at most.
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
