use telemetry::{Job, backfill_job};

#[backfill_job]
fn backfill(job: &Job, parent: &Job) {
    let _ = (job, parent);
}

fn main() {}
