//! The rules of names, labels and bounds. Each finding is one sentence that ends in what to write.

use crate::diagnostics::Diagnostics;
use crate::metric::expiry;
use crate::metric::model::{Block, Bound, BoundValues, Declaration, Help, Kind, NO_NUMBER};
use crate::metric::units;
use crate::names;
use std::collections::HashMap;
use syn::spanned::Spanned;
use syn::{Expr, Type};

/// Suffixes that the exposition formats give to samples of counters, histograms and infos.
const RESERVED_SUFFIXES: [&str; 6] = ["_total", "_bucket", "_sum", "_count", "_created", "_info"];

/// Labels that are not the program's to set, with who sets them.
pub(crate) const RESERVED_LABELS: [(&str, &str); 4] = [
    ("le", "histograms use it for their bounds"),
    ("quantile", "summaries use it"),
    ("job", "the Prometheus server sets it on every target; `job_name` is free"),
    ("instance", "the Prometheus server sets it on every target; `instance_name` is free"),
];

/// The names of types that the language has without an import.
const PRIMITIVES: [&str; 19] = [
    "bool", "char", "f16", "f32", "f64", "f128", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16", "u32",
    "u64", "u128", "usize",
];

/// Checks every declaration, then the block.
pub(crate) fn all(block: &mut Block, diagnostics: &mut Diagnostics) {
    let samples = samples(&block.declarations);
    for declaration in &mut block.declarations {
        let mut findings = Findings { diagnostics: &mut *diagnostics, any: false };
        help(declaration, &mut findings);
        // A name that is no name is not judged further, and one with a wrong suffix not by its unit.
        if form(declaration, &mut findings) && suffix(declaration, &samples, &mut findings) {
            unit(declaration, &mut findings);
        }
        labels(declaration, &mut findings);
        bounds(declaration, &mut findings);
        if let Some((span, message)) = expiry::check(declaration) {
            findings.at(span, message);
        }
        declaration.wrong |= findings.any;
    }
    clashes(block, diagnostics);
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

/// The sentence where there is no HELP text.
pub(crate) fn no_help(declaration: &Declaration) -> String {
    format!("`{}` has no HELP text; write a doc comment above it: `/// …`", declaration.text())
}

fn help(declaration: &Declaration, findings: &mut Findings<'_>) {
    if matches!(declaration.help(), Help::Text(text) if text.is_empty()) {
        findings.at(declaration.span(), no_help(declaration));
    }
}

fn form(declaration: &mut Declaration, findings: &mut Findings<'_>) -> bool {
    let (name, span) = (declaration.text(), declaration.span());
    if PRIMITIVES.contains(&name.as_str()) {
        let message =
            format!("a metric `{name}` would hide the type `{name}`; write what it counts, such as `{name}_values`");
        findings.at(span, message);
        declaration.left_out = true;
        return false;
    }
    if names::NEVER_RAW.contains(&name.as_str()) {
        findings.at(span, format!("`{name}` cannot be a name; write what the metric counts, such as `rows_read`"));
        declaration.left_out = true;
        return false;
    }
    if names::is_keyword(&name) && declaration.name == name {
        findings.at(span, format!("`{name}` is a keyword; write `r#{name}`, which is scraped as `{name}`"));
        declaration.name = names::identifier(&name, span);
        return false;
    }
    let Some(snake) = names::not_snake_case(&name) else { return true };
    findings.at(span, format!("the metric's name `{name}` is not lower_snake_case ASCII; write `{snake}`"));
    false
}

fn suffix(declaration: &Declaration, samples: &[Sample], findings: &mut Findings<'_>) -> bool {
    let (name, span) = (declaration.text(), declaration.span());
    if let Some(sample) = samples.iter().find(|sample| sample.name == name) {
        let (kind, family) = (sample.kind.as_str(), &sample.family);
        let message =
            format!("`{name}` is a sample of the {kind} `{family}` already; leave it out, or give it another name");
        findings.at(span, message);
        return false;
    }
    let required = match declaration.kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        Kind::Gauge | Kind::Histogram => "",
    };
    let stem = declaration.stem();
    let bare = without_reserved(&stem);
    let kind = declaration.kind.with_article();
    if !required.is_empty() && stem == name {
        let what = if RESERVED_SUFFIXES.contains(&format!("_{bare}").as_str()) { "rows" } else { bare };
        let kind = declaration.kind.as_str();
        findings.at(span, format!("{kind} `{name}` must end in `{required}`; write `{what}{required}`"));
        return false;
    }
    if let Some(reserved) = RESERVED_SUFFIXES.iter().find(|suffix| stem.ends_with(**suffix)) {
        let message =
            format!("the suffix `{reserved}` in `{name}` is reserved and not for {kind}; write `{bare}{required}`");
        findings.at(span, message);
        return false;
    }
    // Prometheus removes the word wherever it stands and appends it, when it makes its name of OpenTelemetry's.
    // https://github.com/prometheus/otlptranslator/blob/main/metric_namer.go (`buildCompliantMetricName`)
    let moved = match declaration.kind {
        Kind::Counter => "total",
        Kind::Gauge if stem.ends_with("_ratio") => "ratio",
        _ => return true,
    };
    let mut words: Vec<&str> = stem.split('_').collect();
    if moved == "ratio" {
        words.pop();
    }
    if words.contains(&moved) {
        words.retain(|word| *word != moved);
        let rest = words.join("_");
        let right = if rest.is_empty() { format!("rows_{moved}") } else { format!("{rest}_{moved}") };
        let message = format!(
            "`{moved}` stands in `{name}` twice, and Prometheus' translation from OTLP leaves the last alone; write `{right}`"
        );
        findings.at(span, message);
        return false;
    }
    true
}

