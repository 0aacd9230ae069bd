//! How a call ended, and how that is seen in its value.

use std::hint::black_box;
use std::marker::PhantomData;

/// How a call ended. The discriminants index a call site's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It returned, and not an error.
    Ok = 0,
    /// It returned an error.
    Error = 1,
    /// It unwound.
    Panic = 2,
    /// Its future was dropped after the first poll and before the end.
    Cancelled = 3,
}

pub(crate) const OUTCOMES: usize = 4;

impl Outcome {
    pub(crate) const ALL: [Outcome; OUTCOMES] = [Outcome::Ok, Outcome::Error, Outcome::Panic, Outcome::Cancelled];

    /// The value of the label `result`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Error => "error",
            Outcome::Panic => "panic",
            Outcome::Cancelled => "cancelled",
        }
    }
}

/// What a value says of its call: how it ended, and whether a call of this type can fail at all.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) fallible: bool,
}

/// Looks at a call's output. For a [`Result`] the inherent method is found, for all other types the one of [`Fallback`]:
/// the choice is the compiler's, so aliases and opaque types are seen through, and no trait bound reaches the user's function.
///
/// The output is passed through [`black_box`]: else the compiler may compute what has no side effects after the clock was read.
#[derive(Debug)]
pub struct Inspect<'a, T>(pub &'a T);

impl<T, E> Inspect<'_, Result<T, E>> {
    /// `ok` or `error`.
    #[inline]
    #[must_use]
    pub fn __ending(&self) -> Ending {
        black_box(self.0);
        let outcome = if self.0.is_ok() { Outcome::Ok } else { Outcome::Error };
        Ending { outcome, fallible: true }
    }
}

/// What every type says that is not a [`Result`].
pub trait Fallback {
    /// `ok`.
    fn __ending(&self) -> Ending;
}

impl<T> Fallback for Inspect<'_, T> {
    #[inline]
    fn __ending(&self) -> Ending {
        black_box(self.0);
        Ending { outcome: Outcome::Ok, fallible: false }
    }
}

/// Says of a type, before there is a value, whether a call that returns it can fail: so that `error` exists at zero while the first
/// call runs. Chosen by the compiler as with [`Inspect`].
#[derive(Debug)]
pub struct Returns<T>(PhantomData<fn() -> T>);

impl<T> Returns<T> {
    /// Of the type `T`.
    #[must_use]
    #[inline]
    pub const fn new() -> Returns<T> {
        Returns(PhantomData)
    }
}

impl<T> Default for Returns<T> {
    fn default() -> Returns<T> {
        Returns::new()
    }
}

impl<T, E> Returns<Result<T, E>> {
    /// It can.
    #[must_use]
    #[inline]
    pub fn __fallible(&self) -> bool {
        true
    }
}

/// What every type says that is not a [`Result`].
pub trait ReturnsOther {
    /// It cannot.
    fn __fallible(&self) -> bool;
}

impl<T> ReturnsOther for Returns<T> {
    #[inline]
    fn __fallible(&self) -> bool {
        false
    }
}
