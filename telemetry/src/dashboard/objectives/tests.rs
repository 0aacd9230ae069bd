use super::*;
use crate::builtin;
use crate::dashboard::{Severity, Sources, check};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

/// Made up: what `tests/promtool/objectives.yml` has series for.
fn made_up() -> Vec<Objective> {
    vec![
        Objective::function("app::io", "Reader::next")
            .success(0.999)
            .latency(Duration::from_millis(250), 0.99)
            .declared_at("src/io.rs", 7),
        Objective::function("app::io", "Vec<T>::load \"a\\b\" {{ $x }}: #").success(0.9).window_days(7),
        Objective::job("flights").success(0.99),
        Objective::job("days").of_units().success(0.95).window_days(28),
    ]
}

fn options() -> RuleOptions {
    RuleOptions::new()
        .selector("{ job=~\"t|u\", }")
        .label("team", "flights")
        .dashboard_url("https://grafana.example/d/functions?var-function={{ $labels.function | urlquery }}")
        .runbook_url("https://example.com/runbook#{{ $labels.objective }}")
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/promtool/objectives_rules.yml")
}

/// Prometheus' tool reads that file, and tries its alerts: `tests/tests/rules.rs`.
#[test]
fn the_rules_are_those_that_are_kept() {
    let made = rules(&made_up(), &options());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(fixture(), &made).unwrap();
    }
    let kept = fs::read_to_string(fixture()).unwrap_or_default();
    assert_eq!(
        made, kept,
        "if it is meant, UPDATE_DOCS=1 writes it anew, and `promtool test rules tests/promtool/objectives.yml` judges it"
    );
}

#[test]
fn the_same_objectives_make_the_same_bytes() {
    let mut other_way = made_up();
    other_way.reverse();
    other_way.extend(made_up());
    assert_eq!(rules(&other_way, &options()), rules(&made_up(), &options()));
}

#[test]
fn everything_that_is_asked_for_is_declared() {
    let sources = Sources::new(fixture().parent().unwrap()).rules("objectives_rules.yml").catalog(builtin::CATALOG);
    let findings = check(&sources);
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn what_makes_no_rules_is_told() {
    let load = || Objective::function("app", "load");
    let made = rules(&[load().success(2.0), Objective::job("a\nb")], &RuleOptions::new());
    assert!(made.contains("# Left out: function `app::load`: the share of `success` is 2;"), "{made}");
    assert!(made.contains("# Left out: job `a b` has no objective"), "{made}");
    assert!(made.ends_with("groups: []\n"), "{made}");
    let made = rules(
        &[load().success(0.9).declared_at("a.rs", 1), load().success(0.99).declared_at("b.rs", 2)],
        &RuleOptions::new(),
    );
    assert!(made.contains("a second objective at b.rs:2 differs from the one at a.rs:1, which counts"), "{made}");
    assert_eq!(made.matches("- name:").count(), 1, "{made}");
    assert!(made.contains("vector(0.9)") && !made.contains("vector(0.99)"), "{made}");
    assert!(rules(&[], &RuleOptions::new()).ends_with("groups: []\n"));
}

#[test]
fn options_are_where_they_belong() {
    let objective = Objective::function("app", "load").success(0.999);
    let made = rules(
        &[objective],
        &RuleOptions::new()
            .severities("critical", "warning")
            .label("env", "a \"b\"")
            .label("severity", "none")
            .interval(Duration::from_secs(30)),
    );
    assert!(made.contains("    interval: 30s\n"));
    assert_eq!((made.matches("severity: \"critical\"").count(), made.matches("severity: \"warning\"").count()), (1, 1));
    assert!(made.contains("env=\"a \\\"b\\\"\"") && made.contains("          env: \"a \\\"b\\\"\"\n"));
    assert!(!made.contains("dashboard_url") && !made.contains("runbook_url"));
    assert_eq!(
        RuleOptions::new().interval(Duration::from_secs(3600)),
        RuleOptions::new().interval(Duration::from_secs(120))
    );
}

#[test]
fn no_alert_is_made_that_nothing_can_fire() {
    let made = rules(&[Objective::function("app", "load").success(0.5)], &RuleOptions::new());
    assert!(!made.contains("ErrorBudgetBurnsFast"), "{made}");
    assert!(made.contains("> 1 * 0.5") && !made.contains("> 3 * 0.5"), "{made}");
}
