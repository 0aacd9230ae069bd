//! For users' tests: what was recorded, without a server.

use crate::registry;
use crate::snapshot::Snapshot;

/// The state of the program at this moment.
#[must_use]
pub fn snapshot() -> Snapshot {
    registry::snapshot()
}

/// The value of one series as one number (a total, a gauge's value, a histogram's count), or `None` where it does not exist.
/// Reading does not create it.
///
/// ```
/// telemetry::metric! { /** Rows tested. */ counter rows_tested_total(table: &str); }
/// let value = || telemetry::testing::value("rows_tested_total", &[("table", "flights")]);
/// assert_eq!(value(), None);
/// rows_tested_total("flights").inc();
/// assert_eq!(value(), Some(1.0));
/// ```
#[must_use]
pub fn value(name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    registry::snapshot().series(name, labels).map(|series| series.value.as_f64())
}
