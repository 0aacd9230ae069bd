use telemetry::ProfiledConnection;

struct Connection;

#[derive(ProfiledConnection)]
struct Warehouse {
    name: String,
    conn: Connection,
}

fn main() {}
