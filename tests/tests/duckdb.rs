//! Profiled connections: each statement runs once and is accounted for, and nothing else changes.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use telemetry::ProfiledConnection;
use telemetry::duckdb::{Connection, Settings};
use telemetry::snapshot::Statement;

/// A database of the test's own name, in memory.
fn open(name: &'static str) -> Connection {
    Connection::open_in_memory().unwrap().with_name(name)
}

fn sum(family: &str, labels: &[(&str, &str)]) -> f64 {
    telemetry::snapshot().sum(family, labels)
}

fn runs(database: &str, result: &str) -> f64 {
    sum("duckdb_queries_total", &[("database", database), ("result", result)])
}

/// The statement whose label begins so; there is one.
fn statement(connection: &Connection, label: &str) -> Statement {
    let all = connection.statements();
    let labels: Vec<_> = all.iter().map(|statement| statement.label.to_string()).collect();
    let mut found = all.into_iter().filter(|statement| statement.label.starts_with(label));
    let first = found.next().unwrap_or_else(|| panic!("no `{label}` among {labels:?}"));
    assert!(found.next().is_none(), "several `{label}` among {labels:?}");
    first
}

fn next_value(connection: &Connection) -> i64 {
    // Asked on the connection within, so that asking is not accounted for.
    connection.inner().query_row("select nextval('s')", [], |row| row.get(0)).unwrap()
}

#[test]
fn each_statement_runs_once() {
    let connection = open("once");
    connection.execute_batch("create sequence s; create table t (a bigint)").unwrap();
    connection.execute("insert into t select nextval('s')", []).unwrap();
    connection.execute_batch("insert into t select nextval('s'); insert into t select nextval('s');").unwrap();
    connection.query_row("select nextval('s')", [], |row| row.get::<_, i64>(0)).unwrap();
    let mut prepared = connection.prepare("insert into t select nextval('s') where ? = 1").unwrap();
    for _ in 0..3 {
        prepared.execute([1]).unwrap();
    }
    drop(prepared);
    let mut several = connection.prepare("insert into t select nextval('s'); select nextval('s')").unwrap();
    assert_eq!(several.query_row([], |row| row.get::<_, i64>(0)).unwrap(), 9);
    drop(several);
    assert_eq!(next_value(&connection), 10);
    let rows: i64 = connection.query_row("select count(*) from t", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 7);
    assert_eq!(runs("once", "ok"), 12.0);
    assert_eq!(runs("once", "error"), 0.0);
}

#[test]
fn runs_that_differ_in_literals_alone_are_one_statement() {
    let connection = open("grouped");
    connection.execute_batch("create table flights (carrier varchar, delay integer)").unwrap();
    connection.execute("insert into flights values ('UA', 11), ('B6', -4)", []).unwrap();
    connection.execute("INSERT INTO flights VALUES (?, ?) -- one more", ("AA", 2)).unwrap();
    for delay in ["10", "0", "-5"] {
        let sql = format!("select carrier from flights where delay > {delay}");
        let mut prepared = connection.prepare(&sql).unwrap();
        let carriers = prepared.query_map([], |row| row.get::<_, String>(0)).unwrap();
        assert!(carriers.map(Result::unwrap).count() > 0);
    }
    let select = statement(&connection, "select_flights_");
    assert_eq!(&*select.text, "select carrier from flights where delay > ?");
    assert_eq!((select.calls, select.errors, select.rows), (3, 0, 1 + 2 + 3));
    assert!(select.total_seconds > 0.0 && select.max_seconds <= select.total_seconds);
    let insert = statement(&connection, "insert_flights_");
    assert_eq!((insert.calls, insert.rows), (2, 3));
    let labels = [("database", "grouped"), ("statement", &*select.label)];
    assert_eq!(sum("duckdb_query_duration_seconds", &labels), 3.0);
    assert_eq!(sum("duckdb_query_rows_returned_total", &labels), 6.0);
}

