use telemetry::ProfiledConnection;

struct Connection;

#[derive(ProfiledConnection)]
struct Warehouse {
    #[profiled_connection = "warehouse"]
    conn: Connection,
}

fn main() {}
