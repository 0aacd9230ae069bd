telemetry::metric! {
    counter Requests(job: &str);
    /// Rows.
    counter rows_total();
    /// Sizes.
    histogram size_kb(le: u8) [3, 2];
}

fn main() {
    // What is right in the block is there.
    rows_total().inc();
}
