//! One request, by HTTP or HTTPS.
//!
//! The client is `ureq`: blocking, as a thread of our own wants it, well kept, with TLS by rustls, and with one time limit for all of
//! a request, from the name's look-up to the last byte of the answer, which a receiver that drips cannot stretch. hyper, which the
//! endpoint uses, has no connector, no TLS and no blocking interface.

use super::{Outcome, Parcel, Transport, Verb};
use crate::config::push::Authorities;
use crate::config::push::access::Endpoint;
use crate::outbound;
#[cfg(feature = "push")]
use crate::outbound::{SHOWN, line, retry_after};
#[cfg(feature = "push")]
use std::io::Read;
use std::time::Duration;
#[cfg(feature = "push")]
use std::time::SystemTime;
#[cfg(feature = "push")]
use ureq::http::HeaderMap;
#[cfg(feature = "push")]
use ureq::http::StatusCode;
use ureq::http::{HeaderValue, Request, Response};
use ureq::tls::{ClientCert, PemItem, PrivateKey, parse_pem};
use ureq::{Agent, Body, Error};

pub(crate) struct Client {
    agent: Agent,
    endpoint: Endpoint,
    user_agent: &'static str,
    judge: Judge,
}

/// What an answer says of its request.
pub(crate) type Judge = fn(Response<Body>, &Endpoint) -> Outcome;

impl Client {
    /// A client for requests to this receiver.
    ///
    /// # Errors
    /// A certificate or a key that cannot be read.
    pub(crate) fn new(
        endpoint: Endpoint,
        authorities: Option<&Authorities>,
        identity: Option<(&[u8], &[u8])>,
        judge: Judge,
    ) -> Result<Client, String> {
        let identity = match identity {
            Some((certificates, key)) => {
                Some(own(certificates, key).ok_or("the client's certificate or key cannot be read")?)
            }
            None => None,
        };
        let agent = outbound::agent(authorities, identity, &endpoint.url);
        Ok(Client { agent, endpoint, user_agent: outbound::USER_AGENT, judge })
    }

    /// With other words for who asks.
    #[cfg(feature = "otlp")]
    pub(crate) fn calls_itself(mut self, user_agent: &'static str) -> Client {
        self.user_agent = user_agent;
        self
    }

    fn ask(&self, parcel: &Parcel, timeout: Duration) -> Result<Response<Body>, Error> {
        let endpoint = &self.endpoint;
        let mut request = Request::builder().uri(&*parcel.url).header("User-Agent", self.user_agent);
        for &(name, value) in parcel.headers {
            request = request.header(name, value);
        }
        let authorization = endpoint.authorization.iter().map(|value| ("Authorization", value));
        for (name, value) in endpoint.headers.iter().map(|(name, value)| (&**name, value)).chain(authorization) {
            let mut value = HeaderValue::from_str(&value.0).map_err(ureq::http::Error::from)?;
            // Not to be shown where the client logs what it does.
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        match parcel.verb {
            #[cfg(feature = "push")]
            Verb::Delete => {
                let request = request.method("DELETE").body(())?;
                let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
                self.agent.run(request)
            }
            verb => {
                let method = if verb == Verb::Post { "POST" } else { "PUT" };
                let request = request.method(method).body(parcel.body.as_slice())?;
                let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
                self.agent.run(request)
            }
        }
    }
}

impl Transport for Client {
    fn send(&mut self, parcel: &Parcel, timeout: Duration) -> Outcome {
        match self.ask(parcel, timeout) {
            Ok(response) => (self.judge)(response, &self.endpoint),
            Err(error) => failed(&error),
        }
    }
}

/// A chain of certificates, and the key of its first.
fn own(certificates: &[u8], key: &[u8]) -> Option<ClientCert> {
    let mut chain = Vec::new();
    for item in parse_pem(certificates) {
        if let PemItem::Certificate(certificate) = item.ok()? {
            chain.push(certificate);
        }
    }
    (!chain.is_empty()).then_some(())?;
    Some(ClientCert::new_with_certs(&chain, PrivateKey::from_pem(key).ok()?))
}

/// By the rules of Pushgateway and remote write: 2xx is taken, 5xx and 429 are to be tried again, all else never.
#[cfg(feature = "push")]
pub(super) fn judged(mut response: Response<Body>, endpoint: &Endpoint) -> Outcome {
    let status = response.status();
    if status.is_success() {
        return Outcome::Taken;
    }
    let asked = retry_after(response.headers(), SystemTime::now());
    let taken = taken(response.headers());
    let why = match endpoint.without_secrets_in(&text(response.body_mut())) {
        text if text.is_empty() => format!("answered {status}"),
        text => format!("answered {status}: {text}"),
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS => Outcome::Later { after: asked, kind: "throttled", why },
        _ if status.is_server_error() => Outcome::Later { after: asked, kind: "unavailable", why },
        _ => Outcome::Refused { taken, why },
    }
}

/// What a request that got no answer says of the receiver: that it may be there later. A request that cannot be made is none.
fn failed(error: &Error) -> Outcome {
    let (kind, why) = match error {
        Error::Timeout(_) => ("timeout", "did not answer in time".to_owned()),
        Error::HostNotFound => ("unreachable", "is a host that cannot be found".to_owned()),
        Error::Io(error) => ("unreachable", format!("cannot be reached ({error})")),
        Error::Protocol(error) => ("unreachable", format!("did not answer by HTTP ({error})")),
        Error::Http(error) => return Outcome::Refused { taken: 0, why: format!("cannot be asked ({error})") },
        error => ("unreachable", format!("cannot be reached ({error})")),
    };
    Outcome::Later { after: None, kind, why }
}

/// The start of an answer, as one line. That it is cut off, or is no text, does not matter.
#[cfg(feature = "push")]
fn text(body: &mut Body) -> String {
    let mut bytes = Vec::new();
    // What came before an error is shown all the same.
    let _ = body.as_reader().take(SHOWN).read_to_end(&mut bytes);
    line(&String::from_utf8_lossy(&bytes))
}

/// How many samples of a refused request were taken, by version 2 of remote write.
#[cfg(feature = "push")]
fn taken(headers: &HeaderMap) -> u64 {
    let names = ["X-Prometheus-Remote-Write-Samples-Written", "X-Prometheus-Remote-Write-Histograms-Written"];
    let value = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    names.into_iter().filter_map(value).fold(0, u64::saturating_add)
}
