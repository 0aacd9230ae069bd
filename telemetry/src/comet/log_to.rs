//! Values that know what to log of themselves.

use crate::comet::Experiment;
use crate::comet::chart::{Breakdown, Curve};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// What a value logs to a run by itself. [`#[experiment]`](macro@crate::experiment) asks the return value of its function.
///
/// | type | what is logged |
/// | :--- | :--- |
/// | a number | the metric `result` |
/// | `(name, number)` | the metric of that name; the name is a `&str`, a `String` or a `Cow<str>` |
/// | `BTreeMap`, `HashMap` of names to numbers | a metric each |
/// | a slice, an array, a `Vec` | what each element logs, in order |
/// | a tuple of two to four | what each of them logs |
/// | `Result`, `Option` | what the value in it logs; nothing, where there is an error or none |
/// | a [`Breakdown`], a [`Curve`] | what [`log_breakdown`](Experiment::log_breakdown) and [`log_curve`](Experiment::log_curve) do |
/// | a reference, `Box`, `Rc`, `Arc` | what the value behind it logs |
/// | `()` | nothing |
///
/// Types of your own implement it by hand:
///
/// ```no_run
/// use std::collections::BTreeMap;
/// use telemetry::comet::{Experiment, LogTo};
///
/// struct Outcome {
///     accuracy: f64,
///     by_label: BTreeMap<String, u64>,
/// }
///
/// impl LogTo for Outcome {
///     fn log_to(&self, experiment: &Experiment) {
///         ("accuracy", self.accuracy).log_to(experiment);
///         self.by_label.log_to(experiment);
///     }
/// }
///
/// #[telemetry::experiment(project = "flights", params(cutoff), every = "off")]
/// fn classify_by_cutoff(cutoff: f64) -> Result<Outcome, std::io::Error> {
///     Ok(Outcome { accuracy: 1.0 - cutoff, by_label: BTreeMap::new() })
/// }
///
/// assert_eq!(classify_by_cutoff(0.25).unwrap().accuracy, 0.75);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know what to log to an experiment",
    label = "a value that logs itself is expected here",
    note = "implement `telemetry::comet::LogTo` for it, or log its parts: `(\"accuracy\", value)` is a metric, and so is each entry of a map of numbers"
)]
pub trait LogTo {
    /// Logs it.
    fn log_to(&self, experiment: &Experiment);
}

/// What [`LogTo`] takes for the value of a metric.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no number, and a metric's value is one",
    label = "an integer, an `f32` or an `f64` is expected here"
)]
pub trait Number: Copy {
    /// The nearest `f64`.
    fn to_f64(self) -> f64;
}

/// The metric of a number that has no name.
const RESULT: &str = "result";

fn metric(experiment: &Experiment, name: &str, value: f64) {
    #[cfg(test)]
    super::attribute::witness::note(format_args!("metric {name} = {value}"));
    experiment.log_metric(name, value);
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Number for $number {
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless, reason = "a metric's value is an `f64`")]
            fn to_f64(self) -> f64 {
                self as f64
            }
        }

        impl LogTo for $number {
            fn log_to(&self, experiment: &Experiment) {
                metric(experiment, RESULT, self.to_f64());
            }
        }
    )*};
}

