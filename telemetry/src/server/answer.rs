//! From a request to a response. Only the method, the path and the host are looked at.

use crate::export::Format;
use crate::server::{Shared, page};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS,
};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response, StatusCode, Version};
use std::net::IpAddr;
use std::sync::Arc;

type Answer = Response<Full<Bytes>>;

const PLAIN: &str = "text/plain; charset=utf-8";

pub(super) async fn answer(request: &Request<Incoming>, shared: &Arc<Shared>) -> Answer {
    if let Err((status, why)) = check_host(request, shared.loopback) {
        return plain(status, why);
    }
    let path = request.uri().path();
    if !matches!(path, "/" | "/metrics" | "/health") {
        return plain(StatusCode::NOT_FOUND, "not found; there are /, /metrics and /health\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed; use GET or HEAD\n");
        return with(refusal, ALLOW, "GET, HEAD");
    }
    if path == "/health" {
        return plain(StatusCode::OK, "ok\n");
    }
    let Some(snapshot) = shared.snapshot().await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the snapshot took too long; a collector may hang\n");
    };
    // Hyper leaves out the body where the request is a HEAD.
    match path {
        "/metrics" => {
            let accept = request.headers().get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
            let format = Format::negotiate(Some(&accept.collect::<Vec<_>>().join(",")));
            whole(StatusCode::OK, format.content_type(), format.encode(&snapshot))
        }
        _ => {
            let page = whole(StatusCode::OK, "text/html; charset=utf-8", page::page(&snapshot));
            with(page, CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
        }
    }
}

/// Refuses a host that cannot be this machine, where only this machine can reach us. A page in the browser of whoever
/// runs this program could otherwise give its own name our address, and read everything (DNS rebinding): such requests
/// bear that page's name. Where others can reach us, they may know us by any name.
fn check_host(request: &Request<Incoming>, loopback: bool) -> Result<(), (StatusCode, &'static str)> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let header = hosts.next();
    let missing = header.is_none() && request.version() >= Version::HTTP_11;
    if missing || hosts.next().is_some() {
        return Err((StatusCode::BAD_REQUEST, "a request needs one Host header\n"));
    }
    let header = header.map(|host| Authority::try_from(host.as_bytes()));
    for host in header.into_iter().chain(request.uri().authority().cloned().map(Ok)) {
        match host {
            Err(_) => return Err((StatusCode::BAD_REQUEST, "the Host header cannot be read\n")),
            Ok(host) if loopback && !is_local(host.host()) => {
                let why = "this endpoint is for this machine; ask for it as localhost or by its IP address\n";
                return Err((StatusCode::FORBIDDEN, why));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// `localhost`, or an address: a name server cannot give an address another address.
fn is_local(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    whole(status, PLAIN, text)
}

fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let response = with(response, CONTENT_TYPE, content_type);
    // Nothing may be guessed from the content, or kept: label values come from anywhere, and each answer is of its moment.
    let response = with(response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    with(response, CACHE_CONTROL, "no-store")
}

fn with(mut response: Answer, name: HeaderName, value: &'static str) -> Answer {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_localhost_and_addresses_are_this_machine() {
        for host in ["localhost", "LocalHost", "127.0.0.1", "[::1]", "::1", "192.168.1.5"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "[localhost]"] {
            assert!(!is_local(host), "{host}");
        }
    }
}