#[test]
fn the_profile_is_duckdbs_own() {
    let connection = open("profiled");
    connection.execute_batch("create table t as select range a, range % 7 b from range(100000)").unwrap();
    let sql = "select b, sum(a) from t where a > 10 and b::varchar <> 'needle' group by b";
    let mut prepared = connection.prepare(sql).unwrap();
    assert_eq!(prepared.query_map([], |row| row.get::<_, i64>(0)).unwrap().count(), 7);
    drop(prepared);
    let select = statement(&connection, "select_t_");
    let labels = [("database", "profiled"), ("statement", &*select.label)];
    assert_eq!(sum("duckdb_query_rows_scanned_total", &labels), 100_000.0);
    assert!(sum("duckdb_query_peak_memory_bytes", &labels) > 0.0);
    let plan = select.last_plan.expect("a plan");
    assert!(plan.contains("TABLE_SCAN") && plan.contains("ms") && plan.contains("rows"), "{plan}");
    assert!(!plan.contains("EXECUTE"), "{plan}");
    assert!(!plan.contains("needle"), "a literal: {plan}");
    let scans = [("database", "profiled"), ("operator", "TABLE_SCAN")];
    assert!(sum("duckdb_operator_rows_total", &scans) > 99_000.0);
    assert!(sum("duckdb_operator_seconds_total", &scans) > 0.0);
    // DuckDB does not tell the size of a result: absent, not zero.
    let snapshot = telemetry::snapshot();
    assert!(snapshot.series("duckdb_query_result_bytes_total", &labels).is_none());
}

#[test]
fn the_figures_of_a_statement_are_those_of_its_runs_and_of_duckdbs_profiles() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("figures.duckdb")).unwrap().with_name("figures");
    connection
        .execute_batch("create table t as select range a, hash(range)::varchar b from range(300000); checkpoint")
        .unwrap();
    for least in 0..20 {
        let rows: i64 = connection
            .query_row(&format!("select count(distinct b) from t where a > {least}"), [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 299_999 - least);
    }
    let select = statement(&connection, "select_t_");
    assert_eq!((select.calls, select.errors, select.rows), (20, 0, 20));
    let in_order = [select.min_seconds, select.p50_seconds, select.p95_seconds, select.p99_seconds, select.max_seconds];
    assert!(select.min_seconds > 0.0 && in_order.is_sorted(), "{in_order:?}");
    assert!(select.min_seconds <= select.mean_seconds() && select.mean_seconds() <= select.max_seconds);
    assert!(select.deviation_seconds <= select.max_seconds - select.min_seconds);
    let profile = &select.profile;
    assert!((1..=20).contains(&profile.runs) && (profile.runs..=20).contains(&profile.stands_for), "{profile:?}");
    assert_eq!(profile.rows_scanned, Some(profile.stands_for * 300_000));
    assert!(profile.peak_memory_bytes > Some(100_000), "{profile:?}");
    assert!(profile.operator_seconds > Some(0.0) && profile.planning_seconds > Some(0.0), "{profile:?}");
    assert!(profile.planning_seconds < Some(select.total_seconds), "{profile:?}");
    assert!(profile.blocked_seconds.is_some() && profile.read_bytes.is_some(), "{profile:?}");
    let create = statement(&connection, "create_t_");
    assert!(create.profile.written_bytes.is_some(), "{create:?}");
    let labels = [("database", "figures"), ("statement", &*select.label)];
    assert!((sum("duckdb_query_planning_seconds_total", &labels) - profile.planning_seconds.unwrap()).abs() < 1e-6);
    assert_eq!(sum("duckdb_query_read_bytes_total", &labels), profile.read_bytes.unwrap() as f64);

    connection.statements_reset();
    assert!(connection.statements().is_empty());
    assert_eq!(sum("duckdb_queries_total", &labels), 20.0, "a counter does not go back");
    let other = open("figures_of_others");
    other.execute("select 1", []).unwrap();
    connection.statements_reset();
    assert_eq!(other.statements().len(), 1);
}

