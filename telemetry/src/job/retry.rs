//! When a failed request is sent again, and after how long.

use crate::builtin::jobs::recorded as families;
use crate::job::Job;
use crate::job::outcome::{Outcome, is_rate_limited, reason_label};
use crate::sync::Relaxed;
use futures_timer::Delay;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// How often a request is tried, and how long it waits in between.
///
/// The wait before try *n* + 1 is drawn evenly between nothing and `base` · 2ⁿ⁻¹, at most `cap` (exponential back-off with full
/// jitter, so that many tasks that failed together do not come back together). Where the source said how long to wait, that
/// time is waited first, in full, and the draw is added. A wait that would end after the deadline is not begun: the last
/// output is returned at once.
///
/// ```
/// use std::time::Duration;
/// use telemetry::job::RetryPolicy;
///
/// let patient = RetryPolicy::new()
///     .attempts(8)
///     .backoff(Duration::from_millis(200), Duration::from_secs(30))
///     .deadline(Duration::from_secs(300));
/// # let _ = patient;
/// ```
#[derive(Clone)]
#[must_use]
pub struct RetryPolicy {
    attempts: u32,
    base: Duration,
    cap: Duration,
    deadline: Option<Duration>,
    retry_if: Option<Arc<RetryIf>>,
}

/// 30 days: whoever asks for more has sent nonsense, and clocks do not count to it.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);

type RetryIf = dyn Fn(&dyn Outcome) -> bool + Send + Sync;

impl RetryPolicy {
    /// Five tries, waits up to 200 ms doubled each time and never above 30 s, no deadline, and again whatever
    /// [`is_retryable`](Outcome::is_retryable).
    pub const fn new() -> RetryPolicy {
        RetryPolicy {
            attempts: 5,
            base: Duration::from_millis(200),
            cap: Duration::from_secs(30),
            deadline: None,
            retry_if: None,
        }
    }

    /// How often the request is sent at most, the first time included. 0 counts as 1.
    pub const fn attempts(mut self, attempts: u32) -> RetryPolicy {
        self.attempts = attempts;
        self
    }

    /// The longest first wait, and the longest of all. What a source asks for may be longer than `cap`, and is waited.
    pub const fn backoff(mut self, base: Duration, cap: Duration) -> RetryPolicy {
        (self.base, self.cap) = (base, cap);
        self
    }

    /// How long after the start of the first try the last one may begin.
    pub const fn deadline(mut self, deadline: Duration) -> RetryPolicy {
        self.deadline = Some(deadline);
        self
    }

    /// What is sent again, instead of whatever [`is_retryable`](Outcome::is_retryable).
    pub fn retry_if(mut self, retry_if: impl Fn(&dyn Outcome) -> bool + Send + Sync + 'static) -> RetryPolicy {
        self.retry_if = Some(Arc::new(retry_if));
        self
    }

    /// How long to wait after the try number `tried`, which began `elapsed` after the first; `None` where that was the last.
    fn wait(&self, outcome: &dyn Outcome, tried: u32, elapsed: Duration) -> Option<Duration> {
        let again = self.retry_if.as_ref().map_or_else(|| outcome.is_retryable(), |again| again(outcome));
        if !again || tried >= self.attempts {
            return None;
        }
        let doubled = 1u32.checked_shl(tried - 1).unwrap_or(u32::MAX);
        let longest = self.base.saturating_mul(doubled).min(self.cap);
        let drawn = Duration::try_from_secs_f64(longest.as_secs_f64() * random()).unwrap_or(longest);
        let wait = outcome.retry_after().unwrap_or_default().saturating_add(drawn).min(LONGEST_WAIT);
        let in_time = self.deadline.is_none_or(|deadline| elapsed.saturating_add(wait) <= deadline);
        in_time.then_some(wait)
    }
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy::new()
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("attempts", &self.attempts)
            .field("base", &self.base)
            .field("cap", &self.cap)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// From 0 to 1. Each of the standard library's hash states has random keys of its own, which is random enough for a wait.
fn random() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits of chance are enough")]
    let share = RandomState::new().hash_one(0u8) as f64 / u64::MAX as f64;
    share.clamp(0.0, 1.0)
}

/// What is left of a wait in which the job was not asked to stop: whether to go on.
async fn rest(job: &Job, wait: Duration) -> bool {
    let (mut delay, mut cancelled) = (pin!(Delay::new(wait)), pin!(job.cancelled()));
    poll_fn(|context| {
        if cancelled.as_mut().poll(context).is_ready() {
            return Poll::Ready(false);
        }
        delay.as_mut().poll(context).map(|()| true)
    })
    .await
}

/// How often a blocking wait looks whether the job was asked to stop.
const LOOK: Duration = Duration::from_millis(50);

fn rest_blocking(job: &Job, wait: Duration) -> bool {
    let end = Instant::now().checked_add(wait);
    loop {
        if job.is_cancelled() {
            return false;
        }
        let left = end.map_or(LOOK, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(LOOK));
    }
}

/// A series of tries.
struct Tries<'a> {
    job: &'a Job,
    policy: &'a RetryPolicy,
    endpoint: &'a str,
    started: Instant,
    tried: u32,
}

