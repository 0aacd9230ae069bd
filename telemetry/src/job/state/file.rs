//! A state in a JSON file.
//!
//! Each write is whole or did not happen: a new file beside the old one, on the disk before it takes the old one's name, and the
//! folder's entry on the disk before the checkpoint counts.

use crate::job::state::document::Document;
use crate::job::state::error::StateError;
use crate::job::state::lock::Lock;
use crate::job::state::{Left, Settings};
use serde_json::{Map, Value};
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// 16 MiB: a state says how far a job is, and is written whole each time. What is larger is data.
const MOST_BYTES: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct FileState {
    /// Whole, and behind links: what is written takes the place of the file, and not of a link to it.
    path: PathBuf,
    job: Arc<str>,
    keep: bool,
    document: Document,
    /// Given back when the run has ended.
    _lock: Lock,
}

impl FileState {
    /// Opens a state file, or begins one, for a run that began at `started_at`.
    pub(super) fn open(
        path: &Path,
        job: Arc<str>,
        settings: Settings,
        started_at: SystemTime,
    ) -> Result<(FileState, Left), StateError> {
        let path = resolve(path)?;
        // Before the file is read: another run may be about to write it.
        let lock = Lock::take(&path, started_at)?;
        let document = match read(&path)? {
            None => Document::default(),
            Some(text) => Document::parse(&text, &job).map_err(|wrong| StateError::Unreadable {
                place: path.clone(),
                why: wrong.why,
                advice: wrong.advice,
            })?,
        };
        let mut state = FileState { path, job, keep: settings.keep, document, _lock: lock };
        if settings.fresh {
            state.restart()?;
        }
        let document = &state.document;
        let left = Left {
            values: document.checkpoints.clone(),
            unfinished: document.unfinished && !document.checkpoints.is_empty(),
            written_at: document.updated_at.clone(),
            last_success: document.last_success,
        };
        Ok((state, left))
    }

    pub(super) fn checkpoint(&mut self, key: &str, value: Value) -> Result<(), StateError> {
        let before = self.document.checkpoints.insert(key.to_owned(), value);
        let unfinished = mem::replace(&mut self.document.unfinished, true);
        self.write().inspect_err(|_| {
            // What was not written is not to be written by a later one: its caller was told that it failed.
            match before {
                Some(value) => self.document.checkpoints.insert(key.to_owned(), value),
                None => self.document.checkpoints.remove(key),
            };
            self.document.unfinished = unfinished;
        })
    }

    /// Forgets the checkpoints.
    pub(super) fn restart(&mut self) -> Result<(), StateError> {
        if self.document.checkpoints.is_empty() {
            return Ok(());
        }
        let (checkpoints, unfinished) =
            (mem::take(&mut self.document.checkpoints), mem::replace(&mut self.document.unfinished, false));
        self.write().inspect_err(|_| {
            self.document.checkpoints = checkpoints;
            self.document.unfinished = unfinished;
        })
    }

    /// Writes that the run has succeeded.
    pub(super) fn succeed(&mut self, at: SystemTime) -> Result<(), StateError> {
        if !self.keep {
            self.document.checkpoints = Map::new();
        }
        self.document.unfinished = false;
        self.document.last_success = Some(at);
        self.write()
    }

    fn write(&self) -> Result<(), StateError> {
        let failed = |error| StateError::io(&self.path, "write", error);
        let text = self.document.text(&self.job, SystemTime::now()).map_err(|error| failed(error.into()))?;
        if text.len() as u64 > MOST_BYTES {
            return Err(failed(too_large()));
        }
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".tmp");
        let beside = self.path.with_file_name(name);
        let written = replace(&self.path, &beside, &text);
        written.map_err(|error| {
            // It may not be there.
            let _ = fs::remove_file(&beside);
            failed(error)
        })
    }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "a state is at most 16 MiB; keep where the job is, not what it found")
}

/// The file that is meant, through links, and whole: the program may change its folder. The file may be missing, its folder not.
fn resolve(path: &Path) -> Result<PathBuf, StateError> {
    let failed = |error| StateError::io(path, "find", error);
    match fs::canonicalize(path) {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(failed(io::Error::new(io::ErrorKind::NotFound, "a link that leads nowhere")));
            }
            let name = path.file_name().ok_or_else(|| failed(error))?;
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            let folder = fs::canonicalize(folder).map_err(|error| StateError::io(folder, "find the folder", error))?;
            Ok(folder.join(name))
        }
        Err(error) => Err(failed(error)),
    }
}

/// What is in the file; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    let failed = |error| StateError::io(path, "read", error);
    match fs::metadata(path) {
        // Asked first: reading a pipe would wait for somebody to write.
        Ok(metadata) if !metadata.is_file() => return Err(failed(io::Error::other("it is no regular file"))),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let mut text = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > MOST_BYTES { Err(failed(too_large())) } else { Ok(Some(text)) }
}

/// Puts a file with this text in the place of the old one. `beside` is another name in the same folder.
fn replace(path: &Path, beside: &Path, text: &[u8]) -> io::Result<()> {
    // One that a run left which was killed. Whose name it is, is said by the lock.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).open(beside)?;
    if let Ok(old) = fs::metadata(path) {
        inherit(&file, &old)?;
    }
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Gives the new file the old one's owner, where that is allowed, and permissions.
fn inherit(file: &File, old: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only root may give a file away; who else may write the folder keeps what he makes.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(old.permissions())
}
