//! What `OTEL_*` says of OTLP: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/> and
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

use crate::config::push::Authorities;
use crate::config::push::access::Endpoint;
use crate::otlp::Style;
use std::time::Duration;

/// All that OTLP needs to know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) metrics: Option<Metrics>,
    pub(crate) traces: Option<Traces>,
}

/// Where a signal goes, and how.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signal {
    pub(crate) protocol: Protocol,
    /// With the signal's path, for HTTP.
    pub(crate) endpoint: Endpoint,
    pub(crate) is_compressed: bool,
    /// Of one request, in all.
    pub(crate) timeout: Duration,
    pub(crate) authorities: Option<Authorities>,
    /// The program's own certificate, where the receiver wants one.
    pub(crate) identity: Option<Identity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    HttpProtobuf,
    HttpJson,
    #[cfg(feature = "otlp-grpc")]
    Grpc,
}

/// A chain of certificates and the key of the first, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) certificates: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metrics {
    pub(crate) signal: Signal,
    /// `OTEL_METRIC_EXPORT_INTERVAL`.
    pub(crate) period: Duration,
    /// `OTEL_METRIC_EXPORT_TIMEOUT`.
    pub(crate) timeout: Duration,
    pub(crate) style: Style,
}

/// `OTEL_BSP_*`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Traces {
    pub(crate) signal: Signal,
    pub(crate) schedule_delay: Duration,
    pub(crate) export_timeout: Duration,
    pub(crate) max_queue: usize,
    pub(crate) max_batch: usize,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}
