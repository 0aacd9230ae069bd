//! Times as people read them.

use std::time::SystemTime;

const DAY: u64 = 86_400;

/// `2026-11-22T23:10:04Z`.
pub(crate) fn text(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date of a day after 1970-01-01, by the Gregorian calendar. Years begin with March here, so that the day that some have
/// more is the last: see "chrono-compatible low-level date algorithms" by Howard Hinnant.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, of_era) = (days / 146_097, days % 146_097); // 400 years each
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_time_is_written_as_rfc_3339_says() {
        let text_of = |seconds| text(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(text_of(0), "1970-01-01T00:00:00Z");
        assert_eq!(text_of(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(text_of(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(text_of(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(text_of(1_709_251_200), "2024-03-01T00:00:00Z");
        assert_eq!(text_of(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(text_of(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
