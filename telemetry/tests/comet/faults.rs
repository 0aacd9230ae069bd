//! Servers that fail: the run ends in time, and what was not confirmed is in the archive.

use super::stand_in::{Fault, KEY, StandIn};
use super::{archive, config, log_all, member};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use telemetry::comet::Experiment;

/// Steps of `loss` that the server or the archive has.
fn steps(server: &StandIn, folder: &crate::scratch::TempDir) -> BTreeSet<u64> {
    let mut steps: BTreeSet<u64> = server
        .kept()
        .metrics
        .iter()
        .filter(|value| value["metricName"] == "loss")
        .filter_map(|value| value["step"].as_u64())
        .collect();
    if let Some(archive) = archive(folder) {
        for line in member(&archive, "messages.json").lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            if line["payload"]["metric"]["metricName"] == "loss" {
                steps.extend(line["payload"]["metric"]["step"].as_u64());
            }
        }
    }
    steps
}

/// Names of files that the server or the archive has.
fn files(server: &StandIn, folder: &crate::scratch::TempDir) -> BTreeSet<String> {
    let name = |asset: &super::stand_in::Asset| {
        asset.query.get("fileName").or(asset.query.get("figName")).cloned().unwrap_or_default()
    };
    let mut files: BTreeSet<String> = server.kept().assets.iter().map(name).collect();
    if let Some(archive) = archive(folder) {
        for line in member(&archive, "messages.json").lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let about = &line["payload"]["additional_params"];
            files.extend(about["fileName"].as_str().or(about["figName"].as_str()).map(str::to_owned));
        }
    }
    files
}

const FILES: [&str; 9] = [
    "auto-generated-in-the-backend",
    "confusion.json",
    "label frequency",
    "notes.txt",
    "probabilities",
    "roc",
    "rows.csv",
    "status",
    "weights",
];

#[test]
fn nothing_is_lost_whatever_the_server_does_once() {
    let once = [
        Fault::Status(500, 0),
        Fault::Status(503, 0),
        Fault::Refuse,
        Fault::Cut(100),
        Fault::Html,
        Fault::Throttle(0.5),
        Fault::Slow(Duration::from_millis(2)),
    ];
    let paths = [
        "logger/add/run",
        "status-report/update",
        "batch/logger/experiment/metric",
        "log-other",
        "asset/upload",
        "visualizations/upload",
        "output",
        "add-tags",
    ];
    std::thread::scope(|threads| {
        for fault in &once {
            threads.spawn(move || {
                let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
                for path in paths {
                    server.when(path, 1, fault.clone());
                }
                let experiment = Experiment::start(config(&server, &folder)).unwrap();
                log_all(&experiment);
                let begun = Instant::now();
                assert!(experiment.end(), "{fault:?}");
                assert!(begun.elapsed() < Duration::from_secs(13), "{fault:?}: {:?}", begun.elapsed());
                let steps = steps(&server, &folder);
                assert_eq!(steps.len(), 3_500, "{fault:?}");
                let files = files(&server, &folder);
                assert!(FILES.iter().all(|file| files.contains(*file)), "{fault:?}: {files:?}");
                server.judge();
            });
        }
    });
}

#[test]
fn a_server_that_hangs_does_not_keep_the_program() {
    for path in ["logger/add/run", "batch/logger/experiment/metric", "visualizations/upload"] {
        let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
        server.when(path, 0, Fault::Hang(Duration::from_secs(60)));
        let experiment = Experiment::start(config(&server, &folder).deadline(Duration::from_secs(2))).unwrap();
        let begun = Instant::now();
        log_all(&experiment);
        assert!(begun.elapsed() < Duration::from_secs(2), "{path}: logging waits");
        let begun = Instant::now();
        assert!(experiment.end(), "{path}: all is in the archive");
        assert!(begun.elapsed() < Duration::from_secs(4), "{path}: {:?}", begun.elapsed());
        assert_eq!(steps(&server, &folder).len(), 3_500, "{path}");
        let files = files(&server, &folder);
        assert!(FILES.iter().all(|file| files.contains(*file)), "{path}: {files:?}");
        assert!(experiment.archive().is_some(), "{path}");
    }
}

#[test]
fn nobody_there_is_an_archive() {
    let folder = crate::scratch::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/clientlib/", listener.local_addr().unwrap());
    drop(listener);
    let config = super::offline(&folder).api_key(KEY).url(url).deadline(Duration::from_secs(5));
    let experiment = Experiment::start(config).unwrap();
    log_all(&experiment);
    let begun = Instant::now();
    assert!(experiment.end());
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let archive = archive(&folder).unwrap();
    // The server may have it or not: it goes on there.
    assert!(member(&archive, "experiment.json").contains("\"get_or_create\""));
    assert_eq!(member(&archive, "messages.json").lines().filter(|line| line.contains("\"loss\"")).count(), 3_500);
}

