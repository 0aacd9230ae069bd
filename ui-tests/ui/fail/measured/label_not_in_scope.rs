use telemetry::measured;

#[measured(labels(size = size))]
fn pattern((size, _): (u32, u32)) {}

#[measured(ok_if = |_| days.is_empty())]
fn moved(days: Vec<u8>) {
    drop(days);
}

fn main() {}
