//! The history of runs in a DuckDB file, as programs write it and SQL reads it.

use duckdb::Connection;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use telemetry::history::compare::{Comparison, Options};
use telemetry::history::{History, Run};
use telemetry::measured;

#[measured]
fn kept() {}

/// The child: keeps a run, or holds the file, or writes until it is killed.
#[test]
#[ignore = "run by the others"]
fn child() {
    let file = PathBuf::from(std::env::var_os("TELEMETRY_HISTORY").unwrap());
    match std::env::var("DOES").as_deref() {
        Ok("holds") => {
            let _connection = Connection::open(&file).unwrap();
            println!("\nready");
            std::thread::sleep(Duration::from_secs(60));
        }
        Ok("writes") => {
            let run = a_run();
            for number in 0u32.. {
                History::open(&file).unwrap().append(&renamed(&run, number ^ std::process::id())).unwrap();
            }
        }
        Ok("slow query") => {
            let warehouse = telemetry::duckdb::Connection::open_in_memory().unwrap();
            warehouse.execute_batch("select sum(x) from range(1000) t(x)").unwrap();
            drop(telemetry::init().unwrap());
        }
        _ => {
            let _telemetry = telemetry::init().unwrap();
            (0..5).for_each(|_| kept());
        }
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("telemetry-runs-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("runs.duckdb")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn start(file: &Path, does: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("TELEMETRY_LISTEN", "off").env("TELEMETRY_REPORT", "off");
    command.env("TELEMETRY_HISTORY", file).env("DOES", does);
    command.env("TELEMETRY_GIT_COMMIT", "c0ffee0".repeat(5)).env("TELEMETRY_GIT_BRANCH", "main");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn said(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A run that this process could have written.
fn a_run() -> Run {
    let folder = Folder::new(&format!("a-run-{:?}", std::thread::current().id()));
    let file = folder.0.join("one.jsonl");
    said(start(&file, "keeps"));
    let history = History::open(&file).unwrap();
    history.read(&history.runs().unwrap()).unwrap().remove(0)
}

fn renamed(run: &Run, number: u32) -> Run {
    let mut run = run.clone();
    run.head.id = format!("{number:016x}-00000000");
    run
}

fn count(file: &Path, sql: &str) -> i64 {
    let connection = Connection::open(file).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_program_adds_its_run_and_it_is_read_as_lines_have_it() {
    let folder = Folder::new("adds");
    let file = folder.file();
    assert_eq!(said(start(&file, "keeps")), "");
    assert_eq!(said(start(&file, "slow query")), "");
    let history = History::open(&file).unwrap();
    let heads = history.runs().unwrap();
    assert_eq!(heads.len(), 2);
    let runs = history.read(&heads).unwrap();
    let lines = History::open(folder.0.join("same.jsonl")).unwrap();
    lines.append_all(&runs).unwrap();
    // Microseconds are what DuckDB keeps of a moment.
    assert_eq!(lines.read(&lines.runs().unwrap()).unwrap(), runs);
    let function = runs[0].functions.iter().find(|function| function.function == "kept").unwrap();
    assert_eq!((function.calls, function.durations.count()), (5.0, 5));
    assert!(runs[1].statements.iter().any(|statement| statement.durations.count() == 1), "{:?}", runs[1].statements);
    assert_eq!(count(&file, "select sum(count)::bigint from function_buckets where function = 'kept'"), 5);
}

#[test]
fn a_file_that_somebody_holds_loses_no_run() {
    let folder = Folder::new("held");
    let file = folder.file();
    said(start(&file, "keeps"));
    let mut holder = start(&file, "holds");
    let mut ready = std::io::BufReader::new(holder.stdout.take().unwrap());
    let mut line = String::new();
    while line.trim() != "ready" {
        line.clear();
        std::io::BufRead::read_line(&mut ready, &mut line).unwrap();
    }
    let waited = Instant::now();
    let told = said(start(&file, "keeps"));
    assert!(told.contains("runs.duckdb.pending.jsonl") && told.contains("another program writes to it"), "{told}");
    assert!(waited.elapsed() > Duration::from_secs(4), "it did not wait: {:?}", waited.elapsed());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(said(start(&file, "keeps")), "");
    assert_eq!(History::open(&file).unwrap().runs().unwrap().len(), 3);
    assert!(!folder.0.join("runs.duckdb.pending.jsonl").exists());
}

#[test]
fn programs_that_end_at_once_lose_nothing() {
    let folder = Folder::new("at-once");
    let file = folder.file();
    let children: Vec<Child> = (0..6).map(|_| start(&file, "keeps")).collect();
    let told: Vec<String> = children.into_iter().map(said).collect();
    let waiting = History::open(folder.0.join("runs.duckdb.pending.jsonl")).unwrap().runs().unwrap().len();
    assert_eq!(History::open(&file).unwrap().runs().unwrap().len() + waiting, 6, "{told:?}");
}

#[test]
fn a_writer_that_is_killed_leaves_whole_runs_behind() {
    let folder = Folder::new("killed");
    let file = folder.file();
    said(start(&file, "keeps"));
    let mut before = 1;
    for round in 0..20u64 {
        let mut child = start(&file, "writes");
        std::thread::sleep(Duration::from_millis(250 + 13 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let history = History::open(&file).unwrap();
        let heads = history.runs().unwrap();
        assert!(heads.len() >= before, "{} of {before}", heads.len());
        assert!(history.read(&heads).unwrap().iter().all(|run| run.functions.len() == 1));
        before = heads.len();
    }
    assert!(before > 20, "{before} runs: nobody was killed while he wrote");
    let apart = "select count(*) from functions where run_id not in (select run_id from runs)";
    assert_eq!(count(&file, apart), 0);
}

#[test]
fn the_newest_stay_and_a_newer_schema_is_refused() {
    let folder = Folder::new("newer");
    let file = folder.file();
    let history = History::open(&file).unwrap();
    let run = a_run();
    history.append_all(&(0..20).map(|number| renamed(&run, number)).collect::<Vec<_>>()).unwrap();
    // One that is there already is not added again.
    history.append(&renamed(&run, 7)).unwrap();
    assert_eq!(history.prune(15).unwrap(), 5);
    let ids: Vec<String> = history.runs().unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!((ids.len(), &*ids[0]), (15, "0000000000000005-00000000"));
    assert_eq!(count(&file, "select count(distinct run_id) from functions"), 15);
    assert_eq!(count(&file, "select version from schema_version"), 1);
    Connection::open(&file).unwrap().execute_batch("update schema_version set version = 99").unwrap();
    let refused = History::open(&file).unwrap_err().to_string();
    assert!(refused.contains("version 99, which is newer than 1"), "{refused}");
    let told = said(start(&file, "keeps"));
    assert!(told.contains("which is newer than 1") && told.contains("pending.jsonl"), "{told}");
    // What is no database is told as that.
    let other = folder.0.join("other.duckdb");
    std::fs::write(&other, "this is no database, but text that is long enough to look at").unwrap();
    assert!(History::open(&other).is_err());
}

#[test]
fn runs_go_out_as_parquet_from_both_kinds_of_file() {
    let folder = Folder::new("parquet");
    let run = a_run();
    for name in ["runs.duckdb", "runs.jsonl"] {
        let history = History::open(folder.0.join(name)).unwrap();
        history.append_all(&[renamed(&run, 1), renamed(&run, 2)]).unwrap();
        let written = history.export_parquet(folder.0.join(format!("of-{name}'s"))).unwrap();
        assert_eq!(written.len(), 6);
        let runs = written[0].display().to_string().replace('\'', "''");
        let connection = Connection::open_in_memory().unwrap();
        let rows: i64 = connection.query_row(&format!("select count(*) from '{runs}'"), [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 2, "{name}");
    }
}

#[test]
fn ten_thousand_runs_are_listed_and_two_of_them_compared() {
    let folder = Folder::new("many");
    let mut run = a_run();
    let one = run.functions[0].clone();
    run.functions = (0..50)
        .map(|place| {
            let mut function = one.clone();
            function.function = format!("function_{place}");
            function
        })
        .collect();
    let history = History::open(folder.file()).unwrap();
    let all: Vec<Run> = (0..10_000).map(|number| renamed(&run, number)).collect();
    history.append_all(&all).unwrap();
    let begun = Instant::now();
    let heads = [history.find("latest").unwrap(), history.find("latest~9999").unwrap()];
    let runs = history.read(&heads).unwrap();
    let comparison = Comparison::of(&runs[..1], &runs[1..], &Options::default());
    println!("10,000 runs: {:?}", begun.elapsed());
    assert_eq!(comparison.changes.len(), 50);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// Each query of the page is run against a file as programs write it.
#[test]
fn the_queries_of_the_page_are_right() {
    let folder = Folder::new("queries");
    let file = folder.file();
    said(start(&file, "keeps"));
    said(start(&file, "slow query"));
    let page = include_str!("../../docs/history.md");
    let queries: Vec<&str> = page.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(queries.len() >= 3, "{}", queries.len());
    let connection = Connection::open(&file).unwrap();
    for query in queries {
        let mut statement = connection.prepare(query).unwrap_or_else(|error| panic!("{query}\n{error}"));
        let rows = statement.query_map([], |_| Ok(())).unwrap().count();
        assert!(rows > 0, "{query}");
    }
    // The page has each table with each of its columns.
    let mut columns =
        connection.prepare("select table_name, column_name from duckdb_columns() where not internal").unwrap();
    let columns = columns.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    for (table, column) in columns.map(Result::unwrap) {
        assert!(page.contains(&format!("`{table}`")) && page.contains(&format!("`{column}`")), "{table}.{column}");
    }
}
