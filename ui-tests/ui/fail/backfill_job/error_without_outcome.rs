use telemetry::{Job, backfill_job};

struct Error;

async fn fetch() -> Result<u8, Error> {
    Err(Error)
}

#[backfill_job]
async fn backfill(job: &Job) -> Result<(), Error> {
    job.request("flights", fetch()).await?;
    Ok(())
}

fn main() {
    let _ = backfill();
}
