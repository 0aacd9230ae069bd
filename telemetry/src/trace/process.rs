//! The trace across processes: `TRACEPARENT`, `TRACESTATE` and `BAGGAGE` in the environment.
//!
//! As OpenTelemetry has it: <https://opentelemetry.io/docs/specs/otel/context/env-carriers/>. What is written comes from what runs; what is read is
//! read once, since the variables are those of the process's start.

use super::context::{TraceContext, current_context};
use super::propagator;
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::TraceContextExt;
use std::collections::HashMap;
use std::process::Command;
// Set once: nothing for a model checker.
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The trace that this process was started in, from its environment; without one it is not [valid](TraceContext::is_valid).
///
/// Once [`init`](crate::init()) was called, every span without a parent of its own is a child of it, on every thread: nothing else is to be done. This is for
/// who wants to print it, or has no `init`.
///
/// ```
/// if let Some(parent) = telemetry::trace::process::parent().traceparent() {
///     println!("started by {parent}");
/// }
/// ```
pub fn parent() -> TraceContext {
    static PARENT: OnceLock<TraceContext> = OnceLock::new();
    PARENT.get_or_init(|| extract(|name| std::env::var(name).ok())).clone()
}

/// Puts what runs on this thread into the environment of a program that is about to be started, so that it belongs to the same trace.
///
/// The variables are set, and those that would say something else are taken out, of which a parent's own environment is one. Where nothing runs, the command
/// stays as it is. `Command::env_clear` after it takes all of it away.
///
/// A `tokio::process::Command` is given as `command.as_std_mut()`.
///
/// ```
/// use std::process::Command;
///
/// #[telemetry::measured]
/// fn convert(file: &str) -> std::io::Result<std::process::ExitStatus> {
///     let mut command = Command::new("convert");
///     telemetry::trace::process::inject(command.arg(file));
///     command.status()
/// }
/// # let _ = convert;
/// ```
pub fn inject(command: &mut Command) {
    for (name, value) in changes(&current_context()) {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

/// The same as pairs, for programs that somebody else starts: a scheduler's job, a container.
///
/// ```
/// let context = telemetry::trace::current_context().with_baggage("tenant", "a");
/// let variables = context.scope(telemetry::trace::process::variables);
/// # #[cfg(not(telemetry_off))]
/// assert_eq!(variables, [("BAGGAGE".to_owned(), "tenant=a".to_owned())]);
/// ```
#[must_use]
pub fn variables() -> Vec<(String, String)> {
    changes(&current_context()).into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// What is to be set, and what to be taken out. Nothing where there is nothing to set.
fn changes(context: &TraceContext) -> Vec<(String, Option<String>)> {
    let mut written = HashMap::new();
    context.inject(&mut written);
    written.retain(|_, value: &mut String| !value.is_empty() && !value.contains('\0'));
    if written.is_empty() {
        return Vec::new();
    }
    let mut changes: Vec<_> = propagator::with(|propagator| {
        propagator.fields().map(|field| (variable(field), written.remove(&field.to_lowercase()))).collect()
    });
    // What a propagator writes besides the fields that it names.
    changes.extend(written.into_iter().map(|(field, value)| (variable(&field), Some(value))));
    changes
}

fn extract(environment: impl Fn(&str) -> Option<String>) -> TraceContext {
    let carrier: HashMap<String, String> = propagator::with(|propagator| {
        let fields = propagator.fields();
        fields.filter_map(|field| Some((field.to_lowercase(), environment(&variable(field))?))).collect()
    });
    TraceContext::extract(&carrier)
}

/// The variable of a field: letters as capitals, other characters as `_`.
fn variable(field: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    let name: String = field.chars().map(letter).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// Whether the process's parent is that of its spans without one.
static IS_ADOPTED: AtomicBool = AtomicBool::new(false);

/// In a context that came from outside without a trace.
#[derive(Debug)]
pub(super) struct NoParent;

/// Makes the process's parent that of all spans without one, from now on; for `init`.
pub(crate) fn adopt_parent() {
    if has_anything(&parent().0) {
        IS_ADOPTED.store(true, Relaxed);
    }
}

fn has_anything(context: &Context) -> bool {
    context.span().span_context().is_valid() || !context.baggage().is_empty()
}

/// The context as it is, or, where nothing runs in it, as a child of the process's parent, with its baggage where it has none of its own.
///
/// A context that came from outside without a trace stays, too: who asks a process is not part of what started it.
pub(crate) fn adopt(context: Context) -> Context {
    if !IS_ADOPTED.load(Relaxed) || context.has_active_span() || context.get::<NoParent>().is_some() {
        return context;
    }
    within(&context, &parent().0)
}

/// Whether there is something to hand over to what begins later or elsewhere.
pub(super) fn says_something(context: &Context) -> bool {
    context.has_active_span() || context.get::<NoParent>().is_some() || !context.baggage().is_empty()
}

fn within(context: &Context, parent: &Context) -> Context {
    let child = match parent.span().span_context() {
        span if span.is_valid() => context.with_remote_span_context(span.clone()),
        _ => context.clone(),
    };
    if !context.baggage().is_empty() || parent.baggage().is_empty() {
        return child;
    }
    let entries = parent.baggage().iter();
    child.with_baggage(
        entries.map(|(name, value)| (name.clone(), value.clone())).collect::<opentelemetry::baggage::Baggage>(),
    )
}

#[cfg(test)]
mod tests;
