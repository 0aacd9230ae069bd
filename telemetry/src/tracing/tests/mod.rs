mod both; // what is ours and what is others', together
mod layer; // spans as calls
mod maker; // calls as spans

use crate::record::span::{Call, End, Entered, Parent, Span, Spans, Value};
use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex};
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

thread_local! {
    /// Makers that tests of this thread make up.
    pub(super) static MADE_UP: RefCell<Vec<&'static dyn Spans>> = const { RefCell::new(Vec::new()) };
}

/// What a subscriber saw, a line each.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn say(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Those lines that are of this kind.
    fn of(&self, kind: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter_map(|line| line.strip_prefix(kind)).map(|line| line.trim().to_owned()).collect()
    }
}

/// A layer that writes down what it sees: spans by their names.
struct Recorder(Seen);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let parent = span.parent().map_or("nobody", |parent| parent.name());
        let mut fields = Fields(String::new());
        attributes.record(&mut fields);
        self.0.say(format!("new {} in {parent}{}", span.name(), fields.0));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.0.say(format!("record {}{}", context.span(id).unwrap().name(), fields.0));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let within = context.event_span(event).map_or("nobody", |span| span.name());
        self.0.say(format!("event {} in {within}", event.metadata().target()));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.0.say(format!("enter {}", context.span(id).unwrap().name()));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.0.say(format!("exit {}", context.span(id).unwrap().name()));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.say(format!("close {}", context.span(&id).unwrap().name()));
    }
}

/// A maker of spans that writes down what it is told, as OpenTelemetry's would send it.
struct Writer {
    seen: Seen,
    running: Mutex<Vec<String>>,
}

struct Written {
    name: String,
    writer: &'static Writer,
}

impl Writer {
    fn leak() -> &'static Writer {
        Box::leak(Box::new(Writer { seen: Seen::default(), running: Mutex::new(Vec::new()) }))
    }
}

impl Writer {
    fn enter(&'static self, name: &str) -> Entered {
        struct Leave(&'static Writer);
        impl Drop for Leave {
            fn drop(&mut self) {
                self.0.running.lock().unwrap().pop();
            }
        }
        self.running.lock().unwrap().push(name.to_owned());
        Box::new(Leave(self))
    }
}

impl Spans for &'static Writer {
    fn running(&self) -> Option<Parent> {
        let name = self.running.lock().unwrap().last().cloned()?;
        Some(Arc::new(name))
    }

    fn resume(&self, parent: &Parent) -> Option<Entered> {
        Some(self.enter(parent.downcast_ref::<String>()?))
    }

    fn begin(&self, call: &Call<'_>) -> Option<Box<dyn Span>> {
        let name = call.site.function().to_owned();
        let parent =
            self.running.lock().unwrap().last().cloned().filter(|_| !call.is_root).unwrap_or("nobody".to_owned());
        self.seen.say(format!("begin {name} in {parent}"));
        Some(Box::new(Written { name, writer: self }))
    }
}

impl Span for Written {
    fn enter(&mut self) -> Entered {
        self.writer.enter(&self.name)
    }

    fn attribute(&mut self, name: &'static str, value: Value<'_>) {
        self.writer.seen.say(format!("attribute {} {name}={value:?}", self.name));
    }

    fn error(&mut self, error_type: &str, message: Option<&str>) {
        self.writer.seen.say(format!("error {} {error_type} {message:?}", self.name));
    }

    fn end(self: Box<Self>, end: &End) {
        self.writer.seen.say(format!("end {} {}", self.name, end.outcome.as_str()));
    }
}
