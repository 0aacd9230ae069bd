//! Runs in tables of a DuckDB file: `docs/history.md` describes them.
//!
//! DuckDB lets one process at a time have a file open to write, and none to read meanwhile. So it is opened for as long as a run takes to be written, and whoever finds
//! it taken tries again. A run is written in one transaction: it is there as a whole, or not.

use crate::history::lines::{Lines, pending};
use crate::history::{FunctionRun, HistoryError, JobRun, Run, RunHead, Sketch, StatementRun};
use crate::snapshot::Tally;
use duckdb::{AccessMode, Config, Connection, ToSql, params};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// The version of the tables.
pub(super) const SCHEMA: i64 = 1;

/// What each version adds to the one before: run in the transaction in which the version is raised.
const MIGRATIONS: [&str; 1] = [include_str!("schema_1.sql")];

/// How often somebody looks whether the file is free.
const LOOKS: Duration = Duration::from_millis(50);

struct Database<'a> {
    path: &'a Path,
    connection: Connection,
}

/// The tables, and what tells a run's rows in them.
const TABLES: [&str; 6] = ["runs", "functions", "function_buckets", "jobs", "statements", "statement_buckets"];

impl<'a> Database<'a> {
    /// Opens it to write, with its tables.
    fn open(path: &'a Path, patience: Duration) -> Result<Database<'a>, HistoryError> {
        let until = Instant::now() + patience;
        let connection = loop {
            match Connection::open_with_flags(
                path,
                config(AccessMode::ReadWrite).map_err(|error| refused(path, &error))?,
            ) {
                Ok(connection) => break connection,
                Err(error) if is_taken(&error) && Instant::now() < until => std::thread::sleep(LOOKS),
                Err(error) if is_taken(&error) => return Err(HistoryError::Busy { path: path.to_owned() }),
                Err(error) => return Err(refused(path, &error)),
            }
        };
        let database = Database { path, connection };
        database.migrate()?;
        Ok(database)
    }

    /// Opens it to read; none where there is no file.
    fn look(path: &'a Path) -> Result<Option<Database<'a>>, HistoryError> {
        if !path.exists() {
            return Ok(None);
        }
        let until = Instant::now() + super::write::PATIENCE;
        let connection = loop {
            match Connection::open_with_flags(
                path,
                config(AccessMode::ReadOnly).map_err(|error| refused(path, &error))?,
            ) {
                Ok(connection) => break connection,
                Err(error) if is_taken(&error) && Instant::now() < until => std::thread::sleep(LOOKS),
                Err(error) if is_taken(&error) => return Err(HistoryError::Busy { path: path.to_owned() }),
                Err(error) => return Err(refused(path, &error)),
            }
        };
        let database = Database { path, connection };
        let version = database.version()?;
        database.known(version)?;
        Ok((version > 0).then_some(database))
    }

    fn does<T>(&self, done: duckdb::Result<T>) -> Result<T, HistoryError> {
        done.map_err(|error| refused(self.path, &error))
    }

    fn execute(&self, sql: &str) -> Result<(), HistoryError> {
        self.does(self.connection.execute_batch(sql))
    }

    /// The version of its tables; 0 where there are none.
    fn version(&self) -> Result<i64, HistoryError> {
        let tables = "select count(*) from duckdb_tables() where table_name = 'schema_version' and not internal";
        let is_there: i64 = self.does(self.connection.query_row(tables, [], |row| row.get(0)))?;
        if is_there == 0 {
            return Ok(0);
        }
        self.does(
            self.connection.query_row("select coalesce(max(version), 0) from schema_version", [], |row| row.get(0)),
        )
    }

    fn known(&self, version: i64) -> Result<(), HistoryError> {
        if version <= SCHEMA {
            return Ok(());
        }
        Err(HistoryError::Newer { path: self.path.to_owned(), version, known: SCHEMA })
    }

    fn migrate(&self) -> Result<(), HistoryError> {
        let version = self.version()?;
        self.known(version)?;
        if version == SCHEMA {
            return Ok(());
        }
        let mut script =
            String::from("begin transaction;\ncreate table if not exists schema_version (version bigint not null);\n");
        for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
            script += migration;
        }
        script += &format!("delete from schema_version;\ninsert into schema_version values ({SCHEMA});\ncommit;\n");
        // Where it fails the transaction goes with the connection.
        self.execute(&script)
    }

    fn add(&self, run: &Run) -> Result<(), HistoryError> {
        let id = &run.head.id;
        let known = self
            .connection
            .query_row("select count(*) from runs where run_id = ?", params![id], |row| row.get::<_, i64>(0));
        // One that waited beside the file may have been taken in before somebody could remove it there.
        if self.does(known)? > 0 {
            return Ok(());
        }
        self.does(add_head(&self.connection, &run.head))?;
        self.does(add_functions(&self.connection, id, &run.functions))?;
        self.does(add_jobs(&self.connection, id, &run.jobs))?;
        self.does(add_statements(&self.connection, id, &run.statements))
    }

    fn in_transaction<T>(&self, work: impl FnOnce() -> Result<T, HistoryError>) -> Result<T, HistoryError> {
        self.execute("begin transaction")?;
        let done = work();
        match &done {
            Ok(_) => self.execute("commit")?,
            // What failed is told; the transaction would else go with the connection.
            Err(_) => drop(self.execute("rollback")),
        }
        done
    }

    /// Keeps the newest runs. Says how many went.
    fn prune(&self, keep: usize) -> Result<usize, HistoryError> {
        let count: i64 = self.does(self.connection.query_row("select count(*) from runs", [], |row| row.get(0)))?;
        let surplus = usize::try_from(count).unwrap_or(0).saturating_sub(keep);
        if surplus > 0 {
            for table in TABLES.iter().rev() {
                let old = format!(
                    "delete from {table} where run_id in (select run_id from runs order by run_id limit {surplus})"
                );
                self.execute(&old)?;
            }
        }
        Ok(surplus)
    }
}

fn config(access: AccessMode) -> duckdb::Result<Config> {
    // A summary is small, and other programs need the machine.
    Config::default().access_mode(access)?.threads(1)
}

fn refused(path: &Path, error: &duckdb::Error) -> HistoryError {
    HistoryError::Database { path: path.to_owned(), why: error.to_string() }
}

/// Whether somebody else has the file open: DuckDB tells it by its message alone.
fn is_taken(error: &duckdb::Error) -> bool {
    let text = error.to_string();
    text.contains("Could not set lock")
        || text.contains("Conflicting lock")
        || text.contains("being used by another process")
}

/// Whether it can be read by this version.
pub(super) fn check(path: &Path) -> Result<(), HistoryError> {
    Database::look(path).map(drop)
}

/// Adds runs, with those that wait beside the file, and forgets old ones.
pub(super) fn append(path: &Path, runs: &[Run], keep: usize, patience: Duration) -> Result<(), HistoryError> {
    let database = Database::open(path, patience)?;
    let beside = Lines::new(pending(path));
    let waiting = beside.take(patience)?;
    database.in_transaction(|| {
        for run in waiting.iter().filter_map(|line| super::read::run(line).ok()) {
            database.add(&run)?;
        }
        runs.iter().try_for_each(|run| database.add(run))?;
        database.prune(keep)
    })?;
    if !waiting.is_empty() {
        beside.remove(waiting.len(), patience)?;
    }
    Ok(())
}

pub(super) fn prune(path: &Path, keep: usize, patience: Duration) -> Result<usize, HistoryError> {
    if !path.exists() {
        return Ok(0);
    }
    let database = Database::open(path, patience)?;
    database.in_transaction(|| database.prune(keep))
}

fn micros(at: SystemTime) -> i64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn add_head(connection: &Connection, head: &RunHead) -> duckdb::Result<()> {
    let version =
        |name: &str| head.versions.iter().find(|(known, _)| known == name).map(|(_, version)| version.clone());
    let settings = crate::export::json::object(
        head.settings.iter().map(|(name, value)| (&**name, crate::export::json::text(value))),
    );
    connection
        .execute(
            "insert into runs values (?, ?, make_timestamp(?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                head.id,
                head.service,
                micros(head.started_at),
                head.duration_seconds,
                head.result,
                head.git_commit,
                head.git_branch,
                head.host,
                version("telemetry"),
                version("rustc"),
                version("target"),
                version("profile"),
                settings
            ],
        )
        .map(drop)
}

