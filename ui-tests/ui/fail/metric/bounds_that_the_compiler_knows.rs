const FIRST: f64 = 0.25;
const ROWS: u32 = 10;
const EMPTY: &[f64] = &[];
const UNSORTED: [f64; 3] = [1.0, 3.0, 2.0];

telemetry::metric! {
    /// Not sorted.
    histogram a_bytes() [FIRST, 2 * FIRST, 0.3];
    /// Equal.
    histogram b_bytes() [0.25, FIRST];
    /// Not finite, twice.
    histogram c_bytes() [FIRST, f64::INFINITY, f64::NAN, 3];
    /// Not a float.
    histogram d_bytes() [ROWS];
    /// Empty.
    histogram e_bytes() [..EMPTY];
    /// Not sorted.
    histogram f_bytes() [..UNSORTED];
    /// Not bounds.
    histogram g_bytes() [..FIRST];
    /// Not a constant.
    histogram j_bytes() [std::env::args().count() as f64];
    /// Not of this crate.
    histogram k_bytes() [FRIST];
}

fn main() {}
