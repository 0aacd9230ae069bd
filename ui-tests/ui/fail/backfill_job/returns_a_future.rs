use telemetry::{Job, backfill_job};

#[backfill_job]
fn backfill(job: &Job) -> impl Future<Output = ()> {
    job.advance(1);
    async {}
}

fn main() {
    let _ = backfill();
}
