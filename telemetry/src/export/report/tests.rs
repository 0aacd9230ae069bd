//! Whole reports, compared as text.

use super::*;
use std::time::{Duration, SystemTime};

fn labels(labels: &[(&'static str, &str)]) -> crate::snapshot::Labels {
    labels.iter().map(|&(name, value)| (name.into(), value.into())).collect()
}

fn family(name: &'static str, kind: Kind, unit: &'static str, series: Vec<(&[(&'static str, &str)], Value)>) -> Family {
    let series = series.into_iter().map(|(pairs, value)| Series { labels: labels(pairs), value });
    Family { name: name.into(), help: "Help.".into(), kind, unit: unit.into(), series: series.collect() }
}

fn snapshot(mut families: Vec<Family>) -> Snapshot {
    families.sort_by(|a, b| a.name.cmp(&b.name));
    let started_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let taken_at = started_at + Duration::from_millis(12_340);
    Snapshot { taken_at, started_at, families, jobs: Vec::new(), statements: Vec::new() }
}

/// Two functions, one of which failed; a job; two statements; metrics.
fn example() -> Snapshot {
    let classify: &[_] = &[("function", "classify"), ("module", "app")];
    let fetch: &[_] = &[("function", "<Client as Source>::fetch"), ("module", "app::source")];
    let with = |pairs: &[(&'static str, &'static str)], result| [pairs, &[("result", result)]].concat();
    let (classify_ok, fetch_ok, fetch_error) = (with(classify, "ok"), with(fetch, "ok"), with(fetch, "error"));
    let durations = |bucket: usize, count: u64, sum: f64| {
        let mut buckets = vec![0; 41 * 4];
        buckets[bucket] = count;
        Value::Exponential(Exponential { scale: 2, offset: -96, buckets, below: 0, above: 0, sum })
    };
    let mut snapshot = snapshot(vec![
        family(
            "function_calls_total",
            Kind::Counter,
            "",
            vec![
                (&classify_ok, Value::Integer(336_776)),
                (&fetch_ok, Value::Integer(3_368)),
                (&fetch_error, Value::Integer(177)),
            ],
        ),
        family(
            "function_calls_duration_seconds",
            Kind::Histogram,
            "seconds",
            vec![
                (&classify_ok, durations(18, 336_776, 0.42)),
                (&fetch_ok, durations(70, 3_368, 17.5)),
                (&fetch_error, durations(60, 177, 0.2)),
            ],
        ),
        family(
            "function_busy_seconds_total",
            Kind::Counter,
            "seconds",
            vec![(classify, Value::Nanoseconds(420_000_000)), (fetch, Value::Nanoseconds(1_230_000_000))],
        ),
        family(
            "function_self_seconds_total",
            Kind::Counter,
            "seconds",
            vec![(classify, Value::Nanoseconds(420_000_000)), (fetch, Value::Nanoseconds(1_130_000_000))],
        ),
        family(
            "function_calls_concurrent",
            Kind::Gauge,
            "",
            vec![(classify, Value::Float(0.0)), (fetch, Value::Float(2.0))],
        ),
        family(
            "function_allocated_bytes_total",
            Kind::Counter,
            "bytes",
            vec![(classify, Value::Integer(0)), (fetch, Value::Integer(98_765_432))],
        ),
        family("target_info", Kind::Info, "", vec![(&[("service_name", "flights")], Value::Float(1.0))]),
        family(
            "source_requests_total",
            Kind::Counter,
            "",
            vec![(&[("code", "200")], Value::Integer(3_368)), (&[("code", "500")], Value::Integer(0))],
        ),
        family(
            "source_delay_seconds",
            Kind::Histogram,
            "seconds",
            vec![(
                &[],
                Value::Histogram(crate::snapshot::Histogram {
                    bounds: vec![1.0].into(),
                    buckets: vec![7, 1],
                    sum: 4.0,
                }),
            )],
        ),
        family("write_queue_records", Kind::Gauge, "records", vec![(&[], Value::Float(12.0))]),
    ]);
    snapshot.jobs.push(Job {
        name: "flights".into(),
        unit: "days".into(),
        started_at: snapshot.started_at,
        elapsed_seconds: 12.1,
        total: Some(365),
        units: Tally { processed: 363, failed: 2, ..Tally::default() },
        records: Tally { processed: 336_776, skipped: 4, ..Tally::default() },
        progress: Some(1.0),
        rate: None,
        eta_seconds: None,
        result: Some("ok"),
    });
    let statement = |label: &str, text: &str, calls, errors| Statement {
        database: "warehouse".into(),
        label: label.into(),
        text: text.into(),
        calls,
        errors,
        total_seconds: 0.75,
        max_seconds: 0.05,
        rows: 336_776,
        last_plan: None,
    };
    snapshot.statements = vec![
        statement(
            "insert_flights_1a2b",
            "INSERT INTO flights (day, carrier, flight, delay) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            365,
            0,
        ),
        statement("select_count_3c4d", "SELECT count(*) FROM flights", 1, 1),
    ];
    snapshot
}

#[test]
fn the_report_is_a_page_of_aligned_tables() {
    let expected = "\
flights ran 12.3 s: 2 functions, 1 job, 2 statements, 3 metrics

Jobs
job      result  elapsed             done  records         rate
flights  ok       12.1 s  365 of 365 days  336,780  30.2 days/s
flights: 2 days failed, 4 records skipped

Functions
function                    calls  errors  running    busy    self     mean      p99  allocated
<Client as S…rce>::fetch    3,545     177        2  1.23 s  1.13 s  4.99 ms  13.1 ms   94.2 MiB
classify                  336,776                   420 ms  420 ms  1.25 µs  1.60 µs        0 B
busy: executing, callees included; self: without measured callees; mean and quantiles: start to end,
waiting included; quantiles are at most 19 % off

Statements
statement            runs  errors   total     mean  longest     rows  text
insert_flights_1a2b   365          750 ms  2.05 ms  50.0 ms  336,776  INSERT INTO fli…ICT DO NOTHING
select_count_3c4d       2       1  750 ms   375 ms  50.0 ms  336,776  SELECT count(*) FROM flights

Metrics
metric                             value  observed    mean
source_delay_seconds                             8  500 ms
source_requests_total{code=\"200\"}  3,368
write_queue_records                   12
";
    let text = text(&example());
    assert_eq!(text, expected, "{text}");
}

#[test]
fn the_report_fits_the_terminal() {
    for width in [80, 100, 120] {
        let text = text_for(&example(), width, false);
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(width), "{longest:?} columns of {width}:\n{text}");
    }
}

#[test]
fn colour_changes_no_word() {
    let colored = text_for(&example(), 100, true);
    assert!(colored.contains("\u{1b}[31m"));
    let mut plain = String::new();
    for part in colored.split("\u{1b}[") {
        plain += part.split_once('m').filter(|(code, _)| code.parse::<u8>().is_ok()).map_or(part, |(_, text)| text);
    }
    assert_eq!(plain, text(&example()));
}

#[test]
fn a_bar_and_a_tag_survive_markdown() {
    let markdown = markdown(&example());
    assert!(markdown.contains("| `<Client as Source>::fetch` | 3,545 | 177 |"), "{markdown}");
    assert!(markdown.contains("\n## Jobs\n\n| job |"), "{markdown}");
    let widths: std::collections::BTreeSet<_> = markdown
        .split("## ")
        .map(|table| table.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count()).collect())
        .map(|counts: std::collections::BTreeSet<usize>| counts.len())
        .collect();
    assert_eq!(widths, [0, 1].into(), "each table has rows of one length");
}

#[test]
fn json_has_the_figures_unrounded() {
    let json = json(&example());
    assert!(json.ends_with("}\n") && json.lines().count() == 1, "{json}");
    for part in [
        r#"{"service":"flights","taken_at":1700000012.34,"seconds":12.34,"functions":[{"function":"<Client as Source>::fetch""#,
        r#""units":{"processed":363,"failed":2,"skipped":0,"dead_lettered":0}"#,
        r#"{"metric":"source_requests_total","kind":"counter","labels":{"code":"200"},"value":3368}"#,
        r#""statement":"select_count_3c4d","database":"warehouse","text":"SELECT count(*) FROM flights","calls":1,"errors":1"#,
    ] {
        assert!(json.contains(part), "{part}\nin {json}");
    }
}

#[test]
fn nothing_recorded_is_nothing_printed() {
    let target = family("target_info", Kind::Info, "", vec![(&[], Value::Float(1.0))]);
    let zero = family("rows_total", Kind::Counter, "", vec![(&[], Value::Integer(0))]);
    let own = family("telemetry_series", Kind::Gauge, "", vec![(&[], Value::Float(9.0))]);
    let snapshot = snapshot(vec![target, zero, own]);
    assert_eq!((text(&snapshot), markdown(&snapshot), json(&snapshot)), Default::default());
}
