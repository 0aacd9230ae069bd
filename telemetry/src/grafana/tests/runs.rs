//! Runs of jobs, as annotations.

use super::*;
use crate::builtin::push as families;
use crate::grafana::runs::{Annotator, after};
use crate::job::run::RunResult;
use crate::job::{self, run::Run};
use crate::sync::{Mutex, lock};

/// There is one annotator in a program.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn run(id: u64) -> Run {
    job::progress(job::Progress::Off);
    Run::new(id, "annotated", "days", None, None)
}

fn ended(run: &Run, result: RunResult) {
    let result = run.end(result, std::time::Instant::now());
    super::super::runs::ended(run, result);
}

fn lost(reason: &str) -> u64 {
    families::telemetry_push_dropped_samples_total("grafana", reason).get()
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_run_is_a_region_that_says_how_it_ended() {
    let _alone = lock(&ONE_AT_A_TIME);
    let server = StandIn::start(Api::Both, "");
    let annotator = Annotator::start(client(&server), "flights").unwrap();
    let (good, bad) = (run(1), run(2));
    super::super::runs::begun(&good);
    super::super::runs::begun(&bad);
    assert!(annotator.flush(after(LONG)));
    let annotations = server.world().annotations.clone();
    assert_eq!(annotations[0]["text"], "annotated of flights started");
    assert_eq!((annotations.len(), &annotations[0]["tags"]), (2, &json!(["telemetry", "run", "annotated"])));
    assert!(annotations[0].get("timeEnd").is_none());
    good.count_units(job::run::Status::Processed, 3);
    ended(&bad, RunResult::Error);
    ended(&good, RunResult::Ok);
    assert!(annotator.end(after(LONG)));
    let annotations = server.world().annotations.clone();
    assert_eq!(annotations.len(), 2, "the end is a change of it");
    assert_eq!(annotations[0]["tags"], json!(["telemetry", "run", "annotated", "ok"]));
    assert_eq!(annotations[1]["tags"], json!(["telemetry", "run", "annotated", "error"]));
    let text = annotations[0]["text"].as_str().unwrap();
    assert!(text.starts_with("annotated of flights: ok after ") && text.ends_with(", 3 days processed"), "{text}");
    assert!(annotations[0]["timeEnd"].as_u64() >= annotations[0]["time"].as_u64(), "{}", annotations[0]);
    // Nobody is told after the end.
    super::super::runs::begun(&run(3));
    assert_eq!(server.world().annotations.len(), 2);
}

#[test]
fn a_run_whose_start_failed_is_made_whole_at_its_end() {
    let _alone = lock(&ONE_AT_A_TIME);
    let server = StandIn::start(Api::Both, "");
    let before = lost("refused");
    let annotator = Annotator::start(client(&server), "flights").unwrap();
    server.faults([Fault::Answer(403, "", r#"{"message": "annotations:create is missing"}"#.to_owned())]);
    let run = run(4);
    super::super::runs::begun(&run);
    assert!(!annotator.flush(after(LONG)), "it was refused");
    ended(&run, RunResult::Panic);
    assert!(annotator.flush(after(LONG)));
    assert!(!annotator.end(after(LONG)), "something was lost");
    let annotations = server.world().annotations.clone();
    assert_eq!((annotations.len(), &annotations[0]["tags"][3]), (1, &json!("panic")));
    assert!(annotations[0]["timeEnd"].as_u64() >= annotations[0]["time"].as_u64());
    assert_eq!(lost("refused"), before + 1);
}

#[test]
fn jobs_do_not_wait_and_the_end_waits_to_its_deadline() {
    let _alone = lock(&ONE_AT_A_TIME);
    let server = StandIn::start(Api::Both, "");
    let (full, late) = (lost("queue_full"), lost("deadline"));
    let annotator = Annotator::start(client(&server), "flights").unwrap();
    server.faults([Fault::Hangs, Fault::Hangs, Fault::Hangs]);
    let run = run(5);
    super::super::runs::begun(&run);
    drop(server.wait("the first is sent", |world| !world.asked.is_empty()));
    for _ in 0..1_005 {
        super::super::runs::begun(&run);
    }
    assert_eq!(lost("queue_full"), full + 5);
    assert!(!annotator.end(after(Duration::from_millis(50))));
    assert_eq!(lost("deadline"), late + 1_001, "what is under way, and what waits");
    assert!(!annotator.end(after(LONG)), "asked again, it neither waits nor counts");
    assert_eq!(lost("deadline"), late + 1_001);
}
