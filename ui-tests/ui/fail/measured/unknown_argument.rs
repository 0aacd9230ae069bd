#[telemetry::measured(nmae = "x")]
fn one() {}

#[telemetry::measured(name = "x", name = "y", frobnicate(7), crate = telemetry)]
fn two() {}

#[telemetry::measured(name = 3)]
fn three() {}

#[telemetry::measured(name = "")]
fn four() {}

fn main() {}
