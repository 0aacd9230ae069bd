use telemetry::ProfiledConnection;

#[derive(ProfiledConnection)]
enum Warehouse {
    Open,
    Closed,
}

#[derive(ProfiledConnection)]
union Either {
    a: u8,
    b: i8,
}

fn main() {}
