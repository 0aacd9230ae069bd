#![deny(unused_must_use)]

#[telemetry::measured]
#[must_use]
fn answer() -> u8 {
    42
}

#[telemetry::measured]
fn fails() -> Result<(), String> {
    Ok(())
}

fn main() {
    answer();
    fails();
}