/// What is left of a name without the suffixes that are not its own.
fn without_reserved(mut name: &str) -> &str {
    while let Some(bare) = RESERVED_SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)) {
        name = bare;
    }
    name
}

/// A name that the exposition formats make of a family's.
struct Sample {
    name: String,
    kind: Kind,
    family: String,
}

fn samples(declarations: &[Declaration]) -> Vec<Sample> {
    let of = |declaration: &Declaration| {
        let suffixes: &[&str] = match declaration.kind {
            Kind::Histogram => &["_bucket", "_sum", "_count", "_created"],
            Kind::Counter => &["_created"],
            Kind::Gauge | Kind::Info => &[],
        };
        let (stem, family, kind) = (declaration.stem(), declaration.text(), declaration.kind);
        suffixes.iter().map(move |suffix| Sample { name: format!("{stem}{suffix}"), kind, family: family.clone() })
    };
    declarations.iter().flat_map(of).collect()
}

fn unit(declaration: &Declaration, findings: &mut Findings<'_>) {
    let (name, stem) = (declaration.text(), declaration.stem());
    if let Some((word, base)) = units::scaled(&stem) {
        let bare = stem.strip_suffix(word).unwrap_or_default();
        let rest = name.strip_prefix(&stem).unwrap_or_default();
        findings.at(
            declaration.span(),
            format!("`{name}` is in `{word}`, which is not a base unit; write `{bare}{base}{rest}`"),
        );
    } else if declaration.kind == Kind::Histogram && units::of(&stem).is_empty() && !units::is_rate(&stem) {
        findings.at(
            declaration.span(),
            format!(
                "histogram `{name}` does not tell its unit; write `{name}_seconds`, `{name}_bytes`, `{name}_ratio`, or a plural \
                 noun for what is counted, such as `{name}_records`"
            ),
        );
    }
}

