//! What can go wrong with a job's state, said so that the message is enough.

use crate::job::state::time;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Why a job's state could not be opened, read or written.
///
/// Shown the same by `Debug` as by `Display`: a `main` that returns it prints the former.
#[non_exhaustive]
pub enum StateError {
    /// Another run has the state: that of another process, or one of this process.
    InUse {
        /// The state's file, or the database's.
        place: PathBuf,
        /// The number of its process, where it is known.
        pid: Option<u32>,
        /// When that run began, or its process where that alone is known.
        started_at: Option<SystemTime>,
    },
    /// The file or the table is not what this library writes. It is left as it is.
    Unreadable {
        /// The state's file, or the database's.
        place: PathBuf,
        /// What is wrong, as the middle of a sentence.
        why: String,
        /// What to do, as the end of a sentence.
        advice: &'static str,
    },
    /// The system refused.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was attempted: `read`.
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A key that cannot be one.
    Key {
        /// The key.
        key: String,
        /// What is wrong with it, as the end of a sentence.
        why: &'static str,
    },
    /// A value that cannot be written as JSON, or is not of the type that was asked for.
    Value {
        /// The checkpoint's key.
        key: String,
        /// What was attempted: `written`, or `read` with the type.
        doing: String,
        /// The reason.
        source: serde_json::Error,
    },
    /// A method was called that this state, or this moment, does not have.
    Misused {
        /// The job's name.
        job: String,
        /// What is wrong and what to do, as the end of a sentence.
        why: &'static str,
    },
    /// DuckDB refused.
    #[cfg(feature = "duckdb")]
    Database {
        /// What was attempted: `write a checkpoint`.
        doing: &'static str,
        /// DuckDB's reason.
        source: ::duckdb::Error,
    },
}

impl StateError {
    pub(super) fn io(path: &Path, doing: &'static str, source: io::Error) -> StateError {
        StateError::Io { path: path.into(), doing, source }
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::InUse { place, pid, started_at } => {
                write!(f, "the job's state {} is in use by ", place.display())?;
                match pid {
                    Some(pid) if *pid == std::process::id() => write!(f, "another run in this process ({pid})")?,
                    Some(pid) => write!(f, "process {pid}")?,
                    None => f.write_str("another process")?,
                }
                if let Some(at) = started_at {
                    write!(f, ", started at {}", time::text(*at))?;
                }
                f.write_str("; wait until it has ended, or give this run a state of its own")
            }
            StateError::Unreadable { place, why, advice } => {
                write!(f, "the job's state {} {why}; it was left as it is: {advice}", place.display())
            }
            StateError::Io { path, doing, source } => write!(f, "cannot {doing} {} ({source})", path.display()),
            StateError::Key { key, why } => write!(f, "a checkpoint cannot have the key {key:?}: {why}"),
            StateError::Value { key, doing, source } => {
                write!(f, "the checkpoint {key:?} cannot be {doing} ({source})")
            }
            StateError::Misused { job, why } => write!(f, "the job `{job}` {why}"),
            #[cfg(feature = "duckdb")]
            StateError::Database { doing, source } => write!(f, "cannot {doing} ({source})"),
        }
    }
}

impl fmt::Debug for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StateError::Io { source, .. } => Some(source),
            StateError::Value { source, .. } => Some(source),
            #[cfg(feature = "duckdb")]
            StateError::Database { source, .. } => Some(source),
            _ => None,
        }
    }
}
