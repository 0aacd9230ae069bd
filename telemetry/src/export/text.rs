//! Prometheus' text format, version 0.0.4, and version 1.0.0, which has names in quotes besides.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

use crate::export::escape::Escaping;
use crate::export::line::Lines;
use crate::export::{Encoder, Number, Sample, encode as walk};
use crate::metric::Kind;
use crate::snapshot::{Family, Histogram, Series, Snapshot};
use crate::sync::{AtomicUsize, Relaxed};
use std::fmt::{self, Write};

/// What an HTTP response calls version 0.0.4.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The exposition of a snapshot.
///
/// ```
/// telemetry::metric! { /** Rows shown. */ counter rows_shown_total(table: &str); }
/// rows_shown_total("flights").add(3);
/// let text = telemetry::export::text::encode(&telemetry::snapshot());
/// assert!(text.contains("# TYPE rows_shown_total counter\nrows_shown_total{table=\"flights\"} 3\n"));
/// ```
#[must_use]
pub fn encode(snapshot: &Snapshot) -> String {
    encode_with(snapshot, Escaping::default())
}

pub(super) fn encode_with(snapshot: &Snapshot, escaping: Escaping) -> String {
    let mut text = String::with_capacity(LAST_LEN.load(Relaxed));
    // Cannot fail: a `String` takes all.
    let _ = write_with(snapshot, escaping, &mut text);
    // Some room more: the next one is rarely shorter.
    LAST_LEN.store(text.len() + text.len() / 16, Relaxed);
    text
}

/// How much room the next exposition begins with, so that it need not be moved while it grows.
static LAST_LEN: AtomicUsize = AtomicUsize::new(0);

/// Writes the exposition of a snapshot.
///
/// # Errors
/// Those of `out`.
pub fn write(snapshot: &Snapshot, out: &mut impl Write) -> fmt::Result {
    write_with(snapshot, Escaping::default(), out)
}

fn write_with(snapshot: &Snapshot, escaping: Escaping, out: &mut impl Write) -> fmt::Result {
    walk(snapshot, &mut Text { lines: Lines::new(out, snapshot, escaping) })
}

struct Text<'a, W> {
    lines: Lines<'a, W>,
}

impl<W: Write> Encoder for Text<'_, W> {
    type Error = fmt::Error;

    fn family(&mut self, family: &Family) -> fmt::Result {
        self.lines.family(family);
        let name_len = self.lines.name().len();
        if !family.help.is_empty() {
            self.lines.comment("HELP", name_len, &family.help, b"\\\n")?;
        }
        self.lines.comment("TYPE", name_len, word(family.kind), b"")
    }

    fn sample(&mut self, sample: &Sample<'_>) -> fmt::Result {
        self.lines.sample(sample)?;
        self.lines.end_line()
    }

    fn histogram(&mut self, _family: &Family, series: &Series, histogram: &Histogram) -> fmt::Result {
        let seen = self.lines.buckets(&series.labels, histogram, |_, _| Ok(()))?;
        for (suffix, value) in [("_sum", Number::Float(histogram.sum)), ("_count", Number::Integer(seen))] {
            self.lines.value(suffix, &series.labels, None, value)?;
            self.lines.end_line()?;
        }
        Ok(())
    }
}

