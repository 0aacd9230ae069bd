use super::*;

fn load() -> Objective {
    Objective::function("app::io", "load")
}

#[test]
fn what_is_wrong_is_said_with_what_to_write() {
    assert_eq!(load().success(0.999).latency(Duration::from_millis(250), 0.99).window_days(7).mistake(), None);
    let says = |objective: Objective, part: &str| {
        let mistake = objective.mistake().unwrap_or_default();
        assert!(mistake.contains(part) && mistake.contains("`"), "{mistake:?} does not tell {part:?}");
    };
    for share in [0.0, 1.0, 99.9, -0.5, f64::NAN, f64::INFINITY] {
        says(load().success(share), "`success` is");
        says(load().latency(Duration::from_secs(1), share), "`latency` is");
    }
    says(load().latency(Duration::ZERO, 0.9), "no call takes no time");
    says(load().success(0.9).window_days(6), "has 6 days; write from 7 to 90");
    says(load().success(0.9).window_days(91), "has 91 days");
    says(Objective::job("flights").latency(Duration::from_secs(1), 0.9), "job `flights`: `latency` is about calls");
    says(load(), "function `app::io::load` has no objective");
}

#[test]
fn objectives_are_in_order_and_each_once() {
    let mut objectives = vec![
        Objective::job("flights").success(0.9),
        load().success(0.9).declared_at("b.rs", 1),
        load().success(0.99).declared_at("a.rs", 30),
        load().success(0.9).declared_at("a.rs", 4),
        Objective::function("app", "z").success(0.9),
    ];
    in_order(&mut objectives);
    assert_eq!(
        objectives,
        [
            Objective::function("app", "z").success(0.9),
            load().success(0.9).declared_at("a.rs", 4),
            load().success(0.99).declared_at("a.rs", 30),
            Objective::job("flights").success(0.9),
        ]
    );
}

#[test]
fn json_has_what_an_objective_is_made_of_again() {
    let objective = load().success(0.999).latency(Duration::from_millis(250), 0.99).declared_at("a.rs", 3);
    let units = Objective::job("a \"b\"").of_units().success(0.5).window_days(7);
    let expected = r#"[
{"kind":"function","module":"app::io","function":"load","success":0.999,"latency_seconds":0.25,"at":0.99,"window_days":30,"file":"a.rs","line":3},
{"kind":"job","job_name":"a \"b\"","counts":"units","success":0.5,"window_days":7,"file":"","line":0}
]
"#;
    assert_eq!(json(&[objective, units]), expected);
    assert_eq!(json(&[]), "[]\n");
}

/// What the attributes leave behind; with `--cfg telemetry_off` they leave nothing.
#[cfg(not(telemetry_off))]
mod declared {
    use super::super::*;
    use crate::testing::{isolated, value};
    use crate::{Job, backfill_job, measured};
    use std::io::Error;

    struct Reader<T>(T);

    trait Source {
        fn read(&self) -> Result<(), Error>;
    }

    impl<T> Reader<T> {
        #[measured(objective(success = "99.9%", latency = "250ms"))]
        fn next<U>(&self, _: U) -> Result<(), Error> {
            Ok(())
        }
    }

    impl<T> Source for Reader<T> {
        #[measured(objective(success = "0.95", window = "7d"), labels(kind = "file"))]
        fn read(&self) -> Result<(), Error> {
            Ok(())
        }
    }

    #[measured(name = "named", objective(latency = "1s", at = "95%"))]
    async fn later() {}

    #[measured(objective(success = "99%"), count)]
    fn panics(does: bool) {
        assert!(!does);
    }

    #[expect(dead_code, reason = "it is known without a call")]
    #[measured(objective(success = "99%", latency = "20ms"))]
    fn never_called<T: Default>() -> Option<T> {
        None
    }

    #[measured(objective(success = "90%"))]
    mod container {
        pub(super) fn within() {}
    }

    #[backfill_job(name = "objective_days", unit = "days", objective(success = "99%"))]
    fn days(job: &Job) {
        job.advance(1);
    }

    #[backfill_job(name = "objective_records", objective(success = "99%"))]
    fn records(job: &Job) {
        job.advance(1);
    }

