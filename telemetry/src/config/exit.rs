//! What may be done about signals that end the program.

use crate::config::formats::on_or_off;
use crate::config::{Builder, Setting, Variables};
use crate::error::Error;
use std::ffi::OsString;

impl Builder {
    /// `TELEMETRY_EXIT_SIGNALS`: whether SIGINT and SIGTERM are taken where nobody else has taken them, so that the last state is pushed and the report printed
    /// before the program ends by the signal, and SIGUSR1 likewise, which prints the report of now; `on` by default. A program that pushes nowhere and has its report
    /// switched off takes none, nor does one without a feature that sends (`push`, `otlp`, `grafana`, `comet`).
    pub fn exit_signals(mut self, takes: bool) -> Builder {
        self.exit_signals = Some(takes);
        self
    }
}

const EXIT_SIGNALS: Setting<bool> =
    Setting { variable: "TELEMETRY_EXIT_SIGNALS", takes: r#""on" or "off""#, parse: on_or_off };

pub(super) fn takes_signals(
    given: Option<bool>,
    variables: &Variables<impl Fn(&str) -> Option<OsString>>,
) -> Result<bool, Error> {
    match given {
        Some(takes) => Ok(takes),
        None => Ok(variables.read(&EXIT_SIGNALS)?.unwrap_or(true)),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::builder;

    #[test]
    fn signals_are_taken_unless_somebody_objects() {
        let takes = |builder: crate::Builder, value: Option<&str>| {
            let config = builder.config(|name| value.filter(|_| name == "TELEMETRY_EXIT_SIGNALS").map(Into::into));
            config.map(|config| config.exit_signals).map_err(|error| error.to_string())
        };
        assert_eq!(takes(builder(), None), Ok(true));
        assert_eq!(takes(builder(), Some("off")), Ok(false));
        assert_eq!(takes(builder().exit_signals(true), Some("off")), Ok(true));
        let refused = r#"TELEMETRY_EXIT_SIGNALS is "no"; it takes "on" or "off""#;
        assert_eq!(takes(builder(), Some("no")), Err(refused.to_owned()));
    }
}
