//! Jobs: how far they are and how they fare; and what they ask of whom.

use super::functions::rounded;
use super::layout::Row;
use super::panel::{Panel, View};
use super::query::{Chosen, grouped, share, sum};
use crate::catalog::Catalog;
use crate::catalog::program::{Endpoint, Job};
use crate::objective::{JobCounts, Objective, Subject};

/// A job that has not succeeded for a day is worth a look, for two it is late: most are daily.
const DAYS: [(f64, &str); 2] = [(86_400.0, "orange"), (172_800.0, "red")];

/// A row for each job, and one for each endpoint that it asks.
pub(super) fn rows(catalog: &Catalog, chosen: &Chosen) -> Vec<Row> {
    let mut rows = Vec::new();
    for job in &catalog.jobs {
        let chosen = chosen.with("job_name", &job.job_name);
        let is_its = |objective: &&Objective| matches!(&objective.subject, Subject::Job { job_name, counts: JobCounts::Units } if *job_name == job.job_name);
        let success = catalog.objectives.iter().find(is_its).and_then(|objective| objective.success);
        rows.push(of(job, success, &chosen));
        rows.extend(job.endpoints.iter().map(|endpoint| asked(job, endpoint, &chosen)));
    }
    rows
}

pub(super) fn at_a_glance(has: &dyn Fn(&str) -> bool, chosen: &Chosen) -> Vec<Panel> {
    let by = ["job_name"];
    let max = |family: &str| grouped("max", &by, &chosen.of(family));
    let mut panels = Vec::new();
    if has("backfill_progress_ratio") {
        panels.push(
            Panel::new("progress", View::Bars, "Done", "percentunit")
                .tells("The share of the expected units that is done with.")
                .asks(max("backfill_progress_ratio"), "{{job_name}}")
                .or_else("no total")
                .share(),
        );
    }
    if has("backfill_eta_seconds") {
        panels.push(
            Panel::new("left", View::Stat, "Time left", "dtdurations")
                .tells("What is probably left; nothing where that cannot be told.")
                .asks(max("backfill_eta_seconds"), "{{job_name}}")
                .or_else("not known"),
        );
    }
    if has("backfill_last_success_timestamp_seconds") {
        let since =
            format!("time() - max by (job_name) ({} > 0)", chosen.of("backfill_last_success_timestamp_seconds"));
        let panel = Panel::new("success", View::Stat, "Since the last success", "dtdurations")
            .tells("How long ago a run last ended as ok. Orange after a day, red after two.")
            .asks(since, "{{job_name}}")
            .or_else("never");
        panels.push(DAYS.iter().fold(panel, |panel, (from, colour)| panel.from(*from, colour)));
    }
    if has("backfill_stalled") {
        panels.push(
            Panel::new("stalled", View::States, "State", "none")
                .tells("Whether a running job has made no progress for longer than it may.")
                .asks(max("backfill_stalled"), "{{job_name}}")
                .words(&[("runs", "green"), ("stalled", "red")]),
        );
    }
    panels
}

/// With the share that an objective allows as the line, where there is one.
fn of(job: &Job, success: Option<f64>, chosen: &Chosen) -> Row {
    let has = |family: &str| job.families.contains(family);
    let mut panels = Vec::new();
    if has("backfill_records_total") {
        panels.push(
            Panel::new("records", View::Stacked, "Records per second, by what became of them", "suffix: records/s")
                .asks(chosen.rates("backfill_records_total", &["status"]), "{{status}}")
                .at_zero(),
        );
    }
    if has("backfill_units_total") {
        let all = chosen.without("status", "skipped").rates("backfill_units_total", &[]);
        let failed = chosen.matching("status", "failed|dead_lettered").rates("backfill_units_total", &[]);
        panels.push(
            Panel::new("units", View::Stacked, "Units per second, by what became of them", "suffix: units/s")
                .tells("In what the job counts.")
                .asks(chosen.rates("backfill_units_total", &["unit", "status"]), "{{unit}} {{status}}")
                .at_zero(),
        );
        panels.push(
            Panel::new("failed", View::Lines, "Share of units that fail", "percentunit")
                .tells("Failed and dead-lettered, of all that are done with and were not skipped.")
                .asks(share(&failed, &all), "failed")
                .from(success.map_or(0.05, |success| rounded(1.0 - success)), "red")
                .or_else("nothing is done")
                .share(),
        );
    }
    if has("backfill_progress_ratio") {
        panels.push(
            Panel::new("course", View::Lines, "Done, in the course of time", "percentunit")
                .asks(grouped("max", &[], &chosen.of("backfill_progress_ratio")), "done")
                .share(),
        );
    }
    if has("backfill_processing_duration_seconds") {
        panels.push(
            Panel::new("steps", View::Lines, "Duration of a step, 95th percentile", "s")
                .tells("95 of 100 take less.")
                .asks(chosen.quantile("0.95", "backfill_processing_duration_seconds", &["operation"]), "{{operation}}")
                .with_exemplars()
                .at_zero(),
        );
    }
    if has("backfill_queue_records") {
        panels.push(
            Panel::new("queues", View::Lines, "Records in queues", "suffix: records")
                .asks(sum(&["queue"], &chosen.of("backfill_queue_records")), "{{queue}}")
                .at_zero(),
        );
        panels.push(
            Panel::new("ages", View::Lines, "Age of the oldest record in a queue", "s")
                .asks(grouped("max", &["queue"], &chosen.of("backfill_queue_oldest_age_seconds")), "{{queue}}")
                .at_zero(),
        );
    }
    if has("backfill_workers") {
        panels.push(
            Panel::new("workers", View::Lines, "Workers, and those that hang", "short")
                .asks(sum(&[], &chosen.of("backfill_workers")), "workers")
                .asks(sum(&[], &chosen.of("backfill_stalled_workers")), "hang")
                .at_zero(),
        );
    }
    if has("backfill_runs_total") {
        let increase = format!("increase({}[$__range])", chosen.of("backfill_runs_total"));
        panels.push(
            Panel::new("runs", View::Table, "Runs in this time, by result", "short")
                .asks(sum(&["result"], &increase), "__auto")
                .column("result", "result")
                .column("Value", "runs"),
        );
    }
    Row::named(format!("job {}", job.job_name), &format!("Job {}", job.job_name)).open().with(panels)
}

