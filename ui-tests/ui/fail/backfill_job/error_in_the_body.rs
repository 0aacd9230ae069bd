use telemetry::{Job, backfill_job};

#[backfill_job(total = days.len())]
fn sync(job: &Job, days: &[u8]) -> Result<u32, String> {
    job.advanced(1);
    Ok("not a number")
}

#[backfill_job]
async fn later(job: &Job) -> Result<u32, String> {
    job.advance(1.5);
    let unused = 1;
    Err(7)
}

fn main() {}
