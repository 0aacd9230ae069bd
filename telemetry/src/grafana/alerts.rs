//! Alert rules and their groups, by the provisioning API.

use super::change::Change;
use super::client::Client;
use super::diff::Diff;
use super::error::{Error, optional};
use super::folders::check_uid;
use super::models::or_default;
use super::path::path;
use super::rules::comparable;
use super::transport::{Ask, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most characters of a rule's title, and of a group's.
const LONGEST_TITLE: usize = 190;
/// Intervals are multiples of it: how often Grafana looks which groups are due.
const SCHEDULER: u64 = 10;

/// An alert rule, as the server has it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AlertRule {
    /// Its identifier.
    #[serde(default, deserialize_with = "or_default")]
    pub uid: String,
    /// What users see, which no other rule of its folder has.
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    /// The folder that it is in.
    #[serde(default, rename = "folderUID", deserialize_with = "or_default")]
    pub folder_uid: String,
    /// The group that it is in.
    #[serde(default, deserialize_with = "or_default")]
    pub rule_group: String,
    /// The query or expression that says whether it fires.
    #[serde(default, deserialize_with = "or_default")]
    pub condition: String,
    /// Queries and expressions.
    #[serde(default, deserialize_with = "or_default")]
    pub data: Vec<Value>,
    /// How long the condition must hold, as Prometheus writes durations: `5m`.
    #[serde(default, rename = "for", deserialize_with = "or_default")]
    pub pending: String,
    /// What its alerts are routed by.
    #[serde(default, deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// What its alerts say.
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
    /// Whether it is not evaluated.
    #[serde(default, deserialize_with = "or_default")]
    pub is_paused: bool,
    /// Where it comes from: `api`, `file`, or empty for Grafana's pages.
    #[serde(default, deserialize_with = "or_default")]
    pub provenance: String,
}

/// The rules of a folder that are evaluated one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleGroup {
    /// The folder that it is in.
    pub folder_uid: String,
    /// Its name in that folder.
    pub title: String,
    /// How often the rules are evaluated: a multiple of 10 s.
    pub interval: Duration,
    /// The rules, as the provisioning API has them. Each has a `uid`, a `title`, a `condition` and `data`. What else the API demands has a default:
    /// `noDataState` is `NoData`, `execErrState` is `Error`, `for` is `0s`; folder and group are the group's own.
    pub rules: Vec<Value>,
}

impl RuleGroup {
    fn path(&self) -> Result<String, Error> {
        group_path(&self.folder_uid, &self.title)
    }

    /// The rules with all that the API demands.
    fn complete(&self) -> Result<Vec<Value>, Error> {
        let refused = |what, value: String, takes| Err(Error::Argument { what, value, takes });
        check_uid("the rule group's folder_uid", &self.folder_uid)?;
        if !(1..=LONGEST_TITLE).contains(&self.title.chars().count()) {
            return refused("the rule group's title", self.title.clone(), "1 to 190 characters");
        }
        let seconds = self.interval.as_secs();
        if seconds == 0 || seconds % SCHEDULER != 0 || self.interval.subsec_nanos() != 0 {
            let value = format!("{:?}", self.interval);
            return refused("the rule group's interval", value, "a multiple of 10 s, at which Grafana evaluates rules");
        }
        let mut complete = Vec::new();
        for rule in &self.rules {
            let Some(members) = rule.as_object() else {
                let start = rule.to_string().chars().take(60).collect();
                return refused("an alert rule", start, "a JSON object");
            };
            check_uid("the alert rule's uid", rule["uid"].as_str().unwrap_or_default())?;
            let title = rule["title"].as_str().unwrap_or_default();
            if !(1..=LONGEST_TITLE).contains(&title.chars().count()) {
                return refused("the alert rule's title", title.to_owned(), "1 to 190 characters");
            }
            let annotations = &rule["annotations"];
            if annotations["__dashboardUid__"].is_string() != annotations["__panelId__"].is_string() {
                let takes = "both `__dashboardUid__` and `__panelId__`, as texts, or neither";
                return refused("the alert rule's annotations", annotations.to_string(), takes);
            }
            let mut rule = members.clone();
            for (name, value) in [
                ("orgID", json!(1)), // Demanded, and replaced by the server with the caller's.
                ("noDataState", json!("NoData")),
                ("execErrState", json!("Error")),
                ("for", json!("0s")),
            ] {
                rule.entry(name).or_insert(value);
            }
            rule.insert("folderUID".to_owned(), self.folder_uid.as_str().into());
            rule.insert("ruleGroup".to_owned(), self.title.as_str().into());
            complete.push(Value::Object(rule));
        }
        Ok(complete)
    }
}

