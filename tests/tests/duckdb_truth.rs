//! What is told of statements, compared with what DuckDB itself says by `EXPLAIN ANALYZE` and with what the system charged: twenty questions about the flights, and a load that writes.

use serde_json::Value;
use std::time::{Duration, Instant};
use telemetry::Report;
use telemetry::duckdb::Connection;
use telemetry::snapshot::Statement;

const FLIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/nyc-flights-2013.parquet");

/// Each orders what it gives where it cuts it, so that it gives the same each time.
const QUESTIONS: [&str; 20] = [
    "select count(*), sum(distance) from flights",
    "select carrier, count(*), avg(dep_delay) from flights where origin = 'JFK' group by carrier order by 2 desc, 1 limit 5",
    "select month, day, sum(distance) from flights group by all order by 3 desc, 1, 2",
    "select * from flights where tailnum = 'N14228' order by time_hour",
    "select distinct dest from flights order by dest",
    "select dest, quantile_cont(arr_delay, 0.95) q from flights where arr_delay is not null group by dest order by q desc, dest limit 10",
    "select a.carrier, count(*) from flights a join flights b on a.tailnum = b.tailnum and a.time_hour < b.time_hour and a.month = 1 and b.month = 1 and b.day = a.day group by a.carrier order by a.carrier",
    "select carrier, month, rank() over (partition by carrier order by count(*) desc, month) from flights group by carrier, month order by 1, 2",
    "select tailnum, dep_delay - lag(dep_delay) over (partition by tailnum order by time_hour, flight) d from flights where dest = 'ORD' order by d desc nulls last, tailnum limit 20",
    "select f.dest, m.most from flights f join (select dest, max(air_time) most from flights group by dest) m on f.dest = m.dest and f.air_time = m.most order by 2 desc, 1, f.flight",
    "select origin, dest, count(*) from flights group by cube (origin, dest) order by all",
    "select hour, count(*) filter (dep_delay > 60) / count(*)::double from flights group by hour order by hour",
    "select count(distinct tailnum), approx_count_distinct(tailnum) from flights",
    "with late as (select * from flights where arr_delay > 120) select carrier, count(*) from late group by carrier having count(*) > 100 order by 2 desc, 1",
    "select carrier from flights where month = 1 union select carrier from flights where month = 7 order by 1",
    "select tailnum from flights where month = 1 except select tailnum from flights where month = 2 order by 1",
    "select count(*) from flights where dest in (select dest from flights group by dest having count(*) < 1000)",
    "select year, month, string_agg(distinct carrier, ',' order by carrier) from flights group by year, month order by month",
    "select * from (select carrier, month, dep_delay from flights) pivot (avg(dep_delay) for month in (1, 6, 12) group by carrier) order by carrier",
    "select count(*) from flights where regexp_matches(tailnum, '^N[0-9]+(AA|UA)$') and distance between 500 and 2000",
];

/// An operator: its type, and the rows that it gave.
type Operators = Vec<(String, u64)>;

/// What `EXPLAIN ANALYZE` says.
struct Truth {
    scanned: u64,
    operators: Operators,
    operator_seconds: f64,
    planning_seconds: f64,
    seconds: f64,
}

fn explained(connection: &duckdb::Connection, sql: &str) -> Truth {
    let told: String =
        connection.query_row(&format!("explain (analyze, format json) {sql}"), [], |row| row.get(1)).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
    assert!(told["operator"].is_array(), "{told}");
    let (mut operators, mut operator_seconds) = (Vec::new(), 0.0);
    let mut waiting: Vec<&Value> = told["operator"].as_array().unwrap().iter().rev().collect();
    while let Some(operator) = waiting.pop() {
        let name = operator["type"].as_str().unwrap().to_owned();
        operator_seconds += operator["timing"].as_f64().unwrap();
        // These show the answer, and are no part of it.
        if !["RESULT_COLLECTOR", "EXPLAIN_ANALYZE", "EXECUTE"].contains(&&*name) {
            operators.push((name, operator["intermediate_rows"].as_u64().unwrap()));
        }
        waiting.extend(operator["children"].as_array().into_iter().flatten().rev());
    }
    let total = |group: &str| told[group]["total_time"].as_f64().unwrap();
    Truth {
        scanned: told["query"]["total_rows_scanned"].as_u64().unwrap(),
        operators,
        operator_seconds,
        planning_seconds: ["planner", "optimizer", "physical_planner"].map(total).iter().sum(),
        seconds: total("query"),
    }
}

/// The operators of a plan as it is shown.
fn operators(plan: &str) -> Operators {
    let line = |line: &str| {
        let name = line.split_whitespace().next().unwrap().to_owned();
        let rows = line.strip_suffix(" rows").unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        (name, rows)
    };
    plan.lines().map(line).filter(|(name, _)| name != "RESULT_COLLECTOR").collect()
}

/// CPU time that the system has charged the process.
fn cpu() -> Duration {
    // SAFETY: all zeroes is a valid `rusage`.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a valid place for the answer.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) }, 0);
    let time =
        |time: libc::timeval| Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_usec).unwrap() * 1_000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Bytes that the process has read and written, through whatever.
fn io() -> (u64, u64) {
    let told = std::fs::read_to_string("/proc/self/io").unwrap();
    let of = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().parse().unwrap();
    (of("rchar:"), of("wchar:"))
}

