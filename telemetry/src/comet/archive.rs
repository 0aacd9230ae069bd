//! An archive as `comet upload` takes it: written line by line into a folder, which becomes one ZIP file at the end.
//!
//! | in the folder | |
//! | --- | --- |
//! | `experiment.json` | what the run is; replaced as a whole |
//! | `messages.json` | one message a line, in the order of logging |
//! | `file1`, `file2`, … | what was uploaded |
//!
//! A program that dies leaves the folder, of which [`repair`](super::repair) makes the archive. While it is written, `messages.json` is locked.

use super::config::StartMode;
use super::error::Error;
use super::message::{Content, Message, MetricValue};
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(super) const EXPERIMENT: &str = "experiment.json";
pub(super) const MESSAGES: &str = "messages.json";
/// Members from this size on are said to be large, as their headers need room for it.
const LARGE: u64 = 1 << 31;

/// What a run is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct About {
    pub(super) key: String,
    pub(super) project: Option<String>,
    pub(super) workspace: Option<String>,
    pub(super) mode: StartMode,
    pub(super) tags: Vec<String>,
    /// Milliseconds since 1970.
    pub(super) start: u64,
    pub(super) stop: u64,
    pub(super) error: Option<String>,
    /// Whether the key is the user's own.
    pub(super) is_given: bool,
}

impl About {
    pub(super) fn json(&self) -> Value {
        json!({
            "offline_id": self.key,
            "project_name": self.project,
            "workspace": self.workspace,
            "start_time": self.start,
            "stop_time": self.stop,
            "tags": self.tags,
            "resume_strategy": self.mode.as_str(),
            "customer_error_reported": self.error.is_some(),
            "customer_error_message": self.error,
            "user_provided_experiment_key": self.is_given,
            "comet_start_sourced": false,
        })
    }

    /// What an archive's `experiment.json` says; `key` stands in where it does not say which run it is.
    pub(super) fn parse(text: &str, key: impl FnOnce() -> String) -> Result<About, String> {
        let said: Value = serde_json::from_str(text).map_err(|error| format!("{EXPERIMENT} is no JSON: {error}"))?;
        let word =
            |name: &str| said.get(name).and_then(Value::as_str).filter(|word| !word.is_empty()).map(str::to_owned);
        let time = |name: &str| said.get(name).and_then(Value::as_u64);
        let start = time("start_time").ok_or_else(|| format!("{EXPERIMENT} has no start_time"))?;
        let tags = said.get("tags").and_then(Value::as_array).into_iter().flatten();
        let is = |name: &str| said.get(name).and_then(Value::as_bool).unwrap_or(false);
        Ok(About {
            key: word("offline_id").unwrap_or_else(key),
            project: word("project_name"),
            workspace: word("workspace"),
            mode: word("resume_strategy").as_deref().and_then(StartMode::parse).unwrap_or_default(),
            tags: tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect(),
            start,
            stop: time("stop_time").unwrap_or(start),
            error: if is("customer_error_reported") {
                Some(word("customer_error_message").unwrap_or_default())
            } else {
                None
            },
            is_given: is("user_provided_experiment_key"),
        })
    }
}

/// An archive that is being written.
pub(super) struct Archive {
    folder: PathBuf,
    /// Where the finished one goes.
    target: PathBuf,
    messages: BufWriter<File>,
    about: About,
    lines: u64,
    files: u64,
}

impl Archive {
    /// Begins one in this folder; where that cannot be written, in a new one among the temporary files.
    pub(super) fn begin(directory: &Path, about: About) -> Result<Archive, Error> {
        Archive::begin_in(directory, &about).or_else(|first| {
            let other = std::env::temp_dir().join(format!("comet-{}", super::message::id()));
            // Why the one that was asked for cannot be had is what the user can do something about.
            Archive::begin_in(&other, &about).map_err(|_| first)
        })
    }

    fn begin_in(directory: &Path, about: &About) -> Result<Archive, Error> {
        make_private(directory).map_err(|error| Error::archive(directory, error))?;
        let (folder, target) = names(directory, about);
        let begin = || {
            make_private(&folder)?;
            let messages = OpenOptions::new().create(true).append(true).open(folder.join(MESSAGES))?;
            // Whoever repairs it sees that somebody writes. Where the file system has no locks there is none.
            let _ = messages.try_lock();
            let mut archive = Archive {
                folder: folder.clone(),
                target,
                messages: BufWriter::new(messages),
                about: about.clone(),
                lines: 0,
                files: 0,
            };
            archive.write_about()?;
            Ok(archive)
        };
        begin().map_err(|error: io::Error| Error::archive(&folder, error))
    }

