//! Globs to files, and files to texts.
//!
//! A walk of our own over the folders, with the patterns of the `glob` crate: it must end where a link leads back to a folder above, and must
//! not stumble over names that are no UTF-8, and the crate's own walk does neither.

use crate::demand::{Mistake, Place};
use glob::{MatchOptions, Pattern};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The largest file that is read. The largest public dashboards have 1 MB.
const MAX_BYTES: u64 = 32 << 20;

/// More files and folders than this below a glob's folder are not walked.
const MAX_ENTRIES: usize = 100_000;

/// As in a shell: `*` stops at `/` and does not begin with a dot.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The byte order mark that some editors write.
const BOM: char = '\u{feff}';

/// The files that a glob matches, each with its path below `root` and its whole path, in the order of the former. Never none.
pub(crate) fn find(root: &Path, glob: &str) -> Result<Vec<(String, PathBuf)>, Mistake> {
    let wrong = |message: String| mistake(glob, message);
    if glob.trim().is_empty() {
        return Err(wrong(String::from("the glob is empty; write one such as `dashboards/*.json`")));
    }
    let pattern = Pattern::new(glob)
        .map_err(|error| wrong(format!("`{glob}` is no glob: {} at character {}", error.msg, error.pos + 1)))?;
    let mut walk = Walk::new(&pattern, glob);
    let base = split(glob).0;
    walk.folder_or_file(&base, root.join(&base)).map_err(wrong)?;
    if let Some(folder) = walk.folders.first() {
        let below = folder.trim_end_matches('/');
        return Err(wrong(format!(
            "`{glob}` matches the folder `{folder}`; write which files, such as `{below}/*.json`"
        )));
    }
    if walk.files.is_empty() {
        let hint = if glob.contains('\\') { "; write `/` between folders" } else { "" };
        return Err(wrong(format!(
            "`{glob}` matches no file; write a path or a glob that begins in the root, which is the package's folder unless said otherwise{hint}"
        )));
    }
    Ok(walk.files.into_iter().collect())
}

/// The text of a file that a glob matched.
pub(crate) fn text(file: &str, path: &Path) -> Result<String, Mistake> {
    let wrong = |message: String| mistake(file, message);
    let unreadable = |error: std::io::Error| wrong(format!("the file cannot be read: {error}"));
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_BYTES {
        return Err(wrong(format!("the file has {length} bytes; at most {MAX_BYTES} are read")));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count();
        wrong(format!("the file is not UTF-8 from line {line} on; save it as UTF-8"))
    })?;
    Ok(without_bom(&text).to_owned())
}

/// The text behind a byte order mark, if there is one.
pub(crate) fn without_bom(text: &str) -> &str {
    text.strip_prefix(BOM).unwrap_or(text)
}

fn mistake(file: &str, message: String) -> Mistake {
    Mistake { place: Place { file: file.to_owned(), part: String::new(), query: String::new() }, message }
}

/// The folders that a glob names without a pattern, and what is left. The whole glob, if it has no pattern.
fn split(glob: &str) -> (String, Option<&str>) {
    let Some(first) = glob.find(['*', '?', '[']) else {
        return (glob.to_owned(), None);
    };
    let end = glob[..first].rfind('/').map_or(0, |slash| slash + 1);
    (glob[..end].to_owned(), Some(&glob[end..]))
}

struct Walk<'a> {
    pattern: &'a Pattern,
    /// How many folders deep it can match.
    depth: usize,
    /// Where each folder really is, so that a link to one above is followed once.
    seen: BTreeSet<PathBuf>,
    entries: usize,
    files: BTreeMap<String, PathBuf>,
    folders: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    fn new(pattern: &'a Pattern, glob: &str) -> Self {
        let depth = match split(glob).1 {
            None => 0,
            Some(rest) if rest.contains("**") => usize::MAX,
            Some(rest) => rest.split('/').filter(|part| !part.is_empty()).count(),
        };
        Walk { pattern, depth, seen: BTreeSet::new(), entries: 0, files: BTreeMap::new(), folders: BTreeSet::new() }
    }

    /// What a glob begins with: the file itself, or the folder to look in.
    fn folder_or_file(&mut self, base: &str, path: PathBuf) -> Result<(), String> {
        if self.depth == 0 {
            self.matched(base.to_owned(), path);
            return Ok(());
        }
        // Breadth first, without recursion: folders can be nested deeper than a stack is.
        let mut level = vec![(base.to_owned(), path)];
        let mut depth = self.depth;
        while depth > 0 && !level.is_empty() {
            let mut below = Vec::new();
            for (name, path) in level {
                self.folder(&name, &path, &mut below)?;
            }
            // Two names of one folder: the first is walked, whatever the order on the disk.
            below.sort();
            level = below;
            depth -= 1;
        }
        Ok(())
    }

    /// One folder: what it holds is matched, and its own folders are handed back.
    fn folder(&mut self, name: &str, path: &Path, below: &mut Vec<(String, PathBuf)>) -> Result<(), String> {
        // An empty path is the current folder.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let Ok(real) = path.canonicalize() else {
            return Ok(()); // It is not there: then nothing matches, which is said by the caller.
        };
        if !real.is_dir() || !self.seen.insert(real) {
            return Ok(());
        }
        let unreadable = |error: std::io::Error| format!("the folder `{}` cannot be read: {error}", path.display());
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(format!(
                    "there are more than {MAX_ENTRIES} files and folders below it; write a narrower glob"
                ));
            }
            // A name that is no UTF-8 cannot be written in a glob either.
            let Ok(own) = entry.file_name().into_string() else { continue };
            let (name, path) = (format!("{name}{own}"), entry.path());
            let hidden = own.starts_with('.') && !self.pattern.as_str().contains("/.");
            if path.is_dir() && !hidden {
                below.push((format!("{name}/"), path.clone()));
            }
            if self.pattern.matches_with(&name, OPTIONS) {
                self.matched(name, path);
            }
        }
        Ok(())
    }

    fn matched(&mut self, name: String, path: PathBuf) {
        if path.is_dir() {
            // `**` alone stands for all that is below; the folders are then not what is meant.
            if !self.pattern.as_str().ends_with("**") {
                self.folders.insert(name);
            }
        } else if path.is_file() || path.is_symlink() {
            // A link that leads nowhere is reported when it is read.
            self.files.insert(name, path);
        }
    }
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
