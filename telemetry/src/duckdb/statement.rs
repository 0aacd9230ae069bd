//! A prepared statement, and the rows of its last run.

use crate::duckdb::arrow::{Arrow, ArrowStream};
use crate::duckdb::connection::{Connection, Query};
use ::duckdb::arrow::array::StructArray;
use ::duckdb::arrow::datatypes::{DataType, Schema, SchemaRef};
use ::duckdb::core::LogicalTypeHandle;
use ::duckdb::{Error, Params, Result, Row, ToSql};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A prepared statement. Each run is accounted for; the first one's time holds the preparation.
///
/// DuckDB has all rows of a run before the first is read, so a run is over when its method returns; a stream
/// ([`stream_arrow`](Statement::stream_arrow)) is over when it is read to its end or dropped.
pub struct Statement<'conn> {
    connection: &'conn Connection,
    inner: Inner<'conn>,
    query: Arc<Query>,
    /// What preparing took, until a run has it.
    planning: Duration,
    /// Whether there is a result to look at. DuckDB's own methods panic without one.
    has_result: bool,
}

enum Inner<'conn> {
    Own(::duckdb::Statement<'conn>),
    Cached(::duckdb::CachedStatement<'conn>),
}

impl<'conn> Deref for Inner<'conn> {
    type Target = ::duckdb::Statement<'conn>;

    fn deref(&self) -> &::duckdb::Statement<'conn> {
        match self {
            Inner::Own(statement) => statement,
            Inner::Cached(statement) => statement,
        }
    }
}

impl<'conn> DerefMut for Inner<'conn> {
    fn deref_mut(&mut self) -> &mut ::duckdb::Statement<'conn> {
        match self {
            Inner::Own(statement) => statement,
            Inner::Cached(statement) => statement,
        }
    }
}

/// Running.
impl<'conn> Statement<'conn> {
    pub(crate) fn new(
        connection: &'conn Connection,
        inner: ::duckdb::Statement<'conn>,
        query: Query,
        planning: Duration,
    ) -> Statement<'conn> {
        Statement { connection, inner: Inner::Own(inner), query: Arc::new(query), planning, has_result: false }
    }

    /// Runs it, and returns how many rows it changed.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn execute<P: Params>(&mut self, params: P) -> Result<usize> {
        self.run(|inner| inner.execute(params))
    }

    fn run(&mut self, run: impl FnOnce(&mut ::duckdb::Statement<'conn>) -> Result<usize>) -> Result<usize> {
        let connection = self.connection;
        let _still = connection.still(&self.query);
        connection.before(&self.query);
        let _runs = connection.runs(&self.query);
        let started = Instant::now();
        let result = run(&mut self.inner);
        let time = started.elapsed() + std::mem::take(&mut self.planning);
        self.has_result = result.is_ok();
        let rows = result.as_ref().map(|changed| Some(self.rows_of_run(*changed)));
        connection.account(&self.query, time, rows);
        result
    }

    /// Rows that came back, or that were changed: DuckDB gives a row that holds their number.
    fn rows_of_run(&self, changed: usize) -> u64 {
        let rows = if self.query.print.writes() || changed > 0 { changed } else { self.inner.row_count() };
        rows as u64
    }

    /// Runs an insert of one row.
    ///
    /// # Errors
    /// As DuckDB's: `StatementChangedRows` where it was not one.
    pub fn insert<P: Params>(&mut self, params: P) -> Result<()> {
        match self.execute(params)? {
            1 => Ok(()),
            changes => Err(Error::StatementChangedRows(changes)),
        }
    }

    /// Runs it, and gives its rows as batches of Arrow, all of which are in memory.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn query_arrow<P: Params>(&mut self, params: P) -> Result<Arrow<'_>> {
        self.execute(params)?;
        Ok(Arrow::new(self))
    }

    /// Runs it, and gives its rows as batches of Arrow while it runs.
    ///
    /// Until the stream is read to its end, or this statement is dropped, DuckDB runs nothing else on the connection. A stream that
    /// is dropped before its end counts as `cancelled`, without a profile.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn stream_arrow<P: Params>(&mut self, params: P) -> Result<ArrowStream<'_>> {
        let planning = std::mem::take(&mut self.planning);
        let (connection, query) = (self.connection, Arc::clone(&self.query));
        self.has_result = false;
        connection.before(&query);
        let started = Instant::now();
        match self.inner.stream_arrow(params) {
            Ok(inner) => {
                self.has_result = true;
                Ok(ArrowStream::new(connection, inner, query, planning + started.elapsed()))
            }
            Err(error) => {
                connection.account(&query, planning + started.elapsed(), Err(&error));
                Err(error)
            }
        }
    }

    /// Runs it, and gives its rows.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn query<P: Params>(&mut self, params: P) -> Result<Rows<'_>> {
        self.execute(params)?;
        Ok(self.raw_query())
    }

    /// Runs it, and maps its rows.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn query_map<T, P, F>(&mut self, params: P, f: F) -> Result<MappedRows<'_, F>>
    where
        P: Params,
        F: FnMut(&Row<'_>) -> Result<T>,
    {
        self.query(params).map(|rows| rows.mapped(f))
    }

    /// Runs it, and maps its rows to results with an error type of the caller's.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn query_and_then<T, E, P, F>(&mut self, params: P, f: F) -> Result<AndThenRows<'_, F>>
    where
        P: Params,
        E: From<Error>,
        F: FnMut(&Row<'_>) -> Result<T, E>,
    {
        self.query(params).map(|rows| rows.and_then(f))
    }

    /// Runs it, and tells whether there is a row.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn exists<P: Params>(&mut self, params: P) -> Result<bool> {
        let mut rows = self.query(params)?;
        let exists = rows.next()?.is_some();
        Ok(exists)
    }

    /// Runs it, and maps its first row.
    ///
    /// # Errors
    /// As DuckDB's: `QueryReturnedNoRows` where there is none.
    pub fn query_row<T, P, F>(&mut self, params: P, f: F) -> Result<T>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T>,
    {
        f(self.query(params)?.expected_row()?)
    }

    /// Runs it, and maps its only row.
    ///
    /// # Errors
    /// As DuckDB's: `QueryReturnedNoRows` or `QueryReturnedMoreThanOneRow`.
    pub fn query_one<T, P, F>(&mut self, params: P, f: F) -> Result<T>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T>,
    {
        let mut rows = self.query(params)?;
        let value = f(rows.expected_row()?)?;
        if rows.next()?.is_some() {
            return Err(Error::QueryReturnedMoreThanOneRow);
        }
        Ok(value)
    }

    /// Runs it with the parameters that were bound one by one.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn raw_execute(&mut self) -> Result<usize> {
        self.run(::duckdb::Statement::raw_execute)
    }

    /// The rows of the last run that were not read yet.
    pub fn raw_query(&self) -> Rows<'_> {
        Rows { inner: self.inner.raw_query(), statement: self }
    }

    /// The next batch of the last run's rows.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn step(&self) -> Result<Option<StructArray>> {
        self.inner.step()
    }
}

