//! `OpenMetrics` 1.0, which has exemplars, units, and the time since when a series counts.
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>

use crate::export::escape::Escaping;
use crate::export::exemplar::by_bucket;
use crate::export::line::{Lines, between};
use crate::export::{Encoder, Number, Options, Sample, encode as walk};
use crate::metric::Kind;
use crate::snapshot::{Exemplar, Family, Histogram, Series, Snapshot, Summary, Value};
use std::fmt::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// The exposition of a snapshot, with what the program was [told](crate::Builder::created_timestamps) to show.
///
/// ```
/// telemetry::metric! { /** Rows told. */ counter rows_told_total(); }
/// rows_told_total().add(3);
/// let text = telemetry::export::openmetrics::encode(&telemetry::snapshot());
/// assert!(text.contains("# TYPE rows_told counter\n# HELP rows_told Rows told.\nrows_told_total 3\n"));
/// assert!(text.ends_with("# EOF\n"));
/// ```
#[must_use]
pub fn encode(snapshot: &Snapshot) -> String {
    encode_with(snapshot, Escaping::default(), Options::of_program())
}

pub(super) fn encode_with(snapshot: &Snapshot, escaping: Escaping, options: Options) -> String {
    let mut text = String::new();
    // Cannot fail: a `String` takes all.
    let _ = write_with(snapshot, escaping, options, &mut text);
    text
}

fn write_with(snapshot: &Snapshot, escaping: Escaping, options: Options, out: &mut impl Write) -> fmt::Result {
    let created = options.shows_created().then(|| since_epoch(snapshot.started_at)).flatten();
    let lines = Lines::new(out, snapshot, escaping);
    walk(snapshot, &mut OpenMetrics { lines, created, own_suffix: "" })
}

struct OpenMetrics<'a, W> {
    lines: Lines<'a, W>,
    /// Since when all series count, where that is to be shown.
    created: Option<Number>,
    /// What the samples of this family have behind its name, and the family has not: `_total`, `_info`.
    own_suffix: &'static str,
}

impl<W: Write> Encoder for OpenMetrics<'_, W> {
    type Error = fmt::Error;

    fn family(&mut self, family: &Family) -> fmt::Result {
        self.lines.family(family);
        let (kind, suffix) = self.shown(family);
        self.own_suffix = suffix;
        let len = self.lines.name().len() - suffix.len();
        self.lines.comment("TYPE", len, kind, b"")?;
        if kind != "info" && self.has_unit(len, &family.unit) {
            self.lines.comment("UNIT", len, &family.unit, b"")?;
        }
        if family.help.is_empty() { Ok(()) } else { self.lines.comment("HELP", len, &family.help, b"\\\n\"") }
    }

    fn sample(&mut self, sample: &Sample<'_>) -> fmt::Result {
        self.lines.sample(sample)?;
        self.lines.end_line()
    }

    fn number(&mut self, family: &Family, series: &Series, value: Number) -> fmt::Result {
        self.sample(&Sample::plain(family, series, value))?;
        // Totals that are not whole numbers are another registry's, which alone knows since when it counts.
        if self.own_suffix == "_total" && !matches!(value, Number::Float(_)) { self.created(series) } else { Ok(()) }
    }

    fn histogram(&mut self, _family: &Family, series: &Series, histogram: &Histogram) -> fmt::Result {
        let exemplars = by_bucket(histogram);
        let escaping = self.lines.names.escaping();
        let seen = self.lines.buckets(&series.labels, histogram, |place, out| {
            let here = exemplars.iter().find(|(of, _)| *of == place);
            here.map_or(Ok(()), |(_, exemplar)| write_exemplar(exemplar, escaping, out))
        })?;
        // A sum that may fall is no counter: the format has then neither it nor a count.
        let falls = histogram.bounds.iter().any(|&bound| bound < 0.0) || may_fall(histogram.sum);
        if !falls {
            for (suffix, value) in [("_sum", Number::Float(histogram.sum)), ("_count", Number::Integer(seen))] {
                self.lines.value(suffix, &series.labels, None, value)?;
                self.lines.end_line()?;
            }
        }
        self.created(series)
    }

    fn summary(&mut self, _family: &Family, series: &Series, summary: &Summary) -> fmt::Result {
        for &(quantile, value) in &summary.quantiles {
            self.lines.value("", &series.labels, Some(("quantile", quantile)), Number::Float(value))?;
            self.lines.end_line()?;
        }
        let sum = (!may_fall(summary.sum)).then_some(("_sum", Number::Float(summary.sum)));
        for (suffix, value) in sum.into_iter().chain([("_count", Number::Integer(summary.count))]) {
            self.lines.value(suffix, &series.labels, None, value)?;
            self.lines.end_line()?;
        }
        Ok(())
    }

    fn end(&mut self) -> fmt::Result {
        self.lines.out.write_str("# EOF\n")
    }
}

