//! Where a state is, as users say it.

use crate::job::state::Settings;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Where a job's state is, and what becomes of its checkpoints: for the argument `state` of
/// [`#[backfill_job]`](macro@crate::backfill_job) and for [`Job::open_state`](crate::Job::open_state), where a path or a connection does not say enough.
///
/// ```
/// use telemetry::job::{State, StateError};
/// use telemetry::{Job, backfill_job};
/// # let folder = std::env::temp_dir().join(format!("telemetry-state-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("flights.json");
///
/// #[backfill_job(state = State::file(path).keep(true).fresh(again))]
/// fn flights(job: &Job, path: &std::path::Path, again: bool) -> Result<u32, StateError> {
///     let last = job.restored("day")?.unwrap_or(0);
///     job.checkpoint("day", last + 1)?;
///     Ok(last + 1)
/// }
///
/// assert_eq!(flights(&path, false)?, 1);
/// assert_eq!(flights(&path, false)?, 2);
/// assert_eq!(flights(&path, true)?, 1);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), StateError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct State<'a> {
    pub(super) place: Place<'a>,
    pub(super) settings: Settings,
}

#[derive(Clone)]
pub(super) enum Place<'a> {
    File(std::borrow::Cow<'a, Path>),
    #[cfg(feature = "duckdb")]
    Database(&'a ::duckdb::Connection),
}

impl<'a> State<'a> {
    /// A state in a JSON file of the job's own, which is made when there is something to write. Its folder is there.
    pub fn file<P: AsRef<Path> + ?Sized>(path: &'a P) -> State<'a> {
        State { place: Place::File(path.as_ref().into()), settings: Settings::default() }
    }

    /// A state in the table `telemetry_checkpoints` of a database, which is made where it is missing. Open it outside of transactions.
    #[cfg(feature = "duckdb")]
    pub fn database<D: Database + ?Sized>(database: &'a D) -> State<'a> {
        State { place: Place::Database(database.database()), settings: Settings::default() }
    }

    /// With `true`, what an earlier run left is forgotten when the state is opened: for a `--restart` on the command line. Default: `false`. The last success is
    /// not forgotten.
    pub fn fresh(mut self, fresh: bool) -> State<'a> {
        self.settings.fresh = fresh;
        self
    }

    /// With `true`, the checkpoints of a run that succeeded are there for the next run: for a job that takes what came since the
    /// last time. Default: `false`, they are forgotten, so that the next run does not find all its work done.
    pub fn keep(mut self, keep: bool) -> State<'a> {
        self.settings.keep = keep;
        self
    }
}

/// What says where a state is: a path of a file, a [`State`], or with the feature `duckdb` a connection, or a struct that
/// derives [`ProfiledConnection`](macro@crate::ProfiledConnection).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say where a job's state is",
    label = "a path of a file, a `telemetry::job::State` or a connection is expected here"
)]
pub trait AsState {
    /// The place.
    fn as_state(&self) -> State<'_>;
}

impl AsState for State<'_> {
    fn as_state(&self) -> State<'_> {
        self.clone()
    }
}

macro_rules! paths {
    ($($path:ty)*) => {$(
        impl AsState for $path {
            fn as_state(&self) -> State<'_> {
                State::file(self)
            }
        }
    )*};
}

paths!(str String OsStr OsString Path PathBuf);

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::File(path) => path.fmt(f),
            #[cfg(feature = "duckdb")]
            Place::Database(connection) => connection.path().fmt(f),
        }
    }
}

#[cfg(feature = "duckdb")]
pub use database::Database;

#[cfg(feature = "duckdb")]
mod database {
    use super::{AsState, State};
    use crate::duckdb::{Connection, ProfiledConnection, Transaction};

    /// What a checkpoint can be written on: DuckDB's connections and transactions, those of [`telemetry::duckdb`](crate::duckdb), and structs that
    /// derive [`ProfiledConnection`](macro@crate::ProfiledConnection).
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is no connection to DuckDB, and no transaction",
        label = "a connection or a transaction is expected here"
    )]
    pub trait Database {
        /// The connection, as it is.
        fn database(&self) -> &::duckdb::Connection;
    }

    impl Database for ::duckdb::Connection {
        fn database(&self) -> &::duckdb::Connection {
            self
        }
    }

    impl Database for ::duckdb::Transaction<'_> {
        fn database(&self) -> &::duckdb::Connection {
            self
        }
    }

    impl Database for Connection {
        fn database(&self) -> &::duckdb::Connection {
            self.inner()
        }
    }

    impl Database for Transaction<'_> {
        fn database(&self) -> &::duckdb::Connection {
            self.inner()
        }
    }

    impl<C: ProfiledConnection> Database for C {
        fn database(&self) -> &::duckdb::Connection {
            self.connection().inner()
        }
    }

    impl AsState for ::duckdb::Connection {
        fn as_state(&self) -> State<'_> {
            State::database(self)
        }
    }

    impl AsState for Connection {
        fn as_state(&self) -> State<'_> {
            State::database(self)
        }
    }

    impl<C: ProfiledConnection> AsState for C {
        fn as_state(&self) -> State<'_> {
            State::database(self)
        }
    }
}