/// The format's word for a kind. It has none for an info, which is a gauge that is always 1, and its own for an unknown one.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Info => "gauge",
        Kind::Unknown => "untyped",
        known => known.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Exponential, Labels, Summary, Value};
    use std::time::SystemTime;

    fn family(
        name: &'static str,
        kind: Kind,
        help: &'static str,
        series: &[(&[(&'static str, &str)], Value)],
    ) -> Family {
        let series = series.iter().map(|(labels, value)| Series { labels: labels_of(labels), value: value.clone() });
        Family { name: name.into(), help: help.into(), kind, unit: "".into(), series: series.collect() }
    }

    fn labels_of(labels: &[(&'static str, &str)]) -> Labels {
        labels.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    fn text(families: Vec<Family>) -> String {
        let now = SystemTime::UNIX_EPOCH;
        encode(&Snapshot::of_families(now, now, families))
    }

    #[test]
    fn every_kind_as_the_format_has_it() {
        let histogram =
            Histogram { bounds: vec![0.5, 1.0].into(), buckets: vec![1, 0, 2], sum: 7.25, exemplars: Vec::new() };
        let exponential = Exponential {
            scale: 1,
            offset: -2,
            buckets: vec![1, 2, 3, 4],
            below: 5,
            above: 6,
            sum: 0.5,
            exemplars: Vec::new(),
        };
        let summary = Summary { quantiles: vec![(0.5, 1.5), (1.0, f64::NAN)], sum: 3.0, count: 2 };
        let text = text(vec![
            family(
                "a_total",
                Kind::Counter,
                "A \\ of\n\"rows\".",
                &[
                    (&[("path", "c:\\x\n\"y\"")], Value::Integer(u64::MAX)),
                    (&[("path", ""), ("size", "ü")], Value::Integer(0)),
                ],
            ),
            family("b_seconds_total", Kind::Counter, "B.", &[(&[], Value::Nanoseconds(1_000_000_001))]),
            family("c", Kind::Gauge, "", &[(&[], Value::Float(f64::NEG_INFINITY))]),
            family("d_info", Kind::Info, "D.", &[(&[("version", "1")], Value::Float(1.0))]),
            family("e_seconds", Kind::Histogram, "E.", &[(&[("a", "b")], Value::Histogram(histogram))]),
            family("f_seconds", Kind::Histogram, "F.", &[(&[], Value::Exponential(exponential))]),
            family("g", Kind::Summary, "G.", &[(&[], Value::Summary(summary))]),
            family("h", Kind::Unknown, "H.", &[(&[], Value::Float(2.5))]),
            family("i", Kind::Gauge, "Not shown: no series.", &[]),
        ]);
        let expected = r#"# HELP a_total A \\ of\n"rows".
# TYPE a_total counter
a_total{path="c:\\x\n\"y\""} 18446744073709551615
a_total{path="",size="ü"} 0
# HELP b_seconds_total B.
# TYPE b_seconds_total counter
b_seconds_total 1.000000001
# TYPE c gauge
c -Inf
# HELP d_info D.
# TYPE d_info gauge
d_info{version="1"} 1
# HELP e_seconds E.
# TYPE e_seconds histogram
e_seconds_bucket{a="b",le="0.5"} 1
e_seconds_bucket{a="b",le="1.0"} 1
e_seconds_bucket{a="b",le="+Inf"} 3
e_seconds_sum{a="b"} 7.25
e_seconds_count{a="b"} 3
# HELP f_seconds F.
# TYPE f_seconds histogram
f_seconds_bucket{le="0.5"} 5
f_seconds_bucket{le="1.0"} 8
f_seconds_bucket{le="2.0"} 15
f_seconds_bucket{le="+Inf"} 21
f_seconds_sum 0.5
f_seconds_count 21
# HELP g G.
# TYPE g summary
g{quantile="0.5"} 1.5
g{quantile="1.0"} NaN
g_sum 3
g_count 2
# HELP h H.
# TYPE h untyped
h 2.5
"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn a_failed_write_is_passed_on() {
        struct Full(usize);
        impl Write for Full {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
                Ok(())
            }
        }
        let now = SystemTime::UNIX_EPOCH;
        let families = vec![family("a_total", Kind::Counter, "A.", &[(&[("b", "c")], Value::Integer(1))])];
        let snapshot = Snapshot::of_families(now, now, families);
        let len = encode(&snapshot).len();
        assert!(write(&snapshot, &mut Full(len)).is_ok());
        for room in 0..len {
            assert!(write(&snapshot, &mut Full(room)).is_err(), "{room} bytes of {len}");
        }
    }
}
