#![deny(unused_variables)]

#[telemetry::measured]
fn ignores(unused: u8) {}

fn main() {
    ignores(1);
}
