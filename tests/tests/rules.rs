//! The alert rules under Prometheus' own eyes: its tool reads them, and made-up series fire and do not fire them.

use std::io::Write;
use std::path::Path;
use std::process::Command;

/// The files in `dashboards/rules`, each with its test in `tests/promtool`.
const RULES: [&str; 4] = ["backfill", "duckdb", "functions", "process"];

/// Runs Prometheus' tool in the project's folder. Where it is not installed, says so and leaves the test, as skipped.
fn promtool(arguments: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let Ok(output) = Command::new("promtool").args(arguments).current_dir(root).output() else {
        // Not by `eprintln!`, which the test harness keeps to itself. If nobody can be told, so be it.
        let _ = writeln!(std::io::stderr(), "SKIPPED: no `promtool` in the path; Debian's package `prometheus` has it");
        return;
    };
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_rules_are_accepted_by_prometheus() {
    for rules in RULES {
        let file = format!("dashboards/rules/{rules}.yml");
        promtool(&["check", "rules", "--lint=all", "--lint-fatal", &file]);
    }
    // Made of objectives; a test of `telemetry::dashboard::rules` keeps it current.
    for made in ["tests/promtool/objectives_rules.yml", "dashboards/rules/flights.yml"] {
        promtool(&["check", "rules", "--lint=all", "--lint-fatal", made]);
    }
}

#[test]
fn the_alerts_fire_when_they_should_and_not_otherwise() {
    for tested in RULES.into_iter().chain(["objectives"]) {
        promtool(&["test", "rules", &format!("tests/promtool/{tested}.yml")]);
    }
}

#[test]
fn every_rule_file_is_among_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards/rules");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    // The example's objectives, made and kept current by its own test.
    files.retain(|file| file != "flights");
    assert_eq!(files, RULES);
}
