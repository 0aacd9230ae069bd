//! Archives: what is in them, what a crash leaves, and what the server gets of them.

use super::stand_in::{Fault, KEY, StandIn};
use super::{archive, is_all_there, log_all, member, offline};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use telemetry::comet::{Experiment, Mode, repair};

pub(crate) fn write(folder: &crate::scratch::TempDir) -> std::path::PathBuf {
    let config = offline(folder).mode(Mode::Offline).workspace("team").project("project");
    let experiment = Experiment::start(config).unwrap();
    log_all(&experiment);
    assert!(experiment.end());
    let archive = archive(folder).unwrap();
    assert_eq!(experiment.archive().as_ref(), Some(&archive));
    archive
}

/// Uploads it in a program of its own, since what says where to is its environment.
fn upload(server: &StandIn, archive: &Path, more: &[&str]) -> std::process::Output {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["archives::uploads_when_told", "--exact", "--ignored", "--nocapture"]);
    command
        .env("COMET_API_KEY", KEY)
        .env("COMET_URL_OVERRIDE", server.url())
        .env("UPLOAD_THIS", archive)
        .env("UPLOAD_MORE", more.join(" "));
    command.env_remove("COMET_WORKSPACE").env_remove("COMET_PROJECT_NAME");
    command.output().unwrap()
}

#[test]
#[ignore = "the program of other tests"]
fn uploads_when_told() {
    let Some(archive) = std::env::var_os("UPLOAD_THIS") else { return };
    let as_new = std::env::var("UPLOAD_MORE").is_ok_and(|more| more.contains("--as-new"));
    match telemetry::comet::upload(archive, &telemetry::comet::UploadOptions::new().as_new(as_new)) {
        Ok(done) => println!("problems: {:?}", done.problems),
        Err(error) => println!("error: {error}"),
    }
}

#[test]
fn an_archive_says_what_the_run_was_and_is_private() {
    let folder = crate::scratch::tempdir().unwrap();
    let archive = write(&folder);
    let about: Value = serde_json::from_str(&member(&archive, "experiment.json")).unwrap();
    assert_eq!(
        (&about["project_name"], &about["workspace"], &about["resume_strategy"], &about["tags"]),
        (&json!("project"), &json!("team"), &json!("create"), &json!(["rust"]))
    );
    assert_eq!(archive.file_stem().unwrap().to_str(), about["offline_id"].as_str());
    assert!(about["stop_time"].as_u64() >= about["start_time"].as_u64());
    assert_eq!(about["customer_error_reported"], false);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the folder is gone");
}

#[test]
fn what_is_uploaded_is_what_was_logged() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let archive = write(&folder);
    let output = upload(&server, &archive, &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("problems: []"), "{said}");
    is_all_there(&server);
    let kept = server.kept();
    assert_eq!(kept.handshakes[0]["offline"], true);
    let about: Value = serde_json::from_str(&member(&archive, "experiment.json")).unwrap();
    assert_eq!(
        (&kept.offline[0]["startTimestamp"], &kept.offline[0]["endTimestamp"]),
        (&about["start_time"], &about["stop_time"])
    );
    assert!(archive.exists());
}

#[test]
fn an_upload_that_meets_faults_tries_again_and_tells_what_was_refused() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let archive = write(&folder);
    for path in ["logger/add/run", "experiment/metric", "asset/upload"] {
        server.when(path, 1, Fault::Status(502, 0));
    }
    server.when("experiment/html", 0, Fault::Status(400, 0));
    let output = upload(&server, &archive, &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("problems: [\"HTML was not taken: 400"), "{said}");
    assert!(!said.contains(KEY), "{said}");
    assert_eq!(server.kept().values("loss").len(), 3_500);
}

#[test]
fn a_run_that_is_there_is_uploaded_as_a_new_one_when_told() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let archive = write(&folder);
    server.when("logger/add/run", 1, Fault::Status(400, 90_999));
    let said = String::from_utf8(upload(&server, &archive, &[]).stdout).unwrap();
    assert!(said.contains("--as-new"), "{said}");
    let said = String::from_utf8(upload(&server, &archive, &["--as-new"]).stdout).unwrap();
    assert!(said.contains("problems: []"), "{said}");
    assert_ne!(server.kept().handshakes[0]["experimentKey"].as_str(), archive.file_stem().unwrap().to_str());
}

