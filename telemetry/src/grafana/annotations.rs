//! Annotations: what happened, and when, drawn over the panels.

use super::client::Client;
use super::error::Error;
use super::path::path;
use super::transport::{Ask, Method};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Something that happened.
///
/// ```
/// use std::time::SystemTime;
/// use telemetry::grafana::Annotation;
///
/// let annotation = Annotation { tags: vec!["release".into()], time: Some(SystemTime::now()), ..Annotation::new("version 1.2") };
/// assert_eq!(annotation.time_end, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotation {
    /// What is shown.
    pub text: String,
    /// What it is found by.
    pub tags: Vec<String>,
    /// When it began; the server's now without one.
    pub time: Option<SystemTime>,
    /// When it ended, where it lasted.
    pub time_end: Option<SystemTime>,
    /// The dashboard that it belongs to; all of the organization without one.
    pub dashboard_uid: Option<String>,
    /// The panel of that dashboard.
    pub panel_id: Option<u64>,
}

impl Annotation {
    /// One of now, for all dashboards.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Annotation {
        Annotation { text: text.into(), ..Annotation::default() }
    }
}

/// What is to be changed of an annotation; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnotationPatch {
    /// What is shown.
    pub text: Option<String>,
    /// All its tags.
    pub tags: Option<Vec<String>>,
    /// When it began.
    pub time: Option<SystemTime>,
    /// When it ended: makes a region of it.
    pub time_end: Option<SystemTime>,
}

/// Milliseconds since 1970.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Only what is there.
fn members<const N: usize>(all: [(&str, Option<Value>); N]) -> Value {
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl Client {
    /// Makes an annotation; returns its number. It is sent once: a second one would be seen twice.
    ///
    /// # Errors
    /// Those of any request.
    pub fn create_annotation(&self, annotation: &Annotation) -> Result<u64, Error> {
        let body = members([
            ("text", Some(annotation.text.as_str().into())),
            ("tags", Some(json!(annotation.tags))),
            ("time", annotation.time.map(|time| millis(time).into())),
            ("timeEnd", annotation.time_end.map(|time| millis(time).into())),
            ("dashboardUID", annotation.dashboard_uid.as_deref().map(Value::from)),
            ("panelId", annotation.panel_id.map(Value::from)),
        ]);
        let ask = Ask::new(Method::Post, "/api/annotations".to_owned()).body(&body);
        let answer = self.write(&ask)?;
        answer["id"].as_u64().ok_or_else(|| Error::NotGrafana {
            request: ask.shown(),
            code: 200,
            why: "it has no member `id`, which is the annotation's number".to_owned(),
        })
    }

    /// Changes an annotation.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none of this number.
    pub fn patch_annotation(&self, id: u64, patch: &AnnotationPatch) -> Result<(), Error> {
        let body = members([
            ("text", patch.text.as_deref().map(Value::from)),
            ("tags", patch.tags.as_ref().map(|tags| json!(tags))),
            ("time", patch.time.map(|time| millis(time).into())),
            ("timeEnd", patch.time_end.map(|time| millis(time).into())),
        ]);
        let ask = Ask::new(Method::Patch, path(&["/api/annotations", &id.to_string()])?).body(&body);
        self.write(&ask).map(drop)
    }
}
