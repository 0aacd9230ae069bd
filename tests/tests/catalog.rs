//! One declaration that is in a program twice, and collectors that describe what others declare.
//!
//! What needs several crates, versions or kinds of build is under `fixtures/registration`, which `ci/registration` runs.

use telemetry::{Collection, Collector, Descriptor, testing};

telemetry::metric! {
    /// Rows that are there.
    gauge catalog_rows();
    /// Rows that were ever there.
    counter catalog_stored_rows_total();
}

/// One place of the source, compiled into two modules, as a library and its binary may have one module each.
macro_rules! both {
    ($($module:ident)*) => {$(
        mod $module {
            telemetry::metric! {
                /// Records that wait.
                pub gauge catalog_both_records(queue: &str);
                /// Records that came.
                pub counter catalog_both_total();
                /// Records at a time.
                pub histogram catalog_both_batch_records() [1, 10];
            }
        }
    )*};
}
both!(first second);

#[test]
fn one_declaration_twice_has_one_series_whichever_is_asked() {
    first::catalog_both_records("a").set(5.0);
    second::catalog_both_records("a").add(2.0);
    assert_eq!(first::catalog_both_records("a").get(), 7.0);
    assert_eq!(testing::value("catalog_both_records", &[("queue", "a")]), Some(7.0));
    second::catalog_both_total().inc();
    first::catalog_both_total().add(2);
    assert_eq!((first::catalog_both_total().get(), second::catalog_both_total().get()), (3, 3));
    first::catalog_both_batch_records().observe(5.0);
    second::catalog_both_batch_records().observe(0.5);
    assert_eq!(second::catalog_both_batch_records().count(), 2);
    assert_eq!(testing::value("catalog_both_batch_records", &[]), Some(2.0));
    assert_eq!(telemetry::catalog().iter().filter(|family| family.name.starts_with("catalog_both_")).count(), 3);
}

#[test]
fn both_copies_may_meet_a_series_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|id| first::catalog_both_records(&format!("{id}")).inc()));
            scope.spawn(|| (0..100).for_each(|id| second::catalog_both_records(&format!("{id}")).inc()));
        }
    });
    for id in 0..100 {
        assert_eq!(testing::value("catalog_both_records", &[("queue", &id.to_string())]), Some(8.0), "{id}");
    }
}

#[test]
fn a_declaration_knows_its_own_line() {
    let lines = [catalog_rows::DESCRIPTOR.origin.line, catalog_stored_rows_total::DESCRIPTOR.origin.line];
    assert_eq!(lines, [9, 11]);
}

struct Describes(Descriptor);

impl Collector for Describes {
    fn describe(&self) -> &[Descriptor] {
        std::slice::from_ref(&self.0)
    }

    fn collect(&self, out: &mut Collection) {
        out.gauge(&self.0, &[], 9.0);
    }
}

#[test]
fn a_collector_is_refused_where_it_describes_what_another_declares() {
    let refusal = |descriptor| telemetry::register(Describes(descriptor)).unwrap_err().to_string();
    let other = Descriptor { help: "Something else.", ..catalog_rows::DESCRIPTOR };
    let message = refusal(other);
    assert!(message.contains("they differ in help (\"Rows that are there.\" and \"Something else.\")"), "{message}");
    let message = refusal(Descriptor { name: "catalog_stored_rows", ..other });
    assert!(message.contains("are one family to OpenMetrics, `catalog_stored_rows`"), "{message}");
    assert_eq!(testing::value("catalog_stored_rows", &[]), None, "what was refused is not asked");

    // Its own declaration is fine, twice as well.
    telemetry::register(Describes(catalog_rows::DESCRIPTOR)).unwrap();
    telemetry::register(Describes(catalog_rows::DESCRIPTOR)).unwrap();
    assert_eq!(testing::value("catalog_rows", &[]), Some(9.0));
    // Two collectors of one undeclared family agree, a third does not.
    let undeclared = Descriptor { name: "catalog_undeclared", ..catalog_rows::DESCRIPTOR };
    telemetry::register(Describes(undeclared)).unwrap();
    telemetry::register(Describes(undeclared)).unwrap();
    assert!(telemetry::register(Describes(Descriptor { labels: &["a"], ..undeclared })).is_err());
}
