//! When a failed request is sent again, and after how long.

use crate::builtin::jobs::recorded as families;
use crate::job::Job;
use crate::job::limit::{Got, Limiter};
use crate::job::outcome::{Outcome, is_rate_limited, reason_label};
use crate::job::request::{Endpoint, Request, request_blocking};
use crate::job::wait::{AtStop, Why, for_so_long, wait, wait_blocking};
use crate::sync::Relaxed;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
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
    limiter: Option<Limiter>,
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
            limiter: None,
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

    /// Each try takes a token of the limiter, and an answer that the source was asked too often makes the limiter stand still: for as
    /// long as the source said, or else for as long as is waited before the next try.
    ///
    /// The wait for a token is not part of the request's duration. A token that would come after the deadline is not waited for.
    pub fn limiter(mut self, limiter: &Limiter) -> RetryPolicy {
        self.limiter = Some(limiter.clone());
        self
    }

    /// What to do after the try number `tried`, which ended `elapsed` after the first began.
    fn next(&self, outcome: &dyn Outcome, tried: u32, elapsed: Duration) -> Next {
        let again = self.retry_if.as_ref().map_or_else(|| outcome.is_retryable(), |again| again(outcome));
        if !again {
            return if outcome.error_kind().is_some() { Next::GiveUp(GivenUp::NotRetryable) } else { Next::Done };
        }
        if tried >= self.attempts {
            return Next::GiveUp(GivenUp::Attempts);
        }
        let doubled = 1u32.checked_shl(tried - 1).unwrap_or(u32::MAX);
        let longest = self.base.saturating_mul(doubled).min(self.cap);
        let drawn = Duration::try_from_secs_f64(longest.as_secs_f64() * random()).unwrap_or(longest);
        let wait = outcome.retry_after().unwrap_or_default().saturating_add(drawn).min(LONGEST_WAIT);
        let in_time = self.deadline.is_none_or(|deadline| elapsed.saturating_add(wait) <= deadline);
        if in_time { Next::Wait(wait) } else { Next::GiveUp(GivenUp::Deadline) }
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
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}

/// From 0 to 1. Each of the standard library's hash states has random keys of its own, which is random enough for a wait.
fn random() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits of chance are enough")]
    let share = RandomState::new().hash_one(0u8) as f64 / u64::MAX as f64;
    share.clamp(0.0, 1.0)
}

/// Why a request was not sent again: the values of the label `reason`.
pub(crate) const GIVEN_UP: [&str; 4] = ["attempts", "deadline", "not_retryable", "cancelled"];

/// The same, as indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GivenUp {
    Attempts = 0,
    Deadline = 1,
    NotRetryable = 2,
    /// The job was asked to stop, or what sends the request was dropped or has panicked.
    Cancelled = 3,
}

/// What is to be done after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing: it went well.
    Done,
    Wait(Duration),
    GiveUp(GivenUp),
}

/// A series of tries. Dropped before its end, it was given up.
struct Tries<'a> {
    job: &'a Job,
    policy: &'a RetryPolicy,
    endpoint: Arc<Endpoint>,
    started: Instant,
    tried: u32,
    over: bool,
}

