//! The rules of names, labels and bounds. Each finding is one sentence that ends in what to write.

use crate::diagnostics::Diagnostics;
use crate::metric::model::{Block, Declaration, Kind};
use crate::metric::units;
use crate::names;
use std::collections::HashMap;

/// Suffixes that the exposition formats give to samples of counters, histograms and infos.
const RESERVED_SUFFIXES: [&str; 6] = ["_total", "_bucket", "_sum", "_count", "_created", "_info"];

/// Labels that are not the program's to set, with who sets them.
pub(crate) const RESERVED_LABELS: [(&str, &str); 4] = [
    ("le", "histograms use it for their bounds"),
    ("quantile", "summaries use it"),
    ("job", "the Prometheus server sets it on every target; `job_name` is free"),
    ("instance", "the Prometheus server sets it on every target; `instance_name` is free"),
];

/// Checks every declaration, then the block.
pub(crate) fn all(block: &mut Block, diagnostics: &mut Diagnostics) {
    for declaration in &mut block.declarations {
        let mut findings = Findings { diagnostics: &mut *diagnostics, any: false };
        help(declaration, &mut findings);
        // A name that is no name is not judged further, and one with a wrong suffix not by its unit.
        if form(declaration, &mut findings) && suffix(declaration, &mut findings) {
            unit(declaration, &mut findings);
        }
        labels(declaration, &mut findings);
        bounds(declaration, &mut findings);
        let wrong = findings.any;
        declaration.wrong = wrong;
    }
    twice(block, diagnostics);
}

struct Findings<'a> {
    diagnostics: &'a mut Diagnostics,
    any: bool,
}

impl Findings<'_> {
    fn at(&mut self, span: proc_macro2::Span, message: String) {
        self.any = true;
        self.diagnostics.at_span(span, message);
    }
}

fn help(declaration: &Declaration, findings: &mut Findings<'_>) {
    if declaration.help().is_empty() {
        let name = &declaration.name;
        findings.at(declaration.span(), format!("`{name}` has no HELP text; write a doc comment above it: `/// …`"));
    }
}

fn form(declaration: &Declaration, findings: &mut Findings<'_>) -> bool {
    let name = declaration.name.to_string();
    let Some(snake) = names::not_snake_case(&name) else { return true };
    findings
        .at(declaration.span(), format!("the metric's name `{name}` is not lower_snake_case ASCII; write `{snake}`"));
    false
}

fn suffix(declaration: &Declaration, findings: &mut Findings<'_>) -> bool {
    let name = declaration.name.to_string();
    let required = match declaration.kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        Kind::Gauge | Kind::Histogram => "",
    };
    let stem = declaration.stem();
    if !required.is_empty() && stem == name {
        let kind = declaration.kind.as_str();
        let bare = RESERVED_SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name);
        findings.at(declaration.span(), format!("{kind} `{name}` must end in `{required}`; write `{bare}{required}`"));
        return false;
    }
    if let Some(reserved) = RESERVED_SUFFIXES.iter().find(|suffix| stem.ends_with(**suffix)) {
        let bare = stem.strip_suffix(reserved).unwrap_or(&stem);
        let kind = declaration.kind.with_article();
        findings.at(
            declaration.span(),
            format!("the suffix `{reserved}` in `{name}` is reserved and not for {kind}; write `{bare}{required}`"),
        );
        return false;
    }
    true
}

fn unit(declaration: &Declaration, findings: &mut Findings<'_>) {
    let (name, stem) = (declaration.name.to_string(), declaration.stem());
    let word = stem.rsplit('_').next().unwrap_or_default();
    if let Some(base) = units::base_of(word) {
        let bare = stem.strip_suffix(word).unwrap_or_default();
        let rest = name.strip_prefix(&stem).unwrap_or_default();
        findings.at(
            declaration.span(),
            format!("`{name}` is in `{word}`, which is not a base unit; write `{bare}{base}{rest}`"),
        );
    } else if declaration.kind == Kind::Histogram && units::of(&stem).is_empty() {
        findings.at(
            declaration.span(),
            format!(
                "histogram `{name}` does not tell its unit; write `{name}_seconds`, `{name}_bytes`, `{name}_ratio`, or a plural \
                 noun for what is counted, such as `{name}_records`"
            ),
        );
    }
}

