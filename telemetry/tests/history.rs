//! The history of runs, as programs write it: each is a child of its own, this program run again.
#![cfg(not(telemetry_off))]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use telemetry::history::History;
use telemetry::{Job, backfill_job, measured};

#[measured]
fn kept(times: u64) {
    std::hint::black_box(times);
}

#[backfill_job(name = "kept_job", unit = "days", total = 3)]
fn job(job: &Job, fails: bool) -> Result<(), std::num::ParseIntError> {
    job.advance(2u64);
    if fails { "x".parse::<u32>().map(drop) } else { Ok(()) }
}

/// The child: records something, and ends as it was told.
#[test]
#[ignore = "run by the others"]
fn child() {
    let telemetry = telemetry::init().unwrap();
    (0..7).for_each(kept);
    match std::env::var("ENDS_BY").as_deref() {
        Ok("exit") => std::process::exit(0),
        Ok("error") => drop(job(true)),
        Ok("panic") => {
            let _telemetry = telemetry;
            panic!("meant");
        }
        Ok("many") => {
            // A writer that is killed at any moment: as many runs as it comes to.
            let history = History::open(std::env::var_os("TELEMETRY_HISTORY").unwrap()).unwrap();
            let run = history.read(&[history.find("latest").unwrap()]).unwrap().remove(0);
            loop {
                history.append(&run).unwrap();
            }
        }
        _ => drop(job(false)),
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("telemetry-kept-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn start(file: &Path, settings: &[(&str, &str)]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--test-threads=1"]);
    command.env("TELEMETRY_LISTEN", "off").env("TELEMETRY_REPORT", "off").env("TELEMETRY_HISTORY", file);
    command.env("TELEMETRY_GIT_COMMIT", "c0ffee0".repeat(5)).env("TELEMETRY_GIT_BRANCH", "main");
    command.envs(settings.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn said(child: Child) -> String {
    String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
}

#[test]
fn a_program_that_ends_adds_its_run() {
    let folder = Folder::new("ends");
    let file = folder.0.join("runs.jsonl");
    let (said, history) = (said(start(&file, &[])), History::open(&file).unwrap());
    let heads = history.runs().unwrap();
    assert_eq!(heads.len(), 1, "{said}");
    let head = &heads[0];
    assert_eq!((&*head.result, head.git_branch.as_deref()), ("ok", Some("main")));
    assert!(head.versions.iter().any(|(name, _)| name == "telemetry"), "{head:?}");
    let run = history.read(&heads).unwrap().remove(0);
    let function = run.functions.iter().find(|function| function.function == "kept").unwrap();
    assert_eq!((function.calls, function.durations.count()), (7.0, 7));
    assert_eq!((&*run.jobs[0].job, run.jobs[0].units.processed, run.jobs[0].total), ("kept_job", 2, Some(3)));
}

#[test]
fn how_it_ended_is_told() {
    let folder = Folder::new("how");
    let file = folder.0.join("runs.jsonl");
    for (how, result) in [("panic", "panic"), ("error", "error")] {
        let said = said(start(&file, &[("ENDS_BY", how)]));
        let last = History::open(&file).unwrap().find("latest").unwrap();
        assert_eq!(last.result, result, "{said}");
    }
}

/// What sends brings what is done at an exit.
#[cfg(all(unix, feature = "push"))]
#[test]
fn an_exit_without_the_guard_keeps_the_run_too() {
    let folder = Folder::new("exit");
    let file = folder.0.join("runs.jsonl");
    let said = said(start(&file, &[("ENDS_BY", "exit")]));
    assert_eq!(History::open(&file).unwrap().runs().unwrap().len(), 1, "{said}");
}

#[test]
fn programs_that_end_at_once_lose_nothing() {
    let folder = Folder::new("at-once");
    let file = folder.0.join("runs.jsonl");
    let children: Vec<Child> = (0..8).map(|_| start(&file, &[])).collect();
    let said: Vec<String> = children.into_iter().map(said).collect();
    assert_eq!(History::open(&file).unwrap().runs().unwrap().len(), 8, "{said:?}");
}

#[test]
fn a_writer_that_is_killed_leaves_whole_runs_behind() {
    let folder = Folder::new("killed");
    let file = folder.0.join("runs.jsonl");
    drop(said(start(&file, &[])));
    let history = History::open(&file).unwrap();
    let mut before = 1;
    for round in 0..20u64 {
        let mut child = start(&file, &[("ENDS_BY", "many")]);
        std::thread::sleep(Duration::from_millis(30 + 3 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let heads = history.runs().unwrap();
        assert!(heads.len() >= before, "{} of {before}", heads.len());
        assert_eq!(history.read(&heads[heads.len() - 1..]).unwrap()[0].functions.len(), 1);
        before = heads.len();
    }
    assert!(before > 20, "{before} runs: nobody was killed while he wrote");
    drop(said(start(&file, &[])));
    assert_eq!(history.runs().unwrap().len(), before + 1);
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_harms_nothing() {
    let folder = Folder::new("refused");
    let child = start(&folder.0.join("no/such/folder/runs.jsonl"), &[]).wait_with_output().unwrap();
    let said = String::from_utf8(child.stderr).unwrap();
    assert!(child.status.success() && said.contains("this run is not in the history: "), "{said}");
}