impl<'a> Tries<'a> {
    fn new(job: &'a Job, policy: &'a RetryPolicy, endpoint: &'a str) -> Tries<'a> {
        Tries { job, policy, endpoint, started: Instant::now(), tried: 0 }
    }

    /// How long to wait before the next try; `None` where this output is the last. A wait that the source asked for is counted.
    fn wait_after(&mut self, outcome: &dyn Outcome) -> Option<Duration> {
        self.tried += 1;
        let wait = self.policy.wait(outcome, self.tried, self.started.elapsed());
        if is_rate_limited(outcome) {
            self.job.rate_limited(self.endpoint, wait.unwrap_or_default());
        }
        wait
    }

    fn count(&self, outcome: &dyn Outcome) {
        let run = &self.job.run;
        run.retries.fetch_add(1, Relaxed);
        let endpoint = run.endpoint(self.endpoint);
        families::backfill_retries_total(&run.name, endpoint.name(), &reason_label(outcome)).inc();
    }
}

pub(crate) async fn retry<F, R>(job: &Job, policy: &RetryPolicy, endpoint: &str, mut request: F) -> R::Output
where
    F: FnMut() -> R,
    R: Future,
    R::Output: Outcome,
{
    let mut tries = Tries::new(job, policy, endpoint);
    loop {
        let output = job.request(endpoint, request()).await;
        match tries.wait_after(&output) {
            Some(wait) if rest(job, wait).await => tries.count(&output),
            _ => return output,
        }
    }
}

pub(crate) fn retry_blocking<F, T>(job: &Job, policy: &RetryPolicy, endpoint: &str, mut request: F) -> T
where
    F: FnMut() -> T,
    T: Outcome,
{
    let mut tries = Tries::new(job, policy, endpoint);
    loop {
        let output = job.request_blocking(endpoint, &mut request);
        match tries.wait_after(&output) {
            Some(wait) if rest_blocking(job, wait) => tries.count(&output),
            _ => return output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Answer(u16, Option<u64>);

    impl Outcome for Answer {
        fn code(&self) -> Option<u16> {
            Some(self.0)
        }
        fn error_kind(&self) -> Option<&'static str> {
            Some("status")
        }
        fn retry_after(&self) -> Option<Duration> {
            self.1.map(Duration::from_secs)
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_wait_doubles_up_to_the_cap() {
        let policy = RetryPolicy::new().attempts(100).backoff(SECOND, 8 * SECOND);
        for (tried, longest) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (60, 8)] {
            let waits: Vec<_> = (0..200).filter_map(|_| policy.wait(&Answer(503, None), tried, SECOND)).collect();
            let most = waits.iter().max().unwrap();
            assert!(*most <= longest * SECOND, "{most:?} after {tried}");
            assert!(*most > longest * SECOND / 2, "{most:?} after {tried}");
            assert!(*waits.iter().min().unwrap() < longest * SECOND / 2, "full jitter draws from the whole range");
        }
    }

    #[test]
    fn only_what_may_succeed_later_is_tried_again_and_not_for_ever() {
        let policy = RetryPolicy::new().attempts(3);
        assert!(policy.wait(&Answer(429, None), 1, SECOND).is_some());
        assert!(policy.wait(&Answer(429, None), 2, SECOND).is_some());
        assert!(policy.wait(&Answer(429, None), 3, SECOND).is_none());
        assert!(policy.wait(&Answer(404, None), 1, SECOND).is_none());
        let stubborn = policy.clone().retry_if(|outcome| outcome.code() == Some(404));
        assert!(stubborn.wait(&Answer(404, None), 1, SECOND).is_some());
        assert!(stubborn.wait(&Answer(429, None), 1, SECOND).is_none());
        assert!(RetryPolicy::new().attempts(0).wait(&Answer(429, None), 1, SECOND).is_none());
    }

    #[test]
    fn what_the_source_asks_for_is_waited_in_full_also_above_the_cap() {
        let policy = RetryPolicy::new().backoff(SECOND, 2 * SECOND);
        let wait = policy.wait(&Answer(429, Some(60)), 1, SECOND).unwrap();
        assert!((60 * SECOND..=61 * SECOND).contains(&wait), "{wait:?}");
    }

    #[test]
    fn a_wait_that_would_pass_the_deadline_is_not_begun() {
        let policy = RetryPolicy::new().deadline(30 * SECOND);
        assert!(policy.wait(&Answer(429, Some(10)), 1, 15 * SECOND).is_some());
        assert!(policy.wait(&Answer(429, Some(20)), 1, 15 * SECOND).is_none());
    }

    #[test]
    fn huge_waits_do_not_overflow() {
        let policy = RetryPolicy::new().attempts(u32::MAX).backoff(Duration::MAX / 2, Duration::MAX / 2);
        assert_eq!(policy.wait(&Answer(503, Some(u64::MAX)), 40, SECOND), Some(LONGEST_WAIT));
        let policy = RetryPolicy::new().attempts(u32::MAX).backoff(Duration::MAX, Duration::MAX);
        assert!(policy.wait(&Answer(503, None), 40, SECOND).is_some());
    }
}
