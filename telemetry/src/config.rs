//! What the environment and the builder say: read once, when a program starts.
//!
//! A variable is one constant: its name, what it takes, and how it is read. A variable that is set to nothing counts as not set,
//! as OpenTelemetry has it: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

mod collect; // how collectors are asked
#[cfg(feature = "prometheus")]
mod discovery; // where the endpoint is published
mod exit; // what happens to signals
#[cfg(feature = "__send")]
mod file; // files that settings name
mod formats; // what expositions show besides
mod history; // where a summary of the run is kept
#[cfg(feature = "otlp")]
pub(crate) mod otlp; // the collector
#[cfg(feature = "otel")]
mod propagators; // what goes along with requests
#[cfg(feature = "__send")]
pub(crate) mod push; // where to push
pub(crate) mod server; // what the endpoint is told besides its address

pub use collect::BuildInfo;
pub(crate) use collect::Collect;
#[cfg(feature = "prometheus")]
pub(crate) use discovery::Publication;
#[cfg(feature = "otel")]
pub(crate) use propagators::Propagators;

use crate::error::Error;
use crate::export::Options;
use crate::job::Progress;
use crate::metric::{DEFAULT_MAX_SERIES, Prefixes};
use crate::record::budget::DEFAULT_SHARE;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The form of the report that is printed on standard error when a program ends, if anything was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// The form that suits: text.
    #[default]
    Auto,
    /// Tables in plain text.
    Text,
    /// One line of JSON.
    Json,
    /// Tables in Markdown.
    Markdown,
    /// None.
    Off,
}

/// What a program wants of the library; made by [`builder`].
///
/// A method that names a variable of the environment stands for it, and wins over it.
///
/// ```
/// # fn main() -> Result<(), telemetry::Error> {
/// let telemetry = telemetry::builder()
///     .listen("127.0.0.1:0") // TELEMETRY_LISTEN; a free port
///     .report(telemetry::Report::Off) // TELEMETRY_REPORT
///     .service_name("flights") // OTEL_SERVICE_NAME
///     .init()?;
/// # #[cfg(feature = "prometheus")]
/// assert!(telemetry.address().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing happens before `init`"]
pub struct Builder {
    listen: Option<String>,
    report: Option<Report>,
    max_series: Option<usize>,
    overhead_budget: Option<f64>,
    service_name: Option<String>,
    resource: Vec<(String, String)>,
    color: Option<bool>,
    progress: Option<Progress>,
    prefixes: Prefixes,
    formats: formats::Formats,
    #[cfg(feature = "prometheus")]
    discovery: discovery::Given,
    exit_signals: Option<bool>,
    history: history::Given,
    #[cfg(feature = "grafana")]
    pub(crate) annotates: Option<crate::grafana::Client>,
    #[cfg(feature = "otlp")]
    otlp: otlp::Given,
    #[cfg(feature = "__send")]
    push: push::Given,
    server: server::Given,
    collect: collect::Told,
}

/// A builder with nothing set: all is as the environment says.
pub fn builder() -> Builder {
    Builder::default()
}

impl Builder {
    /// `TELEMETRY_LISTEN`: where the endpoint listens. An address, a port (then on 127.0.0.1), or `"off"`; port 0 takes a free
    /// one, which [`Telemetry::address`](crate::Telemetry::address) tells. Without the feature `prometheus` there is no endpoint.
    pub fn listen(mut self, address: impl fmt::Display) -> Builder {
        self.listen = Some(address.to_string());
        self
    }

    /// `TELEMETRY_REPORT`: the form of the report at the end.
    pub fn report(mut self, report: Report) -> Builder {
        self.report = Some(report);
        self
    }

    /// `TELEMETRY_MAX_SERIES`: how many series a family may hold before new ones go to its overflow series; 2,000 by default. Families over
    /// closed label sets (enums, `bool`) are exempt.
    pub fn max_series(mut self, max: usize) -> Builder {
        self.max_series = Some(max);
        self
    }

