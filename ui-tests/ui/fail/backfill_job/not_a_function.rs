use telemetry::backfill_job;

#[backfill_job]
struct Backfill;

fn main() {
    let _ = Backfill;
}
