//! Labels that are enums, declarations wherever they may stand, and what only the compiler knows of them.
#![forbid(unsafe_code, unreachable_code, missing_docs, clippy::all, clippy::pedantic)]

use telemetry::{Kind, Label, metric, testing};

/// How a lookup ended. Nothing is derived but the label.
#[derive(Label)]
enum Outcome {
    Hit,
    NotFound,
    #[label(rename = "HTTP 429")]
    Limited,
    #[cfg(target_family = "wasm")]
    Absent,
    #[expect(non_camel_case_types, reason = "a raw name")]
    r#type,
    Größe,
}

#[derive(Label)]
#[label(rename_all = "SCREAMING-KEBAB-CASE", crate = telemetry)]
enum Source {
    NycFlights,
    Planes,
}

const FIRST: f64 = 0.25;
const ALL: [f64; 3] = [1.0, 2.0, 4.0];
const SLICE: &[f64] = &ALL;

metric! {
    /// Lookups, over labels that are all closed.
    counter lookups_total(outcome: &Outcome, cached: bool);
    /// Seconds, over a closed label.
    histogram lookup_seconds(source: Source) [FIRST, 2 * FIRST, 5, 60 * 2, f64::MAX];
    /// Times, over a closed label.
    counter waited_seconds_total(source: &Source);
    /// Waiting, over a closed label.
    gauge waiting_records(outcome: Outcome);
    /// The source in use.
    info source_info(source: Source);
    /// Over a closed label and one that is not.
    counter pages_total(source: &Source, page: u16);
    /// Texts.
    counter texts_total(text: &str, code: u8);
    #[doc = concat!("Put ", "together.", "\n\n", "More.")]
    #[doc = "And more."]
    histogram page_records() [..ALL];
    #[doc = include_str!("labels/help.md")]
    histogram other_page_records() [..SLICE];
    /**
     * Rows that were read
     * from any table.
     *
     * More.
     */
    counter starred_total();
    /// A keyword.
    gauge r#type(r#type: &str, fn: bool);
}

fn families() -> Vec<(String, Vec<String>)> {
    let series = |series: &telemetry::snapshot::Series| {
        series.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
    };
    let family =
        |family: &telemetry::snapshot::Family| (family.name.to_string(), family.series.iter().map(series).collect());
    telemetry::snapshot().families.iter().map(family).collect()
}

fn series_of(name: &str) -> Vec<String> {
    families().into_iter().find(|(family, _)| family == name).map(|(_, series)| series).unwrap_or_default()
}

/// Takes any closed label.
fn value_of(label: &impl Label) -> &'static str {
    label.as_str()
}

