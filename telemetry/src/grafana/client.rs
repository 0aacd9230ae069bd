//! The client: what it knows of its server, and what all operations go through.

use super::asynchronous::AsyncClient;
use super::builder::ClientBuilder;
use super::error::Error;
use super::models::{Health, Organization, Search, SearchHit};
use super::path::query;
use super::transport::{Ask, Method, Transport};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// A client of one Grafana server, which blocks. [`AsyncClient`] has the same operations for what awaits.
///
/// Clones are cheap and share their connection. Every operation may fail with what a request may fail with: see [`Error`].
#[derive(Clone)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
    pub(super) is_dry: bool,
}

pub(super) struct Shared {
    pub(super) transport: Transport,
    /// That dashboards and folders are at `/apis`, since the server said that `/api` no longer has them.
    pub(super) has_resources_only: AtomicBool,
    pub(super) namespace: OnceLock<String>,
    pub(super) is_editable: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("transport", &self.shared.transport).field("dry_run", &self.is_dry).finish()
    }
}

impl Client {
    /// A client of the server whose root is at this URL, which may have a path (`https://example.org/grafana`) and a user with a password.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new("Client::builder", url.into())
    }

    /// The client that the environment asks for: `GRAFANA_URL`, and `GRAFANA_TOKEN` or `GRAFANA_USER` and `GRAFANA_PASSWORD`.
    /// [`ClientBuilder::from_env`] is the same with more to be said.
    ///
    /// # Errors
    /// A variable that is missing or cannot be used, by its name.
    pub fn from_env() -> Result<Client, Error> {
        ClientBuilder::from_env()?.build()
    }

    pub(super) fn new(transport: Transport, namespace: Option<String>, is_editable: bool) -> Client {
        let known = OnceLock::new();
        if let Some(namespace) = namespace {
            // Nobody was quicker.
            let _ = known.set(namespace);
        }
        let has_resources_only = AtomicBool::new(false);
        Client {
            shared: Arc::new(Shared { transport, has_resources_only, namespace: known, is_editable }),
            is_dry: false,
        }
    }

    /// The same client, which with `true` writes nothing: `ensure_…` say what they would do, and what else writes is an [`Error::DryRun`].
    #[must_use]
    pub fn dry_run(&self, dry_run: bool) -> Client {
        Client { shared: Arc::clone(&self.shared), is_dry: dry_run }
    }

    /// Whether it [only compares](Client::dry_run).
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.is_dry
    }

    /// The same client, for what awaits.
    #[must_use]
    pub fn to_async(&self) -> AsyncClient {
        AsyncClient::from(self.clone())
    }

    /// The server's URL, without secrets.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.transport.shown()
    }

    /// Whether the server and its database answer. Takes no credentials.
    ///
    /// # Errors
    /// [`Error::Server`] where the database cannot be reached; [`Error::NotGrafana`] where something else answers.
    pub fn health(&self) -> Result<Health, Error> {
        self.read("/api/health".to_owned())
    }

    /// The organization that the credentials stand for: the cheapest way to try them.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where the server does not know them.
    pub fn organization(&self) -> Result<Organization, Error> {
        self.read("/api/org".to_owned())
    }

    /// Dashboards and folders that match.
    ///
    /// # Errors
    /// Those of any request.
    pub fn search(&self, search: &Search) -> Result<Vec<SearchHit>, Error> {
        let pairs = search.pairs();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, &**value)).collect();
        self.read(format!("/api/search{}", query(&pairs)))
    }

    /// Sends what changes nothing, and reads the answer.
    pub(super) fn read<T: DeserializeOwned>(&self, path: String) -> Result<T, Error> {
        let ask = Ask::new(Method::Get, path);
        let answer = self.shared.transport.ask(&ask)?;
        self.decoded(&ask, answer)
    }

    /// Sends what changes something, unless the client only compares.
    pub(super) fn write(&self, ask: &Ask) -> Result<Value, Error> {
        if self.is_dry {
            return Err(Error::DryRun { request: ask.shown() });
        }
        self.shared.transport.ask(ask)
    }

    pub(super) fn decoded<T: DeserializeOwned>(&self, ask: &Ask, answer: Value) -> Result<T, Error> {
        if answer.is_null() {
            return Err(Error::Truncated { request: ask.shown(), why: "it has no body".to_owned() });
        }
        serde_json::from_value(answer).map_err(|error| Error::NotGrafana {
            request: ask.shown(),
            code: 200,
            why: self.shared.transport.words(ask, &error.to_string()),
        })
    }

    /// The header by which rules and contact points stay editable. That it is there counts, whatever its value.
    pub(super) fn provenance(&self) -> Option<(&'static str, &'static str)> {
        self.shared.is_editable.then_some(("X-Disable-Provenance", "true"))
    }
}
