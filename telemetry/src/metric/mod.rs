//! What users declare: instruments, their labels and descriptors, and the series behind them.
//!
//! [`metric!`](crate::metric) makes a [`Descriptor`] and a [`Family`] for each declaration, and a function that looks up a
//! series and returns its handle. A handle is `Copy`; keep it where a lookup would be felt.

mod catalog;
mod clash;
mod counter;
pub(crate) mod declared;
mod descriptor;
mod family;
mod gauge;
mod histogram;
mod info;
mod label;
mod otel;
mod prefix;

pub use catalog::catalog;
pub(crate) use catalog::families;
pub use clash::{CatalogError, Clash};
pub(crate) use clash::{check as check_clashes, check_new as check_new_clashes, declared};
pub use counter::{Counter, DurationCounter};
pub use descriptor::{Descriptor, Kind, Origin};
pub(crate) use family::{DEFAULT_MAX_SERIES, Series, Shown, ShownSeries, max_series, registered, set_max_series};
pub use family::{Family, Registration};
pub use gauge::Gauge;
pub use histogram::{Histogram, Timer};
pub use info::Info;
pub(crate) use label::LabelOwned;
pub use label::{IntoLabel, Label, LabelArg, Values};
pub use otel::OtelData;
pub use prefix::PrefixError;
pub(crate) use prefix::{Prefixes, are_set as prefixes_are_set, shown_name};
