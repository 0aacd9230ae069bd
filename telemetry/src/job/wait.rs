//! Waiting before a request: counted by why, cut short where the job is asked to stop.

use crate::builtin::jobs::recorded as families;
use crate::job::Job;
use crate::job::request::Endpoint;
use crate::metric::DurationCounter;
use crate::sync::Relaxed;
use futures_timer::Delay;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// Why a request waits: the values of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The source said that it was asked too often.
    RateLimited,
    /// The request failed in another way and is to be sent again.
    Backoff,
    /// The job's own limiter has no token left.
    Limiter,
    /// The job's own limiter stands still, since the source said that it was asked too often.
    Paused,
}

impl Why {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Why::RateLimited => "rate_limited",
            Why::Backoff => "backoff",
            Why::Limiter => "limiter",
            Why::Paused => "paused",
        }
    }
}

/// A wait is slept, and counted, in slices of at most this: an hour's wait is then seen while it lasts, and not as a leap after it.
const SLICE: Duration = Duration::from_secs(1);

/// How often a blocking wait looks whether the job was asked to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Whom a wait is counted for, and what of it was.
struct Counted<'a> {
    job: &'a Job,
    endpoint: &'a Endpoint,
    /// Reasons that were counted as a wait: one wait may have two.
    begun: [Option<Why>; 2],
    /// Until when it is counted.
    counted: Instant,
    slice: Option<Slice>,
}

struct Slice {
    /// When the whole wait would be over: what a late timer adds is the machine's doing. `None` where no clock counts as far.
    end: Option<Instant>,
    seconds: DurationCounter,
    for_the_source: bool,
}

impl<'a> Counted<'a> {
    fn new(job: &'a Job, endpoint: &'a Endpoint) -> Counted<'a> {
        Counted { job, endpoint, begun: [None; 2], counted: Instant::now(), slice: None }
    }

    fn begin(&mut self, why: Why, long: Duration) {
        // It waits because it was told to, and not because it hangs.
        self.job.heartbeat();
        let (job, endpoint) = (self.job.name(), self.endpoint.name());
        if !self.begun.contains(&Some(why)) {
            self.begun = [Some(why), self.begun[0]];
            families::backfill_waits_total(job, endpoint, why.as_str()).inc();
        }
        let seconds = families::backfill_wait_seconds_total(job, endpoint, why.as_str());
        let for_the_source = matches!(why, Why::RateLimited | Why::Paused);
        self.slice = Some(Slice { end: Instant::now().checked_add(long), seconds, for_the_source });
    }

    fn end(&mut self) {
        if let Some(slice) = self.slice.take() {
            let now = Instant::now();
            let waited = slice.end.map_or(now, |end| now.min(end)).saturating_duration_since(self.counted);
            self.counted = now;
            slice.seconds.add(waited);
            if slice.for_the_source {
                self.endpoint.waited_for_source(&self.job.run, waited);
            }
        }
    }
}

/// Also where the wait's future is dropped in the middle of it.
impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether a wait ends when the job is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtStop {
    Leaves,
    Stays,
}

impl AtStop {
    fn leaves(self, job: &Job) -> bool {
        self == AtStop::Leaves && job.is_cancelled()
    }
}

/// Waits while `left` says how long and why. Whether it came to its end: not, where the job was asked to stop.
pub(crate) async fn wait(
    job: &Job,
    endpoint: &Endpoint,
    at_stop: AtStop,
    mut left: impl FnMut() -> Option<(Duration, Why)>,
) -> bool {
    let mut counted = Counted::new(job, endpoint);
    loop {
        if at_stop.leaves(job) {
            return false;
        }
        let Some((long, why)) = left() else { return true };
        let slice = long.min(SLICE);
        counted.begin(why, long);
        sleep(job, at_stop, slice).await;
        counted.end();
    }
}

async fn sleep(job: &Job, at_stop: AtStop, long: Duration) {
    let (mut delay, mut stopped) = (pin!(Delay::new(long)), pin!(job.cancelled()));
    poll_fn(|context| {
        if at_stop == AtStop::Leaves && stopped.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        delay.as_mut().poll(context)
    })
    .await;
}

/// See [`wait`].
pub(crate) fn wait_blocking(
    job: &Job,
    endpoint: &Endpoint,
    at_stop: AtStop,
    mut left: impl FnMut() -> Option<(Duration, Why)>,
) -> bool {
    let mut counted = Counted::new(job, endpoint);
    loop {
        if at_stop.leaves(job) {
            return false;
        }
        let Some((long, why)) = left() else { return true };
        let slice = long.min(LOOK);
        counted.begin(why, long);
        thread::sleep(slice);
        counted.end();
    }
}

/// How long is left of a wait that begins when this is first asked, so when its time begins to count.
pub(crate) fn for_so_long(long: Duration, why: Why) -> impl FnMut() -> Option<(Duration, Why)> {
    let mut end = None;
    move || {
        let now = Instant::now();
        // What a clock cannot count to does not end.
        let left =
            end.get_or_insert_with(|| now.checked_add(long)).map_or(SLICE, |end| end.saturating_duration_since(now));
        (!left.is_zero()).then_some((left, why))
    }
}

impl Endpoint {
    pub(crate) fn waited_for_source(&self, run: &crate::job::run::Run, waited: Duration) {
        self.rate_limit_wait.add(waited);
        let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        run.rate_limit_nanos.fetch_add(nanos, Relaxed);
    }
}
