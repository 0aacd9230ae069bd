#[telemetry::backfill_job]
fn backfill(days: &[u8]) {
    let _ = days;
}

fn main() {
    backfill(&[]);
}
