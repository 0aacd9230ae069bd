//! Changes to a dashboard as a whole: which data source it asks, and what an export has that a file must not have.

use super::generate::{pretty, uid};
use super::template::{DataSource, Named};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// Panels that Grafana no longer has, and what took their place: <https://grafana.com/docs/grafana/latest/breaking-changes/breaking-changes-v11-0/>.
const RETIRED: [(&str, &str); 5] = [
    ("graph", "timeseries"),
    ("singlestat", "stat"),
    ("table-old", "table"),
    ("grafana-piechart-panel", "piechart"),
    ("grafana-worldmap-panel", "geomap"),
];
/// What names a data source and is none.
const SPECIAL: [&str; 5] = ["-- Grafana --", "-- Mixed --", "-- Dashboard --", "grafana", "__expr__"];
const CHOSEN: &str = "${datasource}";

/// Binds what asks `${datasource}`.
pub(super) fn bind(dashboard: &mut Value, source: &DataSource, mistakes: &mut Vec<String>) {
    match &source.0 {
        Named::Uid(given) | Named::Name(given) if given.trim().is_empty() => {
            mistakes.push(String::from("the data source has no name"));
        }
        Named::Uid(uid) => {
            each_text(dashboard, &mut |text| {
                if text.contains("datasource") {
                    *text = bound(text, uid);
                }
            });
            if let Some(list) = variables(dashboard) {
                list.retain(|variable| variable["name"] != "datasource");
            }
        }
        Named::Name(name) => {
            for variable in
                variables(dashboard).into_iter().flatten().filter(|variable| variable["name"] == "datasource")
            {
                variable["regex"] = json!(format!("/^{}$/", in_pattern(name)));
                variable["current"] = json!({ "text": name, "value": name });
            }
        }
    }
}

/// A text with the data source in place of the variable, however that is written.
fn bound(text: &str, uid: &str) -> String {
    // A link that hands the variable on has nothing to hand on.
    let mut text = text.to_owned();
    for given in ["${datasource:queryparam}", "var-datasource=${datasource}", "var-datasource=$datasource"] {
        text =
            text.replace(&format!("{given}&"), "").replace(&format!("&{given}"), "").replace(&format!("?{given}"), "");
    }
    let text = text.replace(CHOSEN, uid).replace("[[datasource]]", uid);
    let mut parts = text.split("$datasource");
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_longer = part.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        made.push_str(if is_longer { "$datasource" } else { uid });
        made.push_str(part);
    }
    made
}

/// What Grafana takes as a uid.
pub(super) fn is_uid(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=40).contains(&text.len()) && text.bytes().all(fits)
}

fn variables(dashboard: &mut Value) -> Option<&mut Vec<Value>> {
    dashboard.get_mut("templating")?.get_mut("list")?.as_array_mut()
}

/// A name as a regular expression of JavaScript, between slashes.
fn in_pattern(name: &str) -> String {
    name.chars().flat_map(|c| if r"\^$.|?*+()[]{}/".contains(c) { vec!['\\', c] } else { vec![c] }).collect()
}

fn each_text(value: &mut Value, then: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => then(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, then)),
        Value::Object(members) => members.values_mut().for_each(|member| each_text(member, then)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A dashboard that was exported from Grafana, made fit for a file or for another Grafana.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The dashboard, as JSON.
    pub json: String,
    /// What somebody should look at, a sentence each.
    pub notes: Vec<String>,
}

/// Why a text is no dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError(String);

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ImportError {}

