#[derive(telemetry::Label)]
enum Sized<const N: usize> {
    Small,
    Large,
}

fn main() {}
