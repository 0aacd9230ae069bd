//! A span that is no call's: of a job's run, of a batch.

use super::{Running, Slot, Value, is_on};
use crate::record::callsite::CallSite;
use crate::record::outcome::Outcome;
use crate::record::thread;

/// Work that has a span where somebody makes spans. Dropped before its end, it unwound.
pub(crate) struct Work(Slot<Running>);

impl Work {
    pub(crate) const NONE: Work = Work(Slot::EMPTY);

    /// Begins it, as a child of what runs on this thread. Nothing runs in it before it is entered.
    pub(crate) fn begin(site: &'static CallSite) -> Work {
        if !is_on() {
            return Work::NONE;
        }
        thread::with(|thread| {
            let begun = Running::begin(thread, site, None);
            thread::uncounted(|_| Work(Slot::of(begun.map(Box::new))))
        })
    }

    pub(crate) fn attribute(&mut self, name: &'static str, value: Value<'_>) {
        if let Some(running) = self.0.get() {
            thread::with(|thread| running.attribute(thread, name, value));
        }
    }

    /// It runs on this thread from now on.
    pub(crate) fn enter(&mut self) {
        if let Some(running) = self.0.get() {
            thread::with(|thread| running.enter(thread));
        }
    }

    /// It no longer runs on this thread.
    pub(crate) fn leave(&mut self) {
        if let Some(running) = self.0.get() {
            thread::with(|thread| running.leave(thread));
        }
    }

    pub(crate) fn end(&mut self, outcome: Outcome) {
        super::finish(&mut self.0, outcome);
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.end(Outcome::Panic);
    }
}
