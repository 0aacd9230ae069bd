//! What the arguments of `#[measured]` ask for besides the usual: labels, thresholds, types of errors, instantiations told apart.
//!
//! A call with labels runs on a *variant* of its call site, which keeps its results alone; all else stays with the function as a whole.

use crate::metric::{IntoLabel, LabelArg, LabelOwned, max_series};
use crate::record::callsite::{self, CallSite};
use crate::record::outcome::Outcome;
use crate::record::variants::{Variant, Variants};
use crate::record::{clock, shard, span};
use crate::sync::OnceLock;
use std::fmt;

/// The most types of errors of one function. An error's type is a name that its program wrote down; more than this is a text that
/// somebody composed, and each is a series.
const MAX_ERROR_TYPES: usize = 100;

/// A static beside a call site, where its attribute has arguments that need one.
pub struct Asked {
    /// The names of the labels.
    labels: &'static [&'static str],
    /// In seconds, ascending.
    thresholds: &'static [f64],
    /// Whether calls are counted without being timed.
    counts: bool,
    /// The thresholds in ticks, each with the counter of the calls that are within it and not within the one before.
    within: OnceLock<Box<[(u64, u32)]>>,
    variants: Variants<CallSite>,
    /// Counters, by type of error.
    errors: Variants<u32>,
    instantiations: Variants<CallSite>,
}

impl Asked {
    /// Asks for nothing.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "for statics")]
    pub const fn new() -> Asked {
        Asked {
            labels: &[],
            thresholds: &[],
            counts: false,
            within: OnceLock::new(),
            variants: Variants::new(),
            errors: Variants::new(),
            instantiations: Variants::new(),
        }
    }

    /// The names of the labels that each call has values for.
    #[must_use]
    pub const fn labels(mut self, names: &'static [&'static str]) -> Asked {
        self.labels = names;
        self
    }

    /// Thresholds in seconds, ascending.
    #[must_use]
    pub const fn thresholds(mut self, seconds: &'static [f64]) -> Asked {
        self.thresholds = seconds;
        self
    }

    /// Calls are counted and not timed.
    #[must_use]
    pub const fn counts(mut self) -> Asked {
        self.counts = true;
        self
    }

    /// The same for another function.
    fn again(&self) -> Asked {
        Asked { labels: self.labels, thresholds: self.thresholds, counts: self.counts, ..Asked::new() }
    }

    /// Counts a call that ended against the thresholds.
    pub(crate) fn ended(&self, outcome: Outcome, ticks: u64) {
        if outcome != Outcome::Ok {
            return;
        }
        if let Some((_, slot)) = self.within().iter().find(|(threshold, _)| ticks <= *threshold) {
            shard::add(*slot, 1);
        }
    }

    fn within(&self) -> &[(u64, u32)] {
        self.within.get_or_init(|| {
            let slots = self.thresholds.iter().map(|&seconds| (clock::ticks(seconds), shard::new_counter_slot()));
            slots.collect()
        })
    }

    /// The thresholds in seconds, each with how many calls ended as `ok` within it.
    pub(crate) fn read_within(&self, shards: &[&'static shard::Shard]) -> Vec<(f64, u64)> {
        let mut sum = 0u64;
        let counts = self.thresholds.iter().zip(self.within());
        let up_to = counts.map(|(&seconds, (_, slot))| {
            sum = sum.saturating_add(shard::sum_in(shards, *slot));
            (seconds, sum)
        });
        up_to.collect()
    }

    pub(crate) fn label_names(&self) -> &'static [&'static str] {
        self.labels
    }

    pub(crate) fn only_counts(&self) -> bool {
        self.counts
    }

    /// The label sets that calls had.
    pub(crate) fn label_sets(&'static self) -> Vec<&'static Variant<CallSite>> {
        self.variants.all()
    }

    /// The types of errors that calls ended with, each with its counter's slot.
    pub(crate) fn error_types(&'static self) -> Vec<&'static Variant<u32>> {
        self.errors.all()
    }
}

/// The call site of calls with these label values. What it is asked for it was made with, so `labels` are of the number of its names.
#[must_use]
pub fn labelled(site: &'static CallSite, labels: &[LabelArg<'_>]) -> &'static CallSite {
    match site.what_was_asked() {
        Some(asked) => &asked.variants.of(labels, max_series(), |_| CallSite::variant_of(site)).value,
        None => site,
    }
}

/// The call site of one instantiation of a generic function, which the type of a closure in its body tells apart.
#[must_use]
pub fn instantiation<T>(site: &'static CallSite, _body: &T) -> &'static CallSite {
    let Some(asked) = site.what_was_asked() else { return site };
    let path = std::any::type_name::<T>();
    let make = |kept: &[LabelOwned]| {
        let name = if kept.is_empty() {
            format!("{}<_>", site.function())
        } else {
            callsite::instantiation_in(path, site.module(), site.given_name())
        };
        site.renamed(name, Some(Box::leak(Box::new(asked.again()))))
    };
    &asked.instantiations.of(&[LabelArg::Str(path)], max_series(), make).value
}

/// The type of an error that has no value of its own, as where `ok_if` refuses an `Ok`.
/// <https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/#error-type>
const OTHER: &str = "_OTHER";

/// Counts an error by what `error_type` calls it.
pub fn count_error<E, L: IntoLabel>(site: &'static CallSite, error: Option<&E>, error_type: impl FnOnce(&E) -> L) {
    match error.map(error_type) {
        Some(name) => count_error_as(site, name.as_label()),
        None => count_error_as(site, OTHER.as_label()),
    }
}

fn count_error_as(site: &'static CallSite, name: LabelArg<'_>) {
    if let Some(asked) = site.what_was_asked() {
        if !asked.counts {
            span::name_error(|| name.keep().to_string());
        }
        let max = max_series().min(MAX_ERROR_TYPES);
        let error = asked.errors.of(&[name], max, |_| shard::new_counter_slot());
        shard::add(error.value, 1);
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Asked");
        debug.field("labels", &self.labels).field("thresholds", &self.thresholds).field("counts", &self.counts);
        debug.finish_non_exhaustive()
    }
}