/// Whether two measurements of a duration are of one size. Two runs are never equal, so this finds wrong units, sums and fields, and no more.
fn alike(ours: f64, theirs: f64) -> bool {
    let (least, most) = (ours.min(theirs), ours.max(theirs));
    most < 4.0 * least + 0.02
}

fn found(connection: &Connection, text: &str) -> Statement {
    let all = connection.statements();
    all.iter().find(|statement| statement.text.contains(text)).unwrap_or_else(|| panic!("{text}: {all}")).clone()
}

#[test]
fn what_is_told_is_what_duckdb_and_the_system_say() {
    // Whatever it costs: every run has its profile.
    let builder = telemetry::builder().listen("127.0.0.1:0").report(Report::Off).overhead_budget(1.0);
    let _telemetry = builder.init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flights.duckdb");
    let (read_before, written_before) = io();

    // A load that writes: the flights, ten times.
    let writer = Connection::open(&file).unwrap().with_name("truth_writes");
    writer.execute_batch(&format!("set threads = 1; create table flights as from read_parquet('{FLIGHTS}')")).unwrap();
    writer.execute_batch("create table more as from flights where false").unwrap();
    for _ in 0..10 {
        assert_eq!(writer.execute("insert into more select * from flights", []).unwrap(), 336_776);
    }
    assert_eq!(writer.execute("update more set dep_delay = dep_delay + 1 where month = 3", []).unwrap(), 288_340);
    assert_eq!(writer.execute("delete from more where month > 6", []).unwrap(), 1_706_180);
    writer.execute_batch("checkpoint").unwrap();
    let (read, written) = io();
    let insert = found(&writer, "insert into more");
    assert_eq!((insert.calls, insert.rows), (10, 3_367_760));
    assert_eq!(insert.profile.rows_scanned, Some(insert.profile.stands_for * 336_776), "{insert:?}");
    assert_eq!((found(&writer, "update more").rows, found(&writer, "delete from more").rows), (288_340, 1_706_180));
    // Each statement's bytes are what the file system was asked for meanwhile: parquet in, blocks and log out.
    let all = writer.statements();
    let sum = |of: fn(&Statement) -> Option<u64>| all.iter().filter_map(of).sum::<u64>();
    let (told_read, told_written) = (sum(|s| s.profile.read_bytes), sum(|s| s.profile.written_bytes));
    let (read, written) = (read - read_before, written - written_before);
    assert!(told_read <= read && 2 * told_read >= read.min(3_000_000), "{told_read} of {read} bytes read");
    assert!(told_written <= written && 2 * told_written >= written, "{told_written} of {written} bytes written");
    writer.execute_batch("drop table more").unwrap();
    drop(writer);

    // Questions, by one thread, so that operators' time is no more than time.
    let ours = Connection::open(&file).unwrap().with_name("truth");
    ours.execute_batch("set threads = 1").unwrap();
    let bare = ours.inner().try_clone().unwrap();
    let (mut wall, mut charged, mut operated) = (Duration::ZERO, Duration::ZERO, 0.0);
    println!("| question | ms | by EXPLAIN ANALYZE | operators, ms | by it | planning, ms | by it | rows scanned |");
    for sql in QUESTIONS {
        ours.statements_reset();
        let (began, cpu_before) = (Instant::now(), cpu());
        let rows = ours.prepare(sql).unwrap().query_map([], |_| Ok(())).unwrap().count() as u64;
        wall += began.elapsed();
        charged += cpu() - cpu_before;
        let all = ours.statements();
        let [told] = &all[..] else { panic!("{sql}: {all}") };
        let counted: u64 = bare.query_row(&format!("select count(*) from ({sql})"), [], |row| row.get(0)).unwrap();
        assert_eq!((told.rows, told.calls, rows), (counted, 1, counted), "{sql}");
        let truth = explained(&bare, sql);
        let profile = &told.profile;
        assert_eq!(profile.rows_scanned, Some(truth.scanned), "{sql}");
        assert_eq!(operators(told.last_plan.as_ref().unwrap()), truth.operators, "{sql}");
        let (in_operators, planning) = (profile.operator_seconds.unwrap(), profile.planning_seconds.unwrap());
        assert!(alike(in_operators, truth.operator_seconds), "{sql}: {in_operators}, {}", truth.operator_seconds);
        assert!(alike(planning, truth.planning_seconds), "{sql}: {planning}, {}", truth.planning_seconds);
        assert!(alike(told.total_seconds, truth.seconds), "{sql}: {}, {}", told.total_seconds, truth.seconds);
        assert!(in_operators < told.total_seconds, "{sql}: one thread, {in_operators} of {}", told.total_seconds);
        operated += in_operators;
        let milliseconds = |seconds: f64| format!("{:.1}", seconds * 1e3);
        let figures =
            [told.total_seconds, truth.seconds, in_operators, truth.operator_seconds, planning, truth.planning_seconds];
        let asked = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        println!(
            "| `{}` | {} | {} |",
            asked.chars().take(60).collect::<String>(),
            figures.map(milliseconds).join(" | "),
            truth.scanned
        );
    }
    // One thread was at work: what the operators took is what the system charged, but for planning and what is around them.
    let charged = charged.as_secs_f64();
    println!(
        "all: {:.3} s, of which the system charged {charged:.3} s, and operators took {operated:.3} s",
        wall.as_secs_f64()
    );
    assert!(operated < 1.2 * charged && operated > 0.4 * charged, "{operated} s in operators, {charged} s charged");
}
