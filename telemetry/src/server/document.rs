//! What is at which path, and how it is made.

use crate::catalog;
use crate::export::{Format, snapshot_json};
use crate::server::page;
use crate::snapshot::Snapshot;
use std::borrow::Cow;

/// What can be asked for at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Metrics,
    Health,
    Page,
    Snapshot,
    Catalog,
}

/// All paths.
pub(super) const ROUTES: &[(&str, Route)] = &[
    ("/", Route::Page),
    ("/metrics", Route::Metrics),
    ("/healthz", Route::Health),
    ("/health", Route::Health),
    ("/api/snapshot", Route::Snapshot),
    ("/api/catalog", Route::Catalog),
    ("/catalog.json", Route::Catalog),
];

impl Route {
    pub(super) fn of(path: &str) -> Option<Route> {
        ROUTES.iter().find(|(known, _)| *known == path).map(|&(_, route)| route)
    }

    /// Whether it is for a browser, and thus for known names alone.
    pub(super) fn is_for_browsers(self) -> bool {
        matches!(self, Route::Page | Route::Snapshot | Route::Catalog)
    }
}

/// A document that is made of a snapshot, with all that makes it differ from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Document {
    Metrics(Format),
    /// With what its links begin with: where a program has it below a path of its own, the last part of that.
    Page(String),
    Snapshot,
    Catalog,
}

impl Document {
    pub(super) fn content_type(&self) -> Cow<'static, str> {
        match self {
            Document::Metrics(format) => format.content_type().into(),
            Document::Page(_) => "text/html; charset=utf-8".into(),
            // It is UTF-8 by definition, and has no such parameter: RFC 8259, section 11.
            Document::Snapshot | Document::Catalog => "application/json".into(),
        }
    }

    pub(super) fn make(&self, snapshot: &Snapshot) -> Vec<u8> {
        match self {
            Document::Metrics(format) => format.encode(snapshot),
            Document::Page(base) => page::page(snapshot, base).into_bytes(),
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
