//! `testing::isolated`: a registry of a test's own, while others of the same program record the same names on other threads.

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;
use telemetry::testing::{isolated, snapshot, value};
use telemetry::{Collection, Collector, Descriptor, Job, Label, backfill_job, measured, metric};

#[derive(Label)]
enum Kind {
    Old,
    New,
}

metric! {
    /// Rows of every test.
    counter isolated_rows_total(table: &str);
    /// Rows of every test, by kind.
    counter isolated_kinds_total(kind: Kind);
    /// Sizes in every test.
    histogram isolated_size_bytes(table: &str) [10, 100];
    /// Set by every test.
    gauge isolated_level_ratio();
    /// Set by every test, by table.
    gauge isolated_fill_ratio(table: &str);
    /// Given by every test.
    info isolated_source_info(version: &str);
}

#[measured(labels(table), error_type = |_: &String| "odd")]
fn load(table: &str, rows: u64) -> Result<u64, String> {
    isolated_rows_total(table).add(rows);
    isolated_size_bytes(table).observe(50.0);
    isolated_fill_ratio(table).set(0.25);
    isolated_level_ratio().inc();
    if rows % 2 == 1 { Err("odd".to_owned()) } else { Ok(rows) }
}

#[measured]
fn never_called_in_a_scope() {}

/// Records on other threads until it is dropped.
struct Others(Arc<AtomicBool>, Vec<thread::JoinHandle<()>>);

