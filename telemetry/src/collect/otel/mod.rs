//! Instruments of the OpenTelemetry API, on the same endpoint.
//!
//! A [`Reader`] is given to the SDK's meter provider, and asked at each snapshot. Names become those that Prometheus would make of them
//! (`http.server.request.duration` in `s` is `http_server_request_duration_seconds`), attributes become labels, and which library recorded something stands
//! in `otel_scope_name` and `otel_scope_version`, as OpenTelemetry's rules for Prometheus say
//! (<https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus>).
//!
//! | OpenTelemetry | here |
//! | :--- | :--- |
//! | monotonic sum (`Counter`, `ObservableCounter`) | counter, with `_total` |
//! | other sums (`UpDownCounter`), `Gauge` | gauge |
//! | `Histogram` with explicit bounds | histogram with those bounds |
//! | `Histogram` with exponential buckets | exponential histogram, at most 256 buckets an octave, which is Prometheus' finest; over powers of two in text. Negative values count as what is below all buckets |
//!
//! Label sets are compared one by one: `("ab", "c")` and `("a", "bc")` stay two series. Two attributes whose names become one label share it, their
//! values joined by `;`. A name that is declared with [`metric!`](crate::metric!), or that another source gave first, is left
//! out here: a line on standard error says so once, and `telemetry_collector_dropped_total` counts it.
//!
//! ```
//! use opentelemetry::metrics::MeterProvider;
//! use opentelemetry_sdk::metrics::SdkMeterProvider;
//!
//! let provider = SdkMeterProvider::builder().with_reader(telemetry::otel::reader()).build();
//! provider.meter("flights").u64_counter("pages.fetched").build().add(3, &[]);
//! assert_eq!(telemetry::testing::value("pages_fetched_total", &[("otel_scope_name", "flights")]), Some(3.0));
//! ```

mod global; // whose provider is the global one
#[cfg(feature = "otlp")]
pub(crate) mod originals; // what it was before
mod points; // a metric of theirs as a family of ours

#[cfg(feature = "otlp")]
use crate::collect::target::label_name;
use crate::metric::Descriptor;
use crate::registry::{self, Collection, Collector, How, Registration};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, Temporality};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

pub(crate) use global::begin;

/// Through which snapshots see the instruments of one meter provider; made by [`reader`].
#[derive(Clone, Debug)]
pub struct Reader(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reader: ManualReader,
    registration: OnceLock<Registration>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(registration) = self.registration.take() {
            registration.unregister();
        }
    }
}

/// A reader for one `SdkMeterProvider`. Its instruments are in snapshots as long as the provider lives and was not shut down.
///
/// A program's second provider takes a second reader; a name that both give belongs to the first.
#[must_use = "give it to the builder of a meter provider"]
pub fn reader() -> Reader {
    let inner = Arc::new(Inner { reader: ManualReader::default(), registration: OnceLock::new() });
    let registration = registry::registry().add(Instruments(Arc::downgrade(&inner)), How::Limited);
    // It is new.
    let _ = inner.registration.set(registration);
    Reader(inner)
}

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.reader.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.reader.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.reader.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.reader.shutdown_with_timeout(timeout)
    }

    /// All is cumulative, as Prometheus has it.
    fn temporality(&self, _kind: InstrumentKind) -> Temporality {
        Temporality::Cumulative
    }
}

/// Gives what a provider's instruments recorded.
struct Instruments(Weak<Inner>);

impl Collector for Instruments {
    fn describe(&self) -> &[Descriptor] {
        &[]
    }

    fn name(&self) -> Cow<'static, str> {
        "opentelemetry".into()
    }

    fn collect(&self, out: &mut Collection) {
        let Some(inner) = self.0.upgrade() else { return };
        let mut metrics = ResourceMetrics::default();
        // An error says that there is no provider: not yet, or no more.
        if inner.reader.collect(&mut metrics).is_err() {
            return;
        }
        for scope in metrics.scope_metrics() {
            for metric in scope.metrics() {
                points::give(scope.scope(), metric, out);
            }
        }
    }
}
