//! How the specification has its variables read.
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#type-specific-guidance>
//!
//! A truth value, or a word out of a list, that is none must not keep a program from starting: it counts as not set, and a line says so. Where the
//! program itself said it, and where a number or a URL cannot be read, it is an error.

use super::Given;
use crate::config::{Setting, Variables};
use crate::error::Error;
use std::ffi::OsString;
use std::time::Duration;

/// What the specification has no limit called: the longest time that fits into 32 bits of milliseconds, some 25 days.
const WITHOUT_LIMIT: Duration = Duration::from_millis(i32::MAX as u64);

pub(super) struct Reader<'a, F> {
    pub(super) variables: &'a Variables<F>,
    pub(super) given: &'a Given,
    /// What is to be said at the start.
    pub(super) notes: &'a mut Vec<String>,
}

impl<F: Fn(&str) -> Option<OsString>> Reader<'_, F> {
    /// What it holds, if anything.
    pub(super) fn text(&self, variable: &'static str) -> Result<Option<String>, Error> {
        self.number(variable, "a text", |value| Some(value.to_owned()))
    }

    /// Only `true` is true.
    pub(super) fn boolean(&mut self, variable: &'static str) -> Result<bool, Error> {
        let choices = [("true", true), ("false", false)];
        Ok(self.choice(variable, r#""true" or "false""#, &choices)?.unwrap_or(false))
    }

    /// One of some words, in letters of either case.
    pub(super) fn choice<T: Copy>(
        &mut self,
        variable: &'static str,
        takes: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.text(variable)? else { return Ok(None) };
        match choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(&value)) {
            Some((_, choice)) => Ok(Some(*choice)),
            None => self.ignored(variable, value, takes).map(|()| None),
        }
    }

    /// Notes that a value does nothing, unless the program itself said it.
    pub(super) fn ignored(&mut self, name: &'static str, value: String, takes: &'static str) -> Result<(), Error> {
        if self.given.said(name).is_some() {
            return Err(Error::Setting { name, value, takes });
        }
        let note = format!("{name} is {value:?} and counts as not set; it takes {takes}");
        // A variable of all signals is read for each of them.
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
        Ok(())
    }

    /// A number from 1.
    pub(super) fn positive(&self, variable: &'static str) -> Result<Option<usize>, Error> {
        let number = |value: &str| value.parse().ok().filter(|number| (1..=i32::MAX as usize).contains(number));
        self.number(variable, r#"a whole number from 1, such as "512""#, number)
    }

    /// A number from 0.
    pub(super) fn count(&self, variable: &'static str) -> Result<Option<u32>, Error> {
        let number = |value: &str| value.parse().ok().filter(|&number| number <= i32::MAX as u32);
        self.number(variable, r#"a whole number from 0, such as "128""#, number)
    }

    /// A number of milliseconds.
    pub(super) fn duration(&self, variable: &'static str) -> Result<Option<Duration>, Error> {
        self.number(variable, r#"a whole number of milliseconds, such as "5000""#, milliseconds)
    }

    /// The same, where 0 means without limit.
    pub(super) fn timeout(&self, variable: &'static str) -> Result<Option<Duration>, Error> {
        let timeout = |value: &str| milliseconds(value).map(|time| if time.is_zero() { WITHOUT_LIMIT } else { time });
        self.number(variable, r#"a whole number of milliseconds, such as "10000", or "0" for no limit"#, timeout)
    }

    fn number<T>(
        &self,
        variable: &'static str,
        takes: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.variables.read(&Setting { variable, takes, parse })
    }

    /// Whether a list of exporters has OTLP in it: `Some(true)` where it says so, `Some(false)` where there is no list, or nothing of it is known.
    /// `prometheus` may be named where there is an endpoint for it, which has a setting of its own.
    pub(super) fn otlp(&mut self, variable: &'static str, prometheus: bool) -> Result<Option<bool>, Error> {
        const TAKES: &str =
            r#"a list of "otlp" and "none", and for metrics "prometheus" with the feature of that name"#;
        /// Known, and not ours to do. Whoever names one of them does not mean OTLP.
        const OTHERS: [&str; 5] = ["prometheus", "console", "logging", "zipkin", "otlp/stdout"];
        let Some(list) = self.text(variable)? else { return Ok(Some(false)) };
        let (mut is_said, mut is_understood) = (false, false);
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let word = word.to_ascii_lowercase();
            match word.as_str() {
                "otlp" => (is_said, is_understood) = (true, true),
                "none" => is_understood = true,
                "prometheus" if prometheus => is_understood = true,
                other if OTHERS.contains(&other) => {
                    is_understood = true;
                    self.notes.push(format!("the exporter {other:?} of {variable} is not supported"));
                }
                _ => self.ignored(variable, word, TAKES)?,
            }
        }
        Ok((is_said || !is_understood).then_some(is_said))
    }

    /// Notes that what somebody asked for is not done, since there is no default for where to send.
    pub(super) fn goes_nowhere(&mut self, variable: &str, is_said: bool) {
        if is_said {
            self.notes.push(format!(
                "{variable} asks for OTLP, and nothing is sent, since no endpoint is named; OTEL_EXPORTER_OTLP_ENDPOINT names one"
            ));
        }
    }

    /// Exemplars are those of sampled traces, or none.
    pub(super) fn without_exemplars(&mut self) -> Result<bool, Error> {
        #[derive(Clone, Copy, PartialEq)]
        enum Filter {
            AlwaysOn,
            AlwaysOff,
            TraceBased,
        }
        const VARIABLE: &str = "OTEL_METRICS_EXEMPLAR_FILTER";
        let choices =
            [("always_on", Filter::AlwaysOn), ("always_off", Filter::AlwaysOff), ("trace_based", Filter::TraceBased)];
        let filter = self.choice(VARIABLE, r#""trace_based" or "always_off""#, &choices)?;
        if filter == Some(Filter::AlwaysOn) {
            self.notes.push(format!(
                r#"{VARIABLE} is "always_on", which is not supported; exemplars are those of sampled traces"#
            ));
        }
        Ok(filter == Some(Filter::AlwaysOff))
    }
}

fn milliseconds(value: &str) -> Option<Duration> {
    value.parse().ok().filter(|&number| number <= i32::MAX as u64).map(Duration::from_millis)
}
