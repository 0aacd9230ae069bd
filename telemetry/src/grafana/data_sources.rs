//! Data sources.

use super::change::Change;
use super::client::Client;
use super::diff::Diff;
use super::error::{Error, optional};
use super::folders::check_uid;
use super::models::{DataSourceHealth, or_default};
use super::path::path;
use super::transport::{Ask, Method};
use crate::config::push::access::without_secrets;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// The members of an update, as the server has them.
const KEPT: [&str; 11] = [
    "access",
    "basicAuth",
    "basicAuthUser",
    "database",
    "isDefault",
    "name",
    "type",
    "uid",
    "url",
    "user",
    "withCredentials",
];

/// A data source: as the server has it, or as it is to be.
///
/// ```
/// use serde_json::json;
/// use telemetry::grafana::DataSource;
///
/// let mut prometheus = DataSource::prometheus("prom", "Prometheus", "http://prometheus:9090");
/// prometheus.json_data["timeInterval"] = json!("15s");
/// prometheus.json_data["httpHeaderName1"] = json!("Authorization");
/// prometheus.secrets.insert("httpHeaderValue1".into(), "Bearer hidden".into());
/// assert!(!format!("{prometheus:?}").contains("hidden"));
/// ```
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataSource {
    /// Its identifier, which stays.
    #[serde(default, deserialize_with = "or_default")]
    pub uid: String,
    /// What users see, which no other one has.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The plugin: `prometheus`.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// Where it is, as Grafana reaches it.
    #[serde(default, deserialize_with = "or_default")]
    pub url: String,
    /// `proxy`, which is through Grafana, or `direct`.
    #[serde(default, deserialize_with = "or_default")]
    pub access: String,
    /// Whether it is the one that panels have by themselves; `None` leaves that as it is.
    #[serde(default)]
    pub is_default: Option<bool>,
    /// The plugin's settings. What is not in it stays as it is.
    #[serde(default, deserialize_with = "or_default")]
    pub json_data: Value,
    /// The plugin's secret settings, which no answer has. One that the server has already is not written again, unless
    /// [`renew_secrets`](DataSource::renew_secrets).
    #[serde(skip)]
    pub secrets: BTreeMap<String, String>,
    /// Whether to write secrets that the server has already, since they may have changed: it does not tell.
    #[serde(skip)]
    pub renew_secrets: bool,
    /// Whether it comes from a file on the server.
    #[serde(default, deserialize_with = "or_default")]
    pub read_only: bool,
}

impl DataSource {
    /// A Prometheus that Grafana asks by `POST`, through itself.
    #[must_use]
    pub fn prometheus(uid: impl Into<String>, name: impl Into<String>, url: impl Into<String>) -> DataSource {
        DataSource {
            uid: uid.into(),
            name: name.into(),
            kind: "prometheus".to_owned(),
            url: url.into(),
            access: "proxy".to_owned(),
            json_data: json!({ "httpMethod": "POST" }),
            ..DataSource::default()
        }
    }

    fn check(&self) -> Result<(), Error> {
        check_uid("the data source's uid", &self.uid)?;
        for (what, value) in [("the data source's name", &self.name), ("the data source's kind", &self.kind)] {
            if value.trim().is_empty() {
                return Err(Error::Argument { what, value: value.clone(), takes: "a text that is not empty" });
            }
        }
        if !["proxy", "direct"].contains(&&*self.access) {
            let takes = "\"proxy\" or \"direct\"";
            return Err(Error::Argument { what: "the data source's access", value: self.access.clone(), takes });
        }
        if !self.json_data.is_object() && !self.json_data.is_null() {
            let (what, value) = ("the data source's json_data", "(not shown)".to_owned());
            return Err(Error::Argument { what, value, takes: "a JSON object" });
        }
        Ok(())
    }

    /// What is said of it, as the server has it.
    fn stated(&self) -> Value {
        let mut stated = json!({
            "uid": self.uid, "name": self.name, "type": self.kind, "url": self.url, "access": self.access,
            "jsonData": if self.json_data.is_null() { json!({}) } else { self.json_data.clone() },
        });
        if let Some(is_default) = self.is_default {
            stated["isDefault"] = is_default.into();
        }
        stated
    }

    fn difference(&self, found: &Value) -> Diff {
        let wanted = self.stated();
        let mut known = json!({});
        for (name, value) in wanted.as_object().into_iter().flatten() {
            known[name] = match value {
                // Only what is said of it.
                Value::Object(data) => {
                    data.keys().filter_map(|key| Some((key.clone(), found[name].get(key)?.clone()))).collect()
                }
                _ => found[name].clone(),
            };
        }
        let mut diff = Diff::between(&known, &wanted);
        // It may have a password.
        diff.show("url", without_secrets);
        for name in self.secrets.keys() {
            let has = found["secureJsonFields"][name] == true;
            if !has || self.renew_secrets {
                let shown = || Some("(not shown)".into());
                diff.add(&format!("secureJsonData.{name}"), if has { shown() } else { None }, shown());
            }
        }
        diff
    }

