//! Reads Grafana dashboards and Prometheus rules and lists what they ask of the metrics.
//!
//! Nothing here knows which metrics a program declares: [`read`] says what is wrong whatever they are ([`Reading::mistakes`]), and what
//! must be true of them ([`Reading::demands`]). The macro `telemetry::dashboards!` asks the latter of the declared families when
//! compiling, `telemetry::dashboard::check` when it is called.
//!
//! ```text
//! files -> grafana, rules -> Query -> promql -> Demand, Mistake
//!                            variables ─┘
//! ```

mod demand;
mod query;

pub use demand::{Ask, Comparison, Demand, Mistake, Place, Reads, Sample, Suffix};
