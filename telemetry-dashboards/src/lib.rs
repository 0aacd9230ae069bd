//! Reads Grafana dashboards and Prometheus rules and lists what they ask of the metrics.
//!
//! Nothing here knows which metrics a program declares: [`read`] says what is wrong whatever they are ([`Reading::mistakes`]), and what
//! must be true of them ([`Reading::demands`]). The macro `telemetry::dashboards!` asks the latter of the declared families when
//! compiling, `telemetry::dashboard::check` when it is called.
//!
//! ```text
//! globs -> sources -> grafana (template), rules (yaml) -> Query -> promql -> Demand, Mistake
//!                             └─ reads ──────┘       variables (scan) ─┘
//! ```

mod bound;
mod brought;
mod demand;
mod grafana;
mod hash;
mod labels;
mod nearest;
mod promql;
mod query;
mod read;
mod reads;
mod rules;
mod scan;
mod sources;
mod template;
mod variables;
mod yaml;

pub use bound::Bound;
pub use brought::brings;
pub use demand::{Ask, Comparison, Demand, Mistake, Place, Reads, Sample, Suffix};
pub use hash::hash;
pub use nearest::did_you_mean;
pub use read::{Reading, Sources, matchers, mistakes, read};
