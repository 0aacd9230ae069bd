//! The official Python package: what it reads of our archives, and what it sends of them. `ci/comet` says where it is.

use super::stand_in::{KEY, StandIn};
use super::{archives, is_all_there};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its Python, where there is one.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("TELEMETRY_COMET_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("not run: TELEMETRY_COMET_PYTHON does not name a Python with comet-ml; `ci/comet` makes one");
    }
    python
}

fn command(program: &Path, home: &crate::scratch::TempDir, server: Option<&StandIn>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin")
        .env("COMET_API_KEY", KEY)
        .current_dir(home.path());
    command.env("COMET_INTERNAL_SENTRY_DSN", "").env("COMET_INTERNAL_REPORTING", "false");
    if let Some(server) = server {
        command.env("COMET_URL_OVERRIDE", server.url());
    }
    command
}

#[test]
fn its_own_reader_finds_no_fault_with_our_archive() {
    let Some(python) = python() else { return };
    let folder = crate::scratch::tempdir().unwrap();
    let archive = archives::write(&folder);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/comet/read_archive.py");
    let output = command(&python, &folder, None).arg(script).arg(&archive).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let read: Value = serde_json::from_str(said.lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(read["problems"], serde_json::json!([]), "{read}");
    assert_eq!(read["types"]["metric_msg"], 3_503, "{read}");
    assert_eq!(read["types"]["file_upload"], 10, "{read}");
}

#[test]
fn what_it_uploads_is_what_was_logged() {
    let Some(python) = python() else { return };
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    server.official();
    let archive = archives::write(&folder);
    let comet = python.parent().unwrap().join("comet");
    let output = command(&comet, &folder, Some(&server)).arg("upload").arg(&archive).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(!said.to_lowercase().contains("warning") && !said.to_lowercase().contains("error"), "{said}");
    is_all_there(&server);
    let kept = server.kept();
    assert_eq!(kept.errors.len(), 0, "{:?}", kept.errors);
    assert_eq!((kept.git.len(), kept.files.len()), (1, 1));
    assert_eq!(
        (kept.handshakes[0]["projectName"].as_str(), kept.handshakes[0]["teamName"].as_str()),
        (Some("project"), Some("team"))
    );
}

#[test]
fn the_stand_in_finds_no_fault_with_the_official_client() {
    let Some(python) = python() else { return };
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    server.official();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/comet/official.py");
    let output = command(&python, &folder, Some(&server)).arg(script).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    server.judge();
    let kept = server.kept();
    assert_eq!(kept.values("loss").len(), 20);
    assert_eq!(kept.parameter("nested|b|c"), Some(&"x".into()));
    assert!(
        kept.assets.iter().any(|asset| asset.query.get("type").is_some_and(|kind| kind == "histogram3d")),
        "{said}"
    );
}