#[test]
fn errors_are_counted_by_duckdbs_own_class() {
    let connection = open("classes");
    connection.execute_batch("create table t (a integer primary key)").unwrap();
    for (sql, class) in [
        ("insert into t values (1), (1)", "constraint"),
        ("select nope from t", "binder"),
        ("select * from nowhere", "catalog"),
        ("select 'x'::integer", "conversion"),
        ("selec 1", "parser"),
        ("select error('hunter2')", "invalid_input"),
    ] {
        connection.execute(sql, []).unwrap_err();
        let labels = [("database", "classes"), ("error_type", class)];
        assert_eq!(sum("duckdb_query_errors_total", &labels), 1.0, "{sql}");
    }
    let all = connection.statements();
    let types: Vec<_> =
        all.iter().flat_map(|statement| &statement.error_types).map(|(name, count)| (&**name, *count)).collect();
    assert_eq!(types.len(), 6, "{types:?}");
    let shown = telemetry::export::snapshot_json::encode(&telemetry::snapshot());
    assert!(shown.contains(r#""error_types":{"constraint":1}"#) && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn without_profiles_there_is_time_and_rows_and_no_zeros() {
    let connection = open("unprofiled").with_profile(false);
    assert_eq!(connection.query_row("select 42", [], |row| row.get::<_, i32>(0)).unwrap(), 42);
    assert!(connection.get_profiling_info().is_none());
    let select = statement(&connection, "select_");
    assert_eq!((select.calls, select.rows, select.last_plan), (1, 1, None));
    let snapshot = telemetry::snapshot();
    assert!(snapshot.series("duckdb_query_rows_scanned_total", &[("database", "unprofiled")]).is_none());
    assert!(snapshot.series("duckdb_query_peak_memory_bytes", &[("database", "unprofiled")]).is_none());
    let connection = connection.with_profile(true);
    connection.execute("select 43", []).unwrap();
    assert!(statement(&connection, "select_").last_plan.is_some());
}

#[test]
fn errors_are_the_same_and_counted() {
    let ours = open("errors");
    let theirs = duckdb::Connection::open_in_memory().unwrap();
    let batches = [
        "select nope from range(3)",
        "select 1; select nope from range(3); select 2",
        "select 1;\n\n  select nope from range(3) -- x\n; select 2",
        "create table a (b int); selec 1",
        "select 'open",
        "select error('boom'); select 1",
        "select 1\0",
        "select 1; select 2\0",
        "",
        "; ;",
    ];
    for sql in batches {
        let text = |result: duckdb::Result<()>| result.map_err(without_caret);
        assert_eq!(text(ours.execute_batch(sql)), text(theirs.execute_batch(sql)), "{sql:?}");
        let text = |result: duckdb::Result<usize>| result.map_err(without_caret);
        assert_eq!(text(ours.execute(sql, [])), text(theirs.execute(sql, [])), "{sql:?}");
        let tables = |connection: &duckdb::Connection| {
            let sql = "select count(*) from duckdb_tables()";
            connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!(tables(ours.inner()), tables(&theirs), "{sql:?}");
    }
    let mismatch = |error: duckdb::Error| matches!(error, duckdb::Error::InvalidParameterCount(0, 1));
    assert!(mismatch(ours.execute("select ?", []).unwrap_err()));
    let nobody = ours.query_row("select 1 where false", [], |row| row.get::<_, i32>(0));
    assert!(matches!(nobody, Err(duckdb::Error::QueryReturnedNoRows)));
    assert!(runs("errors", "error") >= 10.0);
    // A query without rows has not failed.
    let where_false = ours.statements().into_iter().find(|statement| statement.text.contains("where false")).unwrap();
    assert_eq!((where_false.calls, where_false.errors, where_false.rows), (1, 0, 0));
}

/// DuckDB 2.0 counts its caret's column from the start of the batch and shows the statement alone, so behind the first
/// statement of a line its caret is off. Ours is not.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn without_caret(error: duckdb::Error) -> String {
    let error = error.to_string();
    error.lines().filter(|line| !line.trim_matches([' ', '^']).is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_does_not_parse_is_one_statement_without_a_text() {
    let connection = open("unparsed");
    connection.execute_batch("create table a (b integer); select 'open").unwrap_err();
    connection.prepare("create table a (b integer); selec 2").unwrap_err();
    let tables: i64 =
        connection.inner().query_row("select count(*) from duckdb_tables()", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 0);
    let unparsed = statement(&connection, "unparsed");
    assert_eq!((unparsed.calls, unparsed.errors), (0, 2));
}

#[test]
fn a_batch_runs_up_to_the_statement_that_fails() {
    let connection = open("half");
    let batch =
        "create table a (b integer); insert into a values (1); insert into nope values (1); insert into a values (2)";
    connection.execute_batch(batch).unwrap_err();
    let sum: i64 = connection.query_row("select sum(b)::bigint from a", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 1);
    assert_eq!((runs("half", "ok"), runs("half", "error")), (3.0, 1.0));
}

#[test]
fn a_batch_is_split_where_duckdb_splits_it() {
    let connection = open("split");
    let batch = "-- a; comment\n/* nested /* ; */ ; */ create table \"odd;name\" (\"a;b\" varchar);\n\
                 insert into \"odd;name\" values ('x;''y'), (E'x\\';'), ($$a;b$$), ($t$a;$$;b$t$);;\n\
                 update `odd;name` set \"a;b\" = 'z;' where \"a;b\" = $$a;b$$; -- the end;";
    connection.execute_batch(batch).unwrap();
    let read = "select string_agg(\"a;b\", '|' order by \"a;b\") from \"odd;name\"";
    let all: String = connection.query_row(read, [], |row| row.get(0)).unwrap();
    assert_eq!(all, "a;$$;b|x';|x;'y|z;");
    assert_eq!(runs("split", "ok"), 4.0);
    assert_eq!(statement(&connection, "insert_odd_name_").calls, 1);
}

#[test]
fn statements_that_duckdb_rewrites_run_as_ever() {
    let connection = open("rewritten");
    connection.execute_batch("create table c (city varchar, year integer, n integer); insert into c values ('A', 2000, 5), ('A', 2010, 7)").unwrap();
    let mut pivot = connection.prepare("select 1; pivot c on year using sum(n)").unwrap();
    assert_eq!(pivot.query_map([], |row| row.get::<_, String>(0)).unwrap().count(), 1);
    drop(pivot);
    connection
        .execute_batch("pivot c on year using sum(n); pragma table_info('c'); set threads = 2; call duckdb_functions()")
        .unwrap();
    assert_eq!(runs("rewritten", "error"), 0.0);
}

#[test]
fn a_prepared_statement_is_used_many_times() {
    let connection = open("prepared");
    connection.execute_batch("create table t (a integer)").unwrap();
    let mut insert = connection.prepare("insert into t values (?)").unwrap();
    assert_eq!(insert.parameter_count(), 1);
    assert_eq!((insert.row_count(), insert.column_names().len(), insert.schema().fields().len()), (0, 0, 0));
    insert.column_name(0).unwrap_err();
    insert.column_index("a").unwrap_err();
    for n in 0..100 {
        insert.insert([n]).unwrap();
    }
    insert.execute(["no number"]).unwrap_err();
    insert.execute([100]).unwrap();
    drop(insert);
    let figures = statement(&connection, "insert_t_");
    assert_eq!((figures.calls, figures.errors, figures.rows), (101, 1, 101));
    for _ in 0..2 {
        let mut cached = connection.prepare_cached("select a from t where a < ? order by a").unwrap();
        let rows = cached.query_and_then([3], |row| row.get::<_, i32>(0)).unwrap();
        assert_eq!(rows.collect::<duckdb::Result<Vec<_>>>().unwrap(), [0, 1, 2]);
        assert!(cached.exists([1]).unwrap() && !cached.exists([0]).unwrap());
        assert!(matches!(
            cached.query_one([2], |row| row.get::<_, i32>(0)),
            Err(duckdb::Error::QueryReturnedMoreThanOneRow)
        ));
        assert_eq!(cached.query_one([1], |row| row.get::<_, i32>("a")).unwrap(), 0);
        assert_eq!(cached.column_names(), ["a"]);
        assert!(format!("{cached:?}").contains("select_t_"));
    }
    assert_eq!(statement(&connection, "select_t_").calls, 10);
}

#[test]
fn rows_are_read_as_from_duckdb() {
    let connection = open("rows");
    let mut select = connection.prepare("select range a, 'x' || range b from range(5000)").unwrap();
    let mut rows = select.query([]).unwrap();
    assert_eq!(rows.as_ref().unwrap().column_count(), 2);
    let mut last = None;
    while let Some(row) = rows.next().unwrap() {
        last = Some((row.get::<_, i64>(0).unwrap(), row.get::<_, String>("b").unwrap()));
    }
    assert_eq!(last, Some((4999, "x4999".to_owned())));
    assert_eq!(select.row_count(), 5000);
    let batches: Vec<_> = select.query_arrow([]).unwrap().collect();
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 5000);
    drop(select);
    assert_eq!(statement(&connection, "select_range_").rows, 10_000);
}

#[test]
fn changed_and_returned_rows_are_told_apart() {
    let connection = open("changed");
    connection.execute_batch("create table t (a integer)").unwrap();
    connection.execute("insert into t select * from range(10)", []).unwrap();
    assert_eq!(connection.execute("update t set a = a + 1 where a > 6", []).unwrap(), 3);
    assert_eq!(connection.execute("delete from t where a > 100", []).unwrap(), 0);
    let mut returning = connection.prepare("delete from t where a < 2 returning a").unwrap();
    assert_eq!(returning.query_map([], |row| row.get::<_, i32>(0)).unwrap().count(), 2);
    drop(returning);
    assert_eq!(statement(&connection, "insert_t_").rows, 10);
    assert_eq!(statement(&connection, "update_t_").rows, 3);
    let deletes = connection.statements().into_iter().filter(|statement| statement.label.starts_with("delete_t_"));
    let mut rows: Vec<_> = deletes.map(|statement| (statement.text.contains("returning"), statement.rows)).collect();
    rows.sort_unstable();
    assert_eq!(rows, [(false, 0), (true, 2)]);
}

#[test]
fn a_transaction_commits_or_rolls_back() {
    let mut connection = open("transaction");
    connection.execute_batch("create table t (a integer)").unwrap();
    let transaction = connection.transaction().unwrap();
    transaction.execute("insert into t values (1)", []).unwrap();
    transaction.commit().unwrap();
    {
        let transaction = connection.transaction().unwrap();
        transaction.execute("insert into t values (2)", []).unwrap();
    }
    let mut transaction = connection.transaction().unwrap();
    transaction.execute("insert into t values (3)", []).unwrap();
    transaction.set_drop_behavior(duckdb::DropBehavior::Commit);
    transaction.finish().unwrap();
    connection.transaction().unwrap().rollback().unwrap();
    let sum: i64 = connection.query_row("select sum(a)::bigint from t", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 4);
    assert_eq!(statement(&connection, "begin_").calls, 4);
    assert_eq!(statement(&connection, "commit_").calls, 2);
    assert_eq!(statement(&connection, "rollback_").calls, 2);
    assert_eq!(runs("transaction", "error"), 0.0);
}

#[test]
fn an_aborted_transaction_is_left_as_it_is() {
    let mut connection = open("aborted");
    let transaction = connection.transaction().unwrap();
    transaction.execute("select error('boom')", []).unwrap_err();
    let aborted = transaction.execute("select 1", []).unwrap_err();
    assert!(aborted.to_string().contains("aborted"), "{aborted}");
    assert!(transaction.unchecked_transaction().is_err());
    transaction.rollback().unwrap();
    connection.execute("select 1", []).unwrap();
    let statements = connection.statements();
    let profiled = statements.iter().find(|statement| &*statement.text == "select ?").unwrap();
    assert_eq!((profiled.calls, profiled.errors), (1, 1));
    assert!(profiled.last_plan.is_some(), "profiled again");
}

#[test]
fn a_stream_is_accounted_for_at_its_end() {
    let connection = open("stream");
    connection.execute_batch("create table t as select range a from range(300000)").unwrap();
    let mut select = connection.prepare("select a from t").unwrap();
    let mut rows = 0;
    for batch in select.stream_arrow([]).unwrap() {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 300_000);
    let figures = statement(&connection, "select_t_");
    assert_eq!((figures.calls, figures.rows), (1, 300_000));
    assert!(figures.last_plan.expect("a plan").contains("TABLE_SCAN"));
    let labels = [("database", "stream"), ("statement", &*figures.label)];
    assert_eq!(sum("duckdb_query_rows_scanned_total", &labels), 300_000.0);
}

#[test]
fn a_stream_that_is_dropped_half_way_is_cancelled_and_has_no_profile() {
    let connection = open("dropped");
    connection.execute_batch("create table t as select range a from range(1000000)").unwrap();
    let mut select = connection.prepare("select a from t").unwrap();
    {
        let mut stream = select.stream_arrow([]).unwrap();
        assert!(stream.next().unwrap().unwrap().num_rows() > 0);
        // While it is open nothing else runs, and asking for the databases does not disturb it.
        connection.execute("select 1", []).unwrap_err();
        assert_eq!(sum("duckdb_table_rows", &[("database", "dropped"), ("table", "t")]), 1_000_000.0);
        assert!(stream.next().unwrap().is_ok());
    }
    drop(select);
    let figures = statement(&connection, "select_t_");
    assert_eq!((figures.calls, figures.errors, figures.last_plan), (1, 0, None));
    assert_eq!(runs("dropped", "cancelled"), 1.0);
    connection.execute("select 1", []).unwrap();
}

#[test]
fn an_interrupted_statement_is_cancelled() {
    let connection = open("interrupted");
    let handle = connection.interrupt_handle();
    let (done, is_done) = mpsc::channel::<()>();
    let interrupter = thread::spawn(move || {
        // DuckDB forgets an interrupt that comes before the statement runs, so it is asked again until it is heard.
        while is_done.recv_timeout(Duration::from_millis(20)) == Err(mpsc::RecvTimeoutError::Timeout) {
            handle.interrupt();
        }
    });
    let error = connection.execute("select count(*) from range(10000000) a, range(1000000) b", []).unwrap_err();
    drop(done);
    interrupter.join().unwrap();
    assert!(error.to_string().contains("INTERRUPT"), "{error}");
    assert_eq!((runs("interrupted", "cancelled"), runs("interrupted", "error")), (1.0, 0.0));
    let interrupts = [("database", "interrupted"), ("error_type", "interrupt")];
    assert_eq!(sum("duckdb_query_errors_total", &interrupts), 1.0);
}

#[test]
fn appended_rows_are_counted() {
    let connection = open("appended");
    connection.execute_batch("create table flights (carrier varchar, delay integer)").unwrap();
    {
        let mut appender = connection.appender("flights").unwrap();
        appender.append_rows([("UA", 1), ("AA", 2)]).unwrap();
        appender.flush().unwrap();
        appender.append_row(("B6", 3)).unwrap();
    }
    let rows: i64 = connection.query_row("select count(*) from flights", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 3);
    let figures = statement(&connection, "append_flights_");
    assert_eq!((figures.calls, figures.errors, figures.rows, &*figures.text), (2, 0, 3, "append into flights"));
    connection.appender("nope").unwrap_err();
    let mut some = connection.appender_with_columns("flights", &["carrier"]).unwrap();
    some.append_row(["DL"]).unwrap();
    drop(some);
    assert_eq!(statement(&connection, "append_flights_").rows, 4);
    assert_eq!(runs("appended", "error"), 1.0);
}

#[test]
fn a_failed_append_is_an_error() {
    let connection = open("unappended");
    connection.execute_batch("create table t (a integer primary key)").unwrap();
    {
        let mut appender = connection.appender("t").unwrap();
        appender.append_row([1]).unwrap();
        appender.append_row([1]).unwrap();
        appender.flush().unwrap_err();
    }
    let figures = statement(&connection, "append_t_");
    assert_eq!((figures.calls, figures.rows), (0, 0));
    assert!(figures.errors >= 1);
}

#[test]
fn a_clone_is_profiled_under_the_same_name() {
    let connection = open("cloned");
    connection.execute_batch("create table t as select range a from range(10)").unwrap();
    let clone = connection.try_clone().unwrap();
    thread::spawn(move || clone.execute("select a from t", []).unwrap()).join().unwrap();
    let select = statement(&connection, "select_t_");
    assert_eq!(select.calls, 1);
    assert!(select.last_plan.is_some(), "profiling was set up on the clone");
    let unprofiled = connection.with_profile(false);
    let clone = unprofiled.try_clone().unwrap();
    assert!(clone.get_profiling_info().is_none());
    clone.execute("select a from t limit 1", []).unwrap();
    assert!(clone.get_profiling_info().is_none());
}

#[test]
fn a_secret_reaches_neither_labels_nor_the_report() {
    let connection = open("secrets").with_slow(Duration::ZERO);
    connection.execute_batch("create table users (name varchar, password varchar)").unwrap();
    let texts = [
        "insert into users values ('ann', 'hunter2')",
        "select * from users where password = 'hunter2'",
        "select * from users where password = $$hunter2$$",
        "select 1 as a /* hunter2 */ -- hunter2",
        "set variable password = 'hunter2'",
        "select * from users where password = \"hunter2\"",
        "select * from users where name = 'O'Brien' and password = 'hunter2'",
        "hunter2",
        "prepare p as select * from users where password = $1",
        "execute p('hunter2')",
        "select 'hunter2' in ['hunter2', 'x'], {'hunter2': 1}",
        "attach ':memory:' as hidden (type duckdb)",
        "select error('hunter2')",
        "copy (select 'hunter2') to '/nonexistent/hunter2.csv'",
    ];
    for sql in texts {
        let _ = connection.execute(sql, []);
        let _ = connection.execute_batch(&format!("{sql}; select 1"));
    }
    let snapshot = telemetry::snapshot();
    let ours = snapshot.statements.iter().filter(|statement| &*statement.database == "secrets");
    assert!(ours.count() > 5);
    assert!(!format!("{snapshot:?}").contains("hunter2"));
}

#[test]
fn a_statement_is_in_the_snapshot_after_its_connection_is_gone() {
    let connection = open("gone");
    connection.execute_batch("create table t as select 1 a").unwrap();
    assert_eq!(sum("duckdb_table_rows", &[("database", "gone")]), 1.0);
    drop(connection);
    let snapshot = telemetry::snapshot();
    let create = snapshot.statements.iter().find(|statement| &*statement.database == "gone").unwrap();
    assert_eq!(create.calls, 1);
    assert!(snapshot.series("duckdb_table_rows", &[("database", "gone")]).is_none());
}

#[test]
fn the_database_is_measured_and_its_file_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("measured.duckdb");
    let connection = Connection::open(&file).unwrap();
    assert_eq!(&*connection.name(), "measured");
    connection
        .execute_batch(
            "create table flights as select range a from range(5000); create schema x; create table x.y (a int)",
        )
        .unwrap();
    connection.execute_batch("checkpoint; insert into flights values (1)").unwrap();
    let of = |family: &str, labels: &[(&str, &str)]| {
        let snapshot = telemetry::snapshot();
        snapshot.series(family, &[&[("database", "measured")], labels].concat()).map(|series| series.value.as_f64())
    };
    assert_eq!(of("duckdb_table_rows", &[("table", "flights")]), Some(5001.0));
    assert_eq!(of("duckdb_table_rows", &[("table", "x.y")]), Some(0.0));
    assert!(of("duckdb_database_size_bytes", &[]).unwrap() > 4096.0);
    assert!(of("duckdb_wal_size_bytes", &[]).unwrap() > 0.0);
    assert!(of("duckdb_memory_bytes", &[("tag", "base_table")]).unwrap() >= 0.0);
    assert!(is_open(&file).unwrap_or(true));
    let clone = connection.try_clone().unwrap();
    drop(connection);
    assert!(of("duckdb_table_rows", &[("table", "flights")]).is_some(), "the clone is still there");
    clone.close().unwrap();
    assert_eq!(of("duckdb_table_rows", &[("table", "flights")]), None);
    assert!(!is_open(&file).unwrap_or(false), "nobody holds the file");
    let again = duckdb::Connection::open(&file).unwrap();
    assert_eq!(again.query_row("select count(*) from flights", [], |row| row.get::<_, i64>(0)).unwrap(), 5001);
    assert!(!file.with_extension("duckdb.wal").exists(), "closed properly");
}

/// Whether this process has the file open, where the system tells.
fn is_open(file: &std::path::Path) -> Option<bool> {
    let descriptors = std::fs::read_dir("/proc/self/fd").ok()?;
    Some(
        descriptors
            .flatten()
            .any(|descriptor| std::fs::read_link(descriptor.path()).is_ok_and(|target| target == file)),
    )
}

#[test]
fn a_database_in_memory_has_no_size() {
    let connection = open("sizeless");
    connection.execute("select 1", []).unwrap();
    let snapshot = telemetry::snapshot();
    assert!(snapshot.series("duckdb_database_size_bytes", &[("database", "sizeless")]).is_none());
    assert!(snapshot.series("duckdb_memory_bytes", &[("database", "sizeless")]).is_some());
}

#[test]
fn of_two_databases_with_one_name_each_series_occurs_once() {
    let connections = [open("twins"), open("twins")];
    for connection in &connections {
        connection.execute_batch("create table t (a integer)").unwrap();
    }
    let snapshot = telemetry::snapshot();
    let rows = snapshot.family("duckdb_table_rows").unwrap();
    assert_eq!(rows.series.iter().filter(|series| series.has(&[("database", "twins")])).count(), 1);
    assert_eq!(statement(&connections[0], "create_t_").calls, 2);
}

#[test]
fn scrapes_and_statements_go_on_together() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("scraped.duckdb")).unwrap();
    connection.execute_batch("create table t (a integer)").unwrap();
    let (done, is_done) = mpsc::channel::<()>();
    let scraper = thread::spawn(move || {
        let mut scrapes = 0;
        while is_done.try_recv() == Err(mpsc::TryRecvError::Empty) {
            let _ = telemetry::snapshot();
            scrapes += 1;
        }
        scrapes
    });
    for n in 0..200 {
        connection.execute("insert into t values (?)", [n]).unwrap();
        if n % 5 == 0 {
            // Fails where anybody holds the lock that it needs: nobody does.
            connection.execute_batch("checkpoint").unwrap();
        }
    }
    drop(done);
    assert!(scraper.join().unwrap() > 0);
    assert_eq!(statement(&connection, "insert_t_").rows, 200);
    assert_eq!(runs("scraped", "error"), 0.0);
}

