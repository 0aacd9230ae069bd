//! The span of a request, on either side.

use super::calls;
use super::propagator::quietly;
use opentelemetry::trace::{SpanBuilder, SpanKind, SpanRef, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};

/// How much of a text of somebody else's is shown, in bytes.
const MAX_TEXT: usize = 2048;

/// A request that runs. Dropped without an end it was given up, or it unwound.
pub(super) struct RequestSpan {
    context: Context,
    is_ended: bool,
}

impl RequestSpan {
    /// Begins a span of the application's tracer within `parent`. Where it has none, what runs is what ran.
    pub(super) fn begin(kind: SpanKind, name: String, attributes: Vec<KeyValue>, parent: &Context) -> RequestSpan {
        if parent.is_telemetry_suppressed() {
            return RequestSpan { context: parent.clone(), is_ended: true };
        }
        let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes);
        match quietly(|| calls::begin_other(builder, parent)).flatten() {
            Some(context) => RequestSpan { context, is_ended: false },
            None => RequestSpan { context: parent.clone(), is_ended: true },
        }
    }

    /// What runs for the request.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// It was answered.
    pub(super) fn answered(mut self, status: u16, is_error: bool) {
        self.end(|span| {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
            if is_error {
                span.set_attribute(KeyValue::new("error.type", status.to_string()));
                span.set_status(Status::error(""));
            }
        });
    }

    /// There is no answer.
    #[cfg_attr(not(feature = "reqwest"), expect(dead_code, reason = "a server always answers"))]
    pub(super) fn failed(mut self, error_type: &'static str, message: &str) {
        self.end(|span| {
            span.set_attribute(KeyValue::new("error.type", error_type));
            span.set_status(Status::error(cut(message).to_owned()));
        });
    }

    /// Ends it once, with what there is to tell of it.
    fn end(&mut self, tell: impl FnOnce(&SpanRef<'_>)) {
        if !std::mem::replace(&mut self.is_ended, true) {
            let span = self.context.span();
            quietly(|| {
                tell(&span);
                calls::end_other(&self.context);
            });
        }
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        let unwinds = std::thread::panicking();
        self.end(|span| {
            span.set_attribute(KeyValue::new("telemetry.result", if unwinds { "panic" } else { "cancelled" }));
            if unwinds {
                span.set_attribute(KeyValue::new("error.type", "panic"));
                span.set_status(Status::error("panicked"));
            }
        });
    }
}

/// The method as the conventions have it: one that is not known is not told from others, so that nobody makes names for us.
pub(super) fn method(method: &str, attributes: &mut Vec<KeyValue>) -> &'static str {
    const KNOWN: [&str; 10] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"];
    let known = KNOWN.iter().copied().find(|known| *known == method);
    attributes.push(KeyValue::new("http.request.method", known.unwrap_or("_OTHER")));
    if known.is_none() {
        attributes.push(KeyValue::new("http.request.method_original", cut(method).to_owned()));
    }
    known.unwrap_or("HTTP")
}

/// The beginning of a text.
pub(super) fn cut(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_not_known_makes_no_name() {
        let mut attributes = Vec::new();
        assert_eq!(method("GET", &mut attributes), "GET");
        assert_eq!(method("get", &mut attributes), "HTTP");
        let shown: Vec<_> = attributes.iter().map(|one| (one.key.as_str(), one.value.to_string())).collect();
        let own = |name, value: &str| (name, value.to_owned());
        assert_eq!(
            shown,
            [
                own("http.request.method", "GET"),
                own("http.request.method", "_OTHER"),
                own("http.request.method_original", "get"),
            ]
        );
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("ä"), "ä");
        let long = format!("x{}", "ä".repeat(2000));
        assert_eq!(cut(&long).len(), MAX_TEXT - 1);
    }
}
