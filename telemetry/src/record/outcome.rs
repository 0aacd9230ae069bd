//! How a call ended, and how that is seen in its value.

use crate::private::RECORDS;
use crate::record::{MAY_BE_SPANS, note_debug, note_display, note_type};
use std::fmt::{Debug, Display};
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

    /// Whether the call ended as an error, for what is to be recorded of it.
    #[inline]
    #[must_use]
    pub fn is_error(&self) -> bool {
        RECORDS && self.outcome == Outcome::Error
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

/// The output, about to be looked at. That is done also where nothing is recorded: what the next run of a job finds depends on it, and where nobody asks,
/// nothing is left of it.
#[inline]
fn seen<T>(output: &T) -> &T {
    if RECORDS { black_box(output) } else { output }
}

/// The ending of an output, which is looked at once.
macro_rules! ended {
    ($inspected:expr, $error:pat, $found:ident, $note:ident) => {
        match seen($inspected.0) {
            $error => {
                if MAY_BE_SPANS {
                    $note($found);
                }
                Ending { outcome: Outcome::Error, fallible: true }
            }
            _ => Ending { outcome: Outcome::Ok, fallible: true },
        }
    };
}

macro_rules! carriers {
    ($($carrier:ty, $error:pat => $found:ident;)*) => {$(
        impl<T, E> Inspect<'_, $carrier> {
            /// `ok` or `error`.
            #[inline]
            #[must_use]
            pub fn __ending(&self) -> Ending {
                let is_error = matches!(seen(self.0), $error);
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

        impl<T, E> Inspect<'_, $carrier> {
            /// The same, and an error is noted for the span of its call, by its type.
            #[inline]
            #[must_use]
            pub fn __ended(&self) -> Ending {
                ended!(self, $error, $found, note_type)
            }
        }

        impl<T, E: Display> ShownByDisplay for &Inspect<'_, $carrier> {
            #[inline]
            fn __ended(&self) -> Ending {
                ended!(self, $error, $found, note_display)
            }
        }

        impl<T, E: Debug> ShownByDebug for &&Inspect<'_, $carrier> {
            #[inline]
            fn __ended(&self) -> Ending {
                ended!(self, $error, $found, note_debug)
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

/// Looks at a call's output as [`Inspect`] does, and notes an error for the span of its call with what it says: by [`Display`], else by
/// [`ShownByDebug`], else by the name of its type. On a reference to a reference the compiler finds them in this order, whatever bounds reach the user's
/// function.
pub trait ShownByDisplay {
    /// `ok` or `error`.
    fn __ended(&self) -> Ending;
}

/// What has no [`Display`].
pub trait ShownByDebug {
    /// `ok` or `error`.
    fn __ended(&self) -> Ending;
}

/// What every type says that neither is a [`Result`] nor holds one.
pub trait Fallback {
    /// The type of what is looked at.
    type Output;

    /// `ok`.
    fn __ending(&self) -> Ending;

    /// The output itself: a condition called it an error.
    fn __error(&self) -> Option<&Self::Output>;

    /// `ok`, and nothing to note.
    fn __ended(&self) -> Ending;
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

    #[inline]
    fn __ended(&self) -> Ending {
        self.__ending()
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
