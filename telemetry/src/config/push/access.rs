//! How a receiver is reached: its URL, and the secrets that it wants. No secret is ever shown.

use crate::config::percent_decoded;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use ureq::http::Uri;

/// Something that is not to be read by whoever reads a log.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What the header `Authorization` says of a user with a password.
#[cfg_attr(
    not(any(feature = "push", feature = "otlp", feature = "grafana")),
    allow(dead_code, reason = "Comet takes keys")
)]
pub(crate) fn basic(user: &str, password: &str) -> Secret {
    Secret(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

/// A receiver, as it is reached.
#[derive(Clone, PartialEq)]
pub(crate) struct Endpoint {
    /// Without a user and a password.
    pub(crate) url: String,
    /// The value of the header `Authorization`.
    pub(crate) authorization: Option<Secret>,
    /// Besides those of the protocol.
    pub(crate) headers: Vec<(String, Secret)>,
}

impl Endpoint {
    /// The URL as messages show it.
    pub(crate) fn shown(&self) -> String {
        without_secrets(&self.url)
    }

    #[cfg_attr(not(any(feature = "push", feature = "otlp")), allow(dead_code, reason = "what pushes asks for it"))]
    /// What a receiver said, without the secrets that it may have said back.
    pub(crate) fn without_secrets_in(&self, said: &str) -> String {
        let query = self.url.split_once('?').map(|(_, query)| query);
        let authorization = self.authorization.iter().flat_map(|Secret(value)| value.split(' ').skip(1));
        let headers = self.headers.iter().map(|(_, Secret(value))| &**value);
        let secrets = authorization.chain(headers).chain(query).filter(|secret| !secret.is_empty());
        secrets.fold(said.to_owned(), |said, secret| said.replace(secret, "…"))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Endpoint").field("url", &self.shown()).field("headers", &headers).finish_non_exhaustive()
    }
}

/// The URL without user and password, and these.
pub(crate) fn parse(url: &str) -> Option<(String, Option<(String, String)>)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority()?;
    let (user, place) = match authority.as_str().rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority.as_str()),
    };
    // A port that is no number is taken for none.
    if authority.host().is_empty() || (place.len() != authority.host().len() && authority.port_u16().is_none()) {
        return None;
    }
    let user = match user {
        None => None,
        Some(user) => {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            Some((percent_decoded(user)?, percent_decoded(password)?))
        }
    };
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    Some((format!("{scheme}://{place}{path}"), user))
}

/// A URL, or what was meant to be one, without what may be secret: user, password and query.
pub(crate) fn without_secrets(url: &str) -> String {
    let (start, rest) = match url.find("//") {
        Some(at) => url.split_at(at + 2),
        None => ("", url),
    };
    // The last one: whoever writes a password with `/` or `@` into a URL gets an error, which must not show it.
    let (hidden, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("…@", rest),
        None => ("", rest),
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, _)) => (rest, "?…"),
        None => (rest, ""),
    };
    format!("{start}{hidden}{rest}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_taken_out_of_a_url() {
        for (url, clean, user) in [
            ("http://h:1/a?b=c", "http://h:1/a?b=c", None),
            ("https://u:p%40%2F@h/x", "https://h/x", Some(("u", "p@/"))),
            ("http://u@[::1]:9", "http://[::1]:9/", Some(("u", ""))),
        ] {
            let user = user.map(|(user, password)| (user.to_owned(), password.to_owned()));
            assert_eq!(parse(url), Some((clean.to_owned(), user)), "{url}");
        }
        for url in ["", "h:9091", "ftp://h", "http://", "http://h:x", "/metrics", "http://u:p/w@h"] {
            assert_eq!(parse(url), None, "{url}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        for (url, shown) in [
            ("http://u:p@h:1/a?token=t", "http://…@h:1/a?…"),
            ("http://u:p/w@x@h", "http://…@h"),
            ("u:p@h", "…@h"),
            ("http://h", "http://h"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