    /// `TELEMETRY_OVERHEAD_BUDGET`: the share of their own time that functions may be slowed down by what is read of them besides count, time and
    /// memory: CPU time and bytes of I/O. 0.01 by default, which is 1 %. Calls and polls are read at random, as often as that allows, and what was read
    /// stands for those that were not. 1 reads all, 0 none; then those families are absent. DuckDB's profiles keep to the same share of their statements' time.
    ///
    /// What comes in rare lumps, as I/O does, is told right on average and wrong at any moment, unless all is read.
    pub fn overhead_budget(mut self, share: f64) -> Builder {
        self.overhead_budget = Some(share);
        self
    }

    /// `OTEL_SERVICE_NAME`: the label `service_name` of `target_info`.
    pub fn service_name(mut self, name: impl Into<String>) -> Builder {
        self.service_name = Some(name.into());
        self
    }

    /// `OTEL_RESOURCE_ATTRIBUTES`: one more label of `target_info`, under OpenTelemetry's name (`deployment.environment.name`).
    pub fn resource_attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Builder {
        self.resource.push((key.into(), value.into()));
        self
    }

    /// `NO_COLOR`: whether the report has colour. Without a word on it, it has on a terminal.
    pub fn color(mut self, color: bool) -> Builder {
        self.color = Some(color);
        self
    }

    /// `TELEMETRY_PROGRESS`: how running jobs are shown on standard error, as by [`job::progress`](fn@crate::job::progress): `auto`, which is a bar for each on a
    /// terminal and elsewhere a line every ten seconds, `lines`, or `off`.
    pub fn progress(mut self, progress: Progress) -> Builder {
        self.progress = Some(progress);
        self
    }

    /// Has each run of a [`#[backfill_job]`](macro@crate::backfill_job) drawn over Grafana's panels: an annotation at its start, which at its end becomes a region that
    /// says how it ended. Its tags are `telemetry`, `run`, the job's name, and at the end the result (`ok`, `error`, `panic`, `cancelled`, `interrupted`).
    ///
    /// Jobs do not wait for it: a thread writes, from a queue of 1,000. What could not be written is counted in
    /// `telemetry_push_dropped_samples_total{receiver="grafana"}`, and said the first time. The end of the program waits for what is being written up to
    /// [`push_deadline`](Builder::push_deadline).
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let grafana = telemetry::grafana::Client::from_env()?;
    /// let _telemetry = telemetry::builder().annotate_runs(grafana).init()?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "grafana")]
    pub fn annotate_runs(mut self, client: crate::grafana::Client) -> Builder {
        self.annotates = Some(client);
        self
    }

