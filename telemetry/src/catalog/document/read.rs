//! A catalogue from its document.

use super::VERSION;
use crate::catalog::kept::{self, Given};
use crate::catalog::program::{Catalog, Database, Endpoint, Function, Job};
use crate::metric::{Descriptor, Kind};
use crate::objective::Objective;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// Why a text is no catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogDocumentError(String);

impl fmt::Display for CatalogDocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; a catalogue is what a program serves at /catalog.json or `telemetry::catalog().write(…)` wrote",
            self.0
        )
    }
}

impl std::error::Error for CatalogDocumentError {}

type Result<T> = std::result::Result<T, CatalogDocumentError>;

impl Catalog {
    /// The catalogue of such a [document](Catalog::json), or of the list of families that [`catalog::json`](crate::catalog::json()) makes.
    ///
    /// Families that it names are kept in memory for ever, once for each content: it is for tools.
    ///
    /// # Errors
    /// The text is no JSON, of a later version than this library reads, or lacks what a catalogue has; the message names the member.
    ///
    /// ```
    /// use telemetry::catalog::Catalog;
    ///
    /// telemetry::metric! { /** Rows parsed. */ counter rows_parsed_total(table: &str); }
    /// let catalog = telemetry::catalog();
    /// assert_eq!(Catalog::parse(&catalog.json())?.json(), catalog.json());
    /// assert_eq!(
    ///     Catalog::parse("{}").unwrap_err().to_string(),
    ///     "`metrics` is missing; a catalogue is what a program serves at /catalog.json or `telemetry::catalog().write(…)` wrote"
    /// );
    /// # Ok::<(), telemetry::catalog::CatalogDocumentError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Catalog> {
        let document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| CatalogDocumentError(format!("this is not JSON: {error}")))?;
        if let Value::Array(families) = &document {
            return Ok(Catalog { declared: metrics(families)?.0, ..Catalog::default() });
        }
        if document.get("version").is_some_and(|version| !version.is_u64()) {
            return Err(CatalogDocumentError(String::from("`version` is no whole number")));
        }
        if let Some(version) = document.get("version").and_then(Value::as_u64).filter(|at| *at > u64::from(VERSION)) {
            let message = format!("`version` is {version}, and this library reads {VERSION}: use a later one");
            return Err(CatalogDocumentError(message));
        }
        let (declared, recorded) = metrics(list(&document, "metrics", "")?)?;
        Ok(Catalog {
            declared,
            recorded,
            service: document.get("service").and_then(Value::as_str).unwrap_or_default().to_owned(),
            functions: each(&document, "functions", function)?,
            jobs: each(&document, "jobs", job)?,
            databases: each(&document, "databases", |database, at| {
                Ok(Database { database: named(database, "database", at)?, families: names(database, "families", at)? })
            })?,
            objectives: each(&document, "objectives", objective)?,
            ..Catalog::default()
        })
    }
}

fn objective(value: &Value, at: &str) -> Result<Objective> {
    let wrong = |key: &str, takes: &str| CatalogDocumentError(format!("`{at}{key}` takes {takes}"));
    let made = match &*named(value, "kind", at)? {
        "function" => Objective::function(named(value, "module", at)?, named(value, "function", at)?),
        "job" => {
            let job = Objective::job(named(value, "job_name", at)?);
            match value.get("counts").and_then(Value::as_str) {
                Some("units") => job.of_units(),
                Some("records") => job,
                _ => return Err(wrong("counts", "`records` or `units`")),
            }
        }
        _ => return Err(wrong("kind", "`function` or `job`")),
    };
    // What is there has to be what it is, else an alert would be another one without a word.
    let number = |key: &str| match value.get(key) {
        None => Ok(None),
        Some(number) => number.as_f64().map(Some).ok_or_else(|| wrong(key, "a number")),
    };
    let mut made = number("success")?.into_iter().fold(made, Objective::success);
    if let Some(seconds) = number("latency_seconds")? {
        let within =
            Duration::try_from_secs_f64(seconds).map_err(|_| wrong("latency_seconds", "a number of seconds"))?;
        made = made.latency(within, number("at")?.ok_or_else(|| wrong("at", "a share"))?);
    }
    let whole = |key: &str| match value.get(key) {
        None => Ok(None),
        Some(number) => {
            let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
            number.map(Some).ok_or_else(|| wrong(key, "a whole number"))
        }
    };
    let made = whole("window_days")?.into_iter().fold(made, Objective::window_days);
    let file = value.get("file").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(made.declared_at(file, whole("line")?.unwrap_or_default()))
}

