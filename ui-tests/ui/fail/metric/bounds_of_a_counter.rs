telemetry::metric! {
    /// Rows.
    counter rows_total() [1, 2];
}

fn main() {}
