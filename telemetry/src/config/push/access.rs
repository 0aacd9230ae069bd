//! How a receiver is reached: its URL, and the secrets that it wants. No secret is ever shown.

use crate::config::{Setting, Variables, attribute, hide, percent_decoded};
use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::ffi::OsString;
use std::fmt;
use ureq::http::{HeaderName, HeaderValue, Uri};

/// Something that is not to be read by whoever reads a log.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A URL as it was given, which may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct GivenUrl(String);

impl fmt::Debug for GivenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_secrets(&self.0), f)
    }
}

/// What the builder was told of a receiver.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    url: Option<GivenUrl>,
    basic: Option<(String, Secret)>,
    bearer: Option<Secret>,
    headers: Vec<(String, Secret)>,
}

impl Access {
    pub(super) fn to(url: &str) -> Access {
        Access { url: Some(GivenUrl(url.to_owned())), ..Access::default() }
    }

    pub(super) fn basic_auth(&mut self, user: String, password: String) {
        self.basic = Some((user, Secret(password)));
    }

    pub(super) fn bearer_token(&mut self, token: String) {
        self.bearer = Some(Secret(token));
    }

    pub(super) fn header(&mut self, name: String, value: String) {
        self.headers.push((name, Secret(value)));
    }
}

/// The variables of a receiver, and the method of the builder that stands for them.
pub(super) struct Names {
    pub(super) url: Setting<String>,
    pub(super) token: Setting<String>,
    pub(super) headers: Setting<String>,
    pub(super) method: &'static str,
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

const URL: &str = r#"a URL such as "http://127.0.0.1:9091" or "https://user:password@host/path""#;
const HEADERS: &str = r#"pairs such as "X-Scope-OrgID=7,X-A=b%2Cc", of headers that are not the protocol's own"#;
const HEADER: &str = "a name and a value of a header that is not one of the protocol's own";
const TOKEN: &str = "a token of visible ASCII characters, and no user and password besides";

/// What the protocols set, and the client.
const RESERVED: &[&str] = &[
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-prometheus-remote-write-version",
];

/// Puts what the builder was told over what the environment holds; `None` where neither names a URL.
pub(super) fn endpoint(
    given: Access,
    names: &Names,
    variables: &Variables<impl Fn(&str) -> Option<OsString>>,
) -> Result<Option<Endpoint>, Error> {
    let (name, url) = match given.url {
        Some(GivenUrl(url)) => (names.method, url),
        None => match hide(variables.read(&names.url))? {
            Some(url) => (names.url.variable, url),
            None => return Ok(None),
        },
    };
    let refused = || Error::Setting { name, value: without_secrets(&url), takes: URL };
    let (clean, in_url) = parse(url.trim()).ok_or_else(refused)?;
    let mut headers = given.headers;
    if headers.is_empty() {
        if let Some(text) = hide(variables.read(&names.headers))? {
            let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
            // No part of it is shown: it may all be secret.
            let refused = || Error::Setting { name: names.headers.variable, value: "…".to_owned(), takes: HEADERS };
            let all: Option<Vec<_>> = pairs.map(attribute).collect();
            let all = all.ok_or_else(refused)?;
            if !all.iter().all(|(name, value)| is_header(name, value)) {
                return Err(refused());
            }
            headers = all.into_iter().map(|(name, value)| (name, Secret(value))).collect();
        }
    }
    if let Some((header, _)) = headers.iter().find(|(name, value)| !is_header(name, &value.0)) {
        return Err(Error::Setting { name: names.method, value: header.clone(), takes: HEADER });
    }
    let basic = given.basic.map(|(user, Secret(password))| (user, password)).or(in_url);
    let (token_name, token) = match given.bearer {
        Some(Secret(token)) => (names.method, Some(token)),
        // The environment's token is not for a user that the program itself named.
        None if basic.is_some() && name == names.method => (names.method, None),
        None => (names.token.variable, hide(variables.read(&names.token))?),
    };
    let authorization = match (basic, token) {
        (None, None) => None,
        (Some((user, password)), None) => Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))),
        (None, Some(token)) if token.bytes().all(|byte| byte.is_ascii_graphic()) => Some(format!("Bearer {token}")),
        (_, Some(_)) => return Err(Error::Setting { name: token_name, value: "…".to_owned(), takes: TOKEN }),
    };
    Ok(Some(Endpoint { url: clean, authorization: authorization.map(Secret), headers }))
}

fn is_header(name: &str, value: &str) -> bool {
    let reserved = RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
    !reserved && HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok()
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
        let mut access = Access::to("http://u:word@h");
        access.basic_auth("u".into(), "word".into());
        access.bearer_token("word".into());
        access.header("X".into(), "word".into());
        assert!(!format!("{access:?}").contains("word"), "{access:?}");
    }
}