fn add_functions(connection: &Connection, id: &str, functions: &[FunctionRun]) -> duckdb::Result<()> {
    let mut rows = connection.appender("functions")?;
    for of in functions {
        rows.append_row(params![
            id,
            of.module,
            of.function,
            of.calls,
            of.errors,
            of.panics,
            of.cancelled,
            of.polls,
            of.busy_seconds,
            of.self_seconds,
            of.cpu_seconds,
            of.allocated_bytes,
            of.allocations,
            of.read_bytes,
            of.written_bytes,
            of.durations.sum
        ])?;
    }
    rows.flush()?;
    let mut rows = connection.appender("function_buckets")?;
    for of in functions {
        for (bound, count) in &of.durations.buckets {
            rows.append_row(params![id, of.module, of.function, bound, count])?;
        }
    }
    rows.flush()
}

fn add_jobs(connection: &Connection, id: &str, jobs: &[JobRun]) -> duckdb::Result<()> {
    let mut rows = connection.appender("jobs")?;
    for of in jobs {
        let (units, records) = (of.units, of.records);
        let cells: [&dyn ToSql; 14] = [
            &id,
            &of.job,
            &of.unit,
            &of.result,
            &of.elapsed_seconds,
            &of.total,
            &units.processed,
            &units.failed,
            &units.skipped,
            &units.dead_lettered,
            &records.processed,
            &records.failed,
            &records.skipped,
            &records.dead_lettered,
        ];
        rows.append_row(&cells[..])?;
    }
    rows.flush()
}

