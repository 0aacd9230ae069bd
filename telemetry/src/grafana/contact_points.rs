//! Contact points: where alerts go, by the provisioning API.

use super::change::Change;
use super::client::Client;
use super::diff::Diff;
use super::error::{Error, optional};
use super::folders::check_uid;
use super::models::or_default;
use super::path::path;
use super::transport::{Ask, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;

/// What the server has in place of a secret.
const REDACTED: &str = "[REDACTED]";
const AT: &str = "/api/v1/provisioning/contact-points";
/// Settings that are shorter are no secrets, and taking them out of a message would leave little of it.
const SHORTEST_SECRET: usize = 6;

/// A contact point: as the server has it, or as it is to be. Its settings may be secret and are not shown.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactPoint {
    /// Its identifier.
    #[serde(default, deserialize_with = "or_default")]
    pub uid: String,
    /// What users see. Those of one name are one receiver.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The integration: `webhook`, `email`, `slack`, …
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// The integration's settings. The server has `[REDACTED]` for secrets.
    #[serde(default, deserialize_with = "or_default")]
    pub settings: Value,
    /// Whether it is not told when an alert is over.
    #[serde(default, deserialize_with = "or_default")]
    pub disable_resolve_message: bool,
    /// Where it comes from: `api`, `file`, or empty for Grafana's pages.
    #[serde(default, deserialize_with = "or_default")]
    pub provenance: String,
}

impl fmt::Debug for ContactPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactPoint")
            .field("uid", &self.uid)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("disable_resolve_message", &self.disable_resolve_message)
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}

impl ContactPoint {
    fn body(&self) -> Value {
        json!({
            "uid": self.uid, "name": self.name, "type": self.kind, "settings": self.settings,
            "disableResolveMessage": self.disable_resolve_message,
        })
    }

    fn difference(&self, found: &ContactPoint) -> Diff {
        let mut known = found.body();
        known["settings"] = same_where_unknown(&found.settings, &self.settings);
        let mut diff = Diff::between(&known, &self.body());
        diff.hide(|path| path.starts_with("settings"));
        diff
    }

    fn secrets(&self) -> Vec<String> {
        let (mut secrets, mut left) = (Vec::new(), vec![&self.settings]);
        while let Some(value) = left.pop() {
            match value {
                Value::String(text) if text.len() >= SHORTEST_SECRET => secrets.push(text.clone()),
                Value::Array(list) => left.extend(list),
                Value::Object(members) => left.extend(members.values()),
                _ => {}
            }
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }
}

/// What is there of what is wanted: secrets count as they are wanted, since the server does not tell, and what is not wanted does not count.
fn same_where_unknown(found: &Value, wanted: &Value) -> Value {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            let known = wanted
                .iter()
                .filter_map(|(name, wanted)| Some((name.clone(), same_where_unknown(found.get(name)?, wanted))));
            known.collect()
        }
        (Value::String(text), wanted) if text == REDACTED => wanted.clone(),
        _ => found.clone(),
    }
}

impl Client {
    /// All contact points.
    ///
    /// # Errors
    /// Those of any request.
    pub fn contact_points(&self) -> Result<Vec<ContactPoint>, Error> {
        self.read(AT.to_owned())
    }

    /// Has this contact point be there, known by its uid: creates it, or replaces it where something is different of what is said of it.
    ///
    /// The server does not tell secrets, so that one that changed is not seen. To renew one, delete the contact point first.
    ///
    /// # Errors
    /// [`Error::Provisioned`] where it is different and comes from a file; [`Error::Refused`] where Grafana does not know such an integration.
    pub fn ensure_contact_point(&self, point: &ContactPoint) -> Result<Change, Error> {
        check_uid("the contact point's uid", &point.uid)?;
        for (what, value) in [("the contact point's name", &point.name), ("the contact point's kind", &point.kind)] {
            if value.trim().is_empty() {
                return Err(Error::Argument { what, value: value.clone(), takes: "a text that is not empty" });
            }
        }
        let body = point.body();
        let Some(found) = self.contact_points()?.into_iter().find(|other| other.uid == point.uid) else {
            if !self.is_dry {
                let ask = Ask::new(Method::Post, AT.to_owned()).body(&body).hiding(point.secrets());
                self.write(&ask.with(self.provenance()))?;
            }
            return Ok(Change::Created);
        };
        let diff = point.difference(&found);
        if diff.is_empty() {
            return Ok(Change::Unchanged);
        }
        if found.provenance == "file" {
            return Err(Error::Provisioned { what: format!("contact point {}", point.uid), file: None });
        }
        if !self.is_dry {
            let ask = Ask::new(Method::Put, path(&[AT, &point.uid])?).body(&body).hiding(point.secrets());
            self.write(&ask.with(self.provenance()))?;
        }
        Ok(Change::Updated(diff))
    }

    /// Deletes a contact point: whether it was there.
    ///
    /// # Errors
    /// Those of any request.
    pub fn delete_contact_point(&self, uid: &str) -> Result<bool, Error> {
        let ask = Ask::new(Method::Delete, path(&[AT, uid])?).with(self.provenance());
        optional(self.write(&ask)).map(|deleted| deleted.is_some())
    }
}
