telemetry::metric! {
    /// Rows.
    counter total_rows_read_total();
    /// Bytes.
    counter rows_total_bytes_total();
    /// A share.
    gauge ratio_of_hits_ratio();
    /// These are right.
    gauge total_rows();
    /// These are right.
    gauge ratio_limit();
}

fn main() {}
