//! A connection that accounts for what runs on it.

use crate::duckdb::appender::Appender;
use crate::duckdb::database::Lease;
use crate::duckdb::errors;
use crate::duckdb::fingerprint::{Fingerprint, Quotes};
use crate::duckdb::profile::Profile;
use crate::duckdb::progress::{Runs, Watched};
use crate::duckdb::sampling::{self, Sampler, Seen, Switch, timed};
use crate::duckdb::settings::Settings;
use crate::duckdb::split::split;
use crate::duckdb::statement::{CachedStatement, Statement};
use crate::duckdb::statements::Statements;
use crate::duckdb::table::{self, Profiled, Run, RunResult, Slow};
use crate::duckdb::transaction::Transaction;
use crate::private::RECORDS;
#[cfg(all(feature = "otel", not(telemetry_off)))]
use crate::trace;
use ::duckdb::profiling::ProfilingInfo;
use ::duckdb::{
    Config, DatabaseName, Error, InterruptHandle, Params, ProgressHandle, QueryProgress, Result, Row, ToSql,
};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A [`duckdb::Connection`](::duckdb::Connection) whose statements are timed, counted and profiled.
///
/// Its methods have DuckDB's names, parameters and errors; what still has rows or statements to come is a type of this module with
/// the same methods. `Send` and not `Sync`, as theirs. Where a method is missing, [`inner`](Connection::inner) leads past the accounts.
pub struct Connection {
    inner: ::duckdb::Connection,
    name: RefCell<Arc<str>>,
    settings: Cell<Settings>,
    sampler: Sampler,
    /// Where progress is tracked.
    watched: RefCell<Option<Arc<Watched>>>,
    /// The fingerprints of texts that are one statement each, as they were run last.
    known: RefCell<HashMap<Box<str>, Known>>,
    /// A connection that only parses; made when a batch needs it.
    parser: OnceCell<Option<::duckdb::Connection>>,
    // Behind `inner`: the probe is closed after it.
    lease: Arc<Lease>,
}

/// What a text is known by, and what its runs took.
type Known = (Arc<Fingerprint>, Arc<Seen>);

/// A statement on its way: its text, and what it has in common with others.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) sql: Box<str>,
    pub(crate) print: Arc<Fingerprint>,
    seen: Arc<Seen>,
}

impl Query {
    pub(crate) fn new(sql: &str) -> Query {
        if !RECORDS {
            return Query::of("", Arc::new(Fingerprint::unparsed()), Arc::default());
        }
        Query::of(sql, Arc::new(Fingerprint::of(sql, Quotes::Name)), Arc::default())
    }

    fn of(sql: &str, print: Arc<Fingerprint>, seen: Arc<Seen>) -> Query {
        Query { sql: sql.into(), print, seen }
    }
}

