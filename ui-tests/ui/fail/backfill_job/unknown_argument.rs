use telemetry::{Job, backfill_job};

#[backfill_job(names = "flights", totl = days.len(), unit = "")]
fn backfill(job: &Job, days: &[u8]) {
    job.advance(days.len());
}

fn main() {
    backfill(&[]);
}
