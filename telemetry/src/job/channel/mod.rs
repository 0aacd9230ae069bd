//! Bounded channels that tell what waits in them, for how long, and how long those at their ends were blocked.
//!
//! They come from a [`Queue`], in three kinds: [`Queue::sync_channel`] is the standard library's, `Queue::tokio_channel` (feature `tokio`) is
//! tokio's, `Queue::crossbeam_channel` (feature `crossbeam`) is crossbeam's. Each is a pair of ends around those of the channel itself, which does
//! all the work: order, fairness, errors, what is lost when a future is dropped and when an end is disconnected are the channel's own. Sending costs two
//! locks that are held for some instructions, receiving the same.
//!
//! While the job runs: `backfill_queue_records`, `backfill_queue_capacity_records`, `backfill_queue_oldest_age_seconds`. And at all times
//! `backfill_queue_blocked_seconds_total`, with the `side` `send` (the queue was full: what takes out is too slow) or `receive` (it was
//! empty: what puts in is too slow), added up over all tasks and threads. Channels of one name count as one queue.
//!
//! ```
//! use telemetry::{Job, backfill_job};
//!
//! #[backfill_job(total = 1_000)]
//! fn copy(job: &Job) -> u64 {
//!     let (sender, receiver) = job.queue("write").sync_channel(10);
//!     std::thread::scope(|scope| {
//!         scope.spawn(move || {
//!             for flight in 0..1_000_u64 {
//!                 sender.send(flight).unwrap();
//!             }
//!         });
//!         receiver.iter().inspect(|_| job.advance(1)).sum()
//!     })
//! }
//! assert_eq!(copy(), 499_500);
//! ```

#[cfg(feature = "crossbeam")]
pub mod crossbeam;
pub mod sync;
// What they count. That they are channels without telemetry too is tried in `tests/fixtures/off`.
#[cfg(all(test, not(telemetry_off)))]
mod tests;
#[cfg(feature = "tokio")]
pub mod tokio;

use crate::job::queue::{Channel, Queue};
use std::sync::Arc;

/// The receiving side: what is in the channel is gone when the last of its receivers is.
struct Receiving(Arc<Channel>);

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.abandoned();
    }
}

impl Queue {
    /// A channel of the standard library, [`std::sync::mpsc::sync_channel`], that is counted as this queue.
    #[must_use]
    pub fn sync_channel<T>(&self, bound: usize) -> (sync::SyncSender<T>, sync::Receiver<T>) {
        sync::channel(self.channel(bound), bound)
    }

    /// A channel of tokio, [`tokio::sync::mpsc::channel`](::tokio::sync::mpsc::channel), that is counted as this queue.
    ///
    /// # Panics
    /// Where the bound is 0, as tokio's does.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn tokio_channel<T>(&self, bound: usize) -> (tokio::Sender<T>, tokio::Receiver<T>) {
        tokio::channel(self.channel(bound), bound)
    }

    /// A channel of crossbeam, [`crossbeam_channel::bounded`], that is counted as this queue.
    #[cfg(feature = "crossbeam")]
    #[must_use]
    pub fn crossbeam_channel<T>(&self, bound: usize) -> (crossbeam::Sender<T>, crossbeam::Receiver<T>) {
        crossbeam::channel(self.channel(bound), bound)
    }
}
