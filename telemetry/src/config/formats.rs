//! What expositions show besides, where a program asks for it.

use crate::config::{Builder, Setting, Variables};
use crate::error::Error;
use crate::export::Options;
use std::ffi::OsString;

/// What the builder was told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Formats {
    native_histograms: Option<bool>,
    created_timestamps: Option<bool>,
}

impl Builder {
    /// `TELEMETRY_NATIVE_HISTOGRAMS`: whether protobuf shows the durations of measured functions as native histograms, with four buckets an octave
    /// in place of one. Off by default.
    ///
    /// A Prometheus that takes them (`--enable-feature=native-histograms`) leaves the classic series of the same family, `_bucket`, `_sum` and `_count`, and
    /// queries of those find nothing any more: ask in both ways, as `docs/prometheus.md` shows. Others see no difference.
    pub fn native_histograms(mut self, on: bool) -> Builder {
        self.formats.native_histograms = Some(on);
        self
    }

    /// `TELEMETRY_CREATED_TIMESTAMPS`: whether `OpenMetrics` and protobuf show since when counters and histograms count. Off by default, since Prometheus
    /// keeps each `_created` line as one series more.
    pub fn created_timestamps(mut self, on: bool) -> Builder {
        self.formats.created_timestamps = Some(on);
        self
    }
}

impl Formats {
    pub(super) fn options(self, variables: &Variables<impl Fn(&str) -> Option<OsString>>) -> Result<Options, Error> {
        let native_histograms = match self.native_histograms {
            Some(given) => given,
            None => variables.read(&NATIVE_HISTOGRAMS)?.unwrap_or(false),
        };
        let created_timestamps = match self.created_timestamps {
            Some(given) => given,
            None => variables.read(&CREATED_TIMESTAMPS)?.unwrap_or(false),
        };
        Ok(Options::default().native_histograms(native_histograms).created_timestamps(created_timestamps))
    }
}

const NATIVE_HISTOGRAMS: Setting<bool> =
    Setting { variable: "TELEMETRY_NATIVE_HISTOGRAMS", takes: r#""on" or "off""#, parse: on_or_off };

const CREATED_TIMESTAMPS: Setting<bool> =
    Setting { variable: "TELEMETRY_CREATED_TIMESTAMPS", takes: r#""on" or "off""#, parse: on_or_off };

pub(super) fn on_or_off(value: &str) -> Option<bool> {
    match value {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::builder;

    fn options(builder: Builder, variables: &[(&str, &str)]) -> Result<Options, String> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        builder.config(value).map(|config| config.formats).map_err(|error| error.to_string())
    }

    #[test]
    fn both_are_off_unless_the_builder_or_the_environment_says_on() {
        let both = Options::default().native_histograms(true).created_timestamps(true);
        let on = [("TELEMETRY_NATIVE_HISTOGRAMS", "on"), ("TELEMETRY_CREATED_TIMESTAMPS", "on")];
        assert_eq!(options(builder(), &[]), Ok(Options::default()));
        assert_eq!(options(builder(), &on), Ok(both));
        assert_eq!(options(builder().native_histograms(true).created_timestamps(true), &[]), Ok(both));
        // Code wins.
        assert_eq!(options(builder().native_histograms(false).created_timestamps(false), &on), Ok(Options::default()));
    }

    #[test]
    fn another_word_is_refused() {
        for variable in ["TELEMETRY_NATIVE_HISTOGRAMS", "TELEMETRY_CREATED_TIMESTAMPS"] {
            let refused = options(builder(), &[(variable, "yes")]).unwrap_err();
            assert_eq!(refused, format!(r#"{variable} is "yes"; it takes "on" or "off""#));
        }
    }
}
