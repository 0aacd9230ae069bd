//! A file of runs, to be read and tidied.

use crate::history::git::Repository;
use crate::history::lines::Lines;
use crate::history::write::{PATIENCE, Place};
use crate::history::{HistoryError, Run, RunHead, read};
use std::collections::HashSet;
use std::path::Path;

/// A file of runs.
///
/// ```
/// use telemetry::history::History;
/// let folder = std::env::temp_dir().join(format!("history-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let history = History::open(folder.join("runs.jsonl"))?;
/// assert!(history.runs()?.is_empty());
/// assert!(history.find("latest").unwrap_err().to_string().starts_with("no run is `latest`"));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct History {
    place: Place,
}

impl History {
    /// The file need not be there: it then has no runs.
    ///
    /// # Errors
    /// A database, where the feature `duckdb` is off, or that a newer version wrote.
    pub fn open(path: impl AsRef<Path>) -> Result<History, HistoryError> {
        let place = Place::of(path.as_ref());
        #[cfg(feature = "duckdb")]
        if let Place::Database(path) = &place {
            crate::history::database::check(path)?;
        }
        #[cfg(not(feature = "duckdb"))]
        if let Place::Database(path) = place {
            return Err(HistoryError::NoDuckDb { path });
        }
        Ok(History { place })
    }

    /// All runs, the oldest first. A line that cannot be read is passed over.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn runs(&self) -> Result<Vec<RunHead>, HistoryError> {
        let mut runs = Vec::new();
        match &self.place {
            Place::Lines(path) => Lines::new(path.clone()).each(|line| runs.extend(read::head(line).ok()))?,
            #[cfg(feature = "duckdb")]
            Place::Database(path) => runs = crate::history::database::heads(path)?,
            #[cfg(not(feature = "duckdb"))]
            Place::Database(path) => return Err(HistoryError::NoDuckDb { path: path.clone() }),
        }
        // Whoever ended first wrote first.
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(runs)
    }

    /// One run: by the beginning of its id, or `latest`, or `latest~2` for the second before it.
    ///
    /// # Errors
    /// There is none, or several begin so; or the file cannot be read.
    pub fn find(&self, asked: &str) -> Result<RunHead, HistoryError> {
        let mut runs = self.runs()?;
        let none = |found| HistoryError::NoRun { asked: asked.to_owned(), found };
        if let Some(rest) = asked.strip_prefix("latest") {
            let back = match rest.strip_prefix('~') {
                Some(back) => back.parse::<usize>().map_err(|_| none(0))?,
                None if rest.is_empty() => 0,
                None => return Err(none(0)),
            };
            return runs.into_iter().rev().nth(back).ok_or_else(|| none(0));
        }
        runs.retain(|run| !asked.is_empty() && run.id.starts_with(asked));
        let found = runs.len();
        runs.pop().filter(|_| found == 1).ok_or_else(|| none(found))
    }

    /// The runs of a revision that ended well: of the commit that the working directory's repository has under this name (`HEAD`, a branch, a tag), or whose hash begins
    /// so (seven digits at least); where none is of that, of the latest commit that was run on a branch of this name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of_revision(&self, revision: &str) -> Result<Vec<RunHead>, HistoryError> {
        let mut runs = self.runs()?;
        runs.retain(|run| run.result == "ok");
        let named = std::env::current_dir().ok().and_then(|folder| Repository::around(&folder)?.resolve(revision));
        // As git does.
        let is_hash = revision.len() >= 7 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        let begins = named.as_deref().or(is_hash.then_some(revision));
        let is_of = |run: &&RunHead| {
            begins.zip(run.git_commit.as_deref()).is_some_and(|(begins, commit)| commit.starts_with(begins))
        };
        let of_commit: Vec<RunHead> = runs.iter().filter(is_of).cloned().collect();
        if !of_commit.is_empty() {
            return Ok(of_commit);
        }
        runs.retain(|run| run.git_branch.as_deref() == Some(revision));
        let latest = runs.last().map(|run| run.git_commit.clone());
        runs.retain(|run| Some(&run.git_commit) == latest.as_ref());
        Ok(runs)
    }

    /// What these runs took, in their order.
    ///
    /// # Errors
    /// The file cannot be read, or one of them.
    pub fn read(&self, runs: &[RunHead]) -> Result<Vec<Run>, HistoryError> {
        match &self.place {
            Place::Lines(path) => {
                let wanted: HashSet<&str> = runs.iter().map(|run| &*run.id).collect();
                let mut found = Vec::new();
                let mut failed = None;
                Lines::new(path.clone()).each(|line| {
                    if read::head(line).is_ok_and(|head| wanted.contains(&*head.id)) {
                        match read::run(line) {
                            Ok(run) => found.push(run),
                            Err(error) => failed = Some(error),
                        }
                    }
                })?;
                if let Some(error) = failed {
                    return Err(error);
                }
                let of = |head: &RunHead| found.iter().find(|run| run.head.id == head.id).cloned();
                Ok(runs.iter().filter_map(of).collect())
            }
            #[cfg(feature = "duckdb")]
            Place::Database(path) => crate::history::database::runs(path, runs),
            #[cfg(not(feature = "duckdb"))]
            Place::Database(path) => Err(HistoryError::NoDuckDb { path: path.clone() }),
        }
    }

    /// Adds a run that was read elsewhere.
    ///
    /// # Errors
    /// The file cannot be written, or somebody else writes to it for more than 5 s.
    pub fn append(&self, run: &Run) -> Result<(), HistoryError> {
        self.append_all(std::slice::from_ref(run))
    }

    /// Adds runs that were read elsewhere: all, or none.
    ///
    /// # Errors
    /// The file cannot be written, or somebody else writes to it for more than 5 s.
    pub fn append_all(&self, runs: &[Run]) -> Result<(), HistoryError> {
        match &self.place {
            Place::Lines(path) => {
                let lines: String = runs.iter().map(Run::line).collect();
                Lines::new(path.clone()).append(&lines, usize::MAX, PATIENCE)
            }
            #[cfg(feature = "duckdb")]
            Place::Database(path) => crate::history::database::append(path, runs, usize::MAX, PATIENCE),
            #[cfg(not(feature = "duckdb"))]
            Place::Database(path) => Err(HistoryError::NoDuckDb { path: path.clone() }),
        }
    }

    /// Keeps the newest `keep` runs. Says how many went.
    ///
    /// # Errors
    /// The file cannot be written, or somebody else writes to it for more than 5 s.
    pub fn prune(&self, keep: usize) -> Result<usize, HistoryError> {
        match &self.place {
            Place::Lines(path) => Lines::new(path.clone()).prune(keep, PATIENCE),
            #[cfg(feature = "duckdb")]
            Place::Database(path) => crate::history::database::prune(path, keep, PATIENCE),
            #[cfg(not(feature = "duckdb"))]
            Place::Database(path) => Err(HistoryError::NoDuckDb { path: path.clone() }),
        }
    }

    /// Writes the tables as files of Parquet into a folder, which is made; says which.
    ///
    /// # Errors
    /// The folder cannot be written to.
    #[cfg(feature = "duckdb")]
    pub fn export_parquet(&self, folder: impl AsRef<Path>) -> Result<Vec<std::path::PathBuf>, HistoryError> {
        match &self.place {
            Place::Database(path) => crate::history::database::export(path, folder.as_ref()),
            Place::Lines(_) => {
                let runs = self.read(&self.runs()?)?;
                crate::history::database::export_runs(&runs, folder.as_ref())
            }
        }
    }
}
