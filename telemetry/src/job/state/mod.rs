//! What a job's next run finds: checkpoints, and when the job last succeeded.
//!
//! In a JSON file of the job's own, or in a table of the DuckDB database that the job writes. `docs/jobs.md` has the whole.
//!
//! This is what a program does, not telemetry: `--cfg telemetry_off` leaves all of it.

#[cfg(feature = "duckdb")]
mod conflict;
#[cfg(feature = "duckdb")]
mod database;
mod document;
mod error;
mod file;
mod lock;
mod source;
#[cfg(test)]
pub(crate) mod tests;
mod time;

#[cfg(feature = "duckdb")]
pub use conflict::open_database;
pub use error::StateError;
#[cfg(feature = "duckdb")]
pub use source::Database;
pub use source::{AsState, State};

use crate::builtin::jobs::recorded as families;
use crate::job::run::RunResult;
use crate::job::{Job, progress};
use crate::notice;
use crate::sync::{Mutex, lock_for_long};
use serde_core::Serialize;
use serde_core::de::DeserializeOwned;
use serde_json::{Map, Value};
use source::Place;
use std::fmt;
use std::sync::OnceLock;
use std::time::SystemTime;

/// What a state was told besides its place.
#[derive(Clone, Copy, Debug, Default)]
struct Settings {
    /// Forgets what an earlier run left.
    fresh: bool,
    /// Keeps the checkpoints of a run that succeeded.
    keep: bool,
}

/// What earlier runs left.
#[derive(Debug, Default)]
struct Left {
    values: Map<String, Value>,
    /// Whether the values are those of a run that did not succeed.
    unfinished: bool,
    /// When the last of them was written.
    written_at: Option<String>,
    last_success: Option<SystemTime>,
}

enum Opened {
    File(file::FileState),
    #[cfg(feature = "duckdb")]
    Database(database::DatabaseState),
}

impl Opened {
    fn checkpoint(&mut self, key: &str, value: Value) -> Result<(), StateError> {
        match self {
            Opened::File(state) => state.checkpoint(key, value),
            #[cfg(feature = "duckdb")]
            Opened::Database(state) => state.checkpoint(key, &value),
        }
    }

    fn restart(&mut self) -> Result<(), StateError> {
        match self {
            Opened::File(state) => state.restart(),
            #[cfg(feature = "duckdb")]
            Opened::Database(state) => state.restart(),
        }
    }

    fn succeed(&mut self, at: SystemTime) -> Result<(), StateError> {
        match self {
            Opened::File(state) => state.succeed(at),
            #[cfg(feature = "duckdb")]
            Opened::Database(state) => state.succeed(at),
        }
    }
}

#[derive(Default)]
enum Stage {
    #[default]
    None,
    Open(Box<Opened>),
    Ended,
}

/// A run's state.
#[derive(Default)]
pub(crate) struct RunState {
    left: OnceLock<Left>,
    /// Held while the disk is waited for. A child of a fork may find it held by nobody, and is kept from it by `process`.
    stage: Mutex<Stage>,
    /// Who opened it.
    process: OnceLock<u32>,
}

impl RunState {
    /// Whether the run goes on from where an earlier one stopped.
    pub(crate) fn is_resumed(&self) -> bool {
        self.left.get().is_some_and(|left| left.unfinished)
    }

    fn is_foreign(&self) -> bool {
        self.process.get().is_some_and(|process| *process != std::process::id())
    }

    /// The run has ended: whoever has the next one may have the state.
    pub(crate) fn end(&self, job: &str, result: RunResult) {
        if self.is_foreign() {
            return;
        }
        let stage = std::mem::replace(&mut *lock_for_long(&self.stage), Stage::Ended);
        let Stage::Open(mut opened) = stage else { return };
        if result == RunResult::Ok {
            if let Err(error) = opened.succeed(SystemTime::now()) {
                notice::say(format_args!(
                    "the job `{job}` has succeeded and its state does not say so: {error}; its next run will find the checkpoints of this one"
                ));
            }
        }
    }
}

impl Drop for RunState {
    fn drop(&mut self) {
        // A database must not be closed by a child of a fork, which has none of the engine's threads.
        if self.is_foreign() {
            std::mem::forget(std::mem::take(&mut self.stage));
        }
    }
}

