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

mod bound;
mod brought;
mod demand;
mod hash;
#[allow(dead_code)]
mod query;
mod stub;

pub use bound::Bound;
pub use brought::brings;
pub use demand::{Ask, Comparison, Demand, Mistake, Place, Reads, Sample, Suffix};
pub use hash::hash;
use std::path::PathBuf;
pub use stub::read;

/// What to read, and what is allowed in it besides declared families.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The folder that the globs begin in.
    pub root: PathBuf,
    /// Globs of dashboards.
    pub files: Vec<String>,
    /// Globs of rules.
    pub rules: Vec<String>,
    /// Beginnings of the names of other exporters' series.
    pub foreign: Vec<String>,
    /// Labels that the server adds to every target.
    pub target_labels: Vec<String>,
    /// Labels that functions are measured with.
    pub function_labels: Vec<String>,
}

/// What was read, what is wrong in it, and what it asks.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The files that were read, absolute.
    pub files: Vec<PathBuf>,
    /// What is wrong whatever is declared.
    pub mistakes: Vec<Mistake>,
    /// What must be true of the declared families.
    pub demands: Vec<Demand>,
}
