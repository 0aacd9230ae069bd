//! Prometheus' translation of what is pushed over OTLP, told again in our own words and held against Prometheus' own cases; then
//! every name there and back.

use super::scraped::{escaping, unit_words};
use super::*;
use crate::metric::Origin;
use std::collections::BTreeMap;

/// Prometheus' cases, with where each is from.
const CASES: &str = include_str!("../../../../tests/data/otlptranslator.tsv");

/// The `translation_strategy` of a Prometheus server's `otlp` section. The two others append nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Translation {
    /// `UnderscoreEscapingWithSuffixes`, the default.
    Escaping,
    /// `NoUTF8EscapingWithSuffixes`.
    Utf8,
}
use Translation::{Escaping, Utf8};

impl Translation {
    fn name(self, name: &str, unit: &str, data: OtelData) -> String {
        match self {
            Escaping => escaping(name, unit, data),
            Utf8 => utf8(name, unit, data),
        }
    }
}

/// The name stays as it is. `total` and `ratio` are cut off where it ends in their letters, with one character before them, and
/// put back behind the unit, which is appended unless the name ends in its letters.
fn utf8(name: &str, unit: &str, data: OtelData) -> String {
    let mut name = name.to_owned();
    let mut suffixes = Vec::new();
    let mut cut = |name: &mut String, suffix: &str| {
        if name.ends_with(suffix) && name.len() > suffix.len() + 1 {
            name.truncate(name.len() - suffix.len() - 1);
        }
        suffixes.push(suffix.to_owned());
    };
    if unit == "1" && data == OtelData::Gauge {
        cut(&mut name, "ratio");
    }
    if data == OtelData::MonotonicSum {
        cut(&mut name, "total");
    }
    let (main, per) = unit_words(unit);
    if !per.is_empty() {
        cut(&mut name, &per);
    }
    if !main.is_empty() && !name.ends_with(&main) {
        name = format!("{name}_{main}");
    }
    suffixes.iter().rev().fold(name, |name, suffix| format!("{name}_{suffix}"))
}

/// The same of earlier versions: what is there already is appended once more.
fn utf8_of_old(name: &str, unit: &str, data: OtelData) -> String {
    let (main, per) = unit_words(unit);
    let total = if data == OtelData::MonotonicSum { "total" } else { "" };
    let ratio = if unit == "1" && data == OtelData::Gauge { "ratio" } else { "" };
    let suffixes = [main.as_str(), &per, total, ratio].into_iter().filter(|suffix| !suffix.is_empty());
    suffixes.fold(name.to_owned(), |name, suffix| format!("{name}_{suffix}"))
}

/// A line of the table: source, translation, type, name, unit, result.
fn cases() -> Vec<[String; 6]> {
    let rows = CASES.lines().filter(|line| !line.starts_with('#')).skip(1);
    let cells = |row: &str| row.split('\t').map(|cell| cell.trim_matches('"').replace("\\t", "\t")).collect::<Vec<_>>();
    rows.map(|row| cells(row).try_into().unwrap_or_else(|_| panic!("six cells: {row}"))).collect()
}

#[test]
fn the_translation_is_that_of_prometheus() {
    let cases = cases();
    assert!(cases.len() > 100);
    for [_, translation, data, name, unit, result] in cases {
        let data = match data.as_str() {
            "counter" => OtelData::MonotonicSum,
            "sum" => OtelData::NonMonotonicSum,
            "histogram" => OtelData::Histogram,
            "summary" => OtelData::Summary,
            "gauge" => OtelData::Gauge,
            // Neither a gauge nor a sum: nothing is appended for its type.
            "unknown" => OtelData::NonMonotonicSum,
            other => panic!("{other}"),
        };
        let translation = if translation == "utf8" { Utf8 } else { Escaping };
        assert_eq!(translation.name(&name, &unit, data), result, "{translation:?} of {name:?} in {unit:?}");
    }
}

#[test]
fn every_built_in_family_is_scraped_and_pushed_under_one_name() {
    let mut names = BTreeMap::new();
    for family in crate::builtin::CATALOG {
        there_and_back(family);
        let name = family.otel_name();
        assert_eq!(utf8_of_old(name, &family.otel_unit(), family.kind.otel_data()), family.name);
        assert!(name.len() <= 255 && family.otel_unit().len() <= 63, "OpenTelemetry's limits: {name}");
        if let Some(other) = names.insert(name, family.name) {
            panic!("{other} and {} are both pushed as {name}", family.name);
        }
    }
}

/// Words that the translation might take for something else, at the beginning, in the middle and at the end.
const AWKWARD: [&str; 19] = [
    "x",
    "rows",
    "total",
    "subtotal",
    "ratio",
    "aspectratio",
    "seconds",
    "milliseconds",
    "bytes",
    "megabytes",
    "celsius",
    "per",
    "second",
    "info",
    "count",
    "a1",
    "1",
    "s",
    "records",
];

