//! What stands for the reader of OpenTelemetry's instruments with `--cfg telemetry_off`: nobody asks it.

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, Pipeline, Temporality};
use std::sync::Weak;
use std::time::Duration;

/// A reader that reads nothing.
#[derive(Clone, Debug)]
pub struct Reader(());

/// A reader that reads nothing.
#[must_use]
pub fn reader() -> Reader {
    Reader(())
}

impl MetricReader for Reader {
    fn register_pipeline(&self, _pipeline: Weak<Pipeline>) {}

    fn collect(&self, _metrics: &mut ResourceMetrics) -> OTelSdkResult {
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self, _kind: InstrumentKind) -> Temporality {
        Temporality::Cumulative
    }
}
