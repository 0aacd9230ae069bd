//! Requests that leave: what pushing and Grafana's client have in common, which is how a host is reached and how long is waited between attempts.

pub(crate) mod backoff; // how long until the next attempt
#[cfg(any(feature = "comet", feature = "grafana"))]
pub(crate) mod oneshot; // from a thread to a task

use crate::config::push::Authorities;
use std::fmt::Write;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use ureq::http::{HeaderMap, Uri};
use ureq::tls::{Certificate, ClientCert, RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

/// What our requests say of who asks.
pub(crate) const USER_AGENT: &str = concat!("telemetry/", env!("CARGO_PKG_VERSION"));

/// How much of a refusal is read and shown.
pub(crate) const SHOWN: u64 = 512;
/// Ours is one of few programs that send for hours; a receiver's idle limit is rarely below this.
const IDLE: Duration = Duration::from_secs(20);

/// What asks the host of this URL, trusts these authorities or Mozilla's, and is itself whoever this certificate says.
pub(crate) fn agent(authorities: Option<&Authorities>, identity: Option<ClientCert>, url: &str) -> Agent {
    agent_that(true, authorities, identity, url)
}

/// The same, that may take any certificate for the host's.
pub(crate) fn agent_that(
    checks_certificates: bool,
    authorities: Option<&Authorities>,
    identity: Option<ClientCert>,
    url: &str,
) -> Agent {
    let mut tls = TlsConfig::builder().client_cert(identity).disable_verification(!checks_certificates);
    if let Some(Authorities(all)) = authorities {
        let all: Vec<_> = all.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        tls = tls.root_certs(RootCerts::new_with_certs(&all));
    }
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .proxy(proxy(url))
        .http_status_as_error(false)
        // Where to is what the settings say, and so is who may read the secrets.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections_per_host(1)
        .max_idle_age(IDLE)
        .build();
    config.new_agent()
}

/// The proxy that the environment names for such a URL. None for this machine itself: no proxy can reach it.
fn proxy(url: &str) -> Option<Proxy> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']);
    if host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
        return None;
    }
    let names = match uri.scheme_str() {
        Some("https") => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    // Left to itself the client takes the first of all such variables, whatever the scheme; `NO_PROXY` it reads right.
    if Proxy::try_from_env().is_some_and(|proxy| proxy.is_no_proxy(&uri)) {
        return None;
    }
    let named = names.into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
    Proxy::new(&named).ok()
}

/// A text within a segment or a value of a query: what RFC 3986 reserves, and all that is no ASCII, as its bytes.
#[cfg_attr(
    not(any(feature = "comet", feature = "grafana")),
    allow(dead_code, reason = "the other URLs are the user's")
)]
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A text as one line.
pub(crate) fn line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg_attr(
    not(any(feature = "push", feature = "otlp", feature = "grafana")),
    allow(dead_code, reason = "Comet says it in a header of its own")
)]
/// Seconds, or a date. <https://www.rfc-editor.org/rfc/rfc9110#name-retry-after>
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get("Retry-After")?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than can be counted is as long as can be.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::HeaderValue;

    #[test]
    fn a_wait_is_told_in_seconds_or_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, expected) in [
            ("7", Some(7)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("Retry-After", HeaderValue::from_static(value));
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
