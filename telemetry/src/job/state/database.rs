//! A state in a table of the user's own DuckDB database, so that rows and checkpoint can go in one transaction.
//!
//! The table has no primary key, on purpose: DuckDB judges a key by its index, which still knows rows that a transaction has deleted
//! while an older one is open, and a checkpoint would fail for a key that nobody has. A row is updated, and inserted where
//! there is none; should two transactions both insert a key, the later one is read, and the next update makes them equal.

use crate::job::state::error::StateError;
use crate::job::state::{Left, Settings};
use crate::sync::{Mutex, lock};
use ::duckdb::types::{TimeUnit, Value as Datum};
use ::duckdb::{Connection, Error, params};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const TABLE: &str = "telemetry_checkpoints";
const COLUMNS: [(&str, &str); 4] =
    [("job", "VARCHAR"), ("key", "VARCHAR"), ("value", "VARCHAR"), ("updated_at", "TIMESTAMP")];
/// The key of the row that says when the job last succeeded. Users' keys do not begin so.
const LAST_SUCCESS: &str = "telemetry.last_success_timestamp_seconds";

pub(super) struct DatabaseState {
    /// Our own, for what is not part of the user's transactions.
    connection: Connection,
    /// `"flights"."main".telemetry_checkpoints`.
    table: String,
    job: Arc<str>,
    keep: bool,
    _entry: Entry,
}

