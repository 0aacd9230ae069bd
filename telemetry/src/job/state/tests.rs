//! States in files, as jobs use them.

use super::*;
use crate::backfill_job;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of a test's own. Removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("telemetry-state-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        // Messages have the whole path.
        Folder(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Result<T = ()> = std::result::Result<T, StateError>;

/// Counts to ten from where the last run was, and breaks off after `until`.
#[backfill_job(name = "counts", state = state)]
fn counts(job: &Job, state: &State<'_>, until: u64) -> Result<Vec<u64>> {
    let done = job.restored::<u64>("number")?.unwrap_or(0);
    assert_eq!(job.is_resumed(), done > 0 && !state.settings.keep, "{done}");
    let mut seen = Vec::new();
    for number in done + 1..=10 {
        if number > until {
            return Err(StateError::Key { key: "on purpose".into(), why: "broken off" });
        }
        seen.push(number);
        job.checkpoint("number", number)?;
    }
    Ok(seen)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_run_goes_on_where_one_that_failed_stopped_and_the_one_after_begins_anew() {
    let folder = Folder::new("goes_on");
    let path = folder.path().join("state.json");
    counts(&State::file(&path), 3).unwrap_err();
    assert_eq!(json(&path)["checkpoints"], json!({"number": 3}));
    assert_eq!(json(&path)["unfinished"], json!(true));
    assert_eq!(counts(&State::file(&path), 10).unwrap(), [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(json(&path)["checkpoints"], json!({}));
    assert_eq!(counts(&State::file(&path), 10).unwrap().len(), 10);
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["state.json"], "nothing is left beside");
}

#[test]
fn what_is_kept_is_there_after_a_success_and_no_resumption() {
    let folder = Folder::new("kept");
    let path = folder.path().join("state.json");
    let state = State::file(&path).keep(true);
    assert_eq!(counts(&state, 10).unwrap().len(), 10);
    assert_eq!(json(&path)["checkpoints"], json!({"number": 10}));
    assert_eq!(counts(&state, 10).unwrap(), Vec::<u64>::new(), "all of it was done");
}

#[test]
fn fresh_forgets_what_was_left_at_once_and_not_the_last_success() {
    let folder = Folder::new("fresh");
    let path = folder.path().join("state.json");
    counts(&State::file(&path), 10).unwrap();
    let success = json(&path)["last_success_timestamp_seconds"].clone();
    assert!(success.is_number());
    counts(&State::file(&path), 5).unwrap_err();
    counts(&State::file(&path).fresh(true), 0).unwrap_err();
    assert_eq!(json(&path)["checkpoints"], json!({}));
    assert_eq!(json(&path)["last_success_timestamp_seconds"], success, "a run that failed is no success");
    assert_eq!(counts(&State::file(&path), 10).unwrap().len(), 10);
}

#[backfill_job(name = "restarts")]
fn restarts(job: &Job, path: &Path, fail: bool) -> Result<Option<u32>> {
    job.open_state(path)?;
    let found = job.restored("a")?;
    job.checkpoint("a", 1)?;
    job.restart()?;
    job.checkpoint("b", 2)?;
    if fail { job.restored::<u32>("").and(Err(no_state(job))) } else { Ok(found) }
}

#[test]
fn restart_forgets_the_checkpoints_of_the_run_as_well() {
    let folder = Folder::new("restart");
    let path = folder.path().join("state.json");
    restarts(&path, true).unwrap_err();
    assert_eq!(json(&path)["checkpoints"], json!({"b": 2}));
    assert_eq!(restarts(&path, false).unwrap(), None);
}

#[backfill_job(name = "values")]
fn values(job: &Job, path: &Path, then: &dyn Fn(&Job)) -> Result {
    job.open_state(path)?;
    then(job);
    Err(no_state(job))
}

#[test]
fn any_value_that_is_json_comes_back_as_it_was() {
    let folder = Folder::new("values");
    let path = folder.path().join("state.json");
    values(&path, &|job| {
        job.checkpoint("text", "2013-03-01").unwrap();
        job.checkpoint("most", u64::MAX).unwrap();
        job.checkpoint("least", i64::MIN).unwrap();
        job.checkpoint("third", 0.1 + 0.2).unwrap();
        job.checkpoint("flag", true).unwrap();
        job.checkpoint("pages", [("UA", 3), ("B6", 4)]).unwrap();
        job.checkpoint("json", json!({"token": null})).unwrap();
        assert_eq!(job.restored::<bool>("flag").unwrap(), None, "what this run writes is not seen");
    })
    .unwrap_err();
    values(&path, &|job| {
        assert!(job.is_resumed());
        assert_eq!(job.restored("text").unwrap(), Some(String::from("2013-03-01")));
        assert_eq!(job.restored("most").unwrap(), Some(u64::MAX));
        assert_eq!(job.restored("least").unwrap(), Some(i64::MIN));
        assert_eq!(job.restored("third").unwrap(), Some(0.1 + 0.2));
        assert_eq!(job.restored("flag").unwrap(), Some(true));
        assert_eq!(job.restored("pages").unwrap(), Some(vec![("UA".to_owned(), 3), ("B6".to_owned(), 4)]));
        assert_eq!(job.restored("json").unwrap(), Some(json!({"token": null})));
        assert_eq!(job.restored::<u32>("none").unwrap(), None);
        let error = job.restored::<u32>("text").unwrap_err().to_string();
        assert!(error.starts_with("the checkpoint \"text\" cannot be read as u32 (invalid type: string"), "{error}");
        let error = job.checkpoint("", 1).unwrap_err().to_string();
        assert_eq!(error, "a checkpoint cannot have the key \"\": it is empty");
        job.checkpoint("telemetry.last", 1).unwrap_err();
        let error = job.open_state("other.json").unwrap_err().to_string();
        assert_eq!(error, "the job `values` has a state already; a run has one");
    })
    .unwrap_err();
}

#[test]
fn a_file_that_is_no_state_of_the_job_is_refused_and_left_as_it_is() {
    let folder = Folder::new("foreign");
    let path = folder.path().join("state.json");
    for text in
        ["", "{\"telemetry_job_state\": 1, \"job\": \"cou", "[package]", "{\"telemetry_job_state\": 1, \"job\": \"x\"}"]
    {
        fs::write(&path, text).unwrap();
        let error = counts(&State::file(&path), 10).unwrap_err();
        assert!(matches!(error, StateError::Unreadable { .. }));
        assert!(error.to_string().starts_with(&format!("the job's state {} ", path.display())), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, "{").unwrap();
    let error = counts(&State::file(&path), 10).unwrap_err().to_string();
    let place = path.display();
    assert_eq!(
        error,
        format!(
            "the job's state {place} is not JSON (EOF while parsing an object at line 1 column 1); it was left as it is: mend it, or move it \
             away to have the job start from the beginning"
        )
    );
}

#[test]
fn what_cannot_be_a_state_file_says_so() {
    let folder = Folder::new("cannot");
    let error = counts(&State::file(folder.path()), 10).unwrap_err().to_string();
    assert!(error.contains("it is no regular file"), "{error}");
    let error = counts(&State::file(&folder.path().join("none/state.json")), 10).unwrap_err().to_string();
    assert!(error.starts_with("cannot find the folder ") && error.contains("none"), "{error}");
    counts(&State::file(""), 10).unwrap_err();
}

#[test]
fn a_state_that_is_refused_ends_the_run_before_its_body() {
    let folder = Folder::new("refused");
    let path = folder.path().join("state.json");
    values(&path, &|job| {
        let error = restarts(&path, false).unwrap_err();
        let StateError::InUse { pid, started_at, .. } = &error else { panic!("{error}") };
        assert_eq!((*pid, *started_at), (Some(std::process::id()), time::at(time::seconds(job.run.started_at))));
    })
    .unwrap_err();
    // And is free when the run has ended.
    fs::remove_file(&path).ok();
    restarts(&path, false).unwrap();
}

#[test]
fn a_state_is_the_runs_and_ends_with_it() {
    let folder = Folder::new("ends");
    let path = folder.path().join("state.json");
    let kept = std::cell::RefCell::new(None);
    values(&path, &|job| *kept.borrow_mut() = Some(job.clone())).unwrap_err();
    let job = kept.into_inner().unwrap();
    let error = job.checkpoint("a", 1).unwrap_err().to_string();
    assert!(error.starts_with("the job `values` has ended"), "{error}");
    assert!(!path.exists(), "nothing was written, so there is no file");
}

#[test]
fn a_job_without_a_state_says_how_to_have_one() {
    #[backfill_job]
    fn stateless(job: &Job) {
        let message = "the job `stateless` has no state; write `state = \"….json\"` in `#[backfill_job]`, or call `open_state` first";
        assert_eq!(job.checkpoint("a", 1).unwrap_err().to_string(), message);
        assert_eq!(job.restored::<u32>("a").unwrap_err().to_string(), message);
        assert_eq!((job.is_resumed(), job.last_success()), (false, None));
    }
    stateless();
}

#[backfill_job(name = "tells_success", state = path)]
fn tells_success(job: &Job, path: &Path, fail: bool) -> Result<Option<SystemTime>> {
    if fail { Err(no_state(job)) } else { Ok(job.last_success()) }
}

#[cfg(not(telemetry_off))]
#[test]
fn the_last_success_outlives_the_process_and_a_run_that_failed() {
    let folder = Folder::new("success");
    let path = folder.path().join("state.json");
    // As another process wrote it.
    let text = "{\"telemetry_job_state\": 1, \"job\": \"tells_success\", \"checkpoints\": {}, \"last_success_timestamp_seconds\": 951782400.5}";
    fs::write(&path, text).unwrap();
    tells_success(&path, true).unwrap_err();
    let shown = || {
        let name = "backfill_last_success_timestamp_seconds";
        crate::testing::value(name, &[("job_name", "tells_success")])
    };
    assert_eq!(shown(), Some(951_782_400.5));
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "nor was anything written");
    assert_eq!(tells_success(&path, false).unwrap(), time::at(951_782_400.5));
    assert!(shown() > Some(1.7e9));
    let written = json(&path)["last_success_timestamp_seconds"].as_f64();
    assert!(written > Some(1.7e9), "{written:?}");
}

#[test]
fn a_run_that_panics_or_is_dropped_leaves_its_checkpoints_and_gives_the_state_back() {
    let folder = Folder::new("panics");
    let path = folder.path().join("state.json");
    let broken = || {
        values(&path, &|job| {
            job.checkpoint("a", 1).unwrap();
            panic!("on purpose");
        })
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(broken)).unwrap_err();
    assert_eq!(json(&path)["checkpoints"], json!({"a": 1}));

    #[backfill_job(name = "values", state = path)]
    async fn waits(job: &Job, path: &Path) -> Result {
        assert_eq!(job.restored("a")?, Some(1));
        job.checkpoint("a", 2)?;
        std::future::pending().await
    }
    let mut waiting = Box::pin(waits(&path));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    drop(waiting);
    values(&path, &|job| assert_eq!(job.restored("a").unwrap(), Some(2))).unwrap_err();
}

#[test]
fn a_snapshot_says_that_a_run_was_resumed() {
    #[backfill_job(name = "shown_as_resumed", state = path)]
    fn shown(job: &Job, path: &Path) -> Result {
        job.checkpoint("a", 1)?;
        Err(no_state(job))
    }
    let folder = Folder::new("shown");
    let path = folder.path().join("state.json");
    shown(&path).unwrap_err();
    shown(&path).unwrap_err();
    let resumed: Vec<_> =
        crate::snapshot().jobs.iter().filter(|job| &*job.name == "shown_as_resumed").map(|job| job.resumed).collect();
    assert_eq!(resumed, if crate::private::RECORDS { vec![false, true] } else { vec![] });
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn permissions_are_kept_and_a_link_is_followed() {
        let folder = Folder::new("mode");
        let (path, link) = (folder.path().join("state.json"), folder.path().join("link.json"));
        counts(&State::file(&path), 1).unwrap_err();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        counts(&State::file(&link), 3).unwrap_err();
        assert!(link.is_symlink());
        assert_eq!(json(&path)["checkpoints"], json!({"number": 3}));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        fs::write(&path, "{\"telemetry_job_state\": 1, \"job\": \"values\", \"checkpoints\": {}}").unwrap();
        let by_the_other_name = |_: &Job| {
            let error = restarts(&path, false).unwrap_err();
            assert!(matches!(error, StateError::InUse { .. }), "by either name it is one state: {error}");
        };
        values(&link, &by_the_other_name).unwrap_err();
        let nowhere = folder.path().join("nowhere.json");
        symlink(folder.path().join("gone"), &nowhere).unwrap();
        let error = counts(&State::file(&nowhere), 3).unwrap_err().to_string();
        assert!(error.contains("a link that leads nowhere"), "{error}");
    }

    #[test]
    fn what_a_killed_run_left_beside_is_no_obstacle() {
        let folder = Folder::new("beside");
        let path = folder.path().join("state.json");
        fs::write(folder.path().join("state.json.tmp"), "half").unwrap();
        fs::write(folder.path().join("state.json.lock"), "1 1\n").unwrap();
        assert_eq!(counts(&State::file(&path), 10).unwrap().len(), 10);
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there_and_the_run_can_go_on() {
        let folder = Folder::new("full");
        let path = folder.path().join("state.json");
        values(&path, &|job| {
            job.checkpoint("a", 1).unwrap();
            // A folder where the new file is to be: root may write anywhere, but not there.
            let beside = folder.path().join("state.json.tmp");
            fs::create_dir(&beside).unwrap();
            let error = job.checkpoint("a", 2).unwrap_err().to_string();
            assert!(error.starts_with(&format!("cannot write {} (", path.display())), "{error}");
            job.checkpoint("b", 2).unwrap_err();
            assert_eq!(json(&path)["checkpoints"], json!({"a": 1}));
            fs::remove_dir(&beside).unwrap();
            job.checkpoint("c", 3).unwrap();
            assert_eq!(json(&path)["checkpoints"], json!({"a": 1, "c": 3}));
            let error = job.checkpoint("large", "x".repeat(17 << 20)).unwrap_err().to_string();
            assert!(error.contains("a state is at most 16 MiB"), "{error}");
        })
        .unwrap_err();
    }
}
