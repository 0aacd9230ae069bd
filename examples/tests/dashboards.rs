//! Every panel of every dashboard shows something while the main example runs: those in the repository, and the one that is made of the program's
//! catalogue. So does every rule, but for the comparison that makes an alert of it. A real Prometheus scrapes the program and is asked each query.
#![cfg(unix)] // signals

mod child;

use child::Child;
use std::collections::BTreeSet;
use std::path::Path;
use telemetry::catalog::Catalog;
use telemetry::dashboard::{Options, RuleOptions, Severity, Sources, check, generate, rules};
use telemetry_tests::http;
use telemetry_tests::prometheus::Prometheus;

const DASHBOARDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards");

/// What a healthy run does not have, by the dashboard or its row, and by a part of the query.
const SILENT: [(&str, &str); 6] = [
    // Every fault of this run is an answer.
    ("Backfill jobs", "code!~\"[0-9]+\""),
    // No statement fails, and none is so long that DuckDB tells how far it is.
    ("DuckDB", "duckdb_query_errors_total"),
    ("DuckDB", "duckdb_query_progress_ratio"),
    // It is called once, and that before the first scrape.
    ("Function Warehouse::open (backfill::store)", "function_calls_"),
    // There is no limit here, and no family reached its own.
    ("Process and telemetry", "cgroup_memory_limit_bytes"),
    ("Process and telemetry", "telemetry_capped_lookups_total"),
];

/// The same of alerts and recorded names.
const QUIET: [(&str, &str); 7] = [
    // No statement fails, and no call is dropped before its end.
    ("DuckdbStatementsFail", "duckdb_query_errors_total"),
    ("FunctionCancelledOften", "cancelled"),
    // It compares with half an hour ago.
    ("FunctionSlowerThanUsual", "offset 30m"),
    // There may be no container, or one without a limit.
    ("ProcessMemoryNearLimit", "cgroup_memory_limit_bytes"),
    ("ProcessThrottled", "cgroup_cpu_throttled_seconds_total"),
    // Nothing is pushed.
    ("TelemetryPushLoses", "telemetry_push_"),
    ("TelemetryPushFails", "telemetry_push_"),
];

/// One query of a panel, with what a reader would have chosen in place of the variables.
struct Asked {
    dashboard: String,
    row: String,
    panel: String,
    query: String,
}

fn asked(text: &str) -> Vec<Asked> {
    let dashboard: serde_json::Value = serde_json::from_str(text).unwrap();
    let title = dashboard["title"].as_str().unwrap();
    let (mut row, mut all) = (String::new(), Vec::new());
    let outer = dashboard["panels"].as_array().unwrap();
    let panels =
        outer.iter().flat_map(|panel| std::iter::once(panel).chain(panel["panels"].as_array().into_iter().flatten()));
    for panel in panels {
        if panel["type"] == "row" {
            row = panel["title"].as_str().unwrap().to_owned();
            continue;
        }
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap().replace("$__rate_interval", "10s").replace("$__range", "1m");
            let names = ["$job_name", "$job", "$instance", "$database", "$statement", "$function", "$module"];
            let query = names.iter().fold(query, |query, name| query.replace(name, ".*"));
            assert!(!query.contains('$'), "{query}");
            all.push(Asked {
                dashboard: title.into(),
                row: row.clone(),
                panel: panel["title"].as_str().unwrap().into(),
                query,
            });
        }
    }
    assert!(all.len() >= 6, "{title}");
    all
}

/// Copies of the rules that are evaluated every second: the job is over before some are for the first time.
fn often_evaluated(folder: &Path) -> String {
    for file in std::fs::read_dir(format!("{DASHBOARDS}/rules")).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let lines =
            text.lines().map(|line| if line.trim_start().starts_with("interval:") { "    interval: 1s" } else { line });
        std::fs::write(folder.join(file.file_name().unwrap()), lines.collect::<Vec<_>>().join("\n")).unwrap();
    }
    format!("{}/*.yml", folder.display())
}

/// An alert's query gives nothing while all is well. With its comparisons as numbers it gives something if there is anything to compare.
fn without_comparison(query: &str) -> String {
    let compared = [" > ", " < ", " >= ", " <= ", " == ", " != "];
    compared.iter().fold(query.replace('\n', " "), |query, sign| query.replace(sign, &format!("{sign}bool ")))
}