/// Opening and closing.
impl Connection {
    /// Opens a database file, and makes it where it is missing.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn open<P: AsRef<Path>>(path: P) -> Result<Connection> {
        ::duckdb::Connection::open(path).map(Connection::from)
    }

    /// Opens a database in memory.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn open_in_memory() -> Result<Connection> {
        ::duckdb::Connection::open_in_memory().map(Connection::from)
    }

    /// Opens a database file with settings of DuckDB.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn open_with_flags<P: AsRef<Path>>(path: P, config: Config) -> Result<Connection> {
        ::duckdb::Connection::open_with_flags(path, config).map(Connection::from)
    }

    /// Opens a database in memory with settings of DuckDB.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn open_in_memory_with_flags(config: Config) -> Result<Connection> {
        ::duckdb::Connection::open_in_memory_with_flags(config).map(Connection::from)
    }

    /// Opens another connection to the same database, under the same name. DuckDB does not hand profiling down; this does.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn try_clone(&self) -> Result<Connection> {
        let inner = self.inner.try_clone()?;
        Ok(Connection::wrap(inner, self.name(), self.settings.get(), Arc::clone(&self.lease)))
    }

    fn wrap(inner: ::duckdb::Connection, name: Arc<str>, settings: Settings, lease: Arc<Lease>) -> Connection {
        let connection = Connection {
            inner,
            name: RefCell::new(name),
            settings: Cell::new(settings),
            sampler: Sampler::default(),
            watched: RefCell::new(None),
            known: RefCell::default(),
            parser: OnceCell::new(),
            lease,
        };
        if settings.profile {
            connection.start_profiling();
        }
        if settings.progress {
            connection.track_progress(true);
        }
        connection
    }

    /// Closes the connection. The database is closed with its last one.
    ///
    /// # Errors
    /// As DuckDB's, with the connection.
    #[expect(clippy::result_large_err, reason = "the connection is given back, as DuckDB does")]
    pub fn close(self) -> Result<(), (Connection, Error)> {
        let Connection { inner, name, settings, sampler, watched, known, parser, lease } = self;
        inner.close().map_err(|(inner, error)| {
            (Connection { inner, name, settings, sampler, watched, known, parser, lease }, error)
        })
    }

    /// The connection within, for what this type does not have. What runs on it is not accounted for. From then on DuckDB's profiles are neither switched on nor off: a transaction may have begun.
    #[must_use]
    pub fn inner(&self) -> &::duckdb::Connection {
        self.sampler.hand_over();
        &self.inner
    }

    /// Gives the connection back, with DuckDB's profiling switched off.
    #[must_use]
    pub fn into_inner(self) -> ::duckdb::Connection {
        self.stop_profiling();
        self.inner
    }
}

impl From<::duckdb::Connection> for Connection {
    /// Wraps a connection and switches DuckDB's profiling on, which takes statements of ours on it: do it outside of transactions.
    fn from(inner: ::duckdb::Connection) -> Connection {
        let name = default_name(inner.path());
        let lease = Lease::new(&inner, Arc::clone(&name));
        Connection::wrap(inner, name, Settings::new(), lease)
    }
}

/// The file's stem.
fn default_name(path: Option<&Path>) -> Arc<str> {
    let stem = path.and_then(Path::file_stem).map(|stem| stem.to_string_lossy());
    match stem.as_deref() {
        None | Some("") => "memory".into(),
        Some(stem) if stem.starts_with(":memory:") => "memory".into(),
        Some(stem) => stem.into(),
    }
}

