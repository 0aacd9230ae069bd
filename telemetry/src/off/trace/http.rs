//! Headers stay as they are.

use super::TraceContext;
use ::http::HeaderMap;

/// Writes nothing.
pub fn inject(_headers: &mut HeaderMap) {}

/// Reads nothing.
pub fn extract(_headers: &HeaderMap) -> TraceContext {
    super::current_context()
}
