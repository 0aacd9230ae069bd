//! Descriptors of families that this program does not declare: from a collector, or from another program's catalogue.
//!
//! A [`Descriptor`] is made of constants. One that is made here is kept for ever, once for each content: what reads the same catalogue
//! again and again takes no more memory.

use crate::metric::{Descriptor, Kind, Origin};
use crate::sync::{Mutex, lock};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What is known of a family.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) help: String,
    pub(crate) unit: String,
    pub(crate) labels: Vec<String>,
    pub(crate) bounds: Vec<f64>,
}

/// Where such a family was declared is not known.
const ELSEWHERE: Origin = Origin { package: "", version: "", module: "", file: "", line: 0 };

/// The descriptor of this content.
pub(crate) fn kept(given: Given) -> &'static Descriptor {
    static KEPT: OnceLock<Mutex<BTreeMap<String, &'static Descriptor>>> = OnceLock::new();
    let key = format!("{given:?}");
    let mut kept = lock(KEPT.get_or_init(Mutex::default));
    kept.entry(key).or_insert_with(|| made(given))
}

fn made(given: Given) -> &'static Descriptor {
    let labels: Vec<&'static str> = given.labels.into_iter().map(text).collect();
    Box::leak(Box::new(Descriptor {
        name: text(given.name),
        kind: given.kind,
        help: text(given.help),
        unit: text(given.unit),
        labels: labels.leak(),
        bounds: given.bounds.leak(),
        origin: ELSEWHERE,
    }))
}

fn text(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
