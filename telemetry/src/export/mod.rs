//! The ways out: each reads a [`Snapshot`], and nothing else.
//!
//! A format is an [`Encoder`]. It writes a family and then plain samples; what histograms and summaries are made of is said here once, in
//! those terms, and a format that has its own way for them overrides it. [`encode`] walks the snapshot.

mod accept; // what a scraper says it reads
#[cfg(feature = "prometheus")]
pub(crate) mod bridge; // the `prometheus` crate's registries
mod escape; // names that not every scraper takes
mod exemplar; // which exemplars are shown, and where
pub mod flame; // who called whom, for flame graphs
mod format; // which format a scraper gets
pub mod human; // figures as people read them
pub(crate) mod json; // JSON, for whatever writes it
mod line; // what the text formats have in common
pub(crate) mod number; // figures as formats and people read them
pub mod openmetrics; // OpenMetrics 1.0
mod options; // what formats show besides, where asked
pub mod protobuf; // Prometheus' client model
mod render; // for a program's own server
pub mod report; // what a program prints when it ends
pub mod snapshot_json; // a snapshot as JSON
pub mod text; // Prometheus' text format
mod wire; // protobuf's wire format

#[cfg(feature = "prometheus")]
pub use bridge::{PrometheusCollector, prometheus_collector};
pub use format::Format;
pub(crate) use number::Bound;
pub use number::Number;
pub use options::Options;
pub use render::{Rendered, render};

use crate::snapshot::{Exponential, Family, Histogram, Labels, Series, Snapshot, Summary, Value};

/// A format.
pub trait Encoder {
    /// Why a write can fail.
    type Error;

    /// Begins a family.
    ///
    /// # Errors
    /// Where the write fails; so with all methods.
    fn family(&mut self, family: &Family) -> Result<(), Self::Error>;

    /// Writes one sample of the family that was begun last.
    ///
    /// # Errors
    /// Where the write fails.
    fn sample(&mut self, sample: &Sample<'_>) -> Result<(), Self::Error>;

    /// Writes a series whose value is one number.
    ///
    /// # Errors
    /// Where the write fails.
    fn number(&mut self, family: &Family, series: &Series, value: Number) -> Result<(), Self::Error> {
        self.sample(&Sample::plain(family, series, value))
    }

    /// Writes a histogram: cumulative buckets up to `+Inf`, `_sum`, and `_count`, which is the last bucket.
    ///
    /// # Errors
    /// Where the write fails.
    fn histogram(&mut self, family: &Family, series: &Series, histogram: &Histogram) -> Result<(), Self::Error> {
        let plain = Sample::plain(family, series, Number::Integer(0));
        let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
        let mut seen = 0u64;
        for (bound, count) in bounds.zip(&histogram.buckets) {
            seen = seen.wrapping_add(*count);
            let limit = Some(("le", bound));
            self.sample(&Sample { suffix: "_bucket", limit, value: Number::Integer(seen), ..plain })?;
        }
        self.sample(&Sample { suffix: "_sum", value: Number::Float(histogram.sum), ..plain })?;
        self.sample(&Sample { suffix: "_count", value: Number::Integer(seen), ..plain })
    }

    /// Writes a histogram of exponential buckets: over powers of two where the format has no other way.
    ///
    /// # Errors
    /// Where the write fails.
    fn exponential(&mut self, family: &Family, series: &Series, value: &Exponential) -> Result<(), Self::Error> {
        self.histogram(family, series, &value.to_powers_of_two())
    }

    /// Writes a summary: its quantiles, `_sum` and `_count`.
    ///
    /// # Errors
    /// Where the write fails.
    fn summary(&mut self, family: &Family, series: &Series, summary: &Summary) -> Result<(), Self::Error> {
        let plain = Sample::plain(family, series, Number::Integer(summary.count));
        for &(quantile, value) in &summary.quantiles {
            self.sample(&Sample { limit: Some(("quantile", quantile)), value: Number::Float(value), ..plain })?;
        }
        self.sample(&Sample { suffix: "_sum", value: Number::Float(summary.sum), ..plain })?;
        self.sample(&Sample { suffix: "_count", ..plain })
    }

    /// Ends the exposition.
    ///
    /// # Errors
    /// Where the write fails.
    fn end(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// One number with a name and labels.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The family's name.
    pub name: &'a str,
    /// What comes after the family's name: `_bucket`, `_sum`, `_count`, or nothing.
    pub suffix: &'static str,
    /// The series' labels.
    pub labels: &'a Labels,
    /// One label more, whose value is a number: `le` or `quantile`.
    pub limit: Option<(&'static str, f64)>,
    /// The value.
    pub value: Number,
}

impl<'a> Sample<'a> {
    fn plain(family: &'a Family, series: &'a Series, value: Number) -> Sample<'a> {
        Sample { name: &family.name, suffix: "", labels: &series.labels, limit: None, value }
    }
}

/// Writes all families that have a series, each once, in the order of their names.
///
/// # Errors
/// The encoder's first error, at once.
pub fn encode<E: Encoder>(snapshot: &Snapshot, encoder: &mut E) -> Result<(), E::Error> {
    for family in snapshot.families.iter().filter(|family| !family.series.is_empty()) {
        encoder.family(family)?;
        for series in &family.series {
            match &series.value {
                Value::Integer(value) => encoder.number(family, series, Number::Integer(*value))?,
                Value::Nanoseconds(value) => encoder.number(family, series, Number::Nanoseconds(*value))?,
                Value::Float(value) => encoder.number(family, series, Number::Float(*value))?,
                Value::Histogram(histogram) => encoder.histogram(family, series, histogram)?,
                Value::Exponential(exponential) => encoder.exponential(family, series, exponential)?,
                Value::Summary(summary) => encoder.summary(family, series, summary)?,
            }
        }
    }
    encoder.end()
}
