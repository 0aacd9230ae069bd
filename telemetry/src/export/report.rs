//! What a program prints when it ends: where its time went, what its jobs did, what its statements cost, what it counted.
//!
//! `Report` picks that out of a snapshot and makes tables of it, which are shown as text, as Markdown and on the endpoint's page; JSON
//! has the figures as they are.

mod function; // what is known of a function
mod json; // the figures, for programs
#[cfg(feature = "prometheus")]
pub(crate) mod live; // for the page
mod table; // rows and columns, for people

#[cfg_attr(telemetry_off, allow(unused_imports, reason = "nothing is kept of a run"))]
pub(crate) use function::{Function, functions};
#[cfg(feature = "prometheus")]
pub(crate) use table::Align;
pub(crate) use table::{Column, Table};

use crate::builtin;
use crate::export::number::{human_bytes, human_number, human_seconds, thousands};
use crate::metric::Kind;
use crate::snapshot::{Family, Job, Series, SlowStatement, Snapshot, Statement, Tally, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Columns of text where the terminal's width is not known.
pub(crate) const DEFAULT_WIDTH: usize = 100;

/// The most rows of a table; the rest is named in a line below it.
const MAX_ROWS: usize = 40;

/// Families with more series than this are shown as one line, their total.
const MAX_SERIES_SHOWN: usize = 6;

/// What the columns of functions mean, said below the table of those that are shown.
const FUNCTION_LEGEND: &[(&str, &str)] = &[
    ("running", "running: how many, and the age of the oldest"),
    ("busy", "busy: executing, callees included"),
    ("idle", "idle: waiting at .await"),
    ("self", "self: without measured callees"),
    ("cpu", "cpu: on a processor, callees included"),
    ("written", "read, written: files, pipes and terminals"),
    (
        table::ESTIMATE,
        "±: standard error, in 19 of 20 cases the truth is within twice that; ±?: too few readings to tell",
    ),
    ("p99", "mean and quantiles: start to end, waiting included; quantiles are at most 19 % off"),
];

/// The report as tables in plain text, some 100 columns wide; empty where nothing was recorded.
///
/// ```
/// #[telemetry::measured(name = "load")]
/// fn load() {}
///
/// load();
/// let report = telemetry::export::report::text(&telemetry::snapshot());
/// assert!(report.lines().any(|line| line.starts_with("load ")));
/// ```
#[must_use]
pub fn text(snapshot: &Snapshot) -> String {
    text_for(snapshot, DEFAULT_WIDTH, false)
}

/// The report as tables in Markdown; empty where nothing was recorded.
#[must_use]
pub fn markdown(snapshot: &Snapshot) -> String {
    let report = Report::of(snapshot);
    let tables = report.tables();
    if tables.is_empty() {
        return String::new();
    }
    let heading = format!("# {}\n\n{}.\n", table::plain(&report.service), report.headline());
    tables.iter().fold(heading, |text, table| text + "\n" + &table.markdown())
}

/// The report as one line of JSON, durations in seconds; empty where nothing was recorded.
#[must_use]
pub fn json(snapshot: &Snapshot) -> String {
    let report = Report::of(snapshot);
    if report.is_empty() { String::new() } else { json::line(&report) }
}

/// The report in at most `width` columns (what cannot be narrower is wider), with the terminal's colours where `color` is true; empty where nothing was recorded.
#[must_use]
pub fn text_for(snapshot: &Snapshot, width: usize, color: bool) -> String {
    let report = Report::of(snapshot);
    let tables = report.tables();
    if tables.is_empty() {
        return String::new();
    }
    let name = table::Style::Title.paint(&table::plain(&report.service), color);
    let heading = format!("{name} {}\n", report.headline());
    tables.iter().fold(heading, |text, table| text + "\n" + &table.text(width, color))
}

/// What of a snapshot is worth a line.
pub(crate) struct Report<'a> {
    /// The program's name.
    pub(crate) service: String,
    taken_at: std::time::SystemTime,
    seconds: f64,
    /// The one that took most time itself first.
    functions: Vec<Function<'a>>,
    jobs: &'a [Job],
    statements: &'a [Statement],
    slow_statements: &'a [SlowStatement],
    /// What the program or another registry counts, without what is zero.
    metrics: Vec<(&'a Family, Vec<&'a Series>)>,
}

