use telemetry::{Job, backfill_job};

#[backfill_job(objective(latency = "6h", at = "99%"))]
fn about_calls(_job: &Job) {}

#[backfill_job(objective(success = "0%", of = "days", window = "4 weeks"))]
fn several_at_once(_job: &Job) {}

#[backfill_job(objective())]
fn empty(_job: &Job) {}

#[backfill_job(objective(sucess = "99%"))]
fn misspelt(_job: &Job) {}

fn main() {
    about_calls();
    several_at_once();
    empty();
    misspelt();
}
