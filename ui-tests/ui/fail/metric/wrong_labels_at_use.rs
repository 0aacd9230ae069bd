telemetry::metric! {
    /// Rows.
    counter rows_read_total(table: &str, code: u16);
}

fn main() {
    rows_read_total("flights").inc();
    rows_read_total("flights", 200, 3).inc();
    rows_read_total("flights", "200").inc();
}
