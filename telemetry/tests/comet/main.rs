//! Runs of Comet ML, seen from outside: by a server on loopback that judges each request, by the official client where it is there, and by programs that end in every way.

mod archives; // offline, cut, repaired, uploaded
mod attribute; // functions that are runs
mod endings; // programs that end
mod faults; // servers that fail
mod official; // the official Python package
#[path = "../../src/comet/scratch.rs"]
mod scratch; // folders
mod stand_in;

use serde_json::{Value, json};
use stand_in::{KEY, StandIn};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use telemetry::comet::chart::{Breakdown, ConfusionMatrix, Curve, Figure, Histogram, Table};
use telemetry::comet::{Config, Experiment, ImageFormat, Metric};

/// A run against this server, with its archives in this folder.
fn config(server: &StandIn, folder: &crate::scratch::TempDir) -> Config {
    offline(folder).url(server.url()).api_key(KEY).workspace("team").project("project").system_every(Duration::ZERO)
}

fn offline(folder: &crate::scratch::TempDir) -> Config {
    Config::new().offline_directory(folder.path()).deadline(Duration::from_secs(10)).system_every(Duration::ZERO)
}

/// Something of everything.
fn log_all(experiment: &Experiment) {
    #[derive(serde::Serialize)]
    struct Nested {
        batch: u32,
        optimizer: std::collections::BTreeMap<&'static str, Value>,
    }
    experiment.log_parameter("learning_rate", 0.01);
    experiment.log_parameter("layers", [64, 32]);
    experiment.log_parameter("limit", f64::INFINITY);
    let optimizer = [("name", json!("adam")), ("betas", json!({ "first": 0.9 }))].into_iter().collect();
    experiment.log_parameter("nested", Nested { batch: 32, optimizer });
    experiment.set_epoch(1);
    for step in 0..3_500u64 {
        experiment.set_step(step);
        experiment.log_metric("loss", 1.0 / (step + 1) as f64);
    }
    experiment.log(Metric::new("accuracy", f64::NAN).step(7).epoch(2).context("validate"));
    experiment.in_context("train").log_metric("accuracy", 0.5);
    experiment.log_other("Name", "first try");
    experiment.log_other("hash", json!({ "a": 1 }));
    experiment.log_other(&"k".repeat(200), "v".repeat(2_000));
    experiment.add_tag("rust");
    experiment.log_html("<b>hi</b>");
    experiment.log_text("a text that was made");
    experiment.log_output("epoch 1\n");
    experiment.log_error_output("a warning\n");
    experiment.log_histogram("weights", &[-1.0, 0.0, 1.0, 2.5, 2.5].into_iter().collect::<Histogram>());
    let mut matrix = ConfusionMatrix::new(["cat", "dog"]);
    matrix.record_example("cat", "dog", 17).unwrap();
    experiment.log_confusion_matrix("confusion", &matrix);
    experiment.log_curve(&Curve::new("roc", [(0.0, 0.0), (1.0, 1.0)]).unwrap());
    experiment.log_figure("label frequency", &Figure::label_frequency("labels", [("a", 3), ("b", 4)]));
    let png = Figure::probabilities("probabilities", [0.1, 0.9], 10).png().unwrap();
    experiment.log_image("probabilities", png, ImageFormat::Png);
    let mut table = Table::new(["a", "b"]);
    table.row(["1", "2, 3"]).unwrap();
    experiment.log_table("rows", &table);
    experiment.log_asset("notes.txt", "some notes");
    let mut breakdown = Breakdown::new("status");
    breakdown.add_scored("late", 0.7);
    experiment.log_breakdown(&breakdown);
}

