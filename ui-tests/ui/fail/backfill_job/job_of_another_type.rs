use telemetry::backfill_job;

struct Job;

#[backfill_job]
fn backfill(job: &Job) {
    let _ = job;
}

fn main() {
    backfill();
    let _ = Job;
}
