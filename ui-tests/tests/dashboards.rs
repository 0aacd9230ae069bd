//! What `dashboards!` leaves behind, and what it does not see: files that are new since the last compilation.

use telemetry::dashboard::{Finding, Severity, Sources, check};

mod metrics {
    telemetry::metric! {
        /// Pages read.
        pub counter flights_pages_total(carrier: &str, code: u16);
        /// Records that wait.
        pub gauge flights_queue_records(queue: &str);
        /// Seconds from a request to its response.
        pub histogram flights_fetch_duration_seconds(carrier: &str) [0.05, 0.1, 0.5, 1, 5, 10];
    }

    pub mod unread {
        telemetry::metric! {
            /// Pages that nobody looks at.
            pub counter flights_unread_pages_total();
        }
    }
}

// Two of them in one module, each with its test: this file's list of tests shows them.
telemetry::dashboards! {
    files = "ui/pass/dashboards/*.json",
    catalogs = [metrics::CATALOG],
    foreign = ["node_"],
}

mod below {
    use super::metrics::CATALOG;

    telemetry::dashboards! {
        root = "ui/pass/dashboards",
        files = ["*.json"],
        catalogs = [CATALOG],
        foreign = ["node_"],
    }
}

fn folder() -> String {
    format!("{}/ui/pass/dashboards", env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Sources {
    Sources::new(folder()).files("*.json").catalog(metrics::CATALOG).foreign(["node_"])
}

fn errors(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter(|finding| finding.severity == Severity::Error).map(Finding::to_string).collect()
}

#[test]
fn what_compiles_has_no_findings_when_called() {
    assert_eq!(check(&sources()), []);
}

#[test]
fn the_test_that_the_macro_leaves_fails_for_a_new_file() {
    let folder = empty("new_file");
    std::fs::copy(format!("{}/flights.json", self::folder()), folder.join("flights.json")).unwrap();
    let sources = || Sources::new(&folder).files("*.json").catalog(metrics::CATALOG).foreign(["node_"]);
    assert!(telemetry::__private::dashboard::test(&sources()).is_ok());
    let wrong = std::fs::read_to_string(format!("{}/flights.json", self::folder())).unwrap();
    std::fs::write(folder.join("new.json"), wrong.replace("(flights_queue_records)", "(flights_queue_record)"))
        .unwrap();
    let failed = telemetry::__private::dashboard::test(&sources()).unwrap_err();
    let text = format!("{failed:?}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "dashboards or rules do not agree with the declared metrics");
    assert_eq!(
        lines[1],
        "new.json: panel \"Waiting\": no declared family gives the series `flights_queue_record`; did you mean \
         `flights_queue_records`? query: `max by (queue) (flights_queue_record)`"
    );
}

#[test]
fn a_family_that_no_file_reads_is_a_note_and_one_of_the_library_s_own_is_none() {
    let ours = telemetry::catalog().into_iter().filter(|family| family.name == "function_calls_total");
    let findings = check(&sources().catalog(metrics::unread::CATALOG).catalog(ours));
    assert_eq!(errors(&findings), [""; 0]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let expected = "no dashboard or rule reads the counter `flights_unread_pages_total`";
    assert_eq!((findings[0].severity, &*findings[0].message), (Severity::Note, expected));
    assert!(findings[0].to_string().starts_with("note: ") && findings[0].file.contains("tests/dashboards.rs:"));
}

#[test]
fn findings_are_sorted_and_each_is_there_once() {
    let folder = empty("sorted");
    let text = std::fs::read_to_string(format!("{}/flights.json", self::folder())).unwrap();
    for name in ["b.json", "a.json"] {
        std::fs::write(folder.join(name), text.replace("flights_pages_total", "flights_pagez_total")).unwrap();
    }
    // Both globs bring both files.
    let sources = Sources::new(&folder).files("*.json").files("?.json").catalog(metrics::CATALOG).foreign(["node_"]);
    let findings = errors(&check(&sources));
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(findings[0].starts_with("a.json: ") && findings[1].starts_with("b.json: "), "{findings:#?}");
    assert_eq!(findings, errors(&check(&sources)));
}

#[test]
fn labels_of_the_server_are_what_is_said() {
    let findings = errors(&check(&sources().target_labels(["instance"])));
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].contains("names the label `job`, which `flights_pages_total` does not have"), "{findings:#?}");
}

#[test]
fn a_glob_that_brings_nothing_is_an_error() {
    let findings = errors(&check(&sources().rules("rules/*.yml")));
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].starts_with("rules/*.yml: `rules/*.yml` matches no file"), "{findings:#?}");
}

/// An empty folder for one test.
fn empty(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboards").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