fn asked(job: &Job, endpoint: &Endpoint, chosen: &Chosen) -> Row {
    let has = |family: &str| endpoint.families.contains(family);
    let chosen = chosen.with("endpoint_name", &endpoint.endpoint_name);
    let mut panels = Vec::new();
    if has("backfill_requests_total") {
        let all = chosen.rates("backfill_requests_total", &[]);
        let well = chosen.matching("code", "[123]..|ok").rates("backfill_requests_total", &[]);
        panels.push(
            Panel::new("rate", View::Stacked, "Requests per second, by code", "reqps")
                .tells("By the response's code, or by the kind of the error where there was no response.")
                .asks(chosen.rates("backfill_requests_total", &["code"]), "{{code}}")
                .at_zero(),
        );
        panels.push(
            Panel::new("errors", View::Lines, "Share of requests that fail", "percentunit")
                .tells("Those that were refused, or had no answer.")
                .asks(format!("1 - {}", share(&well, &all)), "failed")
                .from(0.05, "orange")
                .from(0.25, "red")
                .or_else("nothing was asked")
                .share(),
        );
    }
    if has("backfill_request_duration_seconds") {
        let quantile = |quantile| chosen.quantile(quantile, "backfill_request_duration_seconds", &[]);
        panels.push(
            Panel::new("duration", View::Lines, "Duration of a request", "s")
                .tells("Half of the requests, 95 and 99 of 100 take less.")
                .asks(quantile("0.5"), "half")
                .asks(quantile("0.95"), "95 %")
                .asks(quantile("0.99"), "99 %")
                .with_exemplars()
                .or_else("nothing was asked")
                .at_zero(),
        );
    }
    if has("backfill_requests_in_flight") {
        panels.push(
            Panel::new("flight", View::Lines, "Requests in flight", "short")
                .asks(sum(&[], &chosen.of("backfill_requests_in_flight")), "in flight")
                .at_zero(),
        );
    }
    if has("backfill_retries_total") {
        panels.push(
            Panel::new("retries", View::Lines, "Retries per second, by reason", "reqps")
                .asks(chosen.rates("backfill_retries_total", &["reason"]), "{{reason}}")
                .at_zero(),
        );
    }
    if has("backfill_wait_seconds_total") {
        panels.push(
            Panel::new("waits", View::Lines, "Tasks that wait before a request, by reason", "short")
                .tells("Seconds of waiting of each second, added up over all who wait.")
                .asks(chosen.rates("backfill_wait_seconds_total", &["reason"]), "{{reason}}")
                .at_zero(),
        );
    }
    if has("backfill_rate_limit_tokens") {
        panels.push(
            Panel::new("tokens", View::Lines, "Rate-limit tokens left", "short")
                .asks(grouped("min", &[], &chosen.of("backfill_rate_limit_tokens")), "left")
                .at_zero(),
        );
    }
    let key = format!("endpoint {} {}", job.job_name, endpoint.endpoint_name);
    Row::named(key, &format!("Endpoint {} of job {}", endpoint.endpoint_name, job.job_name)).with(panels)
}