impl<'a> Tries<'a> {
    fn new(job: &'a Job, policy: &'a RetryPolicy, endpoint: &str) -> Tries<'a> {
        let endpoint = job.run.endpoint(endpoint);
        endpoint.given_up();
        Tries { job, policy, endpoint, started: Instant::now(), tried: 0, over: false }
    }

    /// How long to wait before the next try, and why; `None` where this output is the last.
    fn wait_after(&mut self, outcome: &dyn Outcome) -> Option<(Duration, Why)> {
        self.tried += 1;
        let next = self.policy.next(outcome, self.tried, self.started.elapsed());
        let is_rate_limited = is_rate_limited(outcome);
        if is_rate_limited {
            let drawn = if let Next::Wait(drawn) = next { Some(drawn) } else { None };
            // Nobody else is to ask in the meantime; where the source does not say how long that is, as long as we wait ourselves.
            if let (Some(limiter), Some(pause)) = (&self.policy.limiter, outcome.retry_after().or(drawn)) {
                limiter.pause(pause);
            }
        }
        match next {
            Next::Wait(wait) => Some((wait, if is_rate_limited { Why::RateLimited } else { Why::Backoff })),
            Next::Done => {
                self.over = true;
                None
            }
            Next::GiveUp(why) => {
                self.give_up(why);
                None
            }
        }
    }

    fn give_up(&mut self, why: GivenUp) {
        self.over = true;
        self.endpoint.given_up()[why as usize].inc();
    }

    /// The time until which a token for another try is of use.
    fn until(&self) -> Option<Instant> {
        self.policy.deadline.and_then(|deadline| self.started.checked_add(deadline))
    }

    /// Whether to go on after waiting for a token.
    fn may_go(&mut self, got: Got) -> bool {
        match got {
            Got::Tokens => return true,
            Got::Stopped => self.give_up(GivenUp::Cancelled),
            Got::Late => self.give_up(GivenUp::Deadline),
        }
        false
    }

    fn count(&self, outcome: &dyn Outcome) {
        let run = &self.job.run;
        run.retries.fetch_add(1, Relaxed);
        families::backfill_retries_total(&run.name, self.endpoint.name(), &reason_label(outcome)).inc();
    }
}

impl Drop for Tries<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.give_up(GivenUp::Cancelled);
        }
    }
}

pub(crate) async fn retry<F, R>(job: &Job, policy: &RetryPolicy, endpoint: &str, mut request: F) -> R::Output
where
    F: FnMut() -> R,
    R: Future,
    R::Output: Outcome,
{
    let mut tries = Tries::new(job, policy, endpoint);
    if let Some(limiter) = &policy.limiter {
        // Without a first try there would be nothing to return, so its token is waited for in any case.
        limiter.take(1, AtStop::Stays, None).await;
    }
    tries.started = Instant::now();
    loop {
        let again = &mut request;
        // Called within the request, so that its panic is one of a request.
        let output = Request::new(job.clone(), tries.endpoint.clone(), async move { again().await }).await;
        let Some((long, why)) = tries.wait_after(&output) else { return output };
        if !wait(job, &tries.endpoint, AtStop::Leaves, for_so_long(long, why)).await {
            tries.give_up(GivenUp::Cancelled);
            return output;
        }
        if let Some(limiter) = &policy.limiter {
            let got = limiter.take(1, AtStop::Leaves, tries.until()).await;
            if !tries.may_go(got) {
                return output;
            }
        }
        tries.count(&output);
    }
}

