//! Where to push, how often, and how much may wait.

pub(crate) mod access; // how a receiver is reached
#[cfg(feature = "push")]
mod gateway;
#[cfg(feature = "push")]
mod receiver; // what was told of one
#[cfg(feature = "push")]
mod remote;

#[cfg(feature = "push")]
pub(crate) use gateway::Gateway;
#[cfg(feature = "push")]
pub use gateway::Pushgateway;
#[cfg(feature = "push")]
pub use remote::RemoteWrite;
#[cfg(feature = "push")]
pub(crate) use remote::{Remote, Version};

use crate::config::{Builder, Setting, Variables};
use crate::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::tls::{Certificate, PemItem, parse_pem};

/// What the builder was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    #[cfg(feature = "push")]
    gateway: Option<Pushgateway>,
    #[cfg(feature = "push")]
    remote: Option<RemoteWrite>,
    period: Option<Option<Duration>>,
    timeout: Option<Duration>,
    deadline: Option<Duration>,
    queue_bytes: Option<usize>,
    queue_samples: Option<usize>,
    ca_file: Option<PathBuf>,
}

impl Builder {
    #[cfg(feature = "push")]
    /// `TELEMETRY_PUSHGATEWAY`: pushes to a Pushgateway, whose URL this is or holds.
    pub fn pushgateway(mut self, gateway: impl Into<Pushgateway>) -> Builder {
        self.push.gateway = Some(gateway.into());
        self
    }

    #[cfg(feature = "push")]
    /// `TELEMETRY_REMOTE_WRITE`: pushes by Prometheus' remote write, to a receiver whose URL this is or holds.
    pub fn remote_write(mut self, receiver: impl Into<RemoteWrite>) -> Builder {
        self.push.remote = Some(receiver.into());
        self
    }

    /// `TELEMETRY_PUSH_PERIOD`: how often the state is pushed, 15 s by default, from 10 ms; or `None` (`off`) for only when the program ends, and
    /// at [`Telemetry::flush`](crate::Telemetry::flush).
    pub fn push_period(mut self, period: impl Into<Option<Duration>>) -> Builder {
        self.push.period = Some(period.into());
        self
    }

    /// `TELEMETRY_PUSH_TIMEOUT`: how long one request may take in all, 10 s by default.
    pub fn push_timeout(mut self, timeout: Duration) -> Builder {
        self.push.timeout = Some(timeout);
        self
    }

    /// `TELEMETRY_PUSH_DEADLINE`: how long the end of the program, or a flush, waits for what is being pushed, 5 s by default.
    pub fn push_deadline(mut self, deadline: Duration) -> Builder {
        self.push.deadline = Some(deadline);
        self
    }

    /// `TELEMETRY_PUSH_QUEUE_BYTES` and `TELEMETRY_PUSH_QUEUE_SAMPLES`: how much may wait for a receiver that cannot be reached, 16 MiB as they are
    /// sent, and 1,000,000 samples. What is oldest makes room for what is new, and is counted.
    pub fn push_queue(mut self, bytes: usize, samples: usize) -> Builder {
        (self.push.queue_bytes, self.push.queue_samples) = (Some(bytes), Some(samples));
        self
    }

    /// `TELEMETRY_PUSH_CA_FILE`: a PEM file with the certificates of the authorities that receivers are to be vouched for by, in place of Mozilla's.
    pub fn push_ca_file(mut self, path: impl AsRef<Path>) -> Builder {
        self.push.ca_file = Some(path.as_ref().to_owned());
        self
    }
}

/// All that pushing needs to know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    #[cfg(feature = "push")]
    pub(crate) gateway: Option<Gateway>,
    #[cfg(feature = "push")]
    pub(crate) remote: Option<Remote>,
    pub(crate) pace: Pace,
    /// Where other authorities than Mozilla's are to be trusted.
    pub(crate) authorities: Option<Authorities>,
}

/// How often, how long, how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// `None`: only when asked to, and at the end.
    pub(crate) period: Option<Duration>,
    pub(crate) timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) queue_bytes: usize,
    pub(crate) queue_samples: usize,
}

/// Certificates in DER.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Authorities(pub(crate) Vec<Vec<u8>>);

impl Authorities {
    /// Those of a PEM text, which has at least one. What else is in it (a key) is left out.
    pub(crate) fn from_pem(pem: &[u8]) -> Option<Authorities> {
        let mut certificates = Vec::new();
        for item in parse_pem(pem) {
            if let PemItem::Certificate(certificate) = item.ok()? {
                certificates.push(Certificate::der(&certificate).to_vec());
            }
        }
        (!certificates.is_empty()).then_some(Authorities(certificates))
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} certificates", self.0.len())
    }
}

