//! What stands for the endpoint's pages with `--cfg telemetry_off`: none.

use ::axum::Router;

/// A router without routes.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
}
