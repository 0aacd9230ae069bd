//! The main example as a user runs it: whatever the source does to it, the database holds every row once, and what it says of
//! itself agrees with what the source counted.
#![cfg(unix)] // signals

mod child;

use child::{Child, Ended};
use duckdb::Connection;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use telemetry_examples::source::Stats;
use telemetry_tests::http;
use telemetry_tests::prometheus::Prometheus;

/// So many flights the whole year has, and the first two weeks.
const YEAR: i64 = 336_776;
const TWO_WEEKS: i64 = 12_208;

const PROCESSED: &[(&str, &str)] = &[("status", "processed")];
const SKIPPED: &[(&str, &str)] = &[("status", "skipped")];
const FAILED: &[(&str, &str)] = &[("status", "failed")];

fn start(folder: &Path, arguments: &[&str]) -> Child {
    Child::start(env!("CARGO_BIN_EXE_backfill"), folder, arguments)
}

/// A run at whose end its metrics and its source are asked.
fn held(folder: &Path, arguments: &[&str], ask: impl FnOnce(&Child, SocketAddr, Stats)) -> Ended {
    let child = start(folder, &[arguments, &["--hold"]].concat());
    child.wait_for("holding");
    let stats = serde_json::from_str(&http::get(child.address("the source is at"), "/v1/stats").body).unwrap();
    ask(&child, child.address("the metrics are at"), stats);
    child.signal("INT");
    child.end()
}

fn open(folder: &Path) -> Connection {
    Connection::open(folder.join("flights.duckdb")).unwrap()
}

fn number(folder: &Path, query: &str) -> i64 {
    open(folder).query_row(query, [], |row| row.get(0)).unwrap()
}

/// The title and the query of every panel's targets, with what a reader has chosen in place of the variables.
fn panels(dashboard: &str) -> Vec<(String, String)> {
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    let targets = panels.flat_map(|panel| {
        panel["targets"].as_array().unwrap().iter().map(|target| {
            let query = target["expr"].as_str().unwrap().replace("$__rate_interval", "1m").replace("$__range", "5m");
            let names = ["$job_name", "$job", "$instance", "$database", "$statement"];
            let query = names.iter().fold(query, |query, name| query.replace(name, ".*"));
            (panel["title"].as_str().unwrap().to_owned(), query)
        })
    });
    let targets: Vec<_> = targets.collect();
    assert!(targets.len() >= 6 && targets.iter().all(|(_, query)| !query.contains('$')), "{targets:?}");
    targets
}

const ROWS: &str = "SELECT count(*) FROM flights";
/// Days that the job has noted, and the flights that it noted of them.
const DAYS: &str = "SELECT count(*) FROM telemetry_checkpoints WHERE key LIKE '2013-%'";
const CHECKPOINTED: &str = "SELECT sum(value::BIGINT)::BIGINT FROM telemetry_checkpoints WHERE key LIKE '2013-%'";

