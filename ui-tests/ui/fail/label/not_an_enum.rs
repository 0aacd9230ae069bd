#[derive(telemetry::Label)]
struct Outcome {
    hit: bool,
}

#[derive(telemetry::Label)]
union Either {
    a: u8,
    b: i8,
}

fn main() {}
