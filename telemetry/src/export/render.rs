//! An exposition for a program's own HTTP server, whichever that is.

use crate::export::Format;
use std::borrow::Cow;

/// An exposition, as an HTTP response needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rendered {
    /// The value of `Content-Type`.
    pub content_type: Cow<'static, str>,
    /// What is sent, not compressed.
    pub body: Vec<u8>,
}

/// What the endpoint answers at `/metrics`, for a program that has a server of its own: the state of this moment, in the format that the request's
/// `Accept` header asks for; without one in the text format. Several such headers are one, with commas between them.
///
/// It takes a snapshot, which asks the [collectors](crate::Collector) and takes as long as the slowest: in an async program call it
/// where blocking is allowed. For axum there is `telemetry::axum::router` (feature `axum`).
///
/// ```
/// telemetry::metric! { /** Rows rendered. */ counter rows_rendered_total(); }
/// rows_rendered_total().add(3);
/// let rendered = telemetry::render(None);
/// assert_eq!(rendered.content_type, "text/plain; version=0.0.4; charset=utf-8");
/// assert!(String::from_utf8_lossy(&rendered.body).contains("\nrows_rendered_total 3\n"));
/// ```
#[must_use]
pub fn render(accept: Option<&str>) -> Rendered {
    let format = Format::negotiate(accept);
    Rendered { content_type: format.content_type().into(), body: format.encode(&crate::registry::snapshot()) }
}
