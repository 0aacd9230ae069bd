//! The alert rules under Prometheus' own eyes: its tool reads them, and made-up series fire and do not fire them.

use std::io::Write;
use std::path::Path;
use std::process::Command;

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
    for rules in ["dashboards/rules/backfill.yml", "dashboards/rules/duckdb.yml"] {
        promtool(&["check", "rules", "--lint=all", "--lint-fatal", rules]);
    }
}

#[test]
fn the_alerts_fire_when_they_should_and_not_otherwise() {
    promtool(&["test", "rules", "tests/promtool/backfill.yml", "tests/promtool/duckdb.yml"]);
}
