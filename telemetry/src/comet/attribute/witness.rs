//! What tests see of runs that this thread starts: a line for each thing that is logged. Such runs are off.

use serde::Serialize;
use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

thread_local! {
    static LISTENING: RefCell<Option<Witness>> = const { RefCell::new(None) };
}

/// Lines, of which clones share one list.
#[derive(Clone, Default)]
pub(crate) struct Witness(Arc<Mutex<Vec<String>>>);

impl Witness {
    /// Whoever listens on this thread.
    pub(super) fn listening() -> Option<Witness> {
        LISTENING.with_borrow(Clone::clone)
    }

    pub(crate) fn note(&self, line: fmt::Arguments<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_string());
    }

    /// Times and durations are never the same twice.
    pub(super) fn note_value<T: Serialize + ?Sized>(&self, what: &str, name: &str, value: &T) {
        if name.ends_with("_time") || name == "duration_seconds" {
            return self.note(format_args!("{what} {name}"));
        }
        self.note(format_args!("{what} {name} = {}", serde_json::to_string(value).unwrap()));
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines, once there is one that begins so: other threads write too.
    pub(super) fn lines_with(&self, start: &str) -> Vec<String> {
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            let lines = self.lines();
            if lines.iter().any(|line| line.starts_with(start)) || Instant::now() > patience {
                return lines;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A line of whoever listens on this thread.
pub(crate) fn note(line: fmt::Arguments<'_>) {
    if let Some(witness) = Witness::listening() {
        witness.note(line);
    }
}

/// Listens on this thread from now on.
pub(super) fn listen() -> Witness {
    let witness = Witness::default();
    LISTENING.set(Some(witness.clone()));
    witness
}

/// What this does, and the lines that it leaves.
pub(crate) fn of<R>(what: impl FnOnce() -> R) -> (R, Vec<String>) {
    let witness = listen();
    let output = what();
    LISTENING.set(None);
    (output, witness.lines())
}
