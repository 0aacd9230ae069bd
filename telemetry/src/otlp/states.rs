//! Snapshots as they are sent to a collector.
//!
//! What waits is sent as it is, in its order, whatever comes after it. A newer state would tell a cumulative counter's total too, but what a gauge was in
//! between, and when a counter grew, is in the older ones alone; a delta is lost with what it counted. So nothing is superseded, and what there is
//! no room for is dropped from the oldest on, and counted.

use super::metrics;
use super::signal::{Source, Way};
use super::split;
use crate::builtin::push as families;
use crate::config::otlp::{self, Style, Temporality};
use crate::config::push::Pace;
use crate::push::{Missing, Parcel, Receiver, Transport, When};
use crate::snapshot::Snapshot;

const METHOD: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

pub(crate) struct Metrics {
    way: Way,
    pace: Pace,
    style: Style,
    source: Source,
    take_snapshot: fn() -> Snapshot,
    /// What deltas are told from: the last state that was taken, whatever became of it.
    last: Option<Snapshot>,
    limit: usize,
    has_exemplars: bool,
    /// Points that could not be written.
    unwritten: u64,
}

impl Metrics {
    /// `common` is what all that is pushed shares.
    pub(crate) fn new(
        settings: &otlp::Metrics,
        common: Pace,
        resource: &opentelemetry_sdk::Resource,
        take_snapshot: fn() -> Snapshot,
    ) -> Metrics {
        let pace =
            Pace { period: Some(settings.period), timeout: settings.signal.timeout.min(settings.timeout), ..common };
        Metrics {
            way: Way::new(&settings.signal, METHOD),
            pace,
            style: settings.style,
            source: resource.into(),
            take_snapshot,
            last: None,
            limit: split::LIMIT,
            has_exemplars: true,
            unwritten: 0,
        }
    }

    /// Whether exemplars are sent: `OTEL_METRICS_EXEMPLAR_FILTER`.
    pub(crate) fn with_exemplars(mut self, has_exemplars: bool) -> Metrics {
        self.has_exemplars = has_exemplars;
        self
    }

    fn pack(&mut self, mut snapshot: Snapshot) -> Vec<Parcel> {
        let mut request = metrics::request(&snapshot, self.last.as_ref(), &self.source, self.style);
        if !self.has_exemplars {
            metrics::remove_exemplars(&mut request);
        }
        let mut parcels = Vec::new();
        for request in split::metrics(request, self.limit) {
            let samples = split::count(&request);
            match self.way.parcel(&request, samples) {
                _ if samples == 0 => {}
                Ok(parcel) => parcels.push(parcel),
                Err(_) => {
                    families::telemetry_push_dropped_samples_total(self.name(), "too_large").add(samples);
                    self.unwritten += samples;
                }
            }
        }
        if self.style.temporality != Temporality::Cumulative {
            (snapshot.jobs, snapshot.statements) = (Vec::new(), Vec::new());
            self.last = Some(snapshot);
        }
        parcels
    }
}

impl Receiver for Metrics {
    fn name(&self) -> &'static str {
        "otlp_metrics"
    }

    fn shown(&self) -> String {
        self.way.shown()
    }

    fn samples(&self) -> &'static str {
        "data points"
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    // Every series says since when it counts; so nothing is gained by a zero at the start.
    fn begins_at_once(&self) -> bool {
        false
    }

    fn take(&mut self, _: When) -> Vec<Parcel> {
        let snapshot = (self.take_snapshot)();
        self.pack(snapshot)
    }

    fn missing(&mut self) -> Missing {
        Missing { no_room: 0, unwritten: std::mem::take(&mut self.unwritten) }
    }

    fn transport(&self) -> Result<Box<dyn Transport>, String> {
        self.way.transport()
    }
}

#[cfg(test)]
mod tests;
