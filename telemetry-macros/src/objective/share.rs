//! Shares as people write them: `99.9%`, `0.999`.

/// Less is a slip of the pen, as `0.999%` is.
const LEAST: f64 = 0.5;

/// The share, or what is wrong with the text and what to write.
pub(crate) fn parse(text: &str) -> Result<f64, String> {
    let given = text.trim();
    let (number, percent) = match given.strip_suffix('%') {
        Some(number) => (number.trim_end(), true),
        None => (given, false),
    };
    let plain = number.starts_with(|c: char| c.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    // The exponent, and not a division: 99.9 / 100 is not the number that 0.999 is.
    let exponent = if percent { "e-2" } else { "" };
    let share = plain.then(|| format!("{number}{exponent}").parse::<f64>().ok()).flatten();
    let Some(share) = share else {
        return Err(format!("`{text}` is not a share; write one such as `99.9%` or `0.999`"));
    };
    if share > 0.0 && share < LEAST {
        let meant = if percent { format!("; if `{number}` is meant, leave out the `%`") } else { String::new() };
        return Err(format!("`{given}` is less than half, which is no promise{meant}; write a share such as `99.9%`"));
    }
    if share > 0.0 && share < 1.0 {
        return Ok(share);
    }
    if !percent && share > 1.0 && share < 100.0 {
        return Err(format!("`{given}` is more than all; write `{given}%`"));
    }
    #[expect(clippy::float_cmp, reason = "all of them is exactly 1")]
    if share == 1.0 {
        return Err(format!(
            "`{given}` leaves no call that may miss it, so that nothing could be told before the first one does; write less than all, such as `99.99%`"
        ));
    }
    Err(format!("`{given}` does not lie between 0 and 100%; write a share such as `99.9%`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_the_number_that_is_meant() {
        assert_eq!(parse("99.9%"), Ok(0.999));
        assert_eq!(parse("0.999"), Ok(0.999));
        assert_eq!(parse(" 99.95 % "), Ok(0.9995));
        assert_eq!(parse("99%"), Ok(0.99));
        assert_eq!(parse("99.999%"), Ok(0.99999));
    }

    #[test]
    fn what_is_no_share_says_what_to_write() {
        assert!(parse("99.9").unwrap_err().contains("`99.9%`"));
        assert!(parse("100%").unwrap_err().contains("less than all"));
        assert!(parse("1").unwrap_err().contains("less than all"));
        assert!(parse("0.999%").unwrap_err().contains("if `0.999` is meant, leave out the `%`"));
        assert!(parse("0.01").unwrap_err().contains("less than half"));
        for no_share in ["0%", "0", "250%", "120"] {
            assert!(parse(no_share).unwrap_err().contains("between 0 and 100%"), "{no_share}");
        }
        for no_number in ["", "%", "most", "-1%", "1e-3", "99,9%", "NaN", "inf", "+0.5", "1.2.3%"] {
            assert!(parse(no_number).unwrap_err().contains("is not a share"), "{no_number}");
        }
    }
}
