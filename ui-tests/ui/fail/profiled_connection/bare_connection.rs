use telemetry::ProfiledConnection;

mod duckdb {
    pub struct Connection;
}

#[derive(ProfiledConnection)]
struct Warehouse {
    #[profiled_connection(name = "warehouse")]
    conn: duckdb::Connection,
}

#[derive(ProfiledConnection)]
struct Borrowed<'a>(&'a mut duckdb::Connection);

fn main() {}