/// What it is called and told.
impl Connection {
    /// Names the database in labels: `database="warehouse"`. Default: the stem of the file, or `memory`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connection = telemetry::duckdb::Connection::open_in_memory()?.with_name("scratch");
    /// assert_eq!(&*connection.name(), "scratch");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_name(self, name: impl Into<Arc<str>>) -> Connection {
        self.rename(name.into());
        self
    }

    /// Has statements that take longer told with their plan, see [`Settings::slow`].
    #[must_use]
    pub fn with_slow(self, slow: Duration) -> Connection {
        self.settings.set(self.settings.get().slow(slow));
        self
    }

    /// Switches DuckDB's profiles on or off; they are on from the start. Costs a statement on the connection.
    #[must_use]
    pub fn with_profile(self, profile: bool) -> Connection {
        let settings = self.settings.get().profile(profile);
        self.settle(settings);
        self
    }

    /// Has DuckDB track how far a statement is, see [`Settings::progress`]. Costs a statement on the connection.
    #[must_use]
    pub fn with_progress(self, progress: bool) -> Connection {
        let settings = self.settings.get().progress(progress);
        self.settle(settings);
        self
    }

    /// Takes all settings at once.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Connection {
        self.settle(settings);
        self
    }

    /// The value of the label `database`.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name.borrow())
    }

    /// The figures of the statements that ran under this name, the one that took most time first.
    pub fn statements(&self) -> Statements {
        Statements::new(table::statements(Some(&self.name.borrow())))
    }

    /// Forgets the figures of the statements that ran under this name. Metrics stay, for counters do not go back.
    pub fn statements_reset(&self) {
        table::reset(Some(&self.name.borrow()));
    }

    fn rename(&self, name: Arc<str>) {
        self.lease.rename(Arc::clone(&name));
        *self.name.borrow_mut() = name;
    }

    /// Follows settings where they are not followed yet.
    pub(crate) fn settle(&self, settings: Settings) {
        let before = self.settings.replace(settings);
        if before == settings {
            return;
        }
        if let Some(name) = settings.name.filter(|name| **name != **self.name.borrow()) {
            self.rename(name.into());
        }
        match (before.profile, settings.profile) {
            (false, true) => self.start_profiling(),
            (true, false) => self.stop_profiling(),
            _ => {}
        }
        if before.progress != settings.progress {
            self.track_progress(settings.progress);
        }
    }

    /// Where DuckDB refuses, in an aborted transaction, nothing is known of progress.
    fn track_progress(&self, enabled: bool) {
        let works = RECORDS && self.inner.set_query_progress_tracking(enabled).is_ok() && enabled;
        *self.watched.borrow_mut() = works.then(|| Watched::new(self.inner.progress_handle()));
    }

    /// Until the guard is dropped, progress is that of this statement.
    pub(crate) fn runs(&self, query: &Query) -> Option<Runs> {
        let watched = self.watched.borrow();
        watched.as_ref().map(|watched| watched.runs(&self.name.borrow(), &query.print))
    }

    /// Where DuckDB refuses, in an aborted transaction, nothing is profiled.
    fn start_profiling(&self) {
        if !RECORDS {
            return;
        }
        // Without output: the default prints every profile.
        self.sampler.set(self.inner.execute_batch(sampling::ON).is_ok());
        if self.sampler.is_wanted() {
            // Not every version knows these. Which metrics are tracked is left alone: `EXPLAIN (ANALYZE, FORMAT json)` shows it.
            let _ = self.inner.execute_batch("PRAGMA profiling_mode='standard'");
            let _ = self.inner.execute_batch("SET profiling_coverage='ALL'");
        }
    }

    fn stop_profiling(&self) {
        if self.sampler.is_wanted() {
            self.sampler.set(false);
            let _ = self.inner.execute_batch(sampling::OFF);
        }
    }

    /// Before a statement runs: has DuckDB profile it, or not, as the budget allows.
    pub(crate) fn before(&self, query: &Query) {
        if !RECORDS {
            return;
        }
        let known = || query.seen.costs().or_else(|| table::costs(&self.name.borrow(), query.print.hash));
        if let Some(switch) = self.sampler.before(&query.print, known) {
            let sql = if switch == Switch::On { sampling::ON } else { sampling::OFF };
            // Refused while a stream is open; then the statement is, too.
            let (result, took) = timed(|| self.inner.execute_batch(sql));
            self.sampler.switched(switch, result.is_ok(), took);
        }
    }
}

