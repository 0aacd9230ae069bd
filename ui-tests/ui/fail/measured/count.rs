use telemetry::measured;

#[measured(count, buckets = [0.1])]
fn count_and_times() {}

#[measured(objective(latency = "250ms"), count)]
fn objective_and_count() {}

#[measured(count = true)]
fn with_a_value() {}

#[measured(types = [u8])]
fn types_with_a_value() {}

fn main() {}
