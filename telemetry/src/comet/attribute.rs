//! What `#[experiment]` calls.