#[test]
fn a_label_that_is_an_enum_has_its_variants_as_values() {
    assert_eq!(Outcome::VALUES, ["hit", "not_found", "HTTP 429", "type", "größe"]);
    assert_eq!(Source::VALUES, ["NYC-FLIGHTS", "PLANES"]);
    assert_eq!(
        [Outcome::Limited.as_str(), Outcome::r#type.as_str(), Outcome::Größe.as_str()],
        ["HTTP 429", "type", "größe"]
    );
    assert_eq!(value_of(&Source::NycFlights), "NYC-FLIGHTS");
}

#[test]
fn a_lookup_by_an_enum_finds_its_own_series() {
    for (count, outcome) in [Outcome::Hit, Outcome::NotFound, Outcome::Limited].iter().enumerate() {
        lookups_total(outcome, true).add(count as u64 + 1);
    }
    lookups_total(&Outcome::Hit, true).inc();
    let value = |outcome, cached| testing::value("lookups_total", &[("outcome", outcome), ("cached", cached)]);
    assert_eq!(value("hit", "true"), Some(2.0));
    assert_eq!(value("not_found", "true"), Some(2.0));
    assert_eq!(value("HTTP 429", "true"), Some(3.0));
    assert_eq!(value("hit", "false"), Some(0.0));
    pages_total(&Source::Planes, 7).inc();
    assert_eq!(testing::value("pages_total", &[("source", "PLANES"), ("page", "7")]), Some(1.0));
}

#[test]
fn counters_and_histograms_over_closed_labels_exist_at_zero() {
    assert_eq!(series_of("lookups_total").len(), 10);
    assert_eq!(series_of("lookup_seconds"), ["source=NYC-FLIGHTS", "source=PLANES"]);
    assert_eq!(series_of("waited_seconds_total"), ["source=NYC-FLIGHTS", "source=PLANES"]);
    assert_eq!(waited_seconds_total(&Source::Planes).get(), std::time::Duration::ZERO);
    assert_eq!(lookup_seconds(Source::NycFlights).count(), 0);
}

#[test]
fn gauges_and_infos_over_closed_labels_begin_with_nothing() {
    assert_eq!(series_of("waiting_records"), Vec::<String>::new());
    assert_eq!(series_of("source_info"), Vec::<String>::new());
    // Nor do families with a label that is not closed.
    assert!(!series_of("pages_total").contains(&String::from("source=NYC-FLIGHTS,page=0")));
    let _ = (waiting_records, source_info);
}

#[test]
fn a_long_value_is_cut_and_keeps_its_one_series() {
    let long = "ä".repeat(1 << 19);
    let other = "ä".repeat(2_000) + "another end";
    for _ in 0..3 {
        texts_total(&long, 1).inc();
    }
    // What differs behind the cut is not told apart.
    texts_total(&other, 1).inc();
    texts_total(&long, 2).inc();
    assert_eq!((texts_total(&long, 1).get(), texts_total(&long, 2).get()), (4, 1));
    let kept = series_of("texts_total");
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|series| series.len() < 1_024 + 32 && series.contains("ä…")), "{kept:?}");
    let cut = testing::value("telemetry_cut_lookups_total", &[("metric", "texts_total")]);
    assert_eq!(cut, Some(7.0), "each lookup is counted, those of `get` too");
    // At the bound nothing is cut.
    texts_total(&"x".repeat(1_024), 3).inc();
    assert!(series_of("texts_total").contains(&format!("text={},code=3", "x".repeat(1_024))));
}

#[test]
fn bounds_and_help_may_be_computed() {
    assert_eq!(lookup_seconds::DESCRIPTOR.bounds, [0.25, 0.5, 5.0, 120.0, f64::MAX]);
    assert_eq!(page_records::DESCRIPTOR.bounds, [1.0, 2.0, 4.0]);
    assert_eq!(other_page_records::DESCRIPTOR.bounds, page_records::DESCRIPTOR.bounds);
    assert_eq!(page_records::DESCRIPTOR.help, "Put together.");
    assert_eq!(other_page_records::DESCRIPTOR.help, "Records of a page, however they came.");
    assert_eq!(starred_total::DESCRIPTOR.help, "Rows that were read from any table.");
    page_records().observe(3.0);
    other_page_records().observe(3.0);
    starred_total().inc();
}

