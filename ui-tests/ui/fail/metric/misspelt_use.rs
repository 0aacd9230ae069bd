telemetry::metric! {
    /// Rows.
    counter rows_read_total(table: &str);
}

fn main() {
    row_read_total("flights").inc();
}
