//! Requests, the attempts at them, and what the answers mean.

use super::error::{Error, Refusal};
use crate::config::push::access::{Secret, without_secrets};
use crate::outbound::backoff::Backoff;
use crate::outbound::{SHOWN, USER_AGENT, line, retry_after};
use serde_json::Value;
use std::fmt;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};
use ureq::http::{HeaderMap, HeaderValue, Request, Response};
use ureq::{Agent, Body};

/// The longest that a server may have a client wait between attempts; who asks for more gets no further attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The most bytes of an answer: some times what the largest lists have.
const MOST: u64 = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// One request.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// From the server's root, encoded.
    pub(super) path: String,
    pub(super) body: Option<&'a Value>,
    /// A second one of it changes nothing more.
    pub(super) is_idempotent: bool,
    /// Without a value: what counts is that it is there.
    pub(super) header: Option<(&'static str, &'static str)>,
    /// Texts of the body that no message may show.
    pub(super) secrets: Vec<String>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: Method, path: String) -> Ask<'a> {
        let is_idempotent = method != Method::Post;
        Ask { method, path, body: None, is_idempotent, header: None, secrets: Vec::new() }
    }

    pub(super) fn body(mut self, body: &'a Value) -> Ask<'a> {
        self.body = Some(body);
        self
    }

    /// A `POST` that says which state it replaces.
    pub(super) fn idempotent(mut self) -> Ask<'a> {
        self.is_idempotent = true;
        self
    }

    pub(super) fn hiding(mut self, secrets: Vec<String>) -> Ask<'a> {
        self.secrets = secrets;
        self
    }

    pub(super) fn with(mut self, header: Option<(&'static str, &'static str)>) -> Ask<'a> {
        self.header = header;
        self
    }

    /// Method and path, as messages have them.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.method.as_str(), self.path)
    }
}

