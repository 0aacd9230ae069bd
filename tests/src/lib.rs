//! What the tests share: an HTTP client, strict readers of expositions, other people's readers, a real Prometheus and Pushgateway, what they
//! scrape, a receiver of pushes, programs as children.

pub mod client_model;
pub mod http;
pub mod openmetrics;
pub mod parser;
pub mod program;
pub mod prometheus;
pub mod pushgateway;
pub mod receiver;
pub mod reference;
pub mod target;
