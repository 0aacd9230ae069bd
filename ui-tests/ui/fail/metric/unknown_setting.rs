telemetry::metric! {
    crat = telemetry;
    /// Rows.
    counter rows_total();
    catalog = LATE;
}

fn main() {}