/// Running statements.
impl Connection {
    /// Runs a statement, or several, of which the last one takes the parameters, and returns how many rows it changed.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn execute<P: Params>(&self, sql: &str, params: P) -> Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// Runs a batch of statements, each of which is accounted for. A batch of which a part does not parse is handed to DuckDB as a
    /// whole, and counts as one statement that failed.
    ///
    /// # Errors
    /// As DuckDB's. The statements before the failing one have run.
    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        if let Some(query) = self.known(sql) {
            return self.run_one(sql, &query);
        }
        match split(sql).as_slice() {
            [] => self.inner.execute_batch(sql),
            [_] => self.run_one(sql, &self.learn(sql, 1)),
            statements if self.parses(sql) => statements.iter().try_for_each(|statement| self.run_whole(statement)),
            _ => self.run_whole(sql),
        }
    }

    /// Runs a text as one statement.
    fn run_whole(&self, sql: &str) -> Result<()> {
        self.run_one(sql, &Query::new(sql))
    }

    fn run_one(&self, sql: &str, query: &Query) -> Result<()> {
        let _still = self.still(query);
        self.before(query);
        let _runs = self.runs(query);
        let started = Instant::now();
        let result = self.inner.execute_batch(sql);
        self.account(query, started.elapsed(), result.as_ref().map(|()| None));
        result
    }

    /// Whether all of a batch parses, asked of DuckDB without running any of it: it parses a text before it runs the first
    /// statement, and the first one here cannot run.
    fn parses(&self, sql: &str) -> bool {
        const NEVER: &str = "telemetry_only_parses";
        let parser = self.parser.get_or_init(|| self.inner.try_clone().ok());
        let Some(parser) = parser else { return false };
        match parser.prepare(&format!("EXECUTE {NEVER};\n{sql}")) {
            Ok(_) => false,
            Err(error) => {
                let error = error.to_string();
                !error.starts_with("Parser Error") && error.contains(NEVER)
            }
        }
    }

    /// Runs a query and maps its first row.
    ///
    /// # Errors
    /// As DuckDB's: `QueryReturnedNoRows` where there is none.
    pub fn query_row<T, P, F>(&self, sql: &str, params: P, f: F) -> Result<T>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T>,
    {
        self.prepare(sql)?.query_row(params, f)
    }

    /// Runs a query and maps its first row to a result with an error type of the caller's.
    ///
    /// # Errors
    /// As DuckDB's: `QueryReturnedNoRows` where there is none; and the closure's.
    pub fn query_row_and_then<T, E, P, F>(&self, sql: &str, params: P, f: F) -> Result<T, E>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        f(rows.expected_row()?)
    }

    /// Prepares a statement, to be run many times. Of several, all but the last are run.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        let (sql, query) = match self.known(sql) {
            Some(query) => (sql, query),
            None => {
                let statements = split(sql);
                match statements.split_last() {
                    Some((last, before)) if !before.is_empty() && self.parses(sql) => {
                        before.iter().try_for_each(|statement| self.run_whole(statement))?;
                        (*last, Query::new(last))
                    }
                    _ => (sql, self.learn(sql, statements.len())),
                }
            }
        };
        let started = Instant::now();
        let inner = self.inner.prepare(sql).inspect_err(|error| self.fail_prepare(&query, started, error))?;
        Ok(Statement::new(self, inner, query, started.elapsed()))
    }

    /// A text that was run before and is one statement: it need not be read again.
    fn known(&self, sql: &str) -> Option<Query> {
        let (print, seen) = self.known.borrow().get(sql)?.clone();
        Some(Query::of(sql, print, seen))
    }

    /// Reads a text that is so many statements, and keeps its fingerprint where it is one. Programs have few texts, unless they write values into them.
    fn learn(&self, sql: &str, statements: usize) -> Query {
        const KEPT: usize = 256;
        const LONGEST: usize = 4096;
        let query = Query::new(sql);
        if RECORDS && statements == 1 && sql.len() <= LONGEST {
            let mut known = self.known.borrow_mut();
            if known.len() >= KEPT {
                known.clear();
            }
            known.insert(sql.into(), (Arc::clone(&query.print), Arc::clone(&query.seen)));
        }
        query
    }

    /// Prepares a statement, or takes it out of the connection's cache, into which it goes back when it is dropped.
    ///
    /// Of several statements the last is prepared; those before it are run only where it was not in the cache, and are not
    /// accounted for.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn prepare_cached(&self, sql: &str) -> Result<CachedStatement<'_>> {
        let query = self.known(sql).unwrap_or_else(|| match split(sql).as_slice() {
            [.., last] if *last != sql => {
                // Those before it may begin a transaction.
                self.sampler.hand_over();
                Query::new(last)
            }
            statements => self.learn(sql, statements.len()),
        });
        let started = Instant::now();
        let inner = self.inner.prepare_cached(sql).inspect_err(|error| self.fail_prepare(&query, started, error))?;
        Ok(CachedStatement::new(self, inner, query, started.elapsed()))
    }

    fn fail_prepare(&self, query: &Query, started: Instant, error: &Error) {
        self.account(query, started.elapsed(), Err(error));
    }

    /// How many prepared statements are kept at most.
    pub fn set_prepared_statement_cache_capacity(&self, capacity: usize) {
        self.inner.set_prepared_statement_cache_capacity(capacity);
    }

    /// Drops the prepared statements that are kept.
    pub fn flush_prepared_statement_cache(&self) {
        self.inner.flush_prepared_statement_cache();
    }

    /// Begins a transaction, which rolls back when it is dropped.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn transaction(&mut self) -> Result<Transaction<'_>> {
        Transaction::new(self)
    }

    /// Begins a transaction on a shared connection: a second one within is DuckDB's error rather than the compiler's.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn unchecked_transaction(&self) -> Result<Transaction<'_>> {
        Transaction::new_unchecked(self)
    }
}