impl Others {
    fn record() -> Others {
        let ended = Arc::new(AtomicBool::new(false));
        let record = |ended: Arc<AtomicBool>| {
            move || {
                while !ended.load(Relaxed) {
                    let _ = (load("flights", 7), load("others", 2));
                    isolated_source_info("other");
                    isolated_kinds_total(Kind::Old).inc();
                    never_called_in_a_scope();
                    isolated(|| load("others", 3)).unwrap_err();
                }
            }
        };
        let threads = (0..2).map(|_| thread::spawn(record(ended.clone()))).collect();
        while value("isolated_rows_total", &[("table", "others")]).is_none() {
            thread::yield_now();
        }
        Others(ended, threads)
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
        self.1.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

fn calls(function: &str, result: &str) -> Option<f64> {
    value("function_calls_total", &[("function", function), ("result", result)])
}

#[test]
fn a_test_sees_what_it_recorded_and_nothing_else_while_others_record() {
    let _others = Others::record();
    for _ in 0..50 {
        isolated(|| {
            assert_eq!(calls("load", "ok"), None);
            assert_eq!(value("isolated_rows_total", &[("table", "flights")]), None);
            assert_eq!(isolated_rows_total("flights").get(), 0);
            load("flights", 2).unwrap();
            load("flights", 5).unwrap_err();
            let snapshot = snapshot();
            let of = |name: &str| snapshot.family(name).map_or(0, |family| family.series.len());
            assert_eq!(snapshot.sum("isolated_rows_total", &[]), 7.0);
            assert_eq!((of("isolated_rows_total"), of("isolated_size_bytes"), of("isolated_fill_ratio")), (1, 1, 1));
            assert_eq!((isolated_rows_total("flights").get(), isolated_size_bytes("flights").count()), (7, 2));
            assert_eq!(snapshot.sum("function_calls_total", &[("function", "load"), ("table", "flights")]), 2.0);
            assert_eq!(snapshot.sum("function_calls_started_total", &[]), 2.0);
            assert_eq!((calls("load", "ok"), calls("load", "error")), (Some(1.0), Some(1.0)));
            assert_eq!(value("function_errors_total", &[("error_type", "odd")]), Some(1.0));
            assert_eq!(value("isolated_level_ratio", &[]), Some(2.0));
            assert_eq!(value("isolated_source_info", &[]), None, "another's");
            assert_eq!(snapshot.sum("function_busy_seconds_total", &[("function", "never_called_in_a_scope")]), 0.0);
            assert_eq!(of("function_busy_seconds_total"), 1, "one function, and no others");
        });
    }
}

#[test]
fn what_exists_at_zero_exists_in_a_scope_and_what_is_asked_for_exists_from_then_on() {
    isolated(|| {
        assert_eq!(value("isolated_kinds_total", &[("kind", "new")]), Some(0.0), "a closed label set");
        assert_eq!(value("isolated_level_ratio", &[]), Some(0.0), "no labels");
        let kept = isolated_rows_total("asked");
        assert_eq!(value("isolated_rows_total", &[("table", "asked")]), Some(0.0));
        kept.inc();
        isolated(|| {
            assert_eq!(value("isolated_rows_total", &[("table", "asked")]), None);
            kept.add(5);
            assert_eq!(value("isolated_rows_total", &[("table", "asked")]), Some(5.0), "by a handle from outside");
        });
        isolated_kinds_total(Kind::New).inc();
        isolated_source_info("1.0");
        assert_eq!(value("isolated_source_info", &[("version", "1.0")]), Some(1.0));
        assert_eq!(value("isolated_rows_total", &[("table", "asked")]), Some(1.0), "nothing came out of the inner one");
    });
}

#[measured]
fn leaves_nothing() {
    isolated_rows_total("left").add(3);
    isolated_fill_ratio("left").set(0.5);
}

#[test]
fn nothing_comes_out_of_a_scope_and_what_was_before_is_as_it_was() {
    isolated_fill_ratio("left").set(0.125);
    isolated(leaves_nothing);
    assert_eq!(calls("leaves_nothing", "ok"), None);
    assert_eq!(isolated_rows_total("left").get(), 0);
    assert_eq!(value("isolated_fill_ratio", &[("table", "left")]), Some(0.125));
}

#[measured]
fn runs_around_it() {
    let around = |name| value(name, &[("function", "runs_around_it")]);
    isolated(|| {
        leaves_nothing();
        assert_eq!(around("function_calls_started_total"), None, "it runs, but elsewhere");
        let current = telemetry::current();
        thread::scope(|scope| scope.spawn(move || current.scope(leaves_nothing)).join().unwrap());
        assert_eq!(around("function_busy_seconds_total"), None, "and is credited with nothing here");
        assert_eq!(calls("leaves_nothing", "ok"), Some(2.0));
    });
    assert_eq!(around("function_calls_concurrent"), Some(1.0));
}

#[test]
fn a_function_that_runs_around_a_scope_goes_on_outside() {
    runs_around_it();
    assert_eq!(calls("runs_around_it", "ok"), Some(1.0));
}

#[test]
fn a_panic_passes_through_and_the_thread_is_back_outside() {
    let before = isolated_rows_total("panics").get();
    let unwound = catch_unwind(|| {
        isolated(|| {
            load("panics", 2).unwrap();
            panic!("within");
        })
    });
    assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"within"));
    isolated_rows_total("panics").inc();
    assert_eq!(isolated_rows_total("panics").get(), before + 1);
}

#[test]
fn threads_take_part_where_they_are_handed_the_scope() {
    isolated(|| {
        let current = &telemetry::current();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || {
                    for _ in 0..100 {
                        current.scope(|| load("handed", 2)).unwrap();
                        // In between, and on a thread that was not told, it is the program's.
                        isolated_rows_total("not_handed").inc();
                    }
                });
            }
        });
        assert_eq!(isolated_rows_total("handed").get(), 800);
        assert_eq!(calls("load", "ok"), Some(400.0));
        assert_eq!(value("isolated_rows_total", &[("table", "not_handed")]), None);
    });
    assert_eq!(isolated_rows_total("handed").get(), 0);
    assert_eq!(isolated_rows_total("not_handed").get(), 400);
}

#[measured]
async fn fetch(n: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(n % 3)).await;
    tokio::task::yield_now().await;
    isolated_rows_total("fetched").add(n);
    n
}

