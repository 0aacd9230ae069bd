//! A running block: what `measure!` and [`span`] put around code that is no function.
//!
//! A block can be left by `return`, `?` or `break`, which drop its guard as a panic does. A function's guard knows the two apart by the
//! path that left it; a block has one path for both, so its guard asks whether a panic has begun since.

use crate::metric::{LabelArg, max_series};
use crate::record::callsite::CallSite;
use crate::record::guard::{Guard, enter};
use crate::record::outcome::{Ending, Outcome};
use crate::record::span as spans;
use crate::record::variants::Variants;
use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::thread::panicking;

/// A running block. Dropped without [`BlockGuard::end`], it was left early, or unwound.
#[must_use]
pub struct BlockGuard {
    guard: Cell<Option<Guard>>,
    /// How it ends if it is left now.
    left: Cell<Outcome>,
    /// It runs in a destructor while its thread unwinds, which is then not its own doing.
    in_unwinding: bool,
}

/// Counts a block as started, and starts its clock.
pub fn enter_block(site: &'static CallSite) -> BlockGuard {
    BlockGuard { in_unwinding: panicking(), left: Cell::new(Outcome::Ok), guard: Cell::new(Some(enter(site, false))) }
}

impl BlockGuard {
    /// Ends the block that came to its end.
    #[inline]
    pub fn end<T>(&self, value: T, look: impl FnOnce(&T) -> Ending) -> T {
        if let Some(guard) = self.guard.take() {
            guard.end(look(&value));
        }
        value
    }

    /// Says of what is to be returned or handed on by `?` how it would end the block.
    #[inline]
    pub fn leaves(&self, ending: Ending) {
        self.left.set(ending.outcome);
        if ending.is_error() && spans::is_on() {
            self.error();
        }
    }

    /// What was noted is to be told now: what is dropped until the block has been left may note errors of its own.
    #[cold]
    #[inline(never)]
    fn error(&self) {
        let mut guard = self.guard.take();
        if let Some(guard) = &mut guard {
            guard.error();
        }
        self.guard.set(guard);
    }

    /// An error is about to leave the block.
    #[inline]
    pub fn leaves_with_error(&self) {
        self.left.set(Outcome::Error);
    }
}

impl Drop for BlockGuard {
    #[inline]
    fn drop(&mut self) {
        let Some(guard) = self.guard.take() else { return };
        if panicking() && !self.in_unwinding {
            return drop(guard);
        }
        let outcome = self.left.get();
        guard.end(Ending { outcome, fallible: outcome == Outcome::Error });
    }
}

impl fmt::Debug for BlockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockGuard").finish_non_exhaustive()
    }
}

/// The call sites of [`span`], by name.
static SPANS: Variants<CallSite> = Variants::new();

/// What blocks are called whose names were too many.
const OTHER: &str = "_OTHER";

/// Measures from here until what it returns is dropped, under a name that is known at run time: an operator of a plan, a command.
///
/// The name is the value of the label `function`; `module` is empty. It ends as `panic` where its thread unwinds, else as `ok`. Where the
/// name is known when compiling, [`measure!`](crate::measure) also sees errors, and futures.
///
/// A program has as many names as a metric has series (2,000 unless set otherwise); blocks of further names are `_OTHER`. Not to be kept
/// over an `.await`: it is of one thread, and so is what it returns.
///
/// ```
/// fn run(commands: &[&'static str]) {
///     for &command in commands {
///         let _running = telemetry::span(command);
///         // …
///     }
/// }
///
/// run(&["fetch", "write", "fetch"]);
/// assert_eq!(telemetry::testing::value("function_calls_total", &[("function", "fetch")]), Some(2.0));
/// ```
#[track_caller]
#[must_use = "a block ends when this is dropped, so at once if it is not kept; write `let _running = …`"]
pub fn span(name: &'static str) -> SpanGuard {
    let at = Location::caller();
    let site = SPANS.of(&[LabelArg::Str(name)], max_series(), |kept| {
        let name = if kept.is_empty() { OTHER } else { name };
        CallSite::new(name, || "", "", at.file(), at.line())
    });
    SpanGuard { block: enter_block(&site.value) }
}

/// A running block, see [`span`].
#[must_use = "a block ends when this is dropped, so at once if it is not kept; write `let _running = …`"]
#[derive(Debug)]
pub struct SpanGuard {
    block: BlockGuard,
}

impl SpanGuard {
    /// Ends the block as `ok`, or as `error` where `result` is one.
    pub fn end<T, E>(self, result: &Result<T, E>) {
        if result.is_err() {
            self.block.leaves_with_error();
        }
    }
}
