//! Units in names: the base units, and what is to be written for a scaled one.

/// The base units, which a name ends in (before a counter's `_total`).
/// <https://prometheus.io/docs/practices/naming/#base-units>
pub(crate) const BASE: [&str; 9] =
    ["seconds", "bytes", "ratio", "celsius", "meters", "grams", "joules", "volts", "amperes"];

/// Scaled and singular units, with the base unit to write.
const SCALED: [(&str, &str); 61] = [
    ("ns", "seconds"),
    ("us", "seconds"),
    ("ms", "seconds"),
    ("nanos", "seconds"),
    ("micros", "seconds"),
    ("millis", "seconds"),
    ("nanoseconds", "seconds"),
    ("microseconds", "seconds"),
    ("milliseconds", "seconds"),
    ("sec", "seconds"),
    ("secs", "seconds"),
    ("second", "seconds"),
    ("minutes", "seconds"),
    ("mins", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("months", "seconds"),
    ("years", "seconds"),
    ("bits", "bytes"),
    ("byte", "bytes"),
    ("kb", "bytes"),
    ("mb", "bytes"),
    ("gb", "bytes"),
    ("tb", "bytes"),
    ("kib", "bytes"),
    ("mib", "bytes"),
    ("gib", "bytes"),
    ("kilobytes", "bytes"),
    ("megabytes", "bytes"),
    ("gigabytes", "bytes"),
    ("kibibytes", "bytes"),
    ("mebibytes", "bytes"),
    ("gibibytes", "bytes"),
    ("percent", "ratio"),
    ("percents", "ratio"),
    ("percentage", "ratio"),
    ("pct", "ratio"),
    ("permille", "ratio"),
    ("fahrenheit", "celsius"),
    ("kelvin", "celsius"),
    ("millimeters", "meters"),
    ("centimeters", "meters"),
    ("kilometers", "meters"),
    ("miles", "meters"),
    ("feet", "meters"),
    ("inches", "meters"),
    ("yards", "meters"),
    ("milligrams", "grams"),
    ("kilograms", "grams"),
    ("tons", "grams"),
    ("pounds", "grams"),
    ("ounces", "grams"),
    ("kilojoules", "joules"),
    ("calories", "joules"),
    ("kilocalories", "joules"),
    ("millivolts", "volts"),
    ("kilovolts", "volts"),
    ("milliamperes", "amperes"),
    ("milliamps", "amperes"),
    ("amps", "amperes"),
];

/// The scaled unit that a stem ends in, with its base unit.
pub(crate) fn scaled(stem: &str) -> Option<(&'static str, &'static str)> {
    let word = stem.rsplit('_').next().unwrap_or_default();
    SCALED.iter().find(|(scaled, _)| *scaled == word && !is_rate(stem)).copied()
}

/// Whether a stem tells a rate, such as a limit of requests per second: its unit is not the last word.
pub(crate) fn is_rate(stem: &str) -> bool {
    let mut words = stem.rsplit('_').skip(1);
    words.next() == Some("per") && words.next().is_some()
}

/// The unit that a stem ends in: a base unit, or a plural noun for what is counted. Empty where there is none.
pub(crate) fn of(stem: &str) -> &str {
    let word = stem.rsplit('_').next().unwrap_or_default();
    // A plural is told by its `s`; `ss` (address, progress) and `us` (status) are none.
    let plural = word.len() > 2 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us");
    if BASE.contains(&word) || plural { word } else { "" }
}
