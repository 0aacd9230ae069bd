//! What the endpoint's page shows, as one JSON document that is made each second: functions as columns, so that ten thousand of them are read in
//! milliseconds, everything else as it is in `/api/snapshot`, but for what nobody would look through on a page.
//!
//! It is for the page of the same version alone, and may change with it.

use super::{Function, functions};
use crate::builtin;
use crate::export::json::{self, array, exact, number, object, optional, seconds_since_epoch, text};

use crate::metric::Kind;
use crate::snapshot::{Exponential, Family, Series, SlowStatement, Snapshot, Value};
use std::collections::{BTreeSet, HashMap};

/// The most series of a family that the page gets, those that show most first.
const MAX_SERIES: usize = 200;

/// The document.
pub(crate) fn encode(snapshot: &Snapshot) -> String {
    let mut functions = functions(snapshot);
    // An order in which a function keeps its place from one second to the next.
    functions.sort_by(|a, b| (a.module, a.name).cmp(&(b.module, b.name)));
    let statements = snapshot.statements.iter().map(|statement| {
        let plan = ("plan", plan(statement.last_plan.as_deref()));
        object(json::statement(statement).into_iter().chain([plan]))
    });
    let document = object([
        ("version", text(env!("CARGO_PKG_VERSION"))),
        ("service", text(snapshot.service())),
        ("taken_at", seconds_since_epoch(snapshot.taken_at)),
        ("started_at", seconds_since_epoch(snapshot.started_at)),
        ("functions", columns(&functions)),
        ("tree", tree(snapshot, &functions)),
        ("jobs", array(snapshot.jobs.iter().map(|job| object(json::job(job))))),
        ("statements", array(statements)),
        ("slow", array(snapshot.slow_statements.iter().map(slow))),
        ("families", families(snapshot)),
    ]);
    document + "\n"
}

