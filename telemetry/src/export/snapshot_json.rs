//! A snapshot as one JSON document: everything in it, unrounded.
//!
//! ```json
//! {"version":1,"taken_at":1.5e9,"started_at":1.4e9,
//!  "families":[{"name":"rows_read_total","type":"counter","unit":"","help":"Rows read.","series":[{"labels":{"table":"flights"},"value":3}]}],
//!  "jobs":[],"statements":[],"slow_statements":[],"call_tree":[]}
//! ```
//! Times are seconds since 1970-01-01 UTC. A series has `value`, or one of `histogram` (`bounds`, `buckets`, `sum`, `count`: buckets are not cumulative, and there is one more than
//! bounds), `exponential` (`scale`, `offset`, `buckets`, `below`, `above`, `sum`, `count`, `quantiles`) and `summary` (`quantiles`, `sum`, `count`). Whole numbers
//! have all their digits; what JSON cannot say, NaN and infinities, is `null`.
//!
//! With the feature `history`, `decode` reads it again.

#[cfg(feature = "history")]
mod ordered; // JSON in the order in which it stands
#[cfg(feature = "history")]
mod read; // a snapshot from its document
#[cfg(all(test, feature = "history"))]
mod tests;

#[cfg(feature = "history")]
pub use read::{SnapshotDocumentError, decode};

use crate::export::json::{number, optional, seconds_since_epoch, text};
use crate::export::{Encoder, Number, Sample, encode as walk};
use crate::snapshot::{
    CallNode, Exponential, Family, Histogram, Job, Series, SlowStatement, Snapshot, Statement, Summary,
};
use std::convert::Infallible;

/// Raised when something is taken away or changes its meaning; not when something is added.
const VERSION: u32 = 1;

/// The document, with a line's end at its end.
///
/// ```
/// telemetry::metric! { /** Rows answered. */ counter rows_answered_total(table: &str); }
/// rows_answered_total("flights").add(3);
/// let json = telemetry::export::snapshot_json::encode(&telemetry::snapshot());
/// assert!(json.contains(r#"{"name":"rows_answered_total","type":"counter","unit":"","help":"Rows answered.","series":[{"labels":{"table":"flights"},"value":3}]}"#));
/// ```
#[must_use]
pub fn encode(snapshot: &Snapshot) -> String {
    let mut json = Json { out: String::new(), series: 0, families: 0 };
    let head = [
        ("\"version\":", VERSION.to_string()),
        ("\"taken_at\":", seconds_since_epoch(snapshot.taken_at)),
        ("\"started_at\":", seconds_since_epoch(snapshot.started_at)),
    ];
    json.out.push('{');
    for (name, value) in head {
        json.push(&[name, &value, ","]);
    }
    json.out.push_str("\"families\":[");
    let Ok(()) = walk(snapshot, &mut json);
    json.out.push_str("],");
    json.list("jobs", &snapshot.jobs, Json::job);
    json.out.push(',');
    json.list("statements", &snapshot.statements, Json::statement);
    json.out.push(',');
    json.list("slow_statements", &snapshot.slow_statements, Json::slow_statement);
    json.out.push(',');
    json.list("call_tree", &snapshot.call_tree, Json::call_node);
    json.out.push_str("}\n");
    json.out
}

struct Json {
    out: String,
    /// How many have been written: of the family, and of the document.
    series: usize,
    families: usize,
}

impl Encoder for Json {
    type Error = Infallible;

    fn family(&mut self, family: &Family) -> Result<(), Infallible> {
        if self.families > 0 {
            self.out.push_str("]},");
        }
        self.families += 1;
        self.series = 0;
        let texts = [("{\"name\":", &family.name), (",\"unit\":", &family.unit), (",\"help\":", &family.help)];
        for (index, (name, value)) in texts.into_iter().enumerate() {
            self.push(&[name, &text(value)]);
            if index == 0 {
                self.push(&[",\"type\":", &text(family.kind.as_str())]);
            }
        }
        self.out.push_str(",\"series\":[");
        Ok(())
    }

    /// Not asked for: all values are written whole.
    fn sample(&mut self, sample: &Sample<'_>) -> Result<(), Infallible> {
        self.push(&["{\"value\":", &whole(sample.value), "}"]);
        Ok(())
    }

    fn number(&mut self, _: &Family, series: &Series, value: Number) -> Result<(), Infallible> {
        self.begin(series);
        self.push(&["\"value\":", &whole(value), "}"]);
        Ok(())
    }

