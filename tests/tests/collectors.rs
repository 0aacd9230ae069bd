//! What is asked for at each snapshot, and what becomes of what misbehaves.

use telemetry::{Collection, Collector, Descriptor, testing};

mod given {
    telemetry::metric! {
        /// Connections that nobody uses.
        pub gauge collected_idle_connections(pool: &str);
        /// Declared, and given by no collector.
        pub counter collected_beside_total();
        /// Given by a collector that fails.
        pub gauge collected_by_the_failing();
        /// Given by a collector that takes a snapshot.
        pub gauge collected_by_the_curious();
    }
}

struct Pool;

impl Collector for Pool {
    fn describe(&self) -> &[Descriptor] {
        const { &[given::collected_idle_connections::DESCRIPTOR] }
    }

    fn collect(&self, out: &mut Collection) {
        out.gauge(&given::collected_idle_connections::DESCRIPTOR, &["main"], 7.0);
    }
}

struct Fails;

impl Collector for Fails {
    fn describe(&self) -> &[Descriptor] {
        const { &[given::collected_by_the_failing::DESCRIPTOR] }
    }

    fn collect(&self, out: &mut Collection) {
        out.gauge(&given::collected_by_the_failing::DESCRIPTOR, &[], 1.0);
        panic!("asked to");
    }
}

struct FailsToDescribe;

impl Collector for FailsToDescribe {
    fn describe(&self) -> &[Descriptor] {
        panic!("asked to");
    }

    fn collect(&self, _out: &mut Collection) {}
}

struct Curious;

impl Collector for Curious {
    fn describe(&self) -> &[Descriptor] {
        const { &[given::collected_by_the_curious::DESCRIPTOR] }
    }

    fn collect(&self, out: &mut Collection) {
        let seen = telemetry::snapshot();
        let declared = seen.family("collected_beside_total").is_some();
        let descriptor = &given::collected_by_the_curious::DESCRIPTOR;
        out.gauge(descriptor, &[], 1.0);
        // The later value stays; what does not fit is left out.
        out.gauge(descriptor, &[], f64::from(u8::from(declared)) + 1.0);
        out.gauge(descriptor, &["surplus"], 3.0);
        out.gauge(descriptor, &[], f64::NAN);
        out.counter(descriptor, &[], 4);
    }
}

#[test]
fn a_failing_collector_costs_its_own_families_alone() {
    telemetry::register(Fails).unwrap();
    telemetry::register(FailsToDescribe).unwrap();
    telemetry::register(Curious).unwrap();
    telemetry::register(Pool).unwrap();
    let snapshot = telemetry::snapshot();
    assert_eq!(snapshot.family("collected_by_the_curious").unwrap().series.len(), 1);
    assert_eq!(testing::value("collected_by_the_curious", &[]), Some(2.0));
    assert_eq!(testing::value("collected_idle_connections", &[("pool", "main")]), Some(7.0));
    assert_eq!(testing::value("collected_by_the_failing", &[]), None);
    let failures = |collector| [("collector", collector), ("reason", "panic")];
    let count = |collector| testing::value("telemetry_collector_failures_total", &failures(collector)).unwrap();
    assert!(count("collectors::Fails") >= 1.0);
    assert_eq!(count("collectors::FailsToDescribe"), 1.0);
    assert_eq!(count("collectors::Pool"), 0.0);
    let dropped = |reason| [("collector", "collectors::Curious"), ("reason", reason)];
    for reason in ["duplicate", "kind", "labels", "number"] {
        let count = testing::value("telemetry_collector_dropped_total", &dropped(reason));
        assert!(count.unwrap() >= 1.0, "{reason}");
    }
}
