//! All files of all globs, to what they ask.

use crate::demand::{Demand, Mistake};
use crate::query::Query;
use crate::{grafana, promql, rules, sources};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What to read, and what belongs to others.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The folder that the globs begin in.
    pub root: PathBuf,
    /// Globs of dashboards and library panels.
    pub files: Vec<String>,
    /// Globs of rule files.
    pub rules: Vec<String>,
    /// What the names of other exporters' series begin with.
    pub foreign: Vec<String>,
    /// The labels that the server adds to every target.
    pub target_labels: Vec<String>,
    /// The labels that functions are measured with.
    pub function_labels: Vec<String>,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The files, each once, as absolute paths: what the result depends on.
    pub files: Vec<PathBuf>,
    /// What is wrong whatever is declared.
    pub mistakes: Vec<Mistake>,
    /// What must be true of what is declared.
    pub demands: Vec<Demand>,
}

/// How a file's text becomes queries.
type Reader = fn(&str, &str) -> (Vec<Query>, Vec<Mistake>);

/// Reads all files, in the order of the globs and of the paths.
#[must_use]
pub fn read(sources: &Sources) -> Reading {
    let mut reading = Reading::default();
    let mut queries = Vec::new();
    let kinds: [(&[String], Reader); 2] = [(&sources.files, grafana::queries), (&sources.rules, rules::queries)];
    for (globs, reader) in kinds {
        let mut read = Vec::new();
        for glob in globs {
            match sources::find(&sources.root, glob) {
                Ok(files) => read.extend(files),
                Err(mistake) => reading.mistakes.push(mistake),
            }
        }
        let mut seen = BTreeSet::new();
        for (name, path) in read {
            // A file that two globs match is read once.
            let absolute = std::path::absolute(&path).unwrap_or(path);
            if !seen.insert(absolute.clone()) {
                continue;
            }
            let text = sources::text(&name, &absolute);
            // A link that leads nowhere is no file that a compiler could watch.
            if absolute.is_file() && !reading.files.contains(&absolute) {
                reading.files.push(absolute);
            }
            match text {
                Ok(text) => {
                    let (more, wrong) = reader(&name, &text);
                    queries.extend(more);
                    reading.mistakes.extend(wrong);
                }
                Err(mistake) => reading.mistakes.push(mistake),
            }
        }
    }
    let (demands, mistakes) = promql::analyse(&queries, sources);
    reading.demands = demands;
    reading.mistakes.extend(mistakes);
    reading
}
