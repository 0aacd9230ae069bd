//! What users declare: instruments, their labels and descriptors, and the series behind them.
//!
//! [`metric!`](crate::metric) makes a [`Descriptor`] and a [`Family`] for each declaration, and a function that looks up a
//! series and returns its handle. A handle is `Copy`; keep it where a lookup would be felt.

mod catalog;
mod clash;
#[cfg_attr(telemetry_off, path = "../off/counter.rs")]
mod counter;
pub(crate) mod declared;
mod descriptor;
#[cfg(not(telemetry_off))]
mod expiry;
#[cfg_attr(telemetry_off, path = "../off/family.rs")]
mod family;
#[cfg_attr(telemetry_off, path = "../off/gauge.rs")]
mod gauge;
#[cfg_attr(telemetry_off, path = "../off/histogram.rs")]
mod histogram;
mod info;
mod label;
mod otel;
mod prefix;

pub(crate) use catalog::{catalog, families};
#[cfg(not(telemetry_off))]
pub(crate) use clash::claims;
pub use clash::{CatalogError, Clash};
pub(crate) use clash::{check as check_clashes, check_new as check_new_clashes, declared};
pub use counter::{Counter, DurationCounter};
pub use descriptor::{Descriptor, Kind, Origin};
pub(crate) use family::{DEFAULT_MAX_SERIES, registered};
pub use family::{Family, Registration};
#[cfg(not(telemetry_off))]
pub(crate) use family::{Series, Shown, ShownSeries, max_series, set_max_series};
pub use gauge::Gauge;
pub use histogram::{Histogram, Timer};
pub use info::Info;
pub(crate) use label::LabelOwned;
pub use label::{IntoLabel, Label, LabelArg, Values};
#[cfg(all(feature = "otlp", not(telemetry_off)))]
pub(crate) use otel::Named;
pub use otel::OtelData;
#[cfg(all(feature = "otel", not(telemetry_off)))]
pub(crate) use otel::scraped;
pub use prefix::PrefixError;
pub(crate) use prefix::{Prefixes, are_set as prefixes_are_set, shown_name};
