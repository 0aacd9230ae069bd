//! A closed label set is as large as the source says, whatever the limit on series is.

use telemetry::{Label, metric, testing};

#[derive(Label)]
enum Digit {
    One,
    Two,
    Three,
    Four,
    Five,
    Six,
    Seven,
    Eight,
    Nine,
    Ten,
}

metric! {
    /// Over the largest closed set.
    counter closed_total(a: Digit, b: Digit, c: &Digit);
    /// Over a label that is not closed.
    counter open_total(a: Digit, id: u64);
}

#[test]
fn the_limit_on_series_does_not_cut_a_closed_label_set() {
    let _telemetry = telemetry::builder().max_series(10).listen("off").init().expect("an init");
    closed_total(Digit::Ten, Digit::Two, &Digit::Ten).inc();
    for id in 0..20 {
        open_total(Digit::One, id).inc();
    }
    let snapshot = telemetry::snapshot();
    assert_eq!(snapshot.family("closed_total").expect("a family").series.len(), 1_000);
    assert_eq!(snapshot.sum("closed_total", &[("a", "ten"), ("b", "two"), ("c", "ten")]), 1.0);
    assert_eq!(snapshot.sum("closed_total", &[]), 1.0);
    assert_eq!(snapshot.family("open_total").expect("a family").series.len(), 11);
    assert_eq!(snapshot.sum("open_total", &[("otel_metric_overflow", "true")]), 10.0);
    assert_eq!(testing::value("telemetry_capped_lookups_total", &[("metric", "closed_total")]), None);
    assert_eq!(testing::value("telemetry_capped_lookups_total", &[("metric", "open_total")]), Some(10.0));
    let _ = [Digit::Three, Digit::Four, Digit::Five, Digit::Six, Digit::Seven, Digit::Eight, Digit::Nine];
}
