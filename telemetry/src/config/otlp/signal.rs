//! Where a signal goes: its own variables before those of all.
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options>

use super::read::Reader;
use super::{Protocol, Signal, tls};
use crate::config::push::access::{self, Endpoint, Secret};
use crate::config::{attribute, hide};
use crate::error::Error;
use std::ffi::OsString;
use std::time::Duration;
use ureq::http::{HeaderName, HeaderValue};

/// A variable of the signal, and that of all.
type Pair = [&'static str; 2];

/// The names of a signal's variables.
pub(super) struct Names {
    path: &'static str,
    endpoint: Pair,
    protocol: Pair,
    headers: Pair,
    timeout: Pair,
    compression: Pair,
    certificate: Pair,
    client_key: Pair,
    client_certificate: Pair,
    #[cfg_attr(not(feature = "otlp-grpc"), expect(dead_code, reason = "HTTP has its scheme"))]
    insecure: Pair,
}

macro_rules! names {
    ($path:literal, $signal:literal) => {
        Names {
            path: $path,
            endpoint: names!(pair $signal, "ENDPOINT"),
            protocol: names!(pair $signal, "PROTOCOL"),
            headers: names!(pair $signal, "HEADERS"),
            timeout: names!(pair $signal, "TIMEOUT"),
            compression: names!(pair $signal, "COMPRESSION"),
            certificate: names!(pair $signal, "CERTIFICATE"),
            client_key: names!(pair $signal, "CLIENT_KEY"),
            client_certificate: names!(pair $signal, "CLIENT_CERTIFICATE"),
            insecure: names!(pair $signal, "INSECURE"),
        }
    };
    (pair $signal:literal, $what:literal) => {
        [concat!("OTEL_EXPORTER_OTLP_", $signal, "_", $what), concat!("OTEL_EXPORTER_OTLP_", $what)]
    };
}

pub(super) const METRICS: Names = names!("v1/metrics", "METRICS");
pub(super) const TRACES: Names = names!("v1/traces", "TRACES");

const URL: &str = r#"a URL such as "http://127.0.0.1:4318" or "https://user:password@host/path""#;
#[cfg(feature = "otlp-grpc")]
const TARGET: &str = r#"a URL or a host and its port, such as "http://127.0.0.1:4317" or "collector:4317""#;
const HEADERS: &str =
    r#"pairs such as "Authorization=Basic%20dTpw,X-Scope-OrgID=7", of headers that are not the protocol's own"#;
const HEADER: &str = "a name and a value of a header that is not one of the protocol's own";

/// What the protocols set, and the client.
const RESERVED: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "user-agent",
];

