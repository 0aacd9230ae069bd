//! What came from OpenTelemetry's instruments goes out as it was.

use super::*;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::{InstrumentationScope as Made, KeyValue as Attribute};
use opentelemetry_sdk::metrics::SdkMeterProvider;

/// Name, unit and data of what a scope has.
fn of<'a>(request: &'a ExportMetricsServiceRequest, scope: &str) -> Vec<&'a otlp::ScopeMetrics> {
    let all = request.resource_metrics[0].scope_metrics.iter();
    all.filter(|found| found.scope.as_ref().unwrap().name == scope).collect()
}

#[test]
fn an_instrument_keeps_its_name_unit_scope_and_attributes_and_is_not_doubled() {
    let provider = SdkMeterProvider::builder().with_reader(crate::otel::reader()).build();
    let scope = |name: &'static str| {
        Made::builder(name)
            .with_version("2")
            .with_schema_url("https://s")
            .with_attributes([Attribute::new("own.key", "v")])
    };
    let meter = provider.meter_with_scope(scope("flights.lib").build());
    meter.u64_counter("otlp.pages.fetched").with_unit("{page}").build().add(3, &[Attribute::new("http.route", "/x")]);
    meter.i64_up_down_counter("otlp.open.files").build().add(-2, &[]);
    meter.f64_histogram("otlp.request.duration").with_unit("s").with_boundaries(vec![1.0]).build().record(0.5, &[]);
    let other = provider.meter_with_scope(scope("other.lib").build());
    other.u64_counter("otlp.pages.fetched").with_unit("{page}").build().add(4, &[]);

    let take = || crate::registry::snapshot();
    let (before, now) = (take(), take());
    let request = request(&now, None, &Source::default(), Style::default());
    let [mine] = of(&request, "flights.lib")[..] else { panic!("{request:?}") };
    let about = mine.scope.as_ref().unwrap();
    assert_eq!(
        (&*about.version, &*mine.schema_url, &about.attributes),
        ("2", "https://s", &vec![text("own.key", "v")])
    );
    let names: Vec<_> = mine.metrics.iter().map(|metric| (&*metric.name, &*metric.unit)).collect();
    assert_eq!(names, [("otlp.open.files", ""), ("otlp.pages.fetched", "{page}"), ("otlp.request.duration", "s")]);
    let Some(Data::Sum(files)) = &mine.metrics[0].data else { panic!("{mine:?}") };
    assert_eq!((files.is_monotonic, files.data_points[0].value), (false, Some(Number::AsDouble(-2.0))));
    let Some(Data::Sum(pages)) = &mine.metrics[1].data else { panic!("{mine:?}") };
    assert_eq!(pages.data_points.len(), 1);
    assert_eq!((pages.is_monotonic, pages.data_points[0].value), (true, Some(Number::AsInt(3))));
    assert_eq!(pages.data_points[0].attributes, [text("http.route", "/x")]);
    let [others] = of(&request, "other.lib")[..] else { panic!("{request:?}") };
    let Some(Data::Sum(pages)) = &others.metrics[0].data else { panic!("{others:?}") };
    assert_eq!((pages.data_points.len(), pages.data_points[0].value), (1, Some(Number::AsInt(4))));

    // As deltas too: each scope's series is compared with its own.
    let delta = Style { temporality: Temporality::Delta, ..Style::default() };
    let since = super::request(&now, Some(&before), &Source::default(), delta);
    let Some(Data::Sum(pages)) = &of(&since, "other.lib")[0].metrics[0].data else { panic!() };
    assert_eq!(pages.data_points[0].value, Some(Number::AsInt(0)));
}
