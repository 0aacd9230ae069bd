//! The trace in requests that [`reqwest`] sends.
//!
//! Only requests that are sent by [`send_traced`](TracedRequest::send_traced) or [`execute`] carry it. There is no hook for all of a client's, since whoever gets the headers
//! sees the trace's number and the baggage: use them for services that belong to you, and `send` for those of others.
//!
//! A redirect is followed by the client itself, with the same headers, wherever it leads, and is part of the one span. Where it may lead out of what is yours, give the client
//! `redirect::Policy::none()`.

use super::context::current_context;
use super::headers::Written;
use super::request::{self, RequestSpan};
use super::{TraceContext, propagator};
use ::reqwest::{Client, Error, Request, RequestBuilder, Response, Result, Url};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use std::fmt::Write;

/// Sending a request with the trace in it.
pub trait TracedRequest {
    /// Sends the request as `send` does, as a span of its own within what runs here, and with the trace in its headers. Headers of the same names are replaced.
    ///
    /// The span is of the kind `client` and named after the method. It has `http.request.method`, `url.full`, `server.address`, `server.port`,
    /// `http.response.status_code`, and `error.type` for an answer from 400 and for none (`timeout`, `connect`, `redirect`, `body`, `request`, `decode`). It ends when the
    /// headers of the answer are there: its body is read later. The URL is shown without user, password and fragment, and without the values of its query, of which nobody
    /// can tell which are secret.
    ///
    /// Without a tracer there is no span, and the trace of what runs here goes along as it is.
    ///
    /// ```no_run
    /// use telemetry::trace::reqwest::TracedRequest;
    ///
    /// #[telemetry::measured]
    /// async fn price(client: &reqwest::Client) -> reqwest::Result<String> {
    ///     client.get("http://prices.internal/eur").send_traced().await?.text().await
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of `send`, as they are.
    ///
    /// # Cancellation
    /// The request is given up, and its span ends with `telemetry.result` `cancelled`.
    fn send_traced(self) -> impl Future<Output = Result<Response>> + Send;
}

impl TracedRequest for RequestBuilder {
    fn send_traced(self) -> impl Future<Output = Result<Response>> + Send {
        let parent = current_context();
        let (client, request) = self.build_split();
        async move { send(parent, &client, request?).await }
    }
}

/// The same for a request that was built before: `client.execute(request)` with the trace in it.
///
/// # Errors
/// Those of `Client::execute`, as they are.
///
/// # Cancellation
/// As [`send_traced`](TracedRequest::send_traced).
pub fn execute(client: &Client, request: Request) -> impl Future<Output = Result<Response>> + Send {
    let parent = current_context();
    async move { send(parent, client, request).await }
}

async fn send(parent: TraceContext, client: &Client, mut request: Request) -> Result<Response> {
    let mut attributes = Vec::with_capacity(6);
    let name = request::method(request.method().as_str(), &mut attributes);
    let url = request.url();
    attributes.push(KeyValue::new("url.full", request::cut(&shown(url)).to_owned()));
    attributes.extend(url.host_str().map(|host| KeyValue::new("server.address", host.to_owned())));
    attributes.extend(url.port_or_known_default().map(|port| KeyValue::new("server.port", i64::from(port))));
    let span = RequestSpan::begin(SpanKind::Client, name.to_owned(), attributes, parent.opentelemetry());
    let context = TraceContext::from(span.context().clone());
    propagator::inject(context.opentelemetry(), &mut Written(request.headers_mut()));
    let answer = context.future(client.execute(request)).await;
    match &answer {
        Ok(answer) => span.answered(answer.status().as_u16(), answer.status().as_u16() >= 400),
        Err(error) => span.failed(error_type(error), &message(error)),
    }
    answer
}

fn error_type(error: &Error) -> &'static str {
    // What took too long may be a connection, too.
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_body() {
        "body"
    } else if error.is_decode() {
        "decode"
    } else {
        "request"
    }
}

/// What was in the way: of the error's own text, which has the URL in it, nothing.
fn message(error: &Error) -> String {
    let mut text = error_type(error).to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if !error.is::<Error>() {
            // Writing to a `String` cannot fail.
            let _ = write!(text, ": {error}");
        }
        source = error.source();
    }
    text
}

/// A URL without what may be secret.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_fragment(None);
    // Refused for URLs that have neither.
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user {
        let _ = shown.set_username(HIDDEN);
        let _ = shown.set_password(Some(HIDDEN));
    }
    if let Some(query) = url.query() {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((name, value)) if !value.is_empty() => format!("{name}={HIDDEN}"),
            Some(_) => part.to_owned(),
            None if part.is_empty() => String::new(),
            // It may be the secret itself.
            None => HIDDEN.to_owned(),
        });
        shown.set_query(Some(&parts.collect::<Vec<_>>().join("&")));
    }
    shown.into()
}

/// The conventions' word.
const HIDDEN: &str = "REDACTED";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_secrets() {
        for (url, expected) in [
            ("http://a.example/path", "http://a.example/path"),
            ("https://user:hush@a.example:8443/p?x=1#hush", "https://REDACTED:REDACTED@a.example:8443/p?x=REDACTED"),
            ("http://hush@a.example/", "http://REDACTED:REDACTED@a.example/"),
            (
                "http://a.example/?key=hush=more&empty=&hush&&b=%41",
                "http://a.example/?key=REDACTED&empty=&REDACTED&&b=REDACTED",
            ),
            ("http://[::1]:80/", "http://[::1]/"),
            ("data:text/plain,x", "data:text/plain,x"),
        ] {
            assert_eq!(shown(&Url::parse(url).unwrap()), expected);
        }
    }
}
