//! What the tests share: an HTTP client, a strict reader of expositions, a real Prometheus and Pushgateway, a receiver of pushes, programs as children.

pub mod http;
pub mod parser;
pub mod program;
pub mod prometheus;
pub mod pushgateway;
pub mod receiver;
