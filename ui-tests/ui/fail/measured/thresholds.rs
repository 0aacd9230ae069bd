use telemetry::measured;

#[measured(buckets = [0.5, 0.1, 0.1, 0, -1, "1s", 1ms])]
fn wrong_times() {}

#[measured(buckets = [])]
fn no_times() {}

#[measured(buckets = 0.5)]
fn one_time() {}

fn main() {}
