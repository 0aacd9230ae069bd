//! What a query asks of the metrics, found in its syntax tree.

mod bare;
mod reading;
mod result;
mod thresholds;
mod values;

use crate::Sources;
use crate::demand::{Ask, Comparison, Demand, Mistake, Place, Reads, Sample, Suffix};
use crate::labels::{Labels, Origin, VARIABLE};
use crate::query::{Query, Role};
use crate::variables;
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{
    AggregateExpr, BinModifier, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector, parse,
    value::ValueType,
};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use reading::trees;
use result::grouped;
use thresholds::constant;

/// The stack of the analysis, which walks syntax trees; what is not touched costs nothing.
const STACK_BYTES: usize = 512 << 20;

/// The longest query that is read. A tree is at most as deep as its query is long, and the stack holds one of this depth.
const MAX_QUERY_BYTES: usize = 20_000;

/// In a longer query it is not looked whether two sides can meet: at each of its operators all of what it combines would be walked.
const MAX_MET_BYTES: usize = 2_000;

/// Recorded names are followed to their rules so many times for one query: rules that each read the one before twice would be followed
/// 2^n times. What is behind is then taken as not known.
const MAX_FOLLOWED: usize = 5_000;

/// Series that Prometheus makes of alerts. <https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/>
const OF_ALERTS: [&str; 2] = ["ALERTS", "ALERTS_FOR_STATE"];

/// The families that carry a function's own labels.
const WITH_FUNCTION_LABELS: [&str; 2] = ["function_calls_total", "function_calls_duration_seconds"];

/// The label of the series that a full family counts in.
const OVERFLOW: &str = "otel_metric_overflow";

/// Functions whose result is per second or per window, hence not for a gauge.
const RATES: [&str; 4] = ["rate", "irate", "increase", "xrate"];

/// Aggregations whose result counts if what they aggregate does.
const KEEP_VALUES: [&str; 9] = ["sum", "avg", "min", "max", "topk", "bottomk", "limitk", "limit_ratio", "quantile"];

/// Functions that choose among the values of their argument, in time or among the series, or leave them as they are.
const CALLS_CHOOSE_VALUES: [&str; 13] = [
    "label_replace",
    "label_join",
    "sort",
    "sort_desc",
    "sort_by_label",
    "sort_by_label_desc",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "last_over_time",
    "first_over_time",
    "quantile_over_time",
    "scalar",
];

/// Functions that move the values of their argument a little.
const CALLS_MOVE_VALUES: [&str; 7] = ["vector", "abs", "ceil", "floor", "round", "clamp_min", "clamp_max"];

/// Functions after which a counter is no longer bare: they read how it moves, or only whether or when it is there.
const READ_MOVEMENT: [&str; 18] = [
    "rate",
    "irate",
    "increase",
    "xrate",
    "delta",
    "idelta",
    "deriv",
    "predict_linear",
    "resets",
    "changes",
    "absent",
    "absent_over_time",
    "present_over_time",
    "count_over_time",
    "timestamp",
    "start_timestamp",
    "sgn",
    "info",
];

/// Lists what the queries demand, and what is wrong with them whatever is declared.
pub(crate) fn analyse(queries: &[Query], sources: &Sources) -> (Vec<Demand>, Vec<Mistake>) {
    std::thread::scope(|scope| {
        let work = || analyse_here(queries, sources);
        match std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work) {
            Ok(worker) => worker.join().unwrap_or_else(|_| (Vec::new(), vec![failed(queries)])),
            Err(_) => analyse_here(queries, sources),
        }
    })
}

/// A fault of ours must not pass for a clean bill.
fn failed(queries: &[Query]) -> Mistake {
    let file = queries.first().map(|query| query.place.file.clone()).unwrap_or_default();
    let place = Place { file, part: String::new(), query: String::new() };
    Mistake { place, message: String::from("the analysis of the queries failed; this is a fault of `telemetry`") }
}

