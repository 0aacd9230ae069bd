//! Stands in for the readers until they are there: the `expr` of each target of a JSON file, and of it what is simplest.

use crate::{Ask, Comparison, Demand, Mistake, Place, Reading, Reads, Sample, Sources, Suffix};
use promql_parser::parser::{self, Expr};

/// Reads the files.
#[must_use]
pub fn read(sources: &Sources) -> Reading {
    let mut reading = Reading::default();
    for pattern in sources.files.iter().chain(&sources.rules) {
        let full = sources.root.join(pattern);
        let Ok(paths) = glob::glob(&full.to_string_lossy()) else { continue };
        let mut any = false;
        for path in paths.flatten() {
            any = true;
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let file = path.strip_prefix(&sources.root).unwrap_or(&path).to_string_lossy().into_owned();
            one(&file, &text, sources, &mut reading);
            reading.files.push(path);
        }
        if !any {
            let place = Place { file: pattern.clone(), part: String::new(), query: String::new() };
            reading
                .mistakes
                .push(Mistake { place, message: String::from("no file has this name; write a glob that has one") });
        }
    }
    reading
}

fn one(file: &str, text: &str, sources: &Sources, reading: &mut Reading) {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(text) else {
        let place = Place { file: file.to_owned(), part: String::new(), query: String::new() };
        reading.mistakes.push(Mistake { place, message: String::from("this is not JSON") });
        return;
    };
    for panel in json["panels"].as_array().into_iter().flatten() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap_or_default();
            let part = format!("panel \"{}\"", panel["title"].as_str().unwrap_or_default());
            let place = Place { file: file.to_owned(), part, query: query.to_owned() };
            match parser::parse(&query.replace("$__rate_interval", "5m")) {
                Ok(expr) => {
                    let mut walk = Walk { place, sources, reading };
                    if let Expr::VectorSelector(selector) = &expr
                        && let Some(name) = &selector.name
                    {
                        walk.ask(Ask::Shown(Sample::new(name)));
                    }
                    walk.walk(&expr);
                }
                Err(message) => reading.mistakes.push(Mistake { place, message }),
            }
        }
    }
}

struct Walk<'a> {
    place: Place,
    sources: &'a Sources,
    reading: &'a mut Reading,
}

impl Walk<'_> {
    fn ask(&mut self, ask: Ask) {
        self.reading.demands.push(Demand { place: self.place.clone(), ask });
    }

    fn walk(&mut self, expr: &Expr) -> Vec<Sample> {
        match expr {
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs),
            Expr::Aggregate(aggregate) => {
                let of = self.walk(&aggregate.expr);
                let labels = aggregate.modifier.iter().flat_map(|modifier| modifier.labels().labels.iter());
                for label in labels.filter(|label| !self.sources.target_labels.contains(label)) {
                    self.ask(Ask::Label { label: label.clone(), of: of.clone(), reads: Reads::By });
                }
                of
            }
            Expr::Call(call) => {
                let of: Vec<Sample> = call.args.args.iter().flat_map(|arg| self.walk(arg)).collect();
                for sample in &of {
                    match call.func.name {
                        "rate" | "irate" | "increase" => {
                            self.ask(Ask::Counts { sample: sample.clone(), function: call.func.name.to_owned() });
                        }
                        "histogram_quantile" => self.ask(Ask::Buckets(sample.clone())),
                        _ => {}
                    }
                }
                of
            }
            Expr::Binary(binary) => {
                let of = self.walk(&binary.lhs);
                if let Expr::NumberLiteral(number) = &*binary.rhs {
                    let comparison = match binary.op.to_string().as_str() {
                        ">" => Some(Comparison::Above),
                        ">=" => Some(Comparison::AtLeast),
                        "<" => Some(Comparison::Below),
                        "<=" => Some(Comparison::AtMost),
                        _ => None,
                    };
                    if let Some(comparison) = comparison {
                        for sample in of.iter().filter(|sample| sample.suffix == Suffix::Bucket) {
                            self.ask(Ask::Threshold { sample: sample.clone(), comparison, value: number.val });
                        }
                    }
                    return of;
                }
                of.into_iter().chain(self.walk(&binary.rhs)).collect()
            }
            Expr::Paren(paren) => self.walk(&paren.expr),
            _ => Vec::new(),
        }
    }

    fn selector(&mut self, selector: &parser::VectorSelector) -> Vec<Sample> {
        let Some(name) = &selector.name else { return Vec::new() };
        if self.sources.foreign.iter().any(|foreign| name.starts_with(foreign.as_str())) {
            return Vec::new();
        }
        let sample = Sample::new(name);
        self.ask(Ask::Series(sample.clone()));
        for matcher in &selector.matchers.matchers {
            if self.sources.target_labels.contains(&matcher.name) {
                continue;
            }
            let (label, of) = (matcher.name.clone(), vec![sample.clone()]);
            self.ask(Ask::Label { label, of, reads: Reads::Matcher });
            if matcher.name == "le" {
                self.ask(Ask::Bound { sample: sample.clone(), le: matcher.value.clone() });
            }
        }
        vec![sample]
    }
}
