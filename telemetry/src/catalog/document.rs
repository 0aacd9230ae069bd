//! The catalogue as JSON, and back.

use crate::catalog::program::{Catalog, Function};
use crate::export::json::{array, object, text};
use crate::metric::Descriptor;
use crate::objective;
use std::collections::BTreeSet;

/// Raised when something is taken away or changes its meaning; not when something is added.
const VERSION: u32 = 1;

pub(super) fn json(catalog: &Catalog) -> String {
    let families = catalog.families();
    let metrics = families.iter().map(|family| metric(family, catalog.recorded.contains(family.name)));
    let jobs = catalog.jobs.iter().map(|job| {
        let endpoints = job.endpoints.iter().map(|endpoint| {
            object([("endpoint_name", text(&endpoint.endpoint_name)), ("families", texts(&endpoint.families))])
        });
        object([("job_name", text(&job.job_name)), ("families", texts(&job.families)), ("endpoints", array(endpoints))])
    });
    let databases = catalog
        .databases
        .iter()
        .map(|database| object([("database", text(&database.database)), ("families", texts(&database.families))]));
    let members = [
        ("version", VERSION.to_string()),
        ("service", text(&catalog.service)),
        ("metrics", lines(metrics)),
        ("functions", lines(catalog.functions.iter().map(function))),
        ("jobs", lines(jobs)),
        ("databases", lines(databases)),
        ("objectives", lines(catalog.objectives.iter().map(objective::as_json))),
    ];
    let mut document = object(members);
    document.push('\n');
    document
}

fn metric(family: &Descriptor, recorded: bool) -> String {
    let mut members = super::members(family);
    members.push(("recorded", recorded.to_string()));
    object(members)
}

fn function(function: &Function) -> String {
    object([
        ("module", text(&function.module)),
        ("function", text(&function.function)),
        ("major", function.major.to_string()),
        ("labels", texts(&function.labels)),
        ("families", texts(&function.families)),
    ])
}

fn texts(texts: &BTreeSet<String>) -> String {
    array(texts.iter().map(|name| text(name)))
}

/// A list with a line for each item, so that a change of one is a change of one line.
fn lines(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { String::from("[]") } else { format!("[\n{}\n]", items.join(",\n")) }
}

#[cfg(feature = "dashboards")]
pub use read::CatalogDocumentError;

#[cfg(feature = "dashboards")]
mod read;
