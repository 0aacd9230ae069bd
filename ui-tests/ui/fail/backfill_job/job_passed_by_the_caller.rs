use telemetry::{Job, backfill_job};

#[backfill_job]
fn backfill(job: &Job) {
    job.advance(1);
}

fn outer(job: &Job) {
    backfill(job);
}

fn main() {
    let _ = outer;
}
