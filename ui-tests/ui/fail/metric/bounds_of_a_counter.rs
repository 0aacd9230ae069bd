telemetry::metric! {
    /// Rows.
    counter rows_total() [1, 2];
    /// Records.
    gauge waiting_records() [1, 2];
    /// The build.
    info build_info() [..BOUNDS];
}

fn main() {}