#[test]
fn the_whole_year_arrives_with_faults_and_prometheus_counts_it() {
    let folder = tempfile::tempdir().unwrap();
    let year = ["--faults", "0.1", "--rate", "100000"];
    let ended = held(folder.path(), &year, |child, metrics, stats| {
        assert_eq!(stats.flights, YEAR as u64);
        let scrape = child.scrape(metrics);
        assert_eq!(scrape.sum("backfill_records_total", PROCESSED), YEAR as f64);
        assert_eq!(scrape.sum("backfill_units_total", PROCESSED), 365.0);
        assert_eq!(scrape.sum("backfill_units_total", FAILED), 0.0);
        let Some(prometheus) = Prometheus::scraping(metrics) else { return };
        for (query, value) in [
            (r#"sum(backfill_records_total{status="processed"})"#, YEAR as f64),
            (r#"backfill_units_total{job_name="flights", unit="days", status="processed"}"#, 365.0),
            (r#"backfill_expected_units{job_name="flights"}"#, 365.0),
            (r#"backfill_progress_ratio{job_name="flights"}"#, 1.0),
            (r#"backfill_runs_total{job_name="flights", result="ok"}"#, 1.0),
            (r#"backfill_requests_in_flight{endpoint_name="flights"}"#, 0.0),
            (r#"sum(backfill_requests_total{code="200"})"#, stats.answers[&200] as f64),
            (r#"sum(backfill_requests_total)"#, stats.answers.values().sum::<u64>() as f64),
            (r#"sum(backfill_request_duration_seconds_count)"#, stats.answers.values().sum::<u64>() as f64),
            (r#"flights_classified_total{status="on_time"}"#, 247_246.0),
            (r#"flights_classified_total{status="late"}"#, 80_100.0),
            (r#"flights_classified_total{status="cancelled"}"#, 8_255.0),
            (r#"flights_classified_total{status="diverted"}"#, 1_175.0),
            (r#"duckdb_table_rows{database="warehouse", table="flights"}"#, YEAR as f64),
            (r#"max(duckdb_table_rows)"#, YEAR as f64),
            (r#"sum(duckdb_queries_total{result="error"})"#, 0.0),
            (r#"function_calls_total{function="Warehouse::write_day", result="ok"}"#, 365.0),
            (r#"sum(function_calls_concurrent)"#, 0.0),
        ] {
            prometheus.wait_for_value(query, value);
        }
        let documented = include_str!("../../dashboards/README.md");
        let queries = documented.lines().filter_map(|line| line.split('`').nth(1).filter(|_| line.ends_with("` |")));
        let (ended, others): (Vec<&str>, Vec<&str>) = queries.partition(|query| *query == "backfill_eta_seconds");
        assert_eq!((ended.len(), others.len()), (1, 6));
        // Wrapped, so that the wait is for data of whatever value: `or vector(0)` would hide that there is none.
        others.iter().for_each(|query| prometheus.wait_for_value(&format!("count({query}) > bool 0"), 1.0));
        assert_eq!(prometheus.value("backfill_eta_seconds"), None, "an ended job has no time left");
        let flights = panels(include_str!("../../dashboards/flights.json"));
        let silent: Vec<String> = panels(include_str!("../../dashboards/backfill.json"))
            .into_iter()
            .chain(flights)
            .chain(panels(include_str!("../../dashboards/duckdb.json")))
            .filter(|(_, query)| prometheus.query(query).is_empty())
            .map(|(title, _)| title)
            .collect();
        // An ended job has no time left, no deadline, no workers and no queues, and every fault of this run is an answer. No statement has failed of anything, and none runs that tells how far it is.
        assert_eq!(
            silent,
            [
                "Time left",
                "Time left, and between what it lies",
                "Time left, and between what it lies",
                "Time left, and between what it lies",
                "Until the deadline",
                "Requests without an answer, per second",
                "Workers, and those that hang",
                "Workers, and those that hang",
                "Records in queues",
                "Records in queues",
                "Age of the oldest record in a queue",
                "Errors by type, per second",
                "Progress of what runs",
            ]
        );
    });
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        ended.output.starts_with("365 of 365 days are whole in flights.duckdb\n336,776 flights\n"),
        "{}",
        ended.output
    );
    assert!(ended.output.contains("late         80,100  23.8 %"), "{}", ended.output);
    assert_eq!(number(folder.path(), ROWS), YEAR);
    let distinct = "SELECT count(DISTINCT (month, day, carrier, flight, origin)) FROM flights";
    assert_eq!(number(folder.path(), distinct), YEAR);
    let largest = "SELECT table_name = 'flights' FROM duckdb_tables() ORDER BY estimated_size DESC LIMIT 1";
    assert!(open(folder.path()).query_row(largest, [], |row| row.get::<_, bool>(0)).unwrap());
}

#[test]
fn requests_by_code_are_what_the_source_counted() {
    let folder = tempfile::tempdir().unwrap();
    // Six at once and eight a second, of which the program knows nothing: the limit is met, too.
    let arguments = ["--days", "7", "--faults", "0.3", "--rate", "8", "--limit", "1000"];
    let ended = held(folder.path(), &arguments, |child, metrics, stats| {
        let scrape = child.scrape(metrics);
        let requests = scrape.samples("backfill_requests_total", &[("endpoint_name", "flights")]);
        let requests: BTreeMap<u16, u64> =
            requests.iter().map(|sample| (sample.labels["code"].parse().unwrap(), sample.value as u64)).collect();
        assert_eq!(requests, stats.answers);
        assert!(requests.contains_key(&429) && requests.keys().any(|code| *code >= 500), "{requests:?}");
        let limited = scrape.sum("backfill_rate_limit_hits_total", &[]);
        assert_eq!(limited, requests[&429] as f64);
        assert!(scrape.sum("backfill_rate_limit_wait_seconds_total", &[]) >= limited, "a second is the least to wait");
        let again: u64 = requests.iter().filter(|(code, _)| **code != 200).map(|(_, count)| count).sum();
        assert_eq!(scrape.sum("backfill_retries_total", &[]), again as f64, "no page was given up");
        assert_eq!(scrape.sum("backfill_queue_records", &[]), 0.0);
    });
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(number(folder.path(), ROWS), 6_099);
}

#[test]
fn if_every_request_fails_that_can_the_rows_come_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--days", "2", "--faults", "1", "--rate", "1000", "--concurrency", "64"];
    let ended = held(folder.path(), &arguments, |_, _, stats| {
        let failed: u64 = stats.answers.iter().filter(|(code, _)| **code >= 500).map(|(_, count)| count).sum();
        assert_eq!((failed, stats.answers[&200]), (24, 8));
    });
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(number(folder.path(), ROWS), 842 + 943);
}

#[test]
fn after_ctrl_c_the_next_run_fetches_the_days_that_are_missing_and_no_others() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        // Who interrupts the job does not want it held.
        let child = start(folder.path(), &["--days", "14", "--rate", "12", "--hold"]);
        child.wait_for_metric(child.address("the metrics are at"), "backfill_units_total", PROCESSED, 2.0);
        child.signal(signal);
        let ended = child.end();
        assert_eq!(ended.status.code(), Some(130), "{ended:?}");
        assert!(ended.error.contains("stopped before the end"), "{}", ended.error);
        assert!(ended.error.contains("Client::page"), "the report is printed: {}", ended.error);

        let there = number(folder.path(), ROWS);
        let days = number(folder.path(), DAYS);
        assert!((2..14).contains(&days), "{days}");
        assert_eq!(there, number(folder.path(), CHECKPOINTED));
        assert!(ended.output.starts_with(&format!("{days} of 14 days are whole")), "{}", ended.output);

        let ended = held(folder.path(), &["--days", "14", "--rate", "1000"], |child, metrics, stats| {
            let scrape = child.scrape(metrics);
            assert_eq!(scrape.sum("backfill_units_total", SKIPPED), days as f64);
            assert_eq!(scrape.sum("backfill_units_total", PROCESSED), (14 - days) as f64);
            assert_eq!(scrape.sum("backfill_records_total", SKIPPED), there as f64);
            assert_eq!(scrape.sum("backfill_records_total", PROCESSED), (TWO_WEEKS - there) as f64);
            assert_eq!(stats.flights, (TWO_WEEKS - there) as u64);
        });
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(number(folder.path(), ROWS), TWO_WEEKS);
    }
}

#[test]
fn a_run_that_was_killed_leaves_whole_days_alone() {
    let folder = tempfile::tempdir().unwrap();
    let child = start(folder.path(), &["--days", "14", "--rate", "12"]);
    child.wait_for_metric(child.address("the metrics are at"), "backfill_units_total", PROCESSED, 2.0);
    child.signal("KILL");
    assert_eq!(child.end().status.code(), None);
    let there = number(folder.path(), ROWS);
    assert!(there > 0);
    assert_eq!(there, number(folder.path(), CHECKPOINTED));
    let ended = held(folder.path(), &["--days", "14", "--rate", "1000"], |_, _, stats| {
        assert_eq!(stats.flights, (TWO_WEEKS - there) as u64);
    });
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(number(folder.path(), ROWS), TWO_WEEKS);
}

#[test]
fn a_day_of_which_rows_are_missing_is_fetched_again_and_whole_days_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let days = ["--days", "5", "--rate", "1000"];
    assert!(start(folder.path(), &days).end().status.success());
    let rows = number(folder.path(), ROWS);
    open(folder.path()).execute_batch("DELETE FROM flights WHERE day = 3 AND carrier = 'UA'").unwrap();
    let ended = held(folder.path(), &days, |child, metrics, stats| {
        assert_eq!(stats.flights, 914);
        assert_eq!(child.scrape(metrics).sum("backfill_records_total", PROCESSED), 914.0);
    });
    assert!(ended.status.success(), "{ended:?}");
    let ended = held(folder.path(), &days, |_, _, stats| assert_eq!(stats, Stats::default()));
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(number(folder.path(), ROWS), rows);
}

#[test]
fn a_file_that_is_not_its_own_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name| folder.path().join(name);
    std::fs::write(file("text.duckdb"), "these are my notes, and no database\n".repeat(1000)).unwrap();
    Connection::open(file("orders.duckdb")).unwrap().execute_batch("CREATE TABLE orders AS SELECT 7 AS id").unwrap();
    let other = "CREATE TABLE days (day DATE, flights INTEGER); CREATE TABLE flights (day DATE, late BOOLEAN)";
    Connection::open(file("other.duckdb")).unwrap().execute_batch(other).unwrap();
    for (name, reasons) in [
        ("text.duckdb", ["cannot open text.duckdb as a DuckDB database", "--database takes another file"]),
        (
            "orders.duckdb",
            [
                "orders.duckdb was not made by this program: it holds `orders`",
                "no `flights` with the columns year INTEGER",
            ],
        ),
        ("other.duckdb", ["it holds `days`, `flights`", "no `flights` with the columns year INTEGER, month INTEGER"]),
    ] {
        let before = std::fs::read(file(name)).unwrap();
        let ended = start(folder.path(), &["--days", "1", "--database", name]).end();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(reasons.iter().all(|reason| ended.error.contains(reason)), "{name}: {}", ended.error);
        assert_eq!(ended.output, "");
        assert!(std::fs::read(file(name)).unwrap() == before, "{name} has changed");
    }
}

#[test]
fn a_database_in_use_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let _in_use = open(folder.path());
    let ended = start(folder.path(), &["--days", "1"]).end();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.error.contains("cannot open flights.duckdb"), "{}", ended.error);
}

#[test]
fn a_run_without_an_endpoint_ends_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_backfill"))
        .args(["--days", "1", "--rate", "1000"])
        .current_dir(folder.path())
        .envs([("TELEMETRY_LISTEN", "off"), ("TELEMETRY_REPORT", "off")])
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    assert!(String::from_utf8_lossy(&child.stderr).contains("the metrics are nowhere"), "{child:?}");
    assert_eq!(number(folder.path(), ROWS), 842);
}

#[test]
fn help_tells_what_it_does_and_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let ended = start(folder.path(), &["--help"]).end();
    assert!(ended.status.success());
    for word in ["--days", "--concurrency", "--faults", "--seed", "--database", "--hold", "TELEMETRY_LISTEN", "Ctrl-C"]
    {
        assert!(ended.output.contains(word), "{word}: {}", ended.output);
    }
    assert!(ended.output.lines().all(|line| line.len() <= 100), "{}", ended.output);
    let ended = start(folder.path(), &["--days", "400"]).end();
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.error.contains("400 is not in 1..=365"), "{}", ended.error);
}
