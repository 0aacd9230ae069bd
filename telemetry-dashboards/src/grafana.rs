//! Grafana's dashboards to queries.
//!
//! Three forms of file hold panels: the classic model (also inside an answer of the API or a Kubernetes resource), the schema v2 with its
//! `elements`, and a library panel's `model`. Each is read into the same few parts ([`Panel`], [`Target`], `template::Template`), and all
//! rules are about those.

use crate::demand::{Mistake, Place};
use crate::query::{Query, Role, Variable};
use crate::sources::without_bom;
use crate::template::{self, Template};
use crate::{nearest, reads, scan, variables};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The data sources that PromQL is sent to. <https://grafana.com/docs/grafana/latest/datasources/>
const PROMETHEUS: [&str; 3] =
    ["prometheus", "grafana-amazonprometheus-datasource", "grafana-azureprometheus-datasource"];

/// What old dashboards name a data source by, and what is no data source of its own.
const OTHERS: [&str; 12] = [
    "-- grafana --",
    "-- dashboard --",
    "grafana",
    "__expr__",
    "-100",
    "loki",
    "tempo",
    "jaeger",
    "influxdb",
    "elasticsearch",
    "graphite",
    "cloudwatch",
];

/// Panels that show nothing of a data source. Grafana leaves an empty target in them when somebody changes a panel's type.
const WITHOUT_QUERIES: [&str; 8] =
    ["text", "row", "dashlist", "alertlist", "annolist", "news", "welcome", "gettingstarted"];

/// A mistyped name is compared with at most so many variables, and so many of one query are reported: each comes with the whole query.
const MAX_COMPARED: usize = 1_000;
const MAX_UNDEFINED: usize = 10;

/// A panel is called by no more letters of its title.
const MAX_TITLE: usize = 100;

/// The queries of a dashboard or a library panel, and what is wrong with the file whatever is declared.
pub(crate) fn queries(file: &str, text: &str) -> (Vec<Query>, Vec<Mistake>) {
    let value = serde_json::from_str(without_bom(text));
    let mut reader = Reader { file, ..Reader::default() };
    match &value {
        Ok(value) => reader.file(value),
        Err(error) => reader.mistake("", "", format!("this is not JSON: {error}")),
    }
    (reader.queries, reader.mistakes)
}

/// Whether PromQL is sent to a data source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Its type says so.
    Prometheus,
    /// Nothing says otherwise.
    Perhaps,
    /// Its type says that it is not.
    Other,
}

/// What shows queries.
struct Panel<'a> {
    part: String,
    targets: Vec<Target<'a>>,
    fields: Option<&'a Value>,
    /// Whether transformations stand between the queries and the fields.
    transformed: bool,
}

/// One query of a panel.
struct Target<'a> {
    reference: Option<&'a str>,
    source: Source,
    expression: Option<&'a Value>,
    legend: &'a str,
    hidden: bool,
}

#[derive(Default)]
struct Reader<'a> {
    file: &'a str,
    queries: Vec<Query>,
    mistakes: Vec<Mistake>,
    variables: BTreeMap<String, Variable>,
    /// Whether the file is where variables would be defined.
    defines: bool,
    /// What the variables of type `datasource`, and the inputs of an export, stand for.
    sources: BTreeMap<String, Source>,
}

impl<'a> Reader<'a> {
    fn mistake(&mut self, part: &str, query: &str, message: String) {
        let place = Place { file: self.file.to_owned(), part: part.to_owned(), query: query.to_owned() };
        self.mistakes.push(Mistake { place, message });
    }

