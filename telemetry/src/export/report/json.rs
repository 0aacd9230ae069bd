//! The report's figures as one line of JSON: for programs, hence unrounded, in base units, and with every series.

use super::{Function, Report, count_and_sum};
use crate::export::json::{array, exact, number, object, optional, seconds_since_epoch, tally, text};
use crate::snapshot::{Family, Job, Series, Statement};

pub(super) fn line(report: &Report<'_>) -> String {
    let metrics = report.metrics.iter().flat_map(|(family, series)| series.iter().map(|series| metric(family, series)));
    let report = object([
        ("service", text(&report.service)),
        ("taken_at", seconds_since_epoch(report.taken_at)),
        ("seconds", number(report.seconds)),
        ("functions", array(report.functions.iter().map(function))),
        ("jobs", array(report.jobs.iter().map(job))),
        ("statements", array(report.statements.iter().map(statement))),
        ("metrics", array(metrics)),
    ]);
    report + "\n"
}

fn function(function: &Function<'_>) -> String {
    let quantile = |quantile| optional(function.quantile(quantile));
    let types = function.error_types.iter().map(|(name, count)| (*name, number(*count)));
    object([
        ("function", text(function.name)),
        ("module", text(function.module)),
        ("calls", number(function.calls)),
        ("errors", number(function.errors)),
        ("errors_by_type", object(types)),
        ("panics", number(function.panics)),
        ("cancelled", number(function.cancelled)),
        ("started", number(function.started)),
        ("running", number(function.running)),
        ("oldest_call_age_seconds", number(function.oldest)),
        ("polls", optional(function.polls)),
        ("busy_seconds", optional(function.busy)),
        ("idle_seconds", optional(function.idle())),
        ("self_seconds", optional(function.own)),
        ("mean_seconds", optional(function.mean())),
        ("p50_seconds", quantile(0.5)),
        ("p95_seconds", quantile(0.95)),
        ("p99_seconds", quantile(0.99)),
        ("cpu_seconds", optional(function.cpu)),
        ("cpu_standard_error_ratio", optional(function.cpu_quality.error)),
        ("cpu_sampling_ratio", optional(function.cpu_quality.sampled)),
        ("io_read_bytes", optional(function.read)),
        ("io_written_bytes", optional(function.written)),
        ("io_standard_error_ratio", optional(function.io_quality.error)),
        ("io_sampling_ratio", optional(function.io_quality.sampled)),
        ("allocated_bytes", optional(function.allocated)),
        ("self_allocated_bytes", optional(function.own_allocated)),
        ("allocations", optional(function.allocations)),
        ("peak_allocated_bytes", optional(function.peak)),
    ])
}

fn job(job: &Job) -> String {
    object([
        ("job", text(&job.name)),
        ("result", job.result.map_or_else(|| "null".to_owned(), text)),
        ("elapsed_seconds", number(job.elapsed_seconds)),
        ("unit", text(&job.unit)),
        ("total", job.total.map_or_else(|| "null".to_owned(), |total| total.to_string())),
        ("units", tally(&job.units)),
        ("records", tally(&job.records)),
        ("units_per_second", optional(job.rate)),
        ("overall_rate", optional(job.overall_rate)),
        ("eta_seconds", optional(job.eta_seconds)),
        ("eta_low_seconds", optional(job.eta_low_seconds)),
        ("eta_high_seconds", optional(job.eta_high_seconds)),
    ])
}

/// All but the plan.
fn statement(statement: &Statement) -> String {
    object(crate::export::json::statement(statement))
}

fn metric(family: &Family, series: &Series) -> String {
    let labels = series.labels.iter().map(|(name, value)| (&**name, text(value)));
    let head = [("metric", text(&family.name)), ("kind", text(family.kind.as_str())), ("labels", object(labels))];
    match count_and_sum(&series.value) {
        Some((count, sum)) => object(head.into_iter().chain([("count", count.to_string()), ("sum", number(sum))])),
        None => object(head.into_iter().chain([("value", exact(&series.value))])),
    }
}
