//! Prometheus' rule files, and Grafana's alert rules, to queries.

use crate::demand::{Mistake, Place};
use crate::query::{Query, Role};
use crate::reads;
use crate::sources::without_bom;
use crate::yaml::{self, Node};
use crate::{nearest, variables};
use std::collections::{BTreeMap, BTreeSet};

/// What a rule can have; Prometheus refuses a file with another key.
/// <https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/#rule>
const KEYS: [&str; 7] = ["alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"];

/// What only an alert can have; Prometheus refuses a file with a recording rule that has them.
const OF_ALERTS: [&str; 3] = ["for", "keep_firing_for", "annotations"];

/// What a group can have, in Prometheus and in what reads its files. A key that is none of these is another server's, unless it is near to
/// one. <https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/#rule_group>
const KEYS_OF_GROUPS: [&str; 9] = [
    "name",
    "interval",
    "limit",
    "query_offset",
    "labels",
    "rules",
    "partial_response_strategy",
    "source_tenants",
    "evaluation_delay",
];

/// What else stands in files of Grafana's alerting. <https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/>
const OTHERS_OF_GRAFANA: [&str; 8] = [
    "contactPoints",
    "policies",
    "muteTimes",
    "templates",
    "deleteRules",
    "deleteContactPoints",
    "deleteMuteTimes",
    "resetPolicies",
];

/// A name is shown with no more letters.
const MAX_NAME: usize = 100;

/// The queries of a rule file, and what is wrong with it whatever is declared.
pub(crate) fn queries(file: &str, text: &str) -> (Vec<Query>, Vec<Mistake>) {
    let mut reader = Reader { file, queries: Vec::new(), mistakes: Vec::new() };
    match yaml::documents(without_bom(text)) {
        Ok(documents) => reader.documents(&documents),
        Err(message) => reader.mistake("", "", format!("this is not YAML: {message}{}", hint(text))),
    }
    (reader.queries, reader.mistakes)
}

/// The usual reason.
fn hint(text: &str) -> &'static str {
    let indented = text.lines().any(|line| line.trim_start_matches(' ').starts_with('\t'));
    if indented { "; a tab stands where spaces must" } else { "" }
}

struct Reader<'a> {
    file: &'a str,
    queries: Vec<Query>,
    mistakes: Vec<Mistake>,
}

/// A rule of either kind of file, as far as both have the same rules.
struct Alert<'a> {
    part: &'a str,
    query: &'a str,
    rule: &'a Node,
    /// The labels of the group, which each of its rules has.
    group: Option<&'a Node>,
}

