//! What the tests share: an HTTP client, a strict reader of expositions, a real Prometheus, programs as children.

pub mod http;
pub mod parser;
pub mod program;
pub mod prometheus;