/// That all of it is there.
#[track_caller]
fn is_all_there(server: &StandIn) {
    server.judge();
    let kept = server.kept();
    assert_eq!(kept.values("loss"), (0..3_500).map(|step| 1.0 / f64::from(step + 1)).collect::<Vec<_>>());
    let step = kept.metrics.iter().find(|value| value["metricName"] == "loss" && value["step"] == 42).unwrap();
    assert_eq!((&step["epoch"], &step["context"]), (&json!(1), &Value::Null));
    let accuracy: Vec<_> = kept
        .metrics
        .iter()
        .filter(|value| value["metricName"] == "accuracy")
        .map(|value| (&value["metricValue"], &value["step"], &value["epoch"], &value["context"]))
        .collect();
    assert!(accuracy.contains(&(&json!("NaN"), &json!(7), &json!(2), &json!("validate"))), "{accuracy:?}");
    assert!(accuracy.contains(&(&json!(0.5), &json!(3_499), &json!(1), &json!("train"))), "{accuracy:?}");
    for (name, value) in [
        ("learning_rate", json!(0.01)),
        ("layers", json!([64, 32])),
        ("limit", json!("Infinity")),
        ("nested|batch", json!(32)),
        ("nested|optimizer|name", json!("adam")),
        ("nested|optimizer|betas|first", json!(0.9)),
    ] {
        assert_eq!(kept.parameter(name), Some(&value), "{name}");
    }
    assert_eq!(kept.other("Name"), Some(&json!("first try")));
    assert_eq!(kept.other("hash"), Some(&json!("{\"a\":1}")));
    let (cut, value) = kept.others.iter().find(|(key, _)| key.starts_with("kkk")).unwrap();
    assert_eq!(*cut, format!("{} [truncated]", "k".repeat(88)));
    assert_eq!(*value, format!("{} [truncated]", "v".repeat(988)));
    assert_eq!(kept.tags, ["rust"]);
    assert_eq!(kept.html, ["<b>hi</b>"]);
    let mut lines: Vec<_> =
        kept.output.iter().map(|line| (line["output"].as_str().unwrap(), line["stderr"].as_bool().unwrap())).collect();
    lines.sort_unstable();
    assert_eq!(lines, [("a warning\n", true), ("epoch 1\n", false)]);
    let text = |name: &str| {
        String::from_utf8_lossy(&kept.asset(name).unwrap_or_else(|| panic!("{name} lacks")).bytes).into_owned()
    };
    let json = |name: &str| serde_json::from_str::<Value>(&text(name)).unwrap();
    assert_eq!(text("auto-generated-in-the-backend"), "a text that was made");
    assert_eq!(json("weights")["index_values"], json!([[484, 1], [775, 1], [1065, 1], [1075, 2]]));
    assert_eq!(json("confusion.json")["sampleMatrix"], json!([[null, [17]], [null, null]]));
    assert_eq!(json("roc")["x"], json!([0.0, 1.0]));
    assert_eq!(text("rows.csv"), "a,b\n1,\"2, 3\"\n");
    assert_eq!(text("notes.txt"), "some notes");
    assert!(text("label frequency").starts_with("<svg"));
    assert!(kept.asset("probabilities").unwrap().bytes.starts_with(b"\x89PNG"));
    assert!(kept.asset("status").is_some() && kept.asset("status probabilities").is_some());
    let mut pictures: Vec<u64> = kept
        .assets
        .iter()
        .filter(|asset| asset.is_picture)
        .map(|asset| asset.query["figCounter"].parse().unwrap())
        .collect();
    pictures.sort_unstable();
    assert_eq!(pictures, [0, 1, 2, 3]);
}

/// The archive in a folder, where there is one.
fn archive(folder: &crate::scratch::TempDir) -> Option<PathBuf> {
    let all = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let zips: Vec<_> = all.filter(|path| path.extension().is_some_and(|extension| extension == "zip")).collect();
    assert!(zips.len() < 2, "{zips:?}");
    zips.into_iter().next()
}

/// The member of an archive as text.
fn member(archive: &std::path::Path, name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    std::io::read_to_string(zip.by_name(name).unwrap()).unwrap()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn everything_arrives_as_it_was_logged() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder).name("by config").tag("rust")).unwrap();
    log_all(&experiment);
    assert!(experiment.end());
    is_all_there(&server);
    let kept = server.kept();
    let handshake = &kept.handshakes[0];
    assert_eq!(
        (&handshake["projectName"], &handshake["teamName"], &handshake["offline"]),
        (&json!("project"), &json!("team"), &json!(false))
    );
    assert_eq!(kept.statuses.last().map(|status| &status["is_alive"]), Some(&json!(false)));
    assert_eq!((kept.errors.len(), kept.git.len(), kept.files.len()), (0, 1, 1));
    assert!(kept.system.iter().any(|line| line["logAdditionalSystemInfoList"][0]["key"] == "os"));
    assert_eq!(experiment.url(), Some(format!("http://example.com/team/project/{}", experiment.key())));
    assert_eq!((archive(&folder), experiment.archive()), (None, None));
    // Numbers go on from the server's.
    let offsets: Vec<_> = kept.output.iter().map(|line| line["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets.iter().min(), Some(&3));
}

#[test]
fn a_run_lives_until_it_ends_and_then_no_more() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    // The server asks for a beat each second.
    wait_for("beats", || server.kept().statuses.len() >= 4);
    drop(experiment.clone());
    assert!(server.kept().statuses.iter().all(|status| status["is_alive"] == true), "a clone is no end");
    drop(experiment);
    assert_eq!(server.kept().statuses.last().map(|status| &status["is_alive"]), Some(&json!(false)));
    server.judge();
}

#[test]
fn flushed_is_confirmed() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    for number in 0..5 {
        experiment.log_metric("loss", f64::from(number));
        experiment.log_parameter("number", number);
        experiment.log_output("line");
        assert!(experiment.flush(Duration::from_secs(10)));
        let kept = server.kept();
        assert_eq!(kept.values("loss").len(), number as usize + 1);
        assert_eq!((kept.parameter("number"), kept.output.len()), (Some(&json!(number)), number as usize + 1));
    }
}

