//! The endpoint's pages on a program's own [axum](::axum) server.

use crate::config::server::Server as Settings;
use crate::registry;
use crate::server::answer::{Desk, From};
use crate::server::batch::Batches;
use crate::server::document::ROUTES;
use crate::sync::{Mutex, lock};
use ::axum::Router;
use ::axum::body::Body;
use ::axum::extract::{OriginalUri, Request};
use ::axum::response::Response;
use ::axum::routing::any;
use futures_timer::Delay;
use std::sync::Arc;

/// What `init` was told: it holds for the program's own server too.
static SETTINGS: Mutex<Option<Settings>> = Mutex::new(None);

pub(crate) fn told(settings: &Settings) {
    *lock(&SETTINGS) = Some(settings.clone());
}

/// The pages of the endpoint, for a program that has a server already: `/metrics`, `/healthz`, `/`, `/api/snapshot`, `/api/catalog`.
///
/// They answer as [the endpoint's own](crate::init()) do: the same formats and compression, the token or password, the names that are allowed. What was
/// given to [`init`](crate::init()) holds, so call that first; without it anybody may ask, and the page goes by this machine's names alone. What
/// reaches the server, how long and how often, is the server's business: its deadlines and its limits hold, and ours for connections do not.
///
/// Set `TELEMETRY_LISTEN` to `off`, or [`Builder::listen`](crate::Builder::listen), where the second endpoint is not wanted.
///
/// ```
/// # use axum::Router;
/// // Below a path of its own, since a program's server has a `/` already; a scraper's `metrics_path` is then `/telemetry/metrics`.
/// let app: Router = Router::new().nest("/telemetry", telemetry::axum::router());
/// ```
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let settings = lock(&SETTINGS).clone().unwrap_or_default();
    // Readers are the server's, and not ours to cut off. The timer needs nothing of the program's runtime.
    let batches = Batches::new(registry::snapshot, |_| {}, |time| Box::pin(Delay::new(time)));
    let desk = Arc::new(Desk::new(&settings, batches));
    let mut router = Router::new();
    for (path, _) in ROUTES {
        let desk = Arc::clone(&desk);
        router =
            router.route(path, any(move |original: OriginalUri, request: Request| answer(desk, original, request)));
    }
    router
}

async fn answer(desk: Arc<Desk>, OriginalUri(original): OriginalUri, request: Request) -> Response {
    let (head, _) = request.into_parts();
    // A page at `/telemetry` is not below that path for a browser, and at `/telemetry/` it is.
    let base = match original.path().rsplit_once('/') {
        Some((_, last)) if !last.is_empty() => format!("{last}/"),
        _ => String::new(),
    };
    let (answer, _) = desk.answer(&head, From { reached: None, base: &base }).await;
    answer.map(Body::new)
}
