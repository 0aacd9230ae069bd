use telemetry::measured;

#[measured(buckets = [0.5, 0.1, 0.1, 0, -1, "1s", 1ms])]
fn wrong_times() {}

#[measured(buckets = [])]
fn no_times() {}

#[measured(buckets = 0.5)]
fn one_time() {}

#[measured(objective(latency = "fast", latency = "250ms"))]
fn no_duration() {}

#[measured(objective(latency = 250))]
fn number() {}

#[measured(objective(latncy = "250ms"))]
fn misspelt() {}

#[measured(objective(latency = "0s"))]
fn no_time() {}

#[measured(objective(latency = "250ms", success = 0.99))]
fn with_a_target() {}

#[measured(objective())]
fn empty() {}

#[measured(objective = "250ms")]
fn not_in_parentheses() {}

fn main() {}
