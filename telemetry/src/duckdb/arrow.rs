//! Rows as batches of Arrow: all at once, or while the statement runs.

use crate::duckdb::connection::{Connection, Query};
use crate::duckdb::statement::Statement;
use crate::duckdb::table::{Profiled, Run, RunResult};
use ::duckdb::Result;
use ::duckdb::arrow::datatypes::SchemaRef;
use ::duckdb::arrow::record_batch::RecordBatch;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The rows of a run as batches. DuckDB has them all.
///
/// # Panics
/// As DuckDB's own, where a batch cannot be made: an end without a word would be lost rows.
#[must_use = "batches are made one by one, and not at all if nobody asks"]
pub struct Arrow<'stmt> {
    statement: &'stmt Statement<'stmt>,
}

impl<'stmt> Arrow<'stmt> {
    pub(crate) fn new(statement: &'stmt Statement<'stmt>) -> Arrow<'stmt> {
        Arrow { statement }
    }

    /// The columns.
    #[must_use]
    pub fn get_schema(&self) -> SchemaRef {
        self.statement.schema()
    }
}

impl Iterator for Arrow<'_> {
    type Item = RecordBatch;

    #[expect(clippy::panic, reason = "the item has no room for an error, and DuckDB's own iterator does it")]
    fn next(&mut self) -> Option<RecordBatch> {
        match self.statement.step() {
            Ok(batch) => batch.map(|batch| RecordBatch::from(&batch)),
            Err(error) => panic!("Failed to fetch Arrow record batch: {error}"),
        }
    }
}

impl fmt::Debug for Arrow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrow").field("statement", self.statement).finish()
    }
}

/// The rows of a run as batches, while it runs. Its time is what DuckDB took, not what the reader did in between.
#[must_use = "batches are fetched one by one, and not at all if nobody asks"]
pub struct ArrowStream<'stmt> {
    connection: &'stmt Connection,
    inner: ::duckdb::ArrowStream<'stmt>,
    query: Arc<Query>,
    time: Duration,
    rows: u64,
    over: bool,
}

impl<'stmt> ArrowStream<'stmt> {
    pub(crate) fn new(
        connection: &'stmt Connection,
        inner: ::duckdb::ArrowStream<'stmt>,
        query: Arc<Query>,
        time: Duration,
    ) -> ArrowStream<'stmt> {
        ArrowStream { connection, inner, query, time, rows: 0, over: false }
    }

    /// The columns.
    #[must_use]
    pub fn get_schema(&self) -> SchemaRef {
        self.inner.get_schema()
    }
}

impl Iterator for ArrowStream<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        let started = Instant::now();
        let next = self.inner.next();
        if self.over {
            return next;
        }
        self.time += started.elapsed();
        match &next {
            Some(Ok(batch)) => self.rows += batch.num_rows() as u64,
            Some(Err(error)) => {
                self.over = true;
                self.connection.account(&self.query, self.time, Err(error));
            }
            // Read to its end: now the profile is whole.
            None => {
                self.over = true;
                self.connection.account(&self.query, self.time, Ok(Some(self.rows)));
            }
        }
        next
    }
}

impl FusedIterator for ArrowStream<'_> {}

impl Drop for ArrowStream<'_> {
    fn drop(&mut self) {
        if !self.over {
            // Its profile would lack what is not known before the end.
            let run = Run {
                result: RunResult::Abandoned,
                time: self.time,
                rows: Some(self.rows),
                profile: Profiled::Unknown,
            };
            self.connection.record(&self.query.print, &self.query.sql, run);
        }
    }
}

impl fmt::Debug for ArrowStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowStream")
            .field("label", &self.query.print.label)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
