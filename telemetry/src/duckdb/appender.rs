//! Rows that are appended to a table without SQL.

use crate::duckdb::connection::{Connection, Query};
use ::duckdb::{AppenderParams, Error, Result};
use std::fmt;
use std::time::{Duration, Instant};

/// Appends rows to a table. What lies between two flushes is one run of the statement `append into table`, with its rows and the
/// time that DuckDB took for them.
pub struct Appender<'conn> {
    connection: &'conn Connection,
    /// Nothing only while it is dropped.
    inner: Option<::duckdb::Appender<'conn>>,
    query: Query,
    /// Since the last flush.
    rows: u64,
    time: Duration,
}

impl<'conn> Appender<'conn> {
    pub(crate) fn new(
        connection: &'conn Connection,
        inner: ::duckdb::Appender<'conn>,
        query: Query,
    ) -> Appender<'conn> {
        Appender { connection, inner: Some(inner), query, rows: 0, time: Duration::ZERO }
    }

    /// Appends rows.
    ///
    /// # Errors
    /// As DuckDB's; the rows before the failing one are appended.
    pub fn append_rows<P, I>(&mut self, rows: I) -> Result<()>
    where
        I: IntoIterator<Item = P>,
        P: AppenderParams,
    {
        rows.into_iter().try_for_each(|row| self.append_row(row))
    }

    /// Appends a row.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn append_row<P: AppenderParams>(&mut self, params: P) -> Result<()> {
        self.run(|inner| inner.append_row(params))?;
        self.rows += 1;
        Ok(())
    }

    /// Writes what was appended so far.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn flush(&mut self) -> Result<()> {
        self.run(::duckdb::Appender::flush)?;
        self.account();
        Ok(())
    }

    /// Appends to one more column only; the others get their defaults.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn add_column(&mut self, name: &str) -> Result<()> {
        self.run(|inner| inner.add_column(name))
    }

    /// Appends to all columns again.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn clear_columns(&mut self) -> Result<()> {
        self.run(::duckdb::Appender::clear_columns)
    }

    fn run(&mut self, run: impl FnOnce(&mut ::duckdb::Appender<'conn>) -> Result<()>) -> Result<()> {
        let Some(inner) = &mut self.inner else { return Err(Error::AppendError) };
        let started = Instant::now();
        let result = run(inner);
        self.time += started.elapsed();
        if let Err(error) = &result {
            // Whether rows before it are in the table is not known: none are counted.
            self.rows = 0;
            self.connection.account(&self.query, std::mem::take(&mut self.time), Err(error));
        }
        result
    }

    fn account(&mut self) {
        let (rows, time) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.time));
        self.connection.account(&self.query, time, Ok(Some(rows)));
    }
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        if self.rows > 0 {
            // As dropping does, but so that a failure is seen.
            let _ = self.flush();
        }
        drop(self.inner.take());
    }
}

impl fmt::Debug for Appender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appender")
            .field("label", &self.query.print.label)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