/// Makes an export of Grafana fit for a file that it provisions: `__inputs` are filled in, `id`, `version` and what else belongs to one installation goes, and
/// every Prometheus is the one that the reader chooses, by the variable `datasource`. Panels of types that Grafana no longer has are noted, and stay.
///
/// # Errors
/// The text is no JSON, or no dashboard in the classic form.
///
/// ```
/// let exported = r#"{
///     "__inputs": [{ "name": "DS_PROM", "type": "datasource", "pluginId": "prometheus" }], "id": 7, "version": 3, "uid": "abc", "title": "Old",
///     "panels": [{ "id": 1, "type": "graph", "title": "P", "datasource": { "type": "prometheus", "uid": "${DS_PROM}" }, "targets": [] }]
/// }"#;
/// let imported = telemetry::dashboard::import(exported)?;
/// assert!(imported.json.contains(r#""uid": "${datasource}""#) && !imported.json.contains("__inputs"));
/// assert_eq!(imported.notes, ["panel \"P\" is of the type `graph`, which Grafana no longer has; `timeseries` took its place"]);
/// # Ok::<(), telemetry::dashboard::ImportError>(())
/// ```
pub fn import(text: &str) -> Result<Imported, ImportError> {
    let document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| ImportError(format!("this is not JSON: {error}")))?;
    let mut dashboard = match document {
        Value::Object(mut whole) => match whole.remove("dashboard") {
            Some(inner @ Value::Object(_)) => inner,
            _ => Value::Object(whole),
        },
        other => other,
    };
    if !dashboard["panels"].is_array() && !dashboard["rows"].is_array() {
        let message =
            "this is no dashboard in the classic form: an object with `panels`, or with `dashboard` that has them";
        return Err(ImportError(message.to_owned()));
    }
    let mut notes = Vec::new();
    let inputs = inputs(&mut dashboard, &mut notes);
    each_text(&mut dashboard, &mut |text| {
        for (name, value) in &inputs {
            if text.contains(name) {
                *text = text.replace(name, value);
            }
            // The same without braces, which is how the oldest exports write it.
            let bare = name.replace(['{', '}'], "");
            if *text == bare {
                value.clone_into(text);
            }
        }
    });
    if let Value::Object(members) = &mut dashboard {
        for key in ["id", "version", "iteration", "__requires", "gnetId"] {
            members.remove(key);
        }
        if members.remove("__elements").is_some_and(|elements| elements.as_object().is_some_and(|all| !all.is_empty()))
        {
            notes.push(String::from(
                "library panels came with the export and are left out; they are kept apart in Grafana",
            ));
        }
        members.insert(String::from("id"), Value::Null);
        members.entry("annotations").or_insert_with(|| json!({ "list": [] }));
        if !members.get("uid").and_then(Value::as_str).is_some_and(is_uid) {
            let title = members.get("title").and_then(Value::as_str).unwrap_or_default();
            let made = uid("dashboard", title);
            notes.push(format!("it had no uid that Grafana takes, and is now `{made}`, after its title"));
            members.insert(String::from("uid"), made.into());
        }
    }
    choose(&mut dashboard, &mut notes);
    define(&mut dashboard);
    retired(&dashboard, &mut notes);
    Ok(Imported { json: pretty(&dashboard), notes })
}

/// What stands for each input: the variable for a Prometheus, the value of a constant.
fn inputs(dashboard: &mut Value, notes: &mut Vec<String>) -> BTreeMap<String, String> {
    let inputs = dashboard.as_object_mut().and_then(|members| members.remove("__inputs"));
    let mut filled = BTreeMap::new();
    for input in inputs.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| input.get(key).and_then(Value::as_str);
        let Some(name) = text("name") else { continue };
        let value = match (text("type"), text("pluginId"), text("value")) {
            (Some("datasource"), Some("prometheus"), _) => CHOSEN.to_owned(),
            (Some("datasource"), Some("__expr__"), _) => String::from("__expr__"),
            (Some("datasource"), plugin, _) => {
                notes.push(format!(
                    "`{name}` is a data source of the type `{}`; give its uid by hand",
                    plugin.unwrap_or("?")
                ));
                continue;
            }
            (_, _, Some(value)) => value.to_owned(),
            _ => {
                notes.push(format!("the input `{name}` has no value; replace `${{{name}}}` by hand"));
                continue;
            }
        };
        filled.insert(format!("${{{name}}}"), value);
    }
    filled
}

