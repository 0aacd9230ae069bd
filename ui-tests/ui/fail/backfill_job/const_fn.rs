use telemetry::{Job, backfill_job};

#[backfill_job]
const fn backfill(_: &Job) {}

fn main() {
    backfill();
}
