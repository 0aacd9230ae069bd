//! The main example while its source is in trouble, and while it is killed itself: in the end every row is there once, and what each run says of itself adds up.
//!
//! `BACKFILL_FAULT_SECONDS` and `BACKFILL_FAULT_DAYS` make the troubles and the work longer; `ci/long/faults` does.
#![cfg(unix)] // signals

mod child;

use child::{Child, Metrics};
use duckdb::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use telemetry_examples::source::Stats;
use telemetry_tests::http;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

fn seconds() -> u64 {
    setting("BACKFILL_FAULT_SECONDS", 4)
}

fn days() -> u64 {
    setting("BACKFILL_FAULT_DAYS", 21)
}

/// The flights of the first days, by the data itself.
fn flights() -> f64 {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data/nyc-flights-2013.parquet");
    let query =
        "SELECT count(*) FROM read_parquet(?) WHERE make_date(2013, month, day) < DATE '2013-01-01' + ?::INTEGER";
    let connection = Connection::open_in_memory().unwrap();
    connection.query_row(query, duckdb::params![data, days() as i64], |row| row.get::<_, i64>(0)).unwrap() as f64
}

fn number(folder: &Path, query: &str) -> i64 {
    let connection = Connection::open(folder.join("flights.duckdb")).unwrap();
    connection.query_row(query, [], |row| row.get(0)).unwrap()
}

/// Every row of the days is there, once.
fn is_whole(folder: &Path) {
    assert_eq!(number(folder, "SELECT count(*) FROM flights") as f64, flights());
    assert_eq!(
        number(folder, "SELECT count(DISTINCT (month, day, carrier, flight, origin, sched_dep_time)) FROM flights")
            as f64,
        flights()
    );
}

/// What was seen of the units and the records is what became of them.
fn adds_up(scrape: &Metrics) {
    let sum = |family| {
        ["processed", "failed", "skipped", "dead_lettered"]
            .map(|status| scrape.sum(family, &[("status", status)]))
            .iter()
            .sum::<f64>()
    };
    assert_eq!(sum("backfill_units_total"), days() as f64);
    assert_eq!(sum("backfill_records_total"), flights());
    assert_eq!(scrape.sum("backfill_requests_in_flight", &[]), 0.0);
    assert_eq!(scrape.sum("backfill_stalled", &[]), 0.0);
}

struct Run {
    scrape: Metrics,
    answers: BTreeMap<u16, u64>,
    /// By code, of those that were answered.
    requests: BTreeMap<u16, u64>,
    /// By kind of error, of those that were not.
    errors: BTreeMap<String, u64>,
    said: String,
}

/// Runs it to its end while its source is in trouble.
fn run(trouble: &str, more: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let (days, trouble) = (days().to_string(), format!("{trouble}:{}", seconds()));
    // Some ten seconds' work, so that it is in the middle of it when the trouble comes.
    let arguments = ["--days", &days, "--rate", "12", "--patience", "1000", "--trouble", &trouble, "--hold"];
    let child = Child::start(env!("CARGO_BIN_EXE_backfill"), folder.path(), &[&arguments, more].concat());
    child.wait_for("holding");
    let stats = http::get(child.address("the source is at"), "/v1/stats").body;
    let stats: Stats = serde_json::from_str(&stats).unwrap();
    let scrape = child.scrape(child.address("the metrics are at"));
    let (mut requests, mut errors) = (BTreeMap::new(), BTreeMap::new());
    for sample in scrape.samples("backfill_requests_total", &[]) {
        let (code, count) = (&sample.labels["code"], sample.value as u64);
        match code.parse() {
            Ok(code) => drop(requests.insert(code, count)),
            Err(_) => drop(errors.insert(code.clone(), count)),
        }
    }
    child.signal("INT");
    let ended = child.end();
    assert!(ended.status.success(), "{ended:?}");
    is_whole(folder.path());
    adds_up(&scrape);
    let sent = requests.values().chain(errors.values()).sum::<u64>() as f64;
    let again = scrape.sum("backfill_retries_total", &[]);
    assert_eq!(scrape.sum("backfill_request_duration_seconds_count", &[]), sent);
    assert_eq!(sent - again, requests[&200] as f64, "each page came once");
    assert_eq!(scrape.sum("backfill_requests_given_up_total", &[]), 0.0);
    Run { scrape, answers: stats.answers, requests, errors, said: ended.error }
}