fn labels(declaration: &mut Declaration, findings: &mut Findings<'_>) {
    let mut seen = Vec::new();
    for (index, label) in declaration.labels.iter_mut().enumerate() {
        let (name, span) = (label.text(), label.name.span());
        if let Some((_, whose)) = RESERVED_LABELS.iter().find(|(reserved, _)| *reserved == name) {
            findings.at(span, format!("the label `{name}` is reserved: {whose}; give it another name"));
        } else if name.starts_with("__") {
            let bare = names::not_snake_case(&name).unwrap_or_default();
            findings.at(span, format!("labels that start with `__` are Prometheus' own; write `{bare}`"));
        } else if names::NEVER_RAW.contains(&name.as_str()) {
            findings.any = true; // said when it was read
        } else if let Some(snake) = names::not_snake_case(&name) {
            findings.at(span, format!("the label `{name}` is not lower_snake_case ASCII; write `{snake}`"));
        } else if seen.contains(&name) {
            findings.at(span, format!("the label `{name}` is given twice; leave one out"));
        }
        if seen.contains(&name) {
            label.parameter = quote::format_ident!("__label_{index}", span = span);
        }
        if let Some(Type::ImplTrait(ty)) = &label.ty {
            findings.at(ty.impl_token.span, format!("the label `{name}` has one type; write `{name}: &str`"));
            label.ty = None;
        }
        findings.any |= label.ty.is_none();
        seen.push(name);
    }
}

fn bounds(declaration: &Declaration, findings: &mut Findings<'_>) {
    let (name, kind) = (declaration.text(), declaration.kind.with_article());
    let Some(bounds) = &declaration.bounds else {
        if declaration.kind == Kind::Histogram {
            let message =
                format!("histogram `{name}` has no bounds; write them behind its labels: `[0.01, 0.1, 1, 10]`");
            findings.at(declaration.span(), message);
        }
        return;
    };
    match &bounds.values {
        _ if declaration.kind != Kind::Histogram => {
            findings.at(bounds.span, format!("{kind} has no bounds; leave them out, or write `histogram`"));
        }
        BoundValues::List(list) if list.is_empty() => {
            findings.at(bounds.span, format!("histogram `{name}` has no bounds; write some: `[0.01, 0.1, 1, 10]`, or a constant with all of them: `[..BOUNDS]`"));
        }
        BoundValues::List(list) => ascending(list, findings),
        BoundValues::Constant(_) => {} // the compiler knows
    }
}

/// Judges what the tokens tell. A bound that only the compiler knows is judged by it, and so is the one behind it.
fn ascending(list: &[Bound], findings: &mut Findings<'_>) {
    let mut last: Option<f64> = None;
    for bound in list {
        let Some(value) = bound.value else {
            if let Expr::Lit(literal) = &bound.expression {
                findings.at(literal.span(), String::from(NO_NUMBER));
            }
            last = None;
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

/// Two declarations that are one: of one name, or of names that differ in a suffix which OpenMetrics does not count to the family's name.
fn clashes(block: &mut Block, diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<String, Seen> = HashMap::new();
    for declaration in &mut block.declarations {
        let this = Seen {
            name: declaration.text(),
            kind: declaration.kind,
            conditional: declaration.conditions().next().is_some(),
        };
        let stem = declaration.stem();
        match seen.get(&stem) {
            // One of the two may not be there; where both are, the compiler says so.
            Some(other) if other.conditional && this.conditional => {}
            Some(other) if other.name == this.name => {
                let message = format!("`{}` is declared twice in this block; give one another name", this.name);
                diagnostics.at_span(declaration.span(), message);
                declaration.left_out = true;
            }
            Some(other) => {
                let message = format!(
                    "{} `{}` and {} `{}` are one family `{stem}` in OpenMetrics; give one another name",
                    this.kind.as_str(),
                    this.name,
                    other.kind.as_str(),
                    other.name
                );
                diagnostics.at_span(declaration.span(), message);
                declaration.wrong = true;
            }
            None => {
                seen.insert(stem, this);
            }
        }
    }
}

struct Seen {
    name: String,
    kind: Kind,
    conditional: bool,
}