/// Appending rows.
impl Connection {
    /// An appender to a table of the schema `main`.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn appender(&self, table: &str) -> Result<Appender<'_>> {
        self.append(table, |inner| inner.appender(table))
    }

    /// An appender to a table of a schema.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn appender_to_db(&self, table: &str, schema: &str) -> Result<Appender<'_>> {
        self.append(table, |inner| inner.appender_to_db(table, schema))
    }

    /// An appender to a table of an attached database.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn appender_to_catalog_and_db(&self, table: &str, catalog: &str, schema: &str) -> Result<Appender<'_>> {
        self.append(table, |inner| inner.appender_to_catalog_and_db(table, catalog, schema))
    }

    /// An appender to some columns of a table of the schema `main`.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn appender_with_columns(&self, table: &str, columns: &[&str]) -> Result<Appender<'_>> {
        self.append(table, |inner| inner.appender_with_columns(table, columns))
    }

    /// An appender to some columns of a table of a schema.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn appender_with_columns_to_db(&self, table: &str, schema: &str, columns: &[&str]) -> Result<Appender<'_>> {
        self.append(table, |inner| inner.appender_with_columns_to_db(table, schema, columns))
    }

    /// An appender to some columns of a table of an attached database.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn appender_with_columns_to_catalog_and_db(
        &self,
        table: &str,
        catalog: &str,
        schema: &str,
        columns: &[&str],
    ) -> Result<Appender<'_>> {
        self.append(table, |inner| inner.appender_with_columns_to_catalog_and_db(table, catalog, schema, columns))
    }

    fn append<'a>(
        &'a self,
        table: &str,
        make: impl FnOnce(&'a ::duckdb::Connection) -> Result<::duckdb::Appender<'a>>,
    ) -> Result<Appender<'a>> {
        let query = Query::of("", Arc::new(Fingerprint::append(table)), Arc::default());
        let started = Instant::now();
        let inner = make(&self.inner).inspect_err(|error| self.account(&query, started.elapsed(), Err(error)))?;
        Ok(Appender::new(self, inner, query))
    }
}

