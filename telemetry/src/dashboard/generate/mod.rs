//! Dashboards from a catalogue.
//!
//! ```text
//! Catalog -> rows (glance, jobs, functions, databases, families, process) -> layout (ids, places) -> model -> JSON
//! ```

mod databases;
mod families;
mod functions;
mod glance;
mod identity;
mod jobs;
mod layout;
mod model;
mod panel;
mod process;
mod query;

use crate::catalog::Catalog;
pub(super) use identity::uid;
use layout::Row;
use model::Model;
pub(super) use model::{pretty, source_variable};
use query::Chosen;

/// The variables that a row of chosen functions has.
const FUNCTION: [(&str, &str, &str); 2] = [
    ("module", "Module", r#"label_values(function_calls_total{job=~"$job",instance=~"$instance"}, module)"#),
    (
        "function",
        "Function",
        r#"label_values(function_calls_total{job=~"$job",instance=~"$instance",module=~"$module"}, function)"#,
    ),
];

/// What [`generate`] makes differently.
#[derive(Clone, Debug, Default)]
pub struct Options {
    title: Option<String>,
    uid: Option<String>,
    tags: Vec<String>,
}

impl Options {
    /// The usual: called after the catalogue's service.
    #[must_use]
    pub fn new() -> Options {
        Options::default()
    }

    /// The dashboard's title, instead of the service's name.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Options {
        self.title = Some(title.into());
        self
    }

    /// The dashboard's uid, instead of `service-` and the service's name: at most 40 letters, digits, `-` and `_`.
    #[must_use]
    pub fn uid(mut self, uid: impl Into<String>) -> Options {
        self.uid = Some(uid.into());
        self
    }

    /// One more tag, besides `telemetry`, by which dashboards of this library link to each other.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Options {
        self.tags.push(tag.into());
        self
    }
}

/// A Grafana dashboard of all that a catalogue tells, as JSON: the classic model, version 42, fit for a file that Grafana provisions and for
/// its API.
///
/// It has a row for what matters at a glance, one for each job, each endpoint that a job asks, each function that took 1 % of the time (where
/// nothing was recorded yet, one that repeats for each function that is chosen), each database, one for the program's own metrics, and one
/// for the process and this library. Each asks for what the catalogue has series of, and for nothing else. Rows but the first ones are closed; what
/// they show is asked for when they are opened.
///
/// The same catalogue gives the same bytes. Panels keep their ids, and the dashboard its uid, when something is added or goes.
///
/// ```
/// use telemetry::{catalog::Catalog, dashboard};
///
/// telemetry::metric! {
///     /// Pages read, by carrier.
///     counter generated_pages_total(carrier: &str);
/// }
/// let catalog = Catalog::declared(CATALOG).service("flights");
/// let dashboard = dashboard::generate(&catalog, &dashboard::Options::new());
/// assert!(dashboard.contains(r#""uid": "service-flights""#));
/// assert!(dashboard.contains("sum by (carrier) (rate(generated_pages_total{"));
/// ```
#[must_use]
pub fn generate(catalog: &Catalog, options: &Options) -> String {
    // What a resource without a name is called by OpenTelemetry's rules, with the program's file behind it.
    let service = catalog.service.strip_prefix("unknown_service:").unwrap_or(&catalog.service);
    let service = if service.is_empty() { "program" } else { service };
    let chosen = Chosen::all();
    let mut rows = vec![glance::row(catalog, &chosen)];
    rows.extend(jobs::rows(catalog, &chosen));
    rows.extend(functions::rows(catalog, &chosen));
    rows.extend(databases::rows(catalog, &chosen));
    rows.push(families::row(catalog, &chosen));
    rows.extend(process::rows(catalog, &chosen));
    let mut model = Model {
        uid: options.uid.clone().unwrap_or_else(|| identity::uid("service", service)),
        title: options.title.clone().unwrap_or_else(|| service.to_owned()),
        description: format!("What {service} does: made from its catalogue by telemetry."),
        tags: options.tags.clone(),
        targets: model::targets_of(&catalog.service),
        variables: Vec::new(),
        runs: !catalog.jobs.is_empty(),
        restarts: catalog.recorded.contains("process_start_time_seconds"),
    };
    if catalog.functions.is_empty() && functions::are_declared(catalog) {
        model.variables.extend(FUNCTION);
    }
    model.json(&rows)
}

/// A dashboard that is the same for every program: `dashboards/` in the repository has them as files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuiltIn {
    /// Measured functions: which take the time, the CPU and the memory, and each by itself.
    Functions,
    /// The process, the container it runs in, and this library itself.
    Process,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [BuiltIn; 2] = [BuiltIn::Functions, BuiltIn::Process];

    /// What its file is called, without `.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            BuiltIn::Functions => "functions",
            BuiltIn::Process => "process",
        }
    }

    /// The dashboard, as [`generate`] makes them.
    #[must_use]
    pub fn json(self) -> String {
        let chosen = Chosen::all();
        let (rows, variables, title, description, family): (Vec<Row>, _, _, _, _) = match self {
            BuiltIn::Functions => (
                functions::overview(&chosen),
                FUNCTION.to_vec(),
                "Functions",
                "Functions with `#[measured]`: which take the time, and each by itself.",
                "function_calls_total",
            ),
            BuiltIn::Process => (
                process::all(&chosen),
                Vec::new(),
                "Process and telemetry",
                "The process, what its container may use, and what measuring costs.",
                "telemetry_build_info",
            ),
        };
        let model = Model {
            uid: identity::uid("telemetry", self.name()),
            title: title.to_owned(),
            description: description.to_owned(),
            tags: Vec::new(),
            targets: family.to_owned(),
            variables,
            runs: false,
            restarts: self == BuiltIn::Process,
        };
        model.json(&rows)
    }
}

#[cfg(test)]
mod tests;