    /// Finds out which of the forms it is.
    fn file(&mut self, value: &'a Value) {
        let inner = |value: &'a Value, key: &str| value.get(key).filter(|inner| inner.is_object());
        let whole = inner(value, "dashboard").or(inner(value, "result")).unwrap_or(value);
        let resource = whole.get("apiVersion").is_some() || whole.get("kind").is_some_and(Value::is_string);
        let whole = inner(whole, "spec").filter(|_| resource).unwrap_or(whole);
        let has = |key: &str| whole.get(key).is_some();
        if inner(whole, "elements").is_some() {
            self.second(whole);
        } else if let Some(model) = inner(whole, "model") {
            self.shared_panel(model);
        } else if has("panels") || has("rows") || has("schemaVersion") {
            self.classic(whole);
        } else if has("targets") {
            self.shared_panel(whole);
        } else {
            let message = "this is no dashboard; write what Grafana exports or its API returns: an object with `panels`, with \
                           `dashboard`, `spec` or `elements` that holds them, or a library panel with `model`";
            self.mistake("", "", String::from(message));
        }
    }

    fn shared_panel(&mut self, model: &'a Value) {
        self.panel(model, None);
    }

    fn classic(&mut self, dashboard: &'a Value) {
        self.defines = true;
        for input in list(dashboard, "__inputs") {
            let Some(name) = input.get("name").and_then(Value::as_str) else { continue };
            let constant = input.get("value").and_then(Value::as_str).map(|text| vec![text.to_owned()]);
            self.variables.insert(name.to_owned(), constant.map_or(Variable::Unknown, Variable::Texts));
            self.sources
                .insert(name.to_owned(), input.get("pluginId").and_then(Value::as_str).map_or(Source::Perhaps, kind));
        }
        let templates = dashboard.get("templating").map(|templating| list(templating, "list")).unwrap_or_default();
        self.templates(templates.iter().filter_map(Template::classic).collect());
        for annotation in dashboard.get("annotations").map(|annotations| list(annotations, "list")).unwrap_or_default()
        {
            self.annotation(annotation, annotation.get("target"), annotation.get("datasource"));
        }
        self.panels(dashboard, None);
        let elements = dashboard.get("__elements");
        let elements =
            elements.and_then(Value::as_object).into_iter().flat_map(Map::values).chain(list(dashboard, "__elements"));
        for element in elements {
            if let Some(model) = element.get("model") {
                self.panel(model, None);
            }
        }
    }

    /// The schema v2.
    fn second(&mut self, dashboard: &'a Value) {
        self.defines = true;
        let mut templates = Vec::new();
        // Rows and tabs have variables of their own.
        each_object(dashboard, &mut |object| templates.extend(Template::second(object)));
        self.templates(templates);
        for annotation in list(dashboard, "annotations") {
            let Some(spec) = annotation.get("spec") else { continue };
            let query = spec.get("query");
            let target = query.and_then(|query| query.get("spec")).or(Some(spec));
            if second_source(self, spec, query) != Source::Other {
                self.annotation(spec, target, None);
            }
        }
        for element in dashboard.get("elements").and_then(Value::as_object).into_iter().flat_map(Map::values) {
            let Some(spec) = element.get("spec") else { continue };
            let group = spec.pointer("/data/spec");
            let targets = group.map(|group| list(group, "queries")).unwrap_or_default();
            let view = spec.get("vizConfig");
            let type_of = |view: &'a Value| view.get("group").or(view.get("kind")).and_then(Value::as_str);
            let panel = Panel {
                part: part_of(spec),
                targets: targets.iter().filter_map(|target| self.second_target(target.get("spec")?)).collect(),
                fields: view.and_then(|view| view.pointer("/spec/fieldConfig")),
                transformed: group.is_some_and(|group| !list(group, "transformations").is_empty()),
            };
            if !view.and_then(type_of).is_some_and(|kind| WITHOUT_QUERIES.contains(&kind)) {
                self.shown(&panel);
            }
        }
    }

