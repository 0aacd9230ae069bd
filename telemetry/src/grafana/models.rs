//! What the server answers. Members that are not known are left alone; those that are missing or null are empty.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// A null counts as missing.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// How the server is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Health {
    /// `ok` where the database answers.
    pub database: String,
    /// Grafana's version, where the server tells.
    pub version: Option<String>,
    /// The commit it was built from, where the server tells.
    pub commit: Option<String>,
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Organization {
    /// Its number, from 1.
    pub id: u64,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
}

/// Whether a data source answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataSourceHealth {
    /// Whether it does.
    pub is_ok: bool,
    /// What Grafana says of it.
    pub message: String,
}

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Folder {
    /// Its identifier.
    pub uid: String,
    /// What users see.
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    /// The folder that it is in, if it is in one.
    #[serde(default)]
    pub parent_uid: Option<String>,
    /// The version that an update has to name. Lists do not tell it.
    #[serde(skip)]
    pub version: Option<Version>,
}

/// What is looked for by [`Client::search`](super::Client::search). All of it by default, up to the server's 1,000.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// A part of the title.
    pub query: Option<String>,
    /// Tags, all of which it has.
    pub tags: Vec<String>,
    /// In one of these folders, by uid.
    pub folder_uids: Vec<String>,
    /// One of these dashboards, by uid.
    pub dashboard_uids: Vec<String>,
    /// Only dashboards (`dash-db`) or only folders (`dash-folder`).
    pub kind: Option<String>,
    /// How many at most, up to 5,000.
    pub limit: Option<u32>,
    /// Which page of so many, from 1.
    pub page: Option<u32>,
}

impl Search {
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.query.iter().map(|query| ("query", query.clone())));
        pairs.extend(self.tags.iter().map(|tag| ("tag", tag.clone())));
        pairs.extend(self.folder_uids.iter().map(|uid| ("folderUIDs", uid.clone())));
        pairs.extend(self.dashboard_uids.iter().map(|uid| ("dashboardUIDs", uid.clone())));
        pairs.extend(self.kind.iter().map(|kind| ("type", kind.clone())));
        pairs.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        pairs.extend(self.page.map(|page| ("page", page.to_string())));
        pairs
    }
}

/// A dashboard or a folder that was found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SearchHit {
    /// Its identifier.
    #[serde(default, deserialize_with = "or_default")]
    pub uid: String,
    /// Its title.
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    /// `dash-db` or `dash-folder`.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// Its path on the server.
    #[serde(default, deserialize_with = "or_default")]
    pub url: String,
    /// A dashboard's tags.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// The folder that it is in.
    #[serde(default)]
    pub folder_uid: Option<String>,
}

/// Which state of a dashboard or folder was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Version {
    /// By `/api`, which counts.
    Number(u64),
    /// By `/apis`, which has a text.
    Resource(String),
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version::Number(version) => version.fmt(f),
            Version::Resource(version) => version.fmt(f),
        }
    }
}

/// A dashboard, as the server keeps it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Dashboard {
    /// Its JSON, in the classic model.
    pub dashboard: Value,
    /// What the server knows of it besides.
    pub meta: DashboardMeta,
}

/// What the server knows of a dashboard besides its JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DashboardMeta {
    /// The folder that it is in, if it is in one.
    pub folder_uid: Option<String>,
    /// The state that this is.
    pub version: Option<Version>,
    /// Whether it comes from a file on the server.
    pub is_provisioned: bool,
    /// That file, where the server tells.
    pub file: Option<String>,
    /// Its path on the server.
    pub url: Option<String>,
}

impl Dashboard {
    /// Its identifier.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.dashboard["uid"].as_str().unwrap_or_default()
    }

    /// What users see.
    #[must_use]
    pub fn title(&self) -> &str {
        self.dashboard["title"].as_str().unwrap_or_default()
    }

    /// Whether it has this tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.dashboard["tags"].as_array().is_some_and(|tags| tags.iter().any(|other| other == tag))
    }
}
