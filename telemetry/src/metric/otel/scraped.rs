//! The name under which Prometheus shows what OpenTelemetry calls otherwise: its default translation, `UnderscoreEscapingWithSuffixes`.
//!
//! After prometheus/otlptranslator's `metric_namer.go` and `unit_namer.go`; `docs/opentelemetry.md` has the rules and the commits, and
//! `tests/data/otlptranslator.tsv` Prometheus' own cases, against which it is held.

use super::OtelData;

/// The name is cut into words; unit, `total` and `ratio` are words behind it, unless they are there: the unit stays where it
/// is, the others move to the end.
pub(crate) fn escaping(name: &str, unit: &str, data: OtelData) -> String {
    let mut words: Vec<String> =
        name.split(|c| !allowed(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let (main, per) = unit_words(unit);
    // A word that underscores end loses them only before another.
    let (mut main, per) = (cleaned(&main), cleaned(&per));
    let per = per.trim_end_matches('_').to_owned();
    if words.contains(&main) {
        main.clear();
    }
    let per = Some(per).filter(|per| !per.is_empty() && per != "per" && !words.contains(per));
    if per.is_some() {
        main = main.trim_end_matches('_').to_owned();
    }
    words.extend([main].into_iter().filter(|main| !main.is_empty()).chain(per));
    let mut to_the_end = |last: &str| {
        words.retain(|word| word != last);
        words.push(last.to_owned());
    };
    if data == OtelData::MonotonicSum {
        to_the_end("total");
    }
    if unit == "1" && data == OtelData::Gauge {
        to_the_end("ratio");
    }
    let name = words.join("_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The words for what is before a unit's stroke and behind it. What has a brace in it is none.
pub(crate) fn unit_words(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let known = |code: &str, words: &[(&str, &str)]| {
        let code = code.trim();
        if code.contains(['{', '}']) {
            return String::new();
        }
        words.iter().find(|(known, _)| *known == code).map_or(code, |(_, word)| word).to_owned()
    };
    let per = known(per, &PER);
    (known(main, &MAIN), if per.is_empty() { per } else { format!("per_{per}") })
}

/// otlptranslator's table.
const MAIN: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];
const PER: [(&str, &str); 7] =
    [("s", "second"), ("m", "minute"), ("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month"), ("y", "year")];

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// What is not allowed becomes one underscore, and none at the beginning.
fn cleaned(word: &str) -> String {
    let mut cleaned = String::new();
    for c in word.chars() {
        match allowed(c) {
            true => cleaned.push(c),
            false if cleaned.is_empty() || cleaned.ends_with('_') => {}
            false => cleaned.push('_'),
        }
    }
    cleaned
}