numbers!(f32, f64, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

/// Names beside a number. Not for all that is `AsRef<str>`: a tuple of two values that log themselves is another thing.
macro_rules! named {
    ($($name:ty),*) => {$(
        impl<N: Number> LogTo for ($name, N) {
            fn log_to(&self, experiment: &Experiment) {
                metric(experiment, &self.0, self.1.to_f64());
            }
        }
    )*};
}

named!(&str, String, Cow<'_, str>);

impl<K: AsRef<str>, N: Number> LogTo for BTreeMap<K, N> {
    fn log_to(&self, experiment: &Experiment) {
        for (name, value) in self {
            metric(experiment, name.as_ref(), value.to_f64());
        }
    }
}

impl<K: AsRef<str>, N: Number, S> LogTo for HashMap<K, N, S> {
    fn log_to(&self, experiment: &Experiment) {
        for (name, value) in self {
            metric(experiment, name.as_ref(), value.to_f64());
        }
    }
}

impl<T: LogTo> LogTo for [T] {
    fn log_to(&self, experiment: &Experiment) {
        for value in self {
            value.log_to(experiment);
        }
    }
}

impl<T: LogTo, const N: usize> LogTo for [T; N] {
    fn log_to(&self, experiment: &Experiment) {
        self.as_slice().log_to(experiment);
    }
}

impl<T: LogTo> LogTo for Vec<T> {
    fn log_to(&self, experiment: &Experiment) {
        self.as_slice().log_to(experiment);
    }
}

impl<T: LogTo, E> LogTo for Result<T, E> {
    fn log_to(&self, experiment: &Experiment) {
        if let Ok(value) = self {
            value.log_to(experiment);
        }
    }
}

impl<T: LogTo> LogTo for Option<T> {
    fn log_to(&self, experiment: &Experiment) {
        if let Some(value) = self {
            value.log_to(experiment);
        }
    }
}

impl LogTo for () {
    fn log_to(&self, _: &Experiment) {}
}

impl LogTo for Breakdown {
    fn log_to(&self, experiment: &Experiment) {
        experiment.log_breakdown(self);
    }
}

impl LogTo for Curve {
    fn log_to(&self, experiment: &Experiment) {
        experiment.log_curve(self);
    }
}

macro_rules! behind {
    ($($pointer:ty),*) => {$(
        impl<T: LogTo + ?Sized> LogTo for $pointer {
            fn log_to(&self, experiment: &Experiment) {
                (**self).log_to(experiment);
            }
        }
    )*};
}

behind!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

macro_rules! tuples {
    ($($($part:ident)*;)*) => {$(
        impl<$($part: LogTo),*> LogTo for ($($part,)*) {
            #[allow(non_snake_case, reason = "a part is called as its type is")]
            fn log_to(&self, experiment: &Experiment) {
                let ($($part,)*) = self;
                $($part.log_to(experiment);)*
            }
        }
    )*};
}

tuples! {
    A B;
    A B C;
    A B C D;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comet::attribute::witness;

    fn logged(value: &impl LogTo) -> Vec<String> {
        let ((), lines) = witness::of(|| value.log_to(&Experiment::off()));
        lines
    }

    #[test]
    fn a_number_is_the_metric_result_and_a_named_one_has_its_name() {
        assert_eq!(logged(&7_u8), ["metric result = 7"]);
        assert_eq!(logged(&-0.5_f32), ["metric result = -0.5"]);
        assert_eq!(logged(&("loss", 3_usize)), ["metric loss = 3"]);
        assert_eq!(logged(&(String::from("loss"), 0.25)), ["metric loss = 0.25"]);
        assert_eq!(logged(&(Cow::Borrowed("loss"), 1_i64)), ["metric loss = 1"]);
    }

    #[test]
    fn maps_and_lists_log_each_entry() {
        assert_eq!(logged(&BTreeMap::from([("b", 2), ("a", 1)])), ["metric a = 1", "metric b = 2"]);
        assert_eq!(logged(&HashMap::from([(String::from("a"), 1.5)])), ["metric a = 1.5"]);
        assert_eq!(logged(&vec![("a", 1), ("b", 2)]), ["metric a = 1", "metric b = 2"]);
        assert_eq!(logged(&[1.0, 2.0].as_slice()), ["metric result = 1", "metric result = 2"]);
        assert_eq!(logged(&[("a", 1)]), ["metric a = 1"]);
    }

    #[test]
    fn what_holds_a_value_logs_that_and_an_error_or_none_logs_nothing() {
        assert_eq!(logged(&Ok::<_, String>(Some(Box::new(1)))), ["metric result = 1"]);
        assert_eq!(logged(&(Arc::new(1), Rc::new(&mut 2))), ["metric result = 1", "metric result = 2"]);
        assert_eq!(logged(&Err::<u8, _>(2_u8)), [""; 0]);
        assert_eq!(logged(&None::<u8>), [""; 0]);
        assert_eq!(logged(&()), [""; 0]);
    }

    #[test]
    fn the_parts_of_a_tuple_are_logged_in_order() {
        assert_eq!(logged(&(1, ("loss", 2))), ["metric result = 1", "metric loss = 2"]);
        assert_eq!(
            logged(&(("a", 1), ("b", 2), BTreeMap::from([("c", 3)]))),
            ["metric a = 1", "metric b = 2", "metric c = 3"]
        );
        assert_eq!(logged(&((), Some(("a", 1)), (), ("b", 2))), ["metric a = 1", "metric b = 2"]);
    }
}
