//! How often the process is looked at, how long a snapshot waits for collectors, and what is asked besides.

use super::{Builder, Setting, Variables};
use crate::error::Error;
use std::ffi::OsString;
use std::time::Duration;

/// Often enough for a scrape every few seconds, at some 100 µs of work each time.
const DEFAULT_PERIOD: Duration = Duration::from_secs(5);

/// A hundred times what a sample takes, so that sampling stays below 1 % of a CPU.
const SHORTEST_PERIOD: Duration = Duration::from_millis(10);

/// The program's package, version and commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The package's name.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The commit; empty where it is not known.
    pub revision: &'static str,
}

/// The package that this is written in, its version, and the commit that it was built from, for [`Builder::build_info`].
///
/// The commit is what one of these variables of the environment held when the package was compiled: `GIT_COMMIT`, `VERGEN_GIT_SHA`,
/// `GITHUB_SHA`, `CI_COMMIT_SHA`; else it is empty.
///
/// ```
/// let built = telemetry::build_info!();
/// assert_eq!(built.version, env!("CARGO_PKG_VERSION"));
/// ```
#[macro_export]
macro_rules! build_info {
    () => {
        $crate::BuildInfo {
            package: ::core::env!("CARGO_PKG_NAME"),
            version: ::core::env!("CARGO_PKG_VERSION"),
            revision: $crate::__private::first_known([
                ::core::option_env!("GIT_COMMIT"),
                ::core::option_env!("VERGEN_GIT_SHA"),
                ::core::option_env!("GITHUB_SHA"),
                ::core::option_env!("CI_COMMIT_SHA"),
            ]),
        }
    };
}

/// What the builder was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    period: Option<Option<Duration>>,
    timeout: Option<Duration>,
    build_info: Option<BuildInfo>,
}

/// What holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Collect {
    /// How often what is sampled is read; `None` where nothing is.
    pub(crate) period: Option<Duration>,
    pub(crate) timeout: Duration,
    pub(crate) build_info: Option<BuildInfo>,
}

const SAMPLE_PERIOD: Setting<Option<Duration>> = Setting {
    variable: "TELEMETRY_SAMPLE_PERIOD",
    takes: r#"a time from "10ms", such as "5s", or "off""#,
    parse: |value| match value {
        "off" => Some(None),
        _ => duration(value).filter(|&period| period >= SHORTEST_PERIOD).map(Some),
    },
};

const COLLECTOR_TIMEOUT: Setting<Duration> = Setting {
    variable: "TELEMETRY_COLLECTOR_TIMEOUT",
    takes: r#"a time above 0, such as "2s" or "500ms""#,
    parse: |value| duration(value).filter(|timeout| !timeout.is_zero()),
};

impl Builder {
    /// `TELEMETRY_SAMPLE_PERIOD`: how often the process is looked at, by one thread: its CPU time, memory, threads, files and I/O (`process_*`, with the
    /// feature `system`), and whether a series has [expired](crate::metric!). 5 seconds by default. `None` (`off`) has no thread: then that is read when
    /// a snapshot is taken, and `process_cpu_usage_ratio` is over the time between snapshots. A program with neither has no thread either way.
    pub fn sample_period(mut self, period: Option<Duration>) -> Builder {
        self.collect.period = Some(period);
        self
    }

    /// `TELEMETRY_COLLECTOR_TIMEOUT`: how long a snapshot, hence a scrape, waits for [collectors](crate::Collector), all of them together since those that
    /// are slow are asked at the same time. 2 seconds by default. What has not answered by then is left out, and counted in
    /// `telemetry_collector_failures_total`.
    pub fn collector_timeout(mut self, timeout: Duration) -> Builder {
        self.collect.timeout = Some(timeout);
        self
    }

    /// What the program is, for the family `program_build_info`: `.build_info(telemetry::build_info!())`. There is no variable for it.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), telemetry::Error> {
    /// let _telemetry = telemetry::builder().build_info(telemetry::build_info!()).init()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn build_info(mut self, built: BuildInfo) -> Builder {
        self.collect.build_info = Some(built);
        self
    }
}

impl Told {
    pub(super) fn config<F: Fn(&str) -> Option<OsString>>(self, variables: &Variables<F>) -> Result<Collect, Error> {
        let period = match self.period {
            Some(None) => None,
            Some(Some(given)) => SAMPLE_PERIOD.parse("Builder::sample_period", &format!("{given:?}"))?,
            None => variables.read(&SAMPLE_PERIOD)?.unwrap_or(Some(DEFAULT_PERIOD)),
        };
        let timeout = match self.timeout {
            Some(given) => COLLECTOR_TIMEOUT.parse("Builder::collector_timeout", &format!("{given:?}"))?,
            None => variables.read(&COLLECTOR_TIMEOUT)?.unwrap_or(crate::registry::DEFAULT_LIMIT),
        };
        Ok(Collect { period, timeout, build_info: self.build_info })
    }
}

/// `5s`, `250ms`, `1.5m`, and what [`Duration`] is shown as (`1.5µs`).
fn duration(value: &str) -> Option<Duration> {
    let unit = value.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let (number, unit) = value.split_at(unit);
    let seconds = match unit.trim_start() {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(told: Told, variables: &[(&str, &str)]) -> Result<Collect, String> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        told.config(&Variables(value)).map_err(|error| error.to_string())
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (value, milliseconds) in
            [("5s", 5_000.0), ("250ms", 250.0), ("1.5m", 90_000.0), ("2 s", 2_000.0), ("1h", 3.6e6), ("1.5µs", 0.0015)]
        {
            assert_eq!(duration(value), Some(Duration::from_secs_f64(milliseconds / 1e3)), "{value}");
        }
        for value in ["", "5", "s", "-1s", "1d", "1e3s", "1..5s", "off"] {
            assert_eq!(duration(value), None, "{value}");
        }
    }

    #[test]
    fn code_wins_over_the_environment_and_both_over_the_default() {
        let default = collect(Told::default(), &[]).unwrap();
        assert_eq!((default.period, default.timeout), (Some(DEFAULT_PERIOD), crate::registry::DEFAULT_LIMIT));
        let variables = [("TELEMETRY_SAMPLE_PERIOD", "off"), ("TELEMETRY_COLLECTOR_TIMEOUT", "300ms")];
        let set = collect(Told::default(), &variables).unwrap();
        assert_eq!((set.period, set.timeout), (None, Duration::from_millis(300)));
        let told = Told {
            period: Some(Some(Duration::from_secs(1))),
            timeout: Some(Duration::from_secs(7)),
            build_info: None,
        };
        let told = collect(told, &variables).unwrap();
        assert_eq!((told.period, told.timeout), (Some(Duration::from_secs(1)), Duration::from_secs(7)));
    }

    #[test]
    fn what_cannot_be_is_named_with_what_it_takes() {
        let refused = collect(Told::default(), &[("TELEMETRY_SAMPLE_PERIOD", "1ms")]).unwrap_err();
        assert_eq!(refused, r#"TELEMETRY_SAMPLE_PERIOD is "1ms"; it takes a time from "10ms", such as "5s", or "off""#);
        let refused = collect(Told { timeout: Some(Duration::ZERO), ..Told::default() }, &[]).unwrap_err();
        assert_eq!(refused, r#"Builder::collector_timeout is "0ns"; it takes a time above 0, such as "2s" or "500ms""#);
    }
}