fn add_statements(connection: &Connection, id: &str, statements: &[StatementRun]) -> duckdb::Result<()> {
    let mut rows = connection.appender("statements")?;
    for of in statements {
        rows.append_row(params![
            id,
            of.database,
            of.statement,
            of.text,
            of.calls,
            of.errors,
            of.total_seconds,
            of.rows,
            of.durations.sum
        ])?;
    }
    rows.flush()?;
    let mut rows = connection.appender("statement_buckets")?;
    for of in statements {
        for (bound, count) in &of.durations.buckets {
            rows.append_row(params![id, of.database, of.statement, bound, count])?;
        }
    }
    rows.flush()
}

const HEADS: &str = "select run_id, service, epoch_us(started_at), duration_seconds, result, git_commit, git_branch, host, telemetry_version, rustc, target, profile, \
                     settings from runs order by run_id";

pub(super) fn heads(path: &Path) -> Result<Vec<RunHead>, HistoryError> {
    let Some(database) = Database::look(path)? else { return Ok(Vec::new()) };
    let read = || -> duckdb::Result<Vec<RunHead>> {
        let mut statement = database.connection.prepare(HEADS)?;
        let rows = statement.query_map([], |row| {
            let named = |name: &str, value: Option<String>| value.map(|value| (name.to_owned(), value));
            let versions = [
                named("profile", row.get(11)?),
                named("rustc", row.get(9)?),
                named("target", row.get(10)?),
                named("telemetry", row.get(8)?),
            ];
            let settings: String = row.get(12)?;
            Ok(RunHead {
                id: row.get(0)?,
                service: row.get(1)?,
                started_at: SystemTime::UNIX_EPOCH
                    + Duration::from_micros(u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0)),
                duration_seconds: row.get(3)?,
                result: row.get(4)?,
                git_commit: row.get(5)?,
                git_branch: row.get(6)?,
                host: row.get(7)?,
                versions: versions.into_iter().flatten().collect(),
                settings: settings_of(&settings),
            })
        })?;
        rows.collect()
    };
    database.does(read())
}

fn settings_of(text: &str) -> Vec<(String, String)> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    object.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}

