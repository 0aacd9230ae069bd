//! A real Prometheus scrapes `OpenMetrics` and protobuf, as it negotiates them: values, exemplars, native histograms.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use telemetry::Kind;
use telemetry::export::{Format, Options};
use telemetry::snapshot::{Exemplar, Exponential, Family, Histogram, Labels, Series, Snapshot, Value};
use telemetry_tests::prometheus::Prometheus;
use telemetry_tests::target::Target;

const AWKWARD: &str = "a\\b\"c\nd\r{}, ü";

fn family(name: &'static str, kind: Kind, unit: &'static str, labels: &[(&'static str, &str)], value: Value) -> Family {
    let labels = labels.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    let series = vec![Series { labels, value }];
    Family { name: name.into(), help: "What it\nis.".into(), kind, unit: unit.into(), series }
}

fn exemplar(trace: &str, value: f64) -> Exemplar {
    Exemplar {
        labels: Labels::from([("trace_id", trace), ("span_id", "00f067aa0ba902b7")]),
        value,
        at: SystemTime::now(),
    }
}

/// After this many scrapes: ten calls a scrape of 1.05 to 1.15 s, and one of 100 s.
fn snapshot(scrapes: u64) -> Snapshot {
    let exponential = Exponential {
        scale: 2,
        offset: -8,
        // 2^-2 to 2^7; index 8 is above 1, up to 1.19; index 34 above 90.5, up to 107.6.
        buckets: (0..36).map(|index| scrapes * if index == 8 { 10 } else { u64::from(index == 34) }).collect(),
        below: 0,
        above: 0,
        sum: 111.0 * scrapes as f64,
        exemplars: vec![exemplar("4bf92f3577b34da6a3ce929d0e0e4736", 1.125), exemplar("7f", 100.0)],
    };
    let histogram = Histogram {
        bounds: vec![0.5, 1.0].into(),
        buckets: vec![scrapes, 0, 2],
        sum: 7.25 + scrapes as f64,
        exemplars: vec![exemplar("abc", 0.25)],
    };
    let families = vec![
        family(
            "calls_duration_seconds",
            Kind::Histogram,
            "seconds",
            &[("function", "f")],
            Value::Exponential(exponential),
        ),
        family("idle_bytes", Kind::Gauge, "bytes", &[], Value::Float(-0.5)),
        family("rows_total", Kind::Counter, "", &[("path", AWKWARD)], Value::Integer(42)),
        family("step_seconds", Kind::Histogram, "seconds", &[], Value::Histogram(histogram)),
        family("version_info", Kind::Info, "", &[("version", "1")], Value::Float(1.0)),
    ];
    let taken_at = SystemTime::now();
    Snapshot::of_families(taken_at, taken_at, families)
}

/// A target, and the content type of its last answer.
fn target(options: Options) -> (Target, Arc<Mutex<String>>) {
    let last = Arc::new(Mutex::new(String::new()));
    let (told, mut scrapes) = (Arc::clone(&last), 0);
    let target = Target::answering(move |accept| {
        scrapes += 1;
        let format = Format::negotiate(accept);
        *told.lock().unwrap() = format.content_type().to_owned();
        (format.content_type().to_owned(), format.encode_with(&snapshot(scrapes), options))
    });
    (target, last)
}

fn check_plain_values(prometheus: &Prometheus) {
    let awkward = AWKWARD.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
    for (promql, expected) in [
        ("idle_bytes".to_owned(), -0.5),
        (format!("rows_total{{path=\"{awkward}\"}}"), 42.0),
        ("version_info{version=\"1\"}".to_owned(), 1.0),
        ("step_seconds_bucket{le=\"+Inf\"} - ignoring(le) step_seconds_bucket{le=\"1.0\"}".to_owned(), 2.0),
        ("step_seconds_sum - ignoring(le) step_seconds_bucket{le=\"0.5\"}".to_owned(), 7.25),
        ("count(step_seconds_bucket)".to_owned(), 3.0),
    ] {
        // All of one scrape, so what is the difference of two of its values does not change.
        assert_eq!(prometheus.query(&promql).first().map(|series| series.value), Some(expected), "{promql}");
    }
}

fn check_exemplars(prometheus: &Prometheus, selector: &str, expected: &[(&str, f64)]) {
    let found = prometheus.exemplars(selector);
    for (trace, value) in expected {
        let labels = [("trace_id", *trace), ("span_id", "00f067aa0ba902b7")];
        let labels: BTreeMap<_, _> = labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert!(found.contains(&(labels, *value)), "{selector}: {trace} in {found:?}");
    }
}

#[test]
fn openmetrics_with_exemplars_reaches_a_real_prometheus() {
    let (target, content_type) = target(Options::default().native_histograms(true));
    let Some(prometheus) = Prometheus::with_features(target.address(), "exemplar-storage") else { return };
    assert!(content_type.lock().unwrap().starts_with("application/openmetrics-text; version=1.0.0"));
    check_plain_values(&prometheus);
    check_exemplars(
        &prometheus,
        "calls_duration_seconds_bucket",
        &[("4bf92f3577b34da6a3ce929d0e0e4736", 1.125), ("7f", 100.0)],
    );
    check_exemplars(&prometheus, "step_seconds_bucket", &[("abc", 0.25)]);
    let median = "histogram_quantile(0.5, sum by (le) (rate(calls_duration_seconds_bucket[10s])))";
    assert!((1.0..2.0).contains(&prometheus.wait_for_number(median)));
}

#[test]
fn native_histograms_with_exemplars_reach_a_real_prometheus() {
    let (target, content_type) = target(Options::default().native_histograms(true));
    let features = "exemplar-storage,native-histograms";
    let Some(prometheus) = Prometheus::with_features(target.address(), features) else { return };
    assert!(content_type.lock().unwrap().starts_with("application/vnd.google.protobuf"));
    check_plain_values(&prometheus);
    // The classic series of this family are gone, and of no other.
    assert_eq!(prometheus.value("count(calls_duration_seconds_bucket)"), None);
    assert_eq!(
        prometheus.value("histogram_sum(calls_duration_seconds) / histogram_count(calls_duration_seconds)"),
        Some(111.0 / 11.0)
    );
    let quantile = |q| {
        prometheus
            .wait_for_number(&format!("histogram_quantile({q}, sum by (function) (rate(calls_duration_seconds[10s])))"))
    };
    // Four buckets an octave tell them within 19 %.
    assert!((1.0..1.2).contains(&quantile(0.5)), "{}", quantile(0.5));
    assert!((90.0..108.0).contains(&quantile(0.99)), "{}", quantile(0.99));
    // Prometheus 2.42 takes one exemplar of a native histogram at each scrape: that of the lowest bucket.
    check_exemplars(&prometheus, "calls_duration_seconds", &[("4bf92f3577b34da6a3ce929d0e0e4736", 1.125)]);
    check_exemplars(&prometheus, "step_seconds_bucket", &[("abc", 0.25)]);
}

/// A server that asks for protobuf gets classic buckets unless the program was told otherwise: no query goes empty by the server's choice alone.
#[test]
fn protobuf_has_classic_buckets_by_default() {
    let (target, content_type) = target(Options::default());
    let features = "exemplar-storage,native-histograms";
    let Some(prometheus) = Prometheus::with_features(target.address(), features) else { return };
    assert!(content_type.lock().unwrap().starts_with("application/vnd.google.protobuf"));
    check_plain_values(&prometheus);
    assert_eq!(prometheus.value("count(calls_duration_seconds_bucket)"), Some(11.0));
    check_exemplars(
        &prometheus,
        "calls_duration_seconds_bucket",
        &[("4bf92f3577b34da6a3ce929d0e0e4736", 1.125), ("7f", 100.0)],
    );
}
