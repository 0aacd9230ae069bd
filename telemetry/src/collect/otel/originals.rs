//! What an OpenTelemetry instrument was called before its name became one of Prometheus: for who sends it on by OTLP.

use crate::metric::OtelData;
use crate::snapshot::Family;
use crate::sync::{Mutex, lock};
use opentelemetry::{InstrumentationScope, KeyValue};
use std::collections::BTreeMap;
use std::sync::Arc;

/// With what the labels begin that tell the scope.
pub(crate) const OF_SCOPE: &str = "otel_scope_";

/// An instrument as it was declared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Original {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) data: OtelData,
    /// The keys of attributes, by the labels that they became, where these differ.
    keys: BTreeMap<String, String>,
}

impl Original {
    /// The key of the attribute that became this label; `otherwise` where that is not known.
    pub(crate) fn key<'a>(&'a self, label: &str, otherwise: &'a str) -> &'a str {
        self.keys.get(label).map_or(otherwise, |key| key)
    }
}

/// By family. Grows with the instruments of the program, which the SDK keeps too.
static ORIGINALS: Mutex<BTreeMap<String, Arc<Original>>> = Mutex::new(BTreeMap::new());

/// What a family was before, where it came from OpenTelemetry.
pub(crate) fn of(family: &Family) -> Option<Arc<Original>> {
    // Another source may have given the name first.
    let is_theirs = family.series.first()?.labels.iter().any(|(label, _)| label.starts_with(OF_SCOPE));
    if is_theirs { lock(&ORIGINALS).get(&*family.name).cloned() } else { None }
}

/// Keeps what a family was.
pub(super) fn keep<'a>(
    family: &str,
    (name, unit, data): (&str, &str, OtelData),
    scope: &InstrumentationScope,
    attributes: impl Iterator<Item = &'a KeyValue>,
) {
    let mut all = lock(&ORIGINALS);
    let original = all.entry(family.to_owned()).or_insert_with(|| {
        Arc::new(Original { name: name.to_owned(), unit: unit.to_owned(), data, keys: BTreeMap::new() })
    });
    let of_scope = scope.attributes().map(|KeyValue { key, .. }| (format!("{OF_SCOPE}{key}"), key.as_str()));
    let attributes = attributes.map(|KeyValue { key, .. }| (key.to_string(), key.as_str()));
    for (given, key) in of_scope.chain(attributes) {
        let label = super::label_name(&given);
        // A label that two attributes share has the name of the first.
        if label != given && !original.keys.contains_key(&label) {
            let keys = &mut Arc::make_mut(original).keys;
            // Keys that never end are labels, then.
            if keys.len() < MOST_KEYS {
                keys.insert(label, key.to_owned());
            }
        }
    }
}

/// More attributes than a metric has: OpenTelemetry's own limit for spans.
const MOST_KEYS: usize = 128;
