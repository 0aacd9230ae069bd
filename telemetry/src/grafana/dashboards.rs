//! Dashboards: read, kept as they are to be, saved, deleted.

use super::change::Change;
use super::client::Client;
use super::diff::Diff;
use super::error::{Error, optional};
use super::folders::check_uid;
use super::models::{Dashboard, Version};
use serde_json::Value;

/// The tag by which a dashboard is known to be one that this library made.
pub const TAG: &str = "telemetry";

/// The longest message that Grafana keeps with a version, in characters.
const LONGEST_MESSAGE: usize = 500;

/// How a dashboard is saved.
///
/// ```
/// use telemetry::grafana::SaveOptions;
///
/// let options = SaveOptions { folder_uid: Some("jobs".into()), message: Some("release 1.2".into()), ..SaveOptions::default() };
/// assert!(!options.overwrite_foreign);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaveOptions {
    /// The folder that it is in from then on, by uid; `None` is the root. A dashboard that is elsewhere is moved.
    pub folder_uid: Option<String>,
    /// Whether [`Client::ensure_dashboard`] may take a dashboard of this uid that does not have the tag [`TAG`], and so is somebody else's.
    pub overwrite_foreign: bool,
    /// What the history says of the save; of more than 500 characters the first 500.
    pub message: Option<String>,
    /// For [`Client::save_dashboard`]: the version that is replaced, from [`DashboardMeta::version`](super::DashboardMeta). `None` creates, and
    /// fails where there is one. [`Client::ensure_dashboard`] reads it itself.
    pub replaces: Option<Version>,
}

impl SaveOptions {
    pub(super) fn shown_message(&self) -> String {
        self.message.iter().flat_map(|message| message.chars()).take(LONGEST_MESSAGE).collect()
    }
}

/// A dashboard that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// Its identifier.
    pub uid: String,
    /// The state that it has now, where the server tells.
    pub version: Option<Version>,
    /// Its path on the server, where the server tells.
    pub url: Option<String>,
}

impl Client {
    /// The dashboard of this uid, if there is one.
    ///
    /// # Errors
    /// Those of any request.
    pub fn dashboard(&self, uid: &str) -> Result<Option<Dashboard>, Error> {
        optional(self.stored(|store| store.dashboard(uid)))
    }

    /// Has this dashboard be there, in that folder: creates it, or writes what is different, and says what that was. Its members `id`, `version` and
    /// `iteration` do not count.
    ///
    /// It gets the tag [`TAG`], by which it is known to be ours. It is written with the version that was read, so that nothing that somebody else saves meanwhile
    /// is overwritten.
    ///
    /// # Errors
    /// [`Error::Foreign`] where one of that uid does not have the tag, unless [`SaveOptions::overwrite_foreign`]; [`Error::Provisioned`] where it comes
    /// from a file; [`Error::Conflict`] where it was saved meanwhile; [`Error::NotFound`] where the folder is not there; [`Error::Argument`] where
    /// it has no uid or title.
    pub fn ensure_dashboard(&self, dashboard: &Value, options: &SaveOptions) -> Result<Change, Error> {
        let wanted = tagged(dashboard);
        let uid = check(&wanted)?;
        let Some(found) = self.dashboard(uid)? else {
            if self.is_dry {
                return Ok(Change::Created);
            }
            let options = SaveOptions { replaces: None, ..options.clone() };
            return match self.save_dashboard(&wanted, &options) {
                Ok(_) => Ok(Change::Created),
                Err(error) => self.unless_it_is_so(&wanted, &options, None, error).map(|()| Change::Created),
            };
        };
        if found.meta.is_provisioned {
            return Err(Error::Provisioned { what: format!("dashboard {uid}"), file: found.meta.file });
        }
        if !found.has_tag(TAG) && !options.overwrite_foreign {
            return Err(Error::Foreign { uid: uid.to_owned(), title: found.title().to_owned() });
        }
        let diff = difference(&found, &wanted, options);
        if diff.is_empty() {
            return Ok(Change::Unchanged);
        }
        if !self.is_dry {
            let options = SaveOptions { replaces: found.meta.version.clone(), ..options.clone() };
            if let Err(error) = self.save_dashboard(&wanted, &options) {
                self.unless_it_is_so(&wanted, &options, found.meta.version.as_ref(), error)?;
            }
        }
        Ok(Change::Updated(diff))
    }

