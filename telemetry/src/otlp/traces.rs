//! Where spans that ended wait to be sent.
//!
//! The queue is a channel with an end: an array of slots of one pointer each, which threads that end spans fill without a lock, and which is never waited for. When it is full the
//! span that comes is dropped, as OpenTelemetry's batch processor has it.
//! <https://opentelemetry.io/docs/specs/otel/trace/sdk/#batching-processor>

use super::signal::Source;
use crate::builtin::push as families;
use crate::config::otlp;
use crate::push::{Event, PerProcess, flush};
use crate::record::fork::Process;
use crate::record::thread;
use crate::sync::{Mutex, lock};
use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TrySendError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The value of the label `receiver` of the families about pushing.
pub(super) const NAME: &str = "otlp_traces";

/// Takes spans in, for who sends them. Copies are handles of the same queue.
#[derive(Clone)]
pub(crate) struct Spans(Arc<Inner>);

struct Inner {
    max_queue: usize,
    max_batch: usize,
    timeout: Duration,
    queue: PerProcess<Queue>,
    /// What the tracer's provider says of the program.
    source: Mutex<Option<(Process, Source)>>,
}

struct Queue {
    give: SyncSender<Box<SpanData>>,
    /// The other end, until somebody sends.
    take: Mutex<Option<Receiver<Box<SpanData>>>>,
    waiting: AtomicUsize,
    /// Since this was last asked.
    dropped: AtomicU64,
    /// Whether who sends knows that some were.
    is_told: AtomicBool,
    is_closed: AtomicBool,
    /// What wakes who sends.
    sender: OnceLock<Sender<Event>>,
}

impl Queue {
    fn new(max_queue: usize) -> Queue {
        let (give, take) = mpsc::sync_channel(max_queue);
        Queue {
            give,
            take: Mutex::new(Some(take)),
            waiting: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            is_told: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            sender: OnceLock::new(),
        }
    }
}

impl Spans {
    pub(crate) fn new(settings: &otlp::Traces) -> Spans {
        let max_queue = settings.max_queue.max(1);
        Spans(Arc::new(Inner {
            max_queue,
            max_batch: settings.max_batch.clamp(1, max_queue),
            timeout: settings.export_timeout,
            queue: PerProcess::new(Queue::new(max_queue)),
            source: Mutex::new(None),
        }))
    }

    /// Who is woken when there is enough for a request.
    pub(crate) fn wakes(&self, sender: Sender<Event>) {
        // Set once: who sends is started once in a process.
        let _ = self.own().sender.set(sender);
    }

    /// This process' queue, which a child of a fork makes itself.
    fn own(&self) -> &Queue {
        self.0.queue.get_or_make(|| Queue::new(self.0.max_queue)).0
    }

    /// The other end of this process' queue. Once.
    pub(super) fn taking(&self) -> Option<Receiver<Box<SpanData>>> {
        lock(&self.own().take).take()
    }

    pub(super) fn max_batch(&self) -> usize {
        self.0.max_batch
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.queue.get().map_or(0, |queue| queue.waiting.load(Ordering::Relaxed))
    }

    /// So many were taken out.
    pub(super) fn taken(&self, spans: usize) {
        if let Some(queue) = self.0.queue.get() {
            queue.waiting.fetch_sub(spans, Ordering::Relaxed);
        }
    }

    /// How many were dropped since this was last asked.
    pub(super) fn dropped(&self) -> u64 {
        self.0.queue.get().map_or(0, |queue| {
            // First, so that what is dropped from here on is told.
            queue.is_told.store(false, Ordering::Relaxed);
            queue.dropped.swap(0, Ordering::Relaxed)
        })
    }

    /// Takes nothing in any more.
    pub(super) fn close(&self) {
        self.own().is_closed.store(true, Ordering::Relaxed);
    }

    /// The program as the tracer's provider describes it; in a child of a fork with the child's own identity.
    pub(super) fn source(&self, own: &Source) -> Source {
        let Some((process, mut source)) = lock(&self.0.source).clone() else { return own.clone() };
        if process != Process::current() {
            for attribute in &mut source.resource.attributes {
                let is_identity = ["service.instance.id", "process.pid"].contains(&&*attribute.key);
                let mine = own.resource.attributes.iter().find(|mine| mine.key == attribute.key);
                if let (true, Some(mine)) = (is_identity, mine) {
                    *attribute = mine.clone();
                }
            }
        }
        source
    }

    fn add(&self, span: SpanData) {
        // A child of a fork has nobody who sends, unless it started that.
        let Some(queue) = self.0.queue.get() else { return };
        if queue.is_closed.load(Ordering::Relaxed) {
            return drop_one(queue, "ended");
        }
        let waiting = queue.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        // Room for it is not what the running call asked for.
        let span = thread::uncounted(|_| Box::new(span));
        match queue.give.try_send(span) {
            Ok(()) if waiting % self.0.max_batch == 0 => {
                if let Some(sender) = queue.sender.get() {
                    // Who sends may have ended.
                    let _ = sender.send(Event::Ready);
                }
            }
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                queue.waiting.fetch_sub(1, Ordering::Relaxed);
                drop_one(queue, "queue_full");
                // Once until it asks how many there were.
                if let (true, Some(sender)) = (!queue.is_told.swap(true, Ordering::Relaxed), queue.sender.get()) {
                    let _ = sender.send(Event::Ready);
                }
            }
        }
    }

    fn flush(&self, deadline: Duration) -> OTelSdkResult {
        let Some(queue) = self.0.queue.get() else { return Ok(()) };
        match queue.sender.get() {
            Some(sender) if flush(sender, deadline) => Ok(()),
            Some(_) => Err(OTelSdkError::Timeout(deadline)),
            None => Ok(()),
        }
    }
}

fn drop_one(queue: &Queue, reason: &str) {
    queue.dropped.fetch_add(1, Ordering::Relaxed);
    families::telemetry_push_dropped_samples_total(NAME, reason).inc();
}

impl SpanProcessor for Spans {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        // Recorded for processors of the application's own, and not to be sent.
        if span.span_context.is_sampled() {
            self.add(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush(self.0.timeout)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.flush(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        *lock(&self.0.source) = Some((Process::current(), resource.into()));
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests;