#[test]
fn tasks_take_part_on_whatever_worker_polls_them() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build().unwrap();
    isolated(|| {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..50).map(|n| tokio::spawn(telemetry::in_current(fetch(n)))).collect();
            let other = tokio::spawn(fetch(1_000_000));
            for task in tasks {
                task.await.unwrap();
            }
            other.await.unwrap();
        });
        assert_eq!(isolated_rows_total("fetched").get(), (0..50).sum::<u64>());
        assert_eq!(calls("fetch", "ok"), Some(50.0));
        assert_eq!(value("function_calls_concurrent", &[("function", "fetch")]), Some(0.0));
        let busy = value("function_busy_seconds_total", &[("function", "fetch")]).unwrap();
        assert!((0.0..5.0).contains(&busy), "{busy}");
    });
}

#[measured]
fn deeper(n: u32) {
    if n > 0 {
        deeper(n - 1);
    }
}

#[test]
fn two_tests_at_once_are_apart() {
    thread::scope(|scope| {
        for n in 1..=4u32 {
            scope.spawn(move || {
                for _ in 0..100 {
                    isolated(|| {
                        deeper(n - 1);
                        isolated_rows_total("both").add(u64::from(n));
                        assert_eq!(calls("deeper", "ok"), Some(f64::from(n)));
                        assert_eq!(isolated_rows_total("both").get(), u64::from(n));
                    });
                }
            });
        }
    });
    assert_eq!(calls("deeper", "ok"), None);
}

#[backfill_job(total = 3, unit = "days")]
fn fills(job: &Job) {
    job.advance(2);
}

#[test]
fn a_job_of_a_test_is_its_own() {
    fills();
    isolated(|| {
        assert_eq!(snapshot().jobs.len(), 0);
        fills();
        let snapshot = snapshot();
        assert_eq!(snapshot.jobs.iter().map(|job| job.units.processed).collect::<Vec<_>>(), [2]);
        assert_eq!(value("backfill_units_total", &[("job_name", "fills"), ("status", "processed")]), Some(2.0));
        assert_eq!(value("backfill_units_total", &[("job_name", "fills"), ("status", "failed")]), Some(0.0));
        assert_eq!(value("backfill_expected_units", &[("job_name", "fills")]), Some(3.0));
        assert_eq!(value("backfill_runs_total", &[("job_name", "fills"), ("result", "ok")]), Some(1.0));
    });
    assert_eq!(value("backfill_units_total", &[("job_name", "fills"), ("status", "processed")]), Some(2.0));
    assert_eq!(snapshot().jobs.iter().filter(|job| &*job.name == "fills").count(), 1);
}

struct Pool;

mod pool {
    telemetry::metric! {
        /// Connections that nobody uses.
        pub gauge isolated_idle_connections();
    }
}

impl Collector for Pool {
    fn describe(&self) -> &[Descriptor] {
        pool::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        out.gauge(&pool::isolated_idle_connections::DESCRIPTOR, &[], 7.0);
    }
}

#[test]
fn a_collector_that_a_test_registers_is_asked_in_there_alone() {
    isolated(|| {
        assert_eq!(value("isolated_idle_connections", &[]), Some(0.0));
        telemetry::register(Pool).unwrap();
        assert_eq!(value("isolated_idle_connections", &[]), Some(7.0));
    });
    assert_eq!(value("isolated_idle_connections", &[]), Some(0.0));
}

#[test]
fn what_outlives_its_scope_harms_nobody() {
    let guard = isolated(|| telemetry::span("outlives"));
    load("outlives", 2).unwrap();
    drop(guard);
    assert_eq!(calls("outlives", "ok"), None, "it ended where it began");
    let future = isolated(|| telemetry::in_current(fetch(4)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert_eq!(runtime.block_on(future), 4);
    assert_eq!(value("isolated_rows_total", &[("table", "fetched")]).unwrap_or(0.0) % 1_000_000.0, 0.0);
}

#[test]
fn a_scope_begins_when_it_is_entered() {
    isolated(|| {
        let first = snapshot();
        assert!(first.taken_at.duration_since(first.started_at).unwrap() < Duration::from_secs(5));
        assert_eq!(snapshot().started_at, first.started_at);
    });
}