/// `None` where nobody names an endpoint; then the rest is not read.
pub(super) fn read(
    names: &Names,
    given: &[(String, Secret)],
    reader: &mut Reader<'_, impl Fn(&str) -> Option<OsString>>,
) -> Result<Option<Signal>, Error> {
    let Some((name, url)) = first(names.endpoint, |name| hide(reader.text(name)))? else { return Ok(None) };
    let protocol = match first(names.protocol, |name| protocol(name, reader))? {
        Some((_, protocol)) => protocol,
        None => Protocol::HttpProtobuf,
    };
    let refused = |takes| Error::Setting { name, value: access::without_secrets(&url), takes };
    let (url, user) = match protocol {
        #[cfg(feature = "otlp-grpc")]
        Protocol::Grpc => {
            let is_insecure = match first(names.insecure, |name| truth(name, reader))? {
                Some((_, is_insecure)) => is_insecure,
                None => false,
            };
            target(&url, is_insecure).ok_or_else(|| refused(TARGET))?
        }
        Protocol::HttpProtobuf | Protocol::HttpJson => {
            let (url, user) = access::parse(&url).ok_or_else(|| refused(URL))?;
            // Its own variable's URL is used as it is.
            (if name == names.endpoint[0] { url } else { with_path(&url, names.path) }, user)
        }
    };
    let mut endpoint = Endpoint { url, authorization: None, headers: Vec::new() };
    if let Some((user, password)) = user {
        endpoint.authorization = Some(access::basic(&user, &password));
    }
    if let Some((name, text)) = first(names.headers, |name| hide(reader.text(name)))? {
        // No part of it is shown: it may all be secret.
        let refused = || Error::Setting { name, value: "…".to_owned(), takes: HEADERS };
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = attribute(pair).ok_or_else(refused)?;
            put(&mut endpoint, &name, value, protocol).ok_or_else(refused)?;
        }
    }
    for (header, Secret(value)) in given {
        let refused = || Error::Setting { name: "Builder::otlp_header", value: header.clone(), takes: HEADER };
        put(&mut endpoint, header, value.clone(), protocol).ok_or_else(refused)?;
    }
    let timeout = first(names.timeout, |name| reader.timeout(name))?;
    let compressions = [("gzip", true), ("none", false)];
    let compression = first(names.compression, |name| reader.choice(name, r#""gzip" or "none""#, &compressions))?;
    let authorities = first(names.certificate, |name| reader.text(name))?;
    let certificate = first(names.client_certificate, |name| reader.text(name))?;
    let key = first(names.client_key, |name| reader.text(name))?;
    let identity = match (certificate, key) {
        (None, None) => None,
        (Some((certificate, file)), Some((key, of_key))) => Some(tls::identity((certificate, &file), (key, &of_key))?),
        (Some((name, value)), None) => {
            let takes = "a file of certificates, while OTEL_EXPORTER_OTLP_CLIENT_KEY names that of the key";
            return Err(Error::Setting { name, value, takes });
        }
        (None, Some((name, value))) => {
            let takes = "a file of a key, while OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE names that of its certificate";
            return Err(Error::Setting { name, value, takes });
        }
    };
    Ok(Some(Signal {
        protocol,
        endpoint,
        is_compressed: compression.is_some_and(|(_, is_compressed)| is_compressed),
        timeout: timeout.map_or(Duration::from_secs(10), |(_, timeout)| timeout),
        authorities: authorities.map(|(name, path)| tls::authorities(name, &path)).transpose()?,
        identity,
    }))
}

/// What the first of both variables that holds anything holds, and which that is.
fn first<T>(
    names: Pair,
    mut read: impl FnMut(&'static str) -> Result<Option<T>, Error>,
) -> Result<Option<(&'static str, T)>, Error> {
    for name in names {
        if let Some(value) = read(name)? {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn protocol(
    name: &'static str,
    reader: &mut Reader<'_, impl Fn(&str) -> Option<OsString>>,
) -> Result<Option<Protocol>, Error> {
    #[cfg(feature = "otlp-grpc")]
    let (takes, grpc) = (r#""http/protobuf", "http/json" or "grpc""#, Some(Protocol::Grpc));
    #[cfg(not(feature = "otlp-grpc"))]
    let (takes, grpc) =
        (r#""http/protobuf" or "http/json"; for "grpc", build with the feature `otlp-grpc` of `telemetry`"#, None);
    let choices =
        [("http/protobuf", Some(Protocol::HttpProtobuf)), ("http/json", Some(Protocol::HttpJson)), ("grpc", grpc)];
    match reader.choice(name, takes, &choices)? {
        // A program that cannot do it would else send what the receiver does not take, to a port that is not meant for it.
        Some(None) => Err(Error::Setting { name, value: "grpc".to_owned(), takes }),
        Some(protocol) => Ok(protocol),
        None => Ok(None),
    }
}

/// A truth value, where there is one.
#[cfg(feature = "otlp-grpc")]
fn truth(
    name: &'static str,
    reader: &mut Reader<'_, impl Fn(&str) -> Option<OsString>>,
) -> Result<Option<bool>, Error> {
    reader.choice(name, r#""true" or "false""#, &[("true", true), ("false", false)])
}

/// A URL of all signals with the path of one, before the query.
fn with_path(url: &str, path: &str) -> String {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (url, None),
    };
    let slash = if base.ends_with('/') { "" } else { "/" };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{base}{slash}{path}{query}")
}

/// Where a gRPC server is: the scheme says whether it speaks TLS, and without one the setting does. A path has no meaning there.
#[cfg(feature = "otlp-grpc")]
fn target(url: &str, is_insecure: bool) -> Option<(String, Option<(String, String)>)> {
    let (clean, user) = if url.contains("://") {
        access::parse(url)?
    } else {
        access::parse(&format!("{}://{url}", if is_insecure { "http" } else { "https" }))?
    };
    let (scheme, rest) = clean.split_once("://")?;
    let place = rest.split(['/', '?']).next()?;
    Some((format!("{scheme}://{place}"), user))
}

/// Puts a header in the place of one of its name; `None` where it cannot be sent.
fn put(endpoint: &mut Endpoint, name: &str, value: String, protocol: Protocol) -> Option<()> {
    let name = name.trim().to_ascii_lowercase();
    HeaderName::from_bytes(name.as_bytes()).ok()?;
    HeaderValue::from_str(&value).ok()?;
    if RESERVED.contains(&name.as_str()) || (is_grpc(protocol) && (name.starts_with("grpc-") || name.ends_with("-bin")))
    {
        return None;
    }
    // What follows the scheme (`Basic …`) is a secret of its own, which that field is for.
    if name == "authorization" && value.contains(' ') {
        endpoint.headers.retain(|(known, _)| *known != name);
        endpoint.authorization = Some(Secret(value));
        return Some(());
    }
    if name == "authorization" {
        endpoint.authorization = None;
    }
    endpoint.headers.retain(|(known, _)| *known != name);
    endpoint.headers.push((name, Secret(value)));
    Some(())
}

#[cfg_attr(not(feature = "otlp-grpc"), expect(unused_variables, reason = "there is none"))]
fn is_grpc(protocol: Protocol) -> bool {
    #[cfg(feature = "otlp-grpc")]
    return protocol == Protocol::Grpc;
    #[cfg(not(feature = "otlp-grpc"))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_signal_comes_before_the_query() {
        for (url, expected) in [
            ("http://h:4318/", "http://h:4318/v1/metrics"),
            ("http://h/otlp", "http://h/otlp/v1/metrics"),
            ("http://h/otlp/", "http://h/otlp/v1/metrics"),
            ("http://h/a?token=b/c", "http://h/a/v1/metrics?token=b/c"),
            ("https://[::1]:4318/", "https://[::1]:4318/v1/metrics"),
        ] {
            assert_eq!(with_path(url, "v1/metrics"), expected);
        }
    }

    #[cfg(feature = "otlp-grpc")]
    #[test]
    fn a_scheme_wins_over_the_setting() {
        for (url, is_insecure, expected) in [
            ("collector:4317", false, Some("https://collector:4317")),
            ("collector:4317", true, Some("http://collector:4317")),
            ("https://collector:4317", true, Some("https://collector:4317")),
            ("http://collector:4317/", false, Some("http://collector:4317")),
            ("http://collector:4317/a?b=c", false, Some("http://collector:4317")),
            ("[::1]:4317", true, Some("http://[::1]:4317")),
            ("unix:/socket", true, None),
            ("dns:///collector:4317", true, None),
            ("collector:port", true, None),
        ] {
            assert_eq!(target(url, is_insecure).map(|(url, _)| url).as_deref(), expected, "{url}");
        }
    }
}
