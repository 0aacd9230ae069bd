//! Whether what is asked is true of the declared families. The same function when compiling and when called.

use super::ask::{Ask, Comparison, Sample, Suffix};
use super::families::{Families, Given};
use super::text::{has, same};
use crate::metric::{Descriptor, Kind};

/// What is wrong. Small, so that a check that finds nothing makes no text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault<'a> {
    /// No family gives the series.
    Undeclared(Sample<'a>),
    /// The family has no such sample.
    NoPart(Sample<'a>, &'a Descriptor),
    /// No family gives a series whose name begins so.
    NoBeginning(&'a str),
    /// None of these has the label.
    NoLabel { label: &'a str, of: &'a [Sample<'a>], reads: super::ask::Reads },
    /// The family does not count.
    NotCounting { family: &'a Descriptor, function: &'a str },
    /// It only grows, and a panel shows it as it is.
    OnlyGrows(Sample<'a>, Given<'a>),
    /// It is no buckets.
    NotBuckets(Sample<'a>, Given<'a>),
    /// The comparison is always or never true, or not answered by the buckets.
    Threshold { family: &'a Descriptor, comparison: Comparison, text: &'a str, why: Why },
    /// It is no bound, or not written as one.
    NoBound { family: &'a Descriptor, le: &'a str, value: f64, spelling: &'a str, is_bound: bool },
}

/// What is wrong with a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A quantile is never above the highest bound.
    AboveHighest,
    /// A quantile is never below zero, nor below a lowest bound that is not positive.
    BelowAll,
    /// Between zero and the lowest bound nothing is told apart.
    BelowLowest,
}

/// The label of the series that stands for those above a family's limit.
const OVERFLOW: &str = "otel_metric_overflow";

/// What is wrong, if anything. What is said of a series that is not declared is said once, by its own [`Ask::Series`].
pub(super) const fn fault<'a>(families: &Families<'a>, ask: &Ask<'a>) -> Option<Fault<'a>> {
    match *ask {
        Ask::Series(sample) => series(families, sample),
        Ask::Prefix(prefix) => {
            if families.begin(prefix) {
                return None;
            }
            Some(Fault::NoBeginning(prefix))
        }
        Ask::Label { label, of, reads } => {
            if has_label(families, label, of) {
                return None;
            }
            Some(Fault::NoLabel { label, of, reads })
        }
        Ask::Counts { sample, function } => match families.gives(&sample) {
            Some(Given::Itself(family)) if !matches!(family.kind, Kind::Counter | Kind::Histogram | Kind::Unknown) => {
                Some(Fault::NotCounting { family, function })
            }
            _ => None,
        },
        Ask::Shown(sample) => match families.gives(&sample) {
            Some(given @ Given::Itself(family)) if matches!(family.kind, Kind::Counter) => {
                Some(Fault::OnlyGrows(sample, given))
            }
            Some(given @ Given::Part(_)) => Some(Fault::OnlyGrows(sample, given)),
            _ => None,
        },
        Ask::Buckets(sample) => match families.gives(&sample) {
            Some(given) if !is_buckets(given, sample) => Some(Fault::NotBuckets(sample, given)),
            _ => None,
        },
        Ask::Threshold { sample, comparison, value, text } => match families.gives(&sample) {
            // The native form has buckets of its own.
            Some(Given::Part(family)) if matches!(sample.suffix, Suffix::Bucket) => {
                match threshold(family.bounds, comparison, value) {
                    Some(why) => Some(Fault::Threshold { family, comparison, text, why }),
                    None => None,
                }
            }
            _ => None,
        },
        Ask::Bound { sample, le, value, spelling } => match families.gives(&sample) {
            Some(Given::Part(family)) if matches!(sample.suffix, Suffix::Bucket) => bound(family, le, value, spelling),
            _ => None,
        },
    }
}

const fn series<'a>(families: &Families<'a>, sample: Sample<'a>) -> Option<Fault<'a>> {
    if families.gives(&sample).is_some() {
        return None;
    }
    match families.stem(&sample) {
        Some(family) => Some(Fault::NoPart(sample, family)),
        None => Some(Fault::Undeclared(sample)),
    }
}

/// Whether one of them has the label, or one of them is not declared.
const fn has_label(families: &Families<'_>, label: &str, of: &[Sample<'_>]) -> bool {
    if of.is_empty() || same(label, OVERFLOW) || same(label, "__name__") {
        return true;
    }
    let mut at = 0;
    while at < of.len() {
        match families.gives(&of[at]) {
            None => return true,
            Some(given) => {
                let own = has(given.family().labels, label);
                if own || (is_part(given, of[at], Suffix::Bucket) && same(label, "le")) {
                    return true;
                }
                // A summary's quantiles have its own name.
                let quantiles = matches!(given, Given::Itself(family) if matches!(family.kind, Kind::Summary));
                if quantiles && same(label, "quantile") {
                    return true;
                }
            }
        }
        at += 1;
    }
    false
}

pub(super) const fn is_part(given: Given<'_>, sample: Sample<'_>, suffix: Suffix) -> bool {
    matches!(given, Given::Part(_)) && sample.suffix as u8 == suffix as u8
}

const fn is_buckets(given: Given<'_>, sample: Sample<'_>) -> bool {
    match given {
        Given::Itself(family) => matches!(family.kind, Kind::Histogram | Kind::Unknown),
        Given::Part(_) => matches!(sample.suffix, Suffix::Bucket),
    }
}

/// What `histogram_quantile` can answer: it gives the highest finite bound where the quantile is above that, and interpolates from zero to the lowest
/// bound, or gives that bound where it is not positive. <https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile>
const fn threshold(bounds: &[f64], comparison: Comparison, value: f64) -> Option<Why> {
    if bounds.is_empty() || value.is_nan() {
        return None;
    }
    let (lowest, highest) = (bounds[0], bounds[bounds.len() - 1]);
    let least = if lowest > 0.0 { 0.0 } else { lowest };
    // At the highest bound: `>` is never true and `<=` always; `>=`, `<` and `==` ask whether the quantile is above all bounds.
    let above = value > highest || (value == highest && matches!(comparison, Comparison::Above | Comparison::AtMost));
    if above {
        return Some(Why::AboveHighest);
    }
    // At the least: `<` is never true and `>=` always.
    let below = value < least || (value == least && matches!(comparison, Comparison::Below | Comparison::AtLeast));
    if below {
        return Some(Why::BelowAll);
    }
    // Zero itself asks whether anything took time at all: `> 0`.
    if value < lowest && value != least {
        return Some(Why::BelowLowest);
    }
    None
}

const fn bound<'a>(family: &'a Descriptor, le: &'a str, value: f64, spelling: &'a str) -> Option<Fault<'a>> {
    let mut is_bound = value == f64::INFINITY;
    let mut at = 0;
    while at < family.bounds.len() {
        if family.bounds[at] == value {
            is_bound = true;
        }
        at += 1;
    }
    if is_bound && same(le, spelling) {
        return None;
    }
    Some(Fault::NoBound { family, le, value, spelling, is_bound })
}
