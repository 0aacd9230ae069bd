//! The catalogue of built-in families beside what a program that uses everything shows.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::{Duration, Instant};
use telemetry::builtin::CATALOG;
use telemetry::job::{Outcome, RetryPolicy};
use telemetry::snapshot::Family;
use telemetry::{Descriptor, Job, Report, backfill_job, measured, metric};
use telemetry_tests::http;

#[global_allocator]
static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();

metric! {
    catalog = OWN;
    /// More ids than a family may have here.
    counter exploding_ids_total(id: u64);
    /// Texts longer than is kept of one.
    counter cut_texts_total(text: &str);
}

/// So few that the test's own family is full, and none of the library's.
const MAX_SERIES: usize = 40;

#[measured(objective(latency = "1s"), error_type = |_| "too much")]
fn allocates(bytes: usize) -> Result<Vec<u8>, TooMuch> {
    if bytes > 1_000 {
        return Err(TooMuch);
    }
    Ok(black_box(Vec::with_capacity(bytes)))
}

#[derive(Debug)]
struct TooMuch;

#[measured]
async fn is_polled_twice() {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

struct Busy;

impl Outcome for Busy {
    fn code(&self) -> Option<u16> {
        Some(429)
    }
    fn error_kind(&self) -> Option<&'static str> {
        Some("status")
    }
    fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }
}

#[backfill_job(total = 4, unit = "days", deadline = "1h")]
fn backfills(job: &Job, shown: &mut Shown) {
    let once = RetryPolicy::new().attempts(2).backoff(Duration::from_millis(1), Duration::from_millis(2));
    let _busy: Result<(), Busy> = job.retry_blocking(&once, "days", || Err(Busy));
    job.tokens("days", 7);
    let queue = job.queue("days").capacity(8);
    queue.pushed(2);
    let (sender, receiver) = job.queue("channel").sync_channel(1);
    sender.send(7).unwrap();
    assert_eq!(receiver.recv(), Ok(7));
    let _: Result<(), Busy> = job.batch(10).run(|| Ok(()));
    job.advance(1);
    let _worker = job.worker("one of one");
    // The time left is told once the job has been seen to move.
    let end = Instant::now() + Duration::from_secs(10);
    while !shown.look().contains("backfill_eta_seconds") && Instant::now() < end {
        sleep(Duration::from_millis(50));
    }
    queue.popped(2);
    job.advance(3);
}

/// Each family as it was shown last.
#[derive(Default)]
struct Shown(BTreeMap<String, Family>);

impl Shown {
    fn look(&mut self) -> BTreeSet<&str> {
        let families = telemetry::snapshot().families;
        self.0.extend(families.into_iter().map(|family| (family.name.to_string(), family)));
        self.0.keys().map(String::as_str).collect()
    }
}

fn names<'a>(families: impl IntoIterator<Item = &'a Descriptor>) -> Vec<&'a str> {
    families.into_iter().map(|family| family.name).collect()
}

/// Whether `family` may show these labels: those that were declared, and where it is the program's, others.
fn fits(declared: &Descriptor, family: &Family) -> bool {
    family.series.iter().all(|series| {
        let labels: Vec<&str> = series.labels.iter().map(|(name, _)| &**name).collect();
        labels == declared.labels
            || (declared.name == "target_info" && declared.labels.iter().all(|l| labels.contains(l)))
    })
}

#[test]
fn a_program_that_uses_everything_shows_the_catalogue() {
    let builder = telemetry::builder().listen("127.0.0.1:0").report(Report::Off).max_series(MAX_SERIES);
    let telemetry = builder.resource_attribute("deployment.environment.name", "test").init().unwrap();
    for id in 0..=MAX_SERIES {
        exploding_ids_total(id as u64).inc();
    }
    cut_texts_total(&"x".repeat(2_000)).inc();
    allocates(100).unwrap();
    allocates(10_000).unwrap_err();
    let mut future = std::pin::pin!(is_polled_twice());
    while future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
    let _connection = uses_duckdb();
    let mut shown = Shown::default();
    backfills(&mut shown);
    assert_eq!(http::get(telemetry.address().unwrap(), "/metrics").status, 200);
    let shown_names = shown.look().into_iter().map(str::to_owned).collect::<BTreeSet<_>>();

    for (name, family) in &shown.0 {
        if OWN.iter().any(|own| own.name == name) {
            continue;
        }
        let declared = CATALOG.iter().find(|declared| declared.name == name);
        let declared = declared.unwrap_or_else(|| panic!("{name} is shown and not in the catalogue"));
        assert_eq!(
            (family.kind, &*family.help, &*family.unit),
            (declared.kind, declared.help, declared.unit),
            "{name}"
        );
        assert!(fits(declared, family), "{name}: {:?}", family.series);
    }

    // What DuckDB tells of itself depends on its version and the database; the tests of connections look at it.
    let missing = CATALOG.iter().map(|family| family.name).filter(|name| !shown_names.contains(*name));
    // Nothing is pushed here, nobody is cut off, no collector fails, there is no runtime, and there need be no limit: the tests of each look at those.
    let elsewhere = [
        "cgroup_",
        "duckdb_",
        "process_virtual_memory_max_",
        "program_build_",
        "telemetry_collector_dropped_",
        "telemetry_cut_connections_",
        "telemetry_push_",
        "tokio_",
    ];
    let missing: Vec<_> = missing.filter(|name| !elsewhere.iter().any(|begin| name.starts_with(begin))).collect();
    assert_eq!(missing, [""; 0], "in the catalogue and never shown");
}

fn uses_duckdb() -> telemetry::duckdb::Connection {
    let connection = telemetry::duckdb::Connection::open_in_memory().unwrap().with_name("catalogued");
    connection.execute_batch("create table t (a bigint); insert into t select * from range(10)").unwrap();
    connection.query_row("select count(*) from t", [], |row| row.get::<_, i64>(0)).unwrap();
    connection
}

#[test]
fn what_the_library_registers_is_its_catalogue() {
    let program = telemetry::catalog();
    let registered = names(program.into_iter().filter(|family| family.origin.module.starts_with("telemetry::")));
    let of_stable_tokio = CATALOG.iter().filter(|family| !family.origin.module.ends_with("::tokio_unstable"));
    assert_eq!(registered, names(of_stable_tokio));
}
