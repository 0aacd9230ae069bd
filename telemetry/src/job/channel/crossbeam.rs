//! Crossbeam's bounded channel.
//!
//! `crossbeam_channel::select!` takes the channel's own ends alone. Where it is needed, keep a channel of your own and tell the queue
//! what goes in and out, with [`Queue::pushed`](crate::job::Queue::pushed) and [`Queue::popped`](crate::job::Queue::popped).

use super::Receiving;
use crate::job::queue::{Channel, Side};
pub use crossbeam_channel::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The sending end, see [`Queue::crossbeam_channel`](crate::job::Queue::crossbeam_channel): as [`crossbeam_channel::Sender`].
pub struct Sender<T> {
    inner: crossbeam_channel::Sender<T>,
    channel: Arc<Channel>,
}

/// A receiving end, see [`Queue::crossbeam_channel`](crate::job::Queue::crossbeam_channel): as [`crossbeam_channel::Receiver`].
pub struct Receiver<T> {
    // First, so that what it still holds is dropped before it is said to be gone.
    inner: crossbeam_channel::Receiver<T>,
    receiving: Arc<Receiving>,
}

pub(super) fn channel<T>(channel: Arc<Channel>, bound: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = crossbeam_channel::bounded(bound);
    let receiving = Arc::new(Receiving(channel.clone()));
    (Sender { inner: sender, channel }, Receiver { inner: receiver, receiving })
}

impl<T> Sender<T> {
    fn pushed<E>(&self, sent: Result<(), E>) -> Result<(), E> {
        if sent.is_ok() {
            self.channel.pushed(1);
        }
        sent
    }

    /// Sends; blocks while the channel is full.
    ///
    /// # Errors
    /// The receivers are gone; the value comes back.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        // What the channel's own `send` begins with too. Only what is not done by it has blocked.
        self.pushed(self.inner.try_send(value).or_else(|error| match error {
            TrySendError::Disconnected(value) => Err(SendError(value)),
            TrySendError::Full(value) => {
                let _blocked = self.channel.blocked(Side::Send);
                self.inner.send(value)
            }
        }))
    }

    /// Sends, if there is room.
    ///
    /// # Errors
    /// The channel is full, or the receivers are gone; the value comes back.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.pushed(self.inner.try_send(value))
    }

    /// Sends; blocks while the channel is full, but no longer than told.
    ///
    /// # Errors
    /// There was no room in time, or the receivers are gone; the value comes back.
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.sent_with(value, |value| self.inner.send_timeout(value, timeout))
    }

    /// Sends; blocks while the channel is full, but no longer than until then.
    ///
    /// # Errors
    /// There was no room in time, or the receivers are gone; the value comes back.
    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.sent_with(value, |value| self.inner.send_deadline(value, deadline))
    }

    fn sent_with(
        &self,
        value: T,
        send: impl FnOnce(T) -> Result<(), SendTimeoutError<T>>,
    ) -> Result<(), SendTimeoutError<T>> {
        self.pushed(self.inner.try_send(value).or_else(|error| match error {
            TrySendError::Disconnected(value) => Err(SendTimeoutError::Disconnected(value)),
            TrySendError::Full(value) => {
                let _blocked = self.channel.blocked(Side::Send);
                send(value)
            }
        }))
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

    /// Whether the channel is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    /// How many values the channel holds at most.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.inner.capacity()
    }

    /// Whether both are ends of one channel.
    #[must_use]
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender { inner: self.inner.clone(), channel: self.channel.clone() }
    }
}

impl<T> Receiver<T> {
    fn popped<E>(&self, received: Result<T, E>) -> Result<T, E> {
        self.receiving.0.popped(u64::from(received.is_ok()));
        received
    }

    /// Receives; blocks while the channel is empty.
    ///
    /// # Errors
    /// The channel is empty and all senders are gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.popped(self.inner.try_recv().or_else(|error| match error {
            TryRecvError::Disconnected => Err(RecvError),
            TryRecvError::Empty => {
                let _blocked = self.receiving.0.blocked(Side::Receive);
                self.inner.recv()
            }
        }))
    }

    /// Receives, if there is something.
    ///
    /// # Errors
    /// The channel is empty, or that and all senders are gone.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.popped(self.inner.try_recv())
    }

    /// Receives; blocks while the channel is empty, but no longer than told.
    ///
    /// # Errors
    /// Nothing came in time, or all senders are gone.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.received_with(|| self.inner.recv_timeout(timeout))
    }

    /// Receives; blocks while the channel is empty, but no longer than until then.
    ///
    /// # Errors
    /// Nothing came in time, or all senders are gone.
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.received_with(|| self.inner.recv_deadline(deadline))
    }

    fn received_with(&self, receive: impl FnOnce() -> Result<T, RecvTimeoutError>) -> Result<T, RecvTimeoutError> {
        self.popped(self.inner.try_recv().or_else(|error| match error {
            TryRecvError::Disconnected => Err(RecvTimeoutError::Disconnected),
            TryRecvError::Empty => {
                let _blocked = self.receiving.0.blocked(Side::Receive);
                receive()
            }
        }))
    }

    /// What comes, until all senders are gone; blocks while the channel is empty.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// What is there; never blocks.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
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

    /// Whether the channel is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    /// How many values the channel holds at most.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.inner.capacity()
    }

    /// Whether both are ends of one channel.
    #[must_use]
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver { inner: self.inner.clone(), receiving: self.receiving.clone() }
    }
}

/// See [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T>(&'a Receiver<T>);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

/// See [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T>(&'a Receiver<T>);

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

/// What comes, until all senders are gone.
#[derive(Debug)]
pub struct IntoIter<T>(Receiver<T>);

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
