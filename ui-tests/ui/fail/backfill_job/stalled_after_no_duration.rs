use telemetry::{Job, backfill_job};

#[backfill_job(stalled_after = "5 minutes")]
fn minutes(job: &Job) {
    job.advance(1);
}

#[backfill_job(stalled_after = "0s")]
fn none(job: &Job) {
    job.advance(1);
}

fn main() {
    minutes();
    none();
}