    fn second_target(&self, spec: &'a Value) -> Option<Target<'a>> {
        let query = spec.get("query")?;
        let inner = query.get("spec");
        Some(Target {
            reference: spec.get("refId").and_then(Value::as_str),
            source: second_source(self, spec, Some(query)),
            expression: inner.and_then(|inner| inner.get("expr")),
            legend: inner.map_or("", legend_of),
            hidden: spec.get("hidden").and_then(Value::as_bool).unwrap_or(false),
        })
    }

    /// Panels, those in rows, and those in rows of the oldest dashboards.
    fn panels(&mut self, owner: &'a Value, outer: Option<Source>) {
        for row in list(owner, "rows") {
            self.panels(row, outer);
        }
        for panel in list(owner, "panels") {
            self.panel(panel, outer);
        }
    }

    fn panel(&mut self, panel: &'a Value, outer: Option<Source>) {
        let own = self.source(panel.get("datasource")).or(outer);
        self.panels(panel, own.filter(|_| panel.get("type").and_then(Value::as_str) != Some("row")));
        let kind = panel.get("type").and_then(Value::as_str).unwrap_or_default();
        if WITHOUT_QUERIES.contains(&kind) {
            return;
        }
        let target = |target: &'a Value| Target {
            reference: target.get("refId").and_then(Value::as_str),
            source: self.source(target.get("datasource")).or(own).unwrap_or(Source::Perhaps),
            expression: target.get("expr"),
            legend: legend_of(target),
            hidden: target.get("hide").and_then(Value::as_bool).unwrap_or(false),
        };
        let read = Panel {
            part: part_of(panel),
            targets: list(panel, "targets").iter().filter(|target| target.is_object()).map(target).collect(),
            fields: panel.get("fieldConfig"),
            transformed: !list(panel, "transformations").is_empty(),
        };
        self.shown(&read);
    }

    /// The rules of a panel, whatever form it was written in.
    fn shown(&mut self, panel: &Panel<'a>) {
        if panel.targets.iter().all(|target| target.source == Source::Other) {
            return;
        }
        let mut references = BTreeSet::new();
        for target in &panel.targets {
            let Some(reference) = target.reference else { continue };
            if !references.insert(reference) {
                let message =
                    format!("two queries have the `refId` `{reference}`, of which Grafana runs one; give each its own");
                self.mistake(&panel.part, expression_of(target), message);
            }
        }
        for target in panel.targets.iter().filter(|target| target.source != Source::Other) {
            let text = expression_of(target);
            if text.trim().is_empty() {
                let meant = target.expression.is_some() || target.source == Source::Prometheus;
                if meant && !target.hidden {
                    let which = target.reference.map(|reference| format!(" `{reference}`")).unwrap_or_default();
                    let message =
                        format!("the query{which} has no `expr`; write its PromQL there, or remove it from `targets`");
                    self.mistake(&panel.part, "", message);
                }
                continue;
            }
            let reads = if target.hidden { Vec::new() } else { reads_of(panel, target) };
            // What is hidden is not shown, but what is computed from it.
            let role = if target.hidden { Role::Helper } else { Role::Panel };
            self.query(&panel.part, text, role, reads);
        }
    }

    fn annotation(&mut self, annotation: &'a Value, target: Option<&'a Value>, source: Option<&'a Value>) {
        let of_target = target.and_then(|target| target.get("datasource"));
        if self.source(source).or(self.source(of_target)) == Some(Source::Other) {
            return;
        }
        let texts = |key: &str| {
            let own = annotation.get(key).or(annotation.pointer("/legacyOptions").and_then(|options| options.get(key)));
            own.or(target.and_then(|target| target.get(key))).and_then(Value::as_str)
        };
        let Some(text) = texts("expr").filter(|text| !text.trim().is_empty()) else { return };
        let mut reads = Vec::new();
        for template in [texts("titleFormat"), texts("textFormat")].into_iter().flatten() {
            reads.extend(reads::of_legend(template));
        }
        for label in texts("tagKeys").into_iter().flat_map(|keys| keys.split(',')).map(str::trim) {
            reads.extend((!label.is_empty() && reads::plain(label)).then(|| (label.to_owned(), label.to_owned())));
        }
        let name = annotation.get("name").and_then(Value::as_str).unwrap_or_default();
        self.query(&format!("annotation \"{name}\""), text, Role::Helper, reads);
    }

