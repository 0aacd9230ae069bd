//! The client's operations, awaited.
//!
//! Each runs on a thread of its own and hands over its result, so that they are the same for every runtime, and for none. A thread costs less than a request.

use super::alerts::{AlertRule, RuleGroup};
use super::annotations::{Annotation, AnnotationPatch};
use super::builder::ClientBuilder;
use super::change::Change;
use super::client::Client;
use super::contact_points::ContactPoint;
use super::dashboards::{SaveOptions, Saved};
use super::data_sources::DataSource;
use super::error::Error;
use super::models::{Dashboard, DataSourceHealth, Folder, Health, Organization, Search, SearchHit};
use crate::outbound::oneshot;
use serde_json::Value;

/// [`Client`] for what awaits: the same operations, with the same errors. It needs no runtime, and none is blocked.
///
/// ```no_run
/// # async fn pushes() -> Result<(), telemetry::grafana::Error> {
/// let grafana = telemetry::grafana::Client::from_env()?.to_async();
/// println!("{}", grafana.ensure_folder("jobs", "Jobs").await?);
/// # Ok(())
/// # }
/// ```
///
/// # Cancellation
/// An operation begins when its future is first polled. Dropped after that, it goes on by itself to its end, retries included, within its timeouts, and
/// nobody learns how it ended.
#[derive(Clone, Debug)]
pub struct AsyncClient {
    client: Client,
}

impl From<Client> for AsyncClient {
    fn from(client: Client) -> AsyncClient {
        AsyncClient { client }
    }
}

/// Makes of each method of [`Client`] that is named here one that is awaited.
macro_rules! awaited {
    ($($(#[doc = $about:literal])* fn $name:ident($($argument:ident: &$kind:ty),*) -> $out:ty;)*) => {
        impl AsyncClient {
            $(
                $(#[doc = $about])*
                ///
                /// # Errors
                #[doc = concat!("Those of [`Client::", stringify!($name), "`].")]
                pub async fn $name(&self, $($argument: &$kind),*) -> Result<$out, Error> {
                    $(let $argument = $argument.to_owned();)*
                    self.run(move |client| client.$name($(&$argument),*)).await
                }
            )*
        }
    };
}

awaited! {
    /// Whether the server and its database answer.
    fn health() -> Health;
    /// The organization that the credentials stand for.
    fn organization() -> Organization;
    /// Dashboards and folders that match.
    fn search(search: &Search) -> Vec<SearchHit>;
    /// All data sources.
    fn data_sources() -> Vec<DataSource>;
    /// The data source of this uid, if there is one.
    fn data_source(uid: &str) -> Option<DataSource>;
    /// The data source of this name, if there is one.
    fn data_source_named(name: &str) -> Option<DataSource>;
    /// Whether Grafana reaches the data source of this uid.
    fn data_source_health(uid: &str) -> DataSourceHealth;
    /// Has this data source be there.
    fn ensure_data_source(source: &DataSource) -> Change;
    /// All folders at the root.
    fn folders() -> Vec<Folder>;
    /// The folder of this uid, if there is one.
    fn folder(uid: &str) -> Option<Folder>;
    /// Has a folder of this uid and title be there.
    fn ensure_folder(uid: &str, title: &str) -> Change;
    /// The dashboard of this uid, if there is one.
    fn dashboard(uid: &str) -> Option<Dashboard>;
    /// Has this dashboard be there, in that folder.
    fn ensure_dashboard(dashboard: &Value, options: &SaveOptions) -> Change;
    /// Saves a dashboard over the version that the options name, or as a new one.
    fn save_dashboard(dashboard: &Value, options: &SaveOptions) -> Saved;
    /// Deletes the dashboard of this uid: whether it was there.
    fn delete_dashboard(uid: &str) -> bool;
    /// All alert rules.
    fn alert_rules() -> Vec<AlertRule>;
    /// The alert rule of this uid, if there is one.
    fn alert_rule(uid: &str) -> Option<AlertRule>;
    /// The rule group of this name in this folder, if there is one.
    fn rule_group(folder_uid: &str, title: &str) -> Option<RuleGroup>;
    /// Has this group be there with these rules and no others.
    fn ensure_rule_group(group: &RuleGroup) -> Change;
    /// Deletes a group and its rules: whether it was there.
    fn delete_rule_group(folder_uid: &str, title: &str) -> bool;
    /// All contact points.
    fn contact_points() -> Vec<ContactPoint>;
    /// Has this contact point be there.
    fn ensure_contact_point(point: &ContactPoint) -> Change;
    /// Deletes a contact point: whether it was there.
    fn delete_contact_point(uid: &str) -> bool;
    /// Makes an annotation; returns its number.
    fn create_annotation(annotation: &Annotation) -> u64;
}

impl AsyncClient {
    /// [`Client::builder`], whose [`build`](ClientBuilder::build) makes a [`Client`]: [`to_async`](Client::to_async) then gives this.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        Client::builder(url)
    }

    /// The client that the environment asks for.
    ///
    /// # Errors
    /// Those of [`Client::from_env`].
    pub fn from_env() -> Result<AsyncClient, Error> {
        Client::from_env().map(AsyncClient::from)
    }

    /// The same client, which with `true` writes nothing: [`Client::dry_run`].
    #[must_use]
    pub fn dry_run(&self, dry_run: bool) -> AsyncClient {
        AsyncClient { client: self.client.dry_run(dry_run) }
    }

    /// The same client, which blocks.
    #[must_use]
    pub fn blocking(&self) -> &Client {
        &self.client
    }

    /// Changes an annotation.
    ///
    /// # Errors
    /// Those of [`Client::patch_annotation`].
    pub async fn patch_annotation(&self, id: u64, patch: &AnnotationPatch) -> Result<(), Error> {
        let patch = patch.clone();
        self.run(move |client| client.patch_annotation(id, &patch)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Client) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let client = self.client.clone();
        let (give, take) = oneshot::channel();
        let thread = std::thread::Builder::new().name("telemetry-grafana".to_owned());
        thread
            .spawn(move || give.send(operation(&client)))
            .map_err(|error| Error::Thread { why: format!("no thread could be started: {error}") })?;
        take.await.unwrap_or_else(|| Err(Error::Thread { why: "its thread ended early".to_owned() }))
    }
}