fn labels(declaration: &Declaration, findings: &mut Findings<'_>) {
    let mut seen = Vec::new();
    for label in &declaration.labels {
        let (name, span) = (label.text(), label.name.span());
        if let Some((_, whose)) = RESERVED_LABELS.iter().find(|(reserved, _)| *reserved == name) {
            findings.at(span, format!("the label `{name}` is reserved: {whose}; give it another name"));
        } else if name.starts_with("__") {
            let bare = name.trim_start_matches('_');
            findings.at(span, format!("labels that start with `__` are Prometheus' own; write `{bare}`"));
        } else if let Some(snake) = names::not_snake_case(&name) {
            findings.at(span, format!("the label `{name}` is not lower_snake_case ASCII; write `{snake}`"));
        } else if seen.contains(&name) {
            findings.at(span, format!("the label `{name}` is given twice; leave one out"));
        }
        seen.push(name);
    }
}

fn bounds(declaration: &Declaration, findings: &mut Findings<'_>) {
    let (name, kind) = (&declaration.name, declaration.kind.with_article());
    match (&declaration.bounds, declaration.kind) {
        (None, Kind::Histogram) => findings.at(
            declaration.span(),
            format!("histogram `{name}` has no bounds; write them behind its labels: `[0.01, 0.1, 1, 10]`"),
        ),
        (Some(bounds), Kind::Histogram) if bounds.bounds.is_empty() => {
            findings.at(bounds.span, format!("histogram `{name}` has no bounds; write some: `[0.01, 0.1, 1, 10]`"));
        }
        (Some(bounds), Kind::Histogram) => ascending(bounds, findings),
        (Some(bounds), _) => {
            findings.at(bounds.span, format!("{kind} has no bounds; leave them out, or write `histogram`"))
        }
        (None, _) => {}
    }
}

fn ascending(bounds: &crate::metric::model::Bounds, findings: &mut Findings<'_>) {
    let mut last: Option<f64> = None;
    for bound in &bounds.bounds {
        let Some(value) = bound.value else {
            findings.at(bound.span(), String::from("a bound is a number, such as `0.25` or `10`"));
            continue;
        };
        if !value.is_finite() {
            findings.at(
                bound.span(),
                String::from("a bound is finite; leave it out: there is always a bucket above all bounds"),
            );
            continue;
        }
        match last {
            Some(last) if value == last => {
                findings.at(bound.span(), format!("the bound `{value}` is given twice; leave one out"))
            }
            Some(last) if value < last => {
                findings.at(bound.span(), format!("bounds ascend, and `{value}` stands behind `{last}`; sort them"));
            }
            _ => {}
        }
        last = Some(value);
    }
}

fn twice(block: &mut Block, diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for declaration in &mut block.declarations {
        let name = declaration.name.to_string();
        let times = seen.entry(name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            diagnostics.at_span(
                declaration.span(),
                format!("`{name}` is declared twice in this block; give one another name"),
            );
            declaration.wrong = true;
        }
    }
    let mut samples: Vec<(String, String)> = Vec::new();
    for declaration in block.declarations.iter().filter(|declaration| declaration.kind == Kind::Histogram) {
        let name = declaration.name.to_string();
        samples.extend(["_bucket", "_sum", "_count"].iter().map(|suffix| (format!("{name}{suffix}"), name.clone())));
    }
    for declaration in &block.declarations {
        let name = declaration.name.to_string();
        if let Some((_, histogram)) = samples.iter().find(|(sample, _)| *sample == name) {
            let message = format!("`{name}` is also a sample of the histogram `{histogram}`; give it another name");
            // A reserved suffix was found already; said again with the reason, it would only be noise.
            if !declaration.wrong {
                diagnostics.at_span(declaration.span(), message);
            }
        }
    }
}
