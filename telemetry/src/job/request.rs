//! One request to a source: its code, its duration, and that it is on its way.

use crate::builtin::jobs::recorded as families;
use crate::job::outcome::{Outcome, code_label};
use crate::job::run::Run;
use crate::metric::{Counter, DurationCounter, Gauge, Histogram};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// What a job asks its source for, with the handles of its series.
#[derive(Debug)]
pub(crate) struct Endpoint {
    name: Box<str>,
    in_flight: Gauge,
    duration: Histogram,
    pub(crate) rate_limit_hits: Counter,
    pub(crate) rate_limit_wait: DurationCounter,
}

impl Endpoint {
    pub(crate) fn new(job: &str, name: &str) -> Endpoint {
        Endpoint {
            name: name.into(),
            in_flight: families::backfill_requests_in_flight(job, name),
            duration: families::backfill_request_duration_seconds(job, name),
            rate_limit_hits: families::backfill_rate_limit_hits_total(job, name),
            rate_limit_wait: families::backfill_rate_limit_wait_seconds_total(job, name),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// A request that is on its way. Dropped without [`InFlight::end`], it was given up: its future was dropped, or it unwound.
pub(crate) struct InFlight {
    run: Arc<Run>,
    endpoint: Arc<Endpoint>,
    started: Instant,
    ended: bool,
}

impl InFlight {
    pub(crate) fn begin(run: Arc<Run>, endpoint: Arc<Endpoint>) -> InFlight {
        endpoint.in_flight.inc();
        InFlight { run, endpoint, started: Instant::now(), ended: false }
    }

    pub(crate) fn end(&mut self, code: &str) {
        if !std::mem::replace(&mut self.ended, true) {
            // What was given up took time too: left out, a source that never answers in time would look quick.
            self.endpoint.duration.observe_duration(self.started.elapsed());
            families::backfill_requests_total(&self.run.name, &self.endpoint.name, code).inc();
            self.endpoint.in_flight.dec();
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.end(if std::thread::panicking() { "panic" } else { "cancelled" });
    }
}

pin_project_lite::pin_project! {
    /// A request whose end is counted, see [`Job::request`](crate::Job::request).
    #[must_use = "futures do nothing unless polled"]
    pub struct Request<F: Future> {
        state: State,
        // Kept as a function, so that an output without `Outcome` is one error, at the call, and not another at its `.await`.
        code: fn(&F::Output) -> String,
        #[pin]
        future: F,
    }
}

enum State {
    /// Nothing was sent: a future that is never polled is no request.
    New(Arc<Run>, Arc<Endpoint>),
    Sent(InFlight),
}

impl<F> Request<F>
where
    F: Future,
    F::Output: Outcome,
{
    pub(crate) fn new(run: Arc<Run>, endpoint: Arc<Endpoint>, future: F) -> Request<F> {
        Request { state: State::New(run, endpoint), code: |output| code_label(output), future }
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
        if let State::New(run, endpoint) = this.state {
            *this.state = State::Sent(InFlight::begin(run.clone(), endpoint.clone()));
        }
        let State::Sent(sent) = this.state else { return Poll::Pending };
        let mut step = Step { sent, returned: false };
        let poll = this.future.poll(context);
        step.returned = true;
        let output = ready!(poll);
        step.sent.end(&(this.code)(&output));
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