impl Given {
    /// Puts what the builder was told over what the environment holds. `service` names this program.
    pub(super) fn settings(
        self,
        #[cfg_attr(not(feature = "push"), expect(unused_variables, reason = "a Pushgateway asks for it"))]
        service: &str,
        variables: &Variables<impl Fn(&str) -> Option<OsString>>,
    ) -> Result<Settings, Error> {
        #[cfg(feature = "push")]
        let gateway = Gateway::read(self.gateway, service, variables)?;
        #[cfg(feature = "push")]
        let remote = Remote::read(self.remote, variables)?;
        let period = match self.period {
            Some(None) => None,
            Some(Some(period)) => PERIOD.parse("Builder::push_period", &nanoseconds(period))?,
            None => variables.read(&PERIOD)?.unwrap_or(Some(Duration::from_secs(15))),
        };
        let timeout = match self.timeout {
            Some(timeout) => TIMEOUT.parse("Builder::push_timeout", &nanoseconds(timeout))?,
            None => variables.read(&TIMEOUT)?.unwrap_or(Duration::from_secs(10)),
        };
        let deadline = match self.deadline {
            Some(deadline) => deadline,
            None => variables.read(&DEADLINE)?.unwrap_or(Duration::from_secs(5)),
        };
        let queue_bytes = match self.queue_bytes {
            Some(bytes) => QUEUE_BYTES.parse("Builder::push_queue", &bytes.to_string())?,
            None => variables.read(&QUEUE_BYTES)?.unwrap_or(16 << 20),
        };
        let queue_samples = match self.queue_samples {
            Some(samples) => QUEUE_SAMPLES.parse("Builder::push_queue", &samples.to_string())?,
            None => variables.read(&QUEUE_SAMPLES)?.unwrap_or(1_000_000),
        };
        let ca_file = match self.ca_file {
            Some(path) => Some(("Builder::push_ca_file", path)),
            None => variables.read(&CA_FILE)?.map(|path| (CA_FILE.variable, path.into())),
        };
        let authorities = ca_file.map(|(name, path)| authorities(name, &path)).transpose()?;
        let pace = Pace { period, timeout, deadline, queue_bytes, queue_samples };
        Ok(Settings {
            #[cfg(feature = "push")]
            gateway,
            #[cfg(feature = "push")]
            remote,
            pace,
            authorities,
        })
    }
}

fn authorities(name: &'static str, path: &Path) -> Result<Authorities, Error> {
    let refused = || Error::Setting { name, value: path.display().to_string(), takes: CA_FILE.takes };
    let pem = super::file::read(path).map_err(|_| refused())?;
    Authorities::from_pem(&pem).ok_or_else(refused)
}

/// As [`duration`] reads it back.
fn nanoseconds(duration: Duration) -> String {
    format!("{}ns", duration.as_nanos())
}

const TAKES_DURATION: &str = r#"a duration such as "15s", "500ms" or "2m""#;

const PERIOD: Setting<Option<Duration>> = Setting {
    variable: "TELEMETRY_PUSH_PERIOD",
    takes: r#"a duration from 10 ms, such as "15s", "500ms" or "2m", or "off""#,
    parse: |value| match value {
        "off" => Some(None),
        _ => duration(value).filter(|&period| period >= Duration::from_millis(10)).map(Some),
    },
};

const TIMEOUT: Setting<Duration> = Setting {
    variable: "TELEMETRY_PUSH_TIMEOUT",
    takes: TAKES_DURATION,
    parse: |value| duration(value).filter(|timeout| !timeout.is_zero()),
};

const DEADLINE: Setting<Duration> =
    Setting { variable: "TELEMETRY_PUSH_DEADLINE", takes: TAKES_DURATION, parse: duration };

const QUEUE_BYTES: Setting<usize> = Setting {
    variable: "TELEMETRY_PUSH_QUEUE_BYTES",
    takes: r#"a number of bytes from 1, such as "16777216""#,
    parse: |value| value.parse().ok().filter(|&bytes| bytes > 0),
};

const QUEUE_SAMPLES: Setting<usize> = Setting {
    variable: "TELEMETRY_PUSH_QUEUE_SAMPLES",
    takes: r#"a whole number from 1, such as "1000000""#,
    parse: |value| value.parse().ok().filter(|&samples| samples > 0),
};

const CA_FILE: Setting<String> = Setting {
    variable: "TELEMETRY_PUSH_CA_FILE",
    takes: "a readable PEM file with at least one certificate",
    parse: |value| Some(value.to_owned()),
};

/// A variable that holds any text.
#[cfg(feature = "push")]
const fn text(variable: &'static str) -> Setting<String> {
    Setting { variable, takes: "a text", parse: |value| Some(value.to_owned()) }
}

/// A whole number and its unit.
fn duration(value: &str) -> Option<Duration> {
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = value.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit.trim_start() {
        "ns" => Some(Duration::from_nanos(number)),
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3_600).map(Duration::from_secs),
        _ => None,
    }
}

/// Whether all series can have a label of this name; `le` and `quantile` are those of buckets and quantiles.
/// <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>
#[cfg(feature = "push")]
fn is_label_name(name: &str) -> bool {
    if ["le", "quantile"].contains(&name) {
        return false;
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty()
        && !name.starts_with("__")
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(allowed)
}

#[cfg(all(test, feature = "push"))]
mod tests;
