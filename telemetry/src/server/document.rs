//! What is at which path, and how it is made.

use crate::catalog;
use crate::export::flame::{self, Weight};
use crate::export::report::live;
use crate::export::{Format, snapshot_json};
use crate::server::summary::summary;
use crate::snapshot::Snapshot;
use std::borrow::Cow;

/// What can be asked for at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Metrics,
    Health,
    Page,
    Summary,
    Live,
    Snapshot,
    Catalog,
    Speedscope,
    Folded(Weight),
}

/// All paths.
pub(super) const ROUTES: &[(&str, Route)] = &[
    ("/", Route::Page),
    ("/report", Route::Summary),
    ("/api/live", Route::Live),
    ("/metrics", Route::Metrics),
    ("/healthz", Route::Health),
    ("/health", Route::Health),
    ("/api/snapshot", Route::Snapshot),
    ("/api/catalog", Route::Catalog),
    ("/catalog.json", Route::Catalog),
    ("/api/speedscope", Route::Speedscope),
    ("/api/folded/time", Route::Folded(Weight::Time)),
    ("/api/folded/cpu", Route::Folded(Weight::Cpu)),
    ("/api/folded/bytes", Route::Folded(Weight::Bytes)),
];

impl Route {
    pub(super) fn of(path: &str) -> Option<Route> {
        ROUTES.iter().find(|(known, _)| *known == path).map(|&(_, route)| route)
    }

    /// Whether it is for a browser, and thus for known names alone.
    pub(super) fn is_for_browsers(self) -> bool {
        !matches!(self, Route::Metrics | Route::Health)
    }
}

/// A document that is made of a snapshot, with all that makes it differ from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Document {
    Metrics(Format),
    /// With what its links begin with: where a program has it below a path of its own, the last part of that.
    Summary(String),
    Live,
    Snapshot,
    Catalog,
    Speedscope,
    Folded(Weight),
}

impl Document {
    pub(super) fn content_type(&self) -> Cow<'static, str> {
        match self {
            Document::Metrics(format) => format.content_type().into(),
            Document::Summary(_) => "text/html; charset=utf-8".into(),
            Document::Folded(_) => "text/plain; charset=utf-8".into(),
            // It is UTF-8 by definition, and has no such parameter: RFC 8259, section 11.
            Document::Live | Document::Snapshot | Document::Catalog | Document::Speedscope => "application/json".into(),
        }
    }

    pub(super) fn make(&self, snapshot: &Snapshot) -> Vec<u8> {
        match self {
            Document::Metrics(format) => format.encode(snapshot),
            Document::Summary(base) => summary(snapshot, base).into_bytes(),
            Document::Live => live::encode(snapshot).into_bytes(),
            Document::Speedscope => flame::speedscope(snapshot).into_bytes(),
            Document::Folded(weight) => flame::folded(snapshot, *weight).into_bytes(),
            Document::Snapshot => snapshot_json::encode(snapshot).into_bytes(),
            Document::Catalog => catalog::Catalog::of(snapshot).json().into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_the_endpoint_has_every_path_setting_and_limit() {
        let page = include_str!("../../../docs/server.md");
        for (path, _) in ROUTES {
            assert!(page.contains(&format!("`{path}`")), "{path}");
        }
        for setting in ["LISTEN", "STRICT", "TOKEN", "BASIC_AUTH", "ALLOWED_HOSTS", "TLS_CERT", "TLS_KEY"] {
            assert!(page.contains(&format!("`TELEMETRY_{setting}`")), "{setting}");
        }
        let connections = crate::server::connections::MAX_CONNECTIONS;
        assert!(page.contains(&format!("| connections | {connections} |")), "{connections}");
    }

    #[test]
    fn paths_are_compared_as_they_are_sent() {
        assert_eq!(Route::of("/metrics"), Some(Route::Metrics));
        for path in ["", "//metrics", "/metrics/", "/Metrics", "/%6Detrics", "/./metrics", "/metrics\0"] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
