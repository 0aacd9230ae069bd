//! A bound as it is exposed, written in a `const fn`, where nothing formats numbers.

use super::text::Text;

/// A number as `le` has it; nothing where it is too large or too small to be written here (outside of some 1e-20 to 1e36).
///
/// The shortest digits that are read back as the same number, by Steele and White's algorithm in integers.
/// <https://dl.acm.org/doi/10.1145/93542.93559>
pub(super) const fn push_bound(text: &mut Text, value: f64) -> bool {
    if value == f64::INFINITY {
        text.push("+Inf");
        return true;
    }
    if value == 0.0 {
        text.push("0.0");
        return true;
    }
    let Some(decimal) = Decimal::of(value.abs()) else { return false };
    if value < 0.0 {
        text.push("-");
    }
    decimal.push(text);
    true
}

/// Whether [`push_bound`] can write it.
pub(super) const fn can_be_written(value: f64) -> bool {
    value == f64::INFINITY || value == 0.0 || Decimal::of(value.abs()).is_some()
}

/// `0.d₁d₂… · 10^point`. No number needs more than 17 digits.
struct Decimal {
    digits: [u8; 17],
    len: usize,
    point: i32,
}

impl Decimal {
    const fn of(value: f64) -> Option<Decimal> {
        let bits = value.to_bits();
        let (mantissa, exponent) = (bits & ((1 << 52) - 1), ((bits >> 52) & 0x7FF) as i32);
        // Subnormal, infinite and NaN are outside anyway.
        let (mantissa, exponent) = (mantissa | 1 << 52, exponent - 1075);
        // So that all products below fit 128 bits.
        if exponent < -119 || exponent > 66 {
            return None;
        }
        // The value is `rest / scale`; half the way to its neighbours `up / scale` and `down / scale`.
        let edge = mantissa == 1 << 52;
        let (shift, factor) = if edge { (2, 2) } else { (1, 1) };
        let (unit, mut scale) = if exponent >= 0 { (1_u128 << exponent, 1) } else { (1, 1_u128 << -exponent) };
        scale <<= shift;
        let mut rest = (mantissa as u128 * unit) << shift;
        let (mut up, mut down) = (unit * factor, unit);
        let even = mantissa % 2 == 0;

        let mut point = 0;
        while rest + up > scale || (even && rest + up == scale) {
            scale *= 10;
            point += 1;
        }
        while (rest + up) * 10 < scale || (!even && (rest + up) * 10 == scale) {
            rest *= 10;
            up *= 10;
            down *= 10;
            point -= 1;
        }
        let mut decimal = Decimal { digits: [0; 17], len: 0, point };
        loop {
            rest *= 10;
            up *= 10;
            down *= 10;
            let digit = (rest / scale) as u8;
            rest %= scale;
            let low = rest < down || (even && rest == down);
            let high = rest + up > scale || (even && rest + up == scale);
            let last = low || high;
            let round_up = high && (!low || rest * 2 >= scale);
            decimal.digits[decimal.len] = digit + round_up as u8;
            decimal.len += 1;
            if last || decimal.len == decimal.digits.len() {
                return Some(decimal);
            }
        }
    }

    const fn push(&self, text: &mut Text) {
        let exponent = self.point - 1;
        // -4 and 6: the limits of Go's `%g` for the shortest form.
        if exponent < -4 || exponent >= 6 {
            self.digit(text, 0);
            if self.len > 1 {
                text.push(".");
            }
            self.from(text, 1);
            text.push(if exponent < 0 { "e-" } else { "e+" });
            let size = exponent.unsigned_abs() as usize;
            push_digit(text, (size / 10) as u8);
            push_digit(text, (size % 10) as u8);
            return;
        }
        if self.point <= 0 {
            text.push("0.");
            let mut zeros = self.point;
            while zeros < 0 {
                text.push("0");
                zeros += 1;
            }
            self.from(text, 0);
            return;
        }
        let mut at = 0;
        while at < self.point as usize {
            self.digit(text, at);
            at += 1;
        }
        text.push(".");
        if at < self.len {
            self.from(text, at);
        } else {
            text.push("0");
        }
    }

    const fn from(&self, text: &mut Text, mut at: usize) {
        while at < self.len {
            self.digit(text, at);
            at += 1;
        }
    }

    const fn digit(&self, text: &mut Text, at: usize) {
        push_digit(text, if at < self.len { self.digits[at] } else { 0 });
    }
}

const fn push_digit(text: &mut Text, digit: u8) {
    let at = digit as usize % 10;
    text.push("0123456789".split_at(at).1.split_at(1).0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Bound;

    fn written(value: f64) -> Option<String> {
        let mut text = Text::new();
        push_bound(&mut text, value).then(|| text.as_str().to_owned())
    }

    #[test]
    fn a_bound_is_written_as_it_is_exposed() {
        let mut values = vec![
            0.0,
            1.0,
            -1.0,
            0.1,
            0.3,
            0.005,
            1e5,
            999_999.0,
            1e6,
            1_048_576.0,
            1e-4,
            9.9e-5,
            1e21,
            f64::INFINITY,
            123_456.75,
        ];
        values.extend((-24..=17).map(|power| 2f64.powi(power)));
        let mut random = 1_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mantissa = f64::from_bits((random >> 12) | 1023 << 52);
            values.push(mantissa * 10f64.powi((random % 41) as i32 - 18));
        }
        for value in values {
            let expected = Bound(value).to_string();
            assert_eq!(written(value), Some(expected.clone()), "{value:e}");
            // The reader's rule is the same: the macro has no other.
            assert_eq!(telemetry_dashboards::Bound(value).to_string(), expected);
        }
    }

    #[test]
    fn what_cannot_be_written_is_left_out() {
        for value in [1e300, 1e-300, f64::MAX, f64::MIN_POSITIVE, f64::NAN] {
            assert_eq!(written(value), None, "{value:e}");
            assert!(!can_be_written(value));
        }
    }
}
