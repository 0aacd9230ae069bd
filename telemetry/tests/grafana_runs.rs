//! A program whose jobs are annotated in Grafana: its guard waits for what is being written.

#![cfg(all(feature = "grafana", not(telemetry_off)))]

#[path = "../src/grafana/tests/stand_in.rs"]
#[allow(dead_code, reason = "only some of it is needed here")]
mod stand_in;

use serde_json::json;
use stand_in::{Api, StandIn, TOKEN};
use telemetry::grafana::Client;
use telemetry::{Job, Report, backfill_job};

#[backfill_job(unit = "days")]
fn copies(days: u64, job: &Job) -> Result<(), String> {
    job.advance(days);
    if days > 2 { Err("too many".to_owned()) } else { Ok(()) }
}

#[test]
fn the_runs_of_jobs_are_regions() {
    let server = StandIn::start(Api::Both, "/grafana");
    let client = Client::builder(server.url()).token(TOKEN).build().unwrap();
    let telemetry = telemetry::builder()
        .listen("off")
        .report(Report::Off)
        .progress(telemetry::job::Progress::Off)
        .service_name("flights")
        .annotate_runs(client)
        .init()
        .unwrap();
    copies(2).unwrap();
    assert!(telemetry.flush_within(std::time::Duration::from_secs(20)));
    let result = server.world().annotations[0]["tags"][3].clone();
    assert_eq!(result, "ok");
    copies(3).unwrap_err();
    drop(telemetry);
    let annotations = server.world().annotations.clone();
    assert_eq!(annotations.len(), 2);
    assert_eq!(annotations[1]["tags"], json!(["telemetry", "run", "copies", "error"]));
    let text = annotations[1]["text"].as_str().unwrap();
    assert!(text.starts_with("copies of flights: error after ") && text.ends_with(" s, 3 days processed"), "{text}");
    assert!(annotations[1]["timeEnd"].is_number());
    copies(1).unwrap();
    assert_eq!(server.world().annotations.len(), 2, "the guard is gone");
}
