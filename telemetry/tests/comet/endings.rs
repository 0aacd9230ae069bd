//! Programs that end: by themselves, by a panic, by a signal, by `exit`, and as children of a fork.

use super::{archive, log_all, member, offline};
use serde_json::Value;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use telemetry::comet::{Experiment, Mode};

#[test]
#[ignore = "the program of other tests"]
fn child() {
    let Ok(how) = std::env::var("CHILD") else { return };
    let folder = std::env::var("FOLDER").unwrap();
    let config = telemetry::comet::Config::new()
        .mode(Mode::Offline)
        .offline_directory(folder)
        .deadline(Duration::from_secs(5))
        .system_every(Duration::ZERO);
    let experiment = Experiment::start(config).unwrap();
    log_all(&experiment);
    match how.as_str() {
        "drop" => drop(experiment),
        "exit" => std::process::exit(7),
        "forget" => {
            std::mem::forget(experiment);
            std::process::exit(0);
        }
        "panic" => panic!("on purpose"),
        "abort" => {
            experiment.flush(Duration::from_secs(5));
            std::process::abort();
        }
        "wait" => {
            println!("ready");
            std::thread::sleep(Duration::from_secs(30));
        }
        "fork" => {
            // SAFETY: the child calls what a user's child may: it logs, and exits.
            match unsafe { libc::fork() } {
                0 => {
                    experiment.log_metric("of the child", 1.0);
                    experiment.end();
                    drop(experiment);
                    // SAFETY: ends the child without what its parent has registered.
                    unsafe { libc::_exit(0) }
                }
                pid => {
                    let mut status = 0;
                    // SAFETY: waits for our own child.
                    unsafe { libc::waitpid(pid, &raw mut status, 0) };
                    assert_eq!(status, 0);
                }
            }
            assert!(experiment.end());
        }
        other => panic!("{other}"),
    }
}

fn command(how: &str, folder: &crate::scratch::TempDir) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["endings::child", "--exact", "--ignored", "--nocapture"])
        .env("CHILD", how)
        .env("FOLDER", folder.path());
    command
}

fn run(how: &str) -> (Output, String, Value) {
    let folder = crate::scratch::tempdir().unwrap();
    let output = command(how, &folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let archive = archive(&folder).unwrap_or_else(|| panic!("{how}: no archive; {said}"));
    (output, member(&archive, "messages.json"), serde_json::from_str(&member(&archive, "experiment.json")).unwrap())
}

#[test]
fn however_a_program_ends_its_run_is_whole() {
    for (how, error) in [
        ("drop", Value::Null),
        ("exit", Value::Null),
        ("forget", Value::Null),
        ("panic", "the program panicked".into()),
        ("fork", Value::Null),
    ] {
        let (output, messages, about) = run(how);
        assert_eq!(messages.lines().filter(|line| line.contains("\"loss\"")).count(), 3_500, "{how}");
        assert_eq!(about["customer_error_message"], error, "{how}");
        assert!(!messages.contains("of the child"), "{how}");
        if how == "exit" {
            assert_eq!(output.status.code(), Some(7));
        }
    }
}

#[test]
fn a_signal_aborts_the_run_and_ends_the_program_as_before() {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    for (signal, error) in
        [(libc::SIGINT, "aborted: interrupted (SIGINT)"), (libc::SIGTERM, "aborted: terminated (SIGTERM)")]
    {
        let folder = crate::scratch::tempdir().unwrap();
        let mut child = command("wait", &folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains("ready")));
        let begun = Instant::now();
        // SAFETY: our own child, which has not been waited for.
        unsafe { libc::kill(i32::try_from(child.id()).unwrap(), signal) };
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal));
        assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
        let archive = archive(&folder).unwrap();
        let about: Value = serde_json::from_str(&member(&archive, "experiment.json")).unwrap();
        assert_eq!(about["customer_error_message"], error);
        assert_eq!(member(&archive, "messages.json").lines().filter(|line| line.contains("\"loss\"")).count(), 3_500);
    }
}

#[test]
fn without_a_key_one_line_says_so() {
    let folder = crate::scratch::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["endings::keyless", "--exact", "--ignored", "--nocapture"])
        .env("FOLDER", folder.path())
        .env("HOME", folder.path());
    command.env_remove("COMET_API_KEY").current_dir(folder.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = said.lines().filter(|line| line.contains("no API key (COMET_API_KEY)")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(archive(&folder).is_some());
}

#[test]
#[ignore = "the program of another test"]
fn keyless() {
    let Some(folder) = std::env::var_os("FOLDER") else { return };
    let experiment = Experiment::start(telemetry::comet::Config::new().offline_directory(folder)).unwrap();
    experiment.log_metric("loss", 1.0);
    assert!(experiment.end());
}

#[test]
fn ten_million_values_take_no_more_memory_than_some() {
    let folder = crate::scratch::tempdir().unwrap();
    let experiment = Experiment::start(offline(&folder).mode(Mode::Offline)).unwrap();
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().to_owned();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let log = |from: u64, to: u64| {
        for step in from..to {
            experiment.log_metric("loss", step as f64);
            experiment.log_metric("accuracy", step as f64);
        }
    };
    log(0, 100_000);
    let before = resident();
    log(100_000, 5_000_000);
    let after = resident();
    // Other tests of this process take some meanwhile.
    assert!(after < before + 60_000, "{before} kB and then {after} kB");
    assert!(experiment.end());
    let messages = member(&archive(&folder).unwrap(), "messages.json");
    let lines = messages.lines().filter(|line| line.contains("\"loss\"")).count();
    assert!((10_000..20_000).contains(&lines), "{lines}");
    assert!(messages.contains("4999999"), "the last one");
}
