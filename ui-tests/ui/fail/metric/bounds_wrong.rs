telemetry::metric! {
    /// Not sorted.
    histogram one_bytes() [1, 3, 2];
    /// Equal.
    histogram two_bytes() [1, 1.0];
    /// Not a number.
    histogram three_bytes() [1, "x", f64::INFINITY];
    /// Not finite.
    histogram four_bytes() [1, 1e999];
}

fn main() {}
