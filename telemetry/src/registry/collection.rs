//! What a collector gives for one snapshot, judged as it comes: what does not fit is left out alone, and counted.

use crate::metric::{self, Descriptor, Kind};
use crate::registry::standing::Why;
use crate::snapshot::{CallNode, Family, Job, Labels, Series, SlowStatement, Statement, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What collectors give for one snapshot.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    pub(super) families: Vec<Family>,
    /// Where the family of a name is.
    places: BTreeMap<Cow<'static, str>, usize>,
    /// Families of which this library knows no declaration.
    pub(super) foreign: Vec<Family>,
    pub(super) jobs: Vec<Job>,
    pub(super) statements: Vec<Statement>,
    pub(super) slow_statements: Vec<SlowStatement>,
    pub(super) call_tree: Vec<CallNode>,
    /// What the collector said that it gives; anything, where it is one of this library's.
    described: Option<Arc<[Descriptor]>>,
    /// How many values and families were left out.
    pub(super) dropped: [u64; Why::ALL.len()],
}

impl Collection {
    /// For a collector that is not ours.
    pub(super) fn of(described: Arc<[Descriptor]>) -> Collection {
        Collection { described: Some(described), ..Collection::default() }
    }

    fn push(&mut self, descriptor: &Descriptor, values: &[&str], value: Value) {
        if values.len() != descriptor.labels.len() {
            return self.drop_one(Why::Labels);
        }
        let labels = descriptor.labels.iter().zip(values).map(|(&name, &value)| (name.into(), value.into())).collect();
        self.under(descriptor, &labels, value);
    }

    /// Gives a value under labels that other families have too.
    pub(crate) fn under(&mut self, descriptor: &Descriptor, labels: &Labels, value: Value) {
        match value {
            Value::Float(value) if !value.is_finite() => self.drop_one(Why::Number),
            _ if !value.is_of(descriptor.kind) => self.drop_one(Why::Kind),
            _ => self.series(descriptor, labels.clone(), value),
        }
    }

    /// Gives any value under labels that are not all declared.
    pub(crate) fn series(&mut self, descriptor: &Descriptor, labels: Labels, value: Value) {
        let name = metric::shown_name(descriptor);
        let place = match self.places.get(&name) {
            Some(&place) => place,
            None => {
                if let Some(why) = self.refused(descriptor) {
                    return self.drop_one(why);
                }
                self.places.insert(name.clone(), self.families.len());
                self.families.push(Family { name, ..Family::declared(descriptor) });
                self.families.len() - 1
            }
        };
        if let Some(family) = self.families.get_mut(place) {
            family.series.push(Series { labels, value });
        }
    }

    /// Why a family is not taken. What `metric!` declares has the right names; a descriptor may also be made by hand.
    fn refused(&self, descriptor: &Descriptor) -> Option<Why> {
        let described = self.described.as_deref()?;
        if !described.iter().any(|described| described.name == descriptor.name && described.kind == descriptor.kind) {
            return Some(Why::Undescribed);
        }
        let named = is_name(descriptor.name) && are_label_names(descriptor.kind, descriptor.labels.iter().copied());
        (!named).then_some(Why::Name)
    }

    /// Gives a gauge's value; label values in the order of the declaration.
    pub fn gauge(&mut self, descriptor: &Descriptor, labels: &[&str], value: f64) {
        self.push(descriptor, labels, Value::Float(value));
    }

    /// Gives a counter's total. Totals must not fall.
    pub fn counter(&mut self, descriptor: &Descriptor, labels: &[&str], total: u64) {
        self.push(descriptor, labels, Value::Integer(total));
    }

    /// Gives the total of a counter of seconds.
    pub fn seconds(&mut self, descriptor: &Descriptor, labels: &[&str], total: std::time::Duration) {
        self.push(descriptor, labels, Value::Nanoseconds(u64::try_from(total.as_nanos()).unwrap_or(u64::MAX)));
    }

    /// Gives an info family's labels; the value is always 1.
    pub fn info(&mut self, descriptor: &Descriptor, labels: &[&str]) {
        self.push(descriptor, labels, Value::Float(1.0));
    }

    /// Gives a declared family as it is, with labels that only the program knows.
    pub(crate) fn whole(&mut self, family: Family) {
        self.families.push(family);
    }

