//! The archive of a program that died: made of the folder that it left, or of an archive that was cut.

use super::archive::{About, EXPERIMENT, MESSAGES, pack};
use super::config::StartMode;
use super::error::Error;
use super::message::{Content, Message};
use super::read::{Line, line};
use serde_json::Value;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// What was made of what was left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// The archive.
    pub archive: PathBuf,
    /// Messages that are in it.
    pub messages: u64,
    /// What is not, with why, by the number of the line.
    pub left_out: Vec<(u64, String)>,
}

/// Makes an archive of the folder that a program left which died while it wrote, or of an archive that was cut: everything that is whole is in it, and what is not is told. An archive made of a
/// folder stands beside it, and the folder goes; a cut archive stays, beside one whose name ends in `-repaired.zip`.
///
/// # Errors
/// A folder that is no run's, or in which a program still writes; an archive that needs no repair; what cannot be read or written.
pub fn repair(path: impl AsRef<Path>) -> Result<Repaired, Error> {
    let path = path.as_ref();
    let about = fs::metadata(path).map_err(|error| Error::archive(path, error))?;
    if about.is_dir() {
        return of_folder(path, &path.with_extension("zip"));
    }
    if is_whole(path) {
        return Err(Error::archive(path, "it is whole, and needs no repair"));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.with_file_name(format!("{stem}-{}", super::message::id()));
    let salvaged = salvage(path, &folder).map_err(|error| Error::archive(path, error));
    let repaired = salvaged.and_then(|()| of_folder(&folder, &path.with_file_name(format!("{stem}-repaired.zip"))));
    if repaired.is_err() {
        // What was taken out of the archive is still in it.
        let _ = fs::remove_dir_all(&folder);
    }
    repaired
}

fn of_folder(folder: &Path, target: &Path) -> Result<Repaired, Error> {
    let refused = |why: &dyn std::fmt::Display| Error::archive(folder, why);
    if target.exists() {
        return Err(refused(&format!("{} is there already", target.display())));
    }
    let messages = folder.join(MESSAGES);
    let file = File::open(&messages)
        .map_err(|error| refused(&format!("it is no folder of a run: {MESSAGES} cannot be read ({error})")))?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Err(refused(&"a program still writes to it"));
    }
    let part = folder.join("repaired.part");
    let (kept, left_out, times) = sound_lines(folder, &file, &part).map_err(|error| refused(&error))?;
    drop(file);
    let about = about(folder, times);
    let finish = || {
        fs::rename(&part, &messages)?;
        fs::write(folder.join(EXPERIMENT), about.to_string())?;
        pack(folder, target)
    };
    finish().map_err(|error: io::Error| refused(&error))?;
    Ok(Repaired { archive: target.to_owned(), messages: kept, left_out })
}

type Sound = (u64, Vec<(u64, String)>, Option<(u64, u64)>);

/// Writes the lines that are whole to `part`; how many, the others, and the first and the last time in them.
fn sound_lines(folder: &Path, messages: &File, part: &Path) -> io::Result<Sound> {
    let mut reader = BufReader::new(messages);
    let mut writer = BufWriter::new(File::create(part)?);
    let (mut kept, mut left_out, mut times) = (0, Vec::new(), None);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let has_end = bytes.ends_with(b"\n");
        let text = String::from_utf8_lossy(&bytes);
        let judged = match line(text.trim_end()) {
            Ok(Line::Message(Message::Upload(upload))) => match &upload.content {
                Content::File(name) if !folder.join(name).is_file() => {
                    Err(format!("its file {} is not there", name.display()))
                }
                _ => Ok(upload.at.into()),
            },
            Ok(Line::Metric(value)) => Ok(Some(value.at)),
            Ok(Line::Message(Message::Parameter(parameter))) => Ok(Some(parameter.at)),
            Ok(Line::Message(Message::Output(output))) => Ok(Some(output.at)),
            Ok(_) => Ok(None),
            Err(why) if has_end => Err(why),
            Err(_) => Err("it was cut".to_owned()),
        };
        match judged {
            Ok(at) => {
                writer.write_all(text.trim_end().as_bytes())?;
                writer.write_all(b"\n")?;
                kept += 1;
                if let Some(at) = at {
                    let (first, last) = times.unwrap_or((at, at));
                    times = Some((at.min(first), at.max(last)));
                }
            }
            Err(why) => left_out.push((number, why)),
        }
    }
    writer.flush()?;
    Ok((kept, left_out, times))
}

/// What the run is, as far as that is known; it ended with what was logged last.
fn about(folder: &Path, times: Option<(u64, u64)>) -> Value {
    let key = || {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let key: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
        if key.len() >= 32 { key } else { super::message::id() }
    };
    let (first, last) = times.unwrap_or_else(|| (super::message::now(), super::message::now()));
    let said = fs::read_to_string(folder.join(EXPERIMENT)).ok().and_then(|text| About::parse(&text, key).ok());
    let mut about = said.unwrap_or_else(|| About {
        key: key(),
        project: None,
        workspace: None,
        mode: StartMode::GetOrCreate,
        tags: Vec::new(),
        start: first,
        stop: last,
        error: None,
        is_given: false,
    });
    about.stop = about.stop.max(last);
    // Nobody has told how it ended.
    about.error.get_or_insert_with(|| "the program ended before the run did".to_owned());
    about.json()
}

fn is_whole(path: &Path) -> bool {
    let Ok(Ok(mut zip)) = File::open(path).map(zip::ZipArchive::new) else { return false };
    (0..zip.len())
        .all(|number| zip.by_index(number).is_ok_and(|mut member| io::copy(&mut member, &mut io::sink()).is_ok()))
        && [EXPERIMENT, MESSAGES].iter().all(|name| zip.index_for_name(name).is_some())
}

/// Takes the members that are whole out of an archive, one after the other: their index stands at the end, which is what was cut.
fn salvage(path: &Path, folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    let mut reader = BufReader::new(File::open(path)?);
    while let Ok(Some(mut member)) = zip::read::read_zipfile_from_stream(&mut reader) {
        let Ok(name) = member.name().map(std::borrow::Cow::into_owned) else { continue };
        // A name that leads elsewhere is not ours.
        if name.is_empty() || name.contains(['/', '\\']) || name == ".." {
            continue;
        }
        let mut bytes = Vec::new();
        let read = member.read_to_end(&mut bytes);
        // A text is of use up to where it was cut; a picture is not.
        if read.is_ok() || name == MESSAGES {
            fs::write(folder.join(name), &bytes)?;
        }
        if read.is_err() {
            break;
        }
    }
    Ok(())
}
