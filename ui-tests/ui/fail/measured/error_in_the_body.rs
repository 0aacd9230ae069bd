use std::future::Future;
use std::pin::Pin;

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

#[telemetry::measured]
async fn early_and_later(stop: bool) -> u32 {
    if stop {
        return "not a number";
    }
    1
}

#[telemetry::measured]
#[track_caller]
fn tracked(stop: bool) -> u32 {
    if stop {
        return "not a number";
    }
    "neither"
}

#[telemetry::measured]
fn boxed() -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(async move { "not a number" })
}

#[telemetry::measured]
fn no_value() -> u32 {
    1;
}

#[telemetry::measured]
async fn no_value_later() -> u32 {
    let x = 1;
}

fn main() {}
