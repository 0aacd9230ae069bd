telemetry::metric! {
    /// Sizes.
    histogram size_bytes();
    /// Sizes again.
    histogram other_size_bytes() [];
}

fn main() {}
