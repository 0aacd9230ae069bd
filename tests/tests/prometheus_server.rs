//! A real Prometheus scrapes the endpoint and answers PromQL with the right numbers.

use std::time::Duration;
use telemetry::{Report, measured, metric};
use telemetry_tests::prometheus::Prometheus;

metric! {
    /// Rows that Prometheus shall see.
    counter scraped_rows_total(table: &str);
    /// Time that Prometheus shall see.
    counter scraped_wait_seconds_total();
    /// Degrees.
    gauge scraped_celsius();
    /// Seconds of a step.
    histogram scraped_step_seconds() [0.5, 1, 2.5];
}

#[measured]
fn parse(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.parse()
}

#[test]
fn a_real_prometheus_scrapes_the_endpoint_and_counts_right() {
    let telemetry =
        telemetry::builder().listen(0).report(Report::Off).service_name("scraped \"tests\"").init().unwrap();
    scraped_rows_total("a\\b\"c\nd").add(12);
    scraped_rows_total("other").add(30);
    scraped_wait_seconds_total().add(Duration::from_millis(1_500));
    scraped_celsius().set(-40.5);
    [0.25, 0.75, 0.75, 2.0, 9.0].into_iter().for_each(|seconds| scraped_step_seconds().observe(seconds));
    let failures = ["1", "2", "x", "3", "y"].into_iter().filter(|text| parse(text).is_err()).count();
    assert_eq!(failures, 2);

    let Some(prometheus) = Prometheus::scraping(telemetry.address().unwrap()) else { return };
    for (promql, expected) in [
        ("up", 1.0),
        ("sum(scraped_rows_total)", 42.0),
        (r#"scraped_rows_total{table="a\\b\"c\nd"}"#, 12.0),
        ("scraped_wait_seconds_total", 1.5),
        ("scraped_celsius", -40.5),
        (r#"scraped_step_seconds_bucket{le="1.0"}"#, 3.0),
        ("scraped_step_seconds_count", 5.0),
        ("scraped_step_seconds_sum", 12.75),
        ("histogram_quantile(0.5, sum by (le) (scraped_step_seconds_bucket))", 0.875),
        (r#"function_calls_total{function="parse", result="ok"}"#, 3.0),
        (r#"function_calls_total{function="parse", result="error"}"#, 2.0),
        (r#"sum(function_calls_duration_seconds_count{function="parse"})"#, 5.0),
        (r#"function_calls_concurrent{function="parse"}"#, 0.0),
        (r#"target_info{service_name="scraped \"tests\""}"#, 1.0),
        ("count(telemetry_build_info)", 1.0),
    ] {
        assert_eq!(prometheus.value(promql), Some(expected), "{promql}");
    }
    // Every sample of a scrape was taken: none was a duplicate or out of order.
    let scraped = prometheus.value("scrape_samples_scraped");
    assert!(
        scraped > Some(20.0) && scraped == prometheus.value("scrape_samples_post_metric_relabeling"),
        "{scraped:?}"
    );

    // What is recorded later comes with a later scrape.
    scraped_rows_total("other").add(8);
    prometheus.wait_for_value("sum(scraped_rows_total)", 50.0);
    prometheus.wait_for_value("increase(scraped_rows_total{table=\"other\"}[1m]) > bool 0", 1.0);
}
