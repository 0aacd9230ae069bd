//! Jobs that go on where an earlier run stopped: after `kill -9` at any moment, and one at a time.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use telemetry::duckdb::Connection;
use telemetry::job::{State, StateError};
use telemetry::{Job, ProfiledConnection, backfill_job};
use telemetry_tests::program::{Ended, Program};

fn start(what: &str, place: &Path, units: u64) -> Program {
    Program::start(env!("CARGO_BIN_EXE_resumes"), &[what, place.to_str().unwrap(), &units.to_string()], &[])
}

/// Kills a program at once, and reads what it said before.
fn kill(program: Program) -> Ended {
    // SAFETY: a process of ours, which nobody has waited for.
    assert_eq!(unsafe { libc::kill(program.pid().try_into().unwrap(), libc::SIGKILL) }, 0);
    program.end()
}

/// Moments that differ from run to run, and can be had again.
struct Moments(u64);

impl Moments {
    fn new() -> Moments {
        let seed = std::env::var("RESUME_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos().into();
        let seed = seed.unwrap_or_else(now);
        println!("RESUME_SEED={seed}");
        Moments(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// Lets a program do some units, and ends it in the midst of one: `micros` is somewhat longer than one takes.
    /// Returns how many it began with, and the last one that it said it did.
    fn kill(&mut self, mut program: Program, micros: u64) -> (u64, u64) {
        let resumed = program.answer("resumed ");
        let begun = resumed.split_once(' ').unwrap().1.parse().unwrap();
        assert_eq!(resumed.starts_with("true"), begun > 0, "{resumed}");
        let mut last = begun;
        for _ in 0..self.below(20) {
            last = program.answer("unit ").parse().unwrap();
        }
        let moment = Instant::now() + Duration::from_micros(self.below(micros));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        let ended = kill(program);
        assert!(!ended.output.contains("done") && !ended.status.success(), "it is to have more to do than it can");
        for line in ended.output.split_inclusive('\n') {
            if let Some(unit) = line.strip_prefix("unit ").and_then(|unit| unit.strip_suffix('\n')) {
                last = unit.parse().unwrap();
            }
        }
        (begun, last)
    }
}

#[test]
fn a_job_killed_at_ten_moments_has_written_every_row_once() {
    const UNITS: u64 = 600;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.duckdb");
    let mut moments = Moments::new();
    let mut confirmed = 0;
    for kill in 0..10 {
        let (begun, last) = moments.kill(start("rows", &path, UNITS), 25_000);
        assert!(
            begun == confirmed,
            "kill {kill}: {confirmed} units were confirmed, and the next run began after {begun}"
        );
        let connection = duckdb::Connection::open(&path).unwrap();
        let count = |sql| connection.query_row(sql, [], |row| row.get::<_, u64>(0));
        // It may have been killed before there was anything.
        confirmed = count("select max(value::ubigint) from telemetry_checkpoints where key = 'unit'").unwrap_or(0);
        let rows = count("select count(*) from rows").unwrap_or(0);
        assert_eq!(rows, confirmed * 7, "kill {kill}: rows and checkpoint are one");
        assert!((last..=last + 1).contains(&confirmed), "kill {kill}: {last} were said to be done, {confirmed} are");
    }
    let ended = start("rows", &path, UNITS).end();
    assert!(ended.status.success() && ended.output.ends_with("done\n"), "{ended:?}");
    assert!(ended.output.starts_with(&format!("resumed true {confirmed}\n")), "{}", ended.output);
    assert!(ended.error.contains("rows: resumed from 1 checkpoint of 20"), "{}", ended.error);

    let connection = duckdb::Connection::open(&path).unwrap();
    let counts = "select count(*), count(distinct (unit, part)), min(unit), max(unit) from rows";
    let counts = connection
        .query_row(counts, [], |row| Ok([row.get::<_, u64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
        .unwrap();
    assert_eq!(counts, [UNITS * 7, UNITS * 7, 1, UNITS]);
    let left: String =
        connection.query_row("select string_agg(key) from telemetry_checkpoints", [], |row| row.get(0)).unwrap();
    assert_eq!(left, "telemetry.last_success_timestamp_seconds", "the next run does not find all its work done");
}

#[test]
fn with_a_file_a_killed_job_repeats_at_most_the_unit_that_was_not_confirmed() {
    const UNITS: u64 = 600;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let mut moments = Moments::new();
    let mut confirmed = 0;
    for _ in 0..10 {
        let (begun, last) = moments.kill(start("lines", &path, UNITS), 3_000);
        assert!((confirmed..=confirmed + 1).contains(&begun), "{confirmed} {begun}");
        confirmed = last;
    }
    let ended = start("lines", &path, UNITS).end();
    assert!(ended.output.ends_with("done\n"), "{ended:?}");
    let mut written = BTreeMap::<u64, u32>::new();
    for line in fs::read_to_string(path.with_extension("lines")).unwrap().lines() {
        *written.entry(line.parse().unwrap()).or_default() += 1;
    }
    assert!(written.keys().copied().eq(1..=UNITS), "none is missing");
    let repeated: u32 = written.values().map(|times| times - 1).sum();
    assert!(repeated <= 10, "{repeated} repeated by 10 kills");
    let state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!((&state["checkpoints"], &state["unfinished"]), (&serde_json::json!({}), &false.into()));
}

#[test]
fn a_second_process_is_refused_with_the_first_ones_number_and_start_until_that_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("state.json");
    let mut first = start("holds", &path, 0);
    assert_eq!(first.line().as_deref(), Some("held"));
    let second = start("holds", &path, 0).end();
    let before =
        format!("error the job's state {} is in use by process {}, started at 20", path.display(), first.pid());
    assert!(second.output.starts_with(&before), "{}", second.output);
    assert!(
        second.output.ends_with("Z; wait until it has ended, or give this run a state of its own\n"),
        "{}",
        second.output
    );
    kill(first);
    let third = start("holds", &path, 0).end();
    assert_eq!(third.output, "held\ndone\n", "no lock is left by a process that was killed");
}

#[test]
fn a_child_of_a_fork_neither_has_the_state_nor_keeps_others_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let mut first = start("forks", &path, 0);
    let mut lines = [(); 3].map(|()| first.line().unwrap());
    lines.sort(); // the two write as they come: `child 4127`, `child says: …`, `held`
    let child = lines[0].strip_prefix("child ").unwrap();
    assert!(
        lines[1].contains("runs in the process that this one was forked from, which alone writes its state"),
        "{lines:?}"
    );
    assert_eq!(lines[2], "held");
    let child: i32 = child.parse().unwrap();
    // SAFETY: a process of ours. Its child lives on, with our end of its input.
    assert_eq!(unsafe { libc::kill(first.pid().try_into().unwrap(), libc::SIGKILL) }, 0);
    let patience = Instant::now() + Duration::from_secs(10);
    let mut next = start("holds", &path, 0).end();
    while next.output.starts_with("error") && Instant::now() < patience {
        thread::sleep(Duration::from_millis(10));
        next = start("holds", &path, 0).end();
    }
    // SAFETY: signal 0 is not sent.
    assert_eq!(unsafe { libc::kill(child, 0) }, 0, "the child lives");
    assert_eq!(next.output, "held\ndone\n");
    // Its input ends, and with it the child.
    drop(first);
}

#[test]
fn a_database_that_another_process_has_is_refused_in_the_same_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("rows.duckdb");
    let mut first = start("opens", &path, 0);
    assert_eq!(first.line().as_deref(), Some("held"));
    let second = start("opens", &path, 0).end();
    let before =
        format!("error the job's state {} is in use by process {}, started at 20", path.display(), first.pid());
    assert!(second.output.starts_with(&before), "{}", second.output);
    kill(first);
    assert_eq!(start("opens", &path, 0).end().output, "held\ndone\n");
}

#[derive(ProfiledConnection)]
struct Warehouse {
    #[profiled_connection(name = "resumed_warehouse")]
    connection: Connection,
}

impl Warehouse {
    fn new() -> Warehouse {
        Warehouse { connection: Connection::open_in_memory().unwrap() }
    }

    fn keys(&self, job: &str) -> Vec<String> {
        let sql = "select key || '=' || value from telemetry_checkpoints where job = ? and key not like 'telemetry.%' order by key";
        let connection = self.connection.inner();
        let mut statement = connection.prepare(sql).unwrap();
        let keys = statement.query_map([job], |row| row.get(0)).unwrap();
        keys.map(Result::unwrap).collect()
    }
}

/// Does something with a state in the database; whether it ends well is said.
#[backfill_job(name = "in_database", state = warehouse)]
fn in_database(
    job: &Job,
    warehouse: &mut Warehouse,
    well: bool,
    then: &dyn Fn(&Job, &mut Warehouse),
) -> Result<(), Box<dyn Error>> {
    then(job, warehouse);
    if well { Ok(()) } else { Err("on purpose".into()) }
}

#[test]
fn a_checkpoint_goes_with_its_transaction() {
    let mut warehouse = Warehouse::new();
    in_database(&mut warehouse, false, &|job, warehouse| {
        let transaction = warehouse.transaction().unwrap();
        job.checkpoint_in(&transaction, "day", 1).unwrap();
        transaction.commit().unwrap();
        let transaction = warehouse.transaction().unwrap();
        for day in 2..100 {
            job.checkpoint_in(&transaction, "day", day).unwrap();
        }
        job.checkpoint_in(&transaction, "other", "x").unwrap();
        transaction.rollback().unwrap();
        assert_eq!(warehouse.keys("in_database"), ["day=1"]);
        let transaction = warehouse.transaction().unwrap();
        for day in 2..100 {
            job.checkpoint_in(&transaction, "day", day).unwrap();
        }
        transaction.commit().unwrap();
        job.checkpoint_in(warehouse, "place", ("page", 7)).unwrap();
        job.checkpoint_in(warehouse.connection.inner(), "raw", "it's").unwrap();
        job.checkpoint("own", 1.5).unwrap();
        assert_eq!(warehouse.keys("in_database"), ["day=99", "own=1.5", "place=[\"page\",7]", "raw=\"it's\""]);
    })
    .unwrap_err();
    in_database(&mut warehouse, true, &|job, warehouse| {
        assert!(job.is_resumed() && job.last_success().is_none());
        assert_eq!(job.restored("day").unwrap(), Some(99));
        assert_eq!(job.restored("place").unwrap(), Some((String::from("page"), 7)));
        assert_eq!(job.restored("raw").unwrap(), Some(String::from("it's")));
        job.restart().unwrap();
        assert!(warehouse.keys("in_database").is_empty());
        job.checkpoint("day", 5).unwrap();
    })
    .unwrap();
    assert!(warehouse.keys("in_database").is_empty(), "it has succeeded");
    in_database(&mut warehouse, true, &|job, _| {
        assert!(!job.is_resumed() && job.last_success().is_some());
        assert_eq!(job.restored::<u32>("day").unwrap(), None);
    })
    .unwrap();
}

#[backfill_job(name = "kept", state = State::database(connection).keep(true).fresh(fresh))]
fn kept(job: &Job, connection: &Connection, fresh: bool) -> Result<u32, StateError> {
    assert!(!job.is_resumed());
    let last = job.restored("day")?.unwrap_or(0);
    job.checkpoint_in(connection, "day", last + 1)?;
    Ok(last + 1)
}

#[test]
fn a_database_keeps_what_it_is_told_to_keep_and_jobs_do_not_see_each_others() {
    let connection = Connection::open_in_memory().unwrap();
    // The table is where the connection looked when the state was opened.
    connection.execute_batch("create schema \"night \"\"ly\"; use \"night \"\"ly\"").unwrap();
    assert_eq!(kept(&connection, false).unwrap(), 1);
    assert_eq!(kept(&connection, false).unwrap(), 2);
    #[backfill_job(name = "other", state = connection)]
    fn other(job: &Job, connection: &Connection) -> Result<Option<u32>, StateError> {
        job.restored("day")
    }
    assert_eq!(other(&connection).unwrap(), None);
    assert_eq!(kept(&connection, false).unwrap(), 3);
    assert_eq!(kept(&connection, true).unwrap(), 1);
    let tables = "select count(*) from duckdb_tables() where table_name = 'telemetry_checkpoints' and schema_name = 'night \"ly'";
    assert_eq!(connection.query_row(tables, [], |row| row.get::<_, u64>(0)).unwrap(), 1);
}

#[test]
fn what_is_not_ours_is_refused_and_left_alone() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("create table telemetry_checkpoints (job varchar, done boolean); insert into telemetry_checkpoints values ('x', true)").unwrap();
    let error = kept(&connection, false).unwrap_err().to_string();
    assert!(
        error.contains("has a table telemetry_checkpoints of other columns (job VARCHAR, done BOOLEAN)"),
        "{error}"
    );
    assert_eq!(
        connection.query_row("select count(*) from telemetry_checkpoints", [], |row| row.get::<_, u64>(0)).unwrap(),
        1
    );

    let connection = Connection::open_in_memory().unwrap();
    kept(&connection, false).unwrap();
    connection.execute("update telemetry_checkpoints set value = '{' where key = 'day'", []).unwrap();
    let error = kept(&connection, false).unwrap_err().to_string();
    assert!(error.contains("for the job `kept` and the key \"day\" what is not JSON"), "{error}");
    assert!(error.ends_with("it was left as it is: mend or delete that row"), "{error}");
}

#[test]
fn a_checkpoint_in_another_database_or_of_a_state_in_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = Connection::open(folder.path().join("here.duckdb")).unwrap();
    let there = Connection::open(folder.path().join("there.duckdb")).unwrap();
    let path = folder.path().join("state.json");
    #[backfill_job(name = "elsewhere", state = here)]
    fn elsewhere(job: &Job, here: &Connection, there: &Connection) -> Result<(), StateError> {
        let error = elsewhere_again(here).unwrap_err().to_string();
        assert!(error.contains(&format!("in use by another run in this process ({})", std::process::id())), "{error}");
        job.checkpoint_in(there, "day", 1)
    }
    #[backfill_job(name = "elsewhere", state = here)]
    fn elsewhere_again(job: &Job, here: &Connection) -> Result<(), StateError> {
        job.checkpoint_in(here, "day", 1)
    }
    let error = elsewhere(&here, &there).unwrap_err().to_string();
    assert!(error.starts_with("the job `elsewhere` has its state in another database"), "{error}");
    elsewhere_again(&here).unwrap();
    #[backfill_job(state = path)]
    fn in_a_file(job: &Job, path: &Path, connection: &Connection) -> Result<(), StateError> {
        job.checkpoint_in(connection, "day", 1)
    }
    let error = in_a_file(&path, &here).unwrap_err().to_string();
    assert!(error.starts_with("the job `in_a_file` has its state in a file"), "{error}");
}
