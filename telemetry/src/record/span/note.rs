//! An error on its way to the span of the call that it ended.
//!
//! Generated code sees an error where it looks at a call's output, and ends the call right after that, on the same thread. What a span is to know of the error is
//! kept in between.

use super::{Show, is_on, making, text};
use crate::record::thread;
use std::any::type_name;
use std::cell::RefCell;
use std::fmt::{self, Debug, Display};

/// What a span is to know of an error.
#[derive(Default)]
pub(crate) struct Noted {
    pub(crate) error_type: String,
    pub(crate) message: Option<String>,
    /// Its type was told by `error_type = …`.
    is_named: bool,
}

std::thread_local! {
    static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) };
}

/// The type of an error that has no value of its own, as where `ok_if` refuses an `Ok`.
/// <https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/#error-type>
const OTHER: &str = "_OTHER";

// A call site has a branch and one of these calls. They are `extern "C"`, which do not unwind: else each call site would have code that drops the output
// meanwhile. Nor would they: what may panic in there is caught.

/// Notes an error for the span of the call that it ends: its type, and what it says. Does nothing where no span would be told.
#[cold]
#[inline(never)]
#[allow(improper_ctypes_definitions, reason = "called by Rust alone")]
pub(crate) extern "C" fn note_display<E: Display>(error: &E) {
    note(type_name::<E>(), Some(error));
}

/// The same of what has no [`Display`].
#[cold]
#[inline(never)]
#[allow(improper_ctypes_definitions, reason = "called by Rust alone")]
pub(crate) extern "C" fn note_debug<E: Debug>(error: &E) {
    note(type_name::<E>(), Some(&Debugged(error)));
}

/// The same of what cannot be shown.
#[cold]
#[inline(never)]
#[allow(improper_ctypes_definitions, reason = "called by Rust alone")]
pub(crate) extern "C" fn note_type<E>(_: &E) {
    note(type_name::<E>(), None);
}

/// The same of an output that a condition refused, or of the error in it.
#[cold]
#[inline(never)]
#[allow(improper_ctypes_definitions, reason = "called by Rust alone")]
pub extern "C" fn note_output<E>(error: Option<&E>, show: Show<E>) {
    match (error, show.0) {
        (Some(error), Some(show)) => note(type_name::<E>(), Some(&Message(error, show))),
        (Some(_), None) => note(type_name::<E>(), None),
        (None, _) => note(OTHER, None),
    }
}

struct Debugged<'a, E>(&'a E);

impl<E: Debug> Display for Debugged<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

struct Message<'a, E>(&'a E, fn(&E, &mut fmt::Formatter<'_>) -> fmt::Result);

impl<E> Display for Message<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.1)(self.0, f)
    }
}

#[inline(never)]
fn note(error_type: &'static str, message: Option<&dyn Display>) {
    if !is_on() || thread::with(|thread| thread.recorded.get() == 0) {
        return;
    }
    let mut noted = take_noted().filter(|noted| noted.is_named).unwrap_or_default();
    // Nobody asked for what an error says but us: should it panic, it says nothing.
    let message = message.and_then(|message| thread::with(|thread| making(thread, || text(message))));
    thread::uncounted(|_| {
        if !noted.is_named {
            error_type.clone_into(&mut noted.error_type);
        }
        noted.message = message;
    });
    keep(noted);
}

/// Notes what `error_type = …` calls an error whose message is noted next.
pub(crate) fn name_error(name: impl FnOnce() -> String) {
    if is_on() && thread::with(|thread| thread.recorded.get() > 0) {
        keep(Noted { error_type: thread::uncounted(|_| name()), message: None, is_named: true });
    }
}

fn keep(new: Noted) {
    // A thread that ends has no place for it.
    let _ = NOTED.try_with(|noted| noted.try_borrow_mut().map(|mut noted| *noted = Some(new)));
}

/// Takes what is on its way.
pub(crate) fn take_noted() -> Option<Noted> {
    NOTED.try_with(|noted| noted.try_borrow_mut().ok().and_then(|mut noted| noted.take())).ok().flatten()
}