    /// Gives a family of which this library knows no declaration. Series whose labels are no labels are left out.
    #[cfg_attr(
        not(any(feature = "prometheus", feature = "otel")),
        expect(dead_code, reason = "others come with features")
    )]
    pub(crate) fn foreign(&mut self, mut family: Family) {
        if !is_name(&family.name) {
            return self.drop_one(Why::Name);
        }
        let before = family.series.len();
        let kind = family.kind;
        family.series.retain(|series| are_label_names(kind, series.labels.iter().map(|(name, _)| &**name)));
        self.drop_some(Why::Name, before - family.series.len());
        match self.foreign.iter_mut().find(|other| other.name == family.name) {
            None => self.foreign.push(family),
            Some(other) if other.kind == family.kind => other.series.append(&mut family.series),
            // The first one keeps the name.
            Some(_) => self.drop_one(Why::Clash),
        }
    }

    /// Counts what a source could not give.
    #[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "such a source comes with a feature"))]
    pub(crate) fn not_shown(&mut self) {
        self.drop_one(Why::Kind);
    }

    /// Gives a job's state.
    pub(crate) fn job(&mut self, job: Job) {
        self.jobs.push(job);
    }

    /// Gives a statement's figures.
    #[cfg_attr(not(feature = "duckdb"), expect(dead_code, reason = "statements come with a feature"))]
    pub(crate) fn statement(&mut self, statement: Statement) {
        self.statements.push(statement);
    }

    /// Gives slow statements.
    #[cfg_attr(not(feature = "duckdb"), expect(dead_code, reason = "statements come with a feature"))]
    pub(crate) fn slow_statements(&mut self, mut statements: Vec<SlowStatement>) {
        self.slow_statements.append(&mut statements);
    }

    /// Gives who called whom. There is one such collector.
    pub(crate) fn call_tree(&mut self, tree: Vec<CallNode>) {
        self.call_tree = tree;
    }

    fn drop_one(&mut self, why: Why) {
        self.drop_some(why, 1);
    }

    fn drop_some(&mut self, why: Why, count: usize) {
        self.dropped[why as usize] += count as u64;
    }

    /// Sorts each family's series by their labels. Of two with the same labels the later one stays.
    pub(super) fn put_in_order(&mut self) {
        let mut twice = 0;
        for family in self.families.iter_mut().chain(&mut self.foreign) {
            let given = family.series.len();
            put_in_order(&mut family.series);
            twice += given - family.series.len();
        }
        self.drop_some(Why::Duplicate, twice);
    }
}

fn put_in_order(series: &mut Vec<Series>) {
    if series.is_sorted_by(|a, b| a.labels < b.labels) {
        return;
    }
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    series.dedup_by(|later, earlier| {
        let twice = later.labels == earlier.labels;
        if twice {
            std::mem::swap(later, earlier);
        }
        twice
    });
}

/// Whether Prometheus takes it for the name of a metric.
/// <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>
fn is_name(name: &str) -> bool {
    is_made_of(name, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
}

/// Whether they are names of labels, none twice, and none of them one that the format writes itself. Labels come in any order.
fn are_label_names<'a>(kind: Kind, names: impl Iterator<Item = &'a str> + Clone) -> bool {
    let own = match kind {
        Kind::Histogram => "le",
        Kind::Summary => "quantile",
        _ => "",
    };
    let is_label = |name: &str| {
        name != own && name != "__name__" && is_made_of(name, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut left = names.clone();
    while let Some(name) = left.next() {
        // Labels are few, so that comparing all of them is cheaper than a set.
        if !is_label(name) || left.clone().any(|other| other == name) {
            return false;
        }
    }
    true
}

fn is_made_of(name: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_prometheus_takes() {
        for name in ["a", "_a1", "a:b", "A_b"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1a", "a b", "a-b", "größe", "a{", "a\n"] {
            assert!(!is_name(name), "{name}");
        }
        let labels = |kind, names: &[&'static str]| are_label_names(kind, names.iter().copied());
        assert!(labels(Kind::Counter, &["a", "le", "quantile"]) && labels(Kind::Gauge, &[]));
        for names in [&["a", "a"][..], &["a:b"], &["__name__"], &["", "b"]] {
            assert!(!labels(Kind::Gauge, names), "{names:?}");
        }
        assert!(!labels(Kind::Histogram, &["le"]) && !labels(Kind::Summary, &["quantile"]));
    }
}
