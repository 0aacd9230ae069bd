//! What is in a Grafana.

use crate::Failed;
use crate::ask::{Grafana, Push};
use crate::check;
use crate::files::with_endings;
use serde_json::Value;
use std::path::PathBuf;
use telemetry::dashboard::{Options, Severity, Template, generate};
use telemetry::grafana::{Client, SaveOptions};

pub(crate) fn run(command: Grafana) -> Result<(), Failed> {
    let client = Client::from_env().map_err(said)?;
    match command {
        Grafana::Health => health(&client),
        Grafana::Push(push) => bring(&client, &push),
    }
}

fn said(error: telemetry::grafana::Error) -> Failed {
    error.to_string()
}

fn health(client: &Client) -> Result<(), Failed> {
    let health = client.health().map_err(said)?;
    let version = health.version.as_deref().unwrap_or("of a version that it does not tell");
    println!("{}: Grafana {version}, database {}", client.url(), health.database);
    let organization = client.organization().map_err(said)?;
    println!("organization {}", organization.name);
    Ok(())
}

/// Where new ones go.
const FOLDER: &str = "telemetry";
const TITLE: &str = "Telemetry";

/// A dashboard, and where it is from.
struct Given {
    name: String,
    dashboard: Value,
}

impl Given {
    fn called(&self) -> String {
        format!("{} ({})", self.dashboard["title"].as_str().unwrap_or_default(), self.name)
    }
}

fn bring(client: &Client, push: &Push) -> Result<(), Failed> {
    let catalog = push.from.given().map(|from| from.read()).transpose()?;
    let given = match &catalog {
        Some(catalog) if push.files.is_empty() => {
            let made = generate(catalog, &Options::new());
            vec![Given { name: String::from("generated"), dashboard: parsed(&made)? }]
        }
        _ => {
            let files = with_endings(&push.files, &[".json"])?;
            if let Some(catalog) = &catalog {
                refuse(&check::findings(catalog, &push.foreign, &files)?)?;
            }
            files.iter().map(read).collect::<Result<_, _>>()?
        }
    };
    distinct(&given)?;
    let client = client.dry_run(push.dry_run);
    let places = given.iter().map(|one| place(&client, push, one)).collect::<Result<Vec<_>, _>>()?;
    // All are looked at before anything is written.
    let tried = client.dry_run(true);
    let mut failed = 0;
    for (one, place) in given.iter().zip(&places) {
        if let Err(error) = tried.ensure_dashboard(&one.dashboard, &options(push, place)) {
            failed += 1;
            println!("dashboard {}: {error}", one.called());
        }
    }
    if failed > 0 {
        return Err(format!("{failed} of {} dashboards cannot be saved; nothing was sent", given.len()));
    }
    let target = push.folder_uid.as_deref().unwrap_or(FOLDER);
    if places.iter().any(|place| place.as_deref() == Some(target)) {
        let there = client.folder(target).map_err(said)?;
        let title = match (&push.folder, &there) {
            (Some(title), _) => title.as_str(),
            (None, Some(there)) => &there.title,
            (None, None) => TITLE,
        };
        let change = client.ensure_folder(target, title).map_err(said)?;
        println!("folder {title}: {}", told(&change, push.dry_run));
    }
    for (at, (one, place)) in given.iter().zip(&places).enumerate() {
        match client.ensure_dashboard(&one.dashboard, &options(push, place)) {
            Ok(change) => println!("dashboard {}: {}", one.called(), told(&change, push.dry_run)),
            Err(error) => {
                return Err(format!(
                    "dashboard {}: {error}; the {} after it were not sent",
                    one.called(),
                    given.len() - at - 1
                ));
            }
        }
    }
    Ok(())
}

/// The folder that a dashboard goes to: the one that was asked for, else the one that it is in, else ours.
fn place(client: &Client, push: &Push, one: &Given) -> Result<Option<String>, Failed> {
    if let Some(folder) = &push.folder_uid {
        return Ok(Some(folder.clone()));
    }
    let uid = one.dashboard["uid"].as_str().unwrap_or_default();
    Ok(match client.dashboard(uid).map_err(said)? {
        Some(there) => there.meta.folder_uid.filter(|folder| !folder.is_empty()),
        None => Some(FOLDER.to_owned()),
    })
}

fn options(push: &Push, place: &Option<String>) -> SaveOptions {
    SaveOptions {
        folder_uid: place.clone(),
        overwrite_foreign: push.overwrite,
        message: push.message.clone(),
        ..SaveOptions::default()
    }
}

fn told(change: &telemetry::grafana::Change, is_dry: bool) -> String {
    let said = change.to_string();
    if is_dry && change.is_change() { format!("would be {said}") } else { said }
}

fn refuse(findings: &[telemetry::dashboard::Finding]) -> Result<(), Failed> {
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    errors.iter().for_each(|finding| println!("{finding}"));
    if errors.is_empty() { Ok(()) } else { Err(format!("{} errors; nothing was sent", errors.len())) }
}

fn read(file: &PathBuf) -> Result<Given, Failed> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let dashboard = parsed(&text).map_err(|why| format!("{name}: {why}"))?;
    if dashboard.get("uid").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(format!("{name} has no `uid`, by which it would be found again"));
    }
    if !dashboard["panels"].is_array() {
        return Err(format!("{name} is no dashboard in the classic form: it has no list of `panels`"));
    }
    if dashboard.get("__inputs").is_some() {
        return Err(format!("{name} is an export whose inputs are to be filled in: `telemetry import` does it"));
    }
    if dashboard.get("tags").is_some_and(|tags| !tags.is_array()) {
        return Err(format!("{name}: `tags` is no list"));
    }
    let gaps = Template::parse(&name, &text).map_err(|error| error.to_string())?;
    let gaps: Vec<&str> = gaps.variables().collect();
    if !gaps.is_empty() {
        return Err(format!(
            "{name} is a template with gaps for {}: `telemetry template` fills them in",
            gaps.join(", ")
        ));
    }
    Ok(Given { name, dashboard })
}

fn parsed(text: &str) -> Result<Value, Failed> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| format!("this is not JSON: {error}"))
}

/// Of two with one uid the later would take the place of the earlier.
fn distinct(given: &[Given]) -> Result<(), Failed> {
    for (at, one) in given.iter().enumerate() {
        if let Some(other) = given[..at].iter().find(|other| other.dashboard["uid"] == one.dashboard["uid"]) {
            return Err(format!("{} and {} have the same uid {}", other.name, one.name, one.dashboard["uid"]));
        }
    }
    Ok(())
}
