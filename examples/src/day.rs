//! A day of 2013, the year that the source knows.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A day of 2013.
///
/// ```
/// use telemetry_examples::day::Day;
/// let day: Day = "2013-03-01".parse()?;
/// assert_eq!((day.month(), day.day()), (3, 1));
/// assert_eq!(Day::all().nth(59), Some(day));
/// assert_eq!(day.to_string(), "2013-03-01");
/// # Ok::<(), telemetry_examples::day::NoSuchDay>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day {
    /// 0 is the first of January.
    of_year: u16,
}

/// How many days 2013 had.
pub const DAYS: u16 = 365;

const YEAR: u16 = 2013;
/// 2013-01-01, counted from 1970-01-01.
const FIRST_SINCE_1970: i32 = 15_706;
const MONTHS: [u16; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Day {
    /// The days of the year in their order.
    pub fn all() -> impl ExactSizeIterator<Item = Day> {
        (0..DAYS).map(|of_year| Day { of_year })
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u16 {
        self.month_and_day().0
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day(self) -> u16 {
        self.month_and_day().1
    }

    /// Days from 1970-01-01, as databases count.
    #[must_use]
    pub fn since_1970(self) -> i32 {
        FIRST_SINCE_1970 + i32::from(self.of_year)
    }

    /// The day that is so many days after 1970-01-01, if it is one of 2013.
    #[must_use]
    pub fn from_since_1970(days: i32) -> Option<Day> {
        let of_year = u16::try_from(days - FIRST_SINCE_1970).ok()?;
        (of_year < DAYS).then_some(Day { of_year })
    }

    fn month_and_day(self) -> (u16, u16) {
        let (mut month, mut left) = (1, self.of_year);
        for days in MONTHS {
            if left < days {
                break;
            }
            (month, left) = (month + 1, left - days);
        }
        (month, left + 1)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (month, day) = self.month_and_day();
        write!(f, "{YEAR}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = NoSuchDay;

    fn from_str(text: &str) -> Result<Day, NoSuchDay> {
        // Whatever the numbers say, only what prints the same is that day: not `2013-1-1`, not the 29th of February.
        of_numbers(text).filter(|day| day.to_string() == text).ok_or_else(|| NoSuchDay(text.into()))
    }
}

fn of_numbers(text: &str) -> Option<Day> {
    let mut numbers = text.split('-').skip(1).map(|number| number.parse::<u16>().ok());
    let (month, day) = (numbers.next()??, numbers.next()??);
    let before = MONTHS.get(..usize::from(month.checked_sub(1)?))?.iter().sum::<u16>();
    let of_year = before.checked_add(day)?.checked_sub(1)?;
    (of_year < DAYS).then_some(Day { of_year })
}

/// A text that is not a day of 2013.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchDay(String);

impl fmt::Display for NoSuchDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a day that the source knows; it takes a day of {YEAR} such as \"{YEAR}-01-17\"", self.0)
    }
}

impl std::error::Error for NoSuchDay {}

impl TryFrom<String> for Day {
    type Error = NoSuchDay;

    fn try_from(text: String) -> Result<Day, NoSuchDay> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_reads_as_it_prints() {
        for day in Day::all() {
            assert_eq!(day.to_string().parse(), Ok(day));
        }
        let last = Day::all().last().map(|day| day.to_string());
        assert_eq!(last.as_deref(), Some("2013-12-31"));
    }

    #[test]
    fn other_texts_are_no_days() {
        for text in
            ["", "2013", "2013-02-29", "2013-13-01", "2013-00-01", "2012-01-01", "2013-1-1", "2013-01-01T00", "x-y-z"]
        {
            assert_eq!(text.parse::<Day>(), Err(NoSuchDay(text.into())));
        }
    }

    #[test]
    fn days_count_from_1970_as_databases_do() {
        let day: Day = "2013-12-31".parse().unwrap();
        assert_eq!(day.since_1970(), 16_070);
        assert_eq!(Day::from_since_1970(16_070), Some(day));
        assert_eq!(Day::from_since_1970(16_071), None);
        assert_eq!(Day::from_since_1970(0), None);
    }
}
