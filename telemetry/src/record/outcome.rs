//! How a call ended, and how that is seen in its value.

use crate::private::RECORDS;
use std::hint::black_box;
use std::marker::PhantomData;
use std::task::Poll;

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

impl Ending {
    /// Of a call that could have ended as an error. Nobody looks where nothing is recorded.
    #[inline]
    fn fallible(is_error: impl FnOnce() -> bool) -> Ending {
        let is_error = RECORDS && is_error();
        Ending { outcome: if is_error { Outcome::Error } else { Outcome::Ok }, fallible: true }
    }

    /// What `ok_if` says of an output.
    #[inline]
    #[must_use]
    pub fn ok_if<T>(output: &T, is_ok: impl FnOnce(&T) -> bool) -> Ending {
        Ending::fallible(|| !is_ok(black_box(output)))
    }

    /// What `error_if` says of an output.
    #[inline]
    #[must_use]
    pub fn error_if<T>(output: &T, is_error: impl FnOnce(&T) -> bool) -> Ending {
        Ending::fallible(|| is_error(black_box(output)))
    }

    /// Whether the call ended as an error.
    #[inline]
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.outcome == Outcome::Error
    }
}

/// Looks at a call's output. For a [`Result`], and for what may hold one, the inherent method is found, for all other types the one
/// of [`Fallback`]: the choice is the compiler's, so aliases and opaque types are seen through, and no trait bound reaches the user's
/// function.
///
/// What may hold one is what `?` hands an `Err` on from (`Poll<Result>`, `Poll<Option<Result>>`), and what an iterator of results
/// returns (`Option<Result>`). A `None` or a `ControlFlow::Break` is as often what was looked for: it is an error where it is asked.
///
/// The output is passed through [`black_box`]: else the compiler may compute what has no side effects after the clock was read.
#[derive(Debug)]
pub struct Inspect<'a, T>(pub &'a T);

macro_rules! carriers {
    ($($carrier:ty, $error:pat => $found:ident;)*) => {$(
        impl<T, E> Inspect<'_, $carrier> {
            /// `ok` or `error`.
            #[inline]
            #[must_use]
            pub fn __ending(&self) -> Ending {
                Ending::fallible(|| matches!(black_box(self.0), $error))
            }

            /// The same of a job, also where nothing is recorded: what its next run finds depends on it.
            #[inline]
            #[must_use]
            pub fn __job_ending(&self) -> Ending {
                let is_error = matches!(self.0, $error);
                Ending { outcome: if is_error { Outcome::Error } else { Outcome::Ok }, fallible: true }
            }

            /// The error, whose type is asked for.
            #[inline]
            #[must_use]
            pub fn __error(&self) -> Option<&E> {
                match self.0 {
                    $error => Some($found),
                    _ => None,
                }
            }
        }

        impl<T, E> Returns<$carrier> {
            /// It can.
            #[must_use]
            #[inline]
            pub fn __fallible(&self) -> bool {
                true
            }
        }
    )*};
}

carriers! {
    Result<T, E>, Err(_error) => _error;
    Option<Result<T, E>>, Some(Err(_error)) => _error;
    Poll<Result<T, E>>, Poll::Ready(Err(_error)) => _error;
    Poll<Option<Result<T, E>>>, Poll::Ready(Some(Err(_error))) => _error;
}

/// What every type says that neither is a [`Result`] nor holds one.
pub trait Fallback {
    /// The type of what is looked at.
    type Output;

    /// `ok`.
    fn __ending(&self) -> Ending;

    /// `ok`.
    #[inline]
    fn __job_ending(&self) -> Ending {
        self.__ending()
    }

    /// The output itself: a condition called it an error.
    fn __error(&self) -> Option<&Self::Output>;
}

impl<T> Fallback for Inspect<'_, T> {
    type Output = T;

    #[inline]
    fn __ending(&self) -> Ending {
        if RECORDS {
            black_box(self.0);
        }
        Ending { outcome: Outcome::Ok, fallible: false }
    }

    #[inline]
    fn __error(&self) -> Option<&T> {
        Some(self.0)
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

/// What every type says that neither is a [`Result`] nor holds one.
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
