use telemetry::measured;

#[measured(objective(latency = "fast", latency = "250ms"))]
fn no_duration() {}

#[measured(objective(latency = 250))]
fn number() {}

#[measured(objective(latncy = "250ms"))]
fn misspelt() {}

#[measured(objective(latency = "0s"))]
fn no_time() {}

#[measured(objective(success = "99.9", latency = "250ms", at = 0.99, window = "1h"))]
fn several_at_once() {}

#[measured(objective(success = "100%"))]
fn all_of_them() {}

#[measured(objective(success = "most"))]
fn no_share() {}

#[measured(objective(success = "99%", at = "99%"))]
fn at_without_latency() {}

#[measured(objective(window = "30d"))]
fn of_nothing() {}

#[measured(objective(success = "99%", window = "365d"))]
fn long_window() {}

#[measured(objective(success = "99%", of = "records"))]
fn of_a_job() {}

#[measured(objective(success_rate = "99%"))]
fn as_elsewhere() {}

#[measured(objective(success = "99%"), types)]
fn of_unknown_names<T>(_: T) {}

#[measured(objective())]
fn empty() {}

#[measured(objective = "250ms")]
fn not_in_parentheses() {}

fn main() {}
