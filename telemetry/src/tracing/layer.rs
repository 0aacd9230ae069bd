//! Spans of others as measured functions.

use super::sites::{SITES, Sites};
use super::{maker, makers};
use crate::record::clock;
use crate::record::entered::{self, Call, Key};
use crate::record::outcome::Outcome;
use crate::record::span::{self, Entered, Parent, Span, Spans, Value};
use crate::record::thread;
use crate::sync::{AtomicUsize, Relaxed};
use std::fmt;
use std::sync::Arc;
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Turns spans of `tracing` into measured functions: of the crates that a program uses, and of its own.
///
/// A span is a call of the function `target::name`, in the module that is its target. The call begins when the span is entered first, as that of a
/// future does when it is polled first, and ends when the span is closed: what is between is its duration, what it was entered for its busy
/// time. CPU time, allocations and bytes of I/O are those of the threads while it was entered, as of any measured function, and what is within it
/// is its callee. A span that is never entered is no call.
///
/// A call ends as `error` where an event of the level `ERROR` was recorded in the span itself, as by `#[tracing::instrument(err)]`, as `panic` where
/// the span was left by one, else as `ok`. That a span's future was dropped half-way cannot be seen: it is `ok` too.
///
/// Which spans it sees is for the subscriber's filters to say, or for one of its own. Without any it sees those of all levels:
///
/// ```
/// use tracing_subscriber::filter::LevelFilter;
/// use tracing_subscriber::{Layer as _, layer::SubscriberExt as _};
///
/// let measured = telemetry::tracing::Layer::new().with_filter(LevelFilter::INFO);
/// let subscriber = tracing_subscriber::registry().with(measured);
/// # let _ = subscriber;
/// ```
///
/// A program has at most 1,000 such functions; spans of further places in the source are `_OTHER`. Values of fields are nowhere among the metrics.
/// Where OpenTelemetry traces are on (`telemetry::trace`), each span is a span there too, from its creation on, with its fields, unless
/// [`without_traces`](Layer::without_traces) says otherwise.
///
/// A span that several threads have entered at once is measured on the first of them; what runs within it on the others is within its trace all the same. Spans may be left in any order; where one is left
/// while a measured function runs within it, or after one that it is within has ended, the time is still its busy time, and the self time of
/// nobody or of that function.
pub struct Layer {
    /// Which layer it is: another one in the same registry leaves this one's spans alone.
    number: usize,
    sites: &'static Sites,
    traces: bool,
}

/// A span's call, among the span's extensions.
struct Measured {
    layer: usize,
    call: Arc<Call>,
}

/// What others made of a measured call that is a span, in the order of [`makers::others`].
struct Emitted(Vec<Option<Parent>>);

impl Drop for Measured {
    /// With the span, of whose end the layer was told before, unless it was replaced meanwhile.
    fn drop(&mut self) {
        self.call.close();
    }
}

impl Layer {
    /// A layer for a [`Registry`](tracing_subscriber::Registry).
    #[must_use]
    pub fn new() -> Layer {
        Layer::with_sites(&SITES)
    }

    pub(super) fn with_sites(sites: &'static Sites) -> Layer {
        static LAYERS: AtomicUsize = AtomicUsize::new(0);
        Layer { number: LAYERS.fetch_add(1, Relaxed), sites, traces: true }
    }

    /// Spans are functions and nothing else: for a program in which another layer, such as that of `tracing-opentelemetry`, makes traces of
    /// them already.
    #[must_use]
    pub fn without_traces(mut self) -> Layer {
        self.traces = false;
        self
    }

    /// Keeps, with the span that a measured call became, what others made of the call: it may be told as a parent, also on another thread.
    fn remember<S>(&self, id: &Id, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let makers = if self.traces { makers::others() } else { Vec::new() };
        let Some(span) = context.span(id).filter(|_| !makers.is_empty()) else { return };
        if span.extensions().get::<Emitted>().is_none() {
            // The others have entered it already: ours is asked last.
            let parents = makers.iter().map(|maker| maker.running()).collect();
            span.extensions_mut().replace(Emitted(parents));
        }
    }

