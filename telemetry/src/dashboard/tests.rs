//! Every verdict with its whole sentence, as constants' messages and findings have it.

use super::ask::{Ask, At, Comparison, Made, Reads, Sample, Suffix};
use super::families::{Families, sorted};
use super::{sentence, verdict};
use crate::metric::{Descriptor, Kind, Origin};
use telemetry_dashboards as read;

const fn family(name: &'static str, kind: Kind, labels: &'static [&'static str], bounds: &'static [f64]) -> Descriptor {
    let origin = Origin { package: "p", version: "1", module: "m", file: "src/metrics.rs", line: 7 };
    Descriptor { name, kind, help: "", unit: "", labels, bounds, origin }
}

const MANY: &[f64] = &{
    let mut bounds = [0.0; 30];
    let mut at = 0;
    while at < bounds.len() {
        bounds[at] = at as f64 + 1.0;
        at += 1;
    }
    bounds
};

const DECLARED: &[Descriptor] = &[
    family("pages_total", Kind::Counter, &["carrier", "code"], &[]),
    family("bare_total", Kind::Counter, &[], &[]),
    family("queue_records", Kind::Gauge, &["queue"], &[]),
    family("build_info", Kind::Info, &["version"], &[]),
    family("fetch_seconds", Kind::Histogram, &["carrier"], &[0.05, 0.5, 1.0, 10.0]),
    family("drift_celsius", Kind::Histogram, &[], &[-1.0, 0.0, 1.0]),
    family("many_records", Kind::Histogram, &[], MANY),
    family("old_seconds", Kind::Summary, &["carrier"], &[]),
    family("foreign_thing", Kind::Unknown, &[], &[]),
];

/// What is said of an ask: nothing where all is well.
fn said(ask: &read::Ask) -> String {
    let catalogs = [DECLARED];
    let entries = sorted(&catalogs);
    let families = Families::new(&catalogs, &entries);
    let made = Made::of(ask);
    let ask = Ask::lend(ask, &made);
    verdict::fault(&families, &ask)
        .map_or_else(String::new, |fault| sentence::sentence(&families, &fault).as_str().to_owned())
}

fn sample(name: &str) -> read::Sample {
    read::Sample::new(name)
}

fn all(cases: &[(read::Ask, &str)]) {
    for (ask, expected) in cases {
        assert_eq!(said(ask), *expected, "{ask:?}");
    }
}

#[test]
fn a_series_is_given_by_a_declared_family() {
    let series = |name: &str| read::Ask::Series(sample(name));
    for name in [
        "pages_total",
        "queue_records",
        "build_info",
        "fetch_seconds",
        "fetch_seconds_bucket",
        "fetch_seconds_sum",
        "fetch_seconds_count",
        "old_seconds",
        "old_seconds_sum",
        "old_seconds_count",
        "foreign_thing",
    ] {
        assert_eq!(said(&series(name)), "", "{name}");
    }
    all(&[
        (series("pages_totl"), "no declared family gives the series `pages_totl`; did you mean `pages_total`?"),
        (series("pages"), "no declared family gives the series `pages`; did you mean the counter `pages_total`?"),
        (series("build"), "no declared family gives the series `build`; did you mean the info `build_info`?"),
        (
            series("fetch_second_bucket"),
            "no declared family gives the series `fetch_second_bucket`; did you mean `fetch_seconds_bucket`?",
        ),
        (
            series("fetch_seconds_buckets"),
            "no declared family gives the series `fetch_seconds_buckets`; did you mean `fetch_seconds_bucket`?",
        ),
        (
            series("fetch_secs_sum"),
            "no declared family gives the series `fetch_secs_sum`; did you mean `fetch_seconds_sum`?",
        ),
        (
            series("node_cpu_seconds_total"),
            "no declared family gives the series `node_cpu_seconds_total`; declare it with `metric!`, add its catalog to \
             `catalogs`, or, where another exporter gives it, write `foreign = [\"node_\"]`",
        ),
        (
            series("up"),
            "no declared family gives the series `up`; declare it with `metric!`, add its catalog to `catalogs`, or, where \
             another exporter gives it, write `foreign = [\"up\"]`",
        ),
        (
            series("queue_records_bucket"),
            "`queue_records_bucket` is asked of `queue_records`, which is a gauge and has no buckets; write `queue_records`, \
             or declare a histogram",
        ),
        (
            series("pages_total_sum"),
            "`pages_total_sum` is asked of `pages_total`, which is a counter and gives no sum; write `pages_total`, or declare \
             a histogram",
        ),
        (
            series("build_info_count"),
            "`build_info_count` is asked of `build_info`, which is an info and gives no count; write `build_info`, or declare \
             a histogram",
        ),
        (
            series("old_seconds_bucket"),
            "`old_seconds_bucket` is asked of `old_seconds`, which is a summary and has no buckets; write `old_seconds`, or \
             declare a histogram",
        ),
    ]);
}

#[test]
fn a_pattern_for_names_meets_one() {
    let prefix = |text: &str| read::Ask::Prefix(String::from(text));
    for text in ["", "p", "pages_", "pages_total", "fetch_seconds_b", "fetch_seconds_count"] {
        assert_eq!(said(&prefix(text)), "", "{text}");
    }
    all(&[
        (
            prefix("fecth_"),
            "no declared family gives a series whose name begins with `fecth_`; did you mean the beginning of `fetch_seconds`?",
        ),
        (
            prefix("pages_total_b"),
            "no declared family gives a series whose name begins with `pages_total_b`; declare it with `metric!`, add its \
             catalog to `catalogs`, or, where another exporter gives it, write `foreign = [\"pages_\"]`",
        ),
        (
            prefix("zzz_q"),
            "no declared family gives a series whose name begins with `zzz_q`; declare it with `metric!`, add its catalog to \
             `catalogs`, or, where another exporter gives it, write `foreign = [\"zzz_\"]`",
        ),
    ]);
}

#[test]
fn a_label_is_one_of_the_family_s() {
    let label = |label: &str, of: &[&str], reads| read::Ask::Label {
        label: String::from(label),
        of: of.iter().map(|name| sample(name)).collect(),
        reads,
    };
    for (name, of) in [
        ("carrier", &["pages_total"][..]),
        ("carrier", &["fetch_seconds_bucket"]),
        ("le", &["fetch_seconds_bucket"]),
        ("quantile", &["old_seconds"]),
        ("otel_metric_overflow", &["pages_total"]),
        ("__name__", &["pages_total"]),
        ("queue", &["pages_total", "queue_records"]),
        ("anything", &["pages_total", "not_declared"]),
        ("anything", &[]),
    ] {
        assert_eq!(said(&label(name, of, Reads::Matcher)), "", "{name} of {of:?}");
    }
    all(&[
        (
            label("carier", &["pages_total"], Reads::Matcher),
            "a matcher names the label `carier`, which `pages_total` does not have; its labels are `carrier`, `code`; did you \
             mean `carrier`?",
        ),
        (
            label("day", &["pages_total"], Reads::By),
            "`by (…)` names the label `day`, which `pages_total` does not have; its labels are `carrier`, `code`",
        ),
        (
            label("day", &["bare_total"], Reads::Without),
            "`without (…)` names the label `day`, which `bare_total` does not have; it has no labels, leave `day` out",
        ),
        (
            label("cod", &["pages_total", "queue_records"], Reads::On),
            "`on (…)` names the label `cod`, which neither `pages_total` nor `queue_records` has; their labels are `carrier`, \
             `code`, `queue`; did you mean `code`?",
        ),
        (
            label("day", &["pages_total", "fetch_seconds_count", "queue_records"], Reads::Ignoring),
            "`ignoring (…)` names the label `day`, which none of `pages_total`, `fetch_seconds_count`, `queue_records` has; \
             their labels are `carrier`, `code`, `queue`",
        ),
        (
            label("le", &["fetch_seconds"], Reads::By),
            "`by (…)` names the label `le`, which `fetch_seconds` does not have; its labels are `carrier`; `le` is on its \
             buckets, write `fetch_seconds_bucket`",
        ),
        (
            label("le", &["fetch_seconds_sum"], Reads::Group),
            "`group_left (…)` or `group_right (…)` names the label `le`, which `fetch_seconds_sum` does not have; its labels \
             are `carrier`; `le` is on its buckets, write `fetch_seconds_bucket`",
        ),
        (
            label("day", &["queue_records"], Reads::Argument),
            "a function's argument names the label `day`, which `queue_records` does not have; its labels are `queue`",
        ),
        (
            label("queu", &["queue_records"], Reads::Template),
            "a legend or an annotation names the label `queu`, which `queue_records` does not have; its labels are `queue`; \
             did you mean `queue`?",
        ),
        (
            label("day", &["queue_records"], Reads::Variable),
            "`label_values(…)` names the label `day`, which `queue_records` does not have; its labels are `queue`",
        ),
    ]);
}

#[test]
fn a_rate_is_asked_of_what_counts() {
    let counts =
        |name: &str, function: &str| read::Ask::Counts { sample: sample(name), function: String::from(function) };
    for name in
        ["pages_total", "fetch_seconds", "fetch_seconds_bucket", "old_seconds_sum", "foreign_thing", "not_declared"]
    {
        assert_eq!(said(&counts(name, "rate")), "", "{name}");
    }
    all(&[
        (
            counts("queue_records", "rate"),
            "`rate` is asked of the gauge `queue_records`, which goes up and down; write `deriv`, or declare a counter",
        ),
        (
            counts("queue_records", "irate"),
            "`irate` is asked of the gauge `queue_records`, which goes up and down; write `idelta`, or declare a counter",
        ),
        (
            counts("queue_records", "increase"),
            "`increase` is asked of the gauge `queue_records`, which goes up and down; write `delta`, or declare a counter",
        ),
        (counts("build_info", "rate"), "`rate` is asked of the info `build_info`, which is always 1; leave `rate` out"),
        (
            counts("old_seconds", "rate"),
            "`rate` is asked of the quantiles of the summary `old_seconds`, which do not count; write `old_seconds_count` or \
             `old_seconds_sum`",
        ),
    ]);
}

#[test]
fn a_panel_shows_no_bare_counter() {
    let shown = |name: &str| read::Ask::Shown(sample(name));
    for name in ["queue_records", "build_info", "fetch_seconds", "old_seconds", "foreign_thing", "not_declared"] {
        assert_eq!(said(&shown(name)), "", "{name}");
    }
    all(&[
        (
            shown("pages_total"),
            "`pages_total` is a counter and is shown as it is, so the panel only shows that it grows; write \
             `rate(pages_total[$__rate_interval])` or `increase(pages_total[$__range])`",
        ),
        (
            shown("fetch_seconds_count"),
            "`fetch_seconds_count` counts and is shown as it is, so the panel only shows that it grows; write \
             `rate(fetch_seconds_count[$__rate_interval])` or `increase(fetch_seconds_count[$__range])`",
        ),
    ]);
}

#[test]
fn a_quantile_is_asked_of_buckets() {
    let buckets = |name: &str| read::Ask::Buckets(sample(name));
    for name in ["fetch_seconds", "fetch_seconds_bucket", "foreign_thing", "not_declared"] {
        assert_eq!(said(&buckets(name)), "", "{name}");
    }
    all(&[
        (
            buckets("fetch_seconds_sum"),
            "`histogram_quantile` is asked of `fetch_seconds_sum`, which has no buckets; write `fetch_seconds_bucket`",
        ),
        (
            buckets("old_seconds_count"),
            "`histogram_quantile` is asked of `old_seconds_count`, which has no buckets; declare the histogram `old_seconds`",
        ),
        (
            buckets("pages_total"),
            "`histogram_quantile` is asked of the counter `pages_total`, which has no buckets; declare a histogram",
        ),
        (
            buckets("old_seconds"),
            "`histogram_quantile` is asked of the summary `old_seconds`, which has no buckets; declare a histogram",
        ),
    ]);
}

#[test]
fn a_threshold_is_one_that_a_quantile_can_pass() {
    use Comparison::{Above, AtLeast, AtMost, Below, Equal};
    let threshold = |name: &str, comparison, value| read::Ask::Threshold { sample: sample(name), comparison, value };
    for (name, comparison, value) in [
        ("fetch_seconds_bucket", Above, 0.05),
        ("fetch_seconds_bucket", Above, 0.7),
        ("fetch_seconds_bucket", Above, 0.0),
        ("fetch_seconds_bucket", AtLeast, 10.0),
        ("fetch_seconds_bucket", Below, 10.0),
        ("fetch_seconds_bucket", Equal, 10.0),
        ("fetch_seconds_bucket", Below, 0.05),
        ("fetch_seconds_bucket", Above, f64::NAN),
        ("drift_celsius_bucket", Above, -1.0),
        ("drift_celsius_bucket", AtMost, -1.0),
        ("drift_celsius_bucket", Below, 0.0),
        // Native buckets are not those that are declared.
        ("fetch_seconds", Above, 60.0),
        ("pages_total", Above, 60.0),
        ("not_declared_bucket", Above, 60.0),
    ] {
        assert_eq!(said(&threshold(name, comparison, value)), "", "{name} {comparison:?} {value}");
    }
    let above = |symbol: &str, value: &str, when: &str| {
        format!(
            "no quantile of `fetch_seconds` is above the highest bound, `10.0`, so `{symbol} {value}` is {when} true; \
             compare with less, or declare a higher bound"
        )
    };
    let negative = |symbol: &str, value: &str, when: &str| {
        format!("no quantile of `fetch_seconds` is below zero, so `{symbol} {value}` is {when} true; compare with more")
    };
    let low = |symbol: &str, value: &str| {
        format!(
            "the buckets of `fetch_seconds` tell nothing apart below the lowest bound, `0.05`, so `{symbol} {value}` compares \
             with what is only interpolated; compare with that bound or more, or declare a lower one"
        )
    };
    for (comparison, value, expected) in [
        (Above, 10.0, above(">", "10", "never")),
        (Above, 60.0, above(">", "60", "never")),
        (AtLeast, 10.5, above(">=", "10.5", "never")),
        (Below, 60.0, above("<", "60", "always")),
        (AtMost, 10.0, above("<=", "10", "always")),
        (Equal, 60.0, above("==", "60", "never")),
        (Above, f64::INFINITY, above(">", "inf", "never")),
        (Below, 0.0, negative("<", "0", "never")),
        (AtLeast, 0.0, negative(">=", "0", "always")),
        (Above, -1.0, negative(">", "-1", "always")),
        (AtMost, -1.0, negative("<=", "-1", "never")),
        (Above, 0.01, low(">", "0.01")),
        (Below, 0.049, low("<", "0.049")),
    ] {
        assert_eq!(said(&threshold("fetch_seconds_bucket", comparison, value)), expected);
    }
    assert_eq!(
        said(&threshold("drift_celsius_bucket", Below, -1.0)),
        "no quantile of `drift_celsius` is below the lowest bound, `-1.0`, so `< -1` is never true; compare with more"
    );
}

#[test]
fn a_bound_is_written_as_it_is_exposed() {
    let bound = |name: &str, le: &str| read::Ask::Bound { sample: sample(name), le: String::from(le) };
    for (name, le) in [
        ("fetch_seconds_bucket", "0.5"),
        ("fetch_seconds_bucket", "1.0"),
        ("fetch_seconds_bucket", "+Inf"),
        ("drift_celsius_bucket", "-1.0"),
        ("drift_celsius_bucket", "0.0"),
        ("not_declared_bucket", "7"),
    ] {
        assert_eq!(said(&bound(name, le)), "", "{name} {le}");
    }
    let misspelt = |le: &str, right: &str| {
        format!(
            "`le=\"{le}\"` meets no series of `fetch_seconds_bucket`, whose bound is written `{right}`; write `le=\"{right}\"`"
        )
    };
    let wrong = |le: &str| {
        format!("`le=\"{le}\"` is no bound of `fetch_seconds`; write one of `0.05`, `0.5`, `1.0`, `10.0`, `+Inf`")
    };
    for (le, expected) in [
        ("1", misspelt("1", "1.0")),
        ("0.50", misspelt("0.50", "0.5")),
        ("1e1", misspelt("1e1", "10.0")),
        ("Inf", misspelt("Inf", "+Inf")),
        ("2", wrong("2")),
        ("fast", wrong("fast")),
        ("-Inf", wrong("-Inf")),
    ] {
        assert_eq!(said(&bound("fetch_seconds_bucket", le)), expected);
    }
    for (le, expected) in [
        ("3.5", "`le=\"3.5\"` is no bound of `many_records`; write one beside it: `3.0`, `4.0`, or `+Inf`"),
        ("0.5", "`le=\"0.5\"` is no bound of `many_records`; write one beside it: `1.0`, or `+Inf`"),
        ("99", "`le=\"99\"` is no bound of `many_records`; write one beside it: `30.0`, or `+Inf`"),
    ] {
        assert_eq!(said(&bound("many_records_bucket", le)), expected);
    }
}

#[test]
fn a_line_has_the_place_before_and_the_query_behind() {
    fn line(name: &str, query: &str) -> Option<String> {
        let catalogs = [DECLARED];
        let entries = sorted(&catalogs);
        let families = Families::new(&catalogs, &entries);
        let asked = sample(name);
        let at = At { place: "dashboards/x.json: panel \"Pages\"", query };
        let fault = verdict::fault(&families, &Ask::Series(Sample::lend(&asked)));
        fault.map(|fault| sentence::line(&at, &families, &fault, None).as_str().to_owned())
    }
    assert_eq!(
        line("pages_totl", "rate(pages_totl[5m])").as_deref(),
        Some(
            "dashboards/x.json: panel \"Pages\": no declared family gives the series `pages_totl`; did you mean \
             `pages_total`? query: `rate(pages_totl[5m])`"
        )
    );
    let long = line("queue_records_sum", &"ü".repeat(9_000)).unwrap_or_default();
    assert!(long.contains("or declare a histogram; query: `üü") && long.len() <= 8_192, "{}", long.len());
    assert_eq!(line("pages_total", ""), None);
}

#[test]
fn families_are_found_among_many_and_those_of_equal_hash_told_apart() {
    let names: Vec<&'static str> = (0..2_000).map(|n| &*format!("family_{n}_total").leak()).collect();
    let declared: Vec<Descriptor> = names.iter().map(|name| family(name, Kind::Counter, &[], &[])).collect();
    let catalogs: [&[Descriptor]; 3] = [&declared[..700], &[], &declared[700..]];
    let entries = sorted(&catalogs);
    let families = Families::new(&catalogs, &entries);
    for name in names {
        assert_eq!(families.find(name, read::hash(name)).map(|found| found.name), Some(name));
    }
    assert!(families.find("family_2000_total", read::hash("family_2000_total")).is_none());
    // Another name under the hash of one that is there.
    assert!(families.find("other_total", read::hash("family_7_total")).is_none());
}

#[test]
fn what_is_checked_when_compiling_is_what_is_checked_when_called() {
    const CATALOGS: &[&[Descriptor]] = &[DECLARED];
    const FAMILIES: Families<'static> =
        Families::new(CATALOGS, &super::families::entries::<{ super::families::count(CATALOGS) }>(CATALOGS));
    const SAMPLE: Sample<'static> =
        Sample { name: "pages_totl", suffix: Suffix::None, hash: read::hash("pages_totl"), stem_hash: 0 };
    const LEN: usize = match verdict::fault(&FAMILIES, &Ask::Series(SAMPLE)) {
        Some(fault) => sentence::sentence(&FAMILIES, &fault).as_str().len(),
        None => 0,
    };
    assert_eq!(LEN, said(&read::Ask::Series(sample("pages_totl"))).len());
}
