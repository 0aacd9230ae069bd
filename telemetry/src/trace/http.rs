//! The trace in the headers of requests, as the crate [`http`] has them: for clients, servers and queues of which this library knows nothing.
//!
//! Three headers carry it: `traceparent` and `tracestate` of [W3C's Trace Context](https://www.w3.org/TR/trace-context/), and `baggage` of [W3C's
//! Baggage](https://www.w3.org/TR/baggage/). `OTEL_PROPAGATORS` says which of them are read and written (`tracecontext`, `baggage`, `none`), and the application's own
//! propagator, where it has set one (`opentelemetry::global::set_text_map_propagator`), goes before all that.

use super::context::{TraceContext, current_context};
use super::headers::{Read, Written};
use ::http::HeaderMap;

/// Writes what runs on this thread into the headers of a request that is about to be sent. Headers of the same names are replaced. Where nothing runs they stay as they are.
///
/// Give it requests to services that belong to you alone: whoever gets the headers sees the trace's number and the baggage.
///
/// ```
/// let mut request = http::Request::get("http://prices.internal/eur").body(()).unwrap();
/// telemetry::trace::http::inject(request.headers_mut());
/// ```
pub fn inject(headers: &mut HeaderMap) {
    current_context().inject(&mut Written(headers));
}

/// Reads the headers of a request that came in: what is to run for it is a child of who sent it.
///
/// Never fails. As W3C has it, a `traceparent` that is malformed, of version `ff`, or there twice begins a new trace; one of a later version is read as far as it is
/// known. A `tracestate` with a mistake in it, or with more than 32 entries, is not used; several lines are one. Of `baggage`, 64 entries and 8,192 bytes are used.
///
/// ```
/// async fn handle(request: http::Request<Vec<u8>>) {
///     let sender = telemetry::trace::http::extract(request.headers());
///     sender.future(answer(request)).await
/// }
///
/// #[telemetry::measured]
/// async fn answer(request: http::Request<Vec<u8>>) { /* … */ }
/// # let _ = handle;
/// ```
pub fn extract(headers: &HeaderMap) -> TraceContext {
    TraceContext::extract(&Read(headers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::{HeaderName, HeaderValue};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |&(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn headers_come_back() {
        let lines = headers(&[("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "b=2")]);
        let mut written = HeaderMap::new();
        extract(&lines).scope(|| inject(&mut written));
        assert_eq!(written, lines);
    }

    #[test]
    fn lines_are_joined_and_parents_are_not() {
        let context = extract(&headers(&[("traceparent", PARENT), ("baggage", "a=1"), ("baggage", "b=2")]));
        assert_eq!((context.baggage("a").as_deref(), context.baggage("b").as_deref()), (Some("1"), Some("2")));
        assert!(!extract(&headers(&[("traceparent", PARENT), ("traceparent", PARENT)])).is_valid());
        assert!(!extract(&headers(&[("traceparent", PARENT), ("traceparent", "ä")])).is_valid());
    }

    #[test]
    fn what_is_no_text_is_a_mistake() {
        let mut lines = headers(&[("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "b=2")]);
        for name in ["tracestate", "baggage"] {
            lines.append(name, HeaderValue::from_bytes(b"c=\xff").unwrap());
        }
        let context = extract(&lines);
        assert_eq!(context.traceparent().as_deref(), Some(PARENT));
        let mut written = HeaderMap::new();
        context.scope(|| inject(&mut written));
        assert_eq!(written, headers(&[("traceparent", PARENT), ("baggage", "b=2")]));
    }

    #[test]
    fn the_users_headers_are_replaced_and_stay_where_nothing_runs() {
        let old = headers(&[("traceparent", "old"), ("traceparent", "old"), ("tracestate", "old=1"), ("accept", "x")]);
        let mut written = old.clone();
        inject(&mut written);
        extract(&HeaderMap::new()).scope(|| inject(&mut written));
        assert_eq!(written, old);
        extract(&headers(&[("traceparent", PARENT)])).scope(|| inject(&mut written));
        assert_eq!(written, headers(&[("traceparent", PARENT), ("accept", "x")]));
    }
}