impl<W: Write> OpenMetrics<'_, W> {
    /// The format's word for the family that was begun, and what of its name is no part of the family's here. Where a name is not as the format
    /// wants it, or would be that of two families, the kind is left open, so that the series are called as in every other format.
    fn shown(&self, family: &Family) -> (&'static str, &'static str) {
        let name = self.lines.name();
        let without = |suffix: &'static str| {
            let base = name.strip_suffix(suffix).filter(|base| !base.is_empty())?;
            (!self.lines.names.is_taken(base)).then_some(suffix)
        };
        match family.kind {
            Kind::Counter if family.series.iter().map_while(total_of_others).any(may_fall) => ("unknown", ""),
            Kind::Counter => without("_total").map_or(("unknown", ""), |suffix| ("counter", suffix)),
            Kind::Info => without("_info").map_or(("gauge", ""), |suffix| ("info", suffix)),
            other => (other.as_str(), ""),
        }
    }

    /// Whether the family's name, which the format wants, ends in the unit.
    fn has_unit(&self, len: usize, unit: &str) -> bool {
        let name = self.lines.name().get(..len);
        name.and_then(|name| name.strip_suffix(unit)).is_some_and(|rest| !unit.is_empty() && rest.ends_with('_'))
    }

    fn created(&mut self, series: &Series) -> fmt::Result {
        let Some(created) = self.created else { return Ok(()) };
        // Instead of what the samples end in.
        self.lines.replaced(self.own_suffix, "_created", &series.labels, created)?;
        self.lines.end_line()
    }
}

/// ` # {trace_id="…"} 0.25 1700000000.5`
fn write_exemplar(exemplar: &Exemplar, escaping: Escaping, out: &mut impl Write) -> fmt::Result {
    let labels = escaping.labels(&exemplar.labels);
    let labels = between(labels.iter().map(|(name, value)| (&**name, *value)));
    out.write_str(" # ")?;
    // A set without labels has its braces here.
    out.write_str(if labels == " " { "{} " } else { &labels })?;
    Number::Float(exemplar.value).write(out)?;
    let Some(at) = since_epoch(exemplar.at) else { return Ok(()) };
    out.write_char(' ')?;
    at.write(out)
}

/// The total of another registry's counter, which need not be a whole number. All series of a family are of one registry.
fn total_of_others(series: &Series) -> Option<f64> {
    if let Value::Float(total) = series.value { Some(total) } else { None }
}

/// Whether this cannot be a total.
fn may_fall(total: f64) -> bool {
    total < 0.0 || total.is_nan()
}

