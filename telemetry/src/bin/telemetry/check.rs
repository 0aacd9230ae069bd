//! Files against what a program declares.

use crate::Failed;
use crate::files::{ends, with_endings};
use std::path::{Path, PathBuf};
use telemetry::catalog::Catalog;
use telemetry::dashboard::{Finding, Severity, Sources, check};

/// Tells what does not agree; an error where anything does not.
pub(crate) fn files(catalog: &Catalog, foreign: &[String], notes: bool, named: &[PathBuf]) -> Result<(), Failed> {
    let files = with_endings(named, &[".json", ".yml", ".yaml"])?;
    let findings = findings(catalog, foreign, &files)?;
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    for finding in findings.iter().filter(|finding| notes || finding.severity == Severity::Error) {
        println!("{finding}");
    }
    if errors > 0 {
        return Err(format!("{errors} {} in {}", if errors == 1 { "error" } else { "errors" }, counted(&files)));
    }
    eprintln!("{} agree with the catalogue", counted(&files));
    Ok(())
}

/// What is found in these files.
pub(crate) fn findings(catalog: &Catalog, foreign: &[String], files: &[PathBuf]) -> Result<Vec<Finding>, Failed> {
    let mut sources = Sources::new("").program(catalog).foreign(foreign);
    for file in files {
        let glob = as_glob(file)?;
        sources = if ends(file, &[".json"]) { sources.files(glob) } else { sources.rules(glob) };
    }
    Ok(check(&sources))
}

fn counted(files: &[PathBuf]) -> String {
    format!("{} {}", files.len(), if files.len() == 1 { "file" } else { "files" })
}

/// The glob that matches this file alone.
fn as_glob(file: &Path) -> Result<String, Failed> {
    let text = file.to_str().ok_or_else(|| format!("{} is no UTF-8", file.display()))?;
    Ok(text.chars().flat_map(|c| if "*?[]".contains(c) { vec!['[', c, ']'] } else { vec![c] }).collect())
}