    /// The finished archive, once it is.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn metric(&mut self, value: &MetricValue) -> io::Result<()> {
        self.lines += 1;
        let line = value.line(self.lines);
        self.put(&line)
    }

    pub(super) fn message(&mut self, message: &Message) -> io::Result<()> {
        let file = match message {
            Message::Tag(tag) => {
                if !self.about.tags.contains(tag) {
                    self.about.tags.push(tag.clone());
                    self.write_about()?;
                }
                return Ok(());
            }
            Message::Upload(upload) => {
                self.files += 1;
                let name = format!("file{}", self.files);
                let path = self.folder.join(&name);
                match &upload.content {
                    Content::Bytes(bytes) => fs::write(path, bytes)?,
                    Content::File(from) => drop(fs::copy(from, path)?),
                }
                Some(name)
            }
            _ => None,
        };
        self.lines += 1;
        match message.line(self.lines, file.as_deref()) {
            Some(line) => self.put(&line),
            None => Ok(()),
        }
    }

    /// The run failed.
    pub(super) fn failed(&mut self, error: &str) -> io::Result<()> {
        self.about.error = Some(error.to_owned());
        self.write_about()
    }

    /// What was written is with the system, and survives the program.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.messages.flush()
    }

    fn put(&mut self, line: &Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.messages, line)?;
        self.messages.write_all(b"\n")
    }

    fn write_about(&mut self) -> io::Result<()> {
        // The uploader does not take one without an end: until there is one, it is now.
        self.about.stop = super::message::now();
        let part = self.folder.join(format!("{EXPERIMENT}.part"));
        fs::write(&part, self.about.json().to_string())?;
        fs::rename(part, self.folder.join(EXPERIMENT))
    }

    /// Makes the archive of the folder, which is gone then. Where that fails the folder stays, and can be repaired.
    pub(super) fn finish(mut self, stop: u64) -> Result<PathBuf, Error> {
        let finish = |archive: &mut Archive| {
            archive.messages.flush()?;
            archive.write_about()?;
            archive.about.stop = stop;
            fs::write(archive.folder.join(EXPERIMENT), archive.about.json().to_string())?;
            pack(&archive.folder, &archive.target)
        };
        finish(&mut self).map_err(|error| {
            Error::archive(
                &self.folder,
                format!("no archive could be made of it ({error}); `telemetry comet repair` tries again"),
            )
        })?;
        Ok(self.target)
    }
}

/// The folder and the archive of a run, neither of which is there.
fn names(directory: &Path, about: &About) -> (PathBuf, PathBuf) {
    let mut name = about.key.clone();
    // As the official client names one of a run that is there already, or may be.
    if about.mode != StartMode::Create {
        name = format!("{name}-{}", suffix());
    }
    while directory.join(&name).exists() || directory.join(format!("{name}.zip")).exists() {
        name = format!("{}-{}", about.key, suffix());
    }
    (directory.join(&name), directory.join(format!("{name}.zip")))
}

fn suffix() -> String {
    super::message::id().chars().skip(10).take(6).collect()
}

/// A folder that nobody else reads, with those above it.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Puts the files of a folder into an archive, which is there as a whole or not at all; then the folder goes.
pub(super) fn pack(folder: &Path, target: &Path) -> io::Result<()> {
    let part = target.with_extension("zip.part");
    let packed = pack_into(folder, &part).and_then(|()| fs::rename(&part, target));
    if packed.is_err() {
        // It is of no use to anybody.
        let _ = fs::remove_file(&part);
        return packed;
    }
    // All of it is in the archive.
    let _ = fs::remove_dir_all(folder);
    Ok(())
}

fn pack_into(folder: &Path, part: &Path) -> io::Result<()> {
    let mut zip = ZipWriter::new(File::create(part)?);
    let mut names: Vec<_> =
        fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    // What the run is comes first, then what was logged.
    names.sort_by_key(|name| (name != EXPERIMENT, name != MESSAGES, name.clone()));
    for name in names.iter().filter(|name| !name.ends_with(".part")) {
        let mut file = File::open(folder.join(name))?;
        let size = file.metadata()?.len();
        // Pictures and most files are as small as they get.
        let method = if name.ends_with(".json") { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let options =
            SimpleFileOptions::default().compression_method(method).large_file(size >= LARGE).unix_permissions(0o600);
        zip.start_file(name.as_str(), options).map_err(io::Error::other)?;
        io::copy(&mut file, &mut zip)?;
    }
    zip.finish().map_err(io::Error::other)?.sync_all()
}
