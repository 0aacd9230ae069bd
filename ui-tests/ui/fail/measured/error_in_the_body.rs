#[telemetry::measured]
fn sync() -> u32 {
    let x = 1;
    "not a number"
}

#[telemetry::measured]
async fn later() -> u32 {
    let x = 1;
    "not a number"
}

#[telemetry::measured]
fn early(stop: bool) -> u32 {
    if stop {
        return "not a number";
    }
    1
}

fn main() {}
