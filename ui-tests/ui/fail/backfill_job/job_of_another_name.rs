use telemetry::{Job, backfill_job};

#[backfill_job(job = work)]
fn backfill(job: &Job) {
    job.advance(1);
}

fn main() {}
