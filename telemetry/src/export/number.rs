//! Figures: exact for formats, short for people.

use std::fmt::{self, Write};

/// A sample's value. Shown exactly: whole numbers above 2^53 and nanoseconds do not pass through floating point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Integer(u64),
    /// Whole nanoseconds, shown as seconds.
    Nanoseconds(u64),
    /// Any number, `NaN`, `+Inf` and `-Inf` included.
    Float(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Number::Integer(value) => value.fmt(f),
            _ => self.write(f),
        }
    }
}

impl Number {
    /// Writes what is displayed, in a fraction of the time.
    pub(crate) fn write(self, out: &mut impl Write) -> fmt::Result {
        match self {
            Number::Integer(value) => integer(out, value),
            Number::Nanoseconds(value) => seconds(out, value),
            Number::Float(value) => float(out, value),
        }
    }
}

fn integer(out: &mut impl Write, value: impl itoa::Integer) -> fmt::Result {
    out.write_str(itoa::Buffer::new().format(value))
}

fn seconds(out: &mut impl Write, nanoseconds: u64) -> fmt::Result {
    let (whole, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    integer(out, whole)?;
    if rest == 0 {
        return Ok(());
    }
    // The leading one keeps the zeros behind the point.
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(1_000_000_000 + rest).trim_end_matches('0');
    out.write_char('.')?;
    out.write_str(digits.get(1..).unwrap_or_default())
}

/// The shortest digits that are read back as the same number.
fn float(f: &mut impl Write, value: f64) -> fmt::Result {
    let size = value.abs();
    let mut buffer = ryu::Buffer::new();
    // 2^53: up to there an integer is what it looks like. A zero may be negative, which is shown.
    #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
    if size < 9_007_199_254_740_992.0 && value.fract() == 0.0 && size != 0.0 {
        integer(f, value as i64)
    } else if let Some(digits) = decimal(&mut buffer, value) {
        f.write_str(digits.strip_suffix(".0").unwrap_or(digits))
    } else if value.is_nan() {
        f.write_str("NaN")
    } else if value.is_infinite() {
        f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else if size == 0.0 || (1e-7..1e21).contains(&size) {
        write!(f, "{value}")
    } else {
        write!(f, "{value:e}")
    }
}

/// What the standard library's `{:?}` writes, in a fifth of the time; `None` where that would differ, or has an exponent.
fn decimal(buffer: &mut ryu::Buffer, value: f64) -> Option<&str> {
    // Outside, `ryu` writes an exponent.
    if !(1e-5..1e16).contains(&value.abs()) {
        return None;
    }
    let digits = buffer.format_finite(value);
    // Half way between two shortest forms `ryu` takes the even one and the standard library the larger one. To lie there a number must have
    // 17 or 18 digits in all, hence few behind the point, and as many binary ones.
    let may_be_half_way = digits.len() > 16 && (value * f64::from(1 << 24)).fract() == 0.0;
    (!may_be_half_way).then_some(digits)
}

/// The value of `le` or `quantile`, as Prometheus itself writes it: `1.0`, `0.005`, `1e+06`, `5.9e-08`, `+Inf`.
///
/// It is a label, hence part of a series' identity, so it must be the same in every format; a bound in protobuf becomes a
/// label in Prometheus by this rule (the shortest form of Go's `%g`, with `.0` where it would look like a whole number).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound(pub(crate) f64);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if !value.is_finite() || value == 0.0 {
            return if value == 0.0 { f.write_str("0.0") } else { float(f, value) };
        }
        // The limits of `%g` for the shortest form.
        if (1e-4..1e6).contains(&value.abs()) {
            return match decimal(&mut ryu::Buffer::new(), value) {
                Some(digits) => f.write_str(digits),
                None => write!(f, "{value:?}"),
            };
        }
        let scientific = format!("{value:e}");
        let Some((mantissa, exponent)) = scientific.split_once('e') else { return f.write_str(&scientific) };
        let exponent: i32 = exponent.parse().map_err(|_| fmt::Error)?;
        write!(f, "{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
    }
}

