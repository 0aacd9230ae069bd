//! A run is added to its file at the program's end.

use crate::history::lines::{Lines, pending};
use crate::history::{HistoryError, Run};
use crate::notice::say;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a program's end waits for another program that writes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How many runs a file keeps unless said otherwise: some years of a nightly job, some months of CI, 100 MB as lines.
pub(crate) const DEFAULT_MAX_RUNS: usize = 10_000;

/// Where runs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) place: Place,
    pub(crate) max_runs: usize,
    /// What figures depend on, for the run's settings.
    pub(crate) told: Vec<(String, String)>,
}

/// A file of runs, by its name's ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Lines(PathBuf),
    /// Needs the feature `duckdb`.
    Database(PathBuf),
}

impl Place {
    pub(crate) fn of(path: &Path) -> Place {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if ["duckdb", "ddb", "db"].iter().any(|known| ending.eq_ignore_ascii_case(known)) {
            Place::Database(path.to_owned())
        } else {
            Place::Lines(path.to_owned())
        }
    }
}

impl Settings {
    /// Adds a run, where the program's own code is still at work.
    pub(crate) fn add(&self, run: &Run) {
        let added = match &self.place {
            Place::Lines(path) => Lines::new(path.clone()).append(&run.line(), self.max_runs, PATIENCE),
            Place::Database(path) => self.add_to_database(path, run),
        };
        if let Err(error) = added {
            say(format_args!("this run is not in the history: {error}"));
        }
    }

    /// Adds a run while the program is being taken down: a database may not be opened then, so its run waits beside it.
    #[cfg_attr(not(feature = "__send"), allow(dead_code, reason = "there the guard's end is the end"))]
    pub(crate) fn add_late(&self, run: &Run) {
        let path = match &self.place {
            Place::Lines(path) => path.clone(),
            Place::Database(path) => pending(path),
        };
        if let Err(error) = Lines::new(path).append(&run.line(), self.max_runs, PATIENCE) {
            say(format_args!("this run is not in the history: {error}"));
        }
    }

    #[cfg(feature = "duckdb")]
    fn add_to_database(&self, path: &Path, run: &Run) -> Result<(), HistoryError> {
        let Err(error) = crate::history::database::append(path, std::slice::from_ref(run), self.max_runs, PATIENCE)
        else {
            return Ok(());
        };
        let beside = pending(path);
        Lines::new(beside.clone()).append(&run.line(), self.max_runs, PATIENCE)?;
        say(format_args!(
            "this run is in {}, from where the next one takes it into the history: {error}",
            beside.display()
        ));
        Ok(())
    }

    /// Refused by `init` before it comes to this.
    #[cfg(not(feature = "duckdb"))]
    fn add_to_database(&self, path: &Path, _: &Run) -> Result<(), HistoryError> {
        Err(HistoryError::NoDuckDb { path: path.to_owned() })
    }
}
