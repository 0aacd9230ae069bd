//! The process, its container, and this library.

use super::layout::Row;
use super::panel::{Panel, View};
use super::query::{Chosen, grouped, sum};
use crate::catalog::Catalog;

/// Rows of the families that have series.
pub(super) fn rows(catalog: &Catalog, chosen: &Chosen) -> Vec<Row> {
    let has = |family: &str| catalog.recorded.contains(family);
    vec![process(chosen, &has), own(chosen, &has)]
}

/// Rows of all families.
pub(super) fn all(chosen: &Chosen) -> Vec<Row> {
    vec![process(chosen, &|_| true).open(), own(chosen, &|_| true).open()]
}

fn process(chosen: &Chosen, has: &dyn Fn(&str) -> bool) -> Row {
    let by = ["instance"];
    let each = |family: &str| sum(&by, &chosen.of(family));
    let named = |what: &str| format!("{{{{instance}}}} {what}");
    let mut panels = Vec::new();
    if has("process_cpu_seconds_total") {
        panels.push(
            Panel::new("cpu", View::Lines, "CPUs in use", "short")
                .tells("CPU seconds of each second.")
                .asks(chosen.rates("process_cpu_seconds_total", &by), "{{instance}}")
                .at_zero(),
        );
    }
    if has("process_resident_memory_bytes") {
        let memory = Panel::new("memory", View::Lines, "Memory", "bytes")
            .tells(
                "Resident memory; what the container may use; what the allocator has given out, where it is tracked.",
            )
            .asks(each("process_resident_memory_bytes"), named("resident"))
            .at_zero();
        let more = [("cgroup_memory_limit_bytes", "limit"), ("allocator_live_bytes", "allocated")];
        let there = more.into_iter().filter(|(family, _)| has(family));
        panels.push(there.fold(memory, |memory, (family, what)| memory.asks(each(family), named(what))));
    }
    if has("process_open_fds") {
        panels.push(
            Panel::new("files", View::Lines, "Open files", "short")
                .tells("Files and connections, and how many there may be.")
                .asks(each("process_open_fds"), named("open"))
                .asks(each("process_max_fds"), named("limit"))
                .at_zero(),
        );
    }
    if has("process_threads") {
        panels.push(
            Panel::new("threads", View::Lines, "Threads", "short")
                .asks(each("process_threads"), "{{instance}}")
                .at_zero(),
        );
    }
    if has("process_start_time_seconds") {
        panels.push(
            Panel::new("uptime", View::Lines, "Time since the start", "dtdurations")
                .asks(
                    format!("time() - {}", grouped("max", &by, &chosen.of("process_start_time_seconds"))),
                    "{{instance}}",
                )
                .at_zero(),
        );
    }
    Row::new("process", "Process").with(panels)
}

fn own(chosen: &Chosen, has: &dyn Fn(&str) -> bool) -> Row {
    let by = ["instance"];
    let mut panels = Vec::new();
    if has("telemetry_overhead_spent_ratio") {
        panels.push(
            Panel::new("overhead", View::Lines, "What measuring costs", "percentunit")
                .tells("By probe, as a share of the time that measured functions were executing; and what all of them may cost together.")
                .asks(grouped("max", &["instance", "probe"], &chosen.of("telemetry_overhead_spent_ratio")), "{{instance}} {{probe}}")
                .asks(grouped("max", &by, &chosen.of("telemetry_overhead_budget_ratio")), "{{instance}} budget")
                .at_zero(),
        );
    }
    if has("telemetry_series") {
        panels.push(
            Panel::new("series", View::Lines, "Series", "short")
                .tells("That a scrape has.")
                .asks(sum(&by, &chosen.of("telemetry_series")), "{{instance}}")
                .at_zero(),
        );
    }
    if has("telemetry_scrape_duration_seconds") {
        panels.push(
            Panel::new("scrape", View::Lines, "Making a scrape, 95th percentile", "s")
                .tells("From the start of its snapshot until its exposition is ready to be sent.")
                .asks(chosen.quantile("0.95", "telemetry_scrape_duration_seconds", &by), "{{instance}}")
                .at_zero(),
        );
    }
    let lost = [
        "telemetry_dropped_observations_total",
        "telemetry_capped_lookups_total",
        "telemetry_collector_failures_total",
    ];
    let there: Vec<&str> = lost.into_iter().filter(|family| has(family)).collect();
    if !there.is_empty() {
        let panel = Panel::new("lost", View::Lines, "What is not recorded, per second", "suffix: /s")
            .tells("Values that were no numbers, series above a family's limit, and collectors that failed.")
            .at_zero();
        let named = |family: &str| family.trim_start_matches("telemetry_").trim_end_matches("_total").replace('_', " ");
        panels.push(there.iter().fold(panel, |panel, family| {
            panel.asks(chosen.rates(family, &by), format!("{{{{instance}}}} {}", named(family)))
        }));
    }
    Row::new("telemetry", "Telemetry itself").with(panels)
}
