//! One request to a source: its code, its duration, and that it is on its way.
//!
//! An answer that the job asks too often makes the limiter of the endpoint's name stand still, if there is one.

use crate::builtin::jobs::recorded as families;
use crate::job::Job;
use crate::job::limit::{Bucket, Rate};
use crate::job::outcome::{Outcome, code_label, is_rate_limited};
use crate::job::retry::GIVEN_UP;
use crate::metric::{Counter, DurationCounter, Gauge, Histogram};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// What a job asks its source for, with the handles of its series.
pub(crate) struct Endpoint {
    name: Box<str>,
    in_flight: Gauge,
    duration: Histogram,
    rate_limit_hits: Counter,
    pub(crate) rate_limit_wait: DurationCounter,
    /// Where requests are sent again.
    given_up: OnceLock<[Counter; 4]>,
    bucket: OnceLock<Arc<Bucket>>,
    job: Box<str>,
}

impl Endpoint {
    pub(crate) fn new(job: &str, name: &str) -> Endpoint {
        Endpoint {
            name: name.into(),
            given_up: OnceLock::new(),
            bucket: OnceLock::new(),
            job: job.into(),
            in_flight: families::backfill_requests_in_flight(job, name),
            duration: families::backfill_request_duration_seconds(job, name),
            rate_limit_hits: families::backfill_rate_limit_hits_total(job, name),
            rate_limit_wait: families::backfill_rate_limit_wait_seconds_total(job, name),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The counters of requests that were given up, in the order of [`GIVEN_UP`]. All are there at zero as soon as one could be needed.
    pub(crate) fn given_up(&self) -> &[Counter; 4] {
        self.given_up.get_or_init(|| {
            GIVEN_UP.map(|reason| {
                let counter = families::backfill_requests_given_up_total(&self.job, &self.name, reason);
                counter.add(0);
                counter
            })
        })
    }

    /// The bucket of the endpoint's limiter.
    pub(crate) fn bucket(&self, rate: Rate) -> Arc<Bucket> {
        self.bucket.get_or_init(|| Arc::new(self.new_bucket(rate))).clone()
    }

    /// A bucket that is shown with the endpoint's name.
    pub(crate) fn new_bucket(&self, rate: Rate) -> Bucket {
        let shown = families::backfill_rate_limit_tokens(&self.job, &self.name);
        Bucket::new(rate, shown, Instant::now())
    }

    pub(crate) fn source_asked_to_wait(&self) {
        self.rate_limit_hits.inc();
    }

    pub(crate) fn show_tokens(&self, now: Instant) {
        if let Some(bucket) = self.bucket.get() {
            bucket.show(now);
        }
    }
}

/// What is to be done about an output, looked at once.
struct Seen {
    code: String,
    is_rate_limited: bool,
    pause: Option<Duration>,
}

impl Seen {
    fn of(output: &dyn Outcome) -> Seen {
        let is_rate_limited = is_rate_limited(output);
        let pause = if is_rate_limited { output.retry_after() } else { None };
        Seen { code: code_label(output), is_rate_limited, pause }
    }
}

/// A request that is on its way. Dropped without an end, it was given up: its future was dropped, or it unwound.
struct InFlight {
    job: Job,
    endpoint: Arc<Endpoint>,
    /// Its number among those of the run that are on their way.
    number: u64,
    started: Instant,
    ended: bool,
    /// The code where it is dropped.
    dropped: &'static str,
}

impl InFlight {
    fn begin(job: Job, endpoint: Arc<Endpoint>, dropped: &'static str) -> InFlight {
        endpoint.in_flight.inc();
        job.heartbeat();
        let started = Instant::now();
        let number = job.run.life.opens(&endpoint, started);
        InFlight { job, endpoint, number, started, ended: false, dropped }
    }

    fn end_as(&mut self, seen: &Seen) {
        self.end(&seen.code);
        if seen.is_rate_limited {
            self.endpoint.source_asked_to_wait();
        }
        if let (Some(pause), Some(bucket)) = (seen.pause, self.endpoint.bucket.get()) {
            bucket.pause(pause, Instant::now());
        }
    }

    fn end(&mut self, code: &str) {
        if !std::mem::replace(&mut self.ended, true) {
            // What was given up took time too: left out, a source that never answers in time would look quick.
            self.endpoint.duration.observe_duration(self.started.elapsed());
            families::backfill_requests_total(self.job.name(), &self.endpoint.name, code).inc();
            self.endpoint.in_flight.dec();
            self.job.run.life.closes(self.number);
            self.job.heartbeat();
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.end(self.dropped);
    }
}

/// Sends a request that blocks.
pub(crate) fn request_blocking<T: Outcome>(job: Job, endpoint: Arc<Endpoint>, request: impl FnOnce() -> T) -> T {
    // Only a panic passes its end by.
    let mut sent = InFlight::begin(job, endpoint, "panic");
    let output = request();
    sent.end_as(&Seen::of(&output));
    output
}

pin_project_lite::pin_project! {
    /// A request whose end is counted, see [`Job::request`](crate::Job::request).
    #[must_use = "futures do nothing unless polled"]
    pub struct Request<F: Future> {
        state: State,
        // Kept as a function, so that an output without `Outcome` is one error, at the call, and not another at its `.await`.
        seen: fn(&F::Output) -> Seen,
        #[pin]
        future: F,
    }
}

enum State {
    /// Nothing was sent: a future that is never polled is no request.
    New(Job, Arc<Endpoint>),
    Sent(InFlight),
}

impl<F> Request<F>
where
    F: Future,
    F::Output: Outcome,
{
    pub(crate) fn new(job: Job, endpoint: Arc<Endpoint>, future: F) -> Request<F> {
        Request { state: State::New(job, endpoint), seen: |output| Seen::of(output), future }
    }
}

/// One poll. Dropped before it has returned, it unwound; the future itself may be dropped later, outside of the panic.
struct Step<'a> {
    sent: &'a mut InFlight,
    returned: bool,
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.returned {
            self.sent.end("panic");
        }
    }
}

impl<F: Future> Future for Request<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let State::New(job, endpoint) = this.state {
            *this.state = State::Sent(InFlight::begin(job.clone(), endpoint.clone(), "cancelled"));
        }
        let State::Sent(sent) = this.state else { return Poll::Pending };
        let mut step = Step { sent, returned: false };
        let poll = this.future.poll(context);
        step.returned = true;
        let output = ready!(poll);
        step.sent.end_as(&(this.seen)(&output));
        Poll::Ready(output)
    }
}

impl<F: Future> fmt::Debug for Request<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, endpoint) = match &self.state {
            State::New(_, endpoint) => ("new", endpoint),
            State::Sent(sent) => ("sent", &sent.endpoint),
        };
        f.debug_tuple("Request").field(&endpoint.name).field(&what).finish()
    }
}
