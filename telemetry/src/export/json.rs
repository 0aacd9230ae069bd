//! JSON, written: what the few documents that have it need.

use crate::export::Number;
use crate::snapshot::{Job, SlowStatement, Statement, Tally, Value, Worker};
use std::time::SystemTime;

/// Members in this order; each value is JSON already.
pub(crate) fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members: Vec<_> = members.into_iter().map(|(name, value)| format!("{}:{value}", text(name))).collect();
    format!("{{{}}}", members.join(","))
}

pub(crate) fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// JSON has no NaN and no infinity.
pub(crate) fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { "null".to_owned() }
}

pub(crate) fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "null".to_owned(), number)
}

pub(crate) fn text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

pub(crate) fn null() -> String {
    "null".to_owned()
}

/// A moment.
pub(crate) fn seconds_since_epoch(time: SystemTime) -> String {
    number(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64())
}

/// A value that is one number; whole ones in all their digits.
pub(crate) fn exact(value: &Value) -> String {
    match value {
        Value::Integer(value) => value.to_string(),
        Value::Nanoseconds(value) => Number::Nanoseconds(*value).to_string(),
        other => number(other.as_f64()),
    }
}

/// A job's run.
pub(crate) fn job(job: &Job) -> Vec<(&'static str, String)> {
    vec![
        ("name", text(&job.name)),
        ("run_id", job.run_id.to_string()),
        ("unit", text(&job.unit)),
        ("started_at", seconds_since_epoch(job.started_at)),
        ("elapsed_seconds", number(job.elapsed_seconds)),
        ("total", job.total.map_or_else(null, |total| total.to_string())),
        ("units", tally(&job.units)),
        ("records", tally(&job.records)),
        ("progress", optional(job.progress)),
        ("units_per_second", optional(job.rate)),
        ("overall_rate", optional(job.overall_rate)),
        ("eta_seconds", optional(job.eta_seconds)),
        ("eta_low_seconds", optional(job.eta_low_seconds)),
        ("eta_high_seconds", optional(job.eta_high_seconds)),
        ("deadline", job.deadline.map_or_else(null, seconds_since_epoch)),
        ("stalled", job.stalled.to_string()),
        ("quiet_seconds", optional(job.quiet_seconds)),
        ("workers", array(job.workers.iter().map(worker))),
        ("resumed", job.resumed.to_string()),
        ("result", job.result.map_or_else(null, text)),
    ]
}

fn worker(worker: &Worker) -> String {
    object([
        ("name", text(&worker.name)),
        ("quiet_seconds", number(worker.quiet_seconds)),
        ("idle", worker.idle.to_string()),
        ("stalled", worker.stalled.to_string()),
    ])
}

/// Units or records by what became of them.
pub(crate) fn tally(tally: &Tally) -> String {
    object([
        ("processed", tally.processed.to_string()),
        ("failed", tally.failed.to_string()),
        ("skipped", tally.skipped.to_string()),
        ("dead_lettered", tally.dead_lettered.to_string()),
    ])
}

/// A run of a DuckDB statement that took long.
pub(crate) fn slow_statement(statement: &SlowStatement) -> Vec<(&'static str, String)> {
    vec![
        ("statement", text(&statement.label)),
        ("database", text(&statement.database)),
        ("text", text(&statement.text)),
        ("at", seconds_since_epoch(statement.at)),
        ("seconds", number(statement.seconds)),
        ("rows", statement.rows.map_or_else(null, |rows| rows.to_string())),
        ("error_type", statement.error_type.map_or_else(null, text)),
        ("plan", statement.plan.as_deref().map_or_else(null, text)),
        ("plan_is_earlier", statement.plan_is_earlier.to_string()),
    ]
}

/// A DuckDB statement, but for its plan.
pub(crate) fn statement(statement: &Statement) -> Vec<(&'static str, String)> {
    let whole = |value: Option<u64>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
    let profile = &statement.profile;
    let types = statement.error_types.iter().map(|(name, count)| (&**name, count.to_string()));
    vec![
        ("statement", text(&statement.label)),
        ("database", text(&statement.database)),
        ("text", text(&statement.text)),
        ("calls", statement.calls.to_string()),
        ("errors", statement.errors.to_string()),
        ("error_types", object(types)),
        ("total_seconds", number(statement.total_seconds)),
        ("mean_seconds", number(statement.mean_seconds())),
        ("min_seconds", number(statement.min_seconds)),
        ("max_seconds", number(statement.max_seconds)),
        ("deviation_seconds", number(statement.deviation_seconds)),
        ("p50_seconds", number(statement.p50_seconds)),
        ("p95_seconds", number(statement.p95_seconds)),
        ("p99_seconds", number(statement.p99_seconds)),
        ("rows", statement.rows.to_string()),
        ("profiled_runs", profile.runs.to_string()),
        ("profiles_stand_for", profile.stands_for.to_string()),
        ("rows_scanned", whole(profile.rows_scanned)),
        ("operator_seconds", optional(profile.operator_seconds)),
        ("planning_seconds", optional(profile.planning_seconds)),
        ("blocked_seconds", optional(profile.blocked_seconds)),
        ("peak_memory_bytes", whole(profile.peak_memory_bytes)),
        ("peak_temp_bytes", whole(profile.peak_temp_bytes)),
        ("read_bytes", whole(profile.read_bytes)),
        ("written_bytes", whole(profile.written_bytes)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_json_string() {
        assert_eq!(text("a\"b\\c\nd\u{1}ü"), r#""a\"b\\c\u000ad\u0001ü""#);
    }

    #[test]
    fn what_json_cannot_say_is_null() {
        assert_eq!((number(f64::NAN), number(1.5), optional(None)), ("null".into(), "1.5".into(), "null".into()));
    }
}
