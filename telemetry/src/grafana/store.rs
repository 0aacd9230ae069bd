//! Dashboards and folders have two interfaces: `/api`, and `/apis` where the server no longer has that.

use super::classic::Classic;
use super::client::Client;
use super::dashboards::{SaveOptions, Saved};
use super::error::Error;
use super::models::{Dashboard, Folder, Version};
use super::resources::Resources;
use serde_json::Value;
use std::sync::atomic::Ordering::Relaxed;

/// What either interface can.
pub(super) trait Store {
    fn dashboard(&self, uid: &str) -> Result<Dashboard, Error>;
    /// Creates it, or replaces the state that the options name.
    fn save_dashboard(&self, dashboard: &Value, options: &SaveOptions) -> Result<Saved, Error>;
    fn delete_dashboard(&self, uid: &str) -> Result<(), Error>;
    fn folders(&self) -> Result<Vec<Folder>, Error>;
    fn folder(&self, uid: &str) -> Result<Folder, Error>;
    fn create_folder(&self, uid: &str, title: &str) -> Result<(), Error>;
    /// Gives it another title, if it still is what was read.
    fn rename_folder(&self, folder: &Folder, title: &str) -> Result<(), Error>;
}

impl Client {
    /// Asks the interface that the server has.
    pub(super) fn stored<T>(&self, ask: impl Fn(&dyn Store) -> Result<T, Error>) -> Result<T, Error> {
        if self.shared.has_resources_only.load(Relaxed) {
            return ask(&Resources(self));
        }
        match ask(&Classic(self)) {
            Err(error) if is_gone(&error) => match ask(&Resources(self)) {
                // It has neither: what it said first is what it means.
                Err(other) if !is_of_resources(&other) => Err(error),
                answer => {
                    // 406 is about one dashboard, all else about the interface.
                    let is_sure = answer.as_ref().err().is_none_or(|error| !error.is_temporary());
                    if is_sure && error.refusal().is_none_or(|refusal| refusal.code != 406) {
                        self.shared.has_resources_only.store(true, Relaxed);
                    }
                    answer
                }
            },
            answer => answer,
        }
    }

    /// Asks the interface by which this version was read: the other one does not know it.
    pub(super) fn stored_as<T>(
        &self,
        version: Option<&Version>,
        ask: impl Fn(&dyn Store) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match version {
            Some(Version::Resource(_)) => ask(&Resources(self)),
            Some(Version::Number(_)) => ask(&Classic(self)),
            None => self.stored(ask),
        }
    }
}

/// Whether the server says that it does not have the interface, rather than what was asked for: a 404 of Grafana's own about a dashboard or folder
/// names it.
fn is_gone(error: &Error) -> bool {
    match error {
        Error::Html { code, .. } => *code == 404,
        Error::NotFound(refusal) => {
            ["", "not found", "404 page not found"].contains(&&*refusal.message.to_ascii_lowercase())
        }
        error => error.refusal().is_some_and(|refusal| [406, 410].contains(&refusal.code)),
    }
}

/// Whether this is an answer of the new interface, or may be one later. A server without it answers with its start page, a login, or a bare 404;
/// the interface's own refusals have a reason in `CamelCase`.
fn is_of_resources(error: &Error) -> bool {
    let reason = error.refusal().and_then(|refusal| refusal.status.as_deref());
    let has_reason = reason.is_some_and(|reason| reason.starts_with(|c: char| c.is_ascii_uppercase()));
    has_reason || error.is_temporary() || matches!(error, Error::DryRun { .. } | Error::Argument { .. })
}