/// A duration as people read it: `412 ns`, `1.23 ms`, `12.3 s`, `3 min 05 s`, `2 h 05 min`.
#[must_use]
pub fn human_seconds(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "–".to_owned();
    }
    if seconds < 0.0 {
        return format!("-{}", human_seconds(-seconds));
    }
    // A minute and an hour less half of the last digit shown, so that nothing is rounded up to `60 s`.
    if seconds >= 3_599.5 {
        let minutes = (seconds / 60.0).round();
        return format!("{:.0} h {:02.0} min", (minutes / 60.0).floor(), minutes % 60.0);
    }
    if seconds >= 59.95 {
        let whole = seconds.round();
        return format!("{:.0} min {:02.0} s", (whole / 60.0).floor(), whole % 60.0);
    }
    let scales = [("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)];
    let found = scales.iter().find(|(_, scale)| seconds < scale * 999.5);
    let (unit, scale) = found.copied().unwrap_or(("s", 1.0));
    let value = seconds / scale;
    // Below a nanosecond there is nothing to tell.
    if unit == "ns" { format!("{value:.0} ns") } else { format!("{} {unit}", three_digits(value)) }
}

/// Bytes as people read them: `512 B`, `1.50 KiB`, `2.00 GiB`.
#[must_use]
pub fn human_bytes(bytes: f64) -> String {
    if bytes < 0.0 {
        return format!("-{}", human_bytes(-bytes));
    }
    if bytes < 1024.0 {
        return format!("{bytes:.0} B");
    }
    let (mut value, mut unit) = (bytes / 1024.0, "KiB");
    for larger in ["MiB", "GiB", "TiB", "PiB"] {
        if value >= 999.5 {
            (value, unit) = (value / 1024.0, larger);
        }
    }
    format!("{} {unit}", three_digits(value))
}

/// A share as people read it: `0.4 %`, `12 %`, `>100 %`. What is not nothing is not shown as nothing.
#[must_use]
pub fn human_share(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 100.0 => ">100 %".to_owned(),
        percent if percent >= 9.95 => format!("{percent:.0} %"),
        percent if percent > 0.0 => format!("{:.1} %", percent.max(0.1)),
        _ => "0 %".to_owned(),
    }
}

/// A number as people read it: whole ones with their thousands apart, others with three digits.
#[must_use]
pub fn human_number(value: f64) -> String {
    if !value.is_finite() {
        return Number::Float(value).to_string();
    }
    if value.fract() == 0.0 || value.abs() >= 999.5 {
        if value.abs() >= 1e15 {
            return format!("{value:.2e}");
        }
        let sign = if value < 0.0 { "-" } else { "" };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 1e15")]
        return format!("{sign}{}", thousands(value.abs().round() as u64));
    }
    if value.abs() < 0.001 { format!("{value:.2e}") } else { three_digits(value) }
}