/// Looking at it.
impl Connection {
    /// The file, where it was opened by its path.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.inner.path()
    }

    /// DuckDB's version.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn version(&self) -> Result<String> {
        self.query_row("PRAGMA version", [], |row| row.get(0))
    }

    /// What DuckDB's crate says: it does not track transactions, and always says `true`.
    #[must_use]
    pub fn is_autocommit(&self) -> bool {
        self.inner.is_autocommit()
    }

    /// Interrupts the running statement from another thread. The statement counts as `cancelled`.
    #[must_use]
    pub fn interrupt_handle(&self) -> Arc<InterruptHandle> {
        self.inner.interrupt_handle()
    }

    /// The progress of the running statement, see [`set_query_progress_tracking`](Connection::set_query_progress_tracking).
    #[must_use]
    pub fn query_progress(&self) -> QueryProgress {
        self.inner.query_progress()
    }

    /// Asks for the progress from another thread.
    #[must_use]
    pub fn progress_handle(&self) -> ProgressHandle {
        self.inner.progress_handle()
    }

    /// Switches the tracking of progress on or off; it is off from the start.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn set_query_progress_tracking(&self, enabled: bool) -> Result<()> {
        let query = Query::new("SET enable_progress_bar = ?");
        let started = Instant::now();
        let result = self.inner.set_query_progress_tracking(enabled);
        self.account(&query, started.elapsed(), result.as_ref().map(|()| None));
        result
    }

    /// DuckDB's profile of the last statement.
    #[must_use]
    pub fn get_profiling_info(&self) -> Option<ProfilingInfo> {
        self.inner.get_profiling_info()
    }
}

/// Pragmas.
impl Connection {
    /// Queries the value of a pragma.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn pragma_query_value<T, F>(&self, schema_name: Option<DatabaseName<'_>>, pragma_name: &str, f: F) -> Result<T>
    where
        F: FnOnce(&Row<'_>) -> Result<T>,
    {
        self.pragma_run(pragma_name, |rows| {
            self.inner.pragma_query_value(schema_name, pragma_name, |row| {
                rows.set(1);
                f(row)
            })
        })
    }

    /// Queries the rows of a pragma.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn pragma_query<F>(&self, schema_name: Option<DatabaseName<'_>>, pragma_name: &str, mut f: F) -> Result<()>
    where
        F: FnMut(&Row<'_>) -> Result<()>,
    {
        self.pragma_run(pragma_name, |rows| {
            self.inner.pragma_query(schema_name, pragma_name, |row| {
                rows.set(rows.get() + 1);
                f(row)
            })
        })
    }

    /// Queries the rows of a pragma that takes a value.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn pragma<F>(
        &self,
        schema_name: Option<DatabaseName<'_>>,
        pragma_name: &str,
        pragma_value: &dyn ToSql,
        mut f: F,
    ) -> Result<()>
    where
        F: FnMut(&Row<'_>) -> Result<()>,
    {
        self.pragma_run(pragma_name, |rows| {
            self.inner.pragma(schema_name, pragma_name, pragma_value, |row| {
                rows.set(rows.get() + 1);
                f(row)
            })
        })
    }

    /// Sets a pragma.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn pragma_update(
        &self,
        schema_name: Option<DatabaseName<'_>>,
        pragma_name: &str,
        pragma_value: &dyn ToSql,
    ) -> Result<()> {
        self.pragma_run(pragma_name, |_| self.inner.pragma_update(schema_name, pragma_name, pragma_value))
    }

    /// Sets a pragma and maps the row that it returns.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn pragma_update_and_check<F, T>(
        &self,
        schema_name: Option<DatabaseName<'_>>,
        pragma_name: &str,
        pragma_value: &dyn ToSql,
        f: F,
    ) -> Result<T>
    where
        F: FnOnce(&Row<'_>) -> Result<T>,
    {
        self.pragma_run(pragma_name, |rows| {
            self.inner.pragma_update_and_check(schema_name, pragma_name, pragma_value, |row| {
                rows.set(1);
                f(row)
            })
        })
    }

    /// The closure's own error, behind the first row, is none of the statement's.
    fn pragma_run<T>(&self, pragma_name: &str, run: impl FnOnce(&Cell<u64>) -> Result<T>) -> Result<T> {
        let query = Query::new(&format!("PRAGMA {pragma_name}"));
        let rows = Cell::new(0);
        let started = Instant::now();
        let result = run(&rows);
        match &result {
            Err(error) if rows.get() == 0 => self.account(&query, started.elapsed(), Err(error)),
            _ => self.account(&query, started.elapsed(), Ok(Some(rows.get()))),
        }
        result
    }
}

/// The accounts.
impl Connection {
    /// A run that is over: with its rows where they are known, or with its error.
    pub(crate) fn account(&self, query: &Query, time: Duration, ended: std::result::Result<Option<u64>, &Error>) {
        if !RECORDS {
            return;
        }
        match ended {
            Ok(rows) => {
                let (profile, read) = self.read_profile(query, time);
                self.sampler.after(&query.print, true, time, read);
                query.seen.add(time, read.map(|(reading, engine)| reading.as_secs_f64() + engine));
                self.record(&query.print, &query.sql, Run { result: RunResult::Ok, time, rows, profile });
            }
            Err(error) => self.account_error(query, time, error),
        }
    }