fn analyse_here(queries: &[Query], sources: &Sources) -> (Vec<Demand>, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let mut parsed = Vec::new();
    for query in queries {
        match trees(query) {
            Ok(expressions) => parsed.extend(expressions.into_iter().map(|expression| (query, expression))),
            Err(message) => mistakes.push(Mistake { place: query.place.clone(), message }),
        }
    }
    let mut recorded: BTreeMap<&str, Vec<Recorded<'_>>> = BTreeMap::new();
    for (query, expression) in &parsed {
        if let Role::Record { name, labels } = &query.role {
            recorded.entry(name).or_default().push(Recorded { expression, labels });
        }
    }
    // A rule that does not parse still records its name: the rule is the mistake, not its use.
    for query in queries {
        if let Role::Record { name, .. } = &query.role {
            recorded.entry(name).or_default();
        }
    }
    let mut demands = Vec::new();
    for readings in parsed.chunk_by(|one, next| std::ptr::eq(one.0, next.0)) {
        let Some((query, _)) = readings.first() else { continue };
        let mut analysis = Analysis {
            query,
            sources,
            recorded: &recorded,
            asks: Vec::new(),
            mistakes: Vec::new(),
            followed: Cell::new(0),
        };
        for (_, expression) in readings {
            analysis.whole(expression);
        }
        let place = &query.place;
        demands.extend(analysis.asks.into_iter().map(|ask| Demand { place: place.clone(), ask }));
        mistakes.extend(analysis.mistakes.into_iter().map(|message| Mistake { place: place.clone(), message }));
    }
    (demands, mistakes)
}

/// A recording rule's expression, and the labels that it adds.
struct Recorded<'a> {
    expression: &'a Expr,
    labels: &'a [String],
}

struct Analysis<'a> {
    query: &'a Query,
    sources: &'a Sources,
    recorded: &'a BTreeMap<&'a str, Vec<Recorded<'a>>>,
    asks: Vec<Ask>,
    mistakes: Vec<String>,
    /// How many recorded names were followed.
    followed: Cell<usize>,
}

/// What a selector's name stands for.
enum Named {
    /// A declared family must give it.
    Sample(Sample),
    /// A rule beside it records it.
    Recorded(String),
    /// Another exporter's, an alert's, a variable's, a pattern's.
    Other,
}

impl<'a> Analysis<'a> {
    fn whole(&mut self, expression: &Expr) {
        self.walk(expression);
        if self.query.role == Role::Panel {
            self.bare(expression, &mut Vec::new());
        }
        if let Role::Alert | Role::Record { .. } = self.query.role {
            self.thresholds(expression);
            self.at_one_moment(expression);
        }
        let labels = self.labels_of(expression);
        let reads = if self.query.role == Role::Helper { Reads::Variable } else { Reads::Template };
        for (label, template) in &self.query.reads {
            self.read(&labels, label, reads, &format!("`{template}`"));
        }
    }

    fn ask(&mut self, ask: Ask) {
        if !self.asks.contains(&ask) {
            self.asks.push(ask);
        }
    }

    fn mistake(&mut self, message: String) {
        if !self.mistakes.contains(&message) {
            self.mistakes.push(message);
        }
    }

    /// Demands that a label can be there. What reads it is for the message where no declaration could help.
    fn read(&mut self, labels: &Labels, label: &str, reads: Reads, reader: &str) {
        if label == "__name__" {
            return;
        }
        match labels.origin(label, &|sample, label| self.everywhere(sample, label)) {
            Origin::Sure => {}
            Origin::Families(of) => self.ask(Ask::Label { label: label.to_owned(), of, reads }),
            Origin::Nowhere => {
                self.mistake(format!("{reader} reads the label `{label}`, which the series there do not have any more; keep it in their `by (…)`, or leave it out here"));
            }
        }
    }

    /// Whether a family's series have a label whatever the family was declared with.
    fn everywhere(&self, sample: &Sample, label: &str) -> bool {
        let has = |labels: &[String]| labels.iter().any(|known| known == label);
        let function = WITH_FUNCTION_LABELS.contains(&sample.name.as_str())
            || (sample.suffix != Suffix::None && WITH_FUNCTION_LABELS.contains(&sample.stem()));
        label == OVERFLOW || has(&self.sources.target_labels) || (function && has(&self.sources.function_labels))
    }

    /// Whether a name, or what a pattern begins with, is another exporter's: an entry of `foreign`, or one and more words behind it.
    fn foreign(&self, name: &str) -> bool {
        let ends =
            |rest: &str, entry: &str| rest.is_empty() || rest.starts_with(['_', ':']) || entry.ends_with(['_', ':']);
        self.sources.foreign.iter().any(|entry| name.strip_prefix(entry.as_str()).is_some_and(|rest| ends(rest, entry)))
    }