#[test]
fn a_failed_run_says_so() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    experiment.fail("disk is full");
    experiment.fail("a later error");
    assert!(experiment.end());
    let kept = server.kept();
    assert_eq!(kept.errors.len(), 1);
    assert_eq!((&kept.errors[0]["error"], &kept.errors[0]["hasCrashed"]), (&json!("disk is full"), &json!(true)));
    assert_eq!(kept.statuses.last().map(|status| &status["is_alive"]), Some(&json!(false)));
}

#[test]
fn a_run_that_is_there_goes_on() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let key = "0f3c5a7e9b1d4f6081a2b3c4d5e6f708";
    let experiment =
        Experiment::start(config(&server, &folder).experiment_key(key).start_mode(telemetry::comet::StartMode::Get))
            .unwrap();
    experiment.log_output("more");
    assert!(experiment.end());
    server.judge();
    let kept = server.kept();
    assert_eq!(kept.handshakes[0]["previousExperiment"], key);
    assert_eq!(kept.output[0]["offset"], 100, "after the lines that are there");
}

#[test]
fn what_is_said_wrong_is_named() {
    let folder = crate::scratch::tempdir().unwrap();
    for (config, why) in [
        (
            offline(&folder).experiment_key("short"),
            "Config::experiment_key() is \"short\"; it takes 32 to 50 letters and digits",
        ),
        (offline(&folder).api_key("abc*d*e"), "Config::api_key() cannot be read; it takes an API key"),
        (
            offline(&folder).api_key(KEY).url("ftp://example.com"),
            "Config::url() is \"ftp://example.com\"; it takes an http or https URL",
        ),
    ] {
        let error = Experiment::start(config).unwrap_err().to_string();
        assert!(error.starts_with(why), "{error}");
        assert!(!error.contains("abc*d"), "{error}");
    }
}

#[test]
fn values_beyond_a_minutes_are_thinned_and_the_ends_are_told() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder)).unwrap();
    for step in 0..200_000u64 {
        experiment.log(Metric::new("loss", (step as f64).sin()).step(step));
        experiment.log(Metric::new("rate", step as f64).step(step));
    }
    assert!(experiment.end());
    server.judge();
    let kept = server.kept();
    assert!(kept.metrics.len() < 12_000, "{}", kept.metrics.len());
    let mut rate = kept.values("rate");
    // An extreme that was thinned comes late, with its own time.
    rate.sort_by(f64::total_cmp);
    assert_eq!((rate.first(), rate.last()), (Some(&0.0), Some(&199_999.0)));
    let gap = rate.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    assert!(gap < 50_000.0, "told to its end: {gap}");
    let loss = kept.values("loss");
    assert!(loss.iter().any(|loss| *loss > 0.999_999) && loss.iter().any(|loss| *loss < -0.999_999), "the extremes");
}

telemetry::metric! {
    /// Rows.
    counter comet_test_rows_total(table: &str);
    /// Sizes.
    histogram comet_test_sizes_bytes() [1, 10];
}
#[telemetry::measured]
fn comet_test_load() {
    comet_test_rows_total("flights").add(7);
    comet_test_sizes_bytes().observe(5.0);
}

#[test]
fn what_is_recorded_inside_is_logged_as_metrics() {
    comet_test_load();
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder).recorded_every(Duration::from_millis(200))).unwrap();
    comet_test_load();
    comet_test_load();
    wait_for("a period", || !server.kept().values("comet_test_rows_total/table=flights").is_empty());
    comet_test_load();
    assert!(experiment.end());
    server.judge();
    let kept = server.kept();
    // What was recorded before is not the run's.
    assert_eq!(kept.values("comet_test_rows_total/table=flights").last(), Some(&21.0));
    assert_eq!(kept.values("comet_test_sizes_bytes/count").last(), Some(&3.0));
    assert_eq!(kept.values("comet_test_sizes_bytes/mean").last(), Some(&5.0));
    assert_eq!(kept.values("function_calls_total/comet_test_load/ok").last(), Some(&3.0), "{:?}", kept.metrics);
    assert_eq!(kept.values("function_calls_duration_seconds/comet_test_load/ok/count").last(), Some(&3.0));
}

#[cfg(feature = "system")]
#[test]
fn the_machine_and_the_process_are_told() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let experiment = Experiment::start(config(&server, &folder).system_every(Duration::from_millis(300))).unwrap();
    wait_for("two readings", || !server.kept().values("sys.cpu.percent.avg").is_empty());
    assert!(experiment.end());
    server.judge();
    let kept = server.kept();
    let last = |name: &str| *kept.values(name).last().unwrap_or_else(|| panic!("{name} lacks"));
    assert!((0.0..=100.0).contains(&last("sys.cpu.percent.avg")));
    assert!(last("sys.ram.used") > 0.0 && last("sys.ram.used") <= last("sys.ram.total"));
    assert!(
        last("sys.process.ram.used") > 1e6 && last("sys.load.avg") >= 0.0 && last("sys.process.cpu.percent") >= 0.0
    );
}