/// Every Prometheus becomes the chosen one.
fn choose(value: &mut Value, notes: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| choose(item, notes)),
        Value::Object(members) => {
            // What is not said is the installation's default.
            let asks = ["targets", "expr"].iter().any(|key| members.contains_key(*key));
            if asks && members.get("datasource").is_none_or(Value::is_null) {
                members.insert(String::from("datasource"), json!({ "type": "prometheus", "uid": CHOSEN }));
            }
            if members.get("type").and_then(Value::as_str) == Some("datasource") && members.contains_key("current") {
                members.insert(String::from("current"), json!({}));
            }
            if let Some(source) = members.get_mut("datasource") {
                chosen(source, notes);
            }
            members.values_mut().for_each(|member| choose(member, notes));
        }
        _ => {}
    }
}

fn chosen(source: &mut Value, notes: &mut Vec<String>) {
    match source {
        Value::Object(members) if members.get("type").and_then(Value::as_str) == Some("prometheus") => {
            let is_variable = members.get("uid").and_then(Value::as_str).is_some_and(|uid| uid.starts_with('$'));
            if !is_variable {
                members.insert(String::from("uid"), CHOSEN.into());
            }
        }
        Value::Object(members) => {
            let kind = members.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let given = members.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned();
            let is_theirs = !given.is_empty() && !given.starts_with('$') && !SPECIAL.contains(&&*given);
            if kind.is_empty() && is_theirs {
                note(notes, format!("the data source `{given}` has no type, and is taken for a Prometheus"));
                *source = json!({ "type": "prometheus", "uid": CHOSEN });
            } else if is_theirs && kind != "prometheus" {
                note(notes, format!("the data source `{given}` of the type `{kind}` is one of where it came from"));
            }
        }
        // The oldest form: its name, of which nobody knows the type.
        Value::String(name) if name == CHOSEN => *source = json!({ "type": "prometheus", "uid": CHOSEN }),
        Value::String(name) if !SPECIAL.contains(&&**name) && !name.starts_with('$') => {
            note(notes, format!("the data source `{name}` is given by its name, and taken for a Prometheus"));
            *source = json!({ "type": "prometheus", "uid": CHOSEN });
        }
        _ => {}
    }
}

/// Each note once.
fn note(notes: &mut Vec<String>, text: String) {
    if !notes.contains(&text) {
        notes.push(text);
    }
}

/// Adds the variable where something asks it and nobody defines it.
fn define(dashboard: &mut Value) {
    let mut is_asked = false;
    each_text(dashboard, &mut |text| is_asked |= text == CHOSEN);
    let Value::Object(members) = dashboard else { return };
    let templating = members.entry("templating").or_insert_with(|| json!({}));
    if !templating.is_object() {
        *templating = json!({});
    }
    let Value::Object(templating) = templating else { return };
    let list = templating.entry("list").or_insert_with(|| json!([]));
    let Value::Array(list) = list else { return };
    if is_asked && !list.iter().any(|variable| variable["name"] == "datasource") {
        list.insert(0, super::generate::source_variable());
    }
}

fn retired(value: &Value, notes: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| retired(item, notes)),
        Value::Object(members) => {
            note_retired(members, notes);
            members
                .iter()
                .filter(|(key, _)| ["panels", "rows"].contains(&&***key))
                .for_each(|(_, member)| retired(member, notes));
        }
        _ => {}
    }
}

