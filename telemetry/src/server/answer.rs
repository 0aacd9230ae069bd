//! From a request to a response. Looks at the method, the path, and the headers `Host`, `Authorization`, `Accept` and `Accept-Encoding`; never at
//! a body.

use crate::builtin::endpoint::telemetry_server_responses_total;
use crate::config::server::{Hosts, Server as Settings};
use crate::export::Format;
use crate::server::auth::Credentials;
use crate::server::batch::{Answer as Made, Batches};
use crate::server::coding::{Accepted, Coding};
use crate::server::document::{Document, Route};
use crate::server::host::Names;
use crate::server::page;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;

pub(super) type Answer = Response<Full<Bytes>>;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Whom we answer, and what.
pub(super) struct Desk {
    pub(super) batches: Arc<Batches>,
    credentials: Credentials,
    hosts: Hosts,
}

/// Where a request came in.
#[derive(Default)]
pub(super) struct From<'a> {
    /// The address at which it reached us, where that is known.
    pub(super) reached: Option<IpAddr>,
    /// What links begin with that are relative to the page.
    pub(super) base: &'a str,
}

impl Desk {
    pub(super) fn new(settings: &Settings, batches: Arc<Batches>) -> Desk {
        Desk { batches, credentials: Credentials::new(&settings.auth), hosts: settings.hosts.clone() }
    }

    /// The answer, and the number of its body where others may share that.
    pub(super) async fn answer(&self, request: &Parts, from: From<'_>) -> (Answer, u64) {
        let (answer, number) = match self.check(request, from.reached) {
            Ok(Route::Health) => (plain(StatusCode::OK, "ok\n"), 0),
            Ok(Route::Page) => (page::answer(&request.headers, from.base), 0),
            Ok(route) => self.document(route, request, from.base).await,
            Err(refusal) => (*refusal, 0),
        };
        telemetry_server_responses_total(answer.status().as_str()).inc();
        (answer, number)
    }

    /// What is asked for, where that may be had.
    fn check(&self, request: &Parts, reached: Option<IpAddr>) -> Result<Route, Box<Answer>> {
        let names = Names::of(&request.headers, &request.uri, request.version);
        let names = names.map_err(|why| plain(StatusCode::BAD_REQUEST, why))?;
        let route = Route::of(request.uri.path());
        // Before the secrets: a browser should not ask its user for them in somebody else's name.
        if route.is_some_and(Route::is_for_browsers) && !names.are_known(&self.hosts, reached) {
            let why = "this page is for known names; ask for it as localhost or by its IP address, or add the name to \
                       TELEMETRY_ALLOWED_HOSTS\n";
            return Err(plain(StatusCode::FORBIDDEN, why).into());
        }
        // A probe for life has no secrets, nor has the page, which asks for a token itself; for a password the browser asks.
        let is_open = match route {
            Some(Route::Health) => true,
            Some(Route::Page) => !self.credentials.has_password(),
            _ => false,
        };
        if !is_open && !self.credentials.admit(&request.headers) {
            let mut refusal = plain(StatusCode::UNAUTHORIZED, "credentials are needed\n");
            for challenge in self.credentials.challenges() {
                refusal.headers_mut().append(WWW_AUTHENTICATE, challenge.clone());
            }
            return Err(refusal.into());
        }
        let Some(route) = route else {
            let why = "not found; there are /, /report, /metrics, /healthz, /api/snapshot, /api/catalog, /api/speedscope and /api/folded/time\n";
            return Err(plain(StatusCode::NOT_FOUND, why).into());
        };
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed; use GET or HEAD\n");
            return Err(with(refusal, ALLOW, HeaderValue::from_static("GET, HEAD")).into());
        }
        Ok(route)
    }

    async fn document(&self, route: Route, request: &Parts, base: &str) -> (Answer, u64) {
        let document = match route {
            // Beside what it links to, unless the program has it at the root.
            Route::Summary => Document::Summary(if base == "/" { base } else { "" }.to_owned()),
            Route::Live => Document::Live,
            Route::Speedscope => Document::Speedscope,
            Route::Folded(weight) => Document::Folded(weight),
            Route::Snapshot => Document::Snapshot,
            Route::Catalog => Document::Catalog,
            Route::Metrics | Route::Health | Route::Page => {
                Document::Metrics(Format::negotiate(list(&request.headers, &ACCEPT).as_deref()))
            }
        };
        let Some(accepted) = Accepted::negotiate(list(&request.headers, &ACCEPT_ENCODING).as_deref()) else {
            let zstd = if cfg!(feature = "zstd") { ", zstd" } else { "" };
            let why = format!("not acceptable; Accept-Encoding may allow identity, gzip{zstd}\n");
            return (varying(whole(StatusCode::NOT_ACCEPTABLE, PLAIN, why)), 0);
        };
        let content_type = HeaderValue::try_from(&*document.content_type()).unwrap_or(PLAIN);
        let Some(Made { bytes, coding, number }) = self.batches.ask(document, accepted).await else {
            let why = "the snapshot took too long; a collector may hang\n";
            return (plain(StatusCode::SERVICE_UNAVAILABLE, why), 0);
        };
        // What carries it leaves out the body where the request is a HEAD, and says its length all the same.
        let mut answer = varying(whole(StatusCode::OK, content_type, bytes));
        if let Some(name) = Coding::name(coding) {
            answer = with(answer, CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        if route.is_for_browsers() {
            let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
            answer = with(answer, CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        (answer, number)
    }
}

/// All values of a header, as the one list that they are; without those that are no text.
pub(super) fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    whole(status, PLAIN, text)
}

pub(super) fn whole(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let response = with(response, CONTENT_TYPE, content_type);
    // Nothing may be guessed from the content, or kept: label values come from anywhere, and each answer is of its moment.
    let response = with(response, X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    with(response, CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// Says what the answer depends on.
pub(super) fn varying(response: Answer) -> Answer {
    with(response, VARY, HeaderValue::from_static("Accept, Accept-Encoding"))
}

pub(super) fn with(mut response: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    response.headers_mut().insert(name, value);
    response
}
