//! A running call whose body stayed where it was, so that ways out of it are not seen.

use crate::record::callsite::CallSite;
use crate::record::count::{Counted, count};
use crate::record::guard::{Guard, enter};
use crate::record::outcome::{Ending, Outcome};

/// A call of a function with `#[track_caller]`, or of one that returns a closure. Dropped without [`InPlace::end`], it unwound, or it was left by `?` or by a `return` that a
/// macro holds: an error, where its type has one.
#[must_use]
#[derive(Debug)]
pub struct InPlace<G: Ends> {
    /// None once it has ended.
    guard: Option<G>,
    fallible: bool,
    /// Whether the thread unwound already at the start, so that it says nothing of this call.
    unwinding: bool,
}

/// A guard of a call: dropped, the call is one that unwound.
pub trait Ends {
    /// Ends the call that returned.
    fn end(self, ending: Ending);
}

impl Ends for Guard {
    #[inline]
    fn end(self, ending: Ending) {
        Guard::end(self, ending);
    }
}

impl Ends for Counted {
    #[inline]
    fn end(self, ending: Ending) {
        Counted::end(self, ending);
    }
}

/// Counts a call of this site as started, and starts its clock. `fallible` tells whether its type can be an error.
pub fn enter_in_place(site: &'static CallSite, fallible: bool) -> InPlace<Guard> {
    InPlace { unwinding: std::thread::panicking(), fallible, guard: Some(enter(site, fallible)) }
}

/// Counts a call of this site as started. `fallible` tells whether its type can be an error.
pub fn count_in_place(site: &'static CallSite, fallible: bool) -> InPlace<Counted> {
    InPlace { unwinding: std::thread::panicking(), fallible, guard: Some(count(site, fallible)) }
}

impl<G: Ends> InPlace<G> {
    /// Ends the call that returned.
    #[inline]
    pub fn end(mut self, ending: Ending) {
        if let Some(guard) = self.guard.take() {
            guard.end(ending);
        }
    }
}

impl<G: Ends> Drop for InPlace<G> {
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
