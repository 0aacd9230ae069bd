//! What databases are open, and the collectors that are asked for them and for their statements.
//!
//! A database is asked over a connection of our own, a clone that runs nothing else: the user's connection stays theirs, and a
//! query that runs on it is not waited for. The last profiled connection to go takes the clone with it, so that the file is closed
//! when the program closes it.

use crate::builtin::duckdb::databases as families;
use crate::duckdb::{function, progress, slow, table};
use crate::metric::Descriptor;
use crate::private::RECORDS;
use crate::registry::{Collection, Collector, How};
use crate::sync::{Mutex, MutexGuard, lock, lock_for_long};
use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once, TryLockError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// 100 tables: with three labels some 10 KB of exposition.
const TABLES: usize = 100;
/// Longer than this the databases may not hold up a scrape; what is not asked by then is left out.
const PATIENCE: Duration = Duration::from_millis(500);

/// An open database.
pub(crate) struct Database {
    name: Mutex<Arc<str>>,
    /// Nothing for a database in memory.
    file: Option<PathBuf>,
    /// Nothing once the last profiled connection is gone.
    probe: Mutex<Option<::duckdb::Connection>>,
}

/// What profiled connections to one database share. The last one's drop closes the probe.
pub(crate) struct Lease(Arc<Database>);

/// Every database that was opened and may still be, in the order of their opening.
static DATABASES: Mutex<Vec<Weak<Database>>> = Mutex::new(Vec::new());

impl Lease {
    /// Begins with the first connection to a database.
    pub(crate) fn new(connection: &::duckdb::Connection, name: Arc<str>) -> Arc<Lease> {
        static REGISTER: Once = Once::new();
        REGISTER.call_once(|| {
            let registry = crate::registry::of_program();
            registry.add(Statements, How::Here);
            registry.add(Databases, How::Limited);
        });
        let probe = if RECORDS { connection.try_clone().ok() } else { None };
        if let Some(probe) = &probe {
            function::register(probe);
        }
        // Whole, since the program may change its folder. What is in memory is no file.
        let file = connection.path().and_then(|path| path.canonicalize().ok());
        let database = Arc::new(Database { name: Mutex::new(name), file, probe: Mutex::new(probe) });
        lock(&DATABASES).push(Arc::downgrade(&database));
        Arc::new(Lease(database))
    }

    /// Keeps the probe still. DuckDB refuses a `CHECKPOINT` while a transaction that was committed under the eyes of another one is
    /// remembered for it, and the probe's reading must not be that other one.
    pub(crate) fn still(&self) -> impl Sized + '_ {
        lock_for_long(&self.0.probe)
    }

    pub(crate) fn rename(&self, name: Arc<str>) {
        *lock(&self.0.name) = name;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Waits for a scrape that is asking, some milliseconds, so that the file is closed when this returns.
        drop(lock(&self.0.probe).take());
        lock(&DATABASES).retain(|database| !std::ptr::eq(database.as_ptr(), Arc::as_ptr(&self.0)));
    }
}

/// The figures of statements, for the report. They outlive their connections.
struct Statements;

impl Collector for Statements {
    fn describe(&self) -> &[Descriptor] {
        &[]
    }

    fn collect(&self, out: &mut Collection) {
        for statement in table::statements(None) {
            out.statement(statement);
        }
        out.slow_statements(slow::last());
    }
}

/// Size, memory and tables of the databases that are open.
struct Databases;

impl Collector for Databases {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn name(&self) -> Cow<'static, str> {
        "duckdb".into()
    }

    fn collect(&self, out: &mut Collection) {
        let deadline = Instant::now() + PATIENCE;
        let databases: Vec<Arc<Database>> = lock(&DATABASES).iter().filter_map(Weak::upgrade).collect();
        let mut seen = HashSet::new();
        // Of two that have one name the one opened last is shown: a series occurs once.
        for database in databases.iter().rev() {
            let name = Arc::clone(&lock(&database.name));
            if seen.contains(&name) {
                continue;
            }
            let probe = patiently(&database.probe, deadline);
            // Closed since the list was read: it is no database any more.
            if probe.as_ref().is_some_and(|probe| probe.is_none()) {
                continue;
            }
            seen.insert(Arc::clone(&name));
            sizes(&name, database.file.as_deref(), out);
            if let Some(probe) = probe.as_deref().and_then(Option::as_ref) {
                let asked = Asked { probe, name: &name, deadline };
                // What cannot be asked is left out: a version may lack the function.
                let _ = asked
                    .memory(out)
                    .and_then(|()| asked.limits(out))
                    .and_then(|()| if database.file.is_some() { asked.blocks(out) } else { Ok(()) })
                    .and_then(|()| asked.tables(out));
            }
        }
        for (database, print, share) in progress::all() {
            out.gauge(&families::duckdb_query_progress_ratio::DESCRIPTOR, &[&database, &print.label], share);
        }
    }
}

