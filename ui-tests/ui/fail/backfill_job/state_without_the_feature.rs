use telemetry::{Job, backfill_job};

#[backfill_job(state = "flights.json")]
fn load(_: &Job) -> Result<(), std::io::Error> {
    Ok(())
}

#[backfill_job(state = "flights.json")]
fn returns_nothing(_: &Job) {}

fn main() {
    load().unwrap();
    returns_nothing();
}