fn function(value: &Value, at: &str) -> Result<Function> {
    Ok(Function {
        module: named(value, "module", at)?,
        function: named(value, "function", at)?,
        major: value.get("major").and_then(Value::as_bool).unwrap_or(true),
        labels: names(value, "labels", at)?,
        families: names(value, "families", at)?,
    })
}

fn job(value: &Value, at: &str) -> Result<Job> {
    let endpoints = each(value, "endpoints", |endpoint, at| {
        let families = names(endpoint, "families", at)?;
        Ok(Endpoint { endpoint_name: named(endpoint, "endpoint_name", at)?, families })
    });
    Ok(Job { job_name: named(value, "job_name", at)?, families: names(value, "families", at)?, endpoints: endpoints? })
}

/// The families, and those of them that have a series.
fn metrics(items: &[Value]) -> Result<(Vec<&'static Descriptor>, BTreeSet<String>)> {
    let (mut families, mut recorded) = (Vec::new(), BTreeSet::new());
    for (index, item) in items.iter().enumerate() {
        let at = format!("metrics[{index}].");
        let name = named(item, "name", &at)?;
        let kind = named(item, "type", &at)?;
        let kind = Kind::named(&kind).ok_or_else(|| {
            let kinds = "counter, gauge, histogram, info, summary or unknown";
            CatalogDocumentError(format!("`{at}type` is `{kind}`, and takes {kinds}"))
        })?;
        let optional = |key| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let bounds = item.get("bounds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if item.get("recorded").and_then(Value::as_bool).unwrap_or(false) {
            recorded.insert(name.clone());
        }
        families.push(kept::kept(Given {
            kind,
            help: optional("help"),
            unit: optional("unit"),
            // In the order of the declaration.
            labels: list_or_none(item, "labels", &at)?
                .iter()
                .map(|label| word(label, "labels", &at))
                .collect::<Result<_>>()?,
            bounds: bounds.iter().filter_map(Value::as_f64).collect(),
            name,
        }));
    }
    families.sort_by_key(|family| family.name);
    Ok((families, recorded))
}

fn each<T>(value: &Value, key: &str, read: impl Fn(&Value, &str) -> Result<T>) -> Result<Vec<T>> {
    let items = list_or_none(value, key, "")?;
    items.iter().enumerate().map(|(index, item)| read(item, &format!("{key}[{index}]."))).collect()
}

fn list<'a>(value: &'a Value, key: &str, at: &str) -> Result<&'a [Value]> {
    match value.get(key) {
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(CatalogDocumentError(format!("`{at}{key}` is no list"))),
        None => Err(CatalogDocumentError(format!("`{at}{key}` is missing"))),
    }
}

fn list_or_none<'a>(value: &'a Value, key: &str, at: &str) -> Result<&'a [Value]> {
    if value.get(key).is_none() { Ok(&[]) } else { list(value, key, at) }
}

fn named(value: &Value, key: &str, at: &str) -> Result<String> {
    match value.get(key) {
        Some(Value::String(name)) if !name.is_empty() => Ok(name.clone()),
        // A job or a function may be called nothing, a family may not.
        Some(Value::String(name)) if key != "name" => Ok(name.clone()),
        Some(_) => Err(CatalogDocumentError(format!("`{at}{key}` is no name"))),
        None => Err(CatalogDocumentError(format!("`{at}{key}` is missing"))),
    }
}

fn names(value: &Value, key: &str, at: &str) -> Result<BTreeSet<String>> {
    list_or_none(value, key, at)?.iter().map(|name| word(name, key, at)).collect()
}

fn word(value: &Value, key: &str, at: &str) -> Result<String> {
    let word = value.as_str().map(str::to_owned);
    word.ok_or_else(|| CatalogDocumentError(format!("`{at}{key}` holds what is no name")))
}
