//! What `OTEL_*` says of OTLP: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/> and
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.
//!
//! Nothing is sent before somebody names an endpoint: the specification's default, a collector on this machine, would have every program that links
//! the library knock there.

pub(crate) mod names; // which variables there are
mod read; // variables, as the specification has them read
mod signal; // where a signal goes
mod spans; // what spans are to be
mod tls; // certificates and keys

pub(crate) use spans::{Limits, Sampler};

use crate::config::push::Authorities;
use crate::config::push::access::{Endpoint, Secret};
use crate::config::{Builder, Variables};
use crate::error::Error;
use read::Reader;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

/// All that OTLP needs to know.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) metrics: Option<Metrics>,
    pub(crate) traces: Option<Traces>,
    /// `OTEL_SDK_DISABLED`: neither is sent, and no spans are made.
    pub(crate) is_disabled: bool,
    /// `OTEL_METRICS_EXEMPLAR_FILTER` is `always_off`: what is sent has no exemplars.
    pub(crate) without_exemplars: bool,
    /// `OTEL_TRACES_SAMPLER` and its argument.
    pub(crate) sampler: Sampler,
    /// `OTEL_SPAN_…_LIMIT` and the like.
    pub(crate) limits: Limits,
}

/// Where a signal goes, and how.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signal {
    pub(crate) protocol: Protocol,
    /// With the signal's path, for HTTP; scheme, host and port alone, for gRPC.
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

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
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

/// What totals count from: `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`.
/// <https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/#additional-environment-variable-configuration>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Temporality {
    /// From the start of the program.
    #[default]
    Cumulative,
    /// From the last export.
    Delta,
    /// Counters and histograms, whose instruments are synchronous here, from the last export. All of ours are, so that this is `Delta`.
    LowMemory,
}

/// What becomes of durations: `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Durations {
    /// Buckets over powers of two of a second.
    #[default]
    Explicit,
    /// The exponential buckets in which they were counted.
    Exponential,
}

/// How a program wants its metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) temporality: Temporality,
    pub(crate) durations: Durations,
}

/// What the builder was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// Variables, and what they are to hold. An endpoint may have a password in it, so that none is shown.
    variables: Vec<(String, Secret, &'static str)>,
    headers: Vec<(String, Secret)>,
}

impl Builder {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: sends metrics and spans by OTLP to the collector at this URL, to which `v1/metrics` and `v1/traces` are added where
    /// the protocol is HTTP. Without it, and the variables that name an endpoint for one of both, nothing is sent.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), telemetry::Error> {
    /// let _telemetry = telemetry::builder()
    ///     .otlp_endpoint("http://127.0.0.1:4318")
    ///     .otlp_header("x-scope-orgid", "7")
    ///     .otel("OTEL_METRIC_EXPORT_INTERVAL", "15000")
    ///     .init()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn otlp_endpoint(self, url: impl Into<String>) -> Builder {
        self.otel_as("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), url.into(), "Builder::otlp_endpoint")
    }

    /// `OTEL_EXPORTER_OTLP_PROTOCOL`: `"http/protobuf"`, which is the default, `"http/json"`, or with the feature `otlp-grpc` `"grpc"`.
    pub fn otlp_protocol(self, protocol: impl Into<String>) -> Builder {
        self.otel_as("OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(), protocol.into(), "Builder::otlp_protocol")
    }

    /// `OTEL_EXPORTER_OTLP_HEADERS`: one more header of each request, such as an `Authorization`. It takes the place of one of this name that the
    /// environment gives. The value is never shown.
    pub fn otlp_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Builder {
        self.otlp.headers.push((name.into(), Secret(value.into())));
        self
    }

    /// Says what one of OpenTelemetry's variables would, and wins over it: any that
    /// [is honoured](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/), with the text that it would hold. The methods
    /// that stand for a variable win over this one.
    pub fn otel(self, variable: impl Into<String>, value: impl Into<String>) -> Builder {
        self.otel_as(variable.into(), value.into(), "Builder::otel")
    }

    fn otel_as(mut self, variable: String, value: String, method: &'static str) -> Builder {
        self.otlp.variables.push((variable, Secret(value), method));
        self
    }
}

impl Given {
    /// What the program itself said in place of a variable; the last word counts, and a method of its own before [`Builder::otel`].
    pub(super) fn value(&self, variable: &str) -> Option<OsString> {
        self.said(variable).map(|(value, _)| value.0.clone().into())
    }

    fn said(&self, variable: &str) -> Option<(&Secret, &'static str)> {
        let all = || self.variables.iter().rev().filter(|(known, ..)| known == variable);
        let own = all().find(|(.., method)| *method != "Builder::otel");
        own.or_else(|| all().next()).map(|(_, value, method)| (value, *method))
    }

