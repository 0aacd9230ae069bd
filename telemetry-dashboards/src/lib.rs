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
mod labels;
mod promql;
mod query;
mod variables;

pub use demand::{Ask, Comparison, Demand, Mistake, Place, Reads, Sample, Suffix};

use std::path::PathBuf;
/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// x
    pub root: PathBuf,
    /// x
    pub files: Vec<String>,
    /// x
    pub rules: Vec<String>,
    /// x
    pub foreign: Vec<String>,
    /// x
    pub target_labels: Vec<String>,
    /// x
    pub function_labels: Vec<String>,
}