    #[cold]
    fn account_error(&self, query: &Query, time: Duration, error: &Error) {
        self.sampler.after(&query.print, false, time, None);
        let message = error.to_string();
        let class = errors::class(&message);
        let result = if class == errors::INTERRUPT { RunResult::Interrupted } else { RunResult::Error(class) };
        let never_parsed = class == errors::PARSER || matches!(error, Error::NulError(_));
        let print = if never_parsed {
            Arc::new(Fingerprint::unparsed())
        } else if table::knows(&self.name.borrow(), query.print.hash) || query.sql.is_empty() {
            Arc::clone(&query.print)
        } else {
            // It may never have been bound, and a name in quotes may be a string that somebody took for one.
            Arc::new(Fingerprint::of(&query.sql, Quotes::Literal))
        };
        // No profile: there is none of a failed statement, and in an aborted transaction nothing is asked.
        self.record(&print, &query.sql, Run { result, time, rows: None, profile: Profiled::Unknown });
    }

    /// What a checkpoint needs: nobody reads meanwhile on our behalf.
    pub(crate) fn still(&self, query: &Query) -> Option<impl Sized + use<'_>> {
        matches!(query.print.operation, "checkpoint" | "force").then(|| self.lease.still())
    }

    pub(crate) fn record(&self, print: &Arc<Fingerprint>, sql: &str, run: Run) {
        if !RECORDS {
            return;
        }
        #[cfg(all(feature = "otel", not(telemetry_off)))]
        self.tell_span(print, &run);
        let Settings { slow, literals, .. } = self.settings.get();
        let text = (literals && !sql.is_empty()).then_some(sql);
        table::record(&self.name.borrow(), print, &run, &Slow { slow, text });
    }

    /// Tells who makes spans of a statement that is over.
    #[cfg(all(feature = "otel", not(telemetry_off)))]
    fn tell_span(&self, print: &Fingerprint, run: &Run) {
        trace::statement::tell(&trace::statement::Statement {
            database: &self.name.borrow(),
            operation: print.operation,
            table: print.table(),
            text: &print.text,
            time: run.time,
            returned_rows: run.rows.filter(|_| !print.writes() && print.operation != "append"),
            error_type: run.result.error_type(),
        });
    }

    /// The profile of the statement that has just run, how long it took to read, and what it cost DuckDB. Reading it is no statement.
    fn read_profile(&self, query: &Query, time: Duration) -> (Profiled, Option<(Duration, f64)>) {
        if !query.print.has_profile() || query.sql.is_empty() {
            return (Profiled::Unknown, None);
        }
        match self.sampler.reads(time) {
            None => (Profiled::Unknown, None),
            Some(false) => (Profiled::LeftOut, None),
            Some(true) => {
                let read = || self.inner.get_profiling_info().and_then(|info| Profile::of(&info, &query.sql));
                let (profile, took) = timed(read);
                let cost = profile.as_ref().map_or(0.0, Profile::cost);
                let known = |profile| Profiled::Known { profile, cost: took.as_secs_f64() + cost };
                (profile.map_or(Profiled::Unknown, known), Some((took, cost)))
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("name", &self.name.borrow())
            .field("path", &self.inner.path())
            .finish_non_exhaustive()
    }
}
