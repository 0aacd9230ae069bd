telemetry::metric! {
    /// A gauge.
    gauge rows();
    /// A counter.
    counter rows_total();
    /// An info.
    info rows_info();
    /// A histogram.
    histogram request_seconds() [1, 2];
    /// A counter of the same.
    counter request_seconds_total();
}

fn main() {
    rows_total().inc();
}