    /// Has the metrics that the package `package` declares, in whichever of its versions, shown with a prefix: in snapshots, expositions,
    /// the report and [`catalog`](fn@crate::catalog). This mends a clash of names between crates that are not yours. There is no variable for it.
    ///
    /// It begins with `init`; what reads a snapshot before sees the names as they were declared. `package` is the name in
    /// the package's manifest, which a renamed dependency keeps; `-` and `_` are the same. The prefix is lower_snake_case ASCII and ends in
    /// `_`. `init` refuses others, a package of which no metric is linked, and a prefix that makes a new clash. The last word on a package counts.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), telemetry::Error> {
    /// let _telemetry = telemetry::builder().prefix_crate("other", "other_").init()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn prefix_crate(mut self, package: &str, prefix: impl Into<String>) -> Builder {
        self.prefixes.insert(package, prefix.into());
        self
    }

    /// Puts what the builder was told over what `environment` holds.
    pub(crate) fn config(self, environment: impl Fn(&str) -> Option<OsString>) -> Result<Config, Error> {
        // What the program itself said in place of a variable of OpenTelemetry's.
        #[cfg(feature = "otlp")]
        let environment = |name: &str| self.otlp.value(name).or_else(|| environment(name));
        let variables = Variables(environment);
        #[cfg(feature = "otel")]
        let mut notes = Vec::new();
        let listen = match self.listen {
            Some(given) => LISTEN.parse("Builder::listen", &given)?,
            None => variables.read(&LISTEN)?.unwrap_or(Some(SocketAddr::new(LOOPBACK, DEFAULT_PORT))),
        };
        let report = match self.report {
            Some(given) => given,
            None => variables.read(&REPORT)?.unwrap_or_default(),
        };
        let max_series = match self.max_series {
            Some(given) => MAX_SERIES.parse("Builder::max_series", &given.to_string())?,
            None => variables.read(&MAX_SERIES)?.unwrap_or(DEFAULT_MAX_SERIES),
        };
        let overhead_budget = match self.overhead_budget {
            Some(given) => OVERHEAD_BUDGET.parse("Builder::overhead_budget", &given.to_string())?,
            None => variables.read(&OVERHEAD_BUDGET)?.unwrap_or(DEFAULT_SHARE),
        };
        let mut resource = BTreeMap::from([(SERVICE_NAME_KEY.to_owned(), unknown_service())]);
        resource.extend(variables.read(&RESOURCE_ATTRIBUTES)?.unwrap_or_default());
        resource.extend(variables.read(&SERVICE_NAME)?.map(|name| (SERVICE_NAME_KEY.to_owned(), name)));
        resource.extend(self.resource);
        resource.extend(self.service_name.map(|name| (SERVICE_NAME_KEY.to_owned(), name)));
        let color = match self.color {
            Some(given) => Some(given),
            None => variables.read(&NO_COLOR)?,
        };
        if self.progress.is_none() {
            // Only looked at, here where it can be refused: it is read again where bars are drawn, unless the program has said something else by then.
            variables.read(&PROGRESS)?;
        }
        let told = vec![
            ("overhead_budget".to_owned(), overhead_budget.to_string()),
            ("max_series".to_owned(), max_series.to_string()),
        ];
        let formats = self.formats.options(&variables)?;
        let server = self.server.config(&variables)?;
        let collect = self.collect.config(&variables)?;
        Ok(Config {
            #[cfg(feature = "prometheus")]
            discovery: self.discovery.publication(&variables)?,
            exit_signals: exit::takes_signals(self.exit_signals, &variables)?,
            history: self.history.settings(&variables, told)?,
            #[cfg(feature = "otlp")]
            otlp: self.otlp.settings(&variables, &mut notes)?,
            #[cfg(feature = "otel")]
            propagators: Propagators::read(&variables, &mut notes)?,
            #[cfg(feature = "otel")]
            notes,
            #[cfg(feature = "__send")]
            push: self.push.settings(&job(&resource), &variables)?,
            listen,
            report,
            max_series,
            overhead_budget,
            resource,
            color,
            progress: self.progress,
            prefixes: self.prefixes,
            formats,
            server,
            collect,
        })
    }
}

