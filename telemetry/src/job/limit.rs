//! A limit on how often a job asks its source, which its tasks share.
//!
//! Not by the crate `governor`: its waiters sleep and then race for what is there, so the last to come may be the first to go; what is left
//! is told only to who takes a token; and a limiter cannot be told to stand still, which is what an answer of 429 asks for.
//!
//! A bucket counts tokens: those that have come, and which is the next that nobody has taken. Who comes takes its tokens at once, may they be there or
//! not, and thereby its turn; so those who wait go in the order in which they came, and none of them has to be woken by another. None come during a pause, and another rate has them come
//! faster or slower: the turns stay. Who gives up leaves a turn, which the next to come has.

mod bucket;
#[cfg(test)]
mod tests;

pub use bucket::Rate;

use crate::job::Job;
use crate::job::count::Count;
use crate::job::request::Endpoint;
use crate::job::wait::{AtStop, wait, wait_blocking};
pub(crate) use bucket::Bucket;
use bucket::Taken;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A limit on how often a job asks its source, see [`Job::limiter`](crate::Job::limiter). Cheap to clone into tasks and threads, which share it.
#[derive(Clone)]
pub struct Limiter {
    job: Job,
    endpoint: Arc<Endpoint>,
    bucket: Arc<Bucket>,
}

/// How waiting for tokens ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Tokens,
    Stopped,
    /// They would have come after the time until which they were of use.
    Late,
}

impl Limiter {
    pub(crate) fn new(job: Job, endpoint: Arc<Endpoint>, bucket: Arc<Bucket>) -> Limiter {
        Limiter { job, endpoint, bucket }
    }

    /// Waits until one more request may be sent. Whoever comes first goes first.
    ///
    /// `false` where the job was asked to stop: then no token was taken, and nothing should be sent. Waits with a timer of its own, so
    /// under any runtime.
    ///
    /// # Cancellation
    /// Dropped while it waits, it leaves its turn to who comes next, since those who wait already keep theirs.
    #[must_use = "`false` says that the job was asked to stop, and that no request may be sent"]
    pub async fn until_ready(&self) -> bool {
        self.until_ready_for(1).await
    }

    /// Waits until a request that costs so many tokens may be sent, see [`until_ready`](Limiter::until_ready). It may cost more than the burst.
    ///
    /// # Cancellation
    /// Dropped while it waits, it gives its tokens back.
    #[must_use = "`false` says that the job was asked to stop, and that no request may be sent"]
    pub async fn until_ready_for(&self, tokens: impl Count) -> bool {
        self.take(tokens.count(), AtStop::Leaves, None).await == Got::Tokens
    }

    /// Blocks the thread until one more request may be sent, see [`until_ready`](Limiter::until_ready).
    #[must_use = "`false` says that the job was asked to stop, and that no request may be sent"]
    pub fn until_ready_blocking(&self) -> bool {
        self.until_ready_for_blocking(1)
    }

    /// Blocks the thread until a request that costs so many tokens may be sent, see [`until_ready`](Limiter::until_ready).
    #[must_use = "`false` says that the job was asked to stop, and that no request may be sent"]
    pub fn until_ready_for_blocking(&self, tokens: impl Count) -> bool {
        self.take_blocking(tokens.count(), AtStop::Leaves, None) == Got::Tokens
    }

    /// Takes so many tokens if they are there now.
    #[must_use = "`false` says that no request may be sent"]
    pub fn try_take(&self, tokens: impl Count) -> bool {
        self.bucket.try_take(tokens.count(), Instant::now())
    }

    /// How many tokens are there: what `backfill_rate_limit_tokens` shows. 0 during a pause.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.bucket.tokens(Instant::now())
    }

    /// Lets nobody go for so long, at most 30 days: those who wait are later by as much, and the bucket is empty afterwards, so that the
    /// source is not met by a burst. Of two pauses the one that ends later counts.
    ///
    /// An answer of 429, or of 503 with a time to wait, does this by itself: where it is the answer to a request to the endpoint of the limiter's
    /// name, or where a [`RetryPolicy`](crate::job::RetryPolicy) has the limiter.
    pub fn pause(&self, time: Duration) {
        self.bucket.pause(time, Instant::now());
    }

    /// Limits to another rate from now on. Tokens that are there stay, up to the new burst; those who wait already keep their turn, which comes by the new rate: they notice within a second.
    pub fn set_rate(&self, rate: Rate) {
        self.bucket.set_rate(rate, Instant::now());
    }

    /// How the wait of who has taken tokens goes on, and whether it would last too long.
    fn left<'a>(
        taken: &'a Taken,
        until: Option<Instant>,
        late: &'a mut bool,
    ) -> impl FnMut() -> Option<(Duration, crate::job::wait::Why)> + 'a {
        move || {
            let now = Instant::now();
            let left = taken.left(now);
            *late = left
                .is_some_and(|(left, _)| until.is_some_and(|until| now.checked_add(left).is_none_or(|at| at > until)));
            left.filter(|_| !*late)
        }
    }

    /// Waits for tokens, where `until` is told no longer than until then: what would come later is given back at once.
    pub(crate) async fn take(&self, tokens: u64, at_stop: AtStop, until: Option<Instant>) -> Got {
        if at_stop == AtStop::Leaves && self.job.is_cancelled() {
            return Got::Stopped;
        }
        let taken = Bucket::take(&self.bucket, tokens, Instant::now());
        let mut late = false;
        let whole = wait(&self.job, &self.endpoint, at_stop, Limiter::left(&taken, until, &mut late)).await;
        got(taken, whole, late)
    }

    /// See [`take`](Limiter::take).
    pub(crate) fn take_blocking(&self, tokens: u64, at_stop: AtStop, until: Option<Instant>) -> Got {
        if at_stop == AtStop::Leaves && self.job.is_cancelled() {
            return Got::Stopped;
        }
        let taken = Bucket::take(&self.bucket, tokens, Instant::now());
        let mut late = false;
        let whole = wait_blocking(&self.job, &self.endpoint, at_stop, Limiter::left(&taken, until, &mut late));
        got(taken, whole, late)
    }
}

/// Keeps the tokens, or gives them back.
fn got(taken: Taken, whole: bool, late: bool) -> Got {
    match (whole, late) {
        (true, false) => {
            taken.keep();
            Got::Tokens
        }
        (true, true) => Got::Late,
        (false, _) => Got::Stopped,
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("name", &self.endpoint.name())
            .field("tokens", &self.tokens())
            .finish_non_exhaustive()
    }
}
