//! The span of a DuckDB statement, by OpenTelemetry's conventions for clients of databases.
//! <https://opentelemetry.io/docs/specs/semconv/database/database-spans/>
//!
//! Nothing of the program runs within a statement, so its span is made when it is over, with the times that it had.

use super::calls;
use super::propagator::quietly;
use crate::record::span;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind};
use std::time::Duration;

/// A statement that is over. No text of it holds a literal.
pub(crate) struct Statement<'a> {
    /// What its connection is called.
    pub(crate) database: &'a str,
    /// `select`.
    pub(crate) operation: &'a str,
    /// Its main table, where that can be told.
    pub(crate) table: Option<&'a str>,
    pub(crate) text: &'a str,
    pub(crate) time: Duration,
    /// Rows that came back, where that is known.
    pub(crate) returned_rows: Option<u64>,
    pub(crate) error_type: Option<&'static str>,
}

/// Makes its span, where somebody makes spans.
pub(crate) fn tell(statement: &Statement<'_>) {
    if span::is_on() {
        // What DuckDB says of an error besides may hold the values that it was about.
        quietly(|| calls::tell_past(builder(statement), statement.time, statement.error_type));
    }
}

#[cold]
fn builder(statement: &Statement<'_>) -> SpanBuilder {
    let operation = statement.operation.to_ascii_uppercase();
    let summary = statement.table.map_or_else(|| operation.clone(), |table| format!("{operation} {table}"));
    let mut attributes = vec![
        KeyValue::new("db.system.name", "duckdb"),
        KeyValue::new("db.namespace", statement.database.to_owned()),
        KeyValue::new("db.operation.name", operation),
        KeyValue::new("db.query.summary", summary.clone()),
        KeyValue::new("db.query.text", statement.text.to_owned()),
    ];
    attributes.extend(statement.table.map(|table| KeyValue::new("db.collection.name", table.to_owned())));
    let rows = statement.returned_rows.and_then(|rows| i64::try_from(rows).ok());
    attributes.extend(rows.map(|rows| KeyValue::new("db.response.returned_rows", rows)));
    attributes.extend(statement.error_type.map(|error_type| KeyValue::new("error.type", error_type)));
    SpanBuilder::from_name(summary).with_kind(SpanKind::Client).with_attributes(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_told_by_the_conventions_and_without_what_is_not_known() {
        let statement = |table, rows, error_type| Statement {
            database: "warehouse",
            operation: "select",
            table,
            text: "select * from flights where delay > ?",
            time: Duration::from_millis(3),
            returned_rows: rows,
            error_type,
        };
        let built = builder(&statement(Some("flights"), Some(3), None));
        assert_eq!((&*built.name, built.span_kind), ("SELECT flights", Some(SpanKind::Client)));
        let shown = |built: SpanBuilder| -> Vec<String> {
            built.attributes.unwrap().iter().map(|one| format!("{}={}", one.key, one.value)).collect()
        };
        assert_eq!(
            shown(builder(&statement(Some("flights"), Some(3), None))),
            [
                "db.system.name=duckdb",
                "db.namespace=warehouse",
                "db.operation.name=SELECT",
                "db.query.summary=SELECT flights",
                "db.query.text=select * from flights where delay > ?",
                "db.collection.name=flights",
                "db.response.returned_rows=3",
            ]
        );
        let failed = builder(&statement(None, None, Some("binder")));
        assert_eq!(failed.name, "SELECT");
        assert_eq!(shown(failed).last().unwrap(), "error.type=binder");
    }
}
