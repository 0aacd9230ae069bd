//! What one asks of statements' figures: as text, as JSON, in SQL, the slow ones; which runs are profiled; pools; progress.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::duckdb::{Connection, ConnectionManager, Settings};
use telemetry::testing::value;
use telemetry::{Job, backfill_job};

fn open(name: &'static str) -> Connection {
    Connection::open_in_memory().unwrap().with_settings(Settings::new().name(name))
}

#[test]
fn statements_are_data_text_and_json() {
    let connection = open("shown");
    assert!(connection.statements().to_string().is_empty());
    assert_eq!(connection.statements().to_json(), "[]");
    connection.execute_batch("create table t (a integer, b varchar); insert into t values (1, 'x'), (2, 'y')").unwrap();
    for _ in 0..3 {
        let rows: i64 = connection.query_row("select count(*) from t where b = 'x'", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }
    let statements = connection.statements();
    let text = statements.to_string();
    let select = statements.iter().find(|statement| statement.label.starts_with("select_t_")).unwrap();
    let line = text.lines().find(|line| line.starts_with(&*select.label)).unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains(" 3 ") && line.contains("where b = ?"), "{line}");
    assert!(!text.contains("'x'"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&statements.to_json()).unwrap();
    let json = json.as_array().unwrap().iter().find(|one| one["statement"] == *select.label).unwrap();
    assert_eq!(
        (json["calls"].as_u64(), json["rows"].as_u64(), json["database"].as_str()),
        (Some(3), Some(3), Some("shown"))
    );
    assert!(json["last_plan"].as_str().unwrap().contains("TABLE_SCAN"), "{json}");
    assert_eq!(statements.into_iter().count(), 3);
}

#[test]
fn statements_are_a_table_of_the_database() {
    let connection = open("in_sql");
    connection.execute_batch("create table t as select range a from range(1000)").unwrap();
    for least in 0..5 {
        connection.query_row("select sum(a) from t where a > ?", [least], |_| Ok(())).unwrap();
    }
    // By the text: these queries are in the table too from their second run on, and may have taken longer.
    let of = "from telemetry_statements() where database = 'in_sql' and text = 'select sum(a) from t where a > ?'";
    let read = |row: &duckdb::Row<'_>| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, f64>(1)?, row.get::<_, u64>(2)?, row.get::<_, String>(3)?))
    };
    let sql = format!("select calls, total_seconds, rows_scanned, text {of}");
    let (calls, seconds, scanned, text) = connection.query_row(&sql, [], read).unwrap();
    assert_eq!((calls, &*text), (5, "select sum(a) from t where a > ?"));
    let ours = connection.statements();
    let ours = ours.iter().find(|statement| *statement.text == *text).unwrap();
    assert_eq!(Some(scanned), ours.profile.rows_scanned);
    assert_eq!(scanned, ours.profile.stands_for * 1_000);
    assert_eq!(seconds, ours.total_seconds);
    // What is not known is null, and a view may be made of it.
    connection.execute_batch("set preserve_insertion_order = true").unwrap();
    connection
        .execute_batch("create view costs as select * from telemetry_statements() where database = 'in_sql'")
        .unwrap();
    let unknown: i64 = connection
        .query_row(
            "select count(*) from costs where statement like 'set_%' and rows_scanned is null and last_plan is null",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(unknown, 1, "settings have no plan");
    // Figures are those of the moment, also where the statement was prepared before; a further connection and one that is opened by its file have the function, too.
    let mut prepared = connection.prepare(&format!("select calls {of}")).unwrap();
    let calls =
        |prepared: &mut telemetry::duckdb::Statement<'_>| prepared.query_row([], |row| row.get::<_, u64>(0)).unwrap();
    assert_eq!(calls(&mut prepared), 5);
    connection.try_clone().unwrap().query_row("select sum(a) from t where a > ?", [7], |_| Ok(())).unwrap();
    assert_eq!(calls(&mut prepared), 6);
}

#[test]
fn more_statements_than_one_chunk_holds_are_all_there() {
    let connection = open("many");
    for number in 0..600 {
        connection.execute(&format!("select 1 as column_{number}"), []).unwrap();
    }
    let ours = "select count(*), count(distinct statement) from telemetry_statements() where database = 'many'";
    let count: (i64, i64) = connection.query_row(ours, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert!((400..=500).contains(&count.0) && count.0 == count.1, "{count:?}: 500 are kept, other tests' among them");
}

#[test]
fn slow_statements_are_kept_with_their_plans() {
    let connection = open("slow").with_slow(Duration::from_millis(20));
    connection.execute_batch("create table t as select range a from range(10)").unwrap();
    connection.query_row("select count(*) from t where a = 7", [], |_| Ok(())).unwrap();
    let slow = "select count(*) from range(40000000) r(a) where hash(a) % 7 = 4 and a::varchar <> 'needle'";
    connection.query_row(slow, [], |_| Ok(())).unwrap();
    let ours = || -> Vec<_> {
        telemetry::snapshot().slow_statements.into_iter().filter(|slow| &*slow.database == "slow").collect()
    };
    let told = ours();
    let [told] = &told[..] else { panic!("{told:?}") };
    assert!(told.seconds > 0.02 && told.rows == Some(1) && told.error_type.is_none(), "{told:?}");
    assert!(told.text.contains("a::varchar <> ?") && !told.text.contains("needle"), "{told:?}");
    assert!(told.plan.as_ref().is_some_and(|plan| plan.contains("FILTER") || plan.contains("RANGE")), "{told:?}");
    assert!(!told.plan_is_earlier);

    // Literals, where one wants them; errors, too; and the last twenty.
    let open_hearted = connection.with_settings(Settings::new().name("slow").slow(Duration::ZERO).literals(true));
    open_hearted.query_row("select 'needle'", [], |_| Ok(())).unwrap();
    assert_eq!(&*ours()[0].text, "select 'needle'");
    assert!(open_hearted.execute("insert into t values ('no number')", []).is_err());
    assert_eq!(ours()[0].error_type, Some("conversion"));
    for _ in 0..30 {
        open_hearted.execute("select 1", []).unwrap();
    }
    assert_eq!(telemetry::snapshot().slow_statements.len(), 20);
}

/// How many runs of a statement were profiled, and of how many.
fn profiled(connection: &Connection, label: &str) -> (u64, u64) {
    let statements = connection.statements();
    let statement = statements.iter().find(|statement| statement.label.starts_with(label)).unwrap();
    (statement.profile.runs, statement.calls)
}

#[test]
fn of_short_statements_some_are_profiled_and_of_long_ones_all() {
    let connection = open("sampled");
    connection
        .execute_batch(
            "create table t as select range a from range(100); create table long as select range a from range(8000000)",
        )
        .unwrap();
    let mut lookup = connection.prepare("select a from t where a = ?").unwrap();
    for number in 0..6_000 {
        let found: i64 = lookup.query_row([number % 100], |row| row.get(0)).unwrap();
        assert_eq!(found, number % 100);
        if number % 600 == 0 {
            let sql = "select count(distinct hash(a)) from long";
            assert!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() > 7_999_000);
        }
    }
    drop(lookup);
    let (some, lookups) = profiled(&connection, "select_t_");
    assert_eq!(lookups, 6_000);
    assert!((30..3_000).contains(&some), "{some} of {lookups}");
    assert_eq!(profiled(&connection, "select_long_"), (10, 10));
    // What the profiles tell stands for all runs but those since the last one.
    let statements = connection.statements();
    let lookup = statements.iter().find(|statement| statement.label.starts_with("select_t_")).unwrap();
    assert!(lookup.profile.stands_for > some && lookup.profile.stands_for <= lookups, "{lookup:?}");
    let labels = [("database", "sampled"), ("statement", &*lookup.label)];
    assert_eq!(value("duckdb_query_profiles_total", &labels), Some(some as f64));
    let scanned = lookup.profile.rows_scanned.unwrap() as f64;
    assert_eq!(value("duckdb_query_rows_scanned_total", &labels), Some(scanned));
    assert!(scanned >= lookup.profile.stands_for as f64, "{lookup:?}");
}

#[test]
fn nothing_of_ours_runs_in_a_transaction() {
    let mut connection = open("in_transaction");
    connection.execute_batch("create table t (a integer); call enable_logging('QueryLog')").unwrap();
    // What DuckDB itself has seen, in its order, on this connection.
    let seen = |connection: &Connection| -> Vec<String> {
        let log = "select message from duckdb_logs where type = 'QueryLog' order by timestamp";
        let mut log = connection.prepare(log).unwrap();
        log.query_map([], |row| row.get::<_, String>(0)).unwrap().map(|sql| sql.unwrap().to_lowercase()).collect()
    };
    let ours = |sql: &String| sql.contains("profiling");
    let is_last_switched = |connection: &Connection, to: &str| {
        seen(connection).iter().rfind(|sql| ours(sql)).is_some_and(|sql| sql.contains(to))
    };
    // A statement that is worth a profile: they are switched on for it, at once or when enough of it has been paid in.
    let heavy = |connection: &Connection| {
        for _ in 0..3 {
            connection.query_row("select count(distinct hash(a)) from range(4000000) r(a)", [], |_| Ok(())).unwrap();
        }
    };
    // Until what the connection began with is spent, and profiles are switched off. How many that takes depends on how long the machine takes for each.
    let mut statements = 0;
    while !is_last_switched(&connection, "disable") {
        for number in 0..500 {
            connection.execute("insert into t values (?)", [number]).unwrap();
        }
        statements += 500;
        assert!(statements <= 50_000, "never switched off");
    }
    let transaction = connection.transaction().unwrap();
    heavy(&transaction);
    transaction.commit().unwrap();
    let mut rounds = 0;
    while !is_last_switched(&connection, "enable") {
        heavy(&connection);
        rounds += 1;
        assert!(rounds <= 50, "never switched on again");
    }
    let seen = seen(&connection);
    let at = |word: &str| seen.iter().position(|sql| sql.starts_with(word)).unwrap();
    assert!(!seen[at("begin")..at("commit")].iter().any(ours), "switched in the transaction");
}

#[test]
fn whoever_switches_profiles_keeps_them() {
    let connection = open("own_profiles");
    connection.execute_batch("pragma enable_profiling='no_output'").unwrap();
    for _ in 0..3_000 {
        connection.execute("select 42", []).unwrap();
    }
    assert!(connection.get_profiling_info().is_some_and(|profile| !profile.children.is_empty()));
}

#[test]
fn a_pool_gives_profiled_connections() {
    let base = open("pooled");
    base.execute_batch("create table t (a integer)").unwrap();
    let pool = r2d2::Pool::builder().max_size(4).build(ConnectionManager::new(base)).unwrap();
    thread::scope(|threads| {
        for number in 0..8 {
            let pool = &pool;
            threads.spawn(move || {
                for row in 0..25 {
                    let connection = pool.get().unwrap();
                    assert_eq!(&*connection.name(), "pooled");
                    connection.execute("insert into t values (?)", [number * 100 + row]).unwrap();
                }
            });
        }
    });
    let connection = pool.get().unwrap();
    assert_eq!(connection.query_row("select count(*) from t", [], |row| row.get::<_, i64>(0)).unwrap(), 200);
    let (some, runs) = profiled(&connection, "insert_t_");
    assert_eq!(runs, 200);
    assert!(some > 0, "each connection of the pool is profiled");
}

#[backfill_job(name = "asks_for_long", unit = "queries")]
fn asks_for_long(job: &Job, connection: &Connection) {
    // A table scan, of which DuckDB knows how far it is.
    connection.query_row("select count(*) from t where hash(a) % 7 = hash(a::varchar) % 7", [], |_| Ok(())).unwrap();
    job.advance(1);
}

#[test]
fn progress_is_told_where_it_is_known_and_never_zero_for_unknown() {
    let connection = open("progress").with_progress(true);
    connection.execute_batch("set threads = 1; create table t as select range a from range(30000000)").unwrap();
    let seen = || {
        let snapshot = telemetry::snapshot();
        let family = snapshot.families.iter().find(|family| family.name == "duckdb_query_progress_ratio")?;
        family
            .series
            .iter()
            .find(|series| series.label("database") == Some("progress"))
            .map(|series| series.value.as_f64())
    };
    assert_eq!(seen(), None, "nothing runs");
    let over = AtomicBool::new(false);
    let told = thread::scope(|threads| {
        let watch = threads.spawn(|| {
            let (mut told, began) = (Vec::new(), Instant::now());
            while !over.load(Relaxed) && began.elapsed() < Duration::from_secs(60) {
                told.extend(seen());
                thread::sleep(Duration::from_millis(2));
            }
            told
        });
        asks_for_long(&connection);
        over.store(true, Relaxed);
        watch.join().unwrap()
    });
    assert!(told.iter().any(|share| *share > 0.0 && *share < 1.0), "{told:?}");
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(seen(), None, "it is over");
}

#[test]
fn limits_and_temporary_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("limits.duckdb")).unwrap().with_name("limits");
    connection.execute_batch("set threads = 2; set memory_limit = '80MB'").unwrap();
    let of = |family: &str| value(family, &[("database", "limits")]);
    assert_eq!(of("duckdb_threads"), Some(2.0));
    let limit = of("duckdb_memory_limit_bytes").unwrap();
    assert!((limit - 80e6).abs() < 1e6, "{limit}");
    assert_eq!((of("duckdb_temp_files"), of("duckdb_temp_bytes")), (Some(0.0), Some(0.0)));
    connection
        .execute_batch(
            "create table gone as select range a from range(500000); checkpoint; drop table gone; checkpoint",
        )
        .unwrap();
    let (blocks, free) = (of("duckdb_blocks").unwrap(), of("duckdb_free_blocks").unwrap());
    assert!(blocks >= free && free > 0.0, "{free} of {blocks}");
    // More than fits into memory is sorted: what is spilled is told while it runs, and by the profile.
    let spilled = AtomicBool::new(false);
    thread::scope(|threads| {
        let connection = connection.try_clone().unwrap();
        let run = threads.spawn(move || {
            connection.execute_batch(
                "create table sorted as select a, hash(a)::varchar b from range(3000000) r(a) order by hash(a)",
            )
        });
        while !run.is_finished() {
            if of("duckdb_temp_bytes").is_some_and(|bytes| bytes > 0.0) {
                spilled.store(true, Relaxed);
            }
            thread::sleep(Duration::from_millis(5));
        }
        run.join().unwrap().unwrap();
    });
    assert!(spilled.load(Relaxed));
    let statements = connection.statements();
    let create = statements.iter().find(|statement| statement.label.starts_with("create_sorted")).unwrap();
    assert!(create.profile.peak_temp_bytes > Some(0), "{create:?}");
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Written(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[derive(telemetry::ProfiledConnection)]
struct Shop {
    #[profiled_connection(name = "shop", slow = "1ns", literals = true, progress = true)]
    conn: Connection,
}

#[test]
fn a_slow_statement_is_an_event_where_somebody_listens() {
    use telemetry::ProfiledConnection as _;
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let shop = Shop { conn: Connection::open_in_memory().unwrap() };
    tracing::subscriber::with_default(subscriber, || {
        shop.execute("create table orders as select range id from range(10)", []).unwrap();
        shop.query_row("select count(*) from orders where id < 7", [], |_| Ok(())).unwrap();
    });
    let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let event = written.lines().find(|line| line.contains("select_orders_")).unwrap_or_else(|| panic!("{written}"));
    assert!(event.contains("WARN telemetry::duckdb: slow statement"), "{event}");
    assert!(event.contains("database=\"shop\"") && event.contains("id < 7") && event.contains("rows=1"), "{event}");
    assert!(event.contains("TABLE_SCAN"), "{event}");
}