    fn histogram(&mut self, _: &Family, series: &Series, histogram: &Histogram) -> Result<(), Infallible> {
        self.begin(series);
        self.out.push_str("\"histogram\":{");
        self.numbers("\"bounds\":", histogram.bounds.iter().map(|bound| number(*bound)));
        self.numbers(",\"buckets\":", histogram.buckets.iter().map(u64::to_string));
        self.total(histogram.sum, histogram.count());
        Ok(())
    }

    fn exponential(&mut self, _: &Family, series: &Series, value: &Exponential) -> Result<(), Infallible> {
        self.begin(series);
        self.push(&[
            "\"exponential\":{\"scale\":",
            &value.scale.to_string(),
            ",\"offset\":",
            &value.offset.to_string(),
        ]);
        self.numbers(",\"buckets\":", value.buckets.iter().map(u64::to_string));
        self.push(&[
            ",\"below\":",
            &value.below.to_string(),
            ",\"above\":",
            &value.above.to_string(),
            ",\"quantiles\":{",
        ]);
        for (index, (name, quantile)) in [("0.5", 0.5), ("0.95", 0.95), ("0.99", 0.99)].into_iter().enumerate() {
            let comma = if index == 0 { "\"" } else { ",\"" };
            self.push(&[comma, name, "\":", &optional(value.quantile(quantile))]);
        }
        self.out.push('}');
        self.total(value.sum, value.count());
        Ok(())
    }

    fn summary(&mut self, _: &Family, series: &Series, summary: &Summary) -> Result<(), Infallible> {
        self.begin(series);
        self.out.push_str("\"summary\":{\"quantiles\":{");
        for (index, (quantile, value)) in summary.quantiles.iter().enumerate() {
            let comma = if index == 0 { "\"" } else { ",\"" };
            self.push(&[comma, &quantile.to_string(), "\":", &number(*value)]);
        }
        self.out.push('}');
        self.total(summary.sum, summary.count);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Infallible> {
        if self.families > 0 {
            self.out.push_str("]}");
        }
        Ok(())
    }
}

impl Json {
    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.out.push_str(part));
    }

    fn begin(&mut self, series: &Series) {
        if self.series > 0 {
            self.out.push(',');
        }
        self.series += 1;
        self.out.push_str("{\"labels\":{");
        for (index, (name, value)) in series.labels.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            self.push(&[comma, &text(name), ":", &text(value)]);
        }
        self.out.push_str("},");
    }

    fn numbers(&mut self, name: &str, numbers: impl Iterator<Item = String>) {
        self.push(&[name, "["]);
        for (index, number) in numbers.enumerate() {
            let comma = if index == 0 { "" } else { "," };
            self.push(&[comma, &number]);
        }
        self.out.push(']');
    }

    /// The end of a series that is more than a number.
    fn total(&mut self, sum: f64, count: u64) {
        self.push(&[",\"sum\":", &number(sum), ",\"count\":", &count.to_string(), "}}"]);
    }

    fn list<T>(&mut self, name: &str, items: &[T], write: fn(&mut Json, &T)) {
        self.push(&["\"", name, "\":["]);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            write(self, item);
        }
        self.out.push(']');
    }

    fn object<'a>(&mut self, members: impl IntoIterator<Item = (&'a str, String)>) {
        for (index, (name, value)) in members.into_iter().enumerate() {
            let comma = if index == 0 { "{\"" } else { ",\"" };
            self.push(&[comma, name, "\":", &value]);
        }
        self.out.push('}');
    }

    fn job(&mut self, job: &Job) {
        self.object(crate::export::json::job(job));
    }

    fn statement(&mut self, statement: &Statement) {
        let plan = ("last_plan", statement.last_plan.as_deref().map_or_else(null, text));
        self.object(crate::export::json::statement(statement).into_iter().chain([plan]));
    }

    fn call_node(&mut self, node: &CallNode) {
        self.object([
            ("function", text(&node.function)),
            ("module", text(&node.module)),
            ("caller", node.caller.map_or_else(null, |caller| caller.to_string())),
            ("visits", number(node.visits)),
            ("self_seconds", number(node.self_seconds)),
            ("self_allocated_bytes", optional(node.self_allocated_bytes)),
            ("cpu_seconds", optional(node.cpu_seconds)),
        ]);
    }

    fn slow_statement(&mut self, statement: &SlowStatement) {
        self.object(crate::export::json::slow_statement(statement));
    }
}

fn null() -> String {
    "null".to_owned()
}

/// Whole numbers in all their digits.
fn whole(value: Number) -> String {
    match value {
        Number::Float(value) => number(value),
        other => other.to_string(),
    }
}
