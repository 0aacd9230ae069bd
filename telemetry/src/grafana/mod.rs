//! A client of Grafana's HTTP API: data sources, folders, dashboards, alert rules, contact points and annotations, kept as a program wants them.
//!
//! What is to be there is said by `ensure_…`: each compares first, writes only a difference, and returns a [`Change`] that tells what it was. A client with
//! [`dry_run`](Client::dry_run) compares alike and writes nothing.
//!
//! ```no_run
//! use serde_json::json;
//! use telemetry::grafana::{Client, DataSource, SaveOptions};
//!
//! fn main() -> Result<(), telemetry::grafana::Error> {
//!     let grafana = Client::from_env()?; // GRAFANA_URL, and GRAFANA_TOKEN or GRAFANA_USER and GRAFANA_PASSWORD
//!     grafana.ensure_data_source(&DataSource::prometheus("prom", "Prometheus", "http://prometheus:9090"))?;
//!     grafana.ensure_folder("jobs", "Jobs")?;
//!     let dashboard = json!({ "uid": "jobs-backfill", "title": "Backfill", "schemaVersion": 42, "panels": [] });
//!     let options = SaveOptions { folder_uid: Some("jobs".into()), ..SaveOptions::default() };
//!     println!("{}", grafana.ensure_dashboard(&dashboard, &options)?);
//!     Ok(())
//! }
//! ```
//!
//! # What is never done
//! - A dashboard is saved with the version that was read: what somebody else saved meanwhile is an [`Error::Conflict`], never overwritten.
//! - A dashboard without the tag [`TAG`] is somebody else's, and one that Grafana read from a file is the file's: [`Error::Foreign`],
//!   [`Error::Provisioned`].
//! - A token, a password, a data source's or a contact point's secret is not shown, logged or repeated, also where the server says it back. A redirect is
//!   not followed, since nobody said that its target may read them.
//!
//! # Old servers and new ones
//! Dashboards and folders have two interfaces: `/api`, which Grafana 9 to 13 have, and `/apis`, since 12. The first is asked, and the second where the
//! server says that it no longer has the first.
//!
//! # How long it takes
//! A request has a [timeout](ClientBuilder::timeout), and is sent again [so often](ClientBuilder::retries) where that cannot do it twice: reading, replacing,
//! deleting, changing, and saving a dashboard that carries its version. Between attempts it waits twice as long each time, or as long as the server
//! asks for, up to 30 s.

mod alerts; // rules and contact points
mod annotations;
mod asynchronous; // the same, awaited
mod builder; // how the server is reached
mod change; // what an `ensure_…` did
mod classic; // dashboards and folders, by `/api`
mod client;
mod contact_points;
mod dashboards;
mod data_sources;
mod diff; // what is different
mod error;
mod folders;
mod models; // what the server answers
mod path; // segments and queries of a URL
mod resources; // dashboards and folders, by `/apis`
mod rules; // as they are compared
#[cfg(not(telemetry_off))]
pub(crate) mod runs; // annotations of job runs
mod store; // which of the two
mod transport; // requests, attempts, answers

pub use alerts::{AlertRule, RuleGroup};
pub use annotations::{Annotation, AnnotationPatch};
pub use asynchronous::AsyncClient;
pub use builder::ClientBuilder;
pub use change::Change;
pub use client::Client;
pub use contact_points::ContactPoint;
pub use dashboards::{SaveOptions, Saved, TAG};
pub use data_sources::DataSource;
pub use diff::{Diff, Difference};
pub use error::{Error, Refusal};
pub use models::{
    Dashboard, DashboardMeta, DataSourceHealth, Folder, Health, Organization, Search, SearchHit, Version,
};

#[cfg(test)]
mod tests;