/// Parameters and columns.
impl Statement<'_> {
    /// How many rows the last run gave; 0 where there was none.
    #[must_use]
    pub fn row_count(&self) -> usize {
        if self.has_result { self.inner.row_count() } else { 0 }
    }

    /// How many parameters it takes.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.inner.parameter_count()
    }

    /// The name of a parameter, from 1 on.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn parameter_name(&self, idx: usize) -> Result<String> {
        self.inner.parameter_name(idx)
    }

    /// Binds a parameter, from 1 on, for [`raw_execute`](Statement::raw_execute).
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn raw_bind_parameter<T: ToSql>(&mut self, one_based_col_index: usize, param: T) -> Result<()> {
        self.inner.raw_bind_parameter(one_based_col_index, param)
    }

    /// The columns of the last run's rows; none where there was no run.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        if self.has_result { self.inner.schema() } else { Arc::new(Schema::empty()) }
    }

    /// The names of the last run's columns; none where there was no run.
    #[must_use]
    pub fn column_names(&self) -> Vec<String> {
        if self.has_result { self.inner.column_names() } else { Vec::new() }
    }

    /// How many columns the rows have. Known before the first run.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.inner.column_count()
    }

    /// The name of a column of the last run.
    ///
    /// # Errors
    /// As DuckDB's, and `InvalidColumnIndex` where there was no run.
    pub fn column_name(&self, col: usize) -> Result<&String> {
        if self.has_result { self.inner.column_name(col) } else { Err(Error::InvalidColumnIndex(col)) }
    }

    /// The index of a column of the last run.
    ///
    /// # Errors
    /// As DuckDB's, and `InvalidColumnName` where there was no run.
    pub fn column_index(&self, name: &str) -> Result<usize> {
        if self.has_result { self.inner.column_index(name) } else { Err(Error::InvalidColumnName(name.to_owned())) }
    }

    /// The Arrow type of a column of the last run; `Null` where there is no such column.
    #[must_use]
    pub fn column_type(&self, idx: usize) -> DataType {
        let known = self.has_result && idx < self.inner.column_count();
        if known { self.inner.column_type(idx) } else { DataType::Null }
    }

    /// DuckDB's type of a column.
    ///
    /// # Panics
    /// As DuckDB's, where there is no such column.
    #[must_use]
    pub fn column_logical_type(&self, idx: usize) -> LogicalTypeHandle {
        self.inner.column_logical_type(idx)
    }
}

