use super::more;
use super::words::{duration, grouped, plural, short};
use std::collections::{BTreeMap, BTreeSet};
use telemetry_sink::{Span, Spans, Trace};

/// Traces that are shown, unless all are asked for.
const TRACES: usize = 3;
/// So many calls of one name under one parent are shown one by one.
const ALIKE: usize = 2;
/// Lines of a trace.
const LINES: usize = 40;
/// Deeper calls are indented no further.
const DEPTH: usize = 40;
const NAME: usize = 64;

/// A line: what stands left, and what right of it.
type Line = (String, String);

struct Tree<'a> {
    children: BTreeMap<&'a str, Vec<&'a Span>>,
    shown: BTreeSet<&'a str>,
    lines: Vec<Line>,
    all: bool,
}

/// The largest traces, each as a tree.
pub fn trees(spans: &Spans, all: bool) -> String {
    let mut traces = spans.traces();
    if traces.is_empty() {
        return String::new();
    }
    let errors = spans.all.iter().filter(|span| span.error.is_some()).count() as u64;
    let (count, total) = (traces.len(), spans.all.len() as u64);
    let mut text =
        format!("Traces: {}, {}, {} with an error\n", grouped(count as u64), plural(total, "span"), grouped(errors));
    traces.sort_by_key(|trace| std::cmp::Reverse(trace.spans.len()));
    let shown = if all { count } else { count.min(TRACES) };
    for trace in &traces[..shown] {
        text += &tree(trace, all);
    }
    if shown < count {
        text += &format!("  {}, smaller; --all shows them\n", more(count - shown, "traces"));
    }
    text
}

fn tree(trace: &Trace<'_>, all: bool) -> String {
    let mut children: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
    for span in &trace.spans {
        children.entry(&span.parent).or_default().push(span);
    }
    let mut tree = Tree { children, shown: BTreeSet::new(), lines: Vec::new(), all };
    tree.siblings(&trace.roots(), "  ", "");
    tree.siblings(&trace.orphans(), "  ", " (its parent did not come)");
    let width = tree.lines.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0);
    let mut text = format!(
        "  trace {}: {} in {}\n",
        trace.id,
        plural(trace.spans.len() as u64, "span"),
        duration(trace.duration().as_secs_f64())
    );
    let most = if all { usize::MAX } else { LINES };
    for (left, right) in tree.lines.iter().take(most) {
        text += format!("{left:<width$}  {right}").trim_end();
        text += "\n";
    }
    if tree.lines.len() > most {
        text += &format!("  {}; --all shows them\n", more(tree.lines.len() - most, "lines"));
    }
    text
}

impl<'a> Tree<'a> {
    /// The first of each name and the first of it that failed, with all that is below them, and the rest in one line for each name.
    fn siblings(&mut self, spans: &[&'a Span], indent: &str, note: &str) {
        let mut folded: Vec<(&str, Vec<&Span>)> = Vec::new();
        let mut entries = Vec::new();
        let mut kinds: BTreeSet<(&str, bool)> = BTreeSet::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for span in spans {
            *counts.entry(&span.name).or_default() += 1;
        }
        for span in spans {
            // One that went well and one that did not tell more than two that are the same.
            let new = kinds.insert((&span.name, span.error.is_some()));
            if self.all || new || counts.get(span.name.as_str()).is_some_and(|count| *count <= ALIKE) {
                entries.push(*span);
            } else if let Some((_, rest)) = folded.iter_mut().find(|(name, _)| *name == span.name) {
                rest.push(span);
            } else {
                folded.push((&span.name, vec![span]));
            }
        }
        let last = (entries.len() + folded.len()).saturating_sub(1);
        let top = indent == "  ";
        for (at, span) in entries.iter().enumerate() {
            let (branch, below) = if top {
                ("", "")
            } else if at == last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            self.span(span, &format!("{indent}{branch}"), &format!("{indent}{below}"), note);
        }
        for (at, (name, rest)) in folded.iter().enumerate() {
            let branch = if top {
                ""
            } else if entries.len() + at == last {
                "└─ "
            } else {
                "├─ "
            };
            let seconds = rest.iter().map(|span| span.duration().as_secs_f64()).sum();
            let errors = rest.iter().filter(|span| span.error.is_some()).count() as u64;
            let errors = if errors > 0 { format!(", {}", plural(errors, "error")) } else { String::new() };
            let right = format!("{} in all{errors}", duration(seconds));
            self.lines.push((format!("{indent}{branch}{}", more(rest.len(), &short(name, NAME))), right));
        }
    }

    fn span(&mut self, span: &'a Span, indent: &str, below: &str, note: &str) {
        let mut right = duration(span.duration().as_secs_f64());
        if let Some(error) = &span.error {
            right += &if error.is_empty() { "  error".to_owned() } else { format!("  error: {}", short(error, NAME)) };
        }
        self.lines.push((format!("{indent}{}{note}", short(&span.name, NAME)), right));
        // Spans that are their own ancestors have no place twice.
        if !self.shown.insert(&span.id) {
            return;
        }
        let children = self.children.get(span.id.as_str()).cloned().unwrap_or_default();
        let below = if below.chars().count() < 3 * DEPTH { format!("{below} ") } else { below.to_owned() };
        self.siblings(&children, &below, "");
    }
}