/// What an earlier run left, and what this one leaves.
impl Job {
    /// Opens the job's state, for as long as the run lasts: a file, by its path, or a database, by a connection to it. Reads what an earlier
    /// run left. The argument `state` of [`#[backfill_job]`](macro@crate::backfill_job) does this before the body.
    ///
    /// ```
    /// use std::path::Path;
    /// use telemetry::{Job, backfill_job};
    /// # let folder = std::env::temp_dir().join(format!("telemetry-open-state-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    ///
    /// #[backfill_job(name = "pages")]
    /// fn pages(job: &Job, path: &Path, last: u32) -> Result<u32, Box<dyn std::error::Error>> {
    ///     job.open_state(path)?;
    ///     let done = job.restored::<u32>("page")?.unwrap_or(0);
    ///     for page in done + 1..=last {
    ///         // … the page, and then:
    ///         job.checkpoint("page", page)?;
    ///     }
    ///     if last < 3 { Err("the source is down".into()) } else { Ok(done) }
    /// }
    ///
    /// let path = folder.join("pages.json");
    /// assert!(pages(&path, 2).is_err());
    /// assert_eq!(pages(&path, 3)?, 2);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where another run has it, where it is not a state of this job, which is then left as it is, and where the system or the database refuses. A run has
    /// one state.
    pub fn open_state<S: AsState + ?Sized>(&self, state: &S) -> Result<(), StateError> {
        open(self, state.as_state())
    }

    /// Writes that the next run may go on from here, where this one does not succeed. When this returns, it is on the disk.
    ///
    /// The value is anything that serde writes as JSON: a text, a number, a struct. Give it after the work that it stands for:
    /// the work that was done since the last checkpoint is done again. In a file, work and checkpoint are never one, so the work has to bear
    /// being done twice; in DuckDB they are one with `checkpoint_in`.
    ///
    /// Blocks, for some milliseconds as a rule, which `backfill_processing_duration_seconds` shows as the operation `checkpoint`: call it for each page
    /// or day rather than for each record, and from a thread that may block.
    ///
    /// # Errors
    /// Where no state is open, and where it cannot be written; what was written before is then still there.
    pub fn checkpoint(&self, key: &str, value: impl Serialize) -> Result<(), StateError> {
        let value = to_json(key, &value)?;
        let _operation = self.operation("checkpoint");
        self.with_state(|state| state.checkpoint(key, value))
    }

    /// Writes a checkpoint in the transaction of this connection, see [`checkpoint`](Job::checkpoint): rows and checkpoint are there after its commit, or neither.
    /// The state has to be in the same database.
    ///
    /// ```no_run
    /// use telemetry::duckdb::Connection;
    /// use telemetry::{Job, backfill_job};
    ///
    /// #[backfill_job(name = "squares", state = connection, unit = "numbers")]
    /// fn squares(job: &Job, connection: &mut Connection) -> Result<(), Box<dyn std::error::Error>> {
    ///     let done = job.restored::<u64>("number")?.unwrap_or(0);
    ///     for number in done + 1..=1_000 {
    ///         let transaction = connection.transaction()?;
    ///         transaction.execute("insert into squares values (?)", [number * number])?;
    ///         job.checkpoint_in(&transaction, "number", number)?;
    ///         transaction.commit()?;
    ///         job.advance(1);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// Where no state is open, where it is in a file or another database, and as DuckDB's.
    #[cfg(feature = "duckdb")]
    pub fn checkpoint_in<D: Database + ?Sized>(
        &self,
        database: &D,
        key: &str,
        value: impl Serialize,
    ) -> Result<(), StateError> {
        let value = to_json(key, &value)?;
        let _operation = self.operation("checkpoint");
        self.with_state(|state| match state {
            Opened::File(_) => {
                let why = "has its state in a file, which no transaction reaches; write `checkpoint`, or keep the state in the database";
                Err(StateError::Misused { job: self.name().to_owned(), why })
            }
            Opened::Database(state) => state.checkpoint_in(database.database(), key, &value),
        })
    }

    /// What an earlier run left under this key; `None` where it left nothing, or where the last run succeeded and the state is not one that
    /// [keeps](State::keep) its checkpoints. What this run writes is not seen here.
    ///
    /// # Errors
    /// Where no state is open, and where the value is not of this type.
    pub fn restored<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StateError> {
        let Some(left) = self.run.state.left.get() else { return Err(no_state(self)) };
        let Some(value) = left.values.get(key) else { return Ok(None) };
        let read = match T::deserialize(value) {
            // A number that JSON does not have was written as none.
            Err(_) if value.is_null() => return Ok(None),
            read => read,
        };
        read.map(Some).map_err(|source| {
            let doing = format!("read as {}", std::any::type_name::<T>());
            StateError::Value { key: key.to_owned(), doing, source }
        })
    }