fn note_retired(panel: &Map<String, Value>, notes: &mut Vec<String>) {
    let kind = panel.get("type").and_then(Value::as_str).unwrap_or_default();
    if let Some((kind, instead)) = RETIRED.iter().find(|(known, _)| *known == kind) {
        let title = panel.get("title").and_then(Value::as_str).unwrap_or_default();
        notes.push(format!(
            "panel {title:?} is of the type `{kind}`, which Grafana no longer has; `{instead}` took its place"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_becomes_what_a_file_can_be() {
        let exported = r#"{"dashboard":{
            "__inputs":[
                {"name":"DS_P","type":"datasource","pluginId":"prometheus"},{"name":"DS_L","type":"datasource","pluginId":"loki"},
                {"name":"VAR_A","type":"constant","value":"flights"},{"name":"VAR_B","type":"constant"}],
            "__requires":[{"type":"grafana"}],"__elements":{"x":{"model":{}}},"id":12,"version":4,"iteration":1,"gnetId":1,"title":"Jobs of the team",
            "panels":[
                {"id":1,"type":"singlestat","title":"A","datasource":"${DS_P}","targets":[{"expr":"x{a=\"${VAR_A}\"}","datasource":{"type":"prometheus","uid":"PBFA97CFB590B2093"}}]},
                {"id":2,"type":"row","panels":[{"id":3,"type":"graph","title":"B","datasource":"Prom","targets":[]}]},
                {"id":4,"type":"text","title":"C","datasource":{"type":"datasource","uid":"-- Grafana --"}}],
            "annotations":{"list":[{"datasource":"-- Grafana --"}]}},"meta":{}}"#;
        let imported = import(exported).unwrap();
        let made: Value = serde_json::from_str(&imported.json).unwrap();
        let prometheus = json!({ "type": "prometheus", "uid": "${datasource}" });
        assert_eq!(made["panels"][0]["datasource"], prometheus);
        assert_eq!(made["panels"][0]["targets"][0]["datasource"], prometheus);
        assert_eq!(made["panels"][0]["targets"][0]["expr"], "x{a=\"flights\"}");
        assert_eq!(made["panels"][1]["panels"][0]["datasource"], prometheus);
        assert_eq!(made["panels"][2]["datasource"]["uid"], "-- Grafana --");
        assert_eq!(made["annotations"]["list"][0]["datasource"], "-- Grafana --");
        assert_eq!(made["templating"]["list"][0]["name"], "datasource");
        for key in ["__inputs", "__requires", "__elements", "version", "iteration", "gnetId", "meta"] {
            assert!(made.get(key).is_none(), "{key}");
        }
        assert!(made["id"].is_null() && made["uid"].as_str().unwrap().starts_with("dashboard-jobs-of-the-team"));
        let notes = imported.notes.join("\n");
        for part in [
            "`DS_L` is a data source of the type `loki`",
            "`VAR_B` has no value",
            "library panels",
            "it had no uid",
            "`Prom` is given by its name",
            "`singlestat`",
            "`graph`",
        ] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
        assert_eq!(import(&imported.json).unwrap().json, imported.json, "once is enough");
    }

    #[test]
    fn what_says_nothing_of_its_source_asks_the_chosen_one_and_what_cannot_is_noted() {
        let exported = r#"{"uid":"a b","title":"T","__inputs":[{"name":"DS_E","type":"datasource","pluginId":"__expr__"},{"name":"DS_P","type":"datasource","pluginId":"prometheus"}],
            "templating":{"list":[{"name":"ds","type":"datasource","current":{"text":"Prom Prod","value":"P123"}}]},
            "panels":[{"type":"stat","datasource":null,"targets":[{"expr":"up"},{"expr":"up","datasource":{"uid":"PABC"}},{"datasource":{"type":"loki","uid":"L"}},{"datasource":{"type":"__expr__","uid":"${DS_E}"}},{"datasource":"$DS_P"}]}]}"#;
        let imported = import(exported).unwrap();
        let made: Value = serde_json::from_str(&imported.json).unwrap();
        let chosen = json!({ "type": "prometheus", "uid": "${datasource}" });
        let panel = &made["panels"][0];
        assert_eq!(panel["datasource"], chosen);
        let targets: Vec<_> = panel["targets"].as_array().unwrap().iter().map(|target| &target["datasource"]).collect();
        let (loki, expression) =
            (json!({ "type": "loki", "uid": "L" }), json!({ "type": "__expr__", "uid": "__expr__" }));
        assert_eq!(targets, [&chosen, &chosen, &loki, &expression, &chosen]);
        assert_eq!(made["annotations"]["list"], json!([]));
        assert_eq!(made["templating"]["list"][1]["current"], json!({}));
        let notes = imported.notes.join("\n");
        for part in ["no uid that Grafana takes", "`PABC` has no type", "`L` of the type `loki`"] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
    }

    #[test]
    fn what_is_no_dashboard_is_refused() {
        for text in ["", "[]", "7", r#"{"spec":{"elements":{}}}"#, r#"{"dashboard":[]}"#, r#"{"panels":7}"#] {
            assert!(import(text).is_err(), "{text}");
        }
    }
}