impl Reader<'_> {
    fn mistake(&mut self, part: &str, query: &str, message: String) {
        let place = Place { file: self.file.to_owned(), part: part.to_owned(), query: query.to_owned() };
        self.mistakes.push(Mistake { place, message });
    }

    fn query(&mut self, part: &str, query: &str, role: Role, reads: Vec<(String, String)>) {
        let place = Place { file: self.file.to_owned(), part: part.to_owned(), query: query.to_owned() };
        self.queries.push(Query { place, role, reads, variables: BTreeMap::new() });
    }

    fn documents(&mut self, documents: &[std::rc::Rc<Node>]) {
        let mut groups = 0;
        for document in documents {
            groups += usize::from(self.document(document));
        }
        if groups == 0 && self.mistakes.is_empty() {
            let keys = documents.iter().flat_map(|document| document.entries()).map(|(key, _)| key);
            let near = keys.filter(|key| nearest::nearest(key, ["groups"]).is_some()).min();
            let near = near.map(|key| format!("; did you mean `groups` by `{key}`?")).unwrap_or_default();
            let message = format!(
                "this is no file of rules: it has no `groups`; write `groups: [{{name: …, rules: […]}}]`{near}"
            );
            self.mistake("", "", message);
        }
    }

    /// One document of a file; whether it is one that can hold rules.
    fn document(&mut self, document: &Node) -> bool {
        if document.get("kind").and_then(Node::text) == Some("List") {
            return document
                .get("items")
                .into_iter()
                .flat_map(Node::items)
                .fold(false, |any, item| self.document(item) | any);
        }
        let kind = document.get("kind").and_then(Node::text).filter(|_| document.get("apiVersion").is_some());
        let holder = if kind.is_some() { document.get("spec") } else { Some(document) };
        let Some(groups) = holder.and_then(|holder| holder.get("groups")) else {
            return OTHERS_OF_GRAFANA.iter().any(|key| document.get(key).is_some());
        };
        if !matches!(groups, Node::List(_)) {
            self.mistake("", "", String::from("`groups` is no list; write `groups: [{name: …, rules: […]}]`"));
        }
        // VictoriaMetrics has more of them, and its operator's resource says whose it is.
        let strict = kind != Some("VMRule");
        let mut names = BTreeSet::new();
        for (number, group) in groups.items().enumerate() {
            let name = group
                .get("name")
                .and_then(Node::text)
                .map_or(format!("{}", number + 1), |name| format!("\"{}\"", short(name)));
            // Grafana has groups in folders.
            if strict && group.get("folder").is_none() && !names.insert(name.clone()) {
                let message = "a second group has this name, and Prometheus refuses the file; give it another";
                self.mistake(&format!("group {name}"), "", String::from(message));
            }
            self.group(group, &name, strict);
        }
        true
    }

    fn group(&mut self, group: &Node, name: &str, strict: bool) {
        let part = format!("group {name}");
        for (key, _) in group.entries().filter(|(key, _)| strict && !KEYS_OF_GROUPS.contains(key)) {
            let near = nearest::did_you_mean(key, KEYS_OF_GROUPS);
            if !near.is_empty() {
                self.mistake(&part, "", format!("unknown key `{}`{near}", short(key)));
            }
        }
        if strict && group.get("name").and_then(Node::text).is_none_or(|name| name.trim().is_empty()) {
            let message = "the group has no `name`, and Prometheus refuses the file; write one";
            self.mistake(&part, "", String::from(message));
        }
        match group.get("rules") {
            Some(rules) if !matches!(rules, Node::List(_)) => {
                let message =
                    "`rules` is no list, so none of them is read; write `rules:` and each rule below it behind `- `";
                self.mistake(&part, "", String::from(message));
            }
            _ => {}
        }
        for key in ["interval", "query_offset"] {
            let Some(node) = group.get(key).filter(|node| strict && !node.text().is_some_and(is_duration)) else {
                continue;
            };
            let written = node.text().map_or(String::new(), |text| format!(" `{}`", short(text)));
            self.mistake(&part, "", format!("`{key}`{written} is no duration; write one such as `1m`"));
        }
        for (number, rule) in group.get("rules").into_iter().flat_map(Node::items).enumerate() {
            let part = part_of(rule, &format!("rule {} of group {name}", number + 1));
            if rule.get("data").is_some() {
                self.managed(rule, &part);
            } else {
                self.rule(rule, &part, group.get("labels"), strict);
            }
        }
    }

    /// A rule of Prometheus.
    fn rule(&mut self, rule: &Node, part: &str, group: Option<&Node>, strict: bool) {
        for (key, _) in rule.entries().filter(|(key, _)| strict && !KEYS.contains(key)) {
            let near = nearest::did_you_mean(key, KEYS);
            let list = if near.is_empty() { format!("; a rule has `{}`", KEYS.join("`, `")) } else { near };
            self.mistake(part, "", format!("unknown key `{}`{list}", short(key)));
        }
        let text = rule.get("expr").and_then(Node::text).unwrap_or_default();
        if text.trim().is_empty() && (rule.get("expr").is_some() || !rule.entries().any(|(key, _)| mistyped(key))) {
            self.mistake(part, "", String::from("the rule has no `expr`; write its PromQL there"));
        }
        let foreign = variables::mentions(text).into_iter().find(|mention| !mention.in_string);
        if let Some(mention) = foreign {
            let written = mention.used.written;
            self.mistake(
                part,
                text,
                format!(
                    "`{written}` is Grafana's and Prometheus does not know it; write what it stands for, such as `5m`"
                ),
            );
        }
        let known = |key: &str| rule.get(key).and_then(Node::text).filter(|name| !name.trim().is_empty());
        match (known("alert"), known("record")) {
            (Some(_), None) => {
                let reads = self.alert(&Alert { part, query: text, rule, group });
                self.expression(part, text, Role::Alert, reads);
            }
            (None, Some(name)) => {
                let labels = [group, rule.get("labels")].into_iter().flatten().flat_map(Node::entries);
                let labels = labels.map(|(label, _)| label.to_owned()).collect();
                self.record(part, text, name);
                for key in OF_ALERTS.into_iter().filter(|key| strict && rule.get(key).is_some()) {
                    let message =
                        format!("a recording rule has no `{key}`, and Prometheus refuses the file; leave it out");
                    self.mistake(part, text, message);
                }
                self.expression(part, text, Role::Record { name: name.to_owned(), labels }, Vec::new());
            }
            (Some(alert), Some(record)) => {
                let message = format!(
                    "the rule has both `alert: {}` and `record: {}`; leave one out",
                    short(alert),
                    short(record)
                );
                self.mistake(part, text, message);
            }
            (None, None) => {
                let message = "the rule has neither `alert` nor `record`; write `alert:` with its name, or `record:` with that of the series";
                self.mistake(part, text, String::from(message));
            }
        }
    }

    fn expression(&mut self, part: &str, text: &str, role: Role, reads: Vec<(String, String)>) {
        if !text.trim().is_empty() {
            self.query(part, text, role, reads);
        }
    }

    fn record(&mut self, part: &str, text: &str, name: &str) {
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if !name.chars().all(letter) || name.starts_with(|c: char| c.is_ascii_digit()) {
            let message = format!(
                "`{}` is no name of a series; it has letters, digits, `_` and `:`, and begins with no digit",
                short(name)
            );
            self.mistake(part, text, message);
        }
    }

    /// What every alert must say of itself; gives the labels that its texts read.
    fn alert(&mut self, alert: &Alert<'_>) -> Vec<(String, String)> {
        let Alert { part, query, rule, group } = *alert;
        for key in ["for", "keep_firing_for"] {
            match rule.get(key) {
                None if key == "for" => {
                    let message = "the alert has no `for`; write how long it must hold, such as `for: 5m`, or `for: 0s` if it fires at once";
                    self.mistake(part, query, String::from(message));
                }
                Some(node) if !node.text().is_some_and(is_duration) => {
                    let written = node.text().map_or(String::new(), |text| format!(" `{}`", short(text)));
                    self.mistake(
                        part,
                        query,
                        format!("`{key}`{written} is no duration; write one such as `5m` or `1h30m`"),
                    );
                }
                _ => {}
            }
        }
        let filled = |owner: Option<&Node>, key: &str| {
            let text = owner.and_then(|owner| owner.get(key)).and_then(Node::text);
            text.is_some_and(|text| !text.trim().is_empty())
        };
        if !filled(rule.get("labels"), "severity") && !filled(group, "severity") {
            let message = "the alert has no label `severity`; write one under `labels`, such as `severity: warning`";
            self.mistake(part, query, String::from(message));
        }
        if !filled(rule.get("annotations"), "summary") {
            let message = "the alert has no annotation `summary`; write under `annotations` what whoever is called should read first";
            self.mistake(part, query, String::from(message));
        }
        let texts = ["labels", "annotations"].into_iter().filter_map(|key| rule.get(key)).flat_map(Node::entries);
        texts.filter_map(|(_, node)| node.text()).flat_map(reads::of_alert).collect()
    }

    /// A rule of Grafana, with several queries and expressions over them.
    fn managed(&mut self, rule: &Node, part: &str) {
        let asked: Vec<&str> = rule.get("data").into_iter().flat_map(Node::items).filter_map(asked).collect();
        let recorded = rule.get("record").and_then(|record| record.get("metric")).and_then(Node::text);
        if let Some(name) = recorded {
            self.record(part, "", name);
        } else {
            let query = asked.first().copied().unwrap_or_default();
            let mut reads = self.alert(&Alert { part, query, rule, group: None });
            // What Grafana adds to the labels of the result.
            reads.retain(|(label, _)| {
                !label.starts_with("__") && !matches!(label.as_str(), "alertname" | "grafana_folder")
            });
            if let [only] = asked.as_slice() {
                self.expression(part, only, Role::Alert, reads);
                return;
            }
        }
        let labels: Vec<String> =
            rule.get("labels").into_iter().flat_map(Node::entries).map(|(label, _)| label.to_owned()).collect();
        for text in asked {
            let role =
                recorded.map_or(Role::Alert, |name| Role::Record { name: name.to_owned(), labels: labels.clone() });
            self.expression(part, text, role, Vec::new());
        }
    }
}

