//! OTLP: how a program hands its metrics and spans to a collector.

mod metrics; // from a snapshot to a request
pub(crate) mod resource; // who sends it

pub(crate) use metrics::{Durations, Style, Temporality};
