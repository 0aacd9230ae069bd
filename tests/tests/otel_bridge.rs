//! What a program measures with the OpenTelemetry API is on the same endpoint.

use opentelemetry::metrics::MeterProvider;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};
use telemetry::snapshot::Value;
use telemetry::{Kind, metric, snapshot};

metric! {
    /// Ours, under a name that theirs translate to.
    counter bridged_pages_total();
    /// Ours, with the name of a sample that theirs take.
    gauge bridged_wait_seconds_per_row();
}

#[test]
fn every_instrument_appears_as_prometheus_would_name_it() {
    let provider = SdkMeterProvider::builder().with_reader(telemetry::otel::reader()).build();
    let scope = InstrumentationScope::builder("otel_names").with_version("1.2").build();
    let meter = provider.meter_with_scope(scope);
    let requests = meter.u64_counter("http.requests").with_description("Requests.").build();
    requests.add((1 << 53) + 1, &[KeyValue::new("http.method", "GET")]);
    meter.f64_counter("cpu.time").with_unit("s").build().add(1.5, &[]);
    meter.i64_up_down_counter("queue.size").with_unit("{item}").build().add(-3, &[]);
    meter.f64_gauge("cache.hit").with_unit("1").build().record(0.25, &[]);
    meter.u64_observable_gauge("memory").with_unit("By").with_callback(|out| out.observe(7, &[])).build();
    let wait = meter.f64_histogram("wait").with_unit("s").with_boundaries(vec![0.1, 1.0]).build();
    [0.05, 0.5, 0.6, 9.0].into_iter().for_each(|value| wait.record(value, &[]));

    let seen = snapshot();
    let scope = ("otel_scope_name", "otel_names");
    let series = seen.series("http_requests_total", &[("http_method", "GET"), scope]).unwrap();
    assert_eq!(series.value, Value::Integer((1 << 53) + 1), "exact");
    assert_eq!(series.label("otel_scope_version"), Some("1.2"));
    let family = |name: &str| seen.family(name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(
        (family("http_requests_total").kind, &*family("http_requests_total").help),
        (Kind::Counter, "Requests.")
    );
    assert_eq!(&*family("cpu_time_seconds_total").unit, "seconds");
    assert_eq!(seen.sum("cpu_time_seconds_total", &[scope]), 1.5);
    assert_eq!(seen.sum("queue_size", &[scope]), -3.0);
    assert_eq!(family("queue_size").kind, Kind::Gauge);
    assert_eq!(seen.sum("cache_hit_ratio", &[scope]), 0.25);
    assert_eq!(seen.sum("memory_bytes", &[scope]), 7.0);
    let Value::Histogram(histogram) = &seen.series("wait_seconds", &[scope]).unwrap().value else { panic!() };
    assert_eq!((&histogram.bounds[..], &histogram.buckets[..]), (&[0.1, 1.0][..], &[1, 2, 1][..]));
    assert_eq!((histogram.sum * 1e9).round(), 10.15e9);
}

#[test]
fn exponential_histograms_keep_every_count() {
    let view = |instrument: &Instrument| {
        let aggregation = Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
        (instrument.name() == "spread").then(|| Stream::builder().with_aggregation(aggregation).build().unwrap())
    };
    let provider = SdkMeterProvider::builder().with_reader(telemetry::otel::reader()).with_view(view).build();
    let spread = provider.meter("exponential").f64_histogram("spread").build();
    let values = [0.0, 1.0, 1.5, 3.0, 100.0, -2.0];
    values.into_iter().for_each(|value| spread.record(value, &[]));
    let seen = snapshot();
    let Value::Exponential(exponential) = &seen.series("spread", &[]).unwrap().value else { panic!() };
    assert_eq!((exponential.count(), exponential.below, exponential.sum), (6, 2, 103.5));
    assert!(exponential.scale <= 8);
    let powers = exponential.to_powers_of_two();
    let up_to = |bound: f64| {
        let upper = powers.bounds.iter().zip(&powers.buckets);
        upper.filter(|(upper, _)| **upper <= bound).map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!([up_to(1.0), up_to(2.0), up_to(4.0), up_to(128.0)], [3, 4, 5, 6]);
}

#[test]
fn label_sets_that_join_to_one_text_stay_two_series() {
    let provider = SdkMeterProvider::builder().with_reader(telemetry::otel::reader()).build();
    let joined = provider.meter("joined").u64_counter("joined.labels").build();
    joined.add(1, &[KeyValue::new("x", "ab"), KeyValue::new("y", "c")]);
    joined.add(2, &[KeyValue::new("x", "a"), KeyValue::new("y", "bc")]);
    // The same set in another order is the same series.
    joined.add(4, &[KeyValue::new("y", "bc"), KeyValue::new("x", "a")]);
    let seen = snapshot();
    assert_eq!(seen.family("joined_labels_total").unwrap().series.len(), 2);
    assert_eq!(seen.sum("joined_labels_total", &[("x", "ab"), ("y", "c")]), 1.0);
    assert_eq!(seen.sum("joined_labels_total", &[("x", "a"), ("y", "bc")]), 6.0);
}

#[test]
fn a_name_that_is_taken_is_left_out_and_counted() {
    bridged_pages_total().add(5);
    let first = SdkMeterProvider::builder().with_reader(telemetry::otel::reader()).build();
    let meter = first.meter("first");
    meter.u64_counter("bridged.pages").build().add(7, &[]);
    meter.u64_counter("bridged.shared").build().add(1, &[]);
    // In OpenMetrics the counter's family would be called as our gauge is.
    meter.u64_counter("bridged_wait_seconds_per_row").build().add(1, &[]);
    let second = SdkMeterProvider::builder().with_reader(telemetry::otel::reader()).build();
    second.meter("second").u64_counter("bridged.shared").build().add(2, &[]);

    let clashes = || snapshot().sum("telemetry_collector_dropped_total", &[("reason", "clash")]);
    clashes();
    let before = clashes();
    let seen = snapshot();
    assert_eq!(seen.sum("bridged_pages_total", &[]), 5.0, "ours");
    assert!(seen.family("bridged_wait_seconds_per_row_total").is_none());
    assert_eq!(seen.sum("bridged_shared_total", &[]), 1.0, "the first one's");
    assert!(clashes() >= before + 3.0, "each time again");

    // The name stays with the first: else the second's total would stand where it was.
    first.shutdown().unwrap();
    assert!(snapshot().family("bridged_shared_total").is_none());
}

#[test]
fn two_kinds_under_one_name_leave_the_first() {
    let provider = SdkMeterProvider::builder().with_reader(telemetry::otel::reader()).build();
    provider.meter("kinds_a").u64_counter("kinds_total").build().add(1, &[]);
    provider.meter("kinds_b").u64_gauge("kinds_total").build().record(2, &[]);
    let seen = snapshot();
    assert_eq!(seen.family("kinds_total").unwrap().series.len(), 1);
}

#[test]
fn a_provider_that_is_gone_is_asked_no_more() {
    let provider = SdkMeterProvider::builder().with_reader(telemetry::otel::reader()).build();
    provider.meter("gone").u64_counter("gone.rows").build().add(1, &[]);
    assert!(snapshot().family("gone_rows_total").is_some());
    drop(provider);
    assert!(snapshot().family("gone_rows_total").is_none());
}
