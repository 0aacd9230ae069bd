use telemetry::ProfiledConnection;

struct Connection;

#[derive(ProfiledConnection)]
struct Warehouse {
    #[profiled_connection(nmae = "warehouse", budget = 5, slow = "1s")]
    conn: Connection,
}

fn main() {}