    fn named(&self, name: &str) -> Named {
        if self.recorded.contains_key(name) {
            Named::Recorded(name.to_owned())
        } else if name.contains(VARIABLE) || OF_ALERTS.contains(&name) || self.foreign(name) {
            Named::Other
        } else {
            Named::Sample(Sample::new(name))
        }
    }

    /// What a selector selects: one name, or what stands for several.
    fn selected(&self, selector: &VectorSelector) -> Named {
        let equal = |matcher: &Matcher| matcher.name == "__name__" && matcher.op == MatchOp::Equal;
        match &selector.name {
            Some(name) => self.named(name),
            None => match all_matchers(selector).find(|matcher| equal(matcher)) {
                Some(matcher) => self.named(&matcher.value),
                None => Named::Other,
            },
        }
    }

    /// Every selector, every list of labels, every function, wherever in the tree.
    fn walk(&mut self, expression: &Expr) {
        match expression {
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs),
            Expr::Paren(paren) => self.walk(&paren.expr),
            Expr::Unary(unary) => self.walk(&unary.expr),
            Expr::Subquery(subquery) => self.walk(&subquery.expr),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Call(call) => self.call(call),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    fn selector(&mut self, selector: &VectorSelector) {
        match self.selected(selector) {
            Named::Sample(sample) => {
                self.ask(Ask::Series(sample.clone()));
                for matcher in all_matchers(selector) {
                    self.bound(&sample, matcher);
                }
            }
            Named::Recorded(_) => {}
            Named::Other => self.pattern(selector),
        }
        let labels = self.labels_of(&Expr::VectorSelector(selector.clone()));
        for matcher in all_matchers(selector) {
            // An empty value says that the label is not there, which is true.
            if matcher.name != "__name__" && !(matcher.op == MatchOp::Equal && matcher.value.is_empty()) {
                self.read(&labels, &matcher.name, Reads::Matcher, "a matcher");
            }
        }
    }

    /// A pattern for names: its plain words are names, and of any other the plain beginning must lead to one.
    fn pattern(&mut self, selector: &VectorSelector) {
        for matcher in all_matchers(selector).filter(|matcher| matcher.name == "__name__") {
            let MatchOp::Re(_) = matcher.op else { continue };
            for alternative in alternatives(&matcher.value) {
                match is_plain(&alternative) {
                    true => {
                        if let Named::Sample(sample) = self.named(&alternative) {
                            self.ask(Ask::Series(sample));
                        }
                    }
                    false => self.beginning(&alternative),
                }
            }
        }
    }

    fn beginning(&mut self, pattern: &str) {
        let plain = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '_' | ':');
        let mut beginning: String = pattern.chars().take_while(plain).collect();
        // What may be there once or not at all is no part of the beginning.
        if pattern[beginning.len()..].starts_with(['?', '*', '{']) {
            beginning.pop();
        }
        // Behind a bar at the top level something else may begin.
        let mut depth = 0_i32;
        let cut_short = pattern.chars().any(|character| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            depth == 0 && character == '|'
        });
        let recorded = self.recorded.keys().any(|name| name.starts_with(&beginning));
        let of_alerts = OF_ALERTS.iter().any(|name| name.starts_with(&beginning));
        let foreign = self.foreign(&beginning)
            || self.sources.foreign.iter().any(|entry| entry.starts_with(&beginning) || beginning.starts_with(entry));
        if !(beginning.is_empty() || cut_short || recorded || of_alerts || foreign || beginning.contains(VARIABLE)) {
            self.ask(Ask::Prefix(beginning));
        }
    }

    /// `le="…"` must be a bound as it is exposed, else the selector is empty.
    fn bound(&mut self, sample: &Sample, matcher: &Matcher) {
        if matcher.name != "le" || sample.suffix != Suffix::Bucket || matcher.value.contains(VARIABLE) {
            return;
        }
        let texts: Vec<&str> = match &matcher.op {
            MatchOp::Equal => vec![&matcher.value],
            // A number's point is no pattern to anybody who writes a bound.
            MatchOp::Re(_) if matcher.value.split('|').all(|text| text == r"\+Inf" || text.parse::<f64>().is_ok()) => {
                matcher.value.split('|').map(|text| text.trim_start_matches('\\')).collect()
            }
            _ => Vec::new(),
        };
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            self.ask(Ask::Bound { sample: sample.clone(), le: text.to_owned() });
        }
    }

    fn aggregate(&mut self, aggregate: &AggregateExpr) {
        if aggregate.op.to_string() == "quantile" {
            aggregate.param.iter().for_each(|share| self.share("quantile", share));
        }
        let inner = self.labels_of(&aggregate.expr);
        match &aggregate.modifier {
            Some(LabelModifier::Include(list)) => {
                for label in &list.labels {
                    self.read(&inner, label, Reads::By, "`by`");
                }
            }
            Some(LabelModifier::Exclude(list)) => {
                for label in &list.labels {
                    self.read(&inner, label, Reads::Without, "`without`");
                }
            }
            None => {}
        }
        if let Some(parameter) = &aggregate.param {
            self.walk(parameter);
        }
        self.walk(&aggregate.expr);
    }

    fn binary(&mut self, binary: &BinaryExpr) {
        // Most operators have no lists, and what they combine may be long.
        if let Some(modifier) = binary.modifier.as_ref().filter(|modifier| modifier.matching.is_some()) {
            self.matching(binary, modifier);
        }
        self.meeting(binary);
        self.walk(&binary.lhs);
        self.walk(&binary.rhs);
    }

    /// Two sides meet where their labels are equal. Where one is grouped by a label that the other has not, nothing does, and a panel is empty.
    fn meeting(&mut self, binary: &BinaryExpr) {
        if self.query.place.query.len() > MAX_MET_BYTES {
            return;
        }
        let operator = binary.op.to_string();
        if operator == "or" || operator == "unless" || !is_vector(&binary.lhs) || !is_vector(&binary.rhs) {
            return;
        }
        let matching = binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
        let ignored: &[String] = match matching {
            // Which labels `on` names was looked at.
            Some(LabelModifier::Include(_)) => return,
            Some(LabelModifier::Exclude(list)) => &list.labels,
            None => &[],
        };
        let (Some(left), Some(right)) = (grouped(&binary.lhs), grouped(&binary.rhs)) else { return };
        let sides = [(&binary.lhs, &left, &right), (&binary.rhs, &right, &left)];
        for (side, own, other) in sides {
            let alone = own.iter().filter(|label| !other.contains(*label) && !ignored.contains(label));
            // A foreign series may lack the label that it is grouped by, and meets the other side then.
            let labels = self.labels_of(side);
            let here = |label: &&String| {
                label.as_str() != OVERFLOW && matches!(labels.origin(label, &|_, _| false), Origin::Families(_))
            };
            if let Some(label) = alone.into_iter().find(here) {
                let group = if std::ptr::eq(own, &left) { "group_left" } else { "group_right" };
                self.mistake(format!(
                    "`{operator}` never finds two series with the same labels, since one side is grouped by `{label}` and the other is not; \
                     write `{operator} ignoring ({label}) {group} ()`, or group both sides by the same"
                ));
                return;
            }
        }
    }

    fn matching(&mut self, binary: &BinaryExpr, modifier: &BinModifier) {
        let (left, right) = (self.labels_of(&binary.lhs), self.labels_of(&binary.rhs));
        match &modifier.matching {
            Some(LabelModifier::Include(list)) => {
                for label in &list.labels {
                    self.read(&left, label, Reads::On, "the left side of `on`");
                    self.read(&right, label, Reads::On, "the right side of `on`");
                }
            }
            Some(LabelModifier::Exclude(list)) => {
                let either = Labels::Any(vec![left.clone(), right.clone()]);
                for label in &list.labels {
                    self.read(&either, label, Reads::Ignoring, "`ignoring`");
                }
            }
            None => {}
        }
        let (one, word) = match &modifier.card {
            VectorMatchCardinality::ManyToOne(_) => (&right, "`group_left`"),
            _ => (&left, "`group_right`"),
        };
        for label in modifier.card.labels().into_iter().flat_map(|list| &list.labels) {
            self.read(one, label, Reads::Group, word);
        }
    }

    fn call(&mut self, call: &Call) {
        let name = call.func.name;
        let arguments = &call.args.args;
        if RATES.contains(&name) {
            for argument in arguments {
                for sample in self.values(argument, &mut Vec::new()) {
                    self.ask(Ask::Counts { sample, function: name.to_owned() });
                }
            }
        }
        match (name, &arguments[..]) {
            ("histogram_quantile", [share, of]) => {
                self.share(name, share);
                self.quantile(name, of);
            }
            ("histogram_quantiles", [of, _, shares @ ..]) => {
                shares.iter().for_each(|share| self.share(name, share));
                self.quantile(name, of);
            }
            ("quantile_over_time", [share, _]) => self.share(name, share),
            ("label_replace", [of, _, _, source, ..]) => self.arguments(of, std::slice::from_ref(source), name),
            ("label_join", [of, _, _, joined @ ..]) => self.arguments(of, joined, name),
            ("sort_by_label" | "sort_by_label_desc", [of, by @ ..]) => self.arguments(of, by, name),
            _ => {}
        }
        for argument in arguments {
            self.walk(argument);
        }
    }

    /// Labels that a function is given as strings.
    fn arguments(&mut self, of: &Expr, names: &[Box<Expr>], function: &str) {
        let labels = self.labels_of(of);
        for name in names {
            if let Expr::StringLiteral(label) = &**name
                && !label.val.is_empty()
            {
                self.read(&labels, &label.val, Reads::Argument, &format!("`{function}`"));
            }
        }
    }

    /// A quantile is asked for by a share of one: of any other Prometheus answers infinity, and says nothing in a panel.
    fn share(&mut self, function: &str, share: &Expr) {
        let Some(value) = constant(share).filter(|value| !(0.0..=1.0).contains(value)) else { return };
        let remedy = if value > 1.0 && value <= 100.0 { value / 100.0 } else { 0.95 };
        self.mistake(format!(
            "`{function}` takes a share from 0 to 1, and `{value}` is none; write one such as `{remedy}`"
        ));
    }

    /// A rule's result is one value for each series.
    fn at_one_moment(&mut self, expression: &Expr) {
        match expression.value_type() {
            ValueType::Matrix => self.mistake(String::from(
                "the rule's result is a range, which Prometheus refuses when it runs the rule; write a function around it, such as `rate(…)` or `max_over_time(…)`",
            )),
            ValueType::String => self.mistake(String::from(
                "the rule's result is a text, which Prometheus refuses when it runs the rule; write an expression of series",
            )),
            ValueType::Vector | ValueType::Scalar => {}
        }
    }

    /// Buckets need their `le`; what are no buckets must be a histogram itself.
    fn quantile(&mut self, function: &str, of: &Expr) {
        let leaves = self.leaves(of, &mut Vec::new());
        for sample in leaves.iter().filter(|sample| sample.suffix != Suffix::Bucket) {
            self.ask(Ask::Buckets(sample.clone()));
        }
        if let Some(buckets) = leaves.iter().find(|sample| sample.suffix == Suffix::Bucket) {
            let labels = self.labels_of(of);
            if labels.origin("le", &|sample, label| self.everywhere(sample, label)) == Origin::Nowhere {
                self.mistake(format!(
                    "`{function}` of `{}` without `le`, which tells the buckets apart; keep it: `sum by (le, …) (…)`",
                    buckets.name
                ));
            }
        }
    }
}

