//! Where entries are kept: a directory with a file for each process, or one file for all.
//!
//! A reader sees a whole file or none, since a new one takes the old one's place at once. In a directory nobody writes what another one does. One
//! file for all is written by whoever has the lock, on a file beside it: the file itself is another one after each write.

use super::{entry, process};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How long to wait for who writes the file. He needs less than a millisecond.
#[cfg(unix)]
const LOCK_ATTEMPTS: u32 = 100;
#[cfg(unix)]
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

/// What files of ours are called: `telemetry-MARK.json`, and `.telemetry-MARK.tmp` while they are written.
const PREFIX: &str = "telemetry-";
const SUFFIX: &str = ".json";
const TEMPORARY: &str = ".tmp";

/// An entry, and where it is kept.
pub(super) struct Store {
    place: PathBuf,
    mark: String,
    entry: String,
}

impl Store {
    pub(super) fn new(place: PathBuf, mark: String, entry: String) -> Store {
        Store { place, mark, entry }
    }

    /// Puts the entry where it is not, and removes those of processes that are gone: how many.
    pub(super) fn publish(&self) -> Result<u64, String> {
        if self.is_file() { self.in_file(true) } else { self.in_directory() }
    }

    /// Removes the entry.
    pub(super) fn withdraw(&self) -> Result<(), String> {
        if self.is_file() {
            return self.in_file(false).map(drop);
        }
        fs::remove_file(self.own_path()).map_err(|error| failed("remove", &self.own_path(), &error))
    }

    /// By its name, unless there is a directory of that name.
    fn is_file(&self) -> bool {
        self.place.extension().is_some_and(|extension| extension == "json") && !self.place.is_dir()
    }

    fn own_path(&self) -> PathBuf {
        self.place.join(format!("{PREFIX}{}{SUFFIX}", self.mark))
    }

    fn in_directory(&self) -> Result<u64, String> {
        fs::create_dir_all(&self.place).map_err(|error| failed("make", &self.place, &error))?;
        let (path, text) = (self.own_path(), file_of(&[&self.entry]));
        if fs::read_to_string(&path).map_or(true, |known| known != text) {
            self.replace(&path, &text)?;
        }
        let mut removed = 0;
        let files = fs::read_dir(&self.place).map_err(|error| failed("read", &self.place, &error))?;
        for file in files.filter_map(Result::ok) {
            let name = file.file_name();
            let Some((mark, is_entry)) = name.to_str().and_then(owner) else { continue };
            // Another one may be doing the same, and be first.
            if process::is_gone(mark) && fs::remove_file(file.path()).is_ok() {
                removed += u64::from(is_entry);
            }
        }
        Ok(removed)
    }

    fn in_file(&self, publish: bool) -> Result<u64, String> {
        if let Some(parent) = self.place.parent() {
            fs::create_dir_all(parent).map_err(|error| failed("make", parent, &error))?;
        }
        let _lock = lock(&self.place)?;
        let known = match fs::read_to_string(&self.place) {
            Ok(known) => known,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed("read", &self.place, &error)),
        };
        let Some(all) = entries(&known) else {
            let place = self.place.display();
            return Err(format!(
                "{place} holds something else, which is left as it is; name a file of its own, or a directory"
            ));
        };
        let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(mark, _)| *mark == self.mark);
        let (gone, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|(mark, _)| process::is_gone(mark));
        let is_there = matches!(own.as_slice(), [(_, entry)] if *entry == self.entry);
        if gone.is_empty() && is_there == publish && (publish || own.is_empty()) {
            return Ok(0);
        }
        let mut kept: Vec<&str> = others.into_iter().map(|(_, entry)| entry).collect();
        if publish {
            kept.push(&self.entry);
        }
        self.replace(&self.place, &file_of(&kept))?;
        Ok(gone.len() as u64)
    }

    /// Writes a file beside, and puts it in the place of the old one.
    fn replace(&self, path: &Path, text: &str) -> Result<(), String> {
        let temporary = path.with_file_name(format!(".{PREFIX}{}{TEMPORARY}", self.mark));
        let write = |to: &Path| File::create(to)?.write_all(text.as_bytes());
        let written = write(&temporary).and_then(|()| fs::rename(&temporary, path));
        written.map_err(|error| {
            // It may not be there.
            let _ = fs::remove_file(&temporary);
            failed("write", path, &error)
        })
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {what} {} ({error})", path.display())
}

/// Whose a file of ours is, and whether it is an entry or one that was being written.
fn owner(name: &str) -> Option<(&str, bool)> {
    let entry = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)).map(|mark| (mark, true));
    let unfinished = || name.strip_prefix('.')?.strip_prefix(PREFIX)?.strip_suffix(TEMPORARY).map(|mark| (mark, false));
    entry.or_else(unfinished)
}

/// A JSON list, with an entry on each line.
fn file_of(entries: &[&str]) -> String {
    if entries.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", entries.join(",\n")) }
}

/// The entries of a file that [`file_of`] wrote, with their owners; `None` where something else wrote it.
fn entries(text: &str) -> Option<Vec<(&str, &str)>> {
    if ["", "[]"].contains(&text.trim()) {
        return Some(Vec::new());
    }
    let lines = text.strip_prefix("[\n")?.strip_suffix("\n]\n")?;
    lines.split(",\n").map(|entry| Some((entry::mark(entry)?, entry))).collect()
}

/// Held while the file is written. Given back by the system, also where its holder is killed.
fn lock(place: &Path) -> Result<File, String> {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let path = place.with_file_name(name);
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|error| failed("open", &path, &error))?;
    #[cfg(unix)]
    for _ in 0..LOCK_ATTEMPTS {
        use std::os::fd::AsRawFd;
        // SAFETY: the descriptor is the open file's.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Ok(file);
        }
        std::thread::sleep(LOCK_PAUSE);
    }
    #[cfg(unix)]
    return Err(format!("another process has kept {} locked", path.display()));
    #[cfg(not(unix))]
    Ok(file)
}

#[cfg(test)]
mod tests;
