//! What is around the panels: variables, annotations, links.

use super::layout::{self, Row};
use super::panel::source;
use serde_json::{Map, Value, json};

/// The last version of the classic model. <https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>
const SCHEMA: u32 = 42;

/// A dashboard without its panels.
pub(super) struct Model {
    pub(super) uid: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    /// The series whose `job` and `instance` are to be chosen from.
    pub(super) targets: String,
    /// Variables of its own: name, label, and the query for their values.
    pub(super) variables: Vec<(&'static str, &'static str, &'static str)>,
    /// Whether jobs' runs are marked.
    pub(super) runs: bool,
    /// Whether starts of the program are marked.
    pub(super) restarts: bool,
}

/// The series of this service's targets; of all that have this library where it has no name.
pub(super) fn targets_of(service: &str) -> String {
    // In a variable's query nothing quotes but PromQL, and what Grafana would take for a variable cannot be escaped in it.
    if service.is_empty() || service.contains(['"', '\\', '$', '[', '\n']) {
        String::from("telemetry_build_info")
    } else {
        format!("target_info{{service_name=\"{service}\"}}")
    }
}

impl Model {
    /// The dashboard as text: members in the order of their names, two spaces for each level, a line's end at its end.
    pub(super) fn json(&self, rows: &[Row]) -> String {
        let mut tags = vec![String::from("telemetry")];
        tags.extend(self.tags.iter().filter(|tag| *tag != "telemetry").cloned());
        let dashboard = json!({
            "id": null,
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": tags,
            "schemaVersion": SCHEMA,
            "editable": false,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": { "from": "now-1h", "to": "now" },
            "timezone": "browser",
            "annotations": { "list": self.annotations() },
            "links": [{
                "type": "dashboards",
                "title": "Other dashboards",
                "tags": ["telemetry"],
                "asDropdown": true,
                "includeVars": true,
                "keepTime": true,
                "targetBlank": false,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }],
            "templating": { "list": self.variables() },
            "panels": layout::panels(rows),
        });
        pretty(&dashboard)
    }

    fn annotations(&self) -> Vec<Value> {
        let grafanas = json!({ "type": "grafana", "uid": "-- Grafana --" });
        let mut all = vec![json!({
            "builtIn": 1,
            "datasource": grafanas,
            "enable": true,
            "hide": true,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "type": "dashboard",
        })];
        let asked = |name: &str, colour: &str, expression: &str, title: &str| {
            json!({
                "datasource": source(),
                "enable": true,
                "hide": false,
                "iconColor": colour,
                "name": name,
                "expr": expression,
                "titleFormat": title,
                "textFormat": "",
                "step": "",
                "useValueForTime": false,
            })
        };
        if self.runs {
            all.push(asked(
                "Runs that ended",
                "green",
                "sum by (job_name, result) (changes(backfill_runs_total{job=~\"$job\",instance=~\"$instance\"}[$__rate_interval])) > 0",
                "{{job_name}} {{result}}",
            ));
            // What `telemetry::grafana` writes.
            all.push(json!({
                "datasource": grafanas,
                "enable": true,
                "hide": false,
                "iconColor": "blue",
                "name": "Runs",
                "target": { "limit": 100, "matchAny": false, "tags": ["telemetry", "run"], "type": "tags" },
            }));
        }
        if self.restarts {
            all.push(asked(
                "Starts",
                "purple",
                "changes(process_start_time_seconds{job=~\"$job\",instance=~\"$instance\"}[$__rate_interval]) > 0",
                "{{instance}} started",
            ));
        }
        all
    }

    fn variables(&self) -> Vec<Value> {
        let targets = &self.targets;
        let with = match targets.strip_suffix('}') {
            Some(open) => format!("{open},job=~\"$job\"}}"),
            None => format!("{targets}{{job=~\"$job\"}}"),
        };
        let mut all = vec![source_variable()];
        all.push(variable("job", "Scrape job", &format!("label_values({targets}, job)")));
        all.push(variable("instance", "Instance", &format!("label_values({with}, instance)")));
        all.extend(self.variables.iter().map(|(name, label, query)| variable(name, label, query)));
        all
    }
}

/// The choice of a Prometheus.
pub(in crate::dashboard) fn source_variable() -> Value {
    json!({
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "multi": false,
        "includeAll": false,
        "current": {},
        "options": [],
        "regex": "",
        "hide": 0,
        "skipUrlSync": false,
    })
}

/// Several values, of which all are chosen to begin with: those that its query finds.
fn variable(name: &str, label: &str, query: &str) -> Value {
    json!({
        "name": name,
        "label": label,
        "type": "query",
        "datasource": source(),
        "definition": query,
        "query": { "query": query, "refId": format!("Variable-{name}"), "qryType": 1 },
        // When the time range changes.
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        "current": { "text": ["All"], "value": ["$__all"] },
        "options": [],
        "regex": "",
        "hide": 0,
        "skipUrlSync": false,
    })
}

/// The same text for the same value, in whatever order `serde_json` keeps members: another crate of the program decides that.
pub(in crate::dashboard) fn pretty(value: &Value) -> String {
    // Such a value has no key that is no text, which is all that could fail.
    let mut text = serde_json::to_string_pretty(&sorted(value)).unwrap_or_default();
    text.push('\n');
    text
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<_> = members.iter().collect();
            keys.sort_by_key(|(key, _)| *key);
            Value::Object(keys.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
