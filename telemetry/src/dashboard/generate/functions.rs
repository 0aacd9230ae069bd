//! Functions: rate, errors and duration; then CPU, memory and I/O.

use super::layout::Row;
use super::panel::{Panel, View};
use super::query::{Chosen, grouped, share, sum};
use crate::catalog::Catalog;
use crate::catalog::program::Function;
use crate::objective::{Latency, Objective, Subject};

const DURATION: &str = "function_calls_duration_seconds";
/// Where a share of calls that fail is worth a look, and where it is bad.
const FAILS: [(f64, &str); 2] = [(0.01, "orange"), (0.05, "red")];
/// Two modules may have functions of one name.
const BY: [&str; 2] = ["module", "function"];
const LEGEND: &str = "{{module}}::{{function}}";
const BAD: &str = "error|panic";

/// A row for each function that took a fair share of the time. Where nothing has been recorded, one for each that is chosen.
pub(super) fn rows(catalog: &Catalog, chosen: &Chosen) -> Vec<Row> {
    if catalog.functions.is_empty() && are_declared(catalog) {
        return vec![repeated(chosen)];
    }
    let objective = |function: &Function| {
        let subject =
            Subject::Function { module: function.module.clone().into(), function: function.function.clone().into() };
        catalog.objectives.iter().find(|objective| objective.subject == subject)
    };
    let each = catalog.functions.iter().map(|function| (function, objective(function)));
    each.filter(|(function, objective)| function.major || objective.is_some())
        .map(|(function, objective)| of(function, objective, chosen))
        .collect()
}

/// Whether a catalogue without records has the families of functions.
pub(super) fn are_declared(catalog: &Catalog) -> bool {
    catalog.iter().any(|family| family.name == "function_calls_total")
}

fn of(function: &Function, objective: Option<&Objective>, chosen: &Chosen) -> Row {
    let chosen = chosen.with("function", &function.function).with("module", &function.module);
    let key = format!("function {} {}", function.module, function.function);
    let title = format!("Function {} ({})", function.function, function.module);
    Row::named(key, &title).with(panels(&chosen, objective, &|family| function.families.contains(family)))
}

fn repeated(chosen: &Chosen) -> Row {
    let chosen = chosen.by_variable("module").by_variable("function");
    Row::new("function", "Function $function").repeated_by("function").with(panels(&chosen, None, &|_| true))
}

/// What is shown of one function, of the families that it has.
fn panels(chosen: &Chosen, objective: Option<&Objective>, has: &dyn Fn(&str) -> bool) -> Vec<Panel> {
    let success = objective.and_then(|objective| objective.success);
    let latency = objective.and_then(|objective| objective.latency.as_ref());
    let mut panels = vec![
        Panel::new("rate", View::Stacked, "Calls per second, by result", "suffix: calls/s")
            .tells("Calls that ended.")
            .asks(chosen.rates("function_calls_total", &["result"]), "{{result}}")
            .at_zero(),
        failing(chosen, success),
        duration(chosen, latency),
    ];
    let cpu = Panel::new("cpu", View::Lines, "Time and CPU", "suffix: s/s")
        .tells(
            "How many seconds of each second its calls were executing, callees included and excluded, and used a CPU.",
        )
        .asks(chosen.rates("function_busy_seconds_total", &[]), "busy")
        .asks(chosen.rates("function_self_seconds_total", &[]), "itself")
        .at_zero();
    panels.push(if has("function_cpu_seconds_total") {
        cpu.asks(chosen.rates("function_cpu_seconds_total", &[]), "CPU")
    } else {
        cpu
    });
    if has("function_allocated_bytes_total") {
        panels.push(
            Panel::new("memory", View::Lines, "Bytes allocated per second", "Bps")
                .tells("By its calls, callees included and excluded.")
                .asks(chosen.rates("function_allocated_bytes_total", &[]), "with callees")
                .asks(chosen.rates("function_self_allocated_bytes_total", &[]), "itself")
                .at_zero(),
        );
        panels.push(
            Panel::new("peak", View::Lines, "Most memory of one call", "bytes")
                .tells("The most bytes that one call had allocated and not yet freed, of all calls so far.")
                .asks(grouped("max", &[], &chosen.of("function_peak_allocated_bytes")), "peak")
                .at_zero(),
        );
    }
    if has("function_io_read_bytes_total") {
        panels.push(
            Panel::new("io", View::Lines, "Bytes read and written per second", "Bps")
                .tells("From and to files, pipes and terminals, by its calls and their callees.")
                .asks(chosen.rates("function_io_read_bytes_total", &[]), "read")
                .asks(chosen.rates("function_io_written_bytes_total", &[]), "written")
                .at_zero(),
        );
    }
    panels.push(
        Panel::new("running", View::Lines, "Calls that run", "short")
            .tells("At the moments of the scrapes.")
            .asks(sum(&[], &chosen.of("function_calls_concurrent")), "running")
            .at_zero(),
    );
    panels
}

