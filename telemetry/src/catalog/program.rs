//! The catalogue of a program: what it declares, and of what it has recorded something so far.
//!
//! ```text
//! declarations, Snapshot -> Catalog -+-> JSON -> /catalog.json, a file -> Catalog
//!                                    +-> dashboards, rules, checks
//! ```

use crate::catalog::kept::{self, Given};
use crate::metric::{self, Descriptor};
use crate::objective::Objective;
use crate::snapshot::{Family, Series, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Deref;
use std::path::Path;

/// A function has a part of its own in a document where it took this share of the self time of all functions.
const MAJOR: f64 = 0.01;

/// The series of what was too much for a family.
const OVERFLOW: &str = "otel_metric_overflow";

/// Every family of the program, other crates included, by name; and the functions, jobs, endpoints and databases of which something has
/// been recorded so far. A family's name is the one that is scraped: with the prefix that
/// [`Builder::prefix_crate`](crate::Builder::prefix_crate) gives it.
///
/// # What is in it
/// What is linked: each [`metric!`](crate::metric!) of each crate that the program's code names, be it in a function that is never
/// called or in a module that nothing uses, and however the program is optimised. No call registers it. Two things are not linked:
/// - A dependency that is in `Cargo.toml` and that no code names: the compiler leaves it out. `use that_crate as _;` brings it in.
/// - Parts of a `staticlib` that the program in another language does not ask for: its linker takes from an archive only what it is asked
///   for, registrations excluded. Link it with `-Wl,--whole-archive`. A `cdylib` has all.
///
/// ```toml
/// # This crate is not linked, nor are its metrics in the catalogue, before some code says `use flight_metrics as _;`.
/// [dependencies]
/// flight-metrics = "1"
/// ```
///
/// ```
/// telemetry::metric! {
///     /// Rows read.
///     counter catalog_rows_read_total();
/// }
/// assert!(telemetry::catalog().iter().any(|d| d.name == "catalog_rows_read_total"));
/// ```
///
/// It takes a [`snapshot`](fn@crate::snapshot), hence asks the collectors.
#[must_use]
pub fn catalog() -> Catalog {
    Catalog::of(&crate::snapshot())
}

/// What a program declares, and of what it has recorded something: a slice of the declared families, by name, and what
/// [`json`](Catalog::json) says besides.
///
/// A running program serves it at `/catalog.json`; [`write`](Catalog::write) keeps it in a file. With the feature `dashboards` a tool reads
/// either one with `Catalog::parse`, and makes dashboards of it: `telemetry::dashboard::generate`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    pub(super) declared: Vec<&'static Descriptor>,
    /// Families that collectors give and nobody has declared, by name.
    pub(crate) others: Vec<&'static Descriptor>,
    /// The families that have a series.
    pub(crate) recorded: BTreeSet<String>,
    pub(crate) service: String,
    pub(crate) functions: Vec<Function>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) databases: Vec<Database>,
    pub(crate) objectives: Vec<Objective>,
}

/// A function of which something has been recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) module: String,
    pub(crate) function: String,
    /// Whether it took a fair share of the time.
    pub(crate) major: bool,
    /// Its own: `#[measured(labels(…))]`.
    pub(crate) labels: BTreeSet<String>,
    pub(crate) families: BTreeSet<String>,
}

/// A backfill job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) job_name: String,
    pub(crate) families: BTreeSet<String>,
    pub(crate) endpoints: Vec<Endpoint>,
}

/// What a job asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) endpoint_name: String,
    pub(crate) families: BTreeSet<String>,
}

/// A database of profiled connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Database {
    pub(crate) database: String,
    pub(crate) families: BTreeSet<String>,
}

