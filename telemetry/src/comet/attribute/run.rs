//! The run of one call, and what is logged of it without being asked.

use super::settings::Settings;
use super::told::Told;
use crate::comet::Experiment;
use crate::outbound::oneshot;
use crate::record::{Ending, Outcome};
use serde::Serialize;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

/// A call, and its run from its start on. Dropped before it has ended, its future was cancelled.
pub struct Run {
    /// Nobody waits for the end on a future's thread.
    is_future: bool,
    started: OnceLock<Started>,
    has_ended: AtomicBool,
}

struct Started {
    told: Told,
    /// Of a clock that only goes on.
    at: Instant,
}

impl Run {
    /// Of a function that runs on its caller's thread.
    #[must_use]
    pub fn of_call() -> Run {
        Run::of(false)
    }

    /// Of an `async fn`.
    #[must_use]
    pub fn of_future() -> Run {
        Run::of(true)
    }

    fn of(is_future: bool) -> Run {
        Run { is_future, started: OnceLock::new(), has_ended: AtomicBool::new(false) }
    }

    /// Starts it. Where the settings cannot be read, that is said, and the function runs all the same.
    pub fn start(&self, settings: Settings) -> &Experiment {
        let started = self.started.get_or_init(|| {
            let told = Told::start(settings.config());
            told.other("start_time", crate::date::text(SystemTime::now()));
            Started { told, at: Instant::now() }
        });
        started.told.experiment()
    }

    /// Logs a parameter.
    pub fn parameter<T: Serialize + ?Sized>(&self, name: &str, value: &T) {
        if let Some(started) = self.started.get() {
            started.told.parameter(name, value);
        }
    }

    /// Runs the body. A panic is read on its way.
    pub fn caught<R>(&self, body: impl FnOnce() -> R) -> R {
        // What the panic left half done is seen by nobody here: it goes on.
        match catch_unwind(AssertUnwindSafe(body)) {
            Ok(output) => output,
            Err(payload) => {
                self.panicked(&*payload);
                resume_unwind(payload)
            }
        }
    }

    /// The same, poll by poll.
    pub fn polled<F: Future>(&self, future: F) -> Caught<'_, F> {
        Caught { run: self, future }
    }

    /// Logs what the output says. A panic of what it is asked is one of the function's.
    pub fn returned(&self, ending: Ending, log: impl FnOnce(&Experiment), says: impl FnOnce() -> Option<String>) {
        let Some(Started { told, .. }) = self.started.get() else { return };
        let error = self.caught(|| {
            log(told.experiment());
            (ending.outcome == Outcome::Error).then(says)
        });
        self.finish(ending.outcome);
        if let Some(error) = error {
            told.fail(&error.unwrap_or_else(|| "the function returned an error".to_owned()));
        }
    }

    /// Ends it, and waits for the delivery: at most until its deadline.
    pub fn end(&self) {
        if let Some(started) = self.started.get() {
            started.told.end();
        }
    }

    /// The same, awaited: a thread waits.
    pub fn ended(&self) -> Ended {
        let delivered = self.started.get().and_then(|started| {
            let (give, take) = oneshot::channel();
            started.told.end_elsewhere(move || give.send(())).then_some(take)
        });
        Ended { delivered }
    }

    /// Logs how it ended, and when. Only the first end counts.
    fn finish(&self, outcome: Outcome) {
        self.has_ended.store(true, Ordering::Relaxed);
        if let Some(Started { told, at }) = self.started.get() {
            told.metric("duration_seconds", at.elapsed().as_secs_f64());
            told.other("end_time", crate::date::text(SystemTime::now()));
            told.other("result", outcome.as_str());
        }
    }

    #[cold]
    fn panicked(&self, payload: &(dyn Any + Send)) {
        let Some(Started { told, .. }) = self.started.get() else { return };
        if self.has_ended.load(Ordering::Relaxed) {
            return;
        }
        self.finish(Outcome::Panic);
        let said =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        match said {
            Some(message) => told.fail(&format!("the function panicked: {message}")),
            None => told.fail("the function panicked"),
        }
        if self.is_future {
            told.end_elsewhere(|| {});
        } else {
            told.end();
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.has_ended.load(Ordering::Relaxed) {
            return;
        }
        let Some(Started { told, .. }) = self.started.get() else { return };
        self.finish(Outcome::Cancelled);
        told.abort("the function's future was dropped before its end");
        told.end_elsewhere(|| {});
    }
}

pin_project_lite::pin_project! {
    /// The body of an `async fn`, whose panics are read on their way.
    #[must_use = "futures do nothing unless polled"]
    pub struct Caught<'a, F> {
        run: &'a Run,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Caught<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.run.caught(|| this.future.poll(context))
    }
}

/// The end of a run, awaited. Dropped, nobody waits for it.
#[must_use = "futures do nothing unless polled"]
pub struct Ended {
    delivered: Option<oneshot::Receiver<()>>,
}

impl Future for Ended {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.delivered {
            Some(delivered) => Pin::new(delivered).poll(context).map(|_| ()),
            None => Poll::Ready(()),
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for Caught<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caught").field(self.run).finish()
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ended").field(&self.delivered.is_some()).finish()
    }
}
