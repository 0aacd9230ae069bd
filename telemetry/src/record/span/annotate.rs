//! What `span(…)` asks for, read where somebody will see the span.

use super::{Annotations, annotated, is_on};
use crate::record::thread;

/// Runs `values` for the call whose body begins, where its span is recorded.
#[inline]
pub fn annotate(values: impl FnOnce(&mut Annotations)) {
    if is_on() {
        annotate_rarely(values);
    }
}

#[cold]
#[inline(never)]
fn annotate_rarely(values: impl FnOnce(&mut Annotations)) {
    let mut told = Annotations::new();
    let mut is_recorded = false;
    thread::with(|thread| annotated(thread, |running| is_recorded = running.is_recorded()));
    if !is_recorded {
        return;
    }
    // The user's expressions may call what is measured: until they are through, nothing of the span is held.
    let call = thread::with(|thread| thread.span.get());
    values(&mut told);
    thread::with(|thread| {
        thread.span.set(call);
        annotated(thread, |running| {
            for (name, value) in told.told() {
                running.attribute(thread, name, value);
            }
        });
        thread::uncounted(|_| drop(told));
    });
}
