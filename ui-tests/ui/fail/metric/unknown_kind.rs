telemetry::metric! {
    /// Rows.
    conter rows_total();
    /// Sizes.
    summary size_bytes();
    /// Timers.
    timer x_seconds();
}

fn main() {}
