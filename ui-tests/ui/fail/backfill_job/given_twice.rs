use telemetry::{Job, backfill_job};

#[backfill_job(unit = "days", unit = "months")]
fn backfill(job: &Job) {
    job.advance(1);
}

fn main() {
    backfill();
}
