//! Runs as lines of JSON, the latest last.
//!
//! A line is added by one write under a lock, so that readers see whole lines, or at the end a part of one where a program was killed: that part is passed
//! over, and ended by whoever writes next. Where a file grew a tenth beyond what is to be kept, it is written anew beside itself and put in its place.

use crate::history::HistoryError;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often somebody looks whether the lock is free.
const LOOKS: Duration = Duration::from_millis(10);

pub(crate) struct Lines {
    path: PathBuf,
}

impl Lines {
    pub(crate) fn new(path: PathBuf) -> Lines {
        Lines { path }
    }

    fn failed(&self, error: std::io::Error) -> HistoryError {
        HistoryError::File { path: self.path.clone(), error }
    }

    /// Adds a line, and forgets old ones beyond `keep`. Waits for other writers until `patience` has passed.
    pub(crate) fn append(&self, line: &str, keep: usize, patience: Duration) -> Result<(), HistoryError> {
        let mut file = self.locked(patience)?;
        let length = file.seek(SeekFrom::End(0)).map_err(|error| self.failed(error))?;
        let mut text = String::with_capacity(line.len() + 1);
        if length > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))
                .and_then(|_| file.read_exact(&mut last))
                .map_err(|error| self.failed(error))?;
            if last != *b"\n" {
                text.push('\n');
            }
        }
        text.push_str(line);
        file.write_all(text.as_bytes()).map_err(|error| self.failed(error))?;
        // Lines are of one size, more or less: where there cannot be too many, they are not counted.
        let about = (length / line.len().max(1) as u64).saturating_mul(2);
        if about > keep as u64 {
            self.forget_beyond(keep, keep / 10)?;
        }
        Ok(())
    }

    /// Keeps the newest lines, where there are more than `keep` and `slack` together. To be called with the lock held. Says how many went.
    fn forget_beyond(&self, keep: usize, slack: usize) -> Result<usize, HistoryError> {
        let lines = self.read()?;
        let surplus = lines.len().saturating_sub(keep);
        if surplus <= slack {
            return Ok(0);
        }
        let beside = self.path.with_added_extension_compat(&format!("{}.tmp", std::process::id()));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&beside)?;
            for line in lines.iter().skip(surplus) {
                file.write_all(line.as_bytes())?;
                file.write_all(b"\n")?;
            }
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        if let Err(error) = write() {
            // What is in place is whole.
            let _ = fs::remove_file(&beside);
            return Err(self.failed(error));
        }
        Ok(surplus)
    }

    /// Keeps the newest runs alone. Says how many went.
    #[cfg(feature = "history")]
    pub(crate) fn prune(&self, keep: usize, patience: Duration) -> Result<usize, HistoryError> {
        let _lock = self.locked(patience)?;
        self.forget_beyond(keep, 0)
    }

    /// Takes all lines away, and gives them.
    #[cfg(feature = "duckdb")]
    pub(crate) fn take(&self, patience: Duration) -> Result<Vec<String>, HistoryError> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let _lock = self.locked(patience)?;
        self.read()
    }

    /// Removes the file, where nobody has added to it since it had so many lines.
    #[cfg(feature = "duckdb")]
    pub(crate) fn remove(&self, lines: usize, patience: Duration) -> Result<(), HistoryError> {
        let _lock = self.locked(patience)?;
        if self.read()?.len() == lines {
            fs::remove_file(&self.path).map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// All whole lines.
    pub(crate) fn read(&self) -> Result<Vec<String>, HistoryError> {
        let mut lines = Vec::new();
        self.each(|line| lines.push(line.to_owned()))?;
        Ok(lines)
    }

    /// Shows each whole line. What was cut, or is no text, is passed over.
    pub(crate) fn each(&self, mut show: impl FnMut(&str)) -> Result<(), HistoryError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.failed(error)),
        };
        let mut file = BufReader::with_capacity(1 << 16, file);
        let mut line = Vec::new();
        loop {
            line.clear();
            if file.read_until(b'\n', &mut line).map_err(|error| self.failed(error))? == 0 {
                return Ok(());
            }
            let whole = line.strip_suffix(b"\n").map(<[u8]>::trim_ascii);
            if let Some(Ok(text)) = whole.filter(|line| line.ends_with(b"}")).map(std::str::from_utf8) {
                show(text);
            }
        }
    }

    /// The file, open to be added to, with the lock. It may have been replaced while somebody waited for it.
    fn locked(&self, patience: Duration) -> Result<File, HistoryError> {
        let until = Instant::now() + patience;
        loop {
            let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path);
            let file = file.map_err(|error| self.failed(error))?;
            if lock(&file).map_err(|error| self.failed(error))? {
                if is_at(&file, &self.path) {
                    return Ok(file);
                }
                continue;
            }
            if Instant::now() >= until {
                return Err(HistoryError::Busy { path: self.path.clone() });
            }
            std::thread::sleep(LOOKS);
        }
    }
}

/// `with_added_extension` of the standard library is newer than the compilers that this is for.
trait AddedExtension {
    fn with_added_extension_compat(&self, extension: &str) -> PathBuf;
}

impl AddedExtension for Path {
    fn with_added_extension_compat(&self, extension: &str) -> PathBuf {
        let mut name = self.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(extension);
        self.with_file_name(name)
    }
}

/// The file beside another one in which runs wait to be taken in.
#[cfg_attr(not(any(feature = "duckdb", feature = "__send")), allow(dead_code, reason = "no run has to wait"))]
pub(crate) fn pending(path: &Path) -> PathBuf {
    path.with_added_extension_compat("pending.jsonl")
}

/// Takes the lock, if nobody has it; it goes with the file.
#[cfg(unix)]
fn lock(file: &File) -> std::io::Result<bool> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is that of an open file.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    let error = std::io::Error::last_os_error();
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(false),
        // A file system without locks: a line is one write all the same.
        _ if error.raw_os_error() == Some(libc::ENOLCK) => Ok(true),
        _ => Err(error),
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let both = file.metadata().and_then(|mine| Ok((mine, fs::metadata(path)?)));
    both.is_ok_and(|(mine, there)| (mine.dev(), mine.ino()) == (there.dev(), there.ino()))
}

/// Appending is one write there too, and nobody is kept from it.
#[cfg(not(unix))]
fn lock(_: &File) -> std::io::Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