/// Seconds since 1970; a time before that is not shown.
fn since_epoch(time: SystemTime) -> Option<Number> {
    let passed = time.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(passed.as_nanos()).ok().map(Number::Nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Exponential, Labels};
    use std::time::Duration;

    fn family(
        name: &'static str,
        kind: Kind,
        unit: &'static str,
        series: &[(&[(&'static str, &str)], Value)],
    ) -> Family {
        let series = series.iter().map(|(labels, value)| Series { labels: labels_of(labels), value: value.clone() });
        Family { name: name.into(), help: "A \\ \"b\"\nc.".into(), kind, unit: unit.into(), series: series.collect() }
    }

    fn labels_of(labels: &[(&'static str, &str)]) -> Labels {
        labels.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    fn exemplar(labels: &[(&'static str, &str)], value: f64, at: u64) -> Exemplar {
        Exemplar { labels: labels_of(labels), value, at: UNIX_EPOCH + Duration::from_millis(at) }
    }

    fn text(families: Vec<Family>, options: Options) -> String {
        let started_at = UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
        let snapshot = Snapshot::of_families(started_at, started_at, families);
        // The help text is the same everywhere.
        let text = encode_with(&snapshot, Escaping::default(), options);
        text.lines().filter(|line| !line.starts_with("# HELP ")).map(|line| format!("{line}\n")).collect()
    }

    fn histogram(bounds: &[f64], buckets: &[u64], sum: f64, exemplars: Vec<Exemplar>) -> Value {
        Value::Histogram(Histogram { bounds: bounds.to_vec().into(), buckets: buckets.into(), sum, exemplars })
    }

    #[test]
    fn every_kind_as_the_format_has_it() {
        let exponential = Exponential {
            scale: 1,
            offset: -2,
            buckets: vec![1, 2, 3, 4],
            below: 5,
            above: 6,
            sum: 0.5,
            exemplars: vec![exemplar(&[("trace_id", "5")], 1.25, 1_500)],
        };
        let summary = Summary { quantiles: vec![(0.5, 1.5), (1.0, f64::NAN)], sum: 3.0, count: 2 };
        let families = vec![
            family("a_total", Kind::Counter, "", &[(&[("path", "c:\\x\n\"y\"")], Value::Integer(u64::MAX))]),
            family("b_seconds_total", Kind::Counter, "seconds", &[(&[], Value::Nanoseconds(1_000_000_001))]),
            family("c_celsius", Kind::Gauge, "celsius", &[(&[], Value::Float(f64::NEG_INFINITY))]),
            family("d_info", Kind::Info, "", &[(&[("version", "1")], Value::Float(1.0))]),
            family("e_bytes", Kind::Histogram, "bytes", &[(&[("a", "b")], histogram(&[1.0], &[1, 2], 7.25, vec![]))]),
            family("f_seconds", Kind::Histogram, "seconds", &[(&[], Value::Exponential(exponential))]),
            family("g", Kind::Summary, "", &[(&[], Value::Summary(summary))]),
            family("h", Kind::Unknown, "", &[(&[], Value::Float(2.5))]),
        ];
        let expected = r#"# TYPE a counter
a_total{path="c:\\x\n\"y\""} 18446744073709551615
# TYPE b_seconds counter
# UNIT b_seconds seconds
b_seconds_total 1.000000001
# TYPE c_celsius gauge
# UNIT c_celsius celsius
c_celsius -Inf
# TYPE d info
d_info{version="1"} 1
# TYPE e_bytes histogram
# UNIT e_bytes bytes
e_bytes_bucket{a="b",le="1.0"} 1
e_bytes_bucket{a="b",le="+Inf"} 3
e_bytes_sum{a="b"} 7.25
e_bytes_count{a="b"} 3
# TYPE f_seconds histogram
# UNIT f_seconds seconds
f_seconds_bucket{le="0.5"} 5
f_seconds_bucket{le="1.0"} 8
f_seconds_bucket{le="2.0"} 15 # {trace_id="5"} 1.25 1.5
f_seconds_bucket{le="+Inf"} 21
f_seconds_sum 0.5
f_seconds_count 21
# TYPE g summary
g{quantile="0.5"} 1.5
g{quantile="1.0"} NaN
g_sum 3
g_count 2
# TYPE h unknown
h 2.5
# EOF
"#;
        assert_eq!(text(families, Options::default()), expected);
    }

    #[test]
    fn since_when_a_series_counts_is_shown_where_that_is_asked_for_and_known() {
        let families = vec![
            family("a_total", Kind::Counter, "", &[(&[("b", "c")], Value::Integer(1))]),
            family("foreign_total", Kind::Counter, "", &[(&[], Value::Float(1.0))]),
            family("gauge", Kind::Gauge, "", &[(&[], Value::Float(1.0))]),
            family("h", Kind::Histogram, "", &[(&[("b", "c")], histogram(&[], &[1], 1.0, vec![]))]),
        ];
        let expected = r#"# TYPE a counter
a_total{b="c"} 1
a_created{b="c"} 1700000000.25
# TYPE foreign counter
foreign_total 1
# TYPE gauge gauge
gauge 1
# TYPE h histogram
h_bucket{b="c",le="+Inf"} 1
h_sum{b="c"} 1
h_count{b="c"} 1
h_created{b="c"} 1700000000.25
# EOF
"#;
        assert_eq!(text(families, Options::default().created_timestamps(true)), expected);
    }

    #[test]
    fn an_exemplar_stands_on_its_bucket_and_a_long_one_nowhere() {
        let fits = "x".repeat(128 - "a".len());
        let exemplars = vec![
            exemplar(&[("trace_id", "old")], 0.75, 1_000),
            exemplar(&[("trace_id", "new")], 1.0, 2_000),
            exemplar(&[("trace_id", "older")], 0.6, 500),
            exemplar(&[], 0.25, 1_000),
            exemplar(&[("a", &format!("{fits}é"))], 1.5, 1_000),
            exemplar(&[("a", &fits.replace('x', "é"))], f64::INFINITY, 1_000),
            exemplar(&[], f64::NAN, 1_000),
        ];
        let families = vec![family(
            "h",
            Kind::Histogram,
            "",
            &[(&[], histogram(&[0.5, 1.0, 2.0], &[1, 3, 1, 1], 9.0, exemplars))],
        )];
        let text = text(families, Options::default());
        let shown: Vec<_> =
            text.lines().filter_map(|line| line.split_once(" # ").map(|(_, exemplar)| exemplar)).collect();
        let long = format!("{{a=\"{}\"}} +Inf 1", "é".repeat(127));
        assert_eq!(shown, ["{} 0.25 1", "{trace_id=\"new\"} 1 2", &long]);
    }

    #[test]
    fn what_the_format_has_no_place_for_is_called_as_elsewhere() {
        let families = vec![
            family("a", Kind::Gauge, "", &[(&[], Value::Float(1.0))]),
            family("a_total", Kind::Counter, "seconds", &[(&[], Value::Integer(2))]),
            family("minus_total", Kind::Counter, "", &[(&[], Value::Float(-2.0))]),
            family("requests", Kind::Counter, "", &[(&[], Value::Float(3.0))]),
            family("t", Kind::Histogram, "", &[(&[], histogram(&[-1.0], &[4, 0], -5.0, vec![]))]),
        ];
        let expected = r#"# TYPE a gauge
a 1
# TYPE a_total unknown
a_total 2
# TYPE minus_total unknown
minus_total -2
# TYPE requests unknown
requests 3
# TYPE t histogram
t_bucket{le="-1.0"} 4
t_bucket{le="+Inf"} 4
# EOF
"#;
        assert_eq!(text(families, Options::default()), expected);
    }

    #[test]
    fn names_that_not_everybody_takes_are_quoted_or_escaped() {
        let families = vec![
            family(
                "http.calls_total",
                Kind::Counter,
                "",
                &[(&[("a.b", "1"), ("c", "2")], Value::Integer(1)), (&[], Value::Integer(2))],
            ),
            family("http\"wait", Kind::Histogram, "", &[(&[], histogram(&[1.0], &[1, 0], 1.0, vec![]))]),
        ];
        let now = UNIX_EPOCH;
        let snapshot = Snapshot::of_families(now, now, families);
        let options = Options::default().created_timestamps(true);
        let text = encode_with(&snapshot, Escaping::AllowUtf8, options);
        let expected = r#"# TYPE "http.calls" counter
# HELP "http.calls" A \\ \"b\"\nc.
{"http.calls_total","a.b"="1",c="2"} 1
{"http.calls_created","a.b"="1",c="2"} 0
{"http.calls_total"} 2
{"http.calls_created"} 0
# TYPE "http\"wait" histogram
# HELP "http\"wait" A \\ \"b\"\nc.
{"http\"wait_bucket",le="1.0"} 1
{"http\"wait_bucket",le="+Inf"} 1
{"http\"wait_sum"} 1
{"http\"wait_count"} 1
{"http\"wait_created"} 0
# EOF
"#;
        assert_eq!(text, expected);
        for (escaping, line) in [
            (Escaping::Underscores, "http_calls_total{a_b=\"1\",c=\"2\"} 1\n"),
            (Escaping::Dots, "http_dot_calls__total{a_dot_b=\"1\",c=\"2\"} 1\n"),
            (Escaping::Values, "U__http_2e_calls__total{U__a_2e_b=\"1\",c=\"2\"} 1\n"),
        ] {
            let text = encode_with(&snapshot, escaping, Options::default());
            assert!(text.contains(line), "{text}");
        }
    }
}
