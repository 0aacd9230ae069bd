//! The first row: is it running, does it fail, what does it take.

use super::functions;
use super::jobs;
use super::layout::Row;
use super::panel::{Panel, View};
use super::query::{Chosen, sum};
use crate::catalog::Catalog;

pub(super) fn row(catalog: &Catalog, chosen: &Chosen) -> Row {
    let has = |family: &str| catalog.recorded.contains(family);
    let mut panels = Vec::new();
    if !catalog.jobs.is_empty() {
        panels.extend(jobs::at_a_glance(&has, chosen));
    }
    if has("function_calls_total") {
        panels.push(
            Panel::new("calls", View::Stat, "Calls per second", "suffix: calls/s")
                .tells("Of measured functions.")
                .asks(chosen.rates("function_calls_total", &[]), "calls"),
        );
        let mut failing = functions::failing(chosen, None);
        failing.key = String::from("failing");
        panels.push(failing.into_stat());
    }
    if has("process_cpu_seconds_total") {
        panels.push(
            Panel::new("cpu", View::Stat, "CPUs in use", "short")
                .tells("CPU seconds of each second, in the kernel and outside.")
                .asks(chosen.rates("process_cpu_seconds_total", &[]), "CPUs"),
        );
    }
    if has("process_resident_memory_bytes") {
        panels.push(
            Panel::new("memory", View::Stat, "Resident memory", "bytes")
                .tells("Of all chosen instances together.")
                .asks(sum(&[], &chosen.of("process_resident_memory_bytes")), "resident"),
        );
    }
    if has("function_self_seconds_total") {
        panels.push(
            Panel::new("self", View::Lines, "Where the time goes", "suffix: s/s")
                .tells("How many seconds of each second calls of a function were executing, measured callees excluded: the ten with most.")
                .asks(format!("topk(10, {})", chosen.rates("function_self_seconds_total", &["module", "function"])), "{{module}}::{{function}}")
                .size(24, 9)
                .at_zero(),
        );
    }
    Row::new("glance", "At a glance").open().with(panels)
}