fn columns(functions: &[Function<'_>]) -> String {
    let texts = |of: &dyn Fn(&Function<'_>) -> String| array(functions.iter().map(of));
    let numbers = |of: &dyn Fn(&Function<'_>) -> f64| array(functions.iter().map(|function| number(of(function))));
    // A column in which nothing stands is not there.
    let some = |of: &dyn Fn(&Function<'_>) -> Option<f64>| {
        let values: Vec<Option<f64>> = functions.iter().map(of).collect();
        if values.iter().all(Option::is_none) {
            return String::from("null");
        }
        array(values.into_iter().map(optional))
    };
    object([
        ("function", texts(&|function| text(function.name))),
        ("module", texts(&|function| text(function.module))),
        ("calls", numbers(&|function| function.calls)),
        ("errors", numbers(&|function| function.errors)),
        ("panics", numbers(&|function| function.panics)),
        ("cancelled", numbers(&|function| function.cancelled)),
        ("running", numbers(&|function| function.running)),
        ("oldest", numbers(&|function| function.oldest)),
        ("busy", some(&|function| function.busy)),
        ("idle", some(&|function| function.idle())),
        ("self", some(&|function| function.own)),
        ("cpu", some(&|function| function.cpu)),
        ("cpu_error", some(&|function| function.cpu_quality.error)),
        ("mean", some(&|function| function.mean())),
        ("p50", some(&|function| function.quantile(0.5))),
        ("p95", some(&|function| function.quantile(0.95))),
        ("p99", some(&|function| function.quantile(0.99))),
        ("read", some(&|function| function.read)),
        ("written", some(&|function| function.written)),
        ("io_error", some(&|function| function.io_quality.error)),
        ("allocated", some(&|function| function.allocated)),
        ("self_allocated", some(&|function| function.own_allocated)),
        ("allocations", some(&|function| function.allocations)),
        ("peak", some(&|function| function.peak)),
        ("buckets", texts(&|function| function.durations.as_ref().map_or_else(|| String::from("null"), sparse))),
        ("error_types", texts(&error_types)),
    ])
}

fn error_types(function: &Function<'_>) -> String {
    if function.error_types.is_empty() {
        return String::from("null");
    }
    object(function.error_types.iter().map(|(name, count)| (*name, number(*count))))
}

/// `[the first bucket's index, its count, the next one's, …]` up to the last that holds anything. Bucket `i` ends at 2^((i + 1) / 4) seconds; what is
/// beyond either end counts in the outermost.
fn sparse(durations: &Exponential) -> String {
    let ends = [durations.below, durations.above];
    let mut counts: Vec<u64> = durations.buckets.clone();
    if let (Some(first), [below, _]) = (counts.first_mut(), ends) {
        *first += below;
    }
    if let (Some(last), [_, above]) = (counts.last_mut(), ends) {
        *last += above;
    }
    let first = counts.iter().position(|&count| count > 0).unwrap_or(0);
    let end = counts.iter().rposition(|&count| count > 0).map_or(first, |last| last + 1);
    let index = i64::from(durations.offset) + i64::try_from(first).unwrap_or(0);
    let counts = counts.iter().take(end).skip(first).map(u64::to_string);
    array(std::iter::once(index.to_string()).chain(counts))
}

/// Columns, with functions by their place among the functions and callers by theirs in the tree; -1 for none.
fn tree(snapshot: &Snapshot, functions: &[Function<'_>]) -> String {
    let places: HashMap<(&str, &str), usize> =
        functions.iter().enumerate().map(|(place, function)| ((function.module, function.name), place)).collect();
    let tree = &snapshot.call_tree;
    let place = |place: Option<usize>| place.map_or_else(|| String::from("-1"), |place| place.to_string());
    let some = |values: Vec<Option<f64>>| {
        if values.iter().all(Option::is_none) { String::from("null") } else { array(values.into_iter().map(optional)) }
    };
    object([
        ("function", array(tree.iter().map(|node| place(places.get(&(&*node.module, &*node.function)).copied())))),
        ("caller", array(tree.iter().map(|node| place(node.caller)))),
        ("visits", array(tree.iter().map(|node| number(node.visits.round())))),
        ("self", array(tree.iter().map(|node| number(node.self_seconds)))),
        ("cpu", some(tree.iter().map(|node| node.cpu_seconds).collect())),
        ("bytes", some(tree.iter().map(|node| node.self_allocated_bytes.map(f64::round)).collect())),
    ])
}

fn slow(statement: &SlowStatement) -> String {
    object(json::slow_statement(statement))
}

fn plan(plan: Option<&str>) -> String {
    plan.map_or_else(|| String::from("null"), text)
}

/// What the page shows a family under.
fn group(name: &str, ours: &BTreeSet<&str>) -> Option<&'static str> {
    if !ours.contains(name) {
        return Some("user");
    }
    let group = match name.split('_').next() {
        Some("function") => return None,
        Some("backfill") => "job",
        Some("duckdb") => "database",
        Some("telemetry") => "own",
        _ => "process",
    };
    Some(group)
}

fn families(snapshot: &Snapshot) -> String {
    let ours: BTreeSet<&str> = builtin::CATALOG.iter().map(|descriptor| descriptor.name).collect();
    let shown = snapshot.families.iter().filter_map(|family| Some((family, group(&family.name, &ours)?)));
    array(shown.map(|(family, group)| {
        let mut series: Vec<&Series> = family.series.iter().collect();
        if series.len() > MAX_SERIES {
            series.sort_by(|a, b| b.value.as_f64().total_cmp(&a.value.as_f64()));
            series.truncate(MAX_SERIES);
        }
        object([
            ("name", text(&family.name)),
            ("group", text(group)),
            ("kind", text(family.kind.as_str())),
            ("unit", text(unit(family))),
            ("help", text(&family.help)),
            ("count", family.series.len().to_string()),
            ("series", array(series.into_iter().map(one))),
        ])
    }))
}

/// A moment is no duration.
fn unit(family: &Family) -> &str {
    match &*family.unit {
        "seconds" if family.kind == Kind::Gauge && family.name.contains("_timestamp_") => "timestamp",
        unit => unit,
    }
}

fn one(series: &Series) -> String {
    let labels = ("labels", object(series.labels.iter().map(|(name, value)| (&**name, text(value)))));
    let numbers = |values: &[u64]| array(values.iter().map(u64::to_string));
    match &series.value {
        Value::Histogram(histogram) => object([
            labels,
            ("count", histogram.count().to_string()),
            ("sum", number(histogram.sum)),
            ("bounds", array(histogram.bounds.iter().map(|bound| number(*bound)))),
            ("buckets", numbers(&histogram.buckets)),
        ]),
        Value::Exponential(exponential) => {
            let histogram = exponential.to_powers_of_two();
            object([
                labels,
                ("count", histogram.count().to_string()),
                ("sum", number(histogram.sum)),
                ("bounds", array(histogram.bounds.iter().map(|bound| number(*bound)))),
                ("buckets", numbers(&histogram.buckets)),
            ])
        }
        Value::Summary(summary) => object([
            labels,
            ("count", summary.count.to_string()),
            ("sum", number(summary.sum)),
            (
                "quantiles",
                array(summary.quantiles.iter().map(|(q, value)| array([number(*q), number(*value)].into_iter()))),
            ),
        ]),
        value => object([labels, ("value", exact(value))]),
    }
}
