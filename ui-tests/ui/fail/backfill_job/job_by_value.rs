use telemetry::{Job, backfill_job};

#[backfill_job]
fn backfill(job: Job) {
    job.advance(1);
}

fn main() {}
