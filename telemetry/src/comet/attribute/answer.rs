//! What the output of a function says, asked by its type: the compiler chooses, so that no bound reaches the user's function.

use crate::comet::{Experiment, LogTo};
use std::fmt::{Debug, Display};

/// An output that may log itself. On a reference, the method of [`Logs`] is found where it can, else that of [`LogsNothing`].
#[derive(Debug)]
pub struct Returned<'a, T>(pub &'a T);

/// What an output of a type with [`LogTo`] does.
pub trait Logs {
    /// Logs it.
    fn __log_to(&self, experiment: &Experiment);
}

impl<T: LogTo> Logs for Returned<'_, T> {
    fn __log_to(&self, experiment: &Experiment) {
        self.0.log_to(experiment);
    }
}

/// What every other output does.
pub trait LogsNothing {
    /// Logs nothing.
    fn __log_to(&self, _: &Experiment) {}
}

impl<T> LogsNothing for &Returned<'_, T> {}

/// An error that may say something. On a reference to a reference, its [`Display`] is found, else its [`Debug`], else that it says nothing.
#[derive(Debug)]
pub struct Says<'a, E>(pub Option<&'a E>);

/// What an error with [`Display`] says.
pub trait SaysByDisplay {
    /// The text.
    fn __says(&self) -> Option<String>;
}

impl<E: Display> SaysByDisplay for &Says<'_, E> {
    fn __says(&self) -> Option<String> {
        self.0.map(ToString::to_string)
    }
}

/// What an error with [`Debug`] alone says.
pub trait SaysByDebug {
    /// The text.
    fn __says(&self) -> Option<String>;
}

impl<E: Debug> SaysByDebug for &&Says<'_, E> {
    fn __says(&self) -> Option<String> {
        self.0.map(|error| format!("{error:?}"))
    }
}

impl<E> Says<'_, E> {
    /// Nothing.
    #[must_use]
    pub fn __says(&self) -> Option<String> {
        None
    }
}
