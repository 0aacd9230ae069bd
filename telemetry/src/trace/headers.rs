//! A `HeaderMap` as OpenTelemetry's carrier.

use opentelemetry::propagation::{Extractor, Injector};

#[cfg(not(any(feature = "http", feature = "reqwest")))]
use ::axum::http::{HeaderMap, HeaderName, HeaderValue};
#[cfg(any(feature = "http", feature = "reqwest"))]
use ::http::{HeaderMap, HeaderName, HeaderValue};

pub(super) struct Read<'a>(pub(super) &'a HeaderMap);

/// A value that is no text is a mistake to all who read it.
fn text(value: &HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).unwrap_or("\u{FFFD}")
}

impl Extractor for Read<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(text)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let all: Vec<_> = self.0.get_all(key).iter().map(text).collect();
        (!all.is_empty()).then_some(all)
    }
}

#[cfg_attr(not(any(feature = "http", feature = "reqwest")), expect(dead_code, reason = "a server only reads"))]
pub(super) struct Written<'a>(pub(super) &'a mut HeaderMap);

impl Injector for Written<'_> {
    /// In place of all lines of that name. A propagator that has nothing to say of a field writes an empty value, and headers that are empty are better not sent.
    fn set(&mut self, key: &str, value: String) {
        let Ok(name) = HeaderName::try_from(key) else { return };
        match HeaderValue::try_from(value) {
            Ok(value) if !value.is_empty() => self.0.insert(name, value),
            _ => self.0.remove(name),
        };
    }
}