impl<'a> Report<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Report<'a> {
        let lasted = snapshot.taken_at.duration_since(snapshot.started_at).unwrap_or_default();
        Report {
            service: snapshot.service().to_owned(),
            taken_at: snapshot.taken_at,
            seconds: lasted.as_secs_f64(),
            functions: functions(snapshot),
            jobs: &snapshot.jobs,
            statements: &snapshot.statements,
            slow_statements: &snapshot.slow_statements,
            metrics: metrics(snapshot),
        }
    }

    fn is_empty(&self) -> bool {
        self.functions.is_empty()
            && self.jobs.is_empty()
            && self.statements.is_empty()
            && self.slow_statements.is_empty()
            && self.metrics.is_empty()
    }

    /// `ran 12.3 s: 3 functions, 1 job, 2 statements`
    pub(crate) fn headline(&self) -> String {
        let counted = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            _ => Some(format!("{} {what}s", thousands(count as u64))),
        };
        let parts = [
            counted(self.functions.len(), "function"),
            counted(self.jobs.len(), "job"),
            counted(self.statements.len(), "statement"),
            counted(self.metrics.len(), "metric"),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let colon = if parts.is_empty() { "" } else { ": " };
        format!("ran {}{colon}{}", human_seconds(self.seconds), parts.join(", "))
    }

    /// The tables that have a row.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let statements = [self.statement_table(), self.slow_statement_table()];
        let tables =
            [self.job_table(), self.function_table()].into_iter().chain(statements).chain([self.metric_table()]);
        tables.filter(|table| !table.rows.is_empty()).map(|table| table.cut(MAX_ROWS)).collect()
    }

    fn function_table(&self) -> Table {
        let columns = vec![
            Column::wide("function"),
            Column::right("calls"),
            Column::right("errors").alarming(),
            Column::right("panics").alarming(),
            Column::right("cancelled").alarming(),
            Column::right("running"),
            Column::right("busy"),
            Column::right("idle").spare(2),
            Column::right("self"),
            Column::right("cpu").spare(1),
            Column::right("mean").spare(5),
            Column::right("p50").spare(7),
            Column::right("p95").spare(6),
            Column::right("p99").spare(3),
            Column::right("read").spare(4),
            Column::right("written").spare(4),
            Column::right("allocated").spare(4),
        ];
        let mut names = BTreeMap::<_, usize>::new();
        for function in &self.functions {
            *names.entry(function.name).or_default() += 1;
        }
        let row = |function: &Function<'_>| {
            let shared = names.get(function.name).is_some_and(|&count| count > 1);
            let seconds = |seconds: Option<f64>| seconds.map(human_seconds).unwrap_or_default();
            let bytes = |bytes: Option<f64>| {
                let bytes = bytes.filter(|&bytes| bytes > 0.0);
                bytes
                    .map(|bytes| {
                        human_bytes(bytes) + &function.io_quality.mark(bytes, function.io(), function.visits())
                    })
                    .unwrap_or_default()
            };
            vec![
                if shared { format!("{}::{}", function.module, function.name) } else { function.name.to_owned() },
                human_number(function.calls),
                or_nothing(function.errors),
                or_nothing(function.panics),
                or_nothing(function.cancelled),
                function.running(),
                seconds(function.busy),
                seconds(function.idle()),
                seconds(function.own),
                function
                    .cpu
                    .map(|cpu| human_seconds(cpu) + &function.cpu_quality.mark(cpu, cpu, function.visits()))
                    .unwrap_or_default(),
                seconds(function.mean()),
                seconds(function.quantile(0.5)),
                seconds(function.quantile(0.95)),
                seconds(function.quantile(0.99)),
                bytes(function.read),
                bytes(function.written),
                function.allocated.map(human_bytes).unwrap_or_default(),
            ]
        };
        let rows = self.functions.iter().map(row).collect();
        Table { title: "Functions", columns, rows, notes: self.error_types(), legend: FUNCTION_LEGEND }
    }

    /// `errors of fetch: 12 busy, 1 gone`
    fn error_types(&self) -> Vec<String> {
        let of = |function: &Function<'_>| {
            let mut types: Vec<_> = function.error_types.iter().filter(|(_, count)| **count > 0.0).collect();
            types.sort_by(|a, b| b.1.total_cmp(a.1));
            let shown =
                types.iter().take(MAX_SERIES_SHOWN).map(|(name, count)| format!("{} {name}", human_number(**count)));
            let shown: Vec<_> = shown.collect();
            (!shown.is_empty()).then(|| format!("errors of {}: {}", function.name, shown.join(", ")))
        };
        self.functions.iter().filter_map(of).collect()
    }

    fn job_table(&self) -> Table {
        let columns = vec![
            Column::wide("job"),
            Column::left("result"),
            Column::right("elapsed"),
            Column::right("left"),
            Column::right("done"),
            Column::right("records"),
            Column::right("rate").spare(1),
        ];
        let row = |job: &Job| {
            let done = thousands(job.units.sum());
            let records = if job.records.sum() == 0 { String::new() } else { thousands(job.records.sum()) };
            let result = match (job.result, job.progress) {
                (Some(result), _) => result.to_owned(),
                (None, Some(progress)) => format!("running, {:.0} %", progress * 100.0),
                (None, None) => "running".to_owned(),
            };
            #[expect(clippy::cast_precision_loss, reason = "for people")]
            let average = job.units.sum() as f64 / job.elapsed_seconds;
            let rate = if job.result.is_some() { Some(average) } else { job.rate };
            let rate =
                rate.filter(|rate| rate.is_finite()).map(|rate| format!("{} {}/s", human_number(rate), job.unit));
            vec![
                job.name.to_string(),
                result,
                human_seconds(job.elapsed_seconds),
                time_left(job),
                job.total.map_or_else(
                    || format!("{done} {}", job.unit),
                    |total| format!("{done} of {} {}", thousands(total), job.unit),
                ),
                records,
                rate.unwrap_or_default(),
            ]
        };
        let notes = self.jobs.iter().filter_map(not_processed).collect();
        Table { title: "Jobs", columns, rows: self.jobs.iter().map(row).collect(), notes, legend: &[] }
    }

    fn statement_table(&self) -> Table {
        statement_table(self.statements)
    }

    fn slow_statement_table(&self) -> Table {
        let columns = vec![
            Column::left("slow statement"),
            Column::left("database"),
            Column::right("took"),
            Column::right("ended"),
            Column::right("rows"),
            Column::left("error").alarming(),
            Column::wide("text"),
        ];
        let row = |statement: &SlowStatement| {
            let ago = self.taken_at.duration_since(statement.at).unwrap_or_default();
            vec![
                statement.label.to_string(),
                statement.database.to_string(),
                human_seconds(statement.seconds),
                format!("{} ago", human_seconds(ago.as_secs_f64())),
                statement.rows.map(thousands).unwrap_or_default(),
                statement.error_type.unwrap_or_default().to_owned(),
                statement.text.to_string(),
            ]
        };
        Table {
            title: "Slow statements",
            columns,
            rows: self.slow_statements.iter().map(row).collect(),
            notes: Vec::new(),
            legend: &[],
        }
    }

    fn metric_table(&self) -> Table {
        let columns =
            vec![Column::wide("metric"), Column::right("value"), Column::right("observed"), Column::right("mean")];
        let mut rows = Vec::new();
        for (family, series) in &self.metrics {
            if series.len() > MAX_SERIES_SHOWN && family.kind != Kind::Gauge {
                rows.push(total_row(family, series));
            } else {
                let shown = series.iter().take(MAX_SERIES_SHOWN);
                rows.extend(
                    shown.map(|series| figures(family, family.name.to_string() + &labels(series), &series.value)),
                );
                if let Some(more) = series.len().checked_sub(MAX_SERIES_SHOWN).filter(|&more| more > 0) {
                    rows.push(vec![
                        format!("{} ({more} more)", family.name),
                        String::new(),
                        String::new(),
                        String::new(),
                    ]);
                }
            }
        }
        Table { title: "Metrics", columns, rows, notes: Vec::new(), legend: &[] }
    }
}