#[test]
fn explain_shows_what_it_shows_without_us() {
    let ours = open("explained");
    let theirs = duckdb::Connection::open_in_memory().unwrap();
    let metrics = |connection: &duckdb::Connection| {
        let mut plan = connection.prepare("explain (analyze, format json) select count(*) from range(5)").unwrap();
        let plan: String = plan.query_row([], |row| row.get(1)).unwrap();
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let mut keys = Vec::new();
        collect_keys(&plan, &mut keys);
        keys
    };
    assert_eq!(metrics(ours.inner()), metrics(&theirs));
}

fn collect_keys(value: &serde_json::Value, keys: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                keys.push(key.clone());
                collect_keys(value, keys);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect_keys(value, keys)),
        _ => {}
    }
}

#[test]
fn a_wrapped_connection_is_given_back_as_it_was() {
    let theirs = duckdb::Connection::open_in_memory().unwrap();
    theirs.execute_batch("create table t as select 1 a").unwrap();
    let ours = Connection::from(theirs).with_name("wrapped");
    assert_eq!(ours.query_row("select a from t", [], |row| row.get::<_, i32>(0)).unwrap(), 1);
    let theirs = ours.into_inner();
    theirs.execute("select a from t", []).unwrap();
    assert!(theirs.get_profiling_info().is_none());
}

