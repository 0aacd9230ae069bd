//! How a bound is written in the label `le`.

use std::fmt;

/// A bound as it is exposed: `1.0`, `0.005`, `1e+06`, `+Inf`. `telemetry::export` writes it by the same rule, and a test of that crate
/// compares the two: here none of that crate can be used.
#[derive(Clone, Copy, Debug)]
pub struct Bound(pub f64);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if value.is_nan() {
            return f.write_str("NaN");
        }
        if value.is_infinite() {
            return f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        }
        if value == 0.0 {
            return f.write_str("0.0");
        }
        let scientific = format!("{value:e}");
        let Some((mantissa, exponent)) = scientific.split_once('e') else { return f.write_str(&scientific) };
        let exponent: i32 = exponent.parse().map_err(|_| fmt::Error)?;
        // -4 and 6: the limits of Go's `%g` for the shortest form.
        if (-4..6).contains(&exponent) {
            return write!(f, "{value:?}");
        }
        write!(f, "{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
    }
}
