//! Measured calls as spans of `tracing`.

use super::callsite::{Function, Made, field, is_any_interested};
use super::makers;
use super::values::{Owned, Placed, shown, with_values};
use crate::record::clock;
use crate::record::outcome::Outcome;
use crate::record::span::{Call, End, Entered, Parent, Span, Spans, Value};
use crate::sync::{AtomicU32, Relaxed};
use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;
use tracing_core::field::Value as FieldValue;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::NoSubscriber;
use tracing_core::{Dispatch, Level, LevelFilter, dispatcher};

/// Measured calls are spans of `tracing` from here on, at this level, for whichever subscribers there are or will be.
///
/// A call's span has the function's name, its module as target, its file and line. `result`, `duration_seconds`, `busy_seconds` and, where they
/// are known, `error.type`, `error.message`, `cpu_seconds`, `allocated_bytes`, `allocations`, `read_bytes` and `written_bytes` are recorded when the call
/// ends; what `span(…)` asks for are fields of their names. The span is entered while the call runs on a thread: of an asynchronous one,
/// at each poll. Its parent is what ran where the call was made, on whatever thread it runs.
///
/// Subscribers and their filters decide which functions they want, by target, name and level. A call that nobody wants costs a load or two.
///
/// To be called once, at the beginning of a program; the first call decides the level, and later ones return `false`. Not to be used together with a
/// layer that sends spans of `tracing` to the collector to which calls go as OpenTelemetry spans: both would arrive.
///
/// ```
/// telemetry::tracing::emit(tracing::Level::DEBUG);
/// ```
pub fn emit(level: Level) -> bool {
    let first = MAKER.level.compare_exchange(OFF, number(level), Relaxed, Relaxed).is_ok();
    if first {
        makers::install();
    }
    first
}

pub(super) static MAKER: Maker = Maker::new();

/// Makes spans of calls.
pub(super) struct Maker {
    /// [`OFF`], or the level of its spans.
    level: AtomicU32,
}

const OFF: u32 = 0;

fn number(level: Level) -> u32 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        _ => 5,
    }
}

impl Maker {
    pub(super) const fn new() -> Maker {
        Maker { level: AtomicU32::new(OFF) }
    }

    fn level(&self) -> Level {
        match self.level.load(Relaxed) {
            1 => Level::ERROR,
            2 => Level::WARN,
            OFF | 3 => Level::INFO,
            4 => Level::DEBUG,
            _ => Level::TRACE,
        }
    }
}

