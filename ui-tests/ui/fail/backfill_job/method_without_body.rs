use telemetry::{Job, backfill_job};

trait Source {
    #[backfill_job]
    fn backfill(&self, job: &Job);
}

fn main() {}
