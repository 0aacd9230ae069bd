//! Files that are written, and files that are found.

use crate::Failed;
use clap::Args;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a document goes.
#[derive(Args, Clone)]
pub(crate) struct Out {
    /// The file to write, instead of standard output; one that is as it is to be stays untouched
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write it also where the file there is something else: no JSON or YAML of the same kind
    #[arg(long, requires = "out")]
    force: bool,
}

/// Writes to standard output.
pub(crate) fn print(document: &[u8]) -> Result<(), Failed> {
    std::io::stdout().write_all(document).map_err(|error| format!("standard output: {error}"))
}

impl Out {
    pub(crate) fn is_standard_output(&self) -> bool {
        self.out.is_none()
    }

    pub(crate) fn write(&self, document: &str) -> Result<(), Failed> {
        let Some(path) = &self.out else {
            return print(document.as_bytes());
        };
        let shown = path.display();
        let there = fs::metadata(path).ok();
        if there.as_ref().is_some_and(|there| !there.is_file()) {
            return Err(format!("{shown} is no file"));
        }
        // What a link leads to is written, and not the link.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        match fs::read_to_string(path) {
            Ok(there) if there == document => {
                eprintln!("{shown} is current");
                return Ok(());
            }
            Ok(there) if !self.force && !is_like(&there, document) => {
                return Err(format!("{shown} is something else; --force replaces it"));
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData && !self.force => {
                return Err(format!("{shown} is something else; --force replaces it"));
            }
            _ => {}
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.tmp", std::process::id()));
        let written = fs::write(&beside, document)
            .and_then(|()| there.map_or(Ok(()), |there| fs::set_permissions(&beside, there.permissions())))
            .and_then(|()| fs::rename(&beside, path));
        if let Err(error) = written {
            // It may not be there; what went wrong is told.
            let _ = fs::remove_file(&beside);
            return Err(format!("{shown} cannot be written ({error})"));
        }
        eprintln!("{shown} is written");
        Ok(())
    }
}

/// Whether a file is an earlier one of the same document: a dashboard of the same uid, a catalogue, rules that were made.
fn is_like(there: &str, document: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match (parsed(there), parsed(document)) {
        (Some(there), Some(document)) => match document.get("uid") {
            Some(uid) => there.get("uid") == Some(uid),
            None => there["metrics"].is_array() && there["version"].is_u64(),
        },
        // The first line says who made them.
        (None, None) => there.lines().next() == document.lines().next(),
        _ => false,
    }
}

/// The files of these endings: those that are named, and those in the folders that are.
pub(crate) fn with_endings(named: &[PathBuf], endings: &[&str]) -> Result<Vec<PathBuf>, Failed> {
    let mut found = Vec::new();
    for path in named {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        if !fs::metadata(path).map_err(failed)?.is_dir() {
            if !ends(path, endings) {
                return Err(format!("{} is none of {}", path.display(), endings.join(", ")));
            }
            found.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let inner = entry.map_err(failed)?.path();
            if inner.is_file() && ends(&inner, endings) && may_be_meant(&inner) {
                inside.push(inner);
            }
        }
        if inside.is_empty() {
            return Err(format!("{} holds no {}", path.display(), endings.join(" and no ")));
        }
        inside.sort();
        found.extend(inside);
    }
    Ok(found)
}

/// Of YAML in a folder rules are meant, and not what else lies beside them.
fn may_be_meant(path: &Path) -> bool {
    let is_rules =
        |text: String| text.lines().any(|line| line.starts_with("groups:") || line.trim() == "kind: PrometheusRule");
    // What cannot be read is told where it is read.
    ends(path, &[".json"]) || fs::read_to_string(path).map_or(true, is_rules)
}

pub(crate) fn ends(path: &Path, endings: &[&str]) -> bool {
    path.to_str().is_some_and(|path| endings.iter().any(|ending| path.ends_with(ending)))
}
