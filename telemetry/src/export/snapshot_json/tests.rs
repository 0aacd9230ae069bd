use super::{decode, encode};
use crate::metric::Kind;
use crate::snapshot::{
    CallNode, Exponential, Family, Histogram, Job, Labels, Series, SlowStatement, Snapshot, Statement,
    StatementProfile, Summary, Tally, Value, Worker,
};
use proptest::prelude::*;
use std::time::{Duration, SystemTime};

fn moment(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn refused(json: &str) -> String {
    let error = decode(json).unwrap_err().to_string();
    error.split_once("; a snapshot is what").unwrap().0.to_owned()
}

/// Something of everything.
fn whole(texts: &[String], numbers: &[u64], value: f64) -> Snapshot {
    let text = |index: usize| texts[index % texts.len()].as_str();
    let number = |index: usize| numbers[index % numbers.len()];
    let labels = |index| Labels::from([("z", text(index)), ("a", text(index + 1))]);
    let histogram = Histogram {
        bounds: vec![0.25, 1.0].into(),
        buckets: vec![number(0), number(1), number(2)],
        sum: value,
        exemplars: Vec::new(),
    };
    let exponential = Exponential {
        scale: 2,
        offset: -120,
        buckets: (0..160).map(|index| number(index) % 9).collect(),
        below: number(3),
        above: number(4),
        sum: value,
        exemplars: Vec::new(),
    };
    let summary = Summary { quantiles: vec![(0.5, value), (0.99, value * 2.0)], sum: value, count: number(5) };
    let family = |name: &'static str, kind, unit: &'static str, value| Family {
        name: name.into(),
        help: text(0).to_owned().into(),
        kind,
        unit: unit.into(),
        series: vec![Series { labels: labels(2), value }],
    };
    let families = vec![
        family("a_total", Kind::Counter, "", Value::Integer(u64::MAX)),
        family("b_seconds_total", Kind::Counter, "seconds", Value::Nanoseconds(number(6) % (1 << 52))),
        family("c", Kind::Gauge, "", Value::Float(value)),
        family("d", Kind::Histogram, "", Value::Histogram(histogram)),
        family("e", Kind::Histogram, "seconds", Value::Exponential(exponential)),
        family("f", Kind::Summary, "", Value::Summary(summary)),
        family("g", Kind::Counter, "", Value::Float(0.1)),
    ];
    let tally = Tally { processed: number(7), failed: number(8), skipped: u64::MAX, dead_lettered: 0 };
    let job = Job {
        name: text(3).into(),
        run_id: number(9),
        unit: text(4).into(),
        started_at: moment(1_700_000_000),
        elapsed_seconds: value,
        total: Some(number(10)),
        units: tally,
        records: tally,
        progress: Some(0.5),
        rate: None,
        overall_rate: Some(value),
        eta_seconds: Some(1.0),
        eta_low_seconds: None,
        eta_high_seconds: Some(2.0),
        deadline: Some(moment(1_800_000_000)),
        stalled: true,
        quiet_seconds: Some(3.0),
        workers: vec![Worker { name: text(5).into(), quiet_seconds: 1.0, idle: false, stalled: true }],
        resumed: true,
        result: Some("error"),
    };
    let statement = Statement {
        database: text(6).into(),
        label: text(7).into(),
        text: text(8).into(),
        calls: number(11) / 2,
        errors: number(12) / 2,
        error_types: vec![(text(9).into(), number(13))],
        total_seconds: value,
        min_seconds: 0.1,
        max_seconds: 0.2,
        deviation_seconds: 0.3,
        p50_seconds: 0.4,
        p95_seconds: 0.5,
        p99_seconds: 0.6,
        rows: number(14),
        profile: StatementProfile {
            runs: 1,
            stands_for: 2,
            rows_scanned: Some(number(15)),
            operator_seconds: Some(value),
            planning_seconds: None,
            blocked_seconds: Some(0.0),
            peak_memory_bytes: None,
            peak_temp_bytes: Some(1),
            read_bytes: Some(2),
            written_bytes: None,
        },
        last_plan: Some(text(10).into()),
    };
    let slow = SlowStatement {
        database: text(0).into(),
        label: text(1).into(),
        text: text(2).into(),
        at: moment(1_700_000_001),
        seconds: value,
        rows: None,
        error_type: Some("constraint"),
        plan: Some(text(3).into()),
        plan_is_earlier: true,
    };
    let node = |caller| CallNode {
        function: text(4).into(),
        module: text(5).to_owned().into(),
        caller,
        visits: value,
        self_seconds: 0.5,
        self_allocated_bytes: None,
        cpu_seconds: Some(0.25),
    };
    Snapshot {
        jobs: vec![job],
        statements: vec![statement],
        slow_statements: vec![slow],
        call_tree: vec![node(None), node(Some(0)), node(Some(0))],
        ..Snapshot::of_families(moment(1_600_000_000), moment(1_700_000_002), families)
    }
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(
        texts in prop::collection::vec(any::<String>(), 1..6),
        numbers in prop::collection::vec(0..u64::MAX / 400, 1..20),
        value in 0.0..1e12f64,
    ) {
        let snapshot = whole(&texts, &numbers, value);
        let written = encode(&snapshot);
        let read = decode(&written).unwrap();
        prop_assert_eq!(encode(&read), written);
        prop_assert_eq!(read.families, snapshot.families);
        prop_assert_eq!(read.call_tree, snapshot.call_tree);
    }

    /// Whatever is changed in a document, it is read, or refused with a sentence; what was read is shown.
    #[test]
    fn no_document_does_harm(at in 0usize..9_000, with in "[0-9\\[\\]{}\",:ntfe.-]{0,3}") {
        let mut written = encode(&whole(&[String::from("a")], &[3], 1.5)).into_bytes();
        let at = at % written.len();
        written.splice(at..(at + with.len()).min(written.len()), with.bytes());
        if let Ok(read) = decode(&String::from_utf8(written).unwrap()) {
            let _ = crate::export::report::text(&read);
            let _ = crate::export::flame::speedscope(&read);
            let _ = crate::export::text::encode(&read);
        }
    }
}

#[test]
fn what_cannot_be_is_named() {
    let with = |from: &str, to: &str| {
        let written = encode(&whole(&[String::from("a")], &[3], 1.5));
        assert!(written.contains(from), "{from} is not in {written}");
        refused(&written.replacen(from, to, 1))
    };
    assert_eq!(refused("[]"), "`version` is missing");
    assert!(refused("{").starts_with("this is not JSON"));
    assert_eq!(refused(r#"{"version":"1"}"#), "`version` takes a whole number");
    assert_eq!(refused(r#"{"version":2}"#), "`version` is 2, and this library reads 1: use a later one");
    assert_eq!(refused(r#"{"version":1}"#), "`families` is missing");
    assert!(refused(&"[".repeat(100_000)).starts_with("this is not JSON: recursion limit"));
    assert_eq!(
        with("\"scale\":2", "\"scale\":99"),
        "`families[4].series[0].exponential.scale` takes a whole number from -10 to 20"
    );
    let offset = "`families[4].series[0].exponential.offset` takes a bucket whose bounds are floating-point numbers";
    assert_eq!(with("\"offset\":-120", "\"offset\":2147483647"), offset);
    let sum = "`families[3].series[0].histogram.buckets` takes counts whose sum 64 bits hold";
    assert_eq!(with("\"buckets\":[3,3,3]", "\"buckets\":[3,3,18446744073709551615]"), sum);
    assert_eq!(
        with("\"buckets\":[3,3,3]", "\"buckets\":[3,3]"),
        "`families[3].series[0].histogram.buckets` takes one number more than there are bounds"
    );
    assert_eq!(with("\"caller\":0", "\"caller\":1"), "`call_tree[1].caller` takes the place of one before it");
    let mut deep = whole(&[String::from("a")], &[3], 1.5);
    deep.call_tree =
        (0..1_001usize).map(|index| CallNode { caller: index.checked_sub(1), ..deep.call_tree[0].clone() }).collect();
    assert_eq!(refused(&encode(&deep)), "`call_tree[1000]` is more than 1000 calls deep");
    assert_eq!(refused(r#"{"functions":[]}"#), "this is a report, which lacks most of a snapshot");
    assert_eq!(with("\"name\":\"a_total\"", "\"name\":\"c\""), "the family `c` is there twice");
    assert_eq!(with("\"run_id\":3", "\"run_id\":-3"), "`jobs[0].run_id` takes a whole number from 0 to 2^64 - 1");
    assert_eq!(with("\"taken_at\":1700000002", "\"taken_at\":1e300"), "`taken_at` takes seconds since 1970-01-01 UTC");
    let kinds = "counter, gauge, histogram, info, summary or unknown";
    assert_eq!(with("\"type\":\"gauge\"", "\"type\":\"dial\""), format!("`families[2].type` takes {kinds}"));
    assert_eq!(with("\"stalled\":true", "\"stalled\":1"), "`jobs[0].stalled` takes true or false");
    let missing = "`families[0].series[0]` has none of `value`, `histogram`, `exponential` and `summary`";
    assert_eq!(with("\"value\":18446744073709551615", "\"amount\":1"), missing);
}