/// `336,776`.
pub(crate) fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    let mut text = String::new();
    // Cannot fail: a `String` takes all.
    let _ = write!(text, "{value:.decimals$}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact() {
        for (number, text) in [
            (Number::Integer(u64::MAX), "18446744073709551615"),
            (Number::Integer((1 << 53) + 1), "9007199254740993"),
            (Number::Nanoseconds(0), "0"),
            (Number::Nanoseconds(1), "0.000000001"),
            (Number::Nanoseconds(1_500_000_000), "1.5"),
            (Number::Nanoseconds(u64::MAX), "18446744073.709551615"),
            (Number::Float(0.1), "0.1"),
            (Number::Float(-0.0), "-0"),
            (Number::Float(1.0), "1"),
            (Number::Float(1_700_000_000.5), "1700000000.5"),
            (Number::Float(1e300), "1e300"),
            (Number::Float(5e-324), "5e-324"),
            (Number::Float(f64::NAN), "NaN"),
            (Number::Float(f64::NEG_INFINITY), "-Inf"),
        ] {
            assert_eq!(number.to_string(), text);
            assert_eq!(written(number), text);
        }
    }

    fn written(number: Number) -> String {
        let mut text = String::new();
        number.write(&mut text).unwrap();
        text
    }

    /// What the standard library makes of a number whose size has no exponent, else its scientific form.
    fn by_the_standard_library(value: f64) -> String {
        let plain = value == 0.0 || (1e-7..1e21).contains(&value.abs());
        if plain { format!("{value}") } else { format!("{value:e}") }
    }

    /// The next floating-point number, or the one before.
    fn beside(value: f64, steps: i64) -> f64 {
        f64::from_bits(value.to_bits().wrapping_add_signed(steps))
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_displays_them() {
        let check = |value: f64| {
            assert_eq!(written(Number::Float(value)), by_the_standard_library(value));
            if (1e-4..1e6).contains(&value.abs()) {
                assert_eq!(Bound(value).to_string(), format!("{value:?}"));
            }
        };
        // Every size, and what lies beside what is special.
        let mut size = 1e-12f64;
        while size < 1e25 {
            for value in [size, beside(size, -1), beside(size, 1), size.floor(), size.ceil(), -size] {
                check(value);
            }
            size *= 1.003;
        }
        for exponent in -12..25 {
            let power = format!("1e{exponent}").parse::<f64>().unwrap();
            for value in [power, beside(power, -1), beside(power, 1), -power] {
                check(value);
            }
        }
        // Any digits, from a sequence that visits its numbers in no order.
        let mut state = 1u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = f64::from_bits(state);
            if value.is_finite() {
                check(value);
            }
            check((state >> 11) as f64 / 1e6);
            // Fractions whose decimal digits end, where two shortest forms may be as near.
            for binary_digits in 1..30 {
                check((state >> 11) as f64 / f64::from(1 << binary_digits));
                check((state >> 40) as f64 / f64::from(1 << binary_digits));
            }
        }
    }

    #[test]
    fn bounds_are_written_as_prometheus_writes_them() {
        for (bound, text) in [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.00005, "5e-05"),
            (2.5, "2.5"),
            (131_072.0, "131072.0"),
            (1e6, "1e+06"),
            (1_048_576.0, "1.048576e+06"),
            (2f64.powi(-24), "5.960464477539063e-08"),
            (-1.0, "-1.0"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(Bound(bound).to_string(), text);
        }
    }

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [
            (0.0, "0 ns"),
            (4.12e-7, "412 ns"),
            (9.996e-7, "1.00 µs"),
            (0.001_234, "1.23 ms"),
            (0.9996, "1.00 s"),
            (12.34, "12.3 s"),
            (59.96, "1 min 00 s"),
            (185.0, "3 min 05 s"),
            (3_599.7, "1 h 00 min"),
            (7_500.0, "2 h 05 min"),
        ] {
            assert_eq!(human_seconds(seconds), text);
        }
    }

    #[test]
    fn bytes_and_numbers_are_short() {
        assert_eq!(human_bytes(512.0), "512 B");
        assert_eq!(human_bytes(1536.0), "1.50 KiB");
        assert_eq!(human_bytes(1_048_500.0), "1.00 MiB");
        assert_eq!(human_number(336_776.0), "336,776");
        assert_eq!(human_number(-1_000.0), "-1,000");
        assert_eq!(human_number(0.123_45), "0.12");
        assert_eq!(human_number(1e-9), "1.00e-9");
        assert_eq!(
            [0.0, 0.000_01, 0.029, 0.0996, 1.0, 40.0].map(human_share),
            ["0 %", "0.1 %", "2.9 %", "10 %", "100 %", ">100 %"]
        );
    }
}
