//! How the server is reached: what the builder and the environment say.

use super::client::Client;
use super::error::Error;
use super::transport::Transport;
use crate::config::push::Authorities;
use crate::config::push::access::{self, Secret, without_secrets};
use crate::outbound;
use std::fmt;
use std::time::Duration;

const URL: &str = "the URL of Grafana's root, such as \"https://example.org/grafana\", without a query";
const TOKEN: &str = "a service account's token, of visible ASCII characters, and no user and password besides";
const PEM: &str = "a PEM text with at least one certificate";

/// How a [`Client`] reaches its server; made by [`Client::builder`].
///
/// ```
/// use std::time::Duration;
/// use telemetry::grafana::Client;
///
/// let grafana = Client::builder("https://example.org/grafana")
///     .token("glsa_secret")
///     .timeout(Duration::from_secs(5))
///     .retries(3)
///     .build()?;
/// assert!(!format!("{grafana:?}").contains("secret"));
/// # Ok::<(), telemetry::grafana::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is asked before `build`"]
pub struct ClientBuilder {
    /// What names the URL, and the URL.
    url: (&'static str, String),
    token: Option<(&'static str, String)>,
    basic: Option<(String, String)>,
    organization: Option<u64>,
    namespace: Option<String>,
    authorities: Option<Vec<u8>>,
    timeout: Duration,
    retries: u32,
    is_editable: bool,
    #[cfg(test)]
    header: Option<(&'static str, String)>,
}

impl ClientBuilder {
    pub(super) fn new(name: &'static str, url: String) -> ClientBuilder {
        ClientBuilder {
            url: (name, url),
            token: None,
            basic: None,
            organization: None,
            namespace: None,
            authorities: None,
            timeout: Duration::from_secs(10),
            retries: 2,
            is_editable: false,
            #[cfg(test)]
            header: None,
        }
    }

    /// What the environment says: `GRAFANA_URL`, and `GRAFANA_TOKEN` or `GRAFANA_USER` and `GRAFANA_PASSWORD`. A variable that is set to nothing counts as not
    /// set.
    ///
    /// # Errors
    /// A variable that is missing or cannot be read, by its name.
    pub fn from_env() -> Result<ClientBuilder, Error> {
        ClientBuilder::from(|name| std::env::var_os(name))
    }

    pub(super) fn from(environment: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<ClientBuilder, Error> {
        let read = |name: &'static str, takes: &'static str| match environment(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            // The value is not shown: it may be the secret.
            Some(value) => match value.into_string() {
                Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
                Err(_) => Err(Error::Setting { name, value: "…".to_owned(), takes }),
            },
        };
        let missing = |name: &'static str, takes: &'static str| Error::Setting { name, value: String::new(), takes };
        let url = read("GRAFANA_URL", URL)?.ok_or_else(|| missing("GRAFANA_URL", URL))?;
        let token = read("GRAFANA_TOKEN", TOKEN)?;
        let user = read("GRAFANA_USER", "the name of a user, with the password in GRAFANA_PASSWORD")?;
        let password = read("GRAFANA_PASSWORD", "the password of GRAFANA_USER")?;
        let mut builder = ClientBuilder::new("GRAFANA_URL", url);
        builder.token = token.map(|token| ("GRAFANA_TOKEN", token));
        builder.basic = match (user, password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            (Some(_), None) => return Err(missing("GRAFANA_PASSWORD", "the password of GRAFANA_USER")),
            (None, Some(_)) => {
                return Err(missing("GRAFANA_USER", "the name of the user whose password GRAFANA_PASSWORD is"));
            }
        };
        Ok(builder)
    }

    /// The token of a service account (`glsa_…`), which is sent with each request.
    pub fn token(mut self, token: impl Into<String>) -> ClientBuilder {
        self.token = Some(("ClientBuilder::token", token.into()));
        self
    }

    /// A user and a password, in place of a token. Grafana Cloud takes tokens alone.
    pub fn basic(mut self, user: impl Into<String>, password: impl Into<String>) -> ClientBuilder {
        self.basic = Some((user.into(), password.into()));
        self
    }

    /// The organization that a user's requests are about, where it is not the user's current one. A token belongs to one organization.
    pub fn organization(mut self, organization: u64) -> ClientBuilder {
        self.organization = Some(organization);
        self
    }

    /// The namespace in `/apis`: by default that of the organization (`default` for 1, `org-2` for 2). In Grafana Cloud it is `stacks-` and the
    /// stack's number.
    pub fn namespace(mut self, namespace: impl Into<String>) -> ClientBuilder {
        self.namespace = Some(namespace.into());
        self
    }

    /// The certificates of the authorities that the server is to be vouched for by, as a PEM text, in place of Mozilla's.
    pub fn certificate_authorities(mut self, pem: impl AsRef<[u8]>) -> ClientBuilder {
        self.authorities = Some(pem.as_ref().to_owned());
        self
    }

    /// How long one attempt at a request may take in all, 10 s by default. 1 ms is the least.
    pub fn timeout(mut self, timeout: Duration) -> ClientBuilder {
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// How often a request that can be repeated is sent again after an attempt that failed for a while: 2 times by default, at most 10. 0 sends each once.
    pub fn retries(mut self, retries: u32) -> ClientBuilder {
        self.retries = retries.min(10);
        self
    }

    /// Whether alert rules and contact points that are written can be edited in Grafana's pages. By default they cannot. What was written one way cannot
    /// be written the other: Grafana refuses that.
    pub fn editable(mut self, editable: bool) -> ClientBuilder {
        self.is_editable = editable;
        self
    }

    #[cfg(test)]
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> ClientBuilder {
        self.header = Some((name, value.into()));
        self
    }

    /// The client. Nothing is asked yet: see [`Client::health`] and [`Client::organization`].
    ///
    /// # Errors
    /// A URL, token or certificate that cannot be used; a token and a user at once.
    pub fn build(self) -> Result<Client, Error> {
        let (name, url) = self.url;
        let refused = || Error::Setting { name, value: without_secrets(&url), takes: URL };
        if url.contains(['?', '#']) {
            return Err(refused());
        }
        let (base, in_url) = access::parse(url.trim()).ok_or_else(refused)?;
        let base = base.trim_end_matches('/').to_owned();
        let basic = self.basic.or(in_url);
        let mut secrets = Vec::new();
        let authorization = match (&basic, &self.token) {
            (None, None) => None,
            (Some((user, password)), None) => {
                secrets.push(password.clone());
                Some(access::basic(user, password))
            }
            (None, Some((_, token))) if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Some(Secret(format!("Bearer {token}")))
            }
            (_, Some((name, _))) => {
                return Err(Error::Setting { name, value: "…".to_owned(), takes: TOKEN });
            }
        };
        secrets.extend(authorization.iter().filter_map(|Secret(value)| value.split(' ').nth(1).map(str::to_owned)));
        // The longest first: what is left of one that holds another would show.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let authorities = self.authorities.map(|pem| {
            Authorities::from_pem(&pem).ok_or(Error::Setting {
                name: "ClientBuilder::certificate_authorities",
                value: "…".to_owned(),
                takes: PEM,
            })
        });
        let transport = Transport {
            agent: outbound::agent(authorities.transpose()?.as_ref(), None, &base),
            base,
            authorization,
            organization: self.organization,
            secrets: secrets.into_iter().map(Secret).collect(),
            timeout: self.timeout,
            retries: self.retries,
            #[cfg(test)]
            header: self.header,
        };
        Ok(Client::new(transport, self.namespace, self.is_editable))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("url", &without_secrets(&self.url.1)).finish_non_exhaustive()
    }
}
