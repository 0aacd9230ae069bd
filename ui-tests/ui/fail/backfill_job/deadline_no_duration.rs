use telemetry::{Job, backfill_job};

#[backfill_job(deadline = "6 hours")]
fn hours(job: &Job) {
    job.advance(1);
}

#[backfill_job(deadline = "0s")]
fn none(job: &Job) {
    job.advance(1);
}

fn main() {
    hours();
    none();
}