impl Catalog {
    /// What is declared, and what a snapshot shows of it.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Catalog {
        let declared = metric::catalog();
        let known: BTreeSet<&str> = declared.iter().map(|family| family.name).collect();
        let with_series = || snapshot.families.iter().filter(|family| !family.series.is_empty());
        let others = with_series().filter(|family| !known.contains(&*family.name)).map(given);
        let mut catalog = Catalog {
            others: others.collect(),
            recorded: with_series().map(|family| family.name.to_string()).collect(),
            service: service(snapshot),
            databases: databases(snapshot),
            functions: functions(snapshot),
            jobs: jobs(snapshot),
            objectives: crate::objectives(),
            declared,
        };
        catalog.others.sort_by_key(|family| family.name);
        catalog
    }

    /// These families and nothing that was recorded: what a `CATALOG` alone tells.
    #[must_use]
    pub fn declared(families: impl IntoIterator<Item = &'static Descriptor>) -> Catalog {
        let mut declared: Vec<_> = families.into_iter().collect();
        declared.sort_by_key(|family| family.name);
        Catalog { declared, ..Catalog::default() }
    }

    /// Names the program, for the title of what is made of the catalogue. By itself it is the resource's `service.name`.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Catalog {
        self.service = name.into();
        self
    }

    /// The catalogue as one JSON document, one line an item.
    ///
    /// `metrics` holds what [`catalog::json`](super::json) tells of each family, and `recorded`, whether it has a series; `service` is the
    /// resource's `service.name`; `functions`, `jobs` with their `endpoints`, and `databases` are those of which something has been recorded,
    /// each with the names of the `families` that have a series of it. A function is `major` where it took 1 % of all functions' self time.
    /// `objectives` are those of [`objectives()`](crate::objectives()).
    #[must_use]
    pub fn json(&self) -> String {
        super::document::json(self)
    }

    /// Writes the [document](Catalog::json) to a file, to be kept in a repository: the same catalogue gives the same bytes.
    ///
    /// # Errors
    /// The file cannot be written. It is then as it was: the document is written beside it and takes its place when it is whole.
    ///
    /// ```
    /// # let path = std::env::temp_dir().join("telemetry-doc-catalog.json");
    /// telemetry::catalog().write(&path)?;
    /// assert!(std::fs::read_to_string(&path)?.starts_with(r#"{"version":1,"#));
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.tmp", std::process::id()));
        let written = std::fs::write(&beside, self.json()).and_then(|()| std::fs::rename(&beside, path));
        if written.is_err() {
            // It may not be there; what went wrong is told already.
            let _ = std::fs::remove_file(&beside);
        }
        written
    }

    /// The objectives that functions and jobs are declared with: what `telemetry::dashboard::rules` takes.
    #[must_use]
    pub fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    /// The labels that functions are measured with besides the usual ones, by name.
    #[must_use]
    pub fn function_labels(&self) -> Vec<&str> {
        let all: BTreeSet<&str> =
            self.functions.iter().flat_map(|function| &function.labels).map(String::as_str).collect();
        all.into_iter().collect()
    }

    /// Every family that is known, declared or given by a collector, by name.
    pub(crate) fn families(&self) -> Vec<&'static Descriptor> {
        let mut all: Vec<_> = self.declared.iter().chain(&self.others).copied().collect();
        all.sort_by_key(|family| family.name);
        all
    }
}

impl Deref for Catalog {
    type Target = [&'static Descriptor];

    fn deref(&self) -> &Self::Target {
        &self.declared
    }
}

impl IntoIterator for Catalog {
    type Item = &'static Descriptor;
    type IntoIter = std::vec::IntoIter<&'static Descriptor>;

    fn into_iter(self) -> Self::IntoIter {
        self.declared.into_iter()
    }
}

impl<'a> IntoIterator for &'a Catalog {
    type Item = &'a &'static Descriptor;
    type IntoIter = std::slice::Iter<'a, &'static Descriptor>;

