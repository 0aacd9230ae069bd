//! Whole reports, compared as text.

use super::function::Quality;
use super::*;
use crate::snapshot::Exponential;
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
    Snapshot::of_families(started_at, taken_at, families)
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
        Value::Exponential(Exponential {
            scale: 2,
            offset: -96,
            buckets,
            below: 0,
            above: 0,
            sum,
            exemplars: Vec::new(),
        })
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
                    exemplars: Vec::new(),
                }),
            )],
        ),
        family("write_queue_records", Kind::Gauge, "records", vec![(&[], Value::Float(12.0))]),
    ]);
    snapshot.jobs.push(Job {
        name: "flights".into(),
        run_id: 1,
        unit: "days".into(),
        started_at: snapshot.started_at,
        elapsed_seconds: 12.1,
        total: Some(365),
        units: Tally { processed: 363, failed: 2, ..Tally::default() },
        records: Tally { processed: 336_776, skipped: 4, ..Tally::default() },
        progress: Some(1.0),
        rate: None,
        overall_rate: None,
        eta_seconds: None,
        eta_low_seconds: None,
        eta_high_seconds: None,
        deadline: None,
        stalled: false,
        quiet_seconds: None,
        workers: Vec::new(),
        resumed: false,
        result: Some("ok"),
    });
    let statement = |label: &str, text: &str, calls, errors| Statement {
        database: "warehouse".into(),
        label: label.into(),
        text: text.into(),
        calls,
        errors,
        total_seconds: 0.75,
        error_types: Vec::new(),
        min_seconds: 0.001,
        max_seconds: 0.05,
        deviation_seconds: 0.01,
        p50_seconds: 0.01,
        p95_seconds: 0.04,
        p99_seconds: 0.05,
        profile: Default::default(),
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
function                     calls  errors  running    busy    self     mean      p99  allocated
<Client as Source>::fetch    3,545     177        2  1.23 s  1.13 s  4.99 ms  13.1 ms   94.2 MiB
classify                   336,776                   420 ms  420 ms  1.25 µs  1.60 µs        0 B
no room for: p50, p95
running: how many, and the age of the oldest; busy: executing, callees included; self: without
measured callees; mean and quantiles: start to end, waiting included; quantiles are at most 19 % off

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

/// What all can be said of functions: a future that waits and fails in two ways, one whose CPU time and bytes were sampled, one that is only counted.
fn everything() -> Snapshot {
    let fetch: &[_] = &[("function", "fetch"), ("module", "app")];
    let copy: &[_] = &[("function", "copy"), ("module", "app")];
    let tick: &[_] = &[("function", "tick"), ("module", "app")];
    let with = |pairs: &[(&'static str, &'static str)], name, value| [pairs, &[(name, value)]].concat();
    let mut buckets = vec![0; 41 * 4];
    buckets[70] = 4;
    let durations = Value::Exponential(Exponential {
        scale: 2,
        offset: -96,
        buckets,
        below: 0,
        above: 0,
        sum: 0.5,
        exemplars: Vec::new(),
    });
    let counter = |name, series| family(name, Kind::Counter, "", series);
    let gauge = |name, series| family(name, Kind::Gauge, "", series);
    snapshot(vec![
        counter(
            "function_calls_total",
            vec![
                (&with(fetch, "result", "error"), Value::Integer(3)),
                (&with(fetch, "result", "panic"), Value::Integer(1)),
                (&with(fetch, "result", "cancelled"), Value::Integer(2)),
                (&with(copy, "result", "ok"), Value::Integer(1_000)),
                (&with(tick, "result", "ok"), Value::Integer(7)),
            ],
        ),
        counter(
            "function_errors_total",
            vec![
                (&with(fetch, "error_type", "gone"), Value::Integer(1)),
                (&with(fetch, "error_type", "timeout"), Value::Integer(2)),
            ],
        ),
        family(
            "function_calls_duration_seconds",
            Kind::Histogram,
            "seconds",
            vec![(&with(fetch, "result", "error"), durations)],
        ),
        counter(
            "function_busy_seconds_total",
            vec![(fetch, Value::Nanoseconds(80_000_000)), (copy, Value::Nanoseconds(2_000_000_000))],
        ),
        counter(
            "function_self_seconds_total",
            vec![(fetch, Value::Nanoseconds(70_000_000)), (copy, Value::Nanoseconds(2_000_000_000))],
        ),
        counter("function_polls_total", vec![(fetch, Value::Integer(20))]),
        gauge(
            "function_calls_concurrent",
            vec![(fetch, Value::Float(2.0)), (copy, Value::Float(0.0)), (tick, Value::Float(1.0))],
        ),
        gauge("function_oldest_call_age_seconds", vec![(fetch, Value::Float(83.0)), (copy, Value::Float(0.0))]),
        counter(
            "function_cpu_seconds_total",
            vec![(fetch, Value::Nanoseconds(71_000_000)), (copy, Value::Nanoseconds(1_234_000_000))],
        ),
        counter("function_io_read_bytes_total", vec![(fetch, Value::Integer(0)), (copy, Value::Integer(5_000_000))]),
        counter("function_io_written_bytes_total", vec![(fetch, Value::Integer(0)), (copy, Value::Integer(100_000))]),
        gauge(
            "function_probe_sampling_ratio",
            vec![
                (&with(fetch, "probe", "cpu"), Value::Float(1.0)),
                (&with(copy, "probe", "cpu"), Value::Float(0.06)),
                (&with(copy, "probe", "io"), Value::Float(0.04)),
            ],
        ),
        gauge(
            "function_probe_standard_error_ratio",
            vec![
                (&with(fetch, "probe", "cpu"), Value::Float(0.0)),
                (&with(copy, "probe", "cpu"), Value::Float(0.013)),
                (&with(copy, "probe", "io"), Value::Float(0.21)),
            ],
        ),
        gauge("function_peak_allocated_bytes", vec![(copy, Value::Float(4_096.0))]),
    ])
}

#[test]
fn each_figure_has_a_column_and_those_that_are_absent_have_none() {
    let expected = "\
telemetry ran 12.3 s: 3 functions

Functions
function  calls  errors  panics  cancelled        running     busy    idle     self             cpu     mean      p50      p95      p99            read          written
copy      1,000                                             2.00 s           2.00 s  1.23 s ±1.3 %                                       4.77 MiB ±21 %  97.7 KiB ±>100 %
fetch         6       3       1          2  2 (1 min 23 s)  80.0 ms  420 ms  70.0 ms         71.0 ms   125 ms  12.0 ms  13.0 ms  13.1 ms
tick          7                                          1
errors of fetch: 2 timeout, 1 gone
";
    let text = text_for(&everything(), 400, false);
    let (table, legend) = text.split_at(text.find("running:").unwrap());
    assert_eq!(squeezed(table), squeezed(expected), "{text}");
    for word in ["busy:", "idle:", "self:", "cpu:", "written:", "±:", "quantiles:"] {
        assert!(legend.contains(word), "{word} in {legend}");
    }
}

/// Lines whose words are one blank apart.
fn squeezed(text: &str) -> String {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn a_figure_that_is_estimated_says_so_and_one_that_is_exact_does_not() {
    let quality = |sampled, error| Quality { sampled, error };
    let marked = |sampled, error| quality(sampled, error).mark(10.0, 10.0, 60.0);
    assert_eq!(marked(Some(1.0), Some(0.0)), "");
    assert_eq!(marked(None, None), "");
    assert_eq!(marked(Some(0.5), Some(0.02)), " ±2.0 %");
    assert_eq!(marked(Some(0.5), Some(0.0)), " ±?", "nothing but the first call was read");
    assert_eq!(marked(Some(0.4), Some(0.02)), " ±?", "24 readings");
    assert_eq!(quality(Some(0.5), Some(0.02)).mark(0.0, 10.0, 60.0), "", "of nothing there is no share");
    assert_eq!(
        quality(Some(0.5), Some(0.02)).mark(1.0, 10.0, 60.0),
        " ±20 %",
        "a part is known as well as the whole, at worst"
    );
}

#[test]
fn the_report_fits_the_terminal() {
    for width in [80, 100, 120] {
        for snapshot in [example(), everything()] {
            let text = text_for(&snapshot, width, false);
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(width), "{longest:?} columns of {width}:\n{text}");
        }
    }
}

#[test]
fn what_there_is_no_room_for_is_named_and_not_explained() {
    let text = text_for(&everything(), 80, false);
    assert!(text.contains("no room for: cpu, idle") || text.contains("no room for: idle, cpu"), "{text}");
    assert!(!text.contains("cpu: on a processor") && !text.contains('±'), "{text}");
    assert!(!text_for(&everything(), 400, false).contains("no room"));
}

#[test]
fn json_has_every_figure_of_a_function_and_null_where_there_is_none() {
    let json = json(&everything());
    for part in [
        r#""errors_by_type":{"gone":1,"timeout":2},"panics":1,"cancelled":2"#,
        r#""running":2,"oldest_call_age_seconds":83,"polls":20,"busy_seconds":0.08,"idle_seconds":0.42"#,
        r#""cpu_seconds":1.234,"cpu_standard_error_ratio":0.013,"cpu_sampling_ratio":0.06"#,
        r#""io_read_bytes":5000000,"io_written_bytes":100000,"io_standard_error_ratio":0.21,"io_sampling_ratio":0.04"#,
        r#""allocations":null,"peak_allocated_bytes":4096"#,
        r#""busy_seconds":null,"idle_seconds":null,"self_seconds":null"#,
    ] {
        assert!(json.contains(part), "{part}\nin {json}");
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

#[test]
fn slow_statements_are_shown_with_how_long_ago_they_ended() {
    let mut snapshot = snapshot(Vec::new());
    assert_eq!(text(&snapshot), "");
    snapshot.slow_statements = vec![SlowStatement {
        database: "warehouse".into(),
        label: "select_flights_3fa9c1".into(),
        text: "select count(*) from flights where carrier = ?".into(),
        at: snapshot.taken_at - Duration::from_secs(65),
        seconds: 1.5,
        rows: None,
        error_type: Some("interrupt"),
        plan: None,
        plan_is_earlier: true,
    }];
    let report = text(&snapshot);
    let line =
        report.lines().find(|line| line.starts_with("select_flights_3fa9c1")).unwrap_or_else(|| panic!("{report}"));
    let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let expected = ["select_flights_3fa9c1", "warehouse", "1.50 s", "1 min 05 s ago", "interrupt"];
    assert_eq!(cells[..5], expected, "{report}");
}
