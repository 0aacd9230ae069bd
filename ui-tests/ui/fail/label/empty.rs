#[derive(telemetry::Label)]
enum Never {}

fn main() {}
