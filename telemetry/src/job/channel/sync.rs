//! The standard library's bounded channel.

use super::Receiving;
use crate::job::queue::{Channel, Side};
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
use std::time::Duration;

/// The sending end, see [`Queue::sync_channel`](crate::job::Queue::sync_channel): as [`std::sync::mpsc::SyncSender`].
pub struct SyncSender<T> {
    inner: mpsc::SyncSender<T>,
    channel: Arc<Channel>,
}

/// The receiving end, see [`Queue::sync_channel`](crate::job::Queue::sync_channel): as [`std::sync::mpsc::Receiver`].
pub struct Receiver<T> {
    // First, so that what it still holds is dropped before it is said to be gone.
    inner: mpsc::Receiver<T>,
    receiving: Receiving,
}

pub(super) fn channel<T>(channel: Arc<Channel>, bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::sync_channel(bound);
    (
        SyncSender { inner: sender, channel: channel.clone() },
        Receiver { inner: receiver, receiving: Receiving(channel) },
    )
}

impl<T> SyncSender<T> {
    /// Sends; blocks while the channel is full.
    ///
    /// # Errors
    /// The receiver is gone; the value comes back.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        // What the channel's own `send` begins with too. Only what is not done by it has blocked.
        match self.inner.try_send(value) {
            Ok(()) => {}
            Err(TrySendError::Disconnected(value)) => return Err(SendError(value)),
            Err(TrySendError::Full(value)) => {
                let _blocked = self.channel.blocked(Side::Send);
                self.inner.send(value)?;
            }
        }
        self.channel.pushed(1);
        Ok(())
    }

    /// Sends, if there is room.
    ///
    /// # Errors
    /// The channel is full, or the receiver is gone; the value comes back.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.inner.try_send(value)?;
        self.channel.pushed(1);
        Ok(())
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> SyncSender<T> {
        SyncSender { inner: self.inner.clone(), channel: self.channel.clone() }
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
        let received = self.inner.try_recv().or_else(|error| match error {
            TryRecvError::Disconnected => Err(RecvError),
            TryRecvError::Empty => {
                let _blocked = self.receiving.0.blocked(Side::Receive);
                self.inner.recv()
            }
        });
        self.popped(received)
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
        let received = self.inner.try_recv().or_else(|error| match error {
            TryRecvError::Disconnected => Err(RecvTimeoutError::Disconnected),
            TryRecvError::Empty => {
                let _blocked = self.receiving.0.blocked(Side::Receive);
                self.inner.recv_timeout(timeout)
            }
        });
        self.popped(received)
    }

    /// What comes, until all senders are gone; blocks while the channel is empty.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// What is there; never blocks.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
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

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
