//! Label sets whose values join to the same text are two series.

use telemetry::snapshot::Value;
use telemetry::{Collection, Collector, Descriptor, metric, snapshot};

metric! {
    /// Two labels.
    counter identity_rows_total(x: &str, y: &str);
    /// The same of a histogram.
    histogram identity_sizes_bytes(x: &str, y: &str) [1, 2];
    /// The same of a gauge.
    gauge identity_level(x: &str, y: &str);
    /// Given by a collector.
    gauge identity_collected(x: &str, y: &str);
}

/// Pairs that any way of joining makes one of: without anything between, with what formats put between, with an empty value.
const PAIRS: [(&str, &str); 12] = [
    ("ab", "c"),
    ("a", "bc"),
    ("", "abc"),
    ("abc", ""),
    ("a,b", "c"),
    ("a", "b,c"),
    ("a\u{ff}b", "c"),
    ("a", "\u{ff}bc"),
    ("a\0", "b"),
    ("a", "\0b"),
    ("a\",y=\"b", "c"),
    ("a\n", "b"),
];

struct Collected;

impl Collector for Collected {
    fn describe(&self) -> &[Descriptor] {
        const { &[identity_collected::DESCRIPTOR] }
    }

    fn collect(&self, out: &mut Collection) {
        for (n, (x, y)) in PAIRS.into_iter().enumerate() {
            out.gauge(&identity_collected::DESCRIPTOR, &[x, y], n as f64);
        }
    }
}

#[test]
fn label_sets_that_join_to_one_text_stay_as_many_series() {
    telemetry::register(Collected).unwrap();
    for (n, (x, y)) in PAIRS.into_iter().enumerate() {
        identity_rows_total(x, y).add(n as u64);
        (0..=n).for_each(|_| identity_sizes_bytes(x, y).observe(1.5));
        identity_level(x, y).set(n as f64);
    }
    let seen = snapshot();
    for name in ["identity_rows_total", "identity_sizes_bytes", "identity_level", "identity_collected"] {
        let family = seen.family(name).unwrap();
        assert_eq!(family.series.len(), PAIRS.len(), "{name}");
        for (n, (x, y)) in PAIRS.into_iter().enumerate() {
            let series = seen.series(name, &[("x", x), ("y", y)]).unwrap();
            let expected = n + usize::from(name == "identity_sizes_bytes");
            assert_eq!(series.value.as_f64(), expected as f64, "{name} of {x:?} and {y:?}");
        }
    }
}

/// The defect that is documented at the bridge: the crate keeps a vector's children by a hash of the values one behind the other.
#[test]
fn the_prometheus_crate_merges_what_joins_to_one_text_and_we_show_what_it_has() {
    let opts = prometheus::Opts::new("identity_theirs_total", "Theirs.");
    let theirs = prometheus::IntCounterVec::new(opts, &["x", "y"]).unwrap();
    theirs.with_label_values(&["ab", "c"]).inc_by(1);
    theirs.with_label_values(&["a", "bc"]).inc_by(2);
    prometheus::register(Box::new(theirs)).unwrap();
    let _telemetry = telemetry::builder().listen("off").report(telemetry::Report::Off).init().unwrap();
    let seen = snapshot();
    let family = seen.family("identity_theirs_total").unwrap();
    assert_eq!(family.series.len(), 1, "where this fails the crate was mended: say so at the bridge");
    assert_eq!(family.series[0].value, Value::Float(3.0));

    // Ours keep apart also in a registry of theirs.
    identity_rows_total("p", "qr").inc();
    identity_rows_total("pq", "r").inc();
    let registry = prometheus::Registry::new();
    registry.register(Box::new(telemetry::export::prometheus_collector())).unwrap();
    let gathered = registry.gather();
    let ours = gathered.iter().find(|family| family.name() == "identity_rows_total").unwrap();
    let of = |x: &str| ours.get_metric().iter().filter(|metric| metric.get_label()[0].value() == x).count();
    assert_eq!((of("p"), of("pq")), (1, 1));
}

/// A name of theirs that is ours is left out, and told; the rest of theirs stays.
#[test]
fn a_name_that_both_have_is_ours() {
    let taken = prometheus::IntCounter::new("identity_rows_total", "Theirs.").unwrap();
    taken.inc_by(1_000_000);
    prometheus::register(Box::new(taken)).unwrap();
    let beside = prometheus::IntCounter::new("identity_beside_total", "Theirs.").unwrap();
    prometheus::register(Box::new(beside)).unwrap();
    let seen = loop {
        // The other test starts the library.
        let seen = snapshot();
        if seen.family("identity_beside_total").is_some() {
            break seen;
        }
        std::thread::yield_now();
    };
    assert!(seen.sum("identity_rows_total", &[]) < 1_000_000.0);
    let clash = [("collector", "prometheus"), ("reason", "clash")];
    assert!(snapshot().sum("telemetry_collector_dropped_total", &clash) >= 1.0);
}
