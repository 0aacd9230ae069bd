use telemetry::ProfiledConnection;

#[derive(ProfiledConnection)]
struct Warehouse {}

fn main() {}