#[test]
fn a_metric_may_have_a_keyword_as_its_name() {
    r#type("a", true).set(3.0);
    assert_eq!(testing::value("type", &[("type", "a"), ("fn", "true")]), Some(3.0));
    assert_eq!(r#type::DESCRIPTOR.name, "type");
}

#[test]
fn a_descriptor_knows_its_own_line() {
    let line = |descriptor: telemetry::Descriptor| descriptor.origin.line;
    assert_eq!(line(lookup_seconds::DESCRIPTOR), line(lookups_total::DESCRIPTOR) + 2);
    assert_eq!(lookups_total::DESCRIPTOR.origin.file, file!());
}

/// Two functions of one module, each with a block of its own.
fn in_a_function() -> u64 {
    const BOUND: f64 = 7.5;
    metric! {
        /// In a function.
        counter in_a_function_total(source: Source);
        /// With a constant of the function.
        histogram in_a_function_bytes() [BOUND, 2 * BOUND];
    }
    in_a_function_total(Source::Planes).inc();
    assert_eq!((CATALOG.len(), in_a_function_bytes::DESCRIPTOR.bounds), (2, &[7.5, 15.0][..]));
    in_a_function_bytes().observe(1.0);
    in_a_function_total(Source::Planes).get()
}

fn in_another_function() -> u64 {
    metric! {
        /// In another function.
        counter in_another_function_total();
    }
    in_another_function_total().inc();
    in_another_function_total().get()
}

struct Reader;

impl Reader {
    fn in_a_method<T>(_: T) -> u64 {
        metric! {
            /// In a generic method.
            counter in_a_method_total();
        }
        in_a_method_total().inc();
        in_a_method_total().get()
    }
}

const _: () = {
    metric! {
        /// In a constant, where nothing can name it.
        counter in_a_constant_total();
    }
    let _ = in_a_constant_total;
};

macro_rules! requests {
    ($visibility:vis $name:ident, $label:ident: $ty:ty, $documentation:literal, [$($bound:expr),*], $all:expr) => {
        mod $name {
            metric_in_a_macro!($visibility $name, $label: $ty, $documentation, [$($bound),*], $all);
        }
    };
}

macro_rules! metric_in_a_macro {
    ($visibility:vis $name:ident, $label:ident: $ty:ty, $documentation:literal, [$($bound:expr),*], $all:expr) => {
        telemetry::metric! {
            catalog = REQUESTS;
            #[doc = $documentation]
            $visibility histogram $name($label: $ty, fixed: bool) [$($bound),*];
            #[doc = concat!("Of ", stringify!($name))]
            $visibility histogram others_bytes($label: $ty, fixed: bool) [..$all];
        }
    };
}

requests!(pub(super) requests_bytes, path: &'static str, "In a macro.", [1, 2.5 * 2.0, super::FIRST + 10], super::ALL);

mod conditions {
    telemetry::metric! {
        /// On one system.
        #[cfg(target_family = "wasm")]
        pub gauge either(table: &str);
        /// On the others.
        #[cfg(not(target_family = "wasm"))]
        pub gauge either();
        /// On none.
        #[cfg(target_family = "wasm")]
        pub histogram none_bytes(on: bool) [f64::NAN];
    }
}

#[test]
fn a_block_may_stand_anywhere() {
    assert_eq!((in_a_function(), in_another_function(), Reader::in_a_method("x")), (1, 1, 1));
    requests_bytes::requests_bytes("a", true).observe(7.0);
    requests_bytes::others_bytes("a", true).observe(7.0);
    assert_eq!(requests_bytes::requests_bytes::DESCRIPTOR.bounds, [1.0, 5.0, 10.25]);
    assert_eq!(requests_bytes::REQUESTS.map_help(), ["In a macro.", "Of requests_bytes"]);
    conditions::either().set(1.0);
    assert_eq!(conditions::CATALOG.len(), 1);
    metric! {
        /// In a test.
        gauge in_a_test();
    }
    in_a_test().set(2.0);
    let known: Vec<&str> = telemetry::catalog().iter().map(|descriptor| descriptor.name).collect();
    for name in
        ["in_a_function_total", "in_a_method_total", "in_a_constant_total", "requests_bytes", "either", "in_a_test"]
    {
        assert!(known.contains(&name), "{name}");
    }
    assert_eq!(series_of("in_a_constant_total"), [""], "a counter that nothing touched");
    assert_eq!(series_of("in_a_function_total"), ["source=NYC-FLIGHTS", "source=PLANES"]);
    assert_eq!(in_a_test::DESCRIPTOR.kind, Kind::Gauge);
}

trait Helps {
    fn map_help(&self) -> Vec<&'static str>;
}

impl Helps for [telemetry::Descriptor] {
    fn map_help(&self) -> Vec<&'static str> {
        self.iter().map(|descriptor| descriptor.help).collect()
    }
}