    /// What messages call a setting: the method by which it was made.
    fn name(&self, variable: &'static str) -> &'static str {
        match self.said(variable) {
            // Of this one the variable tells more.
            Some((_, "Builder::otel")) | None => variable,
            Some((_, method)) => method,
        }
    }

    /// Puts what the builder was told over what the environment holds. `notes` is what is to be said about it.
    pub(super) fn settings(
        &self,
        variables: &Variables<impl Fn(&str) -> Option<OsString>>,
        notes: &mut Vec<String>,
    ) -> Result<Settings, Error> {
        if let Some((variable, ..)) = self.variables.iter().find(|(variable, ..)| !names::is_honoured(variable)) {
            let takes = r#"a variable of OpenTelemetry's that is honoured, such as "OTEL_METRIC_EXPORT_INTERVAL""#;
            return Err(Error::Setting { name: "Builder::otel", value: variable.clone(), takes });
        }
        let mut reader = Reader { variables, given: self, notes };
        self.read(&mut reader).map_err(|error| match error {
            Error::Setting { name, value, takes } => Error::Setting { name: self.name(name), value, takes },
            Error::File { name, path, why } => Error::File { name: self.name(name), path, why },
            other => other,
        })
    }

    fn read(&self, reader: &mut Reader<'_, impl Fn(&str) -> Option<OsString>>) -> Result<Settings, Error> {
        let is_disabled = reader.boolean("OTEL_SDK_DISABLED")?;
        let mut settings = Settings { is_disabled, ..Settings::default() };
        if is_disabled {
            return Ok(settings);
        }
        if let Some(said) = reader.otlp("OTEL_METRICS_EXPORTER", cfg!(feature = "prometheus"))? {
            match signal::read(&signal::METRICS, &self.headers, reader)? {
                Some(signal) => {
                    settings.metrics = Some(Metrics::read(signal, reader)?);
                    settings.without_exemplars = reader.without_exemplars()?;
                }
                None => reader.goes_nowhere("OTEL_METRICS_EXPORTER", said),
            }
        }
        if let Some(said) = reader.otlp("OTEL_TRACES_EXPORTER", false)? {
            match signal::read(&signal::TRACES, &self.headers, reader)? {
                Some(signal) => {
                    settings.traces = Some(Traces::read(signal, reader)?);
                    settings.sampler = Sampler::read(reader)?;
                    settings.limits = Limits::read(reader)?;
                }
                None => reader.goes_nowhere("OTEL_TRACES_EXPORTER", said),
            }
        }
        Ok(settings)
    }
}

impl Metrics {
    fn read(signal: Signal, reader: &mut Reader<'_, impl Fn(&str) -> Option<OsString>>) -> Result<Metrics, Error> {
        // A thread that never rests would be the price of less.
        const SHORTEST: Duration = Duration::from_millis(10);
        let period = reader.duration("OTEL_METRIC_EXPORT_INTERVAL")?.unwrap_or(Duration::from_secs(60)).max(SHORTEST);
        let timeout = reader.timeout("OTEL_METRIC_EXPORT_TIMEOUT")?.unwrap_or(Duration::from_secs(30));
        let temporality = reader.choice(
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            r#""cumulative", "delta" or "lowmemory""#,
            &[
                ("cumulative", Temporality::Cumulative),
                ("delta", Temporality::Delta),
                ("lowmemory", Temporality::LowMemory),
            ],
        )?;
        let durations = reader.choice(
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            r#""explicit_bucket_histogram" or "base2_exponential_bucket_histogram""#,
            &[
                ("explicit_bucket_histogram", Durations::Explicit),
                ("base2_exponential_bucket_histogram", Durations::Exponential),
            ],
        )?;
        let style = Style { temporality: temporality.unwrap_or_default(), durations: durations.unwrap_or_default() };
        Ok(Metrics { signal, period, timeout, style })
    }
}

impl Traces {
    fn read(signal: Signal, reader: &mut Reader<'_, impl Fn(&str) -> Option<OsString>>) -> Result<Traces, Error> {
        const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
        let schedule_delay = reader.duration("OTEL_BSP_SCHEDULE_DELAY")?.unwrap_or(Duration::from_secs(5));
        let export_timeout = reader.timeout("OTEL_BSP_EXPORT_TIMEOUT")?.unwrap_or(Duration::from_secs(30));
        let max_queue = reader.positive("OTEL_BSP_MAX_QUEUE_SIZE")?.unwrap_or(2_048);
        let max_batch = match reader.positive(BATCH)? {
            Some(batch) if batch > max_queue => {
                let takes = "a whole number from 1 to OTEL_BSP_MAX_QUEUE_SIZE, which is 2048 by default";
                return Err(Error::Setting { name: BATCH, value: batch.to_string(), takes });
            }
            Some(batch) => batch,
            None => 512.min(max_queue),
        };
        Ok(Traces {
            signal,
            schedule_delay: schedule_delay.max(Duration::from_millis(1)),
            export_timeout,
            max_queue,
            max_batch,
        })
    }
}

#[cfg(test)]
mod tests;
