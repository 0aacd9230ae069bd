//! Durations as people write them: `250ms`, `1.5s`.

use std::time::Duration;

/// Units, with their nanoseconds. The longer of two that end alike comes first.
const UNITS: [(&str, f64); 7] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];

/// The duration, or what is wrong with the text and what to write.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: f64 = number
        .parse()
        .map_err(|_| format!("`{text}` is not a duration; write a number and a unit, such as `250ms` or `1.5s`"))?;
    let unit = unit.trim();
    if unit.is_empty() {
        return Err(format!("`{text}` does not tell its unit; write `{text}ms` or `{text}s`"));
    }
    let Some((_, nanoseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("unknown unit `{unit}` in `{text}`; write one of `ns`, `us`, `ms`, `s`, `m`, `h`"));
    };
    let nanoseconds = (number * nanoseconds).round();
    // A year: longer than any statement, and far below what the integer holds.
    if nanoseconds > 366.0 * 24.0 * 3600e9 {
        return Err(format!("`{text}` is longer than a year; write a shorter duration, such as `250ms`"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative, and below 2^55")]
    Ok(Duration::from_nanos(nanoseconds as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_make_a_duration() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse(" 2 m "), Ok(Duration::from_secs(120)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_no_duration_says_what_to_write() {
        assert!(parse("250").unwrap_err().contains("`250ms`"));
        assert!(parse("fast").unwrap_err().contains("`250ms`"));
        assert!(parse("3 days").unwrap_err().contains("`h`"));
        assert!(parse("").unwrap_err().contains("not a duration"));
        assert!(parse("1.2.3s").unwrap_err().contains("not a duration"));
        assert!(parse("-1s").unwrap_err().contains("not a duration"));
        assert!(parse("99999h").unwrap_err().contains("year"));
    }
}