/// The alternatives of a pattern for names: those at its top, or, where it has one group, each with what stands around it.
fn alternatives(pattern: &str) -> Vec<String> {
    // Prometheus anchors every pattern itself.
    let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
    let pattern = pattern.strip_suffix('$').unwrap_or(pattern);
    let around = pattern.split_once('(').and_then(|(before, rest)| Some((before, rest.split_once(')')?)));
    match around {
        Some((before, (group, after))) if [before, after].iter().all(|text| text.is_empty() || is_plain(text)) => {
            let group = group.strip_prefix("?:").unwrap_or(group);
            match group.split('|').all(is_plain) {
                true => group.split('|').map(|one| format!("{before}{one}{after}")).collect(),
                false => vec![pattern.to_owned()],
            }
        }
        None if !pattern.contains('[') => pattern.split('|').map(str::to_owned).collect(),
        _ => vec![pattern.to_owned()],
    }
}

/// Whether a function's result counts if its argument does.
fn keeps_values(function: &str) -> bool {
    CALLS_CHOOSE_VALUES.contains(&function) || CALLS_MOVE_VALUES.contains(&function)
}

fn is_vector(expression: &Expr) -> bool {
    matches!(expression.value_type(), ValueType::Vector | ValueType::Matrix)
}

fn is_plain(pattern: &str) -> bool {
    !pattern.is_empty()
        && pattern.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | ':'))
}

fn all_matchers(selector: &VectorSelector) -> impl Iterator<Item = &Matcher> {
    selector.matchers.matchers.iter().chain(selector.matchers.or_matchers.iter().flatten())
}

fn set<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> BTreeSet<String> {
    labels.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests;