/// The PromQL of one entry of a Grafana rule's `data`, if it is a query to Prometheus.
fn asked(entry: &Node) -> Option<&str> {
    let model = entry.get("model")?;
    let source = model.get("datasource").and_then(|source| source.get("type")).and_then(Node::text);
    let uid = entry.get("datasourceUid").and_then(Node::text).unwrap_or_default();
    let other = crate::grafana::is_other(source.unwrap_or_default(), uid);
    model.get("expr").and_then(Node::text).filter(|_| !other)
}

/// What a rule is called.
fn part_of(rule: &Node, otherwise: &str) -> String {
    let named = ["alert", "record", "title"].into_iter().find_map(|key| Some((key, rule.get(key)?.text()?)));
    match named {
        Some((_, name)) if name.trim().is_empty() => otherwise.to_owned(),
        Some(("record", name)) => format!("record \"{}\"", short(name)),
        Some((_, name)) => format!("alert \"{}\"", short(name)),
        None => otherwise.to_owned(),
    }
}

/// Whether an unknown key was probably meant as `expr`, so that it is said but once.
fn mistyped(key: &str) -> bool {
    nearest::nearest(key, KEYS) == Some("expr")
}

fn short(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

/// Whether a text is a duration of Prometheus: `0`, or numbers with units from years to milliseconds, each unit once, larger ones first.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    for unit in ["y", "w", "d", "h", "m", "s", "ms"] {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let Some(behind) = rest[digits..].strip_prefix(unit).filter(|_| (1..=15).contains(&digits)) else { continue };
        // `5ms` is not `5m` and an `s`.
        if unit != "m" || !behind.starts_with('s') {
            rest = behind;
        }
    }
    text == "0" || (rest.is_empty() && !text.is_empty())
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
