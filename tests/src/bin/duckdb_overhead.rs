//! What our connection costs beside DuckDB's: one process, by turns, medians. `ci/long/duckdb-overhead` builds and runs it.

use std::time::Instant;
use telemetry::duckdb::Connection;

const ROUNDS: usize = 31;
const TABLES: &str = "create table t as select range a, range % 100 b from range(100000); create index i on t (a); \
                      create table big as select range a, hash(range) h from range(3000000); create table log (a bigint)";
const LOOKUP: &str = "select b from t where a = ?";
const SCAN: &str = "select b, count(*) from (select a % 100 b from big where h % 7 < 4) group by b";

/// Seconds of a run.
fn time(runs: u32, mut run: impl FnMut(i64)) -> f64 {
    let began = Instant::now();
    (0..runs).for_each(|number| run(i64::from(number) * 7919 % 100_000));
    began.elapsed().as_secs_f64() / f64::from(runs)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// By turns, each in front as often: what it takes bare, and how many times as long with telemetry, and with telemetry without profiles.
fn compare(what: &str, runs: u32, contestants: [&mut dyn FnMut(i64); 3]) {
    let mut times = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        for turn in 0..3 {
            let which = (round + turn) % 3;
            times[which].push(time(runs, &mut *contestants[which]));
        }
    }
    let ratio = |which: usize, times: &[Vec<f64>; 3]| {
        let mut ratios: Vec<f64> = times[which].iter().zip(&times[0]).map(|(ours, bare)| ours / bare).collect();
        median(&mut ratios)
    };
    let (with, without) = (ratio(1, &times), ratio(2, &times));
    // Profiles come several in a row, in some rounds and not in others: a median may not see them, a sum does.
    let sum = |which: usize| times[which].iter().sum::<f64>();
    let (all, all_without) = (sum(1) / sum(0), sum(2) / sum(0));
    println!(
        "| {what} | {:.1} µs | {with:.3} | {all:.3} | {without:.3} | {all_without:.3} |",
        median(&mut times[0]) * 1e6
    );
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bare = duckdb::Connection::open_in_memory()?;
    let ours = Connection::open_in_memory()?.with_name("overhead");
    let without = Connection::open_in_memory()?.with_name("overhead_without").with_profile(false);
    bare.execute_batch(TABLES)?;
    ours.execute_batch(TABLES)?;
    without.execute_batch(TABLES)?;
    println!(
        "| statement | bare | with telemetry, median | all | without profiles, median | all |\n| :--- | ---: | ---: | ---: | ---: | ---: |"
    );
    {
        let (mut a, mut b, mut c) = (bare.prepare(LOOKUP)?, ours.prepare(LOOKUP)?, without.prepare(LOOKUP)?);
        compare(
            "point lookup, prepared",
            1_000,
            [
                &mut |key| drop(a.query_row([key], |row| row.get::<_, i64>(0))),
                &mut |key| drop(b.query_row([key], |row| row.get::<_, i64>(0))),
                &mut |key| drop(c.query_row([key], |row| row.get::<_, i64>(0))),
            ],
        );
    }
    compare(
        "point lookup, `query_row`",
        500,
        [
            &mut |key| drop(bare.query_row(LOOKUP, [key], |row| row.get::<_, i64>(0))),
            &mut |key| drop(ours.query_row(LOOKUP, [key], |row| row.get::<_, i64>(0))),
            &mut |key| drop(without.query_row(LOOKUP, [key], |row| row.get::<_, i64>(0))),
        ],
    );
    compare(
        "insert of a row",
        500,
        [
            &mut |key| drop(bare.execute("insert into log values (?)", [key])),
            &mut |key| drop(ours.execute("insert into log values (?)", [key])),
            &mut |key| drop(without.execute("insert into log values (?)", [key])),
        ],
    );
    let (mut a, mut b, mut c) = (bare.prepare(SCAN)?, ours.prepare(SCAN)?, without.prepare(SCAN)?);
    compare(
        "scan of three million rows",
        16,
        [
            &mut |_| drop(a.query_map([], |_| Ok(())).map(Iterator::count)),
            &mut |_| drop(b.query_map([], |_| Ok(())).map(Iterator::count)),
            &mut |_| drop(c.query_map([], |_| Ok(())).map(Iterator::count)),
        ],
    );
    for statement in &ours.statements() {
        println!("{}: {} of {} runs profiled", statement.label, statement.profile.runs, statement.calls);
    }
    Ok(())
}