    /// Whether an earlier run that did not succeed left checkpoints, so that this one goes on from there.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.run.state.is_resumed()
    }

    /// When a run of the job last succeeded, as the state says, this process' runs and earlier ones; `None` where none has, or no state is open.
    #[must_use]
    pub fn last_success(&self) -> Option<SystemTime> {
        self.run.state.left.get()?.last_success
    }

    /// Forgets all checkpoints, those of this run as well: should it not succeed, the next one starts from the beginning. What was
    /// [`restored`](Job::restored) stays as it was read.
    ///
    /// # Errors
    /// Where no state is open, and where it cannot be written.
    pub fn restart(&self) -> Result<(), StateError> {
        self.with_state(Opened::restart)
    }

    fn with_state(&self, then: impl FnOnce(&mut Opened) -> Result<(), StateError>) -> Result<(), StateError> {
        let misused = |why| Err(StateError::Misused { job: self.name().to_owned(), why });
        let state = &self.run.state;
        // Before its lock, which a thread of the parent may have held.
        if state.is_foreign() {
            return misused(FORKED);
        }
        match &mut *lock_for_long(&state.stage) {
            Stage::Open(opened) => then(opened),
            Stage::None => Err(no_state(self)),
            Stage::Ended => {
                misused("has ended, and its state is for the next run; write checkpoints before the function returns")
            }
        }
    }
}

/// Opens what the attribute's argument `state` says.
///
/// # Errors
/// As [`Job::open_state`].
pub fn open(job: &Job, state: State<'_>) -> Result<(), StateError> {
    let misused = |why| Err(StateError::Misused { job: job.name().to_owned(), why });
    let own = &job.run.state;
    if own.is_foreign() {
        return misused(FORKED);
    }
    let mut stage = lock_for_long(&own.stage);
    match &*stage {
        Stage::None => {}
        Stage::Open(_) => return misused("has a state already; a run has one"),
        Stage::Ended => return misused("has ended; open its state within the function"),
    }
    let (name, started_at) = (job.run.name.clone(), job.run.started_at);
    let (opened, left) = match state.place {
        Place::File(path) => {
            let (state, left) = file::FileState::open(&path, name, state.settings, started_at)?;
            (Opened::File(state), left)
        }
        #[cfg(feature = "duckdb")]
        Place::Database(connection) => {
            let (state, left) = database::DatabaseState::open(connection, name, state.settings, started_at)?;
            (Opened::Database(state), left)
        }
    };
    let _ = own.process.set(std::process::id());
    if let Some(at) = left.last_success {
        // A run of this process may have succeeded since, with another state.
        let gauge = families::backfill_last_success_timestamp_seconds(job.name());
        gauge.set(gauge.get().max(time::seconds(at)));
    }
    if left.unfinished {
        let count = left.values.len();
        let checkpoints = if count == 1 { "checkpoint" } else { "checkpoints" };
        let at = left.written_at.as_deref().map(|at| format!(" of {at}")).unwrap_or_default();
        progress::announce(format_args!("{}: resumed from {count} {checkpoints}{at}", job.name()));
    }
    let _ = own.left.set(left);
    *stage = Stage::Open(Box::new(opened));
    Ok(())
}

const FORKED: &str = "runs in the process that this one was forked from, which alone writes its state";

fn no_state(job: &Job) -> StateError {
    let why = "has no state; write `state = \"….json\"` in `#[backfill_job]`, or call `open_state` first";
    StateError::Misused { job: job.name().to_owned(), why }
}

/// What is ours among the keys of a database's table.
const OWN_KEYS: &str = "telemetry.";

fn to_json(key: &str, value: &impl Serialize) -> Result<Value, StateError> {
    let wrong = match key {
        "" => Some("it is empty"),
        key if key.starts_with(OWN_KEYS) => Some("what begins with `telemetry.` is the library's"),
        _ => None,
    };
    if let Some(why) = wrong {
        return Err(StateError::Key { key: key.to_owned(), why });
    }
    let refused = |source| StateError::Value { key: key.to_owned(), doing: "written".into(), source };
    let value = serde_json::to_value(value).map_err(refused)?;
    if depth(&value) > DEEPEST {
        let why = format!("it is nested deeper than {DEEPEST} levels, which could not be read back");
        return Err(refused(<serde_json::Error as serde_core::ser::Error>::custom(why)));
    }
    Ok(value)
}

/// `serde_json` reads 128 levels, of which the state's own take some.
const DEEPEST: usize = 120;

fn depth(value: &Value) -> usize {
    let (mut deepest, mut waiting) = (0, vec![(value, 1)]);
    while let Some((value, level)) = waiting.pop() {
        deepest = deepest.max(level);
        match value {
            Value::Array(values) => waiting.extend(values.iter().map(|value| (value, level + 1))),
            Value::Object(values) => waiting.extend(values.values().map(|value| (value, level + 1))),
            _ => {}
        }
    }
    deepest
}

impl fmt::Debug for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunState").field("left", &self.left).finish_non_exhaustive()
    }
}