    /// The whole of an update: what the server has, with what is said of it put over.
    fn over(&self, found: &Value) -> Value {
        let mut body = self.created();
        for name in KEPT.iter().filter(|name| !found[**name].is_null()) {
            if body.get(*name).is_none() {
                body[*name] = found[*name].clone();
            }
        }
        for (name, value) in found["jsonData"].as_object().into_iter().flatten() {
            if body["jsonData"].get(name).is_none() {
                body["jsonData"][name] = value.clone();
            }
        }
        if !found["version"].is_null() {
            body["version"] = found["version"].clone();
        }
        body
    }

    fn created(&self) -> Value {
        let mut body = self.stated();
        if !self.secrets.is_empty() {
            body["secureJsonData"] = json!(self.secrets);
        }
        body
    }
}

impl fmt::Debug for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets: Vec<_> = self.secrets.keys().collect();
        f.debug_struct("DataSource")
            .field("uid", &self.uid)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("url", &without_secrets(&self.url))
            .field("access", &self.access)
            .field("is_default", &self.is_default)
            .field("secrets", &secrets)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// All data sources.
    ///
    /// # Errors
    /// Those of any request.
    pub fn data_sources(&self) -> Result<Vec<DataSource>, Error> {
        self.read("/api/datasources".to_owned())
    }

    /// The data source of this uid, if there is one.
    ///
    /// # Errors
    /// Those of any request.
    pub fn data_source(&self, uid: &str) -> Result<Option<DataSource>, Error> {
        optional(self.read(path(&["/api/datasources/uid", uid])?))
    }

    /// The data source of this name, if there is one.
    ///
    /// # Errors
    /// Those of any request.
    pub fn data_source_named(&self, name: &str) -> Result<Option<DataSource>, Error> {
        optional(self.read(path(&["/api/datasources/name", name])?))
    }

    /// Whether Grafana reaches the data source of this uid. That it does not is no error.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none; those of any request.
    pub fn data_source_health(&self, uid: &str) -> Result<DataSourceHealth, Error> {
        let asked = path(&["/api/datasources/uid", uid, "/health"])?;
        match self.read::<Value>(asked) {
            Ok(answer) => {
                let is_ok = answer["status"].as_str().is_none_or(|status| status.eq_ignore_ascii_case("ok"));
                let message = answer["message"].as_str().unwrap_or_default().to_owned();
                Ok(DataSourceHealth { is_ok, message })
            }
            // So it says that the source is unwell.
            Err(Error::Refused(refusal)) if refusal.code == 400 => {
                Ok(DataSourceHealth { is_ok: false, message: refusal.message })
            }
            Err(error) => Err(error),
        }
    }

    /// Has this data source be there, known by its uid: creates it, or writes what is different of what is said of it. What is not said stays: other
    /// members of [`json_data`](DataSource::json_data), other secrets.
    ///
    /// # Errors
    /// [`Error::Taken`] where another one has the name; [`Error::Provisioned`] where it is different and comes from a file; [`Error::Conflict`] where
    /// it was changed meanwhile; [`Error::Argument`] where it cannot be right.
    pub fn ensure_data_source(&self, source: &DataSource) -> Result<Change, Error> {
        source.check()?;
        let at = path(&["/api/datasources/uid", &source.uid])?;
        let secrets: Vec<_> = source.secrets.values().cloned().collect();
        let Some(found) = optional(self.read::<Value>(at.clone()))? else {
            if self.is_dry {
                return Ok(Change::Created);
            }
            let body = source.created();
            let ask = Ask::new(Method::Post, "/api/datasources".to_owned()).body(&body).hiding(secrets);
            return self.write(&ask).map(|_| Change::Created);
        };
        let diff = source.difference(&found);
        if diff.is_empty() {
            return Ok(Change::Unchanged);
        }
        if found["readOnly"] == true {
            return Err(Error::Provisioned { what: format!("data source {}", source.uid), file: None });
        }
        if self.is_dry {
            return Ok(Change::Updated(diff));
        }
        let body = source.over(&found);
        match self.write(&Ask::new(Method::Put, at.clone()).body(&body).hiding(secrets)) {
            Ok(_) => Ok(Change::Updated(diff)),
            Err(error @ Error::Conflict { .. }) => {
                let now = self.read::<Value>(at).ok();
                // Done by an attempt whose answer was lost.
                let is_so = |now: &Value| !source.renew_secrets && source.difference(now).is_empty();
                if now.as_ref().is_some_and(is_so) {
                    return Ok(Change::Updated(diff));
                }
                let version = |found: &Value| found["version"].as_u64().map(|version| version.to_string());
                let what = format!("data source {}", source.uid);
                Err(error.about(what, version(&found), now.as_ref().and_then(version)))
            }
            Err(error) => Err(error),
        }
    }
}