#[test]
fn a_source_that_is_down_for_a_while_costs_time_alone() {
    let run = run("down", &[]);
    assert!(run.errors.values().sum::<u64>() > 0, "{:?}", run.errors);
    assert!(run.errors.keys().all(|kind| ["reset", "connect"].contains(&kind.as_str())), "{:?}", run.errors);
    assert_eq!(run.requests, run.answers);
    assert!(run.scrape.sum("backfill_wait_seconds_total", &[("reason", "backoff")]) >= 1.0);
}

#[test]
fn a_source_that_refuses_everything_for_a_while_is_left_alone_as_it_asks() {
    let run = run("limited", &[]);
    assert_eq!((run.requests.clone(), run.errors.len()), (run.answers, 0));
    let refused = run.requests[&429] as f64;
    assert_eq!(run.scrape.sum("backfill_rate_limit_hits_total", &[]), refused);
    // The limit that all workers share stands still for a second after each refusal, so that they do not all run into it again.
    assert!((1.0..=8.0 * (seconds() as f64 + 1.0)).contains(&refused), "{refused}");
    let waited = run.scrape.sum("backfill_rate_limit_wait_seconds_total", &[]);
    assert!(waited >= seconds() as f64 - 1.0, "{waited}");
    assert!(run.said.contains("rate limited"), "{}", run.said);
}

#[test]
fn answers_that_trickle_are_waited_for() {
    let run = run("slow", &[]);
    assert_eq!((run.requests.clone(), run.errors.len()), (run.answers, 0));
    let slow = run.scrape.sum("backfill_request_duration_seconds_sum", &[]);
    assert!(slow > seconds() as f64, "{slow}");
}

#[test]
fn a_request_that_is_not_answered_holds_up_its_worker_alone() {
    let run = run("hangs", &["--concurrency", "3"]);
    assert_eq!(run.requests, run.answers);
    // The program waits 30 s for an answer, and then asks again.
    assert!(run.errors.keys().all(|kind| kind == "timeout"), "{:?}", run.errors);
    assert_eq!(run.errors.is_empty(), seconds() < 30, "{:?}", run.errors);
}

#[test]
fn killed_at_ten_moments_it_brings_every_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let (days, rate) = (days().to_string(), days().to_string());
    // Two workers, so that the first days are there soon.
    let arguments = ["--days", &days, "--rate", &rate, "--concurrency", "2", "--patience", "1000"];
    let start =
        |more: &[&str]| Child::start(env!("CARGO_BIN_EXE_backfill"), folder.path(), &[&arguments, more].concat());
    let (mut before, mut resumed) = (0, 0);
    for kill in 0..10 {
        let child = start(&[]);
        child.address("the metrics are at");
        // The whole takes four seconds in one run. Anywhere between the opening of the file and some days' commits.
        std::thread::sleep(Duration::from_micros(fastrand::u64(50_000..self::days() * 42_000)));
        child.signal("KILL");
        let ended = child.end();
        resumed += usize::from(ended.error.contains("flights: resumed from"));
        let there = number(folder.path(), "SELECT count(*) FROM flights");
        let noted = "SELECT coalesce(sum(value::BIGINT), 0)::BIGINT FROM telemetry_checkpoints WHERE key LIKE '2013-%'";
        let has_state = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'telemetry_checkpoints'";
        let noted = if number(folder.path(), has_state) > 0 { number(folder.path(), noted) } else { 0 };
        assert_eq!(there, noted, "after kill {kill}: rows and checkpoints are one");
        assert!(there >= before, "after kill {kill}: what was confirmed is there");
        before = there;
    }
    let child = start(&["--hold"]);
    child.wait_for("holding");
    let scrape = child.scrape(child.address("the metrics are at"));
    assert_eq!(
        scrape.sum("backfill_records_total", &[("status", "skipped")]),
        before as f64,
        "nothing is brought twice"
    );
    adds_up(&scrape);
    child.signal("INT");
    let ended = child.end();
    assert!(ended.status.success(), "{ended:?}");
    assert!(resumed > 0 && before > 0, "{resumed} runs were resumed ones, {before} records were there");
    eprintln!("{before} of {} records were there after ten kills, {resumed} runs were resumed ones", flights());
    is_whole(folder.path());
}
