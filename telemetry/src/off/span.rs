//! What stands for `record::span` with `--cfg telemetry_off`: nobody makes spans, and what would stand on them is checked.

#[path = "../record/span/shown.rs"]
mod shown;
#[path = "../record/span/text.rs"]
#[allow(dead_code, reason = "values are never made")]
mod text;
#[path = "../record/span/values.rs"]
mod values;

use crate::record::{CallSite, Outcome};
use text::text;

pub use shown::{Show, Shown, ShownLess, ShownNot};
pub use values::{Annotations, SpanValue};

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
}

/// Work without a span.
pub(crate) struct Work(());

impl Work {
    pub(crate) const NONE: Work = Work(());

    pub(crate) fn begin(_site: &'static CallSite) -> Work {
        Work::NONE
    }

    pub(crate) fn attribute(&mut self, _name: &'static str, _value: Value<'_>) {}

    pub(crate) fn enter(&mut self) {}

    pub(crate) fn leave(&mut self) {}

    pub(crate) fn end(&mut self, _outcome: Outcome) {}
}