/// The families that this library does not declare itself, with their series that are not zero.
fn metrics(snapshot: &Snapshot) -> Vec<(&Family, Vec<&Series>)> {
    let ours: BTreeSet<&str> = builtin::CATALOG.iter().map(|descriptor| descriptor.name).collect();
    let theirs = snapshot.families.iter().filter(|family| !ours.contains(&*family.name) && family.kind != Kind::Info);
    let recorded = theirs.map(|family| {
        let series = family.series.iter().filter(|series| series.value.as_f64() != 0.0);
        (family, series.collect::<Vec<_>>())
    });
    recorded.filter(|(_, series)| !series.is_empty()).collect()
}

/// One line for all series of a family that has many.
fn total_row(family: &Family, series: &[&Series]) -> Vec<String> {
    let name = format!("{} ({} series)", family.name, series.len());
    let (count, sum) = series
        .iter()
        .filter_map(|series| count_and_sum(&series.value))
        .fold((0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
    if matches!(family.kind, Kind::Histogram | Kind::Summary) {
        return distribution(family, name, count, sum);
    }
    let total = series.iter().map(|series| series.value.as_f64()).sum();
    vec![name, human(&family.unit, &family.name, total), String::new(), String::new()]
}

fn figures(family: &Family, name: String, value: &Value) -> Vec<String> {
    match (value, count_and_sum(value)) {
        (_, Some((count, sum))) => distribution(family, name, count, sum),
        (Value::Integer(total), _) if family.unit != "bytes" => {
            vec![name, thousands(*total), String::new(), String::new()]
        }
        (value, _) => vec![name, human(&family.unit, &family.name, value.as_f64()), String::new(), String::new()],
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn distribution(family: &Family, name: String, count: u64, sum: f64) -> Vec<String> {
    vec![name, String::new(), thousands(count), human(&family.unit, &family.name, sum / count as f64)]
}

fn count_and_sum(value: &Value) -> Option<(u64, f64)> {
    match value {
        Value::Histogram(histogram) => Some((histogram.count(), histogram.sum)),
        Value::Exponential(exponential) => Some((exponential.count(), exponential.sum)),
        Value::Summary(summary) => Some((summary.count, summary.sum)),
        _ => None,
    }
}

fn statement_table(statements: &[Statement]) -> Table {
    let columns = vec![
        Column::left("statement"),
        Column::left("database"),
        Column::right("runs"),
        Column::right("errors").alarming(),
        Column::right("total"),
        Column::right("mean").spare(1),
        Column::right("longest"),
        Column::right("rows"),
        Column::wide("text"),
    ];
    let first = statements.first().map(|statement| &statement.database);
    let several = statements.iter().any(|statement| Some(&statement.database) != first);
    let row = |statement: &Statement| {
        let runs = statement.calls + statement.errors;
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let mean = statement.total_seconds / runs as f64;
        vec![
            statement.label.to_string(),
            if several { statement.database.to_string() } else { String::new() },
            thousands(runs),
            if statement.errors == 0 { String::new() } else { thousands(statement.errors) },
            human_seconds(statement.total_seconds),
            human_seconds(mean),
            human_seconds(statement.max_seconds),
            thousands(statement.rows),
            statement.text.to_string(),
        ]
    };
    Table { title: "Statements", columns, rows: statements.iter().map(row).collect(), notes: Vec::new(), legend: &[] }
}

/// Statements as a table some 100 columns wide.
#[cfg(feature = "duckdb")]
pub(crate) fn statements_text(statements: &[Statement]) -> String {
    statement_table(statements).text(DEFAULT_WIDTH, false)
}

/// `1m 08s (55s to 1m 40s)`: of a job that still runs, where its end can be told.
fn time_left(job: &Job) -> String {
    let Some(seconds) = job.eta_seconds.filter(|_| job.result.is_none()) else { return String::new() };
    match job.eta_low_seconds.zip(job.eta_high_seconds) {
        Some((low, high)) => format!("{} ({} to {})", human_seconds(seconds), human_seconds(low), human_seconds(high)),
        None => human_seconds(seconds),
    }
}

/// A value in its unit. A moment is no duration.
fn human(unit: &str, name: &str, value: f64) -> String {
    match unit {
        "seconds" if name.contains("_timestamp_") => human_number(value),
        "seconds" => human_seconds(value),
        "bytes" => human_bytes(value),
        _ => human_number(value),
    }
}

/// `{table="flights"}`
fn labels(series: &Series) -> String {
    if series.labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<_> = series.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn or_nothing(count: f64) -> String {
    if count == 0.0 { String::new() } else { human_number(count) }
}

/// `flights: 2 days failed, 4 records skipped`
fn not_processed(job: &Job) -> Option<String> {
    let of = |tally: &Tally, what: &str| {
        let parts = [(tally.failed, "failed"), (tally.skipped, "skipped"), (tally.dead_lettered, "dead-lettered")];
        parts.map(|(count, fate)| (count > 0).then(|| format!("{} {what} {fate}", thousands(count))))
    };
    let parts = of(&job.units, &job.unit).into_iter().chain(of(&job.records, "records"));
    let parts: Vec<_> = parts.flatten().collect();
    (!parts.is_empty()).then(|| format!("{}: {}", job.name, parts.join(", ")))
}

#[cfg(test)]
mod tests;
