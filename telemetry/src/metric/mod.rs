//! What users declare: instruments, their labels and descriptors, and the series behind them.
//!
//! [`metric!`](crate::metric) makes a [`Descriptor`] and a [`Family`] for each declaration, and a function that looks up a
//! series and returns its handle. A handle is `Copy`; keep it where a lookup would be felt.

mod catalog;
mod counter;
mod descriptor;
mod family;
mod gauge;
mod histogram;
mod info;
mod label;

pub(crate) use catalog::check as check_catalog;
pub use catalog::{CatalogError, catalog};
pub use counter::{Counter, DurationCounter};
pub use descriptor::{Descriptor, Kind, Origin};
pub(crate) use family::{DEFAULT_MAX_SERIES, Series, max_series, registered, set_max_series};
pub use family::{Family, Registration};
pub use gauge::Gauge;
pub use histogram::{Histogram, Timer};
pub use info::Info;
pub(crate) use label::LabelOwned;
pub use label::{IntoLabel, LabelArg};