/// All that a start needs to know.
#[derive(Debug, PartialEq)]
pub(crate) struct Config {
    /// Where to listen, if anywhere.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) report: Report,
    pub(crate) max_series: usize,
    /// The share that probes may spend, 0 to 1.
    pub(crate) overhead_budget: f64,
    /// OpenTelemetry's resource: attribute and value.
    pub(crate) resource: BTreeMap<String, String>,
    /// Whether the report has colour, where that was said.
    pub(crate) color: Option<bool>,
    /// How running jobs are shown, where code said so.
    pub(crate) progress: Option<Progress>,
    /// By package; not yet checked against the catalogue.
    pub(crate) prefixes: Prefixes,
    pub(crate) formats: Options,
    /// Where the endpoint is published, if anywhere.
    #[cfg(feature = "prometheus")]
    pub(crate) discovery: Option<Publication>,
    /// Whether SIGINT and SIGTERM may be taken, so that what is pushed is pushed, and the report printed, before they end the program.
    #[cfg_attr(not(feature = "__send"), allow(dead_code, reason = "only what sends takes signals"))]
    pub(crate) exit_signals: bool,
    /// Where a summary of the run is kept, if anywhere.
    pub(crate) history: Option<crate::history::Settings>,
    #[cfg(feature = "otlp")]
    pub(crate) otlp: otlp::Settings,
    #[cfg(feature = "otel")]
    pub(crate) propagators: Propagators,
    /// What is to be said of settings that were read and do nothing.
    #[cfg(feature = "otel")]
    pub(crate) notes: Vec<String>,
    #[cfg(feature = "__send")]
    pub(crate) push: push::Settings,
    /// What the endpoint is told besides its address.
    pub(crate) server: server::Server,
    pub(crate) collect: Collect,
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const DEFAULT_PORT: u16 = 8000;
const SERVICE_NAME_KEY: &str = "service.name";

/// A variable of the environment.
struct Setting<T> {
    variable: &'static str,
    takes: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> Setting<T> {
    fn parse(&self, name: &'static str, value: &str) -> Result<T, Error> {
        let refused = || Error::Setting { name, value: value.to_owned(), takes: self.takes };
        (self.parse)(value.trim()).ok_or_else(refused)
    }
}

/// `None` within means that nothing shall listen.
const LISTEN: Setting<Option<SocketAddr>> = Setting {
    variable: "TELEMETRY_LISTEN",
    takes: r#"an address such as "127.0.0.1:8000", a port such as "9100", or "off""#,
    parse: |value| match value {
        "off" => Some(None),
        _ => address(value).map(Some),
    },
};

const REPORT: Setting<Report> = Setting {
    variable: "TELEMETRY_REPORT",
    takes: r#""auto", "text", "json", "markdown" or "off""#,
    parse: |value| match value {
        "auto" => Some(Report::Auto),
        "text" => Some(Report::Text),
        "json" => Some(Report::Json),
        "markdown" => Some(Report::Markdown),
        "off" => Some(Report::Off),
        _ => None,
    },
};

const MAX_SERIES: Setting<usize> = Setting {
    variable: "TELEMETRY_MAX_SERIES",
    takes: r#"a whole number from 1, such as "2000""#,
    parse: |value| value.parse().ok().filter(|&max| max > 0),
};

const OVERHEAD_BUDGET: Setting<f64> =
    Setting { variable: "TELEMETRY_OVERHEAD_BUDGET", takes: r#"a share such as "2%" or "0.02""#, parse: share };

const SERVICE_NAME: Setting<String> =
    Setting { variable: "OTEL_SERVICE_NAME", takes: "a name", parse: |value| Some(value.to_owned()) };

const RESOURCE_ATTRIBUTES: Setting<Vec<(String, String)>> = Setting {
    variable: "OTEL_RESOURCE_ATTRIBUTES",
    takes: r#"pairs such as "service.version=1.2,host.name=a", with "%2C" for a comma and "%25" for a percent sign in a value"#,
    parse: |value| value.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(attribute).collect(),
};

const PROGRESS: Setting<Progress> = Setting {
    variable: "TELEMETRY_PROGRESS",
    takes: r#""auto", "lines" or "off""#,
    parse: |value| match value {
        "auto" => Some(Progress::Auto),
        "lines" => Some(Progress::Lines),
        "off" => Some(Progress::Off),
        _ => None,
    },
};

/// What `TELEMETRY_PROGRESS` says, where it can be read.
pub(crate) fn progress_of_environment() -> Option<Progress> {
    Variables(|name: &str| std::env::var_os(name)).read(&PROGRESS).ok().flatten()
}

/// Whatever it is set to means no: <https://no-color.org>.
const NO_COLOR: Setting<bool> = Setting { variable: "NO_COLOR", takes: "anything", parse: |_| Some(false) };

struct Variables<F>(F);

impl<F: Fn(&str) -> Option<OsString>> Variables<F> {
    fn read<T>(&self, setting: &Setting<T>) -> Result<Option<T>, Error> {
        let Some(value) = (self.0)(setting.variable).filter(|value| !is_blank(value)) else { return Ok(None) };
        match value.to_str() {
            Some(text) => setting.parse(setting.variable, text).map(Some),
            None => {
                let value = value.to_string_lossy().into_owned();
                Err(Error::Setting { name: setting.variable, value, takes: setting.takes })
            }
        }
    }

    /// As [`read`](Self::read), for what keeps others out: set to nothing, as by a file that was not there, it does not mean that nothing does.
    fn read_secret<T>(&self, setting: &Setting<T>) -> Result<Option<T>, Error> {
        if (self.0)(setting.variable).is_some_and(|value| is_blank(&value)) {
            return Err(Error::Setting { name: setting.variable, value: String::new(), takes: setting.takes });
        }
        hide(self.read(setting))
    }
}

/// Whether there is nothing in it: as good as not set.
fn is_blank(value: &OsStr) -> bool {
    value.to_str().is_some_and(|value| value.trim().is_empty())
}

/// Takes the value out of the message.
fn hide<T>(read: Result<T, Error>) -> Result<T, Error> {
    read.map_err(|error| match error {
        Error::Setting { name, takes, .. } => Error::Setting { name, value: HIDDEN.to_owned(), takes },
        other => other,
    })
}

/// What messages show of a secret.
const HIDDEN: &str = "(not shown)";

/// An address, `localhost:PORT`, or a port alone, which is on loopback.
fn address(value: &str) -> Option<SocketAddr> {
    let port = value.strip_prefix("localhost:").unwrap_or(value);
    value.parse().ok().or_else(|| Some(SocketAddr::new(LOOPBACK, port.parse().ok()?)))
}

/// `2%` or `0.02`; nothing below 0 or above 100 %.
fn share(value: &str) -> Option<f64> {
    let share = match value.strip_suffix('%') {
        Some(percent) => percent.trim_end().parse::<f64>().ok()? / 100.0,
        None => value.parse().ok()?,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

/// One `key=value` of a list, its value percent-encoded as W3C Baggage has it.
fn attribute(pair: &str) -> Option<(String, String)> {
    let (key, value) = pair.split_once('=')?;
    let (key, value) = (key.trim(), percent_decoded(value.trim())?);
    (!key.is_empty()).then(|| (key.to_owned(), value))
}

fn percent_decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The label `job` that OpenTelemetry's rules for Prometheus give a resource: `service.namespace/service.name`, or the name alone.
/// <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#resource-attributes-1>
#[cfg(any(feature = "prometheus", feature = "__send"))]
pub(crate) fn job(resource: &BTreeMap<String, String>) -> String {
    let name = resource.get(SERVICE_NAME_KEY).map_or("unknown_service", String::as_str);
    match resource.get("service.namespace") {
        Some(namespace) if !namespace.is_empty() => format!("{namespace}/{name}"),
        _ => name.to_owned(),
    }
}

/// What OpenTelemetry calls a service that was given no name.
fn unknown_service() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(|path| path.file_stem()).map(|name| name.to_string_lossy().into_owned());
    name.map_or_else(|| "unknown_service".to_owned(), |name| format!("unknown_service:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        from(builder(), variables)
    }

    fn from(builder: Builder, variables: &[(&str, &str)]) -> Result<Config, String> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        builder.config(value).map_err(|error| error.to_string())
    }

    #[cfg_attr(telemetry_off, ignore = "what nobody reads has no defaults")]
    #[test]
    fn nothing_said_means_the_defaults() {
        let config = config(&[]).unwrap();
        assert_eq!(config.listen, Some("127.0.0.1:8000".parse().unwrap()));
        assert_eq!((config.report, config.max_series, config.color), (Report::Auto, 2_000, None));
        assert_eq!(config.overhead_budget, 0.01);
        assert!(config.resource["service.name"].starts_with("unknown_service:"));
    }

    #[test]
    fn addresses_ports_and_off_are_understood() {
        let listen = |value| config(&[("TELEMETRY_LISTEN", value)]).unwrap().listen.map(|address| address.to_string());
        for (value, expected) in [
            ("0.0.0.0:9100", Some("0.0.0.0:9100")),
            ("9100", Some("127.0.0.1:9100")),
            ("0", Some("127.0.0.1:0")),
            ("localhost:9100", Some("127.0.0.1:9100")),
            ("[::1]:9100", Some("[::1]:9100")),
            (" 9100 ", Some("127.0.0.1:9100")),
            ("off", None),
        ] {
            assert_eq!(listen(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_share_is_a_number_or_a_percentage() {
        let budget = |value| config(&[("TELEMETRY_OVERHEAD_BUDGET", value)]).map(|config| config.overhead_budget);
        for (value, expected) in [("2%", 0.02), ("0.5 %", 0.005), ("0.02", 0.02), ("0", 0.0), ("100%", 1.0), ("1", 1.0)]
        {
            assert_eq!(budget(value), Ok(expected), "{value}");
        }
        for value in ["2", "-1%", "101%", "NaN", "inf", "%", "1%%", "one"] {
            assert!(budget(value).is_err(), "{value}");
        }
        let bad = from(builder().overhead_budget(f64::NAN), &[]).unwrap_err();
        assert_eq!(bad, r#"Builder::overhead_budget is "NaN"; it takes a share such as "2%" or "0.02""#);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_what_it_takes() {
        for (variable, value, message) in [
            (
                "TELEMETRY_LISTEN",
                "8000x",
                r#"TELEMETRY_LISTEN is "8000x"; it takes an address such as "127.0.0.1:8000", a port such as "9100", or "off""#,
            ),
            (
                "TELEMETRY_REPORT",
                "yes",
                r#"TELEMETRY_REPORT is "yes"; it takes "auto", "text", "json", "markdown" or "off""#,
            ),
            ("TELEMETRY_PROGRESS", "bars", r#"TELEMETRY_PROGRESS is "bars"; it takes "auto", "lines" or "off""#),
            (
                "TELEMETRY_MAX_SERIES",
                "0",
                r#"TELEMETRY_MAX_SERIES is "0"; it takes a whole number from 1, such as "2000""#,
            ),
            (
                "TELEMETRY_OVERHEAD_BUDGET",
                "2 percent",
                r#"TELEMETRY_OVERHEAD_BUDGET is "2 percent"; it takes a share such as "2%" or "0.02""#,
            ),
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "a=%2",
                r#"OTEL_RESOURCE_ATTRIBUTES is "a=%2"; it takes pairs such as "service.version=1.2,host.name=a", with "%2C" for a comma and "%25" for a percent sign in a value"#,
            ),
        ] {
            assert_eq!(config(&[(variable, value)]).unwrap_err(), message);
        }
        for value in [":9100", "70000", "example.com:80", "127.0.0.1", "on", "-1"] {
            assert!(config(&[("TELEMETRY_LISTEN", value)]).is_err(), "{value}");
        }
        for value in ["a", "=b", "a=%zz", "a=%ff", "a=%+1"] {
            assert!(config(&[("OTEL_RESOURCE_ATTRIBUTES", value)]).is_err(), "{value}");
        }
        let bad = from(builder().listen("here"), &[]).unwrap_err();
        assert!(bad.starts_with(r#"Builder::listen is "here"; it takes an address"#), "{bad}");
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let error = builder().config(|name| (name == "TELEMETRY_REPORT").then(|| OsString::from_vec(vec![0xFF])));
        assert!(error.unwrap_err().to_string().starts_with("TELEMETRY_REPORT is"));
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let empty = [
            "TELEMETRY_LISTEN",
            "TELEMETRY_REPORT",
            "TELEMETRY_MAX_SERIES",
            "TELEMETRY_OVERHEAD_BUDGET",
            "OTEL_SERVICE_NAME",
            "NO_COLOR",
            "TELEMETRY_PROGRESS",
        ];
        assert_eq!(config(&empty.map(|name| (name, ""))).unwrap(), config(&[]).unwrap());
    }

    #[test]
    fn code_wins_over_the_environment() {
        let builder = builder()
            .listen("off")
            .report(Report::Json)
            .max_series(7)
            .overhead_budget(0.5)
            .color(true)
            .service_name("code");
        let environment = [
            ("TELEMETRY_LISTEN", "nonsense"),
            ("TELEMETRY_REPORT", "off"),
            ("TELEMETRY_MAX_SERIES", "9"),
            ("TELEMETRY_OVERHEAD_BUDGET", "3%"),
            ("NO_COLOR", "1"),
            ("OTEL_SERVICE_NAME", "environment"),
        ];
        let config = from(builder, &environment).unwrap();
        assert_eq!((config.listen, config.report, config.max_series), (None, Report::Json, 7));
        assert_eq!(config.overhead_budget, 0.5);
        assert_eq!((config.color, config.resource["service.name"].as_str()), (Some(true), "code"));
    }

    #[test]
    fn the_service_name_wins_over_the_attribute() {
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a, service.version = 1%2C2 ,");
        let with_name = config(&[attributes, ("OTEL_SERVICE_NAME", "b")]).unwrap().resource;
        assert_eq!(with_name["service.name"], "b");
        assert_eq!(with_name["service.version"], "1,2");
        assert_eq!(config(&[attributes]).unwrap().resource["service.name"], "a");
    }
}
