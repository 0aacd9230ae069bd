//! A struct that holds a profiled connection and has its methods.

use crate::duckdb::{Appender, Background, CachedStatement, Connection, Settings, Statement, Statements, Transaction};
use ::duckdb::{Error, InterruptHandle, Params, Result, Row};
use std::path::Path;
use std::sync::Arc;

/// A struct that holds a [`Connection`] and has its methods. Derive it.
///
/// ```no_run
/// use telemetry::ProfiledConnection;
///
/// #[derive(ProfiledConnection)]
/// struct Warehouse {
///     #[profiled_connection(name = "warehouse", slow = "250ms")]
///     conn: telemetry::duckdb::Connection,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let warehouse = Warehouse { conn: telemetry::duckdb::Connection::open_in_memory()? };
/// let flights: i64 = warehouse.query_row("select 336776", [], |row| row.get(0))?;
/// assert_eq!(warehouse.statements()[0].calls, 1);
/// # Ok(())
/// # }
/// ```
///
/// What the attribute says is applied to the connection at the first call through the struct, and at once by
/// [`profiled`](ProfiledConnection::profiled). Whoever uses the field directly before that runs under the connection's own name:
/// [`Connection::with_settings`] names it from its opening on.
pub trait ProfiledConnection {
    /// What the attribute says.
    const SETTINGS: Settings = Settings::new();

    /// The field, as it is.
    fn connection(&self) -> &Connection;

    /// The field, as it is.
    fn connection_mut(&mut self) -> &mut Connection;

    /// The connection, with the attribute's settings applied.
    fn profiled(&self) -> &Connection {
        let connection = self.connection();
        connection.settle(Self::SETTINGS);
        connection
    }

    /// The connection, with the attribute's settings applied.
    fn profiled_mut(&mut self) -> &mut Connection {
        let connection = self.connection_mut();
        connection.settle(Self::SETTINGS);
        connection
    }

    /// The figures of the statements that ran under the connection's name, the one that took most time first.
    fn statements(&self) -> Statements {
        self.profiled().statements()
    }

    /// Puts the struct on a thread of its own, as [`Connection::background`] does a connection: `warehouse.run(|warehouse| …).await`.
    ///
    /// # Errors
    /// Where the system has no thread to give.
    fn background(self) -> std::io::Result<Background<Self>>
    where
        Self: Sized + Send + 'static,
    {
        let interrupt = self.profiled().interrupt_handle();
        Background::start(self, interrupt)
    }

    /// See [`Connection::statements_reset`].
    fn statements_reset(&self) {
        self.profiled().statements_reset();
    }

    /// See [`Connection::execute`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn execute<P: Params>(&self, sql: &str, params: P) -> Result<usize> {
        self.profiled().execute(sql, params)
    }

    /// See [`Connection::execute_batch`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn execute_batch(&self, sql: &str) -> Result<()> {
        self.profiled().execute_batch(sql)
    }

    /// See [`Connection::query_row`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn query_row<T, P, F>(&self, sql: &str, params: P, f: F) -> Result<T>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T>,
    {
        self.profiled().query_row(sql, params, f)
    }

    /// See [`Connection::query_row_and_then`].
    ///
    /// # Errors
    /// As DuckDB's, and the closure's.
    fn query_row_and_then<T, E, P, F>(&self, sql: &str, params: P, f: F) -> Result<T, E>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        self.profiled().query_row_and_then(sql, params, f)
    }

    /// See [`Connection::prepare`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        self.profiled().prepare(sql)
    }

    /// See [`Connection::prepare_cached`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn prepare_cached(&self, sql: &str) -> Result<CachedStatement<'_>> {
        self.profiled().prepare_cached(sql)
    }

    /// See [`Connection::appender`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn appender(&self, table: &str) -> Result<Appender<'_>> {
        self.profiled().appender(table)
    }

    /// See [`Connection::appender_to_db`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn appender_to_db(&self, table: &str, schema: &str) -> Result<Appender<'_>> {
        self.profiled().appender_to_db(table, schema)
    }

    /// See [`Connection::appender_to_catalog_and_db`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn appender_to_catalog_and_db(&self, table: &str, catalog: &str, schema: &str) -> Result<Appender<'_>> {
        self.profiled().appender_to_catalog_and_db(table, catalog, schema)
    }

    /// See [`Connection::appender_with_columns`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn appender_with_columns(&self, table: &str, columns: &[&str]) -> Result<Appender<'_>> {
        self.profiled().appender_with_columns(table, columns)
    }

    /// See [`Connection::appender_with_columns_to_db`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn appender_with_columns_to_db(&self, table: &str, schema: &str, columns: &[&str]) -> Result<Appender<'_>> {
        self.profiled().appender_with_columns_to_db(table, schema, columns)
    }

    /// See [`Connection::appender_with_columns_to_catalog_and_db`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn appender_with_columns_to_catalog_and_db(
        &self,
        table: &str,
        catalog: &str,
        schema: &str,
        columns: &[&str],
    ) -> Result<Appender<'_>> {
        self.profiled().appender_with_columns_to_catalog_and_db(table, catalog, schema, columns)
    }

    /// See [`Connection::transaction`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn transaction(&mut self) -> Result<Transaction<'_>> {
        self.profiled_mut().transaction()
    }

    /// See [`Connection::unchecked_transaction`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn unchecked_transaction(&self) -> Result<Transaction<'_>> {
        self.profiled().unchecked_transaction()
    }

    /// See [`Connection::try_clone`]: a connection of its own, under the same name.
    ///
    /// # Errors
    /// As DuckDB's.
    fn try_clone_connection(&self) -> Result<Connection> {
        self.profiled().try_clone()
    }

    /// See [`Connection::is_autocommit`].
    fn is_autocommit(&self) -> bool {
        self.connection().is_autocommit()
    }

    /// See [`Connection::path`].
    fn path(&self) -> Option<&Path> {
        self.connection().path()
    }

    /// See [`Connection::version`].
    ///
    /// # Errors
    /// As DuckDB's.
    fn version(&self) -> Result<String> {
        self.profiled().version()
    }

    /// See [`Connection::interrupt_handle`].
    fn interrupt_handle(&self) -> Arc<InterruptHandle> {
        self.connection().interrupt_handle()
    }
}

/// What a field may be that holds the connection: a [`Connection`], or one in a box or behind a `&mut`.
#[diagnostic::on_unimplemented(
    message = "nothing can see the calls on a `{Self}`; write `telemetry::duckdb::Connection`",
    label = "this field has to hold a `telemetry::duckdb::Connection`",
    note = "`telemetry::duckdb::Connection::from` wraps a `duckdb::Connection`"
)]
pub trait Wraps {
    /// The connection.
    fn connection(&self) -> &Connection;

    /// The connection.
    fn connection_mut(&mut self) -> &mut Connection;
}

impl Wraps for Connection {
    fn connection(&self) -> &Connection {
        self
    }

    fn connection_mut(&mut self) -> &mut Connection {
        self
    }
}

impl<T: Wraps + ?Sized> Wraps for Box<T> {
    fn connection(&self) -> &Connection {
        (**self).connection()
    }

    fn connection_mut(&mut self) -> &mut Connection {
        (**self).connection_mut()
    }
}

impl<T: Wraps + ?Sized> Wraps for &mut T {
    fn connection(&self) -> &Connection {
        (**self).connection()
    }

    fn connection_mut(&mut self) -> &mut Connection {
        (**self).connection_mut()
    }
}
