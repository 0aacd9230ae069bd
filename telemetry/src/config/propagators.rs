//! What goes along with a request: `OTEL_PROPAGATORS`.
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration>

use crate::config::{Setting, Variables};
use crate::error::Error;
use std::ffi::OsString;

/// Which headers a trace is read from and written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Propagators {
    /// W3C's `traceparent` and `tracestate`.
    pub(crate) trace_context: bool,
    /// W3C's `baggage`.
    pub(crate) baggage: bool,
}

const PROPAGATORS: Setting<String> = Setting {
    variable: "OTEL_PROPAGATORS",
    takes: r#"a list of "tracecontext" and "baggage", or "none""#,
    parse: |value| Some(value.to_ascii_lowercase()),
};

impl Propagators {
    /// Words that are not known count as not said, and `notes` says so, as the specification asks.
    pub(super) fn read(
        variables: &Variables<impl Fn(&str) -> Option<OsString>>,
        notes: &mut Vec<String>,
    ) -> Result<Propagators, Error> {
        let both = Propagators { trace_context: true, baggage: true };
        let Some(list) = variables.read(&PROPAGATORS)? else { return Ok(both) };
        let mut propagators = Propagators { trace_context: false, baggage: false };
        let mut is_understood = false;
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "tracecontext" => (propagators.trace_context, is_understood) = (true, true),
                "baggage" => (propagators.baggage, is_understood) = (true, true),
                "none" => is_understood = true,
                "b3" | "b3multi" | "jaeger" | "xray" | "ottrace" => {
                    // Whoever names one does not mean the others.
                    is_understood = true;
                    notes.push(format!("the propagator {word:?} of {} is not supported", PROPAGATORS.variable));
                }
                _ => notes.push(format!(
                    "{} has {word:?} in it, which does nothing; it takes {}",
                    PROPAGATORS.variable, PROPAGATORS.takes
                )),
            }
        }
        Ok(if is_understood { propagators } else { both })
    }

    /// What the environment says, and what is to be said of that. What is no text counts as not set.
    #[cfg(not(telemetry_off))]
    pub(crate) fn of_environment() -> (Propagators, Vec<String>) {
        let mut notes = Vec::new();
        let variables = Variables(|name: &str| std::env::var_os(name));
        let read = Propagators::read(&variables, &mut notes).unwrap_or_else(|error| {
            notes.push(error.to_string());
            Propagators { trace_context: true, baggage: true }
        });
        (read, notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_which() {
        for (list, trace_context, baggage, noted) in [
            (None, true, true, 0),
            (Some(""), true, true, 0),
            (Some("none"), false, false, 0),
            (Some("TraceContext"), true, false, 0),
            (Some("baggage, tracecontext,baggage"), true, true, 0),
            (Some("b3,baggage"), false, true, 1),
            (Some("b3multi"), false, false, 1),
            (Some("trace-context"), true, true, 1),
        ] {
            let mut notes = Vec::new();
            let variables = Variables(|name: &str| list.filter(|_| name == "OTEL_PROPAGATORS").map(OsString::from));
            let read = Propagators::read(&variables, &mut notes).unwrap();
            assert_eq!(read, Propagators { trace_context, baggage }, "{list:?}");
            assert_eq!(notes.len(), noted, "{notes:?}");
        }
    }
}
