//! Prometheus' remote write: a snapshot becomes requests of at most so many samples, each a protobuf message in snappy's block format.
//! <https://prometheus.io/docs/specs/remote_write_spec/>, <https://prometheus.io/docs/specs/remote_write_spec_2_0/>

mod native; // histograms of exponential buckets
mod one; // the messages of version 1
mod points; // a snapshot's samples, one by one
mod two; // the messages of version 2

use super::client::{self, Judge};
use super::state::Packer;
use super::{Parcel, Verb};
use crate::builtin::push as families;
use crate::config::push::access::Endpoint;
use crate::config::push::{Remote, Version};
use crate::export::encode;
use crate::snapshot::{Exponential, Family, Snapshot};
use points::Points;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What a series has as its value from the moment at which it has none: Prometheus' `StaleNaN`.
/// <https://github.com/prometheus/prometheus/blob/main/model/value/value.go>
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// How often version 1 says kinds and help texts, and for how many families in a request: as Prometheus does it.
const METADATA_PERIOD: Duration = Duration::from_secs(60);
const METADATA_BATCH: usize = 500;

const HEADERS_ONE: &[(&str, &str)] = &[
    ("Content-Encoding", "snappy"),
    ("Content-Type", "application/x-protobuf"),
    ("X-Prometheus-Remote-Write-Version", "0.1.0"),
];
const HEADERS_TWO: &[(&str, &str)] = &[
    ("Content-Encoding", "snappy"),
    ("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"),
    ("X-Prometheus-Remote-Write-Version", "2.0.0"),
];

/// A request that is being filled.
trait Batch: Send {
    /// Adds a sample. The labels are in the order of their names.
    fn add(&mut self, labels: &[(&str, &str)], value: Value<'_>, about: &About<'_>);

    /// The message, after which the next one is begun.
    fn take(&mut self) -> Vec<u8>;
}

enum Value<'a> {
    Number(f64),
    Native(&'a Exponential),
    /// The end of a series that was native.
    NativeStale,
}

/// What a sample has besides.
struct About<'a> {
    family: &'a Family,
    /// Milliseconds since 1970.
    at: i64,
    /// Since when the series counts, in the same; 0 where it does not, or nobody knows.
    created: i64,
}

pub(super) struct Writer {
    settings: Remote,
    url: Arc<str>,
    /// Labels of every series, by name; none is empty.
    labels: Vec<(String, String)>,
    /// What was sent last, without values that nobody asks for.
    last: Option<Snapshot>,
    /// The time of what was sent last, in milliseconds since 1970.
    last_at: i64,
    /// When kinds and help texts were sent last.
    metadata_at: Option<Instant>,
}

impl Writer {
    pub(super) fn new(settings: Remote, job: String, instance: String) -> Writer {
        let mut labels = settings.labels.clone();
        labels.entry("job".to_owned()).or_insert(job);
        labels.entry("instance".to_owned()).or_insert(instance);
        let labels = labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let url = settings.endpoint.url.as_str().into();
        Writer { settings, url, labels, last: None, last_at: 0, metadata_at: None }
    }

    fn batch(&self) -> Box<dyn Batch> {
        match self.settings.version {
            Version::One => Box::new(one::Request::default()),
            Version::Two => Box::new(two::Request::default()),
        }
    }

    fn points(&self, at: i64, started_at: SystemTime) -> Points<'_> {
        Points::new(
            &self.labels,
            self.settings.batch,
            self.settings.native_histograms,
            self.batch(),
            at,
            milliseconds(started_at),
        )
    }

    fn parcel(&self, message: &[u8], samples: usize) -> Option<Parcel> {
        // A message above 4 GiB alone does not fit.
        let Ok(body) = snap::raw::Encoder::new().compress_vec(message) else {
            families::telemetry_push_dropped_samples_total(self.name(), "too_large").add(samples as u64);
            return None;
        };
        let headers = match self.settings.version {
            Version::One => HEADERS_ONE,
            Version::Two => HEADERS_TWO,
        };
        Some(Parcel { verb: Verb::Post, url: Arc::clone(&self.url), headers, body, samples: samples as u64 })
    }

    fn parcels(&self, messages: Vec<(Vec<u8>, usize)>) -> Vec<Parcel> {
        messages.iter().filter_map(|(message, samples)| self.parcel(message, *samples)).collect()
    }

    /// Kinds and help texts, which version 1 says apart from samples.
    fn metadata(&mut self, snapshot: &Snapshot) -> Vec<Parcel> {
        let is_due = self.metadata_at.is_none_or(|at| at.elapsed() >= METADATA_PERIOD);
        if self.settings.version != Version::One || !is_due {
            return Vec::new();
        }
        self.metadata_at = Some(Instant::now());
        let batches = snapshot.families.chunks(METADATA_BATCH);
        batches.filter_map(|families| self.parcel(&one::metadata(families), 0)).collect()
    }

    /// The end of all series that are in a snapshot and not among these.
    fn ends(&self, of: &Snapshot, seen: HashSet<u64>, at: i64) -> Vec<Parcel> {
        let mut points = self.points(at, of.started_at);
        points.end_unless(seen);
        let Ok(()) = encode(of, &mut points);
        self.parcels(points.finish().0)
    }
}

impl Packer for Writer {
    fn name(&self) -> &'static str {
        "remote_write"
    }

    fn pack(&mut self, mut snapshot: Snapshot) -> Vec<Parcel> {
        // A clock that was set back does not bring samples out of order, nor two of one time.
        let at = milliseconds(snapshot.taken_at).max(self.last_at.saturating_add(1));
        let mut points = self.points(at, snapshot.started_at);
        let Ok(()) = encode(&snapshot, &mut points);
        let (messages, seen) = points.finish();
        let mut parcels = self.parcels(messages);
        if let Some(last) = &self.last {
            parcels.extend(self.ends(last, seen, at));
        }
        parcels.extend(self.metadata(&snapshot));
        snapshot.jobs = Vec::new();
        snapshot.statements = Vec::new();
        (self.last, self.last_at) = (Some(snapshot), at);
        parcels
    }

    fn pack_last(&mut self, snapshot: Snapshot) -> Vec<Parcel> {
        let mut parcels = self.pack(snapshot);
        if self.settings.stale_at_exit {
            if let Some(last) = self.last.take() {
                self.last_at = self.last_at.saturating_add(1);
                parcels.extend(self.ends(&last, HashSet::new(), self.last_at));
            }
        }
        parcels
    }

    fn keeps_latest_only(&self) -> bool {
        false
    }

    fn endpoint(&self) -> &Endpoint {
        &self.settings.endpoint
    }

    fn judge(&self) -> Judge {
        client::judged
    }
}

/// Since 1970; a time before that is its beginning.
fn milliseconds(time: SystemTime) -> i64 {
    let passed = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
