telemetry::metric! {
    /// Rows.
    counter rows_total();
    /// Rows again.
    counter rows_total(table: &str);
}

fn main() {}
