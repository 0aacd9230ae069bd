//! Connections for a pool of `r2d2`.

use crate::duckdb::connection::Connection;
use crate::sync::{Mutex, lock};
use ::duckdb::{Error, Result};
use std::fmt;

/// Gives a pool its connections: further ones to the database of the one that it was made of, with its name and settings. Each is profiled.
///
/// ```no_run
/// use telemetry::duckdb::{Connection, ConnectionManager};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open("flights.duckdb")?.with_name("warehouse");
/// let pool = r2d2::Pool::builder().max_size(4).build(ConnectionManager::new(connection))?;
/// pool.get()?.execute("insert into flights values (?)", ["UA1545"])?;
/// # Ok(())
/// # }
/// ```
///
/// A transaction that somebody begins and does not end goes back to the pool with its connection, as with `duckdb`'s own manager.
pub struct ConnectionManager(Mutex<Connection>);

impl ConnectionManager {
    /// For further connections to the database of this one.
    #[must_use]
    pub fn new(connection: Connection) -> ConnectionManager {
        ConnectionManager(Mutex::new(connection))
    }
}

impl r2d2::ManageConnection for ConnectionManager {
    type Connection = Connection;
    type Error = Error;

    fn connect(&self) -> Result<Connection> {
        lock(&self.0).try_clone()
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<()> {
        connection.execute_batch("")
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false
    }
}

impl fmt::Debug for ConnectionManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnectionManager").field(&*lock(&self.0)).finish()
    }
}