/// With the share that an objective allows as the line, where there is one.
pub(super) fn failing(chosen: &Chosen, success: Option<f64>) -> Panel {
    let part = chosen.matching("result", BAD).rates("function_calls_total", &[]);
    let panel = Panel::new("errors", View::Lines, "Share of calls that fail", "percentunit")
        .tells("Calls that ended as `error` or `panic`, of all that ended but those that were cancelled.")
        .asks(share(&part, &chosen.without("result", "cancelled").rates("function_calls_total", &[])), "failed")
        .or_else("nothing was called")
        .share();
    match success {
        Some(success) => panel.from(rounded(1.0 - success), "red"),
        None => FAILS.iter().fold(panel, |panel, (from, colour)| panel.from(*from, colour)),
    }
}

/// Without the last digits, which come of subtracting.
pub(super) fn rounded(share: f64) -> f64 {
    (share * 1e9).round() / 1e9
}

/// Quantiles, from classic buckets or from native ones, whichever the server has.
fn duration(chosen: &Chosen, objective: Option<&Latency>) -> Panel {
    let quantile = |quantile: &str| {
        let native = format!("histogram_quantile({quantile}, {})", chosen.rates(DURATION, &[]));
        format!("{} or {native}", chosen.quantile(quantile, DURATION, &[]))
    };
    let panel = Panel::new("duration", View::Lines, "Duration of a call", "s")
        .tells("Waiting included: half of the calls, 95 and 99 of 100 take less.")
        .asks(quantile("0.5"), "half")
        .asks(quantile("0.95"), "95 %")
        .asks(quantile("0.99"), "99 %")
        .with_exemplars()
        .or_else("nothing was called")
        .at_zero();
    objective.into_iter().fold(panel, |panel, latency| panel.from(latency.within.as_secs_f64(), "red"))
}

/// The functions of all programs.
pub(super) fn overview(chosen: &Chosen) -> Vec<Row> {
    let shown = chosen.by_variable("module").by_variable("function");
    let top = |key: &str, title: &str, tells: &str, unit: &str, family: &str| {
        Panel::new(key, View::Lines, title, unit)
            .tells(tells)
            .asks(format!("topk(10, {})", shown.rates(family, &BY)), LEGEND)
            .size(12, 8)
            .at_zero()
    };
    let glance = Row::new("glance", "All functions").open().with([
        table(&shown),
        top(
            "self",
            "Where the time goes",
            "How many seconds of each second calls were executing, callees excluded: the ten with most.",
            "suffix: s/s",
            "function_self_seconds_total",
        ),
        top(
            "cpu",
            "Where the CPU time goes",
            "Callees included; estimated where a function is called too often to read the CPU's clock each time.",
            "suffix: s/s",
            "function_cpu_seconds_total",
        ),
        Panel::new("rate", View::Lines, "Calls per second", "suffix: calls/s")
            .tells("The ten that are called most.")
            .asks(format!("topk(10, {})", shown.rates("function_calls_total", &BY)), LEGEND)
            .size(12, 8)
            .at_zero(),
        Panel::new("errors", View::Lines, "Calls that fail, per second", "suffix: calls/s")
            .tells("Calls that ended as `error` or `panic`, of functions that can.")
            .asks(
                shown.matching("result", BAD).rates("function_calls_total", &["module", "function", "result"]),
                "{{module}}::{{function}} {{result}}",
            )
            .size(12, 8)
            .at_zero(),
        top(
            "memory",
            "Who allocates",
            "Bytes per second, callees excluded; there with the tracking allocator.",
            "Bps",
            "function_self_allocated_bytes_total",
        )
        .or_else("no tracking allocator"),
        Panel::new("oldest", View::Lines, "The oldest call that runs", "s")
            .tells("What hangs does not end, so no duration tells it.")
            .asks(format!("topk(10, {})", grouped("max", &BY, &shown.of("function_oldest_call_age_seconds"))), LEGEND)
            .size(12, 8)
            .at_zero(),
    ]);
    vec![glance, repeated(chosen)]
}

/// A line for each function: where it leads is the same dashboard with that function alone.
fn table(chosen: &Chosen) -> Panel {
    let increase = |family: &str| sum(&BY, &format!("increase({}[$__range])", chosen.of(family)));
    let failed =
        sum(&BY, &format!("increase({}[$__range])", chosen.matching("result", BAD).of("function_calls_total")));
    Panel::new("table", View::Table, "Functions in this time", "short")
        .tells("Calls, those of them that failed, and seconds of executing: callees excluded and included.")
        .asks(increase("function_self_seconds_total"), "__auto")
        .asks(increase("function_busy_seconds_total"), "__auto")
        .asks(increase("function_calls_total"), "__auto")
        .asks(failed, "__auto")
        .column("function", "function")
        .column("module", "module")
        .column("Value #A", "seconds itself")
        .column("Value #B", "seconds with callees")
        .column("Value #C", "calls")
        .column("Value #D", "failed")
        .leads_to(
            "function",
            String::from("/d/telemetry-functions?${__url_time_range}&${datasource:queryparam}&${job:queryparam}&var-module=${__data.fields.module:percentencode}&var-function=${__value.text:percentencode}"),
        )
        .size(24, 9)
        .or_else("0")
}