    /// Defines all variables, then reads the queries of those that have one.
    fn templates(&mut self, templates: Vec<Template<'a>>) {
        for template in &templates {
            if let Some(plugin) = template.plugin() {
                self.sources.insert(template.name.to_owned(), kind(plugin));
            }
            self.variables.insert(template.name.to_owned(), template.variable());
        }
        for template in &templates {
            let part = format!("variable \"{}\"", template.name);
            let source = self.source(template.source).or(template.group.map(kind)).unwrap_or(Source::Perhaps);
            let Some(text) = template.query().filter(|_| source != Source::Other) else { continue };
            let Some(asked) = template::asked(text, source == Source::Prometheus) else { continue };
            self.undefined(&part, text);
            self.push(&part, &asked.expression, Role::Helper, asked.reads);
        }
    }

    /// Takes up a query as it is written.
    fn query(&mut self, part: &str, text: &str, role: Role, reads: Vec<(String, String)>) {
        self.undefined(part, text);
        self.push(part, text, role, reads);
    }

    fn push(&mut self, part: &str, text: &str, role: Role, reads: Vec<(String, String)>) {
        let place = Place { file: self.file.to_owned(), part: part.to_owned(), query: text.to_owned() };
        let mut variables = BTreeMap::new();
        for part in scan::parts(text) {
            let scan::Part::Variable(used) = part else { continue };
            if let Some(variable) = self.variables.get(used.name) {
                variables.insert(used.name.to_owned(), variable.clone());
            }
        }
        self.queries.push(Query { place, role, reads, variables });
    }

    /// Refuses variables that the dashboard does not define: Grafana sends their names to Prometheus as they are.
    fn undefined(&mut self, part: &str, text: &str) {
        if !self.defines {
            return;
        }
        let mut seen = BTreeSet::new();
        for mention in variables::mentions(text) {
            let used = mention.used;
            let escaped = mention.in_string && used.escaped;
            let defined = self.variables.contains_key(used.name) || variables::is_grafanas(used.name);
            if defined || escaped || !seen.insert(used.name) {
                continue;
            }
            let known = variables::grafanas().chain(self.variables.keys().map(String::as_str)).take(MAX_COMPARED);
            let near = nearest::did_you_mean(used.name, known);
            // Grafana has more of its own than are worth a list here, and gets new ones.
            if used.name.starts_with("__") && near.is_empty() {
                continue;
            }
            let remedy = if near.is_empty() { "; define it under `templating`, or leave it out" } else { &near };
            let message = format!("the dashboard has no variable `{}`{remedy}", used.name);
            self.mistake(part, text, message);
            if seen.len() == MAX_UNDEFINED {
                return;
            }
        }
    }

    /// What a data source is, or nothing where none is given.
    fn source(&self, datasource: Option<&Value>) -> Option<Source> {
        let of_name = |name: &str| match scan::parts(name).as_slice() {
            [scan::Part::Variable(used)] => self.sources.get(used.name).copied().unwrap_or(Source::Perhaps),
            _ if OTHERS.contains(&name.to_lowercase().as_str()) => Source::Other,
            _ => Source::Perhaps,
        };
        match datasource? {
            Value::String(name) if is_mixed(name) || name.is_empty() => None,
            Value::String(name) => Some(of_name(name)),
            Value::Object(object) => {
                let text = |key: &str| object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
                match (text("type"), text("uid").or(text("name"))) {
                    (_, Some(name)) if is_mixed(name) => None,
                    (Some(kind_of), _) if reads::plain(kind_of) && kind_of != "datasource" => Some(kind(kind_of)),
                    (_, Some(name)) => Some(of_name(name)),
                    (_, None) => None,
                }
            }
            _ => None,
        }
    }
}