pub(crate) fn retry_blocking<F, T>(job: &Job, policy: &RetryPolicy, endpoint: &str, mut request: F) -> T
where
    F: FnMut() -> T,
    T: Outcome,
{
    let mut tries = Tries::new(job, policy, endpoint);
    if let Some(limiter) = &policy.limiter {
        limiter.take_blocking(1, AtStop::Stays, None);
    }
    tries.started = Instant::now();
    loop {
        let output = request_blocking(job.clone(), tries.endpoint.clone(), &mut request);
        let Some((long, why)) = tries.wait_after(&output) else { return output };
        if !wait_blocking(job, &tries.endpoint, AtStop::Leaves, for_so_long(long, why)) {
            tries.give_up(GivenUp::Cancelled);
            return output;
        }
        if let Some(limiter) = &policy.limiter {
            let got = limiter.take_blocking(1, AtStop::Leaves, tries.until());
            if !tries.may_go(got) {
                return output;
            }
        }
        tries.count(&output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Rate;
    use crate::job::run::Run;
    use crate::testing::value;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[derive(Debug)]
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

    impl RetryPolicy {
        fn wait(&self, outcome: &dyn Outcome, tried: u32, elapsed: Duration) -> Option<Duration> {
            if let Next::Wait(wait) = self.next(outcome, tried, elapsed) { Some(wait) } else { None }
        }
    }

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
    fn each_end_of_the_tries_has_its_reason() {
        let policy = RetryPolicy::new().attempts(3).backoff(SECOND, SECOND).deadline(30 * SECOND);
        let next = |answer: Answer, tried, elapsed| policy.next(&answer, tried, elapsed);
        assert_eq!(next(Answer(503, None), 3, SECOND), Next::GiveUp(GivenUp::Attempts));
        assert_eq!(next(Answer(503, None), 2, 31 * SECOND), Next::GiveUp(GivenUp::Deadline));
        assert_eq!(next(Answer(404, None), 1, SECOND), Next::GiveUp(GivenUp::NotRetryable));
        let fine: Result<u8, Answer> = Ok(1);
        assert_eq!(policy.next(&fine, 1, SECOND), Next::Done);
        for (index, why) in
            [GivenUp::Attempts, GivenUp::Deadline, GivenUp::NotRetryable, GivenUp::Cancelled].iter().enumerate()
        {
            assert_eq!(*why as usize, index);
        }
    }

    #[test]
    fn huge_waits_do_not_overflow() {
        let policy = RetryPolicy::new().attempts(u32::MAX).backoff(Duration::MAX / 2, Duration::MAX / 2);
        assert_eq!(policy.wait(&Answer(503, Some(u64::MAX)), 40, SECOND), Some(LONGEST_WAIT));
        let policy = RetryPolicy::new().attempts(u32::MAX).backoff(Duration::MAX, Duration::MAX);
        assert!(policy.wait(&Answer(503, None), 40, SECOND).is_some());
    }

    fn job(name: &str) -> Job {
        Job::of(Run::new(0, name, "days", None, None))
    }

    fn of(job: &Job, family: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut all = vec![("job_name", job.name()), ("endpoint_name", "flights")];
        all.extend_from_slice(labels);
        value(family, &all)
    }

    fn given_up(job: &Job) -> [f64; 4] {
        GIVEN_UP.map(|reason| of(job, "backfill_requests_given_up_total", &[("reason", reason)]).unwrap())
    }

    /// What stands for a source: the answers one after the other, the last one for ever.
    fn answers(answers: &'static [Answer]) -> impl FnMut() -> Result<(), &'static Answer> {
        let mut asked = 0;
        move || {
            asked += 1;
            let answer = &answers[asked.min(answers.len()) - 1];
            if answer.0 < 400 { Ok(()) } else { Err(answer) }
        }
    }

    impl Outcome for &Answer {
        fn code(&self) -> Option<u16> {
            (**self).code()
        }
        fn error_kind(&self) -> Option<&'static str> {
            (**self).error_kind()
        }
        fn retry_after(&self) -> Option<Duration> {
            (**self).retry_after()
        }
    }

    const MILLI: Duration = Duration::from_millis(1);

    #[cfg(not(telemetry_off))]
    #[test]
    fn each_try_takes_a_token_and_an_answer_of_429_makes_the_limiter_stand_still() {
        let (job, limited) = (job("retry_limiter"), job("retry_limiter_paused"));
        let limiter = job.limiter("all", Rate::per_hour(1).burst(10));
        let policy = RetryPolicy::new().attempts(4).backoff(MILLI, MILLI).limiter(&limiter);
        let broken = retry_blocking(&job, &policy, "flights", answers(&[Answer(500, None)]));
        assert_eq!((broken.code(), limiter.tokens()), (Some(500), 6));
        assert_eq!(of(&job, "backfill_retries_total", &[("reason", "500")]), Some(3.0));
        assert_eq!(given_up(&job), [1.0, 0.0, 0.0, 0.0]);

        let limiter = limited.limiter("all", Rate::per_second(1_000).burst(10));
        let policy = RetryPolicy::new().attempts(1).limiter(&limiter);
        let asked = retry_blocking(&limited, &policy, "flights", answers(&[Answer(429, Some(60))]));
        assert_eq!((asked.code(), limiter.tokens(), limiter.try_take(1)), (Some(429), 0, false));
        assert_eq!(of(&limited, "backfill_rate_limit_hits_total", &[]), Some(1.0));
    }

    #[cfg(not(telemetry_off))]
    #[test]
    fn an_answer_of_429_is_counted_also_where_nobody_sends_again() {
        let job = job("request_limited");
        let mut answers = answers(&[Answer(429, None), Answer(200, None), Answer(503, Some(1)), Answer(503, None)]);
        for _ in 0..4 {
            let _ = job.request_blocking("flights", &mut answers);
        }
        assert_eq!(of(&job, "backfill_rate_limit_hits_total", &[]), Some(2.0));
    }

    #[test]
    fn the_deadline_begins_with_the_first_try_and_not_with_the_wait_for_its_token() {
        let job = job("retry_deadline");
        let limiter = job.limiter("all", Rate::per_second(5).burst(1));
        assert!(limiter.try_take(1));
        // The first token comes after 200 ms, which is more than the deadline.
        let policy = RetryPolicy::new().attempts(3).backoff(MILLI, MILLI).deadline(150 * MILLI).limiter(&limiter);
        limiter.set_rate(Rate::per_second(5).burst(1));
        let mut tried = 0;
        let _ = retry_blocking(&job, &policy, "flights", || {
            tried += 1;
            limiter.set_rate(Rate::per_second(1_000));
            Err::<(), _>(&Answer(500, None))
        });
        assert_eq!(tried, 3);
    }

    #[cfg(not(telemetry_off))]
    #[test]
    fn a_panic_of_what_makes_the_request_is_one_of_a_request() {
        let job = job("retry_panics");
        let policy = RetryPolicy::new();
        let mut retried =
            std::pin::pin!(retry(&job, &policy, "flights", || -> std::future::Ready<Result<(), &Answer>> {
                panic!("makes none")
            }));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let poll = std::panic::AssertUnwindSafe(|| retried.as_mut().poll(&mut context).is_ready());
        assert!(std::panic::catch_unwind(poll).is_err());
        assert_eq!(of(&job, "backfill_requests_total", &[("code", "panic")]), Some(1.0));
    }

    #[cfg(not(telemetry_off))]
    #[test]
    fn a_token_that_would_come_after_the_deadline_is_not_waited_for() {
        let job = job("retry_late");
        let limiter = job.limiter("all", Rate::per_hour(1));
        let policy = RetryPolicy::new().backoff(MILLI, MILLI).deadline(60 * SECOND).limiter(&limiter);
        let started = Instant::now();
        assert!(retry_blocking(&job, &policy, "flights", answers(&[Answer(500, None)])).is_err());
        assert!(started.elapsed() < 60 * SECOND);
        assert_eq!(given_up(&job), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(of(&job, "backfill_requests_total", &[("code", "500")]), Some(1.0));
        // And is given back: without a deadline the next would come after one hour, not after two.
        let mut waits = pin!(limiter.until_ready());
        assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    #[cfg(not(telemetry_off))]
    #[test]
    fn what_is_dropped_or_panics_between_its_tries_is_given_up_as_cancelled() {
        let job = job("retry_dropped");
        let policy = RetryPolicy::new().backoff(3600 * SECOND, 3600 * SECOND);
        {
            let mut next = answers(&[Answer(503, Some(3600))]);
            let mut waits = pin!(retry(&job, &policy, "flights", || std::future::ready(next())));
            assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert_eq!(given_up(&job), [0.0; 4]);
        }
        assert_eq!(given_up(&job), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(of(&job, "backfill_waits_total", &[("reason", "rate_limited")]), Some(1.0));
        let unwinds = || retry_blocking(&job, &policy, "flights", || -> Result<(), Answer> { panic!("no answer") });
        assert!(catch_unwind(AssertUnwindSafe(unwinds)).is_err());
        assert_eq!(given_up(&job), [0.0, 0.0, 0.0, 2.0]);
        assert_eq!(of(&job, "backfill_requests_total", &[("code", "panic")]), Some(1.0));
        assert_eq!(of(&job, "backfill_requests_in_flight", &[]), Some(0.0));
    }

    #[cfg(not(telemetry_off))]
    #[test]
    fn what_goes_well_is_not_given_up() {
        let job = job("retry_well");
        let policy = RetryPolicy::new().backoff(MILLI, MILLI);
        assert!(retry_blocking(&job, &policy, "flights", answers(&[Answer(500, None), Answer(200, None)])).is_ok());
        assert_eq!(given_up(&job), [0.0; 4]);
        assert!(retry_blocking(&job, &policy, "flights", answers(&[Answer(404, None)])).is_err());
        assert_eq!(given_up(&job), [0.0, 0.0, 1.0, 0.0]);
    }
}