#[test]
fn what_a_crash_leaves_is_repaired() {
    let folder = crate::scratch::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let status = Command::new(program)
        .args(["endings::child", "--exact", "--ignored", "--nocapture"])
        .env("CHILD", "abort")
        .env("FOLDER", folder.path())
        .status()
        .unwrap();
    assert!(!status.success());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [left] = &*left else { panic!("{left:?}") };
    assert!(left.is_dir());
    // Cut in the middle of a line, as a full disk or a lost machine leaves it.
    let messages = left.join("messages.json");
    let mut text = std::fs::read_to_string(&messages).unwrap();
    let whole = text.lines().count();
    assert!(whole > 3_500, "{whole}");
    text.push_str("{\"type\":\"metric_msg\",\"payl");
    std::fs::write(&messages, text).unwrap();
    std::fs::remove_file(left.join("file1")).unwrap();
    let repaired = repair(left).unwrap();
    assert_eq!(repaired.messages as usize, whole - 1);
    let why: Vec<_> = repaired.left_out.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(why, ["its file file1 is not there", "it was cut"]);
    assert!(!left.exists() && repaired.archive.exists());
    let about: Value = serde_json::from_str(&member(&repaired.archive, "experiment.json")).unwrap();
    assert_eq!(about["customer_error_message"], "the program ended before the run did");
    let server = StandIn::start();
    let said = String::from_utf8(upload(&server, &repaired.archive, &[]).stdout).unwrap();
    assert!(said.contains("problems: []"), "{said}");
    server.judge();
    let kept = server.kept();
    assert_eq!(kept.values("loss").len(), 3_500);
    assert_eq!(kept.errors[0]["error"], "the program ended before the run did");
}

#[test]
fn an_archive_that_was_cut_is_saved_as_far_as_it_is_whole() {
    let folder = crate::scratch::tempdir().unwrap();
    let archive = write(&folder);
    let whole = repair(&archive).unwrap_err().to_string();
    assert!(whole.contains("it is whole"), "{whole}");
    let bytes = std::fs::read(&archive).unwrap();
    let cut = folder.path().join("cut.zip");
    for share in [3, 5, 9] {
        std::fs::write(&cut, &bytes[..bytes.len() * share / 10]).unwrap();
        let repaired = repair(&cut).unwrap();
        assert!(repaired.archive.ends_with("cut-repaired.zip"));
        let messages = member(&repaired.archive, "messages.json");
        assert!(repaired.messages > 0 && messages.lines().count() as u64 == repaired.messages, "{share}: {repaired:?}");
        std::fs::remove_file(&repaired.archive).unwrap();
    }
    std::fs::write(&cut, b"no archive at all").unwrap();
    let error = repair(&cut).unwrap_err().to_string();
    assert!(error.contains("no folder of a run"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn a_folder_in_which_a_program_writes_is_left_alone() {
    let folder = crate::scratch::tempdir().unwrap();
    let experiment = Experiment::start(offline(&folder).mode(Mode::Offline)).unwrap();
    experiment.log_metric("loss", 1.0);
    assert!(experiment.flush(Duration::from_secs(5)));
    let written = folder.path().join(experiment.key());
    let error = repair(&written).unwrap_err().to_string();
    assert!(error.contains("a program still writes to it"), "{error}");
    assert!(experiment.end());
    assert!(repair(folder.path().join("nowhere")).is_err());
}

#[test]
fn a_folder_that_cannot_be_written_is_replaced_by_another() {
    let folder = crate::scratch::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let experiment = Experiment::start(offline(&folder).mode(Mode::Offline).offline_directory(&file)).unwrap();
    experiment.log_metric("loss", 1.0);
    assert!(experiment.end());
    let archive = experiment.archive().unwrap();
    assert!(archive.exists() && !archive.starts_with(folder.path()), "{}", archive.display());
    std::fs::remove_dir_all(archive.parent().unwrap()).unwrap();
}

#[test]
fn files_are_copied_and_one_that_is_not_there_harms_nothing() {
    let folder = crate::scratch::tempdir().unwrap();
    let file = folder.path().join("model.bin");
    std::fs::write(&file, vec![7; 100_000]).unwrap();
    let experiment = Experiment::start(offline(&folder).mode(Mode::Offline)).unwrap();
    experiment.log_file(&file);
    experiment.log_file(folder.path().join("none.bin"));
    experiment.log_other("after", 1);
    assert!(!experiment.end(), "one was lost");
    let archive = archive(&folder).unwrap();
    let server = StandIn::start();
    let said = String::from_utf8(upload(&server, &archive, &[]).stdout).unwrap();
    assert!(said.contains("problems: []"), "{said}");
    server.judge();
    let kept = server.kept();
    assert_eq!(kept.asset("model.bin").map(|asset| asset.bytes.len()), Some(100_000));
    assert_eq!((kept.assets.len(), kept.other("after")), (1, Some(&json!(1))));
}
