//! Where catalogues and snapshots come from: a running program, or a file.

use crate::Failed;
use clap::Args;
use std::io::Read;
use std::time::Duration;
use telemetry::catalog::Catalog;
use telemetry::export::snapshot_json;
use telemetry::snapshot::Snapshot;

/// A program answers at once, and its collectors have 2 s.
const TIMEOUT: Duration = Duration::from_secs(15);
/// What is read of an answer: 100,000 functions take less.
const LARGEST: u64 = 64 << 20;

/// A program's catalogue.
#[derive(Args, Clone)]
pub(crate) struct Source {
    /// A running program's /catalog.json, such as http://127.0.0.1:8000/catalog.json; a file that `telemetry::catalog().write(…)` wrote; or `-`
    /// for standard input
    #[arg(long, value_name = "URL|FILE")]
    from: String,
    /// The token that the program's endpoint asks for
    #[arg(long, env = "TELEMETRY_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// The same where there may be none.
#[derive(Args, Clone)]
pub(crate) struct MaybeSource {
    /// A running program's /catalog.json, such as http://127.0.0.1:8000/catalog.json; a file that `telemetry::catalog().write(…)` wrote; or `-`
    /// for standard input
    #[arg(long, value_name = "URL|FILE")]
    from: Option<String>,
    /// The token that the program's endpoint asks for
    #[arg(long, env = "TELEMETRY_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl MaybeSource {
    pub(crate) fn given(&self) -> Option<Source> {
        self.from.clone().map(|from| Source { from, token: self.token.clone() })
    }
}

impl Source {
    pub(crate) fn read(&self) -> Result<Catalog, Failed> {
        let text = Place::new(&self.from, self.token.as_deref(), "/catalog.json").read()?;
        Catalog::parse(&text).map_err(|error| format!("{}: {error}", without_secrets(&self.from)))
    }
}

/// What a running program recorded, or did when it was saved.
#[derive(Args, Clone)]
pub(crate) struct Recorded {
    /// A running program, such as http://127.0.0.1:8000; a file that was saved from its /api/snapshot; or `-` for standard input
    #[arg(value_name = "URL|FILE")]
    from: String,
    /// The token that the program's endpoint asks for
    #[arg(long, env = "TELEMETRY_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl Recorded {
    pub(crate) fn read(&self) -> Result<Snapshot, Failed> {
        let text = Place::new(&self.from, self.token.as_deref(), "/api/snapshot").read()?;
        snapshot_json::decode(&text).map_err(|error| format!("{}: {error}", without_secrets(&self.from)))
    }
}

/// Where a document is: in a file, or at an address, where it is asked for as often as one likes.
pub(crate) struct Place {
    /// As it was written, without secrets.
    pub(crate) shown: String,
    from: String,
    at: &'static str,
    token: Option<String>,
    /// None of a file.
    agent: Option<ureq::Agent>,
}

impl Place {
    /// `at` is where a program has the document; it is taken where the address names none.
    pub(crate) fn new(from: &str, token: Option<&str>, at: &'static str) -> Place {
        let is_address = ["http://", "https://"].iter().any(|scheme| from.starts_with(scheme));
        let has_no_path =
            from.split_once("://").is_some_and(|(_, rest)| !rest.trim_end_matches('/').contains(['/', '?', '#']));
        let whole = if has_no_path { format!("{}{at}", from.trim_end_matches('/')) } else { from.to_owned() };
        Place {
            shown: without_secrets(from),
            agent: is_address.then(|| agent(&whole)),
            from: whole,
            at,
            token: token.map(str::to_owned),
        }
    }

    pub(crate) fn is_address(&self) -> bool {
        self.agent.is_some()
    }

    pub(crate) fn read(&self) -> Result<String, Failed> {
        let text = match &self.agent {
            Some(agent) => self.fetched(agent),
            None => read(&self.from),
        };
        text.map_err(|why| format!("{}: {why}", self.shown))
    }

    fn fetched(&self, agent: &ureq::Agent) -> Result<String, Failed> {
        let mut request = agent.get(&self.from);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut answer = request.call().map_err(|error| match error {
            ureq::Error::Io(error) => {
                format!("cannot be reached ({error}); is the program running, and its endpoint on?")
            }
            error => error.to_string(),
        })?;
        let status = answer.status();
        match status.as_u16() {
            200 => {}
            401 | 403 => return Err(format!("answered {status}; its token goes into --token or TELEMETRY_TOKEN")),
            404 => return Err(format!("answered {status}; a program has it at {}", self.at)),
            _ => return Err(format!("answered {status}")),
        }
        let body = answer.body_mut().with_config().limit(LARGEST).read_to_string();
        body.map_err(|error| format!("the answer cannot be read ({error})"))
    }
}

fn agent(address: &str) -> ureq::Agent {
    let mut settings = ureq::Agent::config_builder();
    if is_this_machine(address) {
        // No proxy reaches it, and none is to see the token.
        settings = settings.proxy(None);
    }
    let settings = settings.timeout_global(Some(TIMEOUT)).http_status_as_error(false);
    // Who may read the token is what was asked for.
    settings.max_redirects(0).max_redirects_will_error(false).build().new_agent()
}

/// An address without a password and without its query.
fn without_secrets(from: &str) -> String {
    let Some((scheme, rest)) = from.split_once("://") else { return from.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{}", &rest[end..])
}

fn is_this_machine(from: &str) -> bool {
    let address = without_secrets(from);
    let authority = address.split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn read(path: &str) -> Result<String, Failed> {
    let mut text = String::new();
    let read = if path == "-" {
        std::io::stdin().read_to_string(&mut text).map(|_| ())
    } else {
        std::fs::read_to_string(path).map(|whole| text = whole)
    };
    read.map(|()| text).map_err(|error| format!("the file cannot be read ({error})"))
}
