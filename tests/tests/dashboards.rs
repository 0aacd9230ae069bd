//! Dashboards and rules against declared metrics: each file under `dashboards/fail` has one mistake and says beside it what is found,
//! each under `dashboards/pass` has none.
//!
//! `BLESS=1 cargo test --test dashboards` writes what is found; read it before you commit it.

use std::path::{Path, PathBuf};
use telemetry::dashboard::{Severity, Sources, check};

telemetry::metric! {
    /// Pages read from the source, by airline and response code.
    pub counter flights_pages_total(airline: &str, code: u16);
    /// Records that wait, by queue.
    pub gauge flights_queue_records(queue: &str);
    /// Seconds from a request to its end.
    pub histogram flights_request_duration_seconds(airline: &str) [0.1, 0.5, 1, 5];
    /// What was built.
    pub info flights_build_info(version: &str, queue: &str);
    /// Seconds since 1970-01-01 UTC at which a page was last read.
    pub gauge flights_last_page_timestamp_seconds();
}

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards").join(kind)
}

/// The files of a folder that are dashboards or rules, by name.
fn files(kind: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder(kind)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = all.filter(|path| path.extension().is_some_and(|end| end != "txt")).collect();
    files.sort();
    files
}

/// The errors in one file, each as a user reads it.
fn errors(path: &Path) -> Vec<String> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let sources = Sources::new(path.parent().unwrap())
        .catalog(CATALOG)
        .catalog(telemetry::builtin::CATALOG)
        .foreign(["node_", "up"])
        .function_labels(["carrier"]);
    let sources = if name.ends_with(".json") { sources.files(name) } else { sources.rules(name) };
    let findings = check(&sources).into_iter().filter(|finding| finding.severity == Severity::Error);
    findings.map(|finding| finding.to_string()).collect()
}

#[test]
fn each_mistake_is_found_and_nothing_else() {
    let files = files("fail");
    assert!(files.len() > 40, "{files:?}");
    let mut wrong = Vec::new();
    for path in files {
        let found = errors(&path).join("\n") + "\n";
        let beside = path.with_extension(format!("{}.txt", path.extension().unwrap().to_str().unwrap()));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&beside, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        if found != expected || found.lines().count() != 1 {
            wrong.push(format!("{}\nfound:    {found}expected: {expected}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_right_is_not_refused() {
    let files = files("pass");
    assert!(files.len() > 10, "{files:?}");
    let refused: Vec<_> = files.iter().flat_map(|path| errors(path)).collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn what_nobody_reads_is_noted() {
    let folder = folder("fail");
    let findings = check(&Sources::new(&folder).files("bare_counter.json").catalog(CATALOG));
    let notes: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Note).collect();
    assert_eq!(notes.len(), CATALOG.len() - 1, "{notes:?}");
    assert!(notes.iter().all(|note| !note.message.contains("flights_pages_total")), "{notes:?}");
    assert!(notes.iter().any(|note| note.message == "no dashboard or rule reads the gauge `flights_queue_records`"));
}

#[test]
fn the_projects_own_files_are_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards");
    // `flights.json` also reads the example's own metrics; the example checks it when it is compiled.
    let sources = Sources::new(root)
        .files("backfill.json")
        .files("duckdb.json")
        .rules("rules/*.yml")
        .catalog(telemetry::builtin::CATALOG);
    let findings = check(&sources);
    assert!(findings.is_empty(), "{findings:?}");
}
