//! Which labels the series of an expression can have, as far as its text tells.

use crate::demand::Sample;
use std::collections::BTreeSet;

/// A part of a name that a variable of the dashboard stands for. What it is, only the reader of the dashboard knows.
pub(crate) const VARIABLE: &str = "grafana_variable_";

/// The labels of an expression's series. Which labels a family has is asked later, so the families are leaves.
#[derive(Clone, Debug)]
pub(crate) enum Labels {
    /// Nobody here knows: series of others, or those that a variable names.
    Unknown,
    /// Those of a declared family, and those that the server adds to every target.
    Family(Sample),
    /// These, where the inner ones have them: `by`, `on`.
    Only(BTreeSet<String>, Box<Labels>),
    /// All but these: `without`, `ignoring`.
    Without(BTreeSet<String>, Box<Labels>),
    /// These besides: `label_replace`, a recording rule's `labels`.
    With(BTreeSet<String>, Box<Labels>),
    /// Those of any: `or`, `group_left`.
    Any(Vec<Labels>),
}

/// Where a label could come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It can be there, whatever is declared.
    Sure,
    /// One of these families must have it.
    Families(Vec<Sample>),
    /// It cannot be there.
    Nowhere,
}

impl Labels {
    /// No label at all.
    pub(crate) fn none() -> Labels {
        Labels::Any(Vec::new())
    }

    /// Where a label could come from. `everywhere` tells of a family's sample whether it has the label whatever it was declared with.
    pub(crate) fn origin(&self, label: &str, everywhere: &dyn Fn(&Sample, &str) -> bool) -> Origin {
        if label.contains(VARIABLE) {
            return Origin::Sure;
        }
        match self {
            Labels::Unknown => Origin::Sure,
            Labels::Family(sample) if everywhere(sample, label) => Origin::Sure,
            Labels::Family(sample) => Origin::Families(vec![sample.clone()]),
            Labels::Only(kept, inner) if holds(kept, label) => inner.origin(label, everywhere),
            Labels::Only(..) => Origin::Nowhere,
            Labels::Without(cut, _) if cut.contains(label) => Origin::Nowhere,
            Labels::With(made, _) if holds(made, label) => Origin::Sure,
            Labels::Without(_, inner) | Labels::With(_, inner) => inner.origin(label, everywhere),
            Labels::Any(all) => {
                all.iter().map(|labels| labels.origin(label, everywhere)).fold(Origin::Nowhere, Origin::or)
            }
        }
    }
}

impl Origin {
    /// Where the label could come from if it can come from either.
    pub(crate) fn or(self, other: Origin) -> Origin {
        match (self, other) {
            (Origin::Sure, _) | (_, Origin::Sure) => Origin::Sure,
            (Origin::Nowhere, origin) | (origin, Origin::Nowhere) => origin,
            (Origin::Families(mut all), Origin::Families(more)) => {
                for sample in more {
                    if !all.contains(&sample) {
                        all.push(sample);
                    }
                }
                Origin::Families(all)
            }
        }
    }
}

/// Whether a list names a label, or holds a variable that may name it.
fn holds(list: &BTreeSet<String>, label: &str) -> bool {
    list.contains(label) || list.iter().any(|listed| listed.contains(VARIABLE))
}