    #[backfill_job(unit = "days", objective(success = "99.99%", of = "records", window = "28d"))]
    async fn objective_of_records(job: &Job) {
        job.records(1);
    }

    fn ours() -> Vec<Objective> {
        let mut objectives = objectives();
        objectives.retain(|objective| match &objective.subject {
            Subject::Function { module, .. } => module.starts_with(module_path!()),
            Subject::Job { job_name, .. } => job_name.starts_with("objective_"),
        });
        objectives
    }

    fn function(function: &'static str) -> Objective {
        Objective::function(module_path!(), function)
    }

    #[test]
    fn a_program_knows_its_objectives_without_a_call() {
        let found: Vec<Objective> = ours().into_iter().map(|objective| objective.declared_at("", 0)).collect();
        let mut expected = vec![
            function("<Reader as Source>::read").success(0.95).window_days(7),
            function("Reader::next").success(0.999).latency(Duration::from_millis(250), 0.99),
            function("named").latency(Duration::from_secs(1), 0.95),
            function("never_called").success(0.99).latency(Duration::from_millis(20), 0.99),
            function("panics").success(0.99),
            Objective::function(concat!(module_path!(), "::container"), "within").success(0.9),
            Objective::job("objective_days").of_units().success(0.99),
            Objective::job("objective_records").success(0.99),
            Objective::job("objective_of_records").success(0.9999).window_days(28),
        ];
        in_order(&mut expected);
        assert_eq!(found, expected);
        assert!(ours().iter().all(|objective| objective.file.ends_with("tests.rs") && objective.line > 0));
    }

    #[test]
    fn names_are_those_of_the_series() {
        let poll = |future: &mut dyn Future<Output = ()>| {
            // SAFETY: it is on the caller's stack and does not move until it is dropped there.
            let pinned = unsafe { std::pin::Pin::new_unchecked(future) };
            assert!(pinned.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready());
        };
        isolated(|| {
            let reader = Reader(7u8);
            reader.next("a").unwrap();
            reader.read().unwrap();
            poll(&mut later());
            panics(false);
            container::within();
            days();
            records();
            poll(&mut objective_of_records());
            for objective in ours() {
                let counted = match &objective.subject {
                    Subject::Function { function, .. } if function == "never_called" => continue,
                    Subject::Function { module, function } => value(
                        "function_calls_total",
                        &[("module", &**module), ("function", &**function), ("result", "ok")],
                    ),
                    Subject::Job { job_name, counts } => {
                        let family = match counts {
                            JobCounts::Records => "backfill_records_total",
                            JobCounts::Units => "backfill_units_total",
                        };
                        value(family, &[("job_name", &**job_name), ("status", "processed")])
                    }
                };
                assert_eq!(counted, Some(1.0), "{}", objective.subject);
                if let (Subject::Function { function, .. }, Some(latency)) = (&objective.subject, objective.latency) {
                    let threshold = latency.within.as_secs_f64().to_string();
                    let labels = [("function", &**function), ("threshold", &threshold)];
                    assert_eq!(value("function_calls_within_total", &labels), Some(1.0), "{function} {threshold}");
                }
            }
        });
    }

    #[test]
    fn the_first_that_fails_is_an_increase() {
        let calls = |function, result| {
            value("function_calls_total", &[("module", module_path!()), ("function", function), ("result", result)])
        };
        for result in ["ok", "error", "panic"] {
            assert_eq!(calls("never_called", result), Some(0.0), "{result}");
        }
        assert_eq!(calls("never_called", "cancelled"), None);
        let labels = [("module", module_path!()), ("function", "never_called"), ("threshold", "0.02")];
        assert_eq!(value("function_calls_within_total", &labels), Some(0.0));
        isolated(|| {
            // A scope has what it recorded.
            assert_eq!(calls("never_called", "ok"), None);
            panics(false);
            assert_eq!((calls("panics", "ok"), calls("panics", "panic")), (Some(1.0), Some(0.0)));
        });
        assert!(
            !crate::export::report::text(&crate::snapshot()).contains("never_called"),
            "a report is of what was called"
        );
    }
}
