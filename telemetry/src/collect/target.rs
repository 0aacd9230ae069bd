//! `target_info`: OpenTelemetry's resource, as its rules for Prometheus say.
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#resource-attributes-1>

use crate::builtin::target as families;
use crate::config::BuildInfo;
use crate::metric::Descriptor;
use crate::registry::{Collection, Collector};
use crate::snapshot::{Family, Labels, Series, Value};
use std::collections::BTreeMap;

/// Gives series that never change: what the program is, and what it was built from.
pub(crate) struct Target {
    family: Family,
    built: Option<BuildInfo>,
}

impl Target {
    pub(crate) fn new(resource: &BTreeMap<String, String>, built: Option<BuildInfo>) -> Target {
        let mut family = Family::declared(&families::target_info::DESCRIPTOR);
        family.series.push(Series { labels: labels(resource), value: Value::Float(1.0) });
        Target { family, built }
    }
}

impl Collector for Target {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        // As it is: which labels there are is known at run time alone.
        out.whole(self.family.clone());
        if let Some(BuildInfo { package, version, revision }) = self.built {
            out.info(&families::program_build_info::DESCRIPTOR, &[package, version, revision]);
        }
    }
}

/// Attributes as labels, sorted by their names. Those whose names become the same label share it, in the order of their own names.
pub(super) fn labels(resource: &BTreeMap<String, String>) -> Labels {
    let mut labels = BTreeMap::<String, String>::new();
    for (key, value) in resource {
        labels
            .entry(label_name(key))
            .and_modify(|shared| {
                shared.push(';');
                shared.push_str(value);
            })
            .or_insert_with(|| value.clone());
    }
    labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// `service.name` as `service_name`: what Prometheus does not take becomes one underscore, and so do several in a row.
pub(super) fn label_name(attribute: &str) -> String {
    let mut name = String::with_capacity(attribute.len());
    for character in attribute.chars() {
        let allowed = if character.is_ascii_alphanumeric() { character } else { '_' };
        if allowed != '_' || !name.ends_with('_') {
            name.push(allowed);
        }
    }
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert_str(0, "key_");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_prometheus_takes() {
        for (attribute, label) in [
            ("service.name", "service_name"),
            ("a--b__c", "a_b_c"),
            ("__name__", "_name_"),
            ("3d", "key_3d"),
            ("größe", "gr_e"),
            ("", "key_"),
        ] {
            assert_eq!(label_name(attribute), label);
        }
    }

    #[test]
    fn attributes_that_meet_in_one_label_share_it() {
        let resource = [("host.name", "a"), ("host_name", "b"), ("host-name", "c")];
        let labels = labels(&resource.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        assert_eq!(labels.len(), 1);
        assert_eq!((&*labels[0].0, &*labels[0].1), ("host_name", "c;a;b"));
    }
}