#[test]
fn every_name_that_can_be_declared_is_scraped_and_pushed_under_one_name() {
    let units = UCUM.map(|(word, _)| word).into_iter().chain(["records", "queries", ""]);
    let mut stems: Vec<String> = AWKWARD.map(str::to_owned).into();
    for length in 1..3 {
        let longer = stems.iter().filter(|stem| stem.split('_').count() == length);
        let longer: Vec<_> = longer.flat_map(|stem| AWKWARD.map(|word| format!("{stem}_{word}"))).collect();
        stems.extend(longer);
    }
    let mut tried = 0;
    for unit in units {
        for stem in stems.iter().map(String::as_str).chain([""]) {
            let stem = [stem, unit].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
            for kind in [Kind::Counter, Kind::Gauge, Kind::Histogram, Kind::Info] {
                if let Some(family) = declared(kind, &stem, unit) {
                    there_and_back(&family);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100_000, "{tried}");
}

/// What `metric!` makes of it, unless it would be refused.
fn declared(kind: Kind, stem: &str, unit: &'static str) -> Option<Descriptor> {
    let suffix = match kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        _ => "",
    };
    let reserved = ["total", "bucket", "sum", "count", "created", "info"];
    let last = stem.rsplit('_').next().unwrap_or_default();
    let digit = stem.starts_with(|c: char| c.is_ascii_digit());
    let total = kind == Kind::Counter && stem.split('_').any(|word| word == "total");
    if stem.is_empty() || digit || total || reserved.contains(&last) {
        return None;
    }
    // Where no unit was asked for, the stem may end in one all the same.
    let unit = match UCUM.iter().find(|(word, _)| *word == last) {
        Some((word, _)) => word,
        None if unit.is_empty() && last == "records" => "records",
        None => unit,
    };
    Some(family(kind, format!("{stem}{suffix}").leak(), unit))
}

fn family(kind: Kind, name: &'static str, unit: &'static str) -> Descriptor {
    let origin = Origin { package: "", version: "", module: "", file: "", line: 0 };
    Descriptor { name, kind, help: "", unit, labels: &[], bounds: &[], origin }
}

fn there_and_back(family: &Descriptor) {
    let (name, unit, data) = (family.otel_name(), family.otel_unit(), family.kind.otel_data());
    assert!(!name.is_empty() && family.name.starts_with(name), "{name} for {}", family.name);
    for translation in [Escaping, Utf8] {
        let back = translation.name(name, &unit, data);
        assert_eq!(back, family.name, "{translation:?} of the {} {name} in {unit:?}", family.kind);
        let back = translation.name(family.name, &unit, data);
        assert_eq!(back, family.name, "{translation:?} of the name that is scraped, in {unit:?}");
    }
}

#[test]
fn what_the_translation_appends_is_left_out_and_nothing_else() {
    for (kind, name, unit, otel_name, otel_unit) in [
        (Kind::Counter, "rows_total", "rows", "rows", "{row}"),
        (Kind::Counter, "busy_seconds_total", "seconds", "busy", "s"),
        (Kind::Counter, "x_ratio_total", "ratio", "x_ratio", "1"),
        (Kind::Gauge, "x_ratio", "ratio", "x", "1"),
        (Kind::Histogram, "x_ratio", "ratio", "x_ratio", "1"),
        (Kind::Histogram, "wait_seconds", "seconds", "wait", "s"),
        (Kind::Gauge, "up", "", "up", ""),
        (Kind::Info, "build_info", "", "build_info", ""),
        // The rest would lose a word, so all of it is pushed.
        (Kind::Gauge, "seconds", "seconds", "seconds", "s"),
        (Kind::Gauge, "seconds_since_start_seconds", "seconds", "seconds_since_start_seconds", "s"),
        (Kind::Gauge, "megabytes_bytes", "bytes", "megabytes_bytes", "By"),
        (Kind::Gauge, "ratio", "ratio", "ratio", "{ratio}"),
        (Kind::Gauge, "ratio_of_hits_ratio", "ratio", "ratio_of_hits_ratio", "{ratio}"),
        (Kind::Counter, "subtotal_total", "", "subtotal_total", ""),
        (Kind::Counter, "subtotal_bytes_total", "bytes", "subtotal_bytes", "By"),
        (Kind::Gauge, "total_bytes", "bytes", "total", "By"),
    ] {
        let family = family(kind, name, unit);
        assert_eq!((family.otel_name(), &*family.otel_unit()), (otel_name, otel_unit), "{kind} {name}");
        there_and_back(&family);
    }
}

/// Why `metric!` refuses it.
#[test]
fn no_name_gives_a_counter_with_total_among_its_words() {
    for name in ["total_rows_total", "total_rows", "rows", "total.rows.total", "Total_rows"] {
        assert_ne!(escaping(name, "", OtelData::MonotonicSum), "total_rows_total");
    }
}

#[test]
fn nouns_are_singular() {
    for (plural, one) in [
        ("records", "record"),
        ("queries", "query"),
        ("retries", "retry"),
        ("batches", "batch"),
        ("processes", "process"),
        ("boxes", "box"),
        ("databases", "database"),
        ("responses", "response"),
        ("sizes", "size"),
        ("caches", "cache"),
        ("series", "series"),
        ("ties", "tie"),
    ] {
        assert_eq!(singular(plural), one);
    }
}
