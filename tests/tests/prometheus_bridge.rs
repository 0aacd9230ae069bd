//! A program that has the `prometheus` crate's registries beside ours: each family once at each end.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;
use telemetry::export::prometheus_collector;
use telemetry::{Report, Telemetry, measured, metric};
use telemetry_tests::http::get;
use telemetry_tests::parser::{Exposition, parse};

metric! {
    /// Rows of ours.
    counter bridged_rows_total(table: &str);
    /// Seconds of ours.
    histogram bridged_step_seconds() [0.5, 1];
}

#[measured]
fn work() {}

/// A collector of the default registry that takes a snapshot of ours: it must neither hang nor go round.
struct Curious(Desc);

impl Collector for Curious {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let names = telemetry::snapshot().families.len();
        assert!(names > 0);
        Vec::new()
    }
}

/// Ours in the default registry, theirs beside it, and the endpoint.
fn endpoint() -> SocketAddr {
    static TELEMETRY: OnceLock<Telemetry> = OnceLock::new();
    let telemetry = TELEMETRY.get_or_init(|| {
        let theirs =
            IntCounterVec::new(Opts::new("their_rows_total", "Rows of \"theirs\"."), &["table", "and"]).unwrap();
        theirs.with_label_values(&["a\nb", "c"]).inc_by(5);
        let seconds = prometheus::Histogram::with_opts(
            HistogramOpts::new("their_step_seconds", "Seconds of theirs.").buckets(vec![1.0, 2.0]),
        )
        .unwrap();
        [0.5, 1.5, 1.5, 9.0].into_iter().for_each(|value| seconds.observe(value));
        let gauge = prometheus::Gauge::new("their_celsius", "Degrees.").unwrap();
        gauge.set(-1.5);
        prometheus::register(Box::new(theirs)).unwrap();
        prometheus::register(Box::new(seconds)).unwrap();
        prometheus::register(Box::new(gauge)).unwrap();
        prometheus::register(Box::new(prometheus_collector())).unwrap();
        let curious = Desc::new("curious".into(), "Nothing.".into(), Vec::new(), Default::default()).unwrap();
        prometheus::register(Box::new(Curious(curious))).unwrap();
        telemetry::builder().listen("127.0.0.1:0").report(Report::Off).init().unwrap()
    });
    bridged_rows_total("flights").add(0);
    work();
    telemetry.address().unwrap()
}

fn ours() -> Exposition {
    let body = get(endpoint(), "/metrics").body;
    parse(&body).unwrap_or_else(|error| panic!("{error}\n{body}"))
}

fn theirs(registry: &Registry) -> Exposition {
    endpoint();
    let body = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    parse(&body).unwrap_or_else(|error| panic!("{error}\n{body}"))
}

fn names(exposition: &Exposition) -> BTreeMap<&str, usize> {
    exposition.families.iter().map(|family| (family.name.as_str(), family.samples.len())).collect()
}

#[test]
fn with_ours_in_the_default_registry_both_ends_show_each_family_once() {
    endpoint();
    bridged_rows_total("both").add(3);
    // The strict reader refuses a series or a family that comes twice.
    let (ours, theirs) = (ours(), theirs(prometheus::default_registry()));
    for end in [&ours, &theirs] {
        assert_eq!(end.value("bridged_rows_total", &[("table", "both")]), Some(3.0));
        assert_eq!(end.value("their_rows_total", &[("table", "a\nb"), ("and", "c")]), Some(5.0));
        assert_eq!(end.value("their_celsius", &[]), Some(-1.5));
        assert_eq!(end.value("their_step_seconds_count", &[]), Some(4.0));
        assert!(end.family("function_calls_total").is_some());
        assert_eq!(end.family("bridged_rows_total").unwrap().help.as_deref(), Some("Rows of ours."));
    }
    let (ours, theirs) = (names(&ours), names(&theirs));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
}

#[test]
fn their_histogram_is_shown_as_ours_are() {
    let read = ours();
    let bucket = |le| read.value("their_step_seconds_bucket", &[("le", le)]);
    assert_eq!([bucket("1.0"), bucket("2.0"), bucket("+Inf")], [Some(1.0), Some(3.0), Some(4.0)]);
    assert_eq!(read.value("their_step_seconds_sum", &[]), Some(12.5));
    assert_eq!(read.family("their_step_seconds").unwrap().kind, "histogram");
}

#[test]
fn a_registry_of_the_programs_own_gets_our_families_alone() {
    endpoint();
    bridged_step_seconds().observe(0.75);
    let registry = Registry::new();
    registry.register(Box::new(prometheus_collector())).unwrap();
    let read = theirs(&registry);
    assert!(read.family("bridged_rows_total").is_some());
    assert!(read.value("bridged_step_seconds_count", &[]) >= Some(1.0));
    assert!(read.families.iter().all(|family| !family.name.starts_with("their_")), "{:?}", names(&read));
    let calls = [("function", "work"), ("module", "prometheus_bridge"), ("result", "ok")];
    assert!(read.value("function_calls_total", &calls) >= Some(1.0));
}

#[test]
fn a_registry_takes_ours_once_and_not_beside_equal_names() {
    endpoint();
    let registry = Registry::new();
    registry.register(Box::new(prometheus_collector())).unwrap();
    assert!(registry.register(Box::new(prometheus_collector())).is_err());
    let other = Registry::new();
    let clash = prometheus::IntCounter::new("bridged_rows_total", "Something else.").unwrap();
    other.register(Box::new(clash)).unwrap();
    assert!(other.register(Box::new(prometheus_collector())).is_err());
    other.register(Box::new(prometheus_collector().without("bridged_"))).unwrap();
    let read = theirs(&other);
    assert_eq!(read.family("bridged_rows_total").unwrap().help.as_deref(), Some("Something else."));
    assert!(read.family("bridged_step_seconds").is_none());
}

#[test]
fn scrapes_at_both_ends_at_once_end_and_are_whole() {
    let address = endpoint();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..20).for_each(|_| drop(ours())));
            scope.spawn(|| (0..20).for_each(|_| drop(theirs(prometheus::default_registry()))));
        }
    });
    let read = parse(&get(address, "/metrics").body).unwrap();
    for reason in ["panic", "timeout", "hung"] {
        let failures = [("collector", "prometheus"), ("reason", reason)];
        assert_eq!(read.value("telemetry_collector_failures_total", &failures), Some(0.0), "{reason}");
    }
}
