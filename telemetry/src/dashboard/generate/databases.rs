//! Databases of profiled connections.

use super::layout::Row;
use super::panel::{Panel, View};
use super::query::{Chosen, grouped, share, sum};
use crate::catalog::Catalog;
use crate::catalog::program::Database;

pub(super) fn rows(catalog: &Catalog, chosen: &Chosen) -> Vec<Row> {
    catalog.databases.iter().map(|database| of(database, &chosen.with("database", &database.database))).collect()
}

fn of(database: &Database, chosen: &Chosen) -> Row {
    let has = |family: &str| database.families.contains(family);
    let top = |by: &str, expression: String| (format!("topk(10, {expression})"), format!("{{{{{by}}}}}"));
    let mut panels = Vec::new();
    if has("duckdb_queries_total") {
        let all = chosen.rates("duckdb_queries_total", &[]);
        let failed = chosen.with("result", "error").rates("duckdb_queries_total", &[]);
        panels.push(
            Panel::new("rate", View::Stacked, "Statements per second, by result", "suffix: /s")
                .tells("`cancelled` was interrupted, or is a stream that nobody read to its end.")
                .asks(chosen.rates("duckdb_queries_total", &["result"]), "{{result}}")
                .at_zero(),
        );
        panels.push(
            Panel::new("errors", View::Lines, "Share of statements that fail", "percentunit")
                .asks(share(&failed, &all), "failed")
                .from(0.01, "orange")
                .from(0.05, "red")
                .or_else("nothing ran")
                .share(),
        );
    }
    if has("duckdb_query_duration_seconds") {
        let (slow, name) = top("statement", chosen.quantile("0.95", "duckdb_query_duration_seconds", &["statement"]));
        panels.push(
            Panel::new("duration", View::Lines, "Slowest twentieth, by statement", "s")
                .tells("The duration that 95 of 100 runs stay below: the ten slowest.")
                .asks(slow, name)
                .with_exemplars()
                .or_else("nothing ran")
                .at_zero(),
        );
        let (time, name) = top("statement", chosen.rates("duckdb_query_duration_seconds_sum", &["statement"]));
        panels.push(
            Panel::new("time", View::Lines, "Time by statement", "suffix: s/s")
                .tells("How many seconds of each second DuckDB had statements, the ten that take most.")
                .asks(time, name)
                .at_zero(),
        );
    }
    if has("duckdb_query_rows_returned_total") {
        let mut rows = Panel::new("rows", View::Lines, "Rows per second", "suffix: rows/s")
            .tells("Returned or changed; and read from tables, by the profiles.")
            .asks(chosen.rates("duckdb_query_rows_returned_total", &[]), "returned")
            .at_zero();
        if has("duckdb_query_rows_scanned_total") {
            rows = rows.asks(chosen.rates("duckdb_query_rows_scanned_total", &[]), "scanned");
        }
        panels.push(rows);
    }
    if has("duckdb_memory_bytes") {
        let mut memory = Panel::new("memory", View::Lines, "Memory", "bytes")
            .tells("What DuckDB holds, and what it may hold.")
            .asks(sum(&[], &chosen.of("duckdb_memory_bytes")), "held")
            .at_zero();
        if has("duckdb_memory_limit_bytes") {
            memory = memory.asks(grouped("max", &[], &chosen.of("duckdb_memory_limit_bytes")), "limit");
        }
        panels.push(memory);
    }
    if has("duckdb_database_size_bytes") {
        let named = [
            ("duckdb_database_size_bytes", "database"),
            ("duckdb_wal_size_bytes", "write-ahead log"),
            ("duckdb_temp_bytes", "temporary"),
        ];
        let there = named.into_iter().filter(|(family, _)| has(family));
        let files = Panel::new("files", View::Lines, "Files", "bytes").at_zero();
        panels
            .push(there.fold(files, |files, (family, name)| files.asks(grouped("max", &[], &chosen.of(family)), name)));
    }
    Row::named(format!("database {}", database.database), &format!("Database {}", database.database)).with(panels)
}
