//! Values on their way to fields.

use super::callsite::{MOST_ATTRIBUTES, Made};
use crate::record::span::Value;
use std::fmt::Write as _;
use tracing_core::field::{Field, Value as FieldValue, ValueSet};

/// A value until there is a span.
pub(super) enum Owned {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl From<Value<'_>> for Owned {
    fn from(value: Value<'_>) -> Owned {
        match value {
            Value::Bool(value) => Owned::Bool(value),
            Value::Int(value) => Owned::Int(value),
            Value::Float(value) => Owned::Float(value),
            Value::Text(value) => Owned::Text(value.to_owned()),
        }
    }
}

impl Owned {
    pub(super) fn as_field(&self) -> &dyn FieldValue {
        match self {
            Owned::Bool(value) => value,
            Owned::Int(value) => value,
            Owned::Float(value) => value,
            Owned::Text(value) => value,
        }
    }

    /// After others, as `name=value`.
    pub(super) fn append(&self, name: &str, text: &mut String) {
        let separator = if text.is_empty() { "" } else { " " };
        // Cannot fail: a text takes anything.
        let _ = match self {
            Owned::Bool(value) => write!(text, "{separator}{name}={value}"),
            Owned::Int(value) => write!(text, "{separator}{name}={value}"),
            Owned::Float(value) => write!(text, "{separator}{name}={value}"),
            Owned::Text(value) => write!(text, "{separator}{name}={value:?}"),
        };
    }
}

/// A field's place and its value.
pub(super) type Placed<'a> = (usize, &'a dyn FieldValue);

/// The most fields that are told at once.
const AT_ONCE: usize = MOST_ATTRIBUTES + 1;

/// Does something with values for some fields.
pub(super) fn with_values<R>(made: &'static Made, placed: &[Placed<'_>], f: impl FnOnce(&ValueSet<'_>) -> R) -> R {
    let mut values: [(&Field, Option<&dyn FieldValue>); AT_ONCE] = [(&made.fields[0], None); AT_ONCE];
    for ((field, value), &(place, placed)) in values.iter_mut().zip(placed) {
        if let Some(at) = made.fields.get(place) {
            (*field, *value) = (at, Some(placed));
        }
    }
    f(&made.metadata.fields().value_set(&values))
}

/// Seconds to the nanosecond, as people read them: no clock tells more.
pub(super) fn shown(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e9
}