/// The lock, unless somebody has it for longer: another scrape for milliseconds, a checkpoint for as long as it takes.
fn patiently<T>(mutex: &Mutex<T>, deadline: Instant) -> Option<MutexGuard<'_, T>> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(error)) => return Some(error.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => return None,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// The sizes of the files, which nobody is asked for.
#[expect(clippy::cast_precision_loss, reason = "bytes of a database fit")]
fn sizes(name: &str, file: Option<&Path>, out: &mut Collection) {
    let Some(file) = file else { return };
    if let Ok(file) = std::fs::metadata(file) {
        out.gauge(&families::duckdb_database_size_bytes::DESCRIPTOR, &[name], file.len() as f64);
    }
    let mut log = file.as_os_str().to_owned();
    log.push(".wal");
    let log = match std::fs::metadata(log) {
        Ok(log) => log.len(),
        // Where there is none, nothing is in it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(_) => return,
    };
    out.gauge(&families::duckdb_wal_size_bytes::DESCRIPTOR, &[name], log as f64);
}

/// One database, asked for one snapshot.
struct Asked<'a> {
    probe: &'a ::duckdb::Connection,
    name: &'a str,
    deadline: Instant,
}

/// Nothing came, or no time is left.
struct Absent;

impl From<::duckdb::Error> for Absent {
    #[cold]
    fn from(_: ::duckdb::Error) -> Absent {
        Absent
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes and rows of a database fit")]
impl Asked<'_> {
    fn rows<T>(
        &self,
        sql: &str,
        read: impl FnMut(&::duckdb::Row<'_>) -> ::duckdb::Result<T>,
    ) -> Result<Vec<T>, Absent> {
        if Instant::now() > self.deadline {
            return Err(Absent);
        }
        let mut statement = self.probe.prepare(sql)?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<::duckdb::Result<Vec<T>>>()?)
    }

    fn memory(&self, out: &mut Collection) -> Result<(), Absent> {
        let sql = "select lower(tag), memory_usage_bytes::bigint from duckdb_memory()";
        for (tag, bytes) in self.rows(sql, |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))? {
            out.gauge(&families::duckdb_memory_bytes::DESCRIPTOR, &[self.name, &tag], bytes as f64);
        }
        Ok(())
    }

    /// What it may use, and what it has put into temporary files.
    fn limits(&self, out: &mut Collection) -> Result<(), Absent> {
        let sql = "select current_setting('threads')::bigint, current_setting('memory_limit')::varchar, \
                   (select count(*) from duckdb_temporary_files())::bigint, (select coalesce(sum(size), 0) from duckdb_temporary_files())::bigint";
        let read = |row: &::duckdb::Row<'_>| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
        };
        for (threads, memory, files, bytes) in self.rows(sql, read)? {
            out.gauge(&families::duckdb_threads::DESCRIPTOR, &[self.name], threads as f64);
            if let Some(limit) = bytes_of(&memory) {
                out.gauge(&families::duckdb_memory_limit_bytes::DESCRIPTOR, &[self.name], limit);
            }
            out.gauge(&families::duckdb_temp_files::DESCRIPTOR, &[self.name], files as f64);
            out.gauge(&families::duckdb_temp_bytes::DESCRIPTOR, &[self.name], bytes as f64);
        }
        Ok(())
    }

    /// The blocks of its file. Waits for a checkpoint that goes on, some milliseconds; one that is asked for through a connection of ours waits for this.
    fn blocks(&self, out: &mut Collection) -> Result<(), Absent> {
        let sql = "select total_blocks::bigint, free_blocks::bigint from pragma_database_size() where database_name = current_database()";
        for (blocks, free) in self.rows(sql, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))? {
            out.gauge(&families::duckdb_blocks::DESCRIPTOR, &[self.name], blocks as f64);
            out.gauge(&families::duckdb_free_blocks::DESCRIPTOR, &[self.name], free as f64);
        }
        Ok(())
    }

    fn tables(&self, out: &mut Collection) -> Result<(), Absent> {
        let sql = format!(
            "select case schema_name when 'main' then table_name else schema_name || '.' || table_name end, estimated_size::bigint \
             from duckdb_tables() where database_name = current_database() and not internal and not temporary \
             order by estimated_size desc, table_name limit {TABLES}"
        );
        for (table, rows) in self.rows(&sql, |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))? {
            out.gauge(&families::duckdb_table_rows::DESCRIPTOR, &[self.name, &table], rows as f64);
        }
        Ok(())
    }
}

/// `12.4 GiB`, as DuckDB writes sizes, in bytes.
fn bytes_of(size: &str) -> Option<f64> {
    const UNITS: [(&str, i32); 6] = [("bytes", 0), ("KiB", 1), ("MiB", 2), ("GiB", 3), ("TiB", 4), ("PiB", 5)];
    let (number, unit) = size.trim().split_once(' ')?;
    let (_, power) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim_end_matches('.')))?;
    Some(number.parse::<f64>().ok()? * 1024_f64.powi(*power))
}

#[cfg(test)]
mod tests {
    use super::bytes_of;

    #[test]
    fn sizes_are_read_as_duckdb_writes_them() {
        assert_eq!(bytes_of("512 bytes"), Some(512.0));
        assert_eq!(bytes_of("12.5 GiB"), Some(12.5 * 1024.0 * 1024.0 * 1024.0));
        assert_eq!([bytes_of("much"), bytes_of("1 XB"), bytes_of("")], [None; 3]);
    }
}
