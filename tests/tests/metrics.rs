//! What `metric!` declares, as a program sees it.

use std::time::Duration;
use telemetry::{Kind, metric, testing};

metric! {
    /// Requests sent to the source,
    /// by resource and response code.
    ///
    /// More that is no HELP text.
    pub counter source_requests_total(resource: &str, code: u16);
    /// Seconds from a request to its response.
    pub histogram source_request_duration_seconds(resource: &str) [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    /// Records that wait to be written.
    pub gauge write_queue_records();
    /// Seconds spent waiting.
    counter waited_seconds_total(whether: bool);
    /// Temperatures below zero and above.
    histogram outside_celsius() [-10, -0.5, 0, 25.5];
    /// Temperatures beyond measure.
    histogram huge_celsius() [0];
    /// Errors that never occurred.
    counter never_touched_total();
    /// Ids, far too many.
    counter explosion_total(id: u64);
    /// The model in use.
    info model_info(version: &str);
    /// Labels that are keywords.
    counter keywords_total(type: &str, r#match: u8);
    /// Not in this program.
    #[cfg(target_family = "wasm")]
    counter left_out_total();
}

#[test]
fn a_descriptor_says_what_was_declared() {
    let descriptor = source_requests_total::DESCRIPTOR;
    assert_eq!(descriptor.name, "source_requests_total");
    assert_eq!(descriptor.kind, Kind::Counter);
    assert_eq!(descriptor.help, "Requests sent to the source, by resource and response code.");
    assert_eq!(descriptor.unit, "requests");
    assert_eq!(descriptor.labels, ["resource", "code"]);
    assert_eq!(source_request_duration_seconds::DESCRIPTOR.unit, "seconds");
    assert_eq!(source_request_duration_seconds::DESCRIPTOR.bounds.len(), 8);
    assert_eq!(outside_celsius::DESCRIPTOR.bounds, [-10.0, -0.5, 0.0, 25.5]);
    assert!(descriptor.origin.file.ends_with("metrics.rs") && descriptor.origin.line > 5);
    assert_eq!(descriptor.origin.package, "telemetry-tests");
    assert_eq!(CATALOG.len(), 10);
    assert!(telemetry::catalog().iter().all(|known| known.name != "left_out_total"));
    assert!(telemetry::catalog().iter().any(|known| known.name == "write_queue_records"));
}

#[test]
fn counters_are_told_apart_by_every_label() {
    source_requests_total("flights", 200).add(2);
    source_requests_total("flights", 429).inc();
    source_requests_total("planes", 200).inc();
    let kept = source_requests_total("flights", 200);
    kept.inc();
    assert_eq!(kept.get(), 3);
    assert_eq!(testing::value("source_requests_total", &[("resource", "flights"), ("code", "429")]), Some(1.0));
    assert_eq!(telemetry::snapshot().sum("source_requests_total", &[("code", "200")]), 4.0);
}

#[test]
fn whole_numbers_stay_exact() {
    source_requests_total("many", 1).add((1 << 53) + 1);
    assert_eq!(source_requests_total("many", 1).get(), (1 << 53) + 1);
}

#[test]
fn a_counter_never_falls() {
    source_requests_total("endless", 1).add(u64::MAX - 1);
    source_requests_total("endless", 1).add(5);
    assert_eq!(source_requests_total("endless", 1).get(), u64::MAX);
    let other = std::thread::spawn(|| source_requests_total("endless", 1).add(7));
    other.join().unwrap();
    assert_eq!(source_requests_total("endless", 1).get(), u64::MAX);
}

#[test]
fn keywords_may_be_labels() {
    keywords_total("a", 1).inc();
    assert_eq!(testing::value("keywords_total", &[("type", "a"), ("match", "1")]), Some(1.0));
}

#[test]
fn time_is_counted_in_nanoseconds() {
    waited_seconds_total(true).add(Duration::from_nanos(1));
    waited_seconds_total(true).add(Duration::from_secs(2));
    assert_eq!(waited_seconds_total(true).get(), Duration::new(2, 1));
    assert_eq!(waited_seconds_total(false).get(), Duration::ZERO);
}

#[test]
fn a_histogram_counts_up_to_and_including_its_bounds() {
    let histogram = source_request_duration_seconds("flights");
    for value in [0.05, 0.050_001, 10.0, 11.0] {
        histogram.observe(value);
    }
    drop(histogram.time());
    histogram.time().discard();
    let snapshot = telemetry::snapshot();
    let series = snapshot.series("source_request_duration_seconds", &[("resource", "flights")]).unwrap();
    let telemetry::snapshot::Value::Histogram(values) = &series.value else { panic!("{series:?}") };
    assert_eq!(values.buckets, [2, 1, 0, 0, 0, 0, 0, 1, 1]);
    assert!((values.sum - 21.100_001).abs() < 0.01);
}

#[test]
fn what_is_no_number_is_dropped_and_counted() {
    let dropped = || testing::value("telemetry_dropped_observations_total", &[]).unwrap();
    let before = dropped();
    outside_celsius().observe(-20.0);
    outside_celsius().observe(f64::NAN);
    outside_celsius().observe(f64::INFINITY);
    // Finite, and the sum would not be.
    huge_celsius().observe(f64::MAX);
    huge_celsius().observe(f64::MAX);
    assert_eq!((huge_celsius().count(), huge_celsius().sum()), (1, f64::MAX));
    write_queue_records().set(5.0);
    write_queue_records().set(f64::NEG_INFINITY);
    write_queue_records().add(f64::NAN);
    write_queue_records().sub(2.0);
    assert_eq!(write_queue_records().get(), 3.0);
    assert_eq!((outside_celsius().count(), outside_celsius().sum()), (1, -20.0));
    assert_eq!(dropped() - before, 5.0);
}

#[test]
fn a_series_without_labels_exists_at_zero_and_reading_one_with_labels_does_not_create_it() {
    assert_eq!(testing::value("never_touched_total", &[]), Some(0.0));
    assert_eq!(testing::value("source_requests_total", &[("resource", "unheard_of")]), None);
    assert_eq!(testing::value("source_requests_total", &[("resource", "unheard_of")]), None);
}

#[test]
fn a_full_family_sends_more_to_one_overflow_series() {
    for id in 0..2_100 {
        explosion_total(id).inc();
    }
    explosion_total(0).inc();
    let snapshot = telemetry::snapshot();
    assert_eq!(snapshot.family("explosion_total").unwrap().series.len(), 2_001);
    assert_eq!(testing::value("explosion_total", &[("otel_metric_overflow", "true")]), Some(100.0));
    assert_eq!(testing::value("explosion_total", &[("id", "0")]), Some(2.0));
    assert_eq!(snapshot.sum("explosion_total", &[]), 2_101.0);
    assert_eq!(testing::value("telemetry_capped_lookups_total", &[("metric", "explosion_total")]), Some(100.0));
}

#[test]
fn an_info_is_one() {
    model_info("7");
    assert_eq!(testing::value("model_info", &[("version", "7")]), Some(1.0));
}
