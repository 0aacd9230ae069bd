//! A running call whose body stayed where it was, so that ways out of it are not seen.

use crate::record::callsite::CallSite;
use crate::record::guard::{Guard, enter};
use crate::record::outcome::{Ending, Outcome};

/// A call of a function with `#[track_caller]`, or of one that returns a closure. Dropped without [`InPlace::end`], it unwound, or it was left by `?` or by a `return` that a
/// macro holds: an error, where its type has one.
#[must_use]
#[derive(Debug)]
pub struct InPlace {
    /// None once it has ended.
    guard: Option<Guard>,
    fallible: bool,
    /// Whether the thread unwound already at the start, so that it says nothing of this call.
    unwinding: bool,
}

/// Counts a call of this site as started, and starts its clock. `fallible` tells whether its type can be an error.
pub fn enter_in_place(site: &'static CallSite, fallible: bool) -> InPlace {
    InPlace { unwinding: std::thread::panicking(), fallible, guard: Some(enter(site, fallible)) }
}

impl InPlace {
    /// Ends the call that returned.
    #[inline]
    pub fn end(mut self, ending: Ending) {
        if let Some(guard) = self.guard.take() {
            guard.end(ending);
        }
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        let Some(guard) = self.guard.take() else { return };
        if std::thread::panicking() && !self.unwinding {
            drop(guard);
        } else {
            let outcome = if self.fallible { Outcome::Error } else { Outcome::Ok };
            guard.end(Ending { outcome, fallible: self.fallible });
        }
    }
}