impl DatabaseState {
    /// Reads the job's checkpoints, and makes the table where it is missing.
    pub(super) fn open(
        connection: &Connection,
        job: Arc<str>,
        settings: Settings,
        started_at: SystemTime,
    ) -> Result<(DatabaseState, Left), StateError> {
        let failed = |source| StateError::Database { doing: "open the job's state in the database", source };
        // Asked of the user's connection: another one of the same database may look elsewhere.
        let (database, schema) = connection
            .query_row("select current_database(), current_schema()", [], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .map_err(failed)?;
        let table = format!("{}.{}.{TABLE}", quoted(&database), quoted(&schema));
        let entry = Entry::make(connection.path(), &table, &job, started_at)?;
        let connection = connection.try_clone().map_err(failed)?;
        let mut state = DatabaseState { connection, table, job, keep: settings.keep, _entry: entry };
        state.make_table(&database, &schema)?;
        if settings.fresh {
            state.restart()?;
        }
        let left = state.read()?;
        Ok((state, left))
    }

    fn make_table(&self, database: &str, schema: &str) -> Result<(), StateError> {
        let failed = |source| StateError::Database { doing: "make the table of the job's state", source };
        let columns = COLUMNS.map(|(name, ty)| format!("{name} {ty} not null")).join(", ");
        self.connection
            .execute_batch(&format!("create table if not exists {} ({columns})", self.table))
            .map_err(failed)?;
        let sql = "select column_name, data_type from duckdb_columns() where database_name = ? and schema_name = ? and table_name = ? \
                   order by column_index";
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let found = statement
            .query_map([database, schema, TABLE], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(failed)?;
        if found.iter().map(|(name, ty)| (&**name, &**ty)).eq(COLUMNS) {
            return Ok(());
        }
        let columns: Vec<_> = found.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
        let why = format!("has a table {TABLE} of other columns ({})", columns.join(", "));
        Err(self.unreadable(why, "rename that table, or keep the state in another schema or file"))
    }

    fn unreadable(&self, why: String, advice: &'static str) -> StateError {
        let place = self.connection.path().map_or_else(|| PathBuf::from(&self.table), Path::to_path_buf);
        StateError::Unreadable { place, why, advice }
    }

    fn read(&self) -> Result<Left, StateError> {
        let failed = |source| StateError::Database { doing: "read the job's checkpoints", source };
        // The later of two is the one that counts. The time is asked as text, too: so no text is made of it here.
        let sql = format!(
            "select key, value, epoch_us(updated_at), strftime(updated_at, '%Y-%m-%dT%H:%M:%SZ') from {} where job = ? order by updated_at",
            self.table
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query([&*self.job]).map_err(failed)?;
        let mut left = Left::default();
        let (mut written, mut succeeded) = (None::<i64>, None::<i64>);
        while let Some(row) = rows.next().map_err(failed)? {
            let get = |index| row.get::<_, String>(index).map_err(failed);
            let (key, text, at) = (get(0)?, get(1)?, row.get::<_, i64>(2).map_err(failed)?);
            let value = serde_json::from_str::<Value>(&text).map_err(|error| {
                let why =
                    format!("has in {TABLE} for the job `{}` and the key {key:?} what is not JSON ({error})", self.job);
                self.unreadable(why, "mend or delete that row")
            })?;
            if key == LAST_SUCCESS {
                succeeded = Some(at);
                left.last_success = u64::try_from(at).ok().map(|at| SystemTime::UNIX_EPOCH + Duration::from_micros(at));
                continue;
            }
            written = Some(at);
            left.written_at = Some(get(3)?);
            left.values.insert(key, value);
        }
        // Those of a run that succeeded are older than that: it says so after its last one.
        left.unfinished = written > succeeded;
        Ok(left)
    }

    /// Writes a checkpoint in a transaction of its own.
    pub(super) fn checkpoint(&self, key: &str, value: &Value) -> Result<(), StateError> {
        self.checkpoint_in(&self.connection, key, value)
    }

    /// Writes a checkpoint in whatever transaction the connection has.
    pub(super) fn checkpoint_in(&self, connection: &Connection, key: &str, value: &Value) -> Result<(), StateError> {
        if connection.path() != self.connection.path() {
            let why = "has its state in another database than this connection's; open the state with the connection that writes the rows";
            return Err(StateError::Misused { job: self.job.to_string(), why });
        }
        self.put(connection, key, &value.to_string(), SystemTime::now())
            .map_err(|source| StateError::Database { doing: "write a checkpoint", source })
    }

    fn put(&self, connection: &Connection, key: &str, value: &str, at: SystemTime) -> Result<(), Error> {
        let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
        let at = Datum::Timestamp(TimeUnit::Microsecond, i64::try_from(at).unwrap_or(i64::MAX));
        let sql = format!("update {} set value = ?, updated_at = ? where job = ? and key = ?", self.table);
        let updated = connection.execute(&sql, params![value, at, &*self.job, key])?;
        if updated == 0 {
            let sql = format!("insert into {} (job, key, value, updated_at) values (?, ?, ?, ?)", self.table);
            connection.execute(&sql, params![&*self.job, key, value, at])?;
        }
        Ok(())
    }

    fn forget(&self) -> Result<(), Error> {
        let sql = format!("delete from {} where job = ? and key <> ?", self.table);
        self.connection.execute(&sql, [&*self.job, LAST_SUCCESS])?;
        Ok(())
    }

    /// Forgets the checkpoints.
    pub(super) fn restart(&mut self) -> Result<(), StateError> {
        self.forget().map_err(|source| StateError::Database { doing: "forget the job's checkpoints", source })
    }

    /// Writes that the run has succeeded.
    pub(super) fn succeed(&mut self, at: SystemTime) -> Result<(), StateError> {
        let failed = |source| StateError::Database { doing: "write the job's success", source };
        let seconds = Value::from(super::time::seconds(at)).to_string();
        let transaction = self.connection.unchecked_transaction().map_err(failed)?;
        let written = self.put(&transaction, LAST_SUCCESS, &seconds, at);
        let written = if self.keep { written } else { written.and_then(|()| self.forget()) };
        written.and_then(|()| transaction.commit()).map_err(failed)
    }
}

/// An identifier in quotation marks.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Who has a state in this process. Other processes are kept out by DuckDB, which locks the whole file.
static ENTRIES: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// A database, a table and a job, and when the run began.
type Known = (Box<Path>, Box<str>, Arc<str>, SystemTime);

/// A place among [`ENTRIES`]; nothing for a database in memory, of which nobody can tell whether it is the same one.
struct Entry(Option<(Box<Path>, Box<str>, Arc<str>)>);

impl Entry {
    fn make(path: Option<&Path>, table: &str, job: &Arc<str>, started_at: SystemTime) -> Result<Entry, StateError> {
        let Some(path) = path.and_then(|path| path.canonicalize().ok()) else { return Ok(Entry(None)) };
        let mut entries = lock(&ENTRIES);
        let same = |known: &&Known| *known.0 == *path && *known.1 == *table && known.2 == *job;
        if let Some((.., started_at)) = entries.iter().find(same) {
            let (pid, started_at) = (Some(std::process::id()), Some(*started_at));
            return Err(StateError::InUse { place: path, pid, started_at });
        }
        let (path, table) = (path.into_boxed_path(), Box::<str>::from(table));
        entries.push((path.clone(), table.clone(), job.clone(), started_at));
        Ok(Entry(Some((path, table, job.clone()))))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some((path, table, job)) = self.0.take() {
            lock(&ENTRIES).retain(|known| known.0 != path || known.1 != table || known.2 != job);
        }
    }
}