#[derive(ProfiledConnection)]
struct Warehouse {
    #[profiled_connection(name = "warehouse", slow = "250ms")]
    conn: Connection,
    opened: u32,
}

#[derive(ProfiledConnection)]
struct Unprofiled(#[profiled_connection(name = "tuple", profile = false)] Connection, u8);

#[derive(ProfiledConnection)]
struct Only {
    boxed: Box<Connection>,
}

#[derive(ProfiledConnection)]
struct Generic<'a, T: Copy, const N: usize>
where
    T: Into<i64>,
{
    values: [T; N],
    #[profiled_connection(crate = telemetry, name = "generic")]
    connection: &'a mut Connection,
}

#[test]
fn a_struct_has_the_connections_methods() {
    assert_eq!(Warehouse::SETTINGS, Settings::new().name("warehouse").slow(Duration::from_millis(250)));
    let mut warehouse = Warehouse { conn: Connection::open_in_memory().unwrap(), opened: 1 };
    warehouse.execute_batch("create table t (a integer); create table u (a integer)").unwrap();
    let transaction = warehouse.transaction().unwrap();
    transaction.execute("insert into t values (?)", [1]).unwrap();
    transaction.commit().unwrap();
    warehouse.appender("t").unwrap().append_row([2]).unwrap();
    let sum: i64 = warehouse.query_row("select sum(a)::bigint from t", [], |row| row.get(0)).unwrap();
    assert_eq!((sum, warehouse.opened), (3, 1));
    assert_eq!(
        warehouse.prepare("select a from t").unwrap().query_map([], |row| row.get::<_, i32>(0)).unwrap().count(),
        2
    );
    let labels: Vec<String> = warehouse.statements().iter().map(|statement| statement.label.to_string()).collect();
    assert_eq!(labels.len(), 8, "{labels:?}");
    assert_eq!(runs("warehouse", "ok"), 8.0);
    assert_eq!(warehouse.version().unwrap(), warehouse.conn.version().unwrap());
}

#[test]
fn any_shape_of_struct_will_do() {
    let tuple = Unprofiled(Connection::open_in_memory().unwrap(), 7);
    tuple.execute("select 1", []).unwrap();
    assert_eq!((tuple.statements().len(), tuple.1), (1, 7));
    assert!(tuple.statements()[0].last_plan.is_none());
    let only = Only { boxed: Box::new(open("only")) };
    only.execute("select 1", []).unwrap();
    assert_eq!(only.statements().len(), 1);
    let mut connection = Connection::open_in_memory().unwrap();
    let generic = Generic { values: [1u8, 2], connection: &mut connection };
    let total: i64 = generic.values.iter().map(|value| Into::<i64>::into(*value)).sum();
    generic.execute("select ?", [total]).unwrap();
    assert_eq!(runs("generic", "ok"), 1.0);
}