    fn into_iter(self) -> Self::IntoIter {
        self.declared.iter()
    }
}

fn value<'a>(series: &'a Series, label: &str) -> Option<&'a str> {
    series.labels.iter().find(|(name, _)| name == label).map(|(_, value)| &**value)
}

/// The series of all families that begin so, but for those of what was too much.
fn series<'a>(snapshot: &'a Snapshot, beginning: &'a str) -> impl Iterator<Item = (&'a Family, &'a Series)> {
    let ours = snapshot.families.iter().filter(move |family| family.name.starts_with(beginning));
    let each = ours.flat_map(|family| family.series.iter().map(move |series| (family, series)));
    each.filter(|(_, series)| value(series, OVERFLOW).is_none())
}

fn service(snapshot: &Snapshot) -> String {
    let info = series(snapshot, "target_info").find_map(|(_, series)| value(series, "service_name"));
    info.unwrap_or_default().to_owned()
}

fn functions(snapshot: &Snapshot) -> Vec<Function> {
    let mut all = BTreeMap::<(&str, &str), Function>::new();
    let mut took = BTreeMap::<(&str, &str), f64>::new();
    for (family, series) in series(snapshot, "function_") {
        let (Some(module), Some(function)) = (value(series, "module"), value(series, "function")) else { continue };
        let one = all.entry((module, function)).or_default();
        one.families.insert(family.name.to_string());
        if family.name == "function_self_seconds_total" {
            *took.entry((module, function)).or_default() += series.value.as_f64();
        }
        if family.name == "function_calls_total" {
            let own = series.labels.iter().map(|(name, _)| &**name);
            one.labels.extend(own.filter(|name| !["module", "function", "result"].contains(name)).map(String::from));
        }
    }
    let whole: f64 = took.values().sum();
    let done = all.into_iter().map(|((module, function), one)| Function {
        major: took.get(&(module, function)).is_some_and(|took| *took > 0.0 && *took >= MAJOR * whole),
        module: module.to_owned(),
        function: function.to_owned(),
        ..one
    });
    done.collect()
}

fn jobs(snapshot: &Snapshot) -> Vec<Job> {
    let mut all = BTreeMap::<&str, (BTreeSet<String>, BTreeMap<&str, BTreeSet<String>>)>::new();
    for (family, series) in series(snapshot, "backfill_") {
        let Some(name) = value(series, "job_name") else { continue };
        let (families, endpoints) = all.entry(name).or_default();
        families.insert(family.name.to_string());
        if let Some(endpoint) = value(series, "endpoint_name") {
            endpoints.entry(endpoint).or_default().insert(family.name.to_string());
        }
    }
    let endpoint = |(name, families): (&str, _)| Endpoint { endpoint_name: name.to_owned(), families };
    let job = |(name, (families, endpoints)): (&str, (_, BTreeMap<_, _>))| Job {
        job_name: name.to_owned(),
        families,
        endpoints: endpoints.into_iter().map(endpoint).collect(),
    };
    all.into_iter().map(job).collect()
}

fn databases(snapshot: &Snapshot) -> Vec<Database> {
    let mut all = BTreeMap::<&str, BTreeSet<String>>::new();
    for (family, series) in series(snapshot, "duckdb_") {
        if let Some(name) = value(series, "database") {
            all.entry(name).or_default().insert(family.name.to_string());
        }
    }
    all.into_iter().map(|(name, families)| Database { database: name.to_owned(), families }).collect()
}

/// A family that nobody declares here.
fn given(family: &Family) -> &'static Descriptor {
    let mut labels: Vec<String> = Vec::new();
    for (name, _) in family.series.iter().flat_map(|series| &*series.labels) {
        if !labels.iter().any(|known| known == name) && name != OVERFLOW {
            labels.push(name.to_string());
        }
    }
    kept::kept(Given {
        name: family.name.to_string(),
        kind: family.kind,
        help: family.help.to_string(),
        unit: family.unit.to_string(),
        labels,
        bounds: Vec::new(),
    })
}
