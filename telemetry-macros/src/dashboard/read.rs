//! What the files say, each thing with the glob that brought it, where the compiler shall point.

use crate::dashboard::args::Args;
use crate::diagnostics::Diagnostics;
use proc_macro2::Span;
use std::collections::HashSet;
use std::path::PathBuf;
use syn::LitStr;
use telemetry_dashboards::{Demand, Place, Sources, brings, read};

/// What was read.
pub(crate) struct Findings {
    /// The files, as absolute paths, with the glob's place.
    pub(crate) files: Vec<(String, Span)>,
    /// What must be true of the declared families, each once for a query.
    pub(crate) demands: Vec<(Demand, Span)>,
}

impl Findings {
    /// Reads the files; mistakes that need no declarations become diagnostics.
    pub(crate) fn read(args: &Args, diagnostics: &mut Diagnostics) -> Findings {
        let sources = sources(args);
        let reading = read(&sources);
        let globs = Globs { args };
        for mistake in &reading.mistakes {
            let span = globs.span(&mistake.place.file);
            diagnostics.at_span(span, line(&mistake.place, &mistake.message));
        }
        let mut files = Vec::new();
        for path in &reading.files {
            let relative = path.strip_prefix(&sources.root).unwrap_or(path);
            let span = globs.span(&relative.to_string_lossy());
            match path.to_str() {
                Some(path) => files.push((path.to_owned(), span)),
                None => diagnostics.at_span(
                    span,
                    format!("the path `{}` is not UTF-8, so the compiler cannot watch it; rename it", path.display()),
                ),
            }
        }
        let mut seen = HashSet::new();
        let mut demands = Vec::new();
        for demand in reading.demands {
            if seen.insert(format!("{demand:?}")) {
                let span = globs.span(&demand.place.file);
                demands.push((demand, span));
            }
        }
        Findings { files, demands }
    }
}

fn sources(args: &Args) -> Sources {
    let texts = |texts: &[LitStr]| texts.iter().map(LitStr::value).collect();
    Sources {
        root: root(args),
        files: texts(&args.files),
        rules: texts(&args.rules),
        foreign: texts(&args.foreign),
        target_labels: args
            .target_labels
            .as_deref()
            .map_or_else(|| ["job", "instance"].map(String::from).into(), texts),
        function_labels: texts(&args.function_labels),
    }
}

/// The package's folder, and in it what `root` says.
fn root(args: &Args) -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    match &args.root {
        Some(root) => package.join(root.value()),
        None => package,
    }
}

struct Globs<'a> {
    args: &'a Args,
}

impl Globs<'_> {
    /// Where the glob stands that brought a file.
    fn span(&self, file: &str) -> Span {
        let mut globs = self.args.files.iter().chain(&self.args.rules);
        let first = globs.clone().next();
        globs.find(|glob| brings(&glob.value(), file)).or(first).map_or_else(Span::call_site, LitStr::span)
    }
}

/// Place and part before a sentence or a check: `dashboards/flights.json: panel "Requests"`.
pub(crate) fn place(place: &Place) -> String {
    if place.part.is_empty() { place.file.clone() } else { format!("{}: {}", place.file, place.part) }
}

/// The query on one line, as messages show it.
pub(crate) fn query(place: &Place) -> String {
    place.query.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The whole message of a mistake, in the form that the checks' messages have.
fn line(at: &Place, message: &str) -> String {
    let query = query(at);
    let mut line = format!("{}: {message}", place(at));
    if !query.is_empty() {
        line.push_str(if message.ends_with('?') { " query: `" } else { "; query: `" });
        line.push_str(&query);
        line.push('`');
    }
    line
}