#[test]
fn every_panel_shows_data_while_the_job_runs() {
    let folder = tempfile::tempdir().unwrap();
    // Half a minute of work, with faults of each kind that the source has, and the limit met.
    let arguments = ["--days", "90", "--faults", "0.2", "--rate", "12", "--limit", "1000", "--hold"];
    let child = Child::start(env!("CARGO_BIN_EXE_backfill"), folder.path(), &arguments);
    let metrics = child.address("the metrics are at");
    let kept = tempfile::tempdir().unwrap();
    let Some(prometheus) = Prometheus::with_rules(metrics, &often_evaluated(kept.path())) else { return };
    child.wait_for_metric(metrics, "backfill_units_total", &[("status", "processed")], 20.0);

    let catalog = Catalog::parse(&http::get(metrics, "/catalog.json").body).unwrap();
    let made = generate(&catalog, &Options::new());
    std::fs::write(kept.path().join("made.json"), &made).unwrap();
    let findings = check(&Sources::new(kept.path()).files("*.json").program(&catalog));
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");

    // What the program's objectives come to is kept, so that a change of a promise is read.
    let promised = rules(catalog.objectives(), &RuleOptions::new());
    let path = format!("{DASHBOARDS}/rules/flights.yml");
    if std::env::var_os("UPDATE_RULES").is_some() {
        std::fs::write(&path, &promised).unwrap();
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        current == promised,
        "dashboards/rules/flights.yml is not current; UPDATE_RULES=1 cargo test -p telemetry-examples --test dashboards"
    );

    let mut all = asked(&made);
    let mut files: Vec<_> = std::fs::read_dir(DASHBOARDS).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "json")) {
        all.extend(asked(&std::fs::read_to_string(file).unwrap()));
    }
    let panels = all.len();
    all.extend(prometheus.rules().into_iter().map(|(name, query)| Asked {
        dashboard: String::from("rules"),
        row: String::new(),
        query: without_comparison(&query),
        panel: name,
    }));
    // Of what moves now and then a panel shows something every few seconds: asked until it has, as long as the job runs.
    let mut shown: Vec<Option<f64>> = vec![None; all.len()];
    let running = || child.scrape(metrics).sum("backfill_runs_total", &[]) == 0.0;
    while running() && shown.iter().any(Option::is_none) {
        for (asked, shown) in all.iter().zip(&mut shown).filter(|(_, shown)| shown.is_none()) {
            *shown =
                prometheus.query(&asked.query).into_iter().map(|series| series.value).find(|value| value.is_finite());
        }
    }
    // A run that ended has a result and a success, and no longer what is about running ones.
    child.wait_for("holding");
    prometheus.wait_for_value("sum(backfill_runs_total)", 1.0);
    for (asked, shown) in all.iter().zip(&mut shown).filter(|(_, shown)| shown.is_none()) {
        *shown = prometheus.query(&asked.query).into_iter().map(|series| series.value).find(|value| value.is_finite());
    }
    let mut silent = Vec::new();
    let mut titles = BTreeSet::new();
    for (asked, shown) in all.iter().zip(&shown) {
        println!("{} / {} / {}: {shown:?}", asked.dashboard, asked.row, asked.panel);
        titles.insert((&asked.dashboard, &asked.row, &asked.panel));
        let of_panel = SILENT.iter().filter(|(of, _)| *of == asked.dashboard || *of == asked.row);
        let of_rule = QUIET.iter().filter(|(rule, _)| asked.dashboard == "rules" && *rule == asked.panel);
        let may = of_panel.chain(of_rule).any(|(_, part)| asked.query.contains(part));
        if shown.is_none() && !may {
            silent.push(format!("{} / {} / {}: {}", asked.dashboard, asked.row, asked.panel, asked.query));
        }
    }
    println!("{panels} queries of panels, {} of rules; {} panels and rules", all.len() - panels, titles.len());
    assert!(silent.is_empty(), "nothing is shown of:\n{}", silent.join("\n"));
    child.signal("INT");
    assert!(child.end().status.success());
}