fn group_path(folder_uid: &str, title: &str) -> Result<String, Error> {
    path(&["/api/v1/provisioning/folder", folder_uid, "/rule-groups", title])
}

impl Client {
    /// All alert rules.
    ///
    /// # Errors
    /// Those of any request.
    pub fn alert_rules(&self) -> Result<Vec<AlertRule>, Error> {
        self.read("/api/v1/provisioning/alert-rules".to_owned())
    }

    /// The alert rule of this uid, if there is one.
    ///
    /// # Errors
    /// Those of any request.
    pub fn alert_rule(&self, uid: &str) -> Result<Option<AlertRule>, Error> {
        optional(self.read(path(&["/api/v1/provisioning/alert-rules", uid])?))
    }

    /// The rule group of this name in this folder, if there is one.
    ///
    /// # Errors
    /// Those of any request.
    pub fn rule_group(&self, folder_uid: &str, title: &str) -> Result<Option<RuleGroup>, Error> {
        let asked = group_path(folder_uid, title)?;
        let Some(mut answer) = optional(self.read::<Value>(asked.clone()))? else { return Ok(None) };
        let rules = match answer["rules"].take() {
            Value::Array(rules) => rules,
            Value::Null => Vec::new(),
            _ => {
                let why = "its `rules` are no list".to_owned();
                return Err(Error::NotGrafana { request: format!("GET {asked}"), code: 200, why });
            }
        };
        // Some servers answer for a group that is not there with one that has nothing.
        if rules.is_empty() {
            return Ok(None);
        }
        let interval = Duration::from_secs(answer["interval"].as_u64().unwrap_or_default());
        Ok(Some(RuleGroup { folder_uid: folder_uid.to_owned(), title: title.to_owned(), interval, rules }))
    }

    /// Has this group be there with these rules and no others: creates it, or replaces it by one request where it is different. What Grafana adds by itself
    /// (numbers, times, defaults) does not count, nor how a duration is written.
    ///
    /// The API has no versions for rules: of two programs that write a group at once, the later one's is what is there.
    ///
    /// # Errors
    /// [`Error::Argument`] where a rule has no uid or title, or the interval is no multiple of 10 s; [`Error::Provisioned`] where rules that are there come from
    /// a file; [`Error::Taken`] where a rule's title or uid is that of another one; [`Error::NotFound`] where the folder is not there.
    pub fn ensure_rule_group(&self, group: &RuleGroup) -> Result<Change, Error> {
        let rules = group.complete()?;
        let change = match self.rule_group(&group.folder_uid, &group.title)? {
            None if rules.is_empty() => return Ok(Change::Unchanged),
            None => Change::Created,
            Some(found) => {
                if found.rules.iter().any(|rule| rule["provenance"] == "file") {
                    return Err(Error::Provisioned { what: format!("rule group {}", group.title), file: None });
                }
                let old = comparable(found.interval, &found.rules);
                let diff = Diff::between(&old, &comparable(group.interval, &rules));
                if diff.is_empty() {
                    return Ok(Change::Unchanged);
                }
                Change::Updated(diff)
            }
        };
        if self.is_dry {
            return Ok(change);
        }
        if rules.is_empty() {
            self.delete_rule_group(&group.folder_uid, &group.title)?;
            return Ok(change);
        }
        let body = json!({
            "title": group.title, "folderUid": group.folder_uid, "interval": group.interval.as_secs(), "rules": rules,
        });
        self.write(&Ask::new(Method::Put, group.path()?).body(&body).with(self.provenance())).map(|_| change)
    }

    /// Deletes a group and its rules: whether it was there.
    ///
    /// # Errors
    /// Those of any request.
    pub fn delete_rule_group(&self, folder_uid: &str, title: &str) -> Result<bool, Error> {
        let ask = Ask::new(Method::Delete, group_path(folder_uid, title)?).with(self.provenance());
        optional(self.write(&ask)).map(|deleted| deleted.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_grafana_would_refuse_is_not_sent() {
        let group = |interval, rule| RuleGroup {
            folder_uid: "f".into(),
            title: "g".into(),
            interval: Duration::from_secs(interval),
            rules: vec![rule],
        };
        let rule = json!({"uid": "a", "title": "A"});
        assert_eq!(group(60, rule.clone()).complete().unwrap()[0]["for"], "0s");
        let half = json!({"uid": "a", "title": "A", "annotations": {"__panelId__": "1"}});
        for group in [
            group(60, half),
            group(0, rule.clone()),
            group(15, rule),
            group(60, json!({"title": "A"})),
            group(60, json!(7)),
        ] {
            assert!(matches!(group.complete(), Err(Error::Argument { .. })), "{group:?}");
        }
    }
}
