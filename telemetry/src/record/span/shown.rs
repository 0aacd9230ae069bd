//! How an output that a condition called an error is shown on a span.

use std::fmt::{self, Debug, Display};
use std::marker::PhantomData;

/// How an error of type `E` is shown, if it can be.
pub struct Show<E>(pub(super) Option<fn(&E, &mut fmt::Formatter<'_>) -> fmt::Result>);

impl<E> Show<E> {
    pub(crate) const NOT: Show<E> = Show(None);
}

impl<E: Display> Show<E> {
    pub(crate) const DISPLAY: Show<E> = Show(Some(<E as Display>::fmt));
}

impl<E: Debug> Show<E> {
    pub(crate) const DEBUG: Show<E> = Show(Some(<E as Debug>::fmt));
}

/// Chooses how an error is shown: by [`Display`], else by [`Debug`], else not. The choice is the compiler's, by where it finds the method, as with
/// `Inspect`: no bound reaches the user's function.
pub struct Shown<E>(PhantomData<fn(E)>);

impl<E> Shown<E> {
    /// Of the type of this error.
    #[inline]
    #[must_use]
    pub fn of(_: &Option<&E>) -> Shown<E> {
        Shown(PhantomData)
    }
}

impl<E: Display> Shown<E> {
    /// By `Display`.
    #[inline]
    #[must_use]
    pub fn __show(&self) -> Show<E> {
        Show::DISPLAY
    }
}

/// What has no `Display`.
pub trait ShownLess {
    /// The error's type.
    type Error;

    /// By `Debug`.
    fn __show(&self) -> Show<Self::Error>;
}

impl<E: Debug> ShownLess for Shown<E> {
    type Error = E;

    #[inline]
    fn __show(&self) -> Show<E> {
        Show::DEBUG
    }
}

/// What has neither.
pub trait ShownNot {
    /// The error's type.
    type Error;

    /// Not at all.
    fn __show(&self) -> Show<Self::Error>;
}

impl<E> ShownNot for &Shown<E> {
    type Error = E;

    #[inline]
    fn __show(&self) -> Show<E> {
        Show::NOT
    }
}

impl<E> Debug for Show<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Show").field(&self.0.is_some()).finish()
    }
}

impl<E> Debug for Shown<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}
