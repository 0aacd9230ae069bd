//! A run from its line.

use crate::history::run::VERSION;
use crate::history::{FunctionRun, HistoryError, JobRun, Run, RunHead, Sketch, StatementRun};
use crate::snapshot::Tally;
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};

/// The name that ends what a list of runs reads. In a string its quotes would be escaped.
const REST: &str = ",\"functions\":[";

/// What a list shows of a line, without the rest being read.
pub(super) fn head(line: &str) -> Result<RunHead, HistoryError> {
    let start = line.split_once(REST).map_or(line, |(head, _)| head);
    let text = if start.len() == line.len() { line.to_owned() } else { format!("{start}}}") };
    head_of(&parsed(&text)?)
}

/// The whole run.
pub(super) fn run(line: &str) -> Result<Run, HistoryError> {
    let document = parsed(line)?;
    let list = |name: &str| document.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice).iter();
    Ok(Run {
        head: head_of(&document)?,
        functions: list("functions").map(function).collect(),
        jobs: list("jobs").map(job).collect(),
        statements: list("statements").map(statement).collect(),
    })
}

fn parsed(text: &str) -> Result<Value, HistoryError> {
    serde_json::from_str(text).map_err(|error| HistoryError::Damaged { why: error.to_string() })
}

fn head_of(document: &Value) -> Result<RunHead, HistoryError> {
    let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    let needed = |name: &str| text(name).ok_or_else(|| HistoryError::Damaged { why: format!("it has no `{name}`") });
    let version = document.get("version").and_then(Value::as_u64).unwrap_or(0);
    if version > u64::from(VERSION) {
        let why =
            format!("its version is {version}, and {VERSION} is the latest that this version of `telemetry` knows");
        return Err(HistoryError::Damaged { why });
    }
    let pairs = |name: &str| {
        let object: Option<&Map<String, Value>> = document.get(name).and_then(Value::as_object);
        let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        object.into_iter().flatten().filter_map(pair).collect()
    };
    Ok(RunHead {
        id: needed("run_id")?,
        service: needed("service")?,
        started_at: moment(number(document, "started_at")),
        duration_seconds: number(document, "duration_seconds"),
        result: needed("result")?,
        git_commit: text("git_commit"),
        git_branch: text("git_branch"),
        host: text("host"),
        versions: pairs("versions"),
        settings: pairs("settings"),
    })
}

pub(super) fn moment(seconds: f64) -> SystemTime {
    // A number of seconds since 1970 holds a quarter of a microsecond, hence whole ones.
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let since = Duration::from_micros(u64::try_from((since.as_nanos() + 500) / 1_000).unwrap_or(0));
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn optional(of: &Value, name: &str) -> Option<f64> {
    of.get(name).and_then(Value::as_f64)
}

fn number(of: &Value, name: &str) -> f64 {
    optional(of, name).unwrap_or(0.0)
}

fn whole(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn text(of: &Value, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn sketch(of: &Value) -> Sketch {
    let Some(of) = of.get("durations") else { return Sketch::default() };
    let bucket = |pair: &Value| {
        let bound = pair.get(0)?.as_f64().unwrap_or(f64::INFINITY);
        Some((bound, pair.get(1)?.as_u64()?))
    };
    let buckets = of.get("buckets").and_then(Value::as_array).into_iter().flatten().filter_map(bucket);
    Sketch { buckets: buckets.collect(), sum: number(of, "sum") }
}

fn tally(of: &Value, name: &str) -> Tally {
    let Some(of) = of.get(name) else { return Tally::default() };
    Tally {
        processed: whole(of, "processed"),
        failed: whole(of, "failed"),
        skipped: whole(of, "skipped"),
        dead_lettered: whole(of, "dead_lettered"),
    }
}

fn function(of: &Value) -> FunctionRun {
    FunctionRun {
        module: text(of, "module"),
        function: text(of, "function"),
        calls: number(of, "calls"),
        errors: number(of, "errors"),
        panics: number(of, "panics"),
        cancelled: number(of, "cancelled"),
        polls: optional(of, "polls"),
        busy_seconds: optional(of, "busy_seconds"),
        self_seconds: optional(of, "self_seconds"),
        cpu_seconds: optional(of, "cpu_seconds"),
        allocated_bytes: optional(of, "allocated_bytes"),
        allocations: optional(of, "allocations"),
        read_bytes: optional(of, "read_bytes"),
        written_bytes: optional(of, "written_bytes"),
        durations: sketch(of),
    }
}

fn job(of: &Value) -> JobRun {
    JobRun {
        job: text(of, "job"),
        unit: text(of, "unit"),
        result: of.get("result").and_then(Value::as_str).map(str::to_owned),
        elapsed_seconds: number(of, "elapsed_seconds"),
        total: of.get("total").and_then(Value::as_u64),
        units: tally(of, "units"),
        records: tally(of, "records"),
    }
}

fn statement(of: &Value) -> StatementRun {
    StatementRun {
        database: text(of, "database"),
        statement: text(of, "statement"),
        text: text(of, "text"),
        calls: whole(of, "calls"),
        errors: whole(of, "errors"),
        total_seconds: number(of, "total_seconds"),
        rows: whole(of, "rows"),
        durations: sketch(of),
    }
}
