/// With a separator each three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things.
pub fn plural(number: u64, what: &str) -> String {
    let s = if number == 1 || what.ends_with('s') { "" } else { "s" };
    format!("{} {what}{s}", grouped(number))
}

fn three_digits(value: f64) -> String {
    let decimals = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

/// Seconds, in the unit that leaves three digits.
pub fn duration(seconds: f64) -> String {
    let size = seconds.abs();
    let sign = if seconds < 0.0 { "-" } else { "" };
    let (value, unit) = match size {
        0.0 => return "0 s".to_owned(),
        size if size < 1e-6 => (size * 1e9, "ns"),
        size if size < 1e-3 => (size * 1e6, "µs"),
        size if size < 1.0 => (size * 1e3, "ms"),
        size if size < 120.0 => (size, "s"),
        size => return format!("{sign}{} min {:02} s", (size / 60.0) as u64, (size % 60.0) as u64),
    };
    format!("{sign}{} {unit}", three_digits(value))
}

/// Bytes, in the unit that leaves three digits.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", three_digits(bytes as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{} MB", three_digits(bytes as f64 / 1e6)),
        _ => format!("{} GB", three_digits(bytes as f64 / 1e9)),
    }
}

/// A value in its unit, which is UCUM's.
pub fn in_unit(value: f64, unit: &str) -> String {
    match unit {
        "s" if value.abs() < 1e8 => return duration(value),
        "By" if value.fract() == 0.0 && (0.0..1e18).contains(&value) => return bytes(value as u64),
        _ => {}
    }
    let number = if value.fract() == 0.0 && (0.0..1e15).contains(&value) {
        grouped(value as u64)
    } else if (1e-3..1e6).contains(&value.abs()) {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:?}")
    };
    match unit.strip_prefix('{').and_then(|unit| unit.strip_suffix('}')) {
        // An annotation is in the singular.
        Some(noun) if value == 1.0 || noun.ends_with('s') => format!("{number} {noun}"),
        Some(noun) => format!("{number} {noun}s"),
        None if unit.is_empty() || unit == "1" => number,
        None => format!("{number} {unit}"),
    }
}

/// No more than so many characters.
pub fn short(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= most && line.len() == text.len() {
        return line.to_owned();
    }
    line.chars().take(most.saturating_sub(1)).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!((grouped(0), grouped(999), grouped(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!(
            (plural(1, "span"), plural(2, "span"), plural(2, "series")),
            ("1 span".into(), "2 spans".into(), "2 series".into())
        );
        assert_eq!(
            (duration(0.0123), duration(1.5e-7), duration(125.0)),
            ("12.3 ms".into(), "150 ns".into(), "2 min 05 s".into())
        );
        assert_eq!((bytes(999), bytes(12_345), bytes(3_000_000)), ("999 B".into(), "12.3 kB".into(), "3.00 MB".into()));
        assert_eq!(
            (in_unit(3.0, "{row}"), in_unit(0.25, "1"), in_unit(-1.0, "")),
            ("3 rows".into(), "0.25".into(), "-1".into())
        );
        assert_eq!(
            (short("a\nb", 9), short("abcdef", 4), short("abcd", 4)),
            ("a…".into(), "abc…".into(), "abcd".into())
        );
    }
}
