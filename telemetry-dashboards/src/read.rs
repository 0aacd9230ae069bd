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

/// What is wrong with the text of one dashboard, whatever is declared: its PromQL included.
#[must_use]
pub fn mistakes(file: &str, text: &str) -> Vec<Mistake> {
    let (queries, mut mistakes) = grafana::queries(file, text);
    mistakes.extend(promql::analyse(&queries, &Sources::default()).1);
    mistakes
}

/// Whether these are matchers of PromQL: what can stand between braces.
///
/// # Errors
/// What the parser says of them.
pub fn matchers(text: &str) -> Result<(), String> {
    match promql_parser::parser::parse(&format!("x{{{text}}}")) {
        Ok(promql_parser::parser::Expr::VectorSelector(_)) => Ok(()),
        Ok(_) => Err(String::from("more than matchers")),
        Err(error) => Err(error),
    }
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

#[cfg(test)]
mod tests {
    use super::{Sources, read};
    use crate::demand::Ask;

    #[test]
    fn files_are_read_once_and_all_mistakes_are_told() {
        let root = std::env::temp_dir().join(format!("telemetry-dashboards-{}-read", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let panel = |expression: &str| format!("{{\"panels\": [{{\"targets\": [{{\"expr\": \"{expression}\"}}]}}]}}");
        std::fs::write(root.join("a.json"), panel("rate(${m}_total[$__rate_interval])").replace(
            "{\"panels\"",
            "{\"templating\": {\"list\": [{\"name\": \"m\", \"type\": \"custom\", \"query\": \"x,y\"}]}, \"panels\"",
        ))
        .unwrap();
        std::fs::write(root.join("b.json"), panel("job:z + up )")).unwrap();
        std::fs::write(
            root.join("c.yml"),
            "groups: [{name: g, rules: [{record: job:z, expr: z}, {record: 1, expr: z}]}]",
        )
        .unwrap();
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let sources = Sources {
            root: root.clone(),
            files: list(&["*.json", "a.json", "gone.json"]),
            rules: list(&["c.yml"]),
            ..Sources::default()
        };
        let reading = read(&sources);
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(reading.files, ["a.json", "b.json", "c.yml"].map(|name| root.join(name)));
        let files: Vec<&str> = reading.mistakes.iter().map(|mistake| mistake.place.file.as_str()).collect();
        assert_eq!(files, ["gone.json", "c.yml", "b.json"], "{:#?}", reading.mistakes);
        let series = reading.demands.iter().filter_map(|demand| match &demand.ask {
            Ask::Series(sample) => Some((demand.place.file.as_str(), sample.name.as_str())),
            _ => None,
        });
        let both = [("a.json", "x_total"), ("a.json", "y_total"), ("c.yml", "z"), ("c.yml", "z")];
        assert_eq!(series.collect::<Vec<_>>(), both, "each text of a variable is asked for");
    }
}
