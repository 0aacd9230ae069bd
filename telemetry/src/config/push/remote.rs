//! What a program says of the receiver of its remote writes.

use super::access::Endpoint;
use super::receiver::{self, Access, Names};
use super::{is_label_name, text};
use crate::config::formats::on_or_off;
use crate::config::{Setting, Variables, attribute};
use crate::error::Error;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// A receiver of Prometheus' remote write. Made of its URL, as a text or with [`RemoteWrite::new`].
///
/// ```
/// use telemetry::RemoteWrite;
///
/// let receiver = RemoteWrite::new("https://metrics.example.com/api/v1/write").bearer_token("…").label("region", "eu");
/// let builder = telemetry::builder().remote_write(receiver);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is pushed before the builder has it, and `init`"]
pub struct RemoteWrite {
    access: Access,
    version: Option<u8>,
    labels: Vec<(String, String)>,
    batch: Option<usize>,
    native_histograms: Option<bool>,
    stale_at_exit: Option<bool>,
}

impl From<&str> for RemoteWrite {
    fn from(url: &str) -> RemoteWrite {
        RemoteWrite::new(url)
    }
}

impl From<String> for RemoteWrite {
    fn from(url: String) -> RemoteWrite {
        RemoteWrite::new(&url)
    }
}

impl RemoteWrite {
    /// The receiver at this URL, which for a Prometheus ends in `/api/v1/write`.
    pub fn new(url: &str) -> RemoteWrite {
        RemoteWrite { access: Access::to(url), ..RemoteWrite::default() }
    }

    /// `TELEMETRY_REMOTE_WRITE_VERSION`: the protocol, 1 (the default, which every receiver takes) or 2, which says kind, help and start of each
    /// series with its samples.
    pub fn version(mut self, version: u8) -> RemoteWrite {
        self.version = Some(version);
        self
    }

    /// `TELEMETRY_REMOTE_WRITE_LABELS`: one more label of every series. `job` and `instance` are there by themselves, and can be set to something
    /// else, or to nothing, which leaves them out.
    pub fn label(mut self, label: impl Into<String>, value: impl Into<String>) -> RemoteWrite {
        self.labels.push((label.into(), value.into()));
        self
    }

    /// `TELEMETRY_REMOTE_WRITE_BATCH`: the most samples in a request, 2,000 by default as with Prometheus itself.
    pub fn batch(mut self, samples: usize) -> RemoteWrite {
        self.batch = Some(samples);
        self
    }

    /// `TELEMETRY_NATIVE_HISTOGRAMS`: whether durations of measured functions are sent as native histograms, in place of `_bucket`, `_sum` and
    /// `_count`. Off by default.
    pub fn native_histograms(mut self, on: bool) -> RemoteWrite {
        self.native_histograms = Some(on);
        self
    }

    /// `TELEMETRY_REMOTE_WRITE_AT_EXIT`: whether all series are marked as ended when the program ends (`stale`, the default), so that nobody sees its
    /// last values as those of a running program; or not (`keep`).
    pub fn stale_at_exit(mut self, stale: bool) -> RemoteWrite {
        self.stale_at_exit = Some(stale);
        self
    }

    /// User and password; wins over those in the URL.
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<String>) -> RemoteWrite {
        self.access.basic_auth(user.into(), password.into());
        self
    }

    /// `TELEMETRY_REMOTE_WRITE_TOKEN`: a bearer token.
    pub fn bearer_token(mut self, token: impl Into<String>) -> RemoteWrite {
        self.access.bearer_token(token.into());
        self
    }

    /// `TELEMETRY_REMOTE_WRITE_HEADERS`: one more header of every request, such as `X-Scope-OrgID`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> RemoteWrite {
        self.access.header(name.into(), value.into());
        self
    }
}

/// The protocol's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// Where and how to write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remote {
    pub(crate) endpoint: Endpoint,
    pub(crate) version: Version,
    /// Over `job` and `instance`; an empty value leaves its label out.
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) batch: usize,
    pub(crate) native_histograms: bool,
    pub(crate) stale_at_exit: bool,
}

impl Remote {
    /// Puts what the builder was told over what the environment holds.
    pub(super) fn read(
        given: Option<RemoteWrite>,
        variables: &Variables<impl Fn(&str) -> Option<OsString>>,
    ) -> Result<Option<Remote>, Error> {
        let given = given.unwrap_or_default();
        let Some(endpoint) = receiver::endpoint(given.access, &NAMES, variables)? else { return Ok(None) };
        let version = match given.version {
            Some(version) => VERSION.parse("RemoteWrite::version", &version.to_string())?,
            None => variables.read(&VERSION)?.unwrap_or(Version::One),
        };
        let mut labels = variables.read(&LABELS)?.unwrap_or_default();
        for (label, value) in given.labels {
            if !is_label_name(&label) {
                let takes =
                    "a label name that does not start with `__`, such as \"region\", other than `le` and `quantile`";
                return Err(Error::Setting { name: "RemoteWrite::label", value: label, takes });
            }
            labels.insert(label, value);
        }
        let batch = match given.batch {
            Some(batch) => BATCH.parse("RemoteWrite::batch", &batch.to_string())?,
            None => variables.read(&BATCH)?.unwrap_or(DEFAULT_BATCH),
        };
        let native_histograms = match given.native_histograms {
            Some(on) => on,
            None => variables.read(&NATIVE_HISTOGRAMS)?.unwrap_or(false),
        };
        let stale_at_exit = match given.stale_at_exit {
            Some(stale) => stale,
            None => variables.read(&AT_EXIT)?.unwrap_or(true),
        };
        Ok(Some(Remote { endpoint, version, labels, batch, native_histograms, stale_at_exit }))
    }
}

/// Prometheus' own `max_samples_per_send` since 2.54.
const DEFAULT_BATCH: usize = 2_000;

const NAMES: Names = Names {
    url: text("TELEMETRY_REMOTE_WRITE"),
    token: text("TELEMETRY_REMOTE_WRITE_TOKEN"),
    headers: text("TELEMETRY_REMOTE_WRITE_HEADERS"),
    method: "Builder::remote_write",
};

const VERSION: Setting<Version> = Setting {
    variable: "TELEMETRY_REMOTE_WRITE_VERSION",
    takes: r#""1" or "2""#,
    parse: |value| match value {
        "1" => Some(Version::One),
        "2" => Some(Version::Two),
        _ => None,
    },
};

const LABELS: Setting<BTreeMap<String, String>> = Setting {
    variable: "TELEMETRY_REMOTE_WRITE_LABELS",
    takes: r#"pairs such as "region=eu,instance=", of labels other than `le` and `quantile`, with "%2C" for a comma in a value"#,
    parse: |value| {
        let pairs = value.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        pairs.map(|pair| attribute(pair).filter(|(label, _)| is_label_name(label))).collect()
    },
};

const BATCH: Setting<usize> = Setting {
    variable: "TELEMETRY_REMOTE_WRITE_BATCH",
    takes: r#"a whole number from 1, such as "2000""#,
    parse: |value| value.parse().ok().filter(|&samples| samples > 0),
};

const NATIVE_HISTOGRAMS: Setting<bool> =
    Setting { variable: "TELEMETRY_NATIVE_HISTOGRAMS", takes: r#""on" or "off""#, parse: on_or_off };

const AT_EXIT: Setting<bool> = Setting {
    variable: "TELEMETRY_REMOTE_WRITE_AT_EXIT",
    takes: r#""stale" or "keep""#,
    parse: |value| match value {
        "stale" => Some(true),
        "keep" => Some(false),
        _ => None,
    },
};
