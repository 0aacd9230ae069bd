//! A receiver as the builder and the environment tell of it.

use super::access::{self, Endpoint, Secret, parse, without_secrets};
use crate::config::{Setting, Variables, attribute, hide};
use crate::error::Error;
use std::ffi::OsString;
use std::fmt;
use ureq::http::{HeaderName, HeaderValue};

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
        (Some((user, password)), None) => Some(access::basic(&user, &password)),
        (None, Some(token)) if token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Some(Secret(format!("Bearer {token}")))
        }
        (_, Some(_)) => return Err(Error::Setting { name: token_name, value: "…".to_owned(), takes: TOKEN }),
    };
    Ok(Some(Endpoint { url: clean, authorization, headers }))
}

fn is_header(name: &str, value: &str) -> bool {
    let reserved = RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
    !reserved && HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let mut access = Access::to("http://u:word@h");
        access.basic_auth("u".into(), "word".into());
        access.bearer_token("word".into());
        access.header("X".into(), "word".into());
        assert!(!format!("{access:?}").contains("word"), "{access:?}");
    }
}
