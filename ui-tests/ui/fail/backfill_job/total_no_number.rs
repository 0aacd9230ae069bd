use telemetry::{Job, backfill_job};

#[backfill_job(total = "all of them")]
fn backfill(job: &Job) {
    job.advance(1);
}

fn main() {
    backfill();
}