pub(super) struct Transport {
    pub(super) agent: Agent,
    /// Without a slash at its end.
    pub(super) base: String,
    pub(super) authorization: Option<Secret>,
    pub(super) organization: Option<u64>,
    /// What no message may show, the longest first.
    pub(super) secrets: Vec<Secret>,
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    /// What tests ask a mock for.
    #[cfg(test)]
    pub(super) header: Option<(&'static str, String)>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("url", &self.shown())
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// The URL as messages show it.
    pub(super) fn shown(&self) -> String {
        without_secrets(&self.base)
    }

    /// Sends a request, again where that is allowed and may help; gives the answer's JSON, `null` where it has no body.
    pub(super) fn ask(&self, ask: &Ask) -> Result<Value, Error> {
        let mut backoff = Backoff::default();
        let mut left = if ask.is_idempotent { self.retries } else { 0 };
        loop {
            let error = match self.attempt(ask) {
                Ok(value) => return Ok(value),
                Err(error) if left > 0 && error.is_temporary() => error,
                Err(error) => return Err(error),
            };
            let mut wait = backoff.failed();
            if let Error::Throttled { after: Some(after), .. } = &error {
                if *after > LONGEST_WAIT {
                    return Err(error);
                }
                wait = wait.max(*after);
            }
            std::thread::sleep(wait);
            left -= 1;
        }
    }

    fn attempt(&self, ask: &Ask) -> Result<Value, Error> {
        let response = self.send(ask).map_err(|error| self.failed(ask, &error))?;
        let (parts, mut body) = response.into_parts();
        let code = parts.status.as_u16();
        if parts.status.is_redirection() {
            let to = parts.headers.get("Location").and_then(|to| to.to_str().ok()).unwrap_or_default();
            return Err(Error::Redirected { request: ask.shown(), to: self.words(ask, &without_secrets(to)) });
        }
        let bytes = match read(&mut body) {
            Ok(bytes) => bytes,
            Err(ureq::Error::Timeout(_)) => return Err(self.failed(ask, &ureq::Error::Timeout(ureq::Timeout::Global))),
            Err(ureq::Error::BodyExceedsLimit(most)) => {
                let why = format!("it has more than {most} bytes");
                return Err(Error::NotGrafana { request: ask.shown(), code, why });
            }
            Err(error) => {
                return Err(Error::Truncated { request: ask.shown(), why: self.words(ask, &error.to_string()) });
            }
        };
        let parsed =
            if bytes.iter().all(u8::is_ascii_whitespace) { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
        let text = || self.words(ask, &String::from_utf8_lossy(&bytes[..bytes.len().min(8 * SHOWN as usize)]));
        match parsed {
            Ok(value) if parts.status.is_success() => Ok(value),
            Ok(value) => Err(self.refused(ask, code, &parts.headers, &value)),
            Err(_) if code >= 500 => Err(self.refused(ask, code, &parts.headers, &Value::String(text()))),
            Err(_) if is_html(&parts.headers, &bytes) => Err(Error::Html { request: ask.shown(), code, start: text() }),
            Err(error) if parts.status.is_success() && error.is_eof() => Err(Error::Truncated {
                request: ask.shown(),
                why: format!("its JSON ends after {} bytes", bytes.len()),
            }),
            Err(_) if parts.status.is_success() => {
                let why = format!("it is no JSON: {:?}", text());
                Err(Error::NotGrafana { request: ask.shown(), code, why })
            }
            Err(_) => Err(self.refused(ask, code, &parts.headers, &Value::String(text()))),
        }
    }

    fn send(&self, ask: &Ask) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder()
            .method(ask.method.as_str())
            .uri(format!("{}{}", self.base, ask.path))
            .header("User-Agent", USER_AGENT)
            .header("Accept", "application/json");
        if let Some(Secret(value)) = &self.authorization {
            let mut value = HeaderValue::from_str(value).map_err(ureq::http::Error::from)?;
            // Not to be shown where the HTTP client logs what it does.
            value.set_sensitive(true);
            request = request.header("Authorization", value);
        }
        if let Some(organization) = self.organization {
            request = request.header("X-Grafana-Org-Id", organization);
        }
        if let Some((name, value)) = ask.header {
            request = request.header(name, value);
        }
        #[cfg(test)]
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        match ask.body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_string())?;
                self.agent.run(self.agent.configure_request(request).timeout_global(Some(self.timeout)).build())
            }
            None => {
                let request = request.body(())?;
                self.agent.run(self.agent.configure_request(request).timeout_global(Some(self.timeout)).build())
            }
        }
    }

    /// What it means that there was no answer.
    fn failed(&self, ask: &Ask, error: &ureq::Error) -> Error {
        let why = match error {
            ureq::Error::Timeout(_) => return Error::TimedOut { request: ask.shown(), timeout: self.timeout },
            // The connection was there, and ended before an answer began.
            ureq::Error::Io(error) if matches!(error.kind(), ErrorKind::UnexpectedEof) => {
                return Error::Truncated { request: ask.shown(), why: self.words(ask, &error.to_string()) };
            }
            ureq::Error::HostNotFound => "there is no such host".to_owned(),
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Protocol(error) => format!("it did not answer by HTTP: {error}"),
            error => error.to_string(),
        };
        Error::Unreachable { url: self.shown(), why: self.words(ask, &why) }
    }

    /// What a refusal means.
    fn refused(&self, ask: &Ask, code: u16, headers: &HeaderMap, body: &Value) -> Error {
        let word = |name: &str| body.get(name).and_then(Value::as_str).filter(|word| !word.trim().is_empty());
        // Kubernetes' answers say `Failure` where Grafana's have their word, and the word elsewhere.
        let is_resource = word("kind") == Some("Status");
        let status = if is_resource { word("reason") } else { word("status") };
        // `detail` and `title` are those of RFC 9457, which proxies speak.
        let message = word("message").or(word("error")).or(word("detail")).or(word("title")).or(body.as_str());
        let refusal = Refusal {
            request: ask.shown(),
            code,
            message: self.words(ask, message.unwrap_or_default()),
            status: status.map(|status| self.words(ask, status)),
        };
        let after = retry_after(headers, SystemTime::now());
        match code {
            401 => Error::Unauthorized(refusal),
            403 => Error::Forbidden(refusal),
            404 => Error::NotFound(refusal),
            409 | 412 if refusal.status.as_deref() == Some("plugin-dashboard") => Error::Refused(refusal),
            409 | 412 if is_taken(ask, &refusal) => Error::Taken(refusal),
            409 | 412 => Error::Conflict {
                what: "what was to be written".to_owned(),
                read: None,
                now: None,
                refusal: refusal.into(),
            },
            422 => Error::Unprocessable(refusal),
            429 => Error::Throttled { refusal, after },
            503 if after.is_some() => Error::Throttled { refusal, after },
            500.. => Error::Server(refusal),
            _ => Error::Refused(refusal),
        }
    }

    /// A text as one line with an end, and without secrets that the server may have said back.
    pub(super) fn words(&self, ask: &Ask, text: &str) -> String {
        let own = self.secrets.iter().map(|Secret(secret)| &**secret);
        let all = own.chain(ask.secrets.iter().map(String::as_str)).filter(|secret| !secret.is_empty());
        let mut said = text.to_owned();
        for secret in all {
            said = said.replace(secret, "…");
            // As it stands in JSON.
            let quoted = Value::from(secret).to_string();
            said = said.replace(quoted.trim_matches('"'), "…");
        }
        let mut said = line(&said);
        let mut end = said.len().min(usize::try_from(SHOWN).unwrap_or(usize::MAX));
        while !said.is_char_boundary(end) {
            end -= 1;
        }
        said.truncate(end);
        said
    }
}

fn read(body: &mut Body) -> Result<Vec<u8>, ureq::Error> {
    body.with_config().limit(MOST).read_to_vec()
}

fn is_html(headers: &HeaderMap, bytes: &[u8]) -> bool {
    let says_so = headers.get("Content-Type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    says_so || bytes.trim_ascii_start().starts_with(b"<")
}

/// Whether a conflict is about a name or a uid, rather than about a version.
fn is_taken(ask: &Ask, refusal: &Refusal) -> bool {
    let message = refusal.message.to_ascii_lowercase();
    let says_so = ["same name", "same uid", "already exists"].iter().any(|words| message.contains(words));
    match refusal.status.as_deref() {
        Some("name-exists" | "AlreadyExists") => true,
        Some("version-mismatch" | "Conflict") => false,
        _ => says_so || (ask.method == Method::Post && !ask.is_idempotent),
    }
}
