//! What can stand on the span of a call: what `span(…)` takes.

use super::{Value, text};
use crate::record::thread;
use std::borrow::Cow;
use std::fmt::{self, Debug, Display};
use std::rc::Rc;
use std::sync::Arc;

/// What a call's values are told to.
pub struct Annotations {
    values: Vec<(&'static str, Owned)>,
}

enum Owned {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Owned {
    fn as_value(&self) -> Value<'_> {
        match self {
            Owned::Bool(value) => Value::Bool(*value),
            Owned::Int(value) => Value::Int(*value),
            Owned::Float(value) => Value::Float(*value),
            Owned::Text(value) => Value::Text(value),
        }
    }
}

impl Annotations {
    pub(super) fn new() -> Annotations {
        Annotations { values: Vec::new() }
    }

    pub(super) fn told(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        self.values.iter().map(|(name, value)| (*name, value.as_value()))
    }

    /// `name = value`.
    pub fn value<V: SpanValue + ?Sized>(&mut self, name: &'static str, value: &V) {
        value.tell(name, self);
    }

    /// `name = %value`.
    pub fn display<V: Display + ?Sized>(&mut self, name: &'static str, value: &V) {
        self.text(name, value);
    }

    /// `name = ?value`.
    pub fn debug<V: Debug + ?Sized>(&mut self, name: &'static str, value: &V) {
        self.text(name, format_args!("{value:?}"));
    }

    fn text(&mut self, name: &'static str, value: impl Display) {
        self.push(name, || Owned::Text(text(value)));
    }

    fn push(&mut self, name: &'static str, value: impl FnOnce() -> Owned) {
        thread::uncounted(|_| self.values.push((name, value())));
    }
}

impl Debug for Annotations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Annotations").field("values", &self.values.len()).finish()
    }
}

/// What can be the value of a span's attribute.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a span's attribute",
    label = "neither a text, a number, `bool`, nor an `Option` of one",
    note = "`span(name = %value)` takes what `Display` makes of it, `span(name = ?value)` what `Debug` does"
)]
pub trait SpanValue {
    #[doc(hidden)]
    fn tell(&self, name: &'static str, to: &mut Annotations);
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl SpanValue for $integer {
            fn tell(&self, name: &'static str, to: &mut Annotations) {
                match i64::try_from(*self) {
                    Ok(value) => to.push(name, || Owned::Int(value)),
                    // An attribute's integers are of 64 bits with a sign.
                    Err(_) => to.text(name, self),
                }
            }
        }
    )*};
}

integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

impl SpanValue for bool {
    fn tell(&self, name: &'static str, to: &mut Annotations) {
        to.push(name, || Owned::Bool(*self));
    }
}

impl SpanValue for f64 {
    fn tell(&self, name: &'static str, to: &mut Annotations) {
        to.push(name, || Owned::Float(*self));
    }
}

impl SpanValue for f32 {
    fn tell(&self, name: &'static str, to: &mut Annotations) {
        to.push(name, || Owned::Float(f64::from(*self)));
    }
}

macro_rules! texts {
    ($($text:ty)*) => {$(
        impl SpanValue for $text {
            fn tell(&self, name: &'static str, to: &mut Annotations) {
                to.text(name, self);
            }
        }
    )*};
}

texts! { str String char }

macro_rules! behind {
    ($($pointer:ty)*) => {$(
        impl<V: SpanValue + ?Sized> SpanValue for $pointer {
            fn tell(&self, name: &'static str, to: &mut Annotations) {
                (**self).tell(name, to);
            }
        }
    )*};
}

behind! { &V &mut V Box<V> Rc<V> Arc<V> }

impl<V: SpanValue + ToOwned + ?Sized> SpanValue for Cow<'_, V> {
    fn tell(&self, name: &'static str, to: &mut Annotations) {
        (**self).tell(name, to);
    }
}

/// `None` leaves the attribute out.
impl<V: SpanValue> SpanValue for Option<V> {
    fn tell(&self, name: &'static str, to: &mut Annotations) {
        if let Some(value) = self {
            value.tell(name, to);
        }
    }
}
