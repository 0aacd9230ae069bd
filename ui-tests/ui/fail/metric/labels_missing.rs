telemetry::metric! {
    /// Rows.
    counter rows_total;
}

fn main() {}
