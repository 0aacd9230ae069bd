//! `#[experiment]`, from the function to the server.

use super::stand_in::{Fault, KEY, StandIn};
use super::{archive, member};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Command, Output};
use telemetry::comet::{Experiment, LogTo};
use telemetry::experiment;

telemetry::metric! {
    /// Predictions that were made.
    counter comet_test_predictions_total(label: &str);
}

#[derive(Debug)]
struct Outcome {
    labels: BTreeMap<String, u64>,
}

impl LogTo for Outcome {
    fn log_to(&self, experiment: &Experiment) {
        let mut breakdown = telemetry::comet::chart::Breakdown::new("predictions");
        for (label, count) in &self.labels {
            breakdown.add_many(label, *count);
        }
        breakdown.log_to(experiment);
    }
}

#[telemetry::measured]
#[experiment(project = "batch", name = format!("of {size}"), tags = ["rust"], params(size, half = size / 2), every = "200ms")]
fn comet_test_classify(experiment: &Experiment, size: u64) -> Result<Outcome, std::num::ParseIntError> {
    experiment.log_metric("inside", 1.0);
    let mut labels = BTreeMap::new();
    for number in 0..size {
        let label = if number % 3 == 0 { "fizz" } else { "none" };
        comet_test_predictions_total(label).inc();
        *labels.entry(label.to_owned()).or_default() += 1;
    }
    if size == 13 {
        "thirteen".parse::<u64>()?;
    }
    assert!(size != 14, "no fourteen");
    Ok(Outcome { labels })
}

#[experiment(project = "batch", params(size))]
async fn comet_test_awaited(size: u64) -> f64 {
    std::future::ready(()).await;
    size as f64
}

#[test]
#[ignore = "the program of other tests"]
fn program() {
    match std::env::var("ATTRIBUTE").as_deref() {
        Ok("error") => drop(comet_test_classify(13)),
        Ok("panic") => drop(comet_test_classify(14)),
        Ok("async") => {
            // Without a runtime: nothing in it waits for one.
            let mut future = std::pin::pin!(comet_test_awaited(9));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            while future.as_mut().poll(&mut context).is_pending() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
        Ok("dropped") => {
            let mut future = Box::pin(comet_test_hangs());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
            drop(future);
        }
        Ok(_) => drop(comet_test_classify(12)),
        Err(_) => {}
    }
}

#[experiment(project = "batch")]
async fn comet_test_hangs() {
    std::future::pending::<()>().await;
}

fn run(how: &str, folder: &crate::scratch::TempDir, server: Option<&StandIn>) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["attribute::program", "--exact", "--ignored", "--nocapture"]).env("ATTRIBUTE", how);
    command
        .env("COMET_OFFLINE_DIRECTORY", folder.path())
        .env_remove("COMET_API_KEY")
        .env("HOME", folder.path())
        .current_dir(folder.path());
    if let Some(server) = server {
        command.env("COMET_API_KEY", KEY).env("COMET_URL_OVERRIDE", server.url());
    }
    command.output().unwrap()
}

#[test]
fn a_function_is_a_run_with_all_that_it_did() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    let output = run("ok", &folder, Some(&server));
    assert!(output.status.success(), "{output:?}");
    server.judge();
    let kept = server.kept();
    assert_eq!(kept.handshakes[0]["projectName"], "batch");
    assert_eq!(
        (kept.other("Name"), kept.other("result"), kept.tags.as_slice()),
        (Some(&json!("of 12")), Some(&json!("ok")), &["rust".to_owned()][..])
    );
    assert!(kept.other("start_time").is_some() && kept.other("end_time").is_some());
    assert_eq!((kept.parameter("size"), kept.parameter("half")), (Some(&json!(12)), Some(&json!(6))));
    assert_eq!((kept.values("inside"), kept.values("duration_seconds").len()), (vec![1.0], 1));
    // What it returned, and what was recorded inside.
    assert_eq!((kept.values("predictions/fizz"), kept.values("predictions/none")), (vec![4.0], vec![8.0]));
    assert_eq!(kept.values("comet_test_predictions_total/label=none").last(), Some(&8.0));
    assert_eq!(kept.values("function_calls_total/comet_test_classify/ok").last(), Some(&1.0));
    assert!(kept.asset("predictions").is_some());
    assert_eq!((kept.errors.len(), kept.statuses.last().map(|status| &status["is_alive"])), (0, Some(&json!(false))));
}

#[test]
fn errors_panics_and_dropped_futures_are_told() {
    for (how, result, error) in [
        ("error", "error", "invalid digit found in string"),
        ("panic", "panic", "the function panicked: no fourteen"),
        ("dropped", "cancelled", "aborted: the function's future was dropped before its end"),
    ] {
        let folder = crate::scratch::tempdir().unwrap();
        let output = run(how, &folder, None);
        assert_eq!(output.status.success(), how != "panic", "{how}");
        let archive = archive(&folder).unwrap_or_else(|| panic!("{how}: {output:?}"));
        let about: Value = serde_json::from_str(&member(&archive, "experiment.json")).unwrap();
        assert_eq!(about["customer_error_message"], error, "{how}");
        let messages = member(&archive, "messages.json");
        let said = json!({ "key": "result", "value": result });
        let told = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let others: Vec<_> = told
            .filter(|line| line["type"] == "log_other")
            .map(|line| json!({ "key": line["payload"]["key"], "value": line["payload"]["value"] }))
            .collect();
        assert!(others.contains(&said), "{how}: {others:?}");
    }
}

#[test]
fn an_async_function_waits_for_its_delivery_without_a_runtime() {
    let (server, folder) = (StandIn::start(), crate::scratch::tempdir().unwrap());
    server.when("status-report", 1, Fault::Status(503, 0));
    assert!(run("async", &folder, Some(&server)).status.success());
    server.judge();
    let kept = server.kept();
    assert_eq!((kept.values("result"), kept.parameter("size")), (vec![9.0], Some(&json!(9))));
    assert_eq!(kept.statuses.last().map(|status| &status["is_alive"]), Some(&json!(false)));
}

#[test]
fn a_setting_that_cannot_be_read_is_said_and_the_function_runs() {
    let folder = crate::scratch::tempdir().unwrap();
    std::fs::write(folder.path().join(".comet.config"), "[comet]\nexperiment_key = short\n").unwrap();
    let output = run("ok", &folder, None);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("experiments are not logged: experiment_key of [comet] in ")
            && said.contains("it takes 32 to 50 letters and digits"),
        "{said}"
    );
}
