use telemetry::ProfiledConnection;

struct Connection;

#[derive(ProfiledConnection)]
struct Number {
    #[profiled_connection(slow = 250)]
    conn: Connection,
}

#[derive(ProfiledConnection)]
struct WithoutUnit {
    #[profiled_connection(slow = "250")]
    conn: Connection,
}

#[derive(ProfiledConnection)]
struct UnknownUnit {
    #[profiled_connection(slow = "3 days")]
    conn: Connection,
}

#[derive(ProfiledConnection)]
struct NoDuration {
    #[profiled_connection(slow = "fast", name = "", profile = "no")]
    conn: Connection,
}

fn main() {}