impl fmt::Debug for Statement<'_> {
    /// Without the text, which may hold literals. (DuckDB's own panics.)
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement").field("label", &self.query.print.label).finish_non_exhaustive()
    }
}

/// A prepared statement that goes back to its connection's cache when it is dropped.
pub struct CachedStatement<'conn>(Statement<'conn>);

impl<'conn> CachedStatement<'conn> {
    pub(crate) fn new(
        connection: &'conn Connection,
        inner: ::duckdb::CachedStatement<'conn>,
        query: Query,
        planning: Duration,
    ) -> CachedStatement<'conn> {
        let inner = Inner::Cached(inner);
        CachedStatement(Statement { connection, inner, query: Arc::new(query), planning, has_result: false })
    }

    /// Drops it without keeping it.
    pub fn discard(self) {
        if let Inner::Cached(statement) = self.0.inner {
            statement.discard();
        }
    }
}

impl<'conn> Deref for CachedStatement<'conn> {
    type Target = Statement<'conn>;

    fn deref(&self) -> &Statement<'conn> {
        &self.0
    }
}

impl<'conn> DerefMut for CachedStatement<'conn> {
    fn deref_mut(&mut self) -> &mut Statement<'conn> {
        &mut self.0
    }
}

impl fmt::Debug for CachedStatement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The rows of a run.
#[must_use = "rows are read one by one, and not at all if nobody asks"]
pub struct Rows<'stmt> {
    inner: ::duckdb::Rows<'stmt>,
    statement: &'stmt Statement<'stmt>,
}

impl<'stmt> Rows<'stmt> {
    /// The next row.
    ///
    /// # Errors
    /// As DuckDB's.
    #[expect(clippy::should_implement_trait, reason = "DuckDB's name; the row is borrowed from the rows")]
    pub fn next(&mut self) -> Result<Option<&Row<'stmt>>> {
        self.inner.next()
    }

    /// Maps the rows to an iterator of the crate `fallible-iterator`.
    pub fn map<F, B>(self, f: F) -> ::duckdb::Map<'stmt, F>
    where
        F: FnMut(&Row<'_>) -> Result<B>,
    {
        self.inner.map(f)
    }

    /// Maps the rows.
    pub fn mapped<F, B>(self, f: F) -> MappedRows<'stmt, F>
    where
        F: FnMut(&Row<'_>) -> Result<B>,
    {
        MappedRows { inner: self.inner.mapped(f) }
    }

    /// Maps the rows to results with an error type of the caller's.
    pub fn and_then<F, T, E>(self, f: F) -> AndThenRows<'stmt, F>
    where
        F: FnMut(&Row<'_>) -> Result<T, E>,
    {
        AndThenRows { inner: self.inner.and_then(f) }
    }

    /// The statement that gave them.
    #[must_use]
    pub fn as_ref(&self) -> Option<&Statement<'stmt>> {
        Some(self.statement)
    }

    pub(crate) fn expected_row(&mut self) -> Result<&Row<'stmt>> {
        self.next()?.ok_or(Error::QueryReturnedNoRows)
    }
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("statement", self.statement).finish_non_exhaustive()
    }
}

/// The rows of a run, mapped.
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct MappedRows<'stmt, F> {
    inner: ::duckdb::MappedRows<'stmt, F>,
}

impl<T, F> Iterator for MappedRows<'_, F>
where
    F: FnMut(&Row<'_>) -> Result<T>,
{
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        self.inner.next()
    }
}

/// The rows of a run, mapped to results with an error type of the caller's.
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct AndThenRows<'stmt, F> {
    inner: ::duckdb::AndThenRows<'stmt, F>,
}

impl<T, E, F> Iterator for AndThenRows<'_, F>
where
    E: From<Error>,
    F: FnMut(&Row<'_>) -> Result<T, E>,
{
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Result<T, E>> {
        self.inner.next()
    }
}

impl<F> fmt::Debug for MappedRows<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedRows").finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for AndThenRows<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AndThenRows").finish_non_exhaustive()
    }
}