    /// A conflict with what is as wanted is none: an attempt whose answer was lost did it, or somebody else. Else says which version is there now.
    fn unless_it_is_so(
        &self,
        wanted: &Value,
        options: &SaveOptions,
        read: Option<&Version>,
        error: Error,
    ) -> Result<(), Error> {
        if !matches!(error, Error::Conflict { .. } | Error::Taken(_)) {
            return Err(error);
        }
        let uid = wanted["uid"].as_str().unwrap_or_default();
        // What went wrong first is what matters, should this go wrong too.
        let now = self.dashboard(uid).ok().flatten();
        if now.as_ref().is_some_and(|now| difference(now, wanted, options).is_empty()) {
            return Ok(());
        }
        let now = now.and_then(|now| now.meta.version);
        let shown = |version: &Version| version.to_string();
        Err(error.about(format!("dashboard {uid}"), read.map(shown), now.as_ref().map(shown)))
    }

    /// Saves a dashboard as it is: over the version that [`SaveOptions::replaces`] names, or as a new one.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another version is there; [`Error::Taken`] where there is one already.
    pub fn save_dashboard(&self, dashboard: &Value, options: &SaveOptions) -> Result<Saved, Error> {
        check(dashboard)?;
        self.stored_as(options.replaces.as_ref(), |store| store.save_dashboard(dashboard, options))
    }

    /// Deletes the dashboard of this uid, whoever made it: whether it was there.
    ///
    /// # Errors
    /// [`Error::Refused`] where it comes from a file.
    pub fn delete_dashboard(&self, uid: &str) -> Result<bool, Error> {
        optional(self.stored(|store| store.delete_dashboard(uid))).map(|deleted| deleted.is_some())
    }
}

/// A copy that is known to be ours.
fn tagged(dashboard: &Value) -> Value {
    let mut dashboard = dashboard.clone();
    if let Some(members) = dashboard.as_object_mut() {
        let tags = members.entry("tags").or_insert_with(|| Value::Array(Vec::new()));
        if tags.is_null() {
            *tags = Value::Array(Vec::new());
        }
        match tags {
            Value::Array(tags) if !tags.iter().any(|tag| tag == TAG) => tags.push(TAG.into()),
            _ => {}
        }
    }
    dashboard
}

/// The uid of a dashboard that can be saved.
fn check(dashboard: &Value) -> Result<&str, Error> {
    let refused = |what, value: &Value, takes| Error::Argument { what, value: value.to_string(), takes };
    if !dashboard.is_object() {
        let start = Value::from(dashboard.to_string().chars().take(60).collect::<String>());
        return Err(refused("the dashboard", &start, "a JSON object"));
    }
    let uid = check_uid("the dashboard's uid", dashboard["uid"].as_str().unwrap_or_default())?;
    if dashboard["title"].as_str().is_none_or(|title| title.trim().is_empty()) {
        return Err(refused("the dashboard's title", &dashboard["title"], "a text that is not empty"));
    }
    Ok(uid)
}

fn difference(found: &Dashboard, wanted: &Value, options: &SaveOptions) -> Diff {
    let mut diff = Diff::between(&comparable(&found.dashboard), &comparable(wanted));
    let folder = options.folder_uid.as_deref().filter(|uid| !uid.is_empty());
    if found.meta.folder_uid.as_deref() != folder {
        diff.add("(folder)", found.meta.folder_uid.clone().map(Value::from), folder.map(Value::from));
    }
    diff
}

/// Without what the server counts.
fn comparable(dashboard: &Value) -> Value {
    let mut dashboard = dashboard.clone();
    if let Some(members) = dashboard.as_object_mut() {
        members.retain(|name, _| !["id", "version", "iteration"].contains(&&**name));
    }
    dashboard
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dashboard_needs_a_uid_and_a_title() {
        assert_eq!(check(&json!({"uid": "a", "title": "A"})).unwrap(), "a");
        for (dashboard, what) in [
            (json!([]), "the dashboard"),
            (json!({"title": "A"}), "the dashboard's uid"),
            (json!({"uid": "a b", "title": "A"}), "the dashboard's uid"),
            (json!({"uid": "a".repeat(41), "title": "A"}), "the dashboard's uid"),
            (json!({"uid": "a", "title": " "}), "the dashboard's title"),
        ] {
            let Err(Error::Argument { what: named, .. }) = check(&dashboard) else { panic!("{dashboard}") };
            assert_eq!(named, what);
        }
    }

    #[test]
    fn the_tag_is_added_once() {
        assert_eq!(tagged(&json!({"tags": null}))["tags"], json!(["telemetry"]));
        assert_eq!(tagged(&json!({"tags": ["a", "telemetry"]}))["tags"], json!(["a", "telemetry"]));
    }
}