/// What a data source is by the name of its plugin.
fn kind(plugin: &str) -> Source {
    match plugin {
        "" => Source::Perhaps,
        _ if PROMETHEUS.contains(&plugin) => Source::Prometheus,
        _ => Source::Other,
    }
}

/// Whether a data source is known to be none that PromQL is sent to, by its plugin and its uid, either of which can be empty.
pub(crate) fn is_other(plugin: &str, uid: &str) -> bool {
    kind(plugin) == Source::Other || (plugin.is_empty() && OTHERS.contains(&uid.to_lowercase().as_str()))
}

/// In the schema v2 the type stands beside the query, as `group` or, in its first form, as `kind`.
fn second_source(reader: &Reader<'_>, spec: &Value, query: Option<&Value>) -> Source {
    let own = reader.source(spec.get("datasource"));
    let named = own.or(reader.source(query.and_then(|query| query.get("datasource"))));
    template::plugin_of(query).map(kind).or(named).unwrap_or(Source::Perhaps)
}

fn is_mixed(name: &str) -> bool {
    name == "-- Mixed --"
}

fn list<'a>(owner: &'a Value, key: &str) -> &'a [Value] {
    owner.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Calls back for each object in a value. JSON is nested at most 128 deep: `serde_json` reads no more.
fn each_object<'a>(value: &'a Value, found: &mut dyn FnMut(&'a Value)) {
    match value {
        Value::Object(object) => {
            found(value);
            object.values().for_each(|inner| each_object(inner, found));
        }
        Value::Array(array) => array.iter().for_each(|inner| each_object(inner, found)),
        _ => {}
    }
}

/// The panel by its title; some have none.
fn part_of(panel: &Value) -> String {
    // One line, whatever somebody pasted: it stands in a message.
    let one_line =
        |title: &str| title.split(char::is_whitespace).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let title = panel.get("title").and_then(Value::as_str).map(one_line).filter(|title| !title.is_empty());
    match (title, panel.get("id").and_then(Value::as_u64), panel.get("type").and_then(Value::as_str)) {
        (Some(title), ..) => format!("panel \"{}\"", title.chars().take(MAX_TITLE).collect::<String>()),
        (None, Some(id), _) => format!("panel {id}"),
        (None, None, Some(kind)) => format!("panel without a title, of the type \"{kind}\""),
        (None, None, None) => String::from("panel without a title"),
    }
}

fn expression_of<'a>(target: &Target<'a>) -> &'a str {
    target.expression.and_then(Value::as_str).unwrap_or_default()
}

/// The legend of a target. A table has columns instead.
fn legend_of(target: &Value) -> &str {
    let text = |key: &str| target.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("format") == "table" { "" } else { text("legendFormat") }
}

/// The labels that a panel's legend and field texts read of a target.
fn reads_of(panel: &Panel<'_>, target: &Target<'_>) -> Vec<(String, String)> {
    let mut reads = reads::of_legend(target.legend);
    let Some(fields) = panel.fields.filter(|_| !panel.transformed) else { return reads };
    // A field's text is of whichever query the field came from; that is known if there is but one, or if an override names it.
    let shown = panel.targets.iter().filter(|target| !target.hidden).count();
    let own = |matcher: Option<&Value>| {
        let by_reference =
            matcher.and_then(|matcher| matcher.get("id")).and_then(Value::as_str) == Some("byFrameRefID");
        let options = matcher.and_then(|matcher| matcher.get("options")).and_then(Value::as_str);
        if by_reference { options.is_some() && options == target.reference } else { shown == 1 }
    };
    if shown == 1 {
        reads.extend(fields.get("defaults").map(reads::of_fields).unwrap_or_default());
    }
    for one in list(fields, "overrides") {
        if own(one.get("matcher")) {
            reads.extend(one.get("properties").map(reads::of_fields).unwrap_or_default());
        }
    }
    reads
}

#[cfg(test)]
#[path = "grafana_tests.rs"]
mod tests;
