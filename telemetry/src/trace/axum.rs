//! The trace in requests that an [axum] server gets.

use super::TraceContext;
use super::headers::Read;
use super::request::{self, RequestSpan};
use ::axum::extract::{MatchedPath, Request};
use ::axum::http::header::HOST;
use ::axum::http::uri::Authority;
use ::axum::middleware::{FromFnLayer, Next, from_fn};
use ::axum::response::Response;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use std::pin::Pin;

/// The layer that [`traced`] makes.
pub type Traced = FromFnLayer<Handle, (), (Request,)>;

/// What it does with a request.
pub type Handle = fn(Request, Next) -> Pin<Box<dyn Future<Output = Response> + Send>>;

/// A layer that runs handlers within the trace of who sent the request.
///
/// Each request is a span of the kind `server`, named after method and route (`GET /users/{id}`; of a request without a route the method alone), with
/// `http.request.method`, `http.route`, `url.path`, `url.scheme` where it is known, `server.address` and `server.port` after the `Host`, `http.response.status_code`, and
/// `error.type` for an answer from 500 and for a panic. Measured functions that the handler calls are its children, and [`baggage`](super::baggage) is the sender's. Queries are not shown.
///
/// The span ends with the head of the answer: a body that is streamed afterwards is not waited for. One that is made by measured functions, too, takes
/// [`current_context`](super::current_context) along. Where the sender goes away and the server drops the handler, the span ends with `telemetry.result` `cancelled`.
///
/// Give it to the router by `layer`, after the others, so that those run within the span, too; the route is known there alone, and not to what is put around a whole router.
///
/// [What the headers say](crate::trace::TraceContext::extract) is believed: on a server that everybody can reach, anybody can choose the trace and whether it is recorded.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
///
/// let app: Router = Router::new()
///     .route("/users/{id}", get(|| async { telemetry::trace::baggage("tenant").unwrap_or_default() }))
///     .layer(telemetry::trace::axum::traced());
/// ```
pub fn traced() -> Traced {
    let handle: Handle = |request, next| Box::pin(handle(request, next));
    from_fn(handle)
}

/// Left in a request that has its span, so that a layer within another one does not make a second.
#[derive(Clone)]
struct HasSpan;

async fn handle(mut request: Request, next: Next) -> Response {
    if request.extensions_mut().insert(HasSpan).is_some() {
        return next.run(request).await;
    }
    let sender = TraceContext::extract(&Read(request.headers()));
    let (name, attributes) = told(&request);
    let span = RequestSpan::begin(SpanKind::Server, name, attributes, sender.opentelemetry());
    let answer = TraceContext::from(span.context().clone()).future(next.run(request)).await;
    span.answered(answer.status().as_u16(), answer.status().is_server_error());
    answer
}

/// The name of the span, and what is known of the request before it is handled: the sampler may ask for it.
fn told(request: &Request) -> (String, Vec<KeyValue>) {
    let mut attributes = Vec::with_capacity(7);
    let mut name = request::method(request.method().as_str(), &mut attributes).to_owned();
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        name = format!("{name} {}", route.as_str());
        attributes.push(KeyValue::new("http.route", route.as_str().to_owned()));
    }
    let uri = request.uri();
    attributes.push(KeyValue::new("url.path", request::cut(path(request)).to_owned()));
    attributes.extend(uri.scheme_str().map(|scheme| KeyValue::new("url.scheme", scheme.to_owned())));
    let host = request.headers().get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    if let Some(host) = uri.authority().or(host.as_ref()) {
        attributes.push(KeyValue::new("server.address", request::cut(host.host()).to_owned()));
        attributes.extend(host.port_u16().map(|port| KeyValue::new("server.port", i64::from(port))));
    }
    (name, attributes)
}

/// As it was asked for: a nested router's begins after its own place.
fn path(request: &Request) -> &str {
    let original = request.extensions().get::<::axum::extract::OriginalUri>();
    original.map_or(request.uri(), |original| &original.0).path()
}
