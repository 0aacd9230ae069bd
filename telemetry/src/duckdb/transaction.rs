//! A transaction on a profiled connection. Its `begin`, `commit` and `rollback` are accounted for like any statement.

use crate::duckdb::connection::Connection;
use ::duckdb::{DropBehavior, Result};
use std::ops::Deref;

/// A transaction. Rolls back when it is dropped, unless told otherwise.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = telemetry::duckdb::Connection::open("flights.duckdb")?;
/// let transaction = connection.transaction()?;
/// transaction.execute("insert into flights values (?)", ["UA1545"])?;
/// transaction.commit()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Transaction<'conn> {
    connection: &'conn Connection,
    drop_behavior: DropBehavior,
    over: bool,
}

impl Transaction<'_> {
    /// Begins a transaction. The compiler sees to it that there is no other one on the connection.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn new(connection: &mut Connection) -> Result<Transaction<'_>> {
        Self::new_unchecked(connection)
    }

    /// Begins a transaction on a shared connection.
    ///
    /// # Errors
    /// As DuckDB's, where there is one already.
    pub fn new_unchecked(connection: &Connection) -> Result<Transaction<'_>> {
        connection.execute_batch("BEGIN TRANSACTION")?;
        Ok(Transaction { connection, drop_behavior: DropBehavior::Rollback, over: false })
    }

    /// What happens when it is dropped.
    #[must_use]
    pub fn drop_behavior(&self) -> DropBehavior {
        self.drop_behavior
    }

    /// Chooses what happens when it is dropped.
    pub fn set_drop_behavior(&mut self, drop_behavior: DropBehavior) {
        self.drop_behavior = drop_behavior;
    }

    /// Commits.
    ///
    /// # Errors
    /// As DuckDB's; then it is rolled back.
    pub fn commit(mut self) -> Result<()> {
        self.commit_()
    }

    fn commit_(&mut self) -> Result<()> {
        self.connection.execute_batch("COMMIT")?;
        self.over = true;
        Ok(())
    }

    /// Rolls back.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn rollback(mut self) -> Result<()> {
        self.rollback_()
    }

    fn rollback_(&mut self) -> Result<()> {
        self.over = true;
        self.connection.execute_batch("ROLLBACK")
    }

    /// Does what dropping does, and tells how it went.
    ///
    /// # Errors
    /// As DuckDB's.
    pub fn finish(mut self) -> Result<()> {
        self.finish_()
    }

    #[expect(clippy::panic, reason = "asked for with `DropBehavior::Panic`")]
    fn finish_(&mut self) -> Result<()> {
        if self.over {
            return Ok(());
        }
        match self.drop_behavior {
            DropBehavior::Commit => self.commit_().or_else(|_| self.rollback_()),
            DropBehavior::Ignore => {
                self.over = true;
                Ok(())
            }
            DropBehavior::Panic => {
                self.over = true;
                panic!("Transaction dropped unexpectedly.")
            }
            _ => self.rollback_(),
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        let _ = self.finish_();
    }
}
