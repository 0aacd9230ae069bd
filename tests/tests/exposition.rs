//! The exposition of a whole program, read by the strict reader: every kind, awkward label values, exact numbers.

use std::panic::catch_unwind;
use std::time::Duration;
use telemetry::export::text;
use telemetry::{measured, metric};
use telemetry_tests::parser::{Exposition, parse};

metric! {
    /// Rows with a "quote", a \ and more.
    ///
    /// Not help.
    counter exposed_rows_total(table: &str, shard: u8);
    /// Time spent on it.
    counter exposed_wait_seconds_total();
    /// Degrees.
    gauge exposed_celsius();
    /// Seconds of something.
    histogram exposed_step_seconds(step: &str) [0.25, 1, 2.5, 1_000_000];
    /// Never touched, with a label of which nobody knows the values.
    counter exposed_untouched_total(of: &str);
}

fn exposition() -> Exposition {
    let text = text::encode(&telemetry::snapshot());
    parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn awkward_label_values_come_back_as_they_were() {
    for value in ["", "a\"b", "back\\slash", "two\nlines", "\\n", "ü 漢 \u{1F600}", "a,b=\"c\"}", "#", "\u{1}"] {
        exposed_rows_total(value, 1).add(7);
        let read = exposition();
        assert_eq!(read.value("exposed_rows_total", &[("table", value), ("shard", "1")]), Some(7.0), "{value:?}");
    }
    let family = exposition();
    let help = family.family("exposed_rows_total").unwrap().help.as_deref();
    assert_eq!(help, Some("Rows with a \"quote\", a \\ and more."));
}

#[test]
fn whole_numbers_and_time_are_exact() {
    exposed_rows_total("exact", 2).add((1 << 53) + 1);
    exposed_wait_seconds_total().add(Duration::new(9_007_199_254, 740_993_001));
    let read = exposition();
    let labels = [("table", "exact"), ("shard", "2")];
    assert_eq!(read.sample("exposed_rows_total", &labels).unwrap().text, "9007199254740993");
    assert_eq!(read.sample("exposed_wait_seconds_total", &[]).unwrap().text, "9007199254.740993001");
}

#[test]
fn a_declared_histogram_is_cumulative_over_its_bounds() {
    for value in [0.25, 0.3, 1.0, 7.0, 2e6] {
        exposed_step_seconds("a").observe(value);
    }
    let read = exposition();
    let buckets: Vec<_> = ["0.25", "1.0", "2.5", "1e+06", "+Inf"]
        .iter()
        .map(|le| read.value("exposed_step_seconds_bucket", &[("step", "a"), ("le", le)]))
        .collect();
    assert_eq!(buckets, [Some(1.0), Some(3.0), Some(3.0), Some(4.0), Some(5.0)]);
    assert_eq!(read.value("exposed_step_seconds_sum", &[("step", "a")]), Some(2_000_008.55));
}

#[test]
fn every_bound_looks_like_a_fraction_so_that_no_format_changes_it() {
    exposed_step_seconds("b").observe(1.0);
    let read = exposition();
    let bounds = read.families.iter().flat_map(|family| &family.samples).filter_map(|sample| sample.labels.get("le"));
    for bound in bounds {
        assert!(bound == "+Inf" || bound.contains(['.', 'e']), "{bound}");
    }
}

#[measured]
fn halve(number: u32) -> Result<u32, String> {
    assert!(number != 13, "on purpose");
    if number.is_multiple_of(2) { Ok(number / 2) } else { Err("odd".to_owned()) }
}

#[test]
fn a_measured_function_is_shown_by_result() {
    for number in [2, 4, 6, 7] {
        assert_eq!(halve(number).is_ok(), number != 7);
    }
    assert!(catch_unwind(|| halve(13)).is_err());
    let read = exposition();
    for (result, calls) in [("ok", 3.0), ("error", 1.0), ("panic", 1.0)] {
        let labels = [("function", "halve"), ("module", "exposition"), ("result", result)];
        assert_eq!(read.value("function_calls_total", &labels), Some(calls), "{result}");
        assert_eq!(read.value("function_calls_duration_seconds_count", &labels), Some(calls), "{result}");
    }
    let running = read.value("function_calls_concurrent", &[("function", "halve"), ("module", "exposition")]);
    assert_eq!(running, Some(0.0));
}

#[test]
fn families_are_sorted_have_a_type_and_series_and_counters_end_in_total() {
    exposed_celsius().set(-273.15);
    let read = exposition();
    let names: Vec<_> = read.families.iter().map(|family| &family.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    for family in &read.families {
        assert!(!family.samples.is_empty(), "{}", family.name);
        assert_ne!(family.kind, "untyped", "{}", family.name);
        assert!(family.help.as_ref().is_some_and(|help| !help.is_empty()), "{}", family.name);
        assert_eq!(family.kind == "counter", family.name.ends_with("_total"), "{}", family.name);
    }
    assert_eq!(read.value("exposed_celsius", &[]), Some(-273.15));
    assert!(read.family("exposed_untouched_total").is_none());
}