thread_local! {
    /// Whether a subscriber is being told something by us. What is measured in it is no span: its span would be told to it, and so on.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Whether what a subscriber is told comes from us: then it is no news to our own layer.
pub(super) fn is_telling() -> bool {
    TELLING.get()
}

/// Tells a subscriber something; none where one is being told already.
fn tell<R>(f: impl FnOnce() -> R) -> Option<R> {
    if TELLING.replace(true) {
        return None;
    }
    let _told = Told(false);
    Some(f())
}

/// The same where it must be told whatever it does.
fn tell_anyway<R>(f: impl FnOnce() -> R) -> R {
    let _told = Told(TELLING.replace(true));
    f()
}

/// Puts back what was there, also after a panic.
struct Told(bool);

impl Drop for Told {
    fn drop(&mut self) {
        TELLING.set(self.0);
    }
}

/// A span that lives at least as long as this.
struct Held {
    dispatch: Dispatch,
    id: Id,
}

impl Drop for Held {
    fn drop(&mut self) {
        tell_anyway(|| self.dispatch.try_close(self.id.clone()));
    }
}

/// A span is what runs on this thread.
struct Inside {
    span: Arc<Held>,
    _thread: PhantomData<*const ()>,
}

impl Inside {
    fn enter(span: Arc<Held>) -> Inside {
        tell_anyway(|| span.dispatch.enter(&span.id));
        Inside { span, _thread: PhantomData }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        tell_anyway(|| self.span.dispatch.exit(&self.span.id));
    }
}

impl Spans for Maker {
    fn running(&self) -> Option<Parent> {
        if LevelFilter::current() == LevelFilter::OFF {
            return None;
        }
        let current = |dispatch: &Dispatch| {
            let current = dispatch.current_span();
            let id = dispatch.clone_span(current.id()?);
            Some(Arc::new(Held { dispatch: dispatch.clone(), id }) as Parent)
        };
        tell(|| dispatcher::get_default(current)).flatten()
    }

    fn resume(&self, parent: &Parent) -> Option<Entered> {
        let span = Arc::clone(parent).downcast::<Held>().ok()?;
        Some(Box::new(Inside::enter(span)))
    }

    fn begin(&self, call: &Call<'_>) -> Option<Box<dyn Span>> {
        let level = self.level();
        if !is_any_interested(level) {
            return None;
        }
        let parent = call.parent.and_then(|parent| Arc::clone(parent).downcast::<Held>().ok());
        let begin = || {
            let function = Function::of(call.site.whole(), level);
            if !function.latest().may_be_wanted() {
                return None;
            }
            // The number of a parent means something to its own subscriber alone, which therefore has the span too.
            let dispatch = match &parent {
                Some(parent) => parent.dispatch.clone(),
                None => dispatcher::get_default(Dispatch::clone),
            };
            let is_nobody = dispatch.is::<NoSubscriber>();
            (!is_nobody).then(|| Begun { function, dispatch, parent, attributes: Vec::new() })
        };
        let begun = tell(begin).flatten()?;
        Some(Box::new(OneSpan(State::Begun(begun))))
    }
}

/// A call's span, which is made when the call is entered: then its attributes are known, and their names can be those of fields.
struct OneSpan(State);

enum State {
    Begun(Begun),
    Running {
        function: &'static Function,
        made: &'static Made,
        span: Arc<Held>,
    },
    /// Nobody wanted it after all.
    Unwanted,
}

struct Begun {
    function: &'static Function,
    dispatch: Dispatch,
    parent: Option<Arc<Held>>,
    attributes: Vec<(&'static str, Owned)>,
}

impl Begun {
    fn make(&self) -> State {
        let made = self.function.with(self.attributes.iter().map(|(name, _)| *name));
        if !made.is_wanted(&self.dispatch) {
            return State::Unwanted;
        }
        let mut rest = String::new();
        let mut placed: Vec<Placed<'_>> = Vec::with_capacity(self.attributes.len() + 1);
        for (name, value) in &self.attributes {
            match made.place(name) {
                Some(place) => placed.push((place, value.as_field())),
                None => value.append(name, &mut rest),
            }
        }
        if !rest.is_empty() {
            placed.push((field::ATTRIBUTES, &rest));
        }
        let id = with_values(made, &placed, |values| {
            let attributes = match &self.parent {
                Some(parent) => Attributes::child_of(parent.id.clone(), made.metadata, values),
                None => Attributes::new(made.metadata, values),
            };
            self.dispatch.new_span(&attributes)
        });
        let span = Arc::new(Held { dispatch: self.dispatch.clone(), id });
        State::Running { function: self.function, made, span }
    }
}

impl OneSpan {
    /// The span, made where it is not yet.
    fn made(&mut self) -> Option<(&'static Function, &'static Made, &Arc<Held>)> {
        if let State::Begun(begun) = &self.0 {
            self.0 = tell_anyway(|| begun.make());
        }
        match &self.0 {
            State::Running { function, made, span } => Some((*function, *made, span)),
            _ => None,
        }
    }

    fn record(&mut self, placed: &[Placed<'_>]) {
        if let Some((_, made, span)) = self.made() {
            tell_anyway(|| with_values(made, placed, |values| span.dispatch.record(&span.id, &Record::new(values))));
        }
    }
}

impl Span for OneSpan {
    fn enter(&mut self) -> Entered {
        match self.made() {
            Some((_, _, span)) => Box::new(Inside::enter(Arc::clone(span))),
            None => Box::new(()) as Box<dyn Any>,
        }
    }

    fn attribute(&mut self, name: &'static str, value: Value<'_>) {
        if let State::Begun(begun) = &mut self.0 {
            begun.attributes.push((name, value.into()));
            return;
        }
        let Some((function, made, _)) = self.made() else { return };
        let value = Owned::from(value);
        match made.place(name) {
            Some(place) => self.record(&[(place, value.as_field())]),
            None => {
                // Calls to come have a field for it.
                function.with(std::iter::once(name));
                let mut text = String::new();
                value.append(name, &mut text);
                self.record(&[(field::ATTRIBUTES, &text)]);
            }
        }
    }

    fn error(&mut self, error_type: &str, message: Option<&str>) {
        match &message {
            Some(message) => self.record(&[(field::ERROR_TYPE, &error_type), (field::ERROR_MESSAGE, message)]),
            None => self.record(&[(field::ERROR_TYPE, &error_type)]),
        }
    }

    fn end(mut self: Box<Self>, end: &End) {
        let result = end.outcome.as_str();
        let (duration, busy) = (shown(clock::seconds(end.ticks)), shown(clock::seconds(end.busy_ticks)));
        let cpu = end.cpu_seconds.map(shown);
        let mut placed: Vec<Placed<'_>> =
            vec![(field::RESULT, &result), (field::DURATION, &duration), (field::BUSY, &busy)];
        if matches!(end.outcome, Outcome::Error | Outcome::Panic) {
            placed.push((field::OTEL_STATUS, &"ERROR"));
        }
        if let Some(cpu) = &cpu {
            placed.push((field::CPU, cpu));
        }
        let counts = [
            (field::ALLOCATED_BYTES, &end.allocated_bytes),
            (field::ALLOCATIONS, &end.allocations),
            (field::READ_BYTES, &end.read_bytes),
            (field::WRITTEN_BYTES, &end.written_bytes),
        ];
        placed
            .extend(counts.into_iter().filter_map(|(place, count)| Some((place, count.as_ref()? as &dyn FieldValue))));
        self.record(&placed);
    }
}
