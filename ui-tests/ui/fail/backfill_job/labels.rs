use telemetry::{Job, backfill_job};

#[backfill_job(labels(carrier))]
fn backfill(job: &Job, carrier: &str) {
    let _ = (job, carrier);
}

fn main() {
    backfill("UA");
}
