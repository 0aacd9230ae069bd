const BOUNDS: [f64; 2] = [1.0, 2.0];

telemetry::metric! {
    /// Not sorted.
    histogram one_bytes() [1, 3, 2];
    /// Equal.
    histogram two_bytes() [1, 1.0];
    /// Not a number.
    histogram three_bytes() [1, "x", 3u8, true];
    /// Not finite.
    histogram four_bytes() [1, 1e999, 1 / 0];
    /// Computed and not sorted.
    histogram five_bytes() [3 * 60, 2 * 60];
    /// A comma is missing, and a bound.
    histogram six_bytes() [1 2, , 3];
    /// A constant that is not alone.
    histogram seven_bytes() [..BOUNDS, 4];
    /// No constant.
    histogram eight_bytes() [..];
}

fn main() {}