/// The rows of a table that are of these runs, each with its run.
fn rows_of<T>(
    database: &Database<'_>,
    columns: &str,
    table: &str,
    ids: &str,
    read: impl Fn(&duckdb::Row<'_>) -> duckdb::Result<T>,
) -> Result<Vec<(String, T)>, HistoryError> {
    let sql = format!(
        "select run_id, {columns} from {table} where run_id in (select unnest(string_split(?, ','))) order by all"
    );
    let rows = || -> duckdb::Result<Vec<(String, T)>> {
        let mut statement = database.connection.prepare(&sql)?;
        let rows = statement.query_map(params![ids], |row| Ok((row.get(0)?, read(row)?)))?;
        rows.collect()
    };
    database.does(rows())
}

pub(super) fn runs(path: &Path, heads: &[RunHead]) -> Result<Vec<Run>, HistoryError> {
    let Some(database) = Database::look(path)? else { return Ok(Vec::new()) };
    // Ids are hexadecimal digits and a hyphen.
    let ids = heads.iter().map(|head| &*head.id).collect::<Vec<_>>().join(",");
    let bucket = |row: &duckdb::Row<'_>| Ok(((row.get(1)?, row.get(2)?), (row.get(3)?, row.get(4)?)));
    type Bucket = ((String, String), (f64, u64));
    let of_functions: Vec<(String, Bucket)> =
        rows_of(&database, "module, function, upper_bound_seconds, count", "function_buckets", &ids, bucket)?;
    let of_statements: Vec<(String, Bucket)> =
        rows_of(&database, "database, statement, upper_bound_seconds, count", "statement_buckets", &ids, bucket)?;
    let sketches = |rows: Vec<(String, Bucket)>| {
        let mut sketches = std::collections::HashMap::<(String, String, String), Vec<(f64, u64)>>::new();
        for (run, ((place, name), bucket)) in rows {
            sketches.entry((run, place, name)).or_default().push(bucket);
        }
        sketches
    };
    let (mut of_functions, mut of_statements) = (sketches(of_functions), sketches(of_statements));
    let columns = "module, function, calls, errors, panics, cancelled, polls, busy_seconds, self_seconds, cpu_seconds, allocated_bytes, allocations, \
                   read_bytes, written_bytes, duration_sum_seconds";
    let functions = rows_of(&database, columns, "functions", &ids, |row| {
        Ok(FunctionRun {
            module: row.get(1)?,
            function: row.get(2)?,
            calls: row.get(3)?,
            errors: row.get(4)?,
            panics: row.get(5)?,
            cancelled: row.get(6)?,
            polls: row.get(7)?,
            busy_seconds: row.get(8)?,
            self_seconds: row.get(9)?,
            cpu_seconds: row.get(10)?,
            allocated_bytes: row.get(11)?,
            allocations: row.get(12)?,
            read_bytes: row.get(13)?,
            written_bytes: row.get(14)?,
            durations: Sketch { buckets: Vec::new(), sum: row.get(15)? },
        })
    })?;
    let columns = "job, unit, result, elapsed_seconds, total, processed, failed, skipped, dead_lettered, records_processed, records_failed, records_skipped, \
                   records_dead_lettered";
    let jobs = rows_of(&database, columns, "jobs", &ids, |row| {
        let tally = |first: usize| -> duckdb::Result<Tally> {
            Ok(Tally {
                processed: row.get(first)?,
                failed: row.get(first + 1)?,
                skipped: row.get(first + 2)?,
                dead_lettered: row.get(first + 3)?,
            })
        };
        Ok(JobRun {
            job: row.get(1)?,
            unit: row.get(2)?,
            result: row.get(3)?,
            elapsed_seconds: row.get(4)?,
            total: row.get(5)?,
            units: tally(6)?,
            records: tally(10)?,
        })
    })?;
    let columns = "database, statement, text, calls, errors, total_seconds, rows, duration_sum_seconds";
    let statements = rows_of(&database, columns, "statements", &ids, |row| {
        Ok(StatementRun {
            database: row.get(1)?,
            statement: row.get(2)?,
            text: row.get(3)?,
            calls: row.get(4)?,
            errors: row.get(5)?,
            total_seconds: row.get(6)?,
            rows: row.get(7)?,
            durations: Sketch { buckets: Vec::new(), sum: row.get(8)? },
        })
    })?;
    let mut runs: Vec<Run> = heads
        .iter()
        .map(|head| Run { head: head.clone(), functions: Vec::new(), jobs: Vec::new(), statements: Vec::new() })
        .collect();
    let places: std::collections::HashMap<String, usize> =
        heads.iter().enumerate().map(|(place, head)| (head.id.clone(), place)).collect();
    let mut of = |id: &str, add: &mut dyn FnMut(&mut Run)| {
        if let Some(run) = places.get(id).and_then(|place| runs.get_mut(*place)) {
            add(run);
        }
    };
    for (id, mut function) in functions {
        let key = (id, function.module.clone(), function.function.clone());
        function.durations.buckets = of_functions.remove(&key).unwrap_or_default();
        let mut function = Some(function);
        of(&key.0, &mut |run| run.functions.extend(function.take()));
    }
    for (id, job) in jobs {
        let mut job = Some(job);
        of(&id, &mut |run| run.jobs.extend(job.take()));
    }
    for (id, mut statement) in statements {
        let key = (id, statement.database.clone(), statement.statement.clone());
        statement.durations.buckets = of_statements.remove(&key).unwrap_or_default();
        let mut statement = Some(statement);
        of(&key.0, &mut |run| run.statements.extend(statement.take()));
    }
    Ok(runs)
}

/// A text in SQL.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "''"))
}

fn export_all(database: &Database<'_>, folder: &Path) -> Result<Vec<PathBuf>, HistoryError> {
    std::fs::create_dir_all(folder).map_err(|error| HistoryError::File { path: folder.to_owned(), error })?;
    let mut files = Vec::new();
    for table in TABLES {
        let file = folder.join(format!("{table}.parquet"));
        database.execute(&format!("copy (from {table} order by run_id) to {} (format parquet)", quoted(&file)))?;
        files.push(file);
    }
    Ok(files)
}

/// The tables as files of Parquet.
pub(super) fn export(path: &Path, folder: &Path) -> Result<Vec<PathBuf>, HistoryError> {
    match Database::look(path)? {
        Some(database) => export_all(&database, folder),
        None => export_runs(&[], folder),
    }
}

/// The same of runs from elsewhere.
pub(super) fn export_runs(runs: &[Run], folder: &Path) -> Result<Vec<PathBuf>, HistoryError> {
    let path = Path::new(":memory:");
    let connection = Connection::open_in_memory().map_err(|error| refused(path, &error))?;
    let database = Database { path, connection };
    database.migrate()?;
    database.in_transaction(|| runs.iter().try_for_each(|run| database.add(run)))?;
    export_all(&database, folder)
}
