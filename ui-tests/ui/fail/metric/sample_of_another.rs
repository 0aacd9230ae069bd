telemetry::metric! {
    /// A histogram.
    histogram request_seconds() [1, 2];
    /// Its count.
    counter request_seconds_count();
    /// Its sum.
    gauge request_seconds_sum();
    /// A counter.
    counter rows_total();
    /// When it began.
    gauge rows_created();
}

fn main() {}