#[test]
fn a_refused_key_stops_all_requests_and_is_not_shown() {
    for code in [90_212, 90_219, 7_000_008] {
        let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
        server.when("logger/add/run", 0, Fault::Status(400, code));
        let experiment = Experiment::start(config(&server, &folder)).unwrap();
        log_all(&experiment);
        assert!(experiment.end());
        assert_eq!(server.kept().requests.len(), 1, "{:?}", server.kept().requests);
        assert_eq!(steps(&server, &folder).len(), 3_500);
        let bytes = std::fs::read(archive(&folder).unwrap()).unwrap();
        assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "the key is in the archive");
    }
}

#[test]
fn a_throttled_kind_waits_and_holds_nothing_else_back() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    server.when("batch/logger/experiment/metric", 1, Fault::Throttle(3.0));
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    experiment.log_metric("loss", 1.0);
    super::wait_for("the first try", || server.kept().paths("experiment/metric") == 1);
    experiment.log_other("other", 1);
    super::wait_for("the other", || server.kept().other("other").is_some());
    assert_eq!(server.kept().paths("experiment/metric"), 1);
    assert!(experiment.end());
    // That it came no earlier is judged by the server.
    server.judge();
    let kept = server.kept();
    assert_eq!((kept.values("loss"), kept.not_throttled), (vec![1.0], 1));
    assert_eq!(archive(&folder), None);
}

#[test]
fn a_server_that_fails_for_good_at_one_thing_gets_the_rest() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    server.when("experiment/html", 0, Fault::Status(400, 0));
    server.when("asset/upload", 0, Fault::Status(403, 7_000_001));
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    log_all(&experiment);
    assert!(!experiment.end(), "some was refused");
    let kept = server.kept();
    assert_eq!((kept.html.len(), kept.values("loss").len(), kept.tags.len()), (0, 3_500, 1));
    assert!(kept.assets.iter().all(|asset| asset.is_picture), "pictures are another kind");
}

#[test]
fn a_server_that_comes_back_gets_all() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    assert!(experiment.flush(Duration::from_secs(10)));
    server.when("", 0, Fault::Refuse);
    log_all(&experiment);
    std::thread::sleep(Duration::from_secs(3));
    server.heal();
    assert!(experiment.end());
    super::is_all_there(&server);
    assert_eq!(archive(&folder), None);
}

#[test]
fn a_file_goes_as_it_is_and_one_that_is_not_there_is_told() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let file = folder.path().join("model.bin");
    std::fs::write(&file, vec![7; 3_000_000]).unwrap();
    server.when("asset/upload", 1, Fault::Cut(1_000_000));
    let experiment = Experiment::start(config(&server, &folder).deadline(Duration::MAX)).unwrap();
    experiment.log_file(&file);
    experiment.log_file(folder.path().join("none.bin"));
    experiment.log_file(folder.path());
    assert!(!experiment.end(), "two were lost");
    server.judge();
    let kept = server.kept();
    assert_eq!(kept.assets.len(), 1);
    assert_eq!(kept.asset("model.bin").map(|asset| asset.bytes.len()), Some(3_000_000));
}

#[test]
fn whatever_threads_do_at_once_is_told_once() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    std::thread::scope(|threads| {
        for thread in 0..8 {
            let experiment = experiment.clone();
            threads.spawn(move || {
                for number in 0..300u64 {
                    experiment.log(telemetry::comet::Metric::new(&format!("of {thread}"), number as f64).step(number));
                    experiment.log_parameter(&format!("{thread} {number}"), number);
                }
                experiment.flush(Duration::from_secs(10))
            });
        }
    });
    assert!(experiment.end());
    server.judge();
    let kept = server.kept();
    for thread in 0..8 {
        assert_eq!(kept.values(&format!("of {thread}")), (0..300).map(f64::from).collect::<Vec<_>>());
    }
    assert_eq!(kept.parameters.len(), 2_400);
}

#[test]
fn what_is_said_at_the_end_is_said_again() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    super::wait_for("a beat", || !server.kept().statuses.is_empty());
    server.when("update-status", 1, Fault::Status(503, 0));
    server.when("update-status", 2, Fault::Refuse);
    experiment.fail("disk is full");
    assert!(experiment.end());
    let kept = server.kept();
    assert_eq!((kept.errors.len(), &kept.errors[0]["error"]), (1, &"disk is full".into()));
    assert_eq!(kept.statuses.last().map(|status| &status["is_alive"]), Some(&false.into()));
    assert_eq!(archive(&folder), None);
}

#[test]
fn an_error_that_the_server_never_took_is_in_an_archive() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    experiment.log_metric("loss", 1.0);
    server.when("update-status", 0, Fault::Status(503, 0));
    experiment.fail("disk is full");
    assert!(experiment.end());
    let about = member(&archive(&folder).unwrap(), "experiment.json");
    assert!(about.contains("disk is full") && about.contains("get_or_create"), "{about}");
}