    /// Makes a span what runs on this thread, for others.
    fn enter_spans<S>(&self, id: &Id, context: &Context<'_, S>) -> Vec<Entered>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if let Some(call) = self.call(id, context) {
            return call.enter_spans();
        }
        let Some(span) = context.span(id) else { return Vec::new() };
        let extensions = span.extensions();
        let Some(Emitted(parents)) = extensions.get() else { return Vec::new() };
        let resume = || {
            makers::others().iter().zip(parents).filter_map(|(maker, parent)| maker.resume(parent.as_ref()?)).collect()
        };
        entered::ask(resume).unwrap_or_default()
    }

    fn key(&self, id: &Id) -> Key {
        (self.number, id.into_u64())
    }

    fn call<S>(&self, id: &Id, context: &Context<'_, S>) -> Option<Arc<Call>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let span = context.span(id)?;
        let extensions = span.extensions();
        let measured = extensions.get::<Measured>().filter(|measured| measured.layer == self.number)?;
        Some(Arc::clone(&measured.call))
    }
}

/// The spans that others make of one. What runs on this thread is its parent.
#[cold]
fn made_by(makers: &[&'static dyn Spans], call: &span::Call<'_>, attributes: &Attributes<'_>) -> Vec<Box<dyn Span>> {
    let mut spans: Vec<_> = makers.iter().filter_map(|maker| maker.begin(call)).collect();
    spans.iter_mut().filter(|span| span.is_recorded()).for_each(|span| attributes.record(&mut Told(span)));
    spans
}

impl Default for Layer {
    fn default() -> Layer {
        Layer::new()
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("traces", &self.traces).finish_non_exhaustive()
    }
}

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(site) = self.sites.of(attributes.metadata()) else { return };
        let Some(span) = context.span(id) else { return };
        // Another layer may have been first.
        if span.extensions().get::<Measured>().is_some() {
            return;
        }
        thread::uncounted(|_| {
            let mut spans = Vec::new();
            let mut now = 0;
            let makers = if self.traces { makers::others() } else { Vec::new() };
            if !makers.is_empty() {
                now = clock::now();
                let call = span::Call { site, start: now, parent: None, is_root: attributes.is_root() };
                // Another parent was given: then that is what runs, for so long.
                let parent = attributes.parent().map(|parent| self.enter_spans(parent, &context));
                spans = entered::ask(|| made_by(&makers, &call, attributes)).unwrap_or_default();
                entered::leave_spans(parent.unwrap_or_default());
            }
            let call = Arc::new(Call::new(site, spans, now));
            span.extensions_mut().replace(Measured { layer: self.number, call });
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(call) = self.call(id, &context) {
            call.with_recorded(|span| values.record(&mut Told(span)));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        let within = context.event_span(event);
        if let Some(call) = within.and_then(|span| self.call(&span.id(), &context)) {
            call.fail(Outcome::Error);
            let mut said = None;
            call.with_recorded(|span| {
                let said = said.get_or_insert_with(|| Said::of(event));
                span.error(OTHER, said.error.as_deref().or(said.message.as_deref()));
            });
        }
    }

    // A span that our maker enters is handed on by `current()`, which credits what it is handed on to by itself.

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if maker::is_telling() {
            return self.remember(id, &context);
        }
        if let Some(call) = self.call(id, &context) {
            entered::enter(self.key(id), &call);
        }
    }

    fn on_exit(&self, id: &Id, _context: Context<'_, S>) {
        if !maker::is_telling() {
            entered::exit(self.key(id));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(call) = self.call(&id, &context) {
            call.close();
        }
    }
}

/// The type of an error that does not tell it.
/// <https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/#error-type>
const OTHER: &str = "_OTHER";

/// What an event says of an error: in a field of that name, as `#[tracing::instrument(err)]` does, else in its message.
#[derive(Default)]
struct Said {
    error: Option<String>,
    message: Option<String>,
}

impl Said {
    fn of(event: &Event<'_>) -> Said {
        let mut said = Said::default();
        event.record(&mut said);
        said
    }
}

fn debugged(value: &dyn fmt::Debug) -> String {
    span::text(format_args!("{value:?}"))
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "error" => self.error = Some(debugged(value)),
            "message" => self.message = Some(debugged(value)),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// Tells a span the fields of another.
struct Told<'a>(&'a mut Box<dyn Span>);

impl Visit for Told<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.attribute(field.name(), Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.attribute(field.name(), Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_str(field, &value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.attribute(field.name(), Value::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.attribute(field.name(), Value::Text(span::cut(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &debugged(value));
    }
}
