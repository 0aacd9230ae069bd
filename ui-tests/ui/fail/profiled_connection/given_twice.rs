use telemetry::ProfiledConnection;

struct Connection;

#[derive(ProfiledConnection)]
#[profiled_connection(name = "warehouse")]
struct Warehouse {
    #[profiled_connection(name = "warehouse", name = "store")]
    #[profiled_connection(slow = "1s")]
    conn: Connection,
    #[profiled_connection]
    other: Connection,
}

fn main() {}
