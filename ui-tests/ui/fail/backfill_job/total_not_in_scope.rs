use telemetry::{Job, backfill_job};

#[backfill_job(total = pages.len())]
fn backfill(job: &Job, days: &[u8]) {
    job.advance(days.len());
}

fn main() {
    backfill(&[]);
}
