telemetry::metric! {
    /// Requests.
    gauge requests_total();
    /// Rows.
    gauge rows_count();
    /// Sizes.
    histogram size_bytes_bucket() [1, 2];
    /// Sums.
    counter rows_sum_total();
}

fn main() {}
