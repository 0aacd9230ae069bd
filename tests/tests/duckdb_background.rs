//! A connection on a thread of its own: asynchronous code waits for its statements without blocking, and takes back what it no longer wants.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::duckdb::Connection;
use telemetry::{Job, ProfiledConnection, backfill_job, measured};

const FOR_EVER: &str = "select count(*) from range(10000000) a, range(1000000) b";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn work_is_done_in_order_and_blocks_no_runtime() {
    let connection = Arc::new(Connection::open_in_memory().unwrap().with_name("background").background().unwrap());
    runtime().block_on(async {
        connection.run(|connection| connection.execute_batch("create table t (a integer)")).await.unwrap();
        let inserts: Vec<_> = (0..100)
            .map(|n| connection.run(move |connection| connection.execute("insert into t values (?)", [n])))
            .collect();
        let ticks = tokio::spawn(async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        // The last one first: each has been given already.
        for insert in inserts.into_iter().rev() {
            assert_eq!(insert.await.unwrap(), 1);
        }
        ticks.await.unwrap();
        let in_order = "select list(a) = range(100) from t";
        let in_order: bool =
            connection.run(move |connection| connection.query_row(in_order, [], |row| row.get(0))).await.unwrap();
        assert!(in_order);
    });
    let connection = Arc::into_inner(connection).unwrap().into_inner();
    assert_eq!(&*connection.name(), "background");
    let insert = connection.statements().into_iter().find(|statement| statement.label.starts_with("insert_t")).unwrap();
    assert_eq!((insert.calls, insert.rows), (100, 100), "statements are accounted for as ever");
}

#[test]
fn what_is_dropped_before_it_begins_is_not_done() {
    let connection = Connection::open_in_memory().unwrap().background().unwrap();
    let (go, wait) = mpsc::channel::<()>();
    let first = connection.run(move |_| wait.recv().is_ok());
    let times = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&times);
    let mut second = connection.run(move |_| counted.fetch_add(1, SeqCst));
    assert!(poll(&mut second).is_pending());
    drop(second);
    go.send(()).unwrap();
    assert!(runtime().block_on(first));
    drop(connection.into_inner());
    assert_eq!(times.load(SeqCst), 0);
}

#[test]
fn what_is_dropped_while_it_runs_is_interrupted_and_nothing_after_it_is() {
    let connection = Connection::open_in_memory().unwrap().with_name("dropped").background().unwrap();
    let (say, said) = mpsc::channel();
    let running = connection.run(move |connection| {
        say.send(None).unwrap();
        // Two statements: an interrupt of the first alone would leave the second running for years.
        let results = [FOR_EVER, FOR_EVER].map(|sql| connection.execute(sql, []).map_err(|error| error.to_string()));
        say.send(Some(results)).unwrap();
    });
    let after: Vec<_> = (0..50_i64)
        .map(|n| {
            connection.run(move |connection| connection.query_row("select ? + 1", [n], |row| row.get::<_, i64>(0)))
        })
        .collect();
    assert_eq!(said.recv_timeout(Duration::from_secs(20)).unwrap(), None);
    let start = Instant::now();
    drop(running);
    assert!(start.elapsed() < Duration::from_secs(1), "nobody waits for the interrupt");
    let results = said.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
    assert!(results.iter().all(|result| result.as_ref().unwrap_err().contains("INTERRUPT")), "{results:?}");
    runtime().block_on(async {
        for (n, after) in (0..).zip(after) {
            assert_eq!(after.await.unwrap(), n + 1);
        }
    });
    drop(connection.into_inner());
}

#[test]
fn a_timeout_ends_a_statement() {
    let connection = Connection::open_in_memory().unwrap().background().unwrap();
    runtime().block_on(async {
        let never = connection.run(|connection| connection.execute(FOR_EVER, []).map(drop));
        assert!(tokio::time::timeout(Duration::from_millis(50), never).await.is_err());
        let answer = connection.run(|connection| connection.query_row("select 42", [], |row| row.get::<_, i32>(0)));
        assert_eq!(tokio::time::timeout(Duration::from_secs(60), answer).await.unwrap().unwrap(), 42);
    });
}

#[test]
fn a_panic_is_that_of_who_waits_and_the_connection_goes_on() {
    let connection = Connection::open_in_memory().unwrap().background().unwrap();
    let panics = connection.run(|_| -> u32 { panic!("on purpose") });
    let payload = catch_unwind(AssertUnwindSafe(|| runtime().block_on(panics))).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"));
    drop(connection.run(|_| panic!("that nobody waits for")));
    assert!(runtime().block_on(connection.run(|connection| connection.is_autocommit())));
}

#[derive(ProfiledConnection)]
struct Warehouse {
    #[profiled_connection(name = "background_warehouse")]
    connection: Connection,
    written: u32,
}

#[measured]
async fn loads(warehouse: &telemetry::duckdb::Background<Warehouse>) -> Option<String> {
    let written = warehouse.run(|warehouse| {
        let transaction = warehouse.transaction().unwrap();
        transaction.execute("create table t as select 7 a", []).unwrap();
        transaction.commit().unwrap();
        warehouse.written += 1;
        thread::sleep(Duration::from_millis(20));
        Job::current().map(|job| job.name().to_owned())
    });
    written.await
}

#[backfill_job(name = "background_job")]
async fn job(_: &Job, warehouse: &telemetry::duckdb::Background<Warehouse>) -> Option<String> {
    loads(warehouse).await
}

#[test]
fn a_struct_works_for_the_call_and_the_job_that_gave_it_the_work() {
    telemetry::job::progress(telemetry::job::Progress::Off);
    let warehouse = Warehouse { connection: Connection::open_in_memory().unwrap(), written: 0 }.background().unwrap();
    assert_eq!(runtime().block_on(job(&warehouse)).as_deref(), Some("background_job"));
    let warehouse = warehouse.into_inner();
    assert_eq!(warehouse.written, 1);
    assert!(warehouse.statements().iter().any(|statement| statement.label.starts_with("create_t")));
    let busy = telemetry::snapshot().sum("function_busy_seconds_total", &[("function", "loads")]);
    assert!(busy >= 0.02, "what the thread did is the function's: {busy}");
}
