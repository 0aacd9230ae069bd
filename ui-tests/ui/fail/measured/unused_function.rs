#![deny(dead_code)]

#[telemetry::measured]
fn nobody_calls() {}

fn main() {}
