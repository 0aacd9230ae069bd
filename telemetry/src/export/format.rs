//! Which format a scraper gets: what it says it reads, in its order, of what we write.
//! <https://prometheus.io/docs/instrumenting/content_negotiation/>

use crate::export::accept::{Range, ranges};
use crate::export::escape::Escaping;
use crate::export::{Options, openmetrics, protobuf, text};
use crate::snapshot::Snapshot;

/// A format of the exposition, with what was asked of it.
///
/// ```
/// use telemetry::export::Format;
///
/// let format = Format::negotiate(Some("application/openmetrics-text;version=1.0.0;q=0.8, text/plain;q=0.5"));
/// assert_eq!(format, Format::OPEN_METRICS);
/// assert_eq!(format.content_type(), "application/openmetrics-text; version=1.0.0; charset=utf-8");
/// assert!(format.encode(&telemetry::snapshot()).ends_with(b"# EOF\n"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    syntax: Syntax,
    /// What was asked to become of names that not everybody takes.
    escaping: Option<Escaping>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    /// Prometheus' text format 0.0.4.
    Text,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
    /// Delimited messages of Prometheus' client model.
    Protobuf,
    /// The text format with names in quotes, 1.0.0.
    TextUtf8,
    /// What older scrapers know of `OpenMetrics`: the same but for names in quotes.
    OpenMetricsDraft,
}

/// In the order of our choice, where a scraper leaves it to us: first what a person can read, and every scraper.
const OFFERED: [Syntax; 5] =
    [Syntax::Text, Syntax::OpenMetrics, Syntax::Protobuf, Syntax::TextUtf8, Syntax::OpenMetricsDraft];

impl Format {
    /// Prometheus' text format 0.0.4.
    pub const TEXT: Format = Format { syntax: Syntax::Text, escaping: None };
    /// `OpenMetrics` 1.0.0.
    pub const OPEN_METRICS: Format = Format { syntax: Syntax::OpenMetrics, escaping: None };
    /// Prometheus' client model, `io.prometheus.client.MetricFamily`, each message after its length.
    pub const PROTOBUF: Format = Format { syntax: Syntax::Protobuf, escaping: None };

    /// The format that an `Accept` header asks for, by its weights, then by its order. Several headers are one with commas between them.
    ///
    /// Without one, or where it asks for nothing that we write, that is the text format 0.0.4: Prometheus' documentation wants it as
    /// the last resort, rather than an error.
    #[must_use]
    pub fn negotiate(accept: Option<&str>) -> Format {
        let ranges: Vec<_> = accept.map(ranges).into_iter().flatten().collect();
        let offers = OFFERED.iter().filter_map(|syntax| {
            // RFC 9110, 12.5.1: of the ranges that match, the most specific one tells the weight.
            let (place, range) = syntax.closest(&ranges)?;
            (range.weight > 0).then_some((range.weight, place, *syntax, range.escaping()))
        });
        // Of several the first: `max_by` would take the last.
        let best = offers.reduce(|best, next| {
            let is_better = next.0 > best.0 || (next.0 == best.0 && next.1 < best.1);
            if is_better { next } else { best }
        });
        best.map_or(Format::TEXT, |(_, _, syntax, escaping)| Format { syntax, escaping }.allowed())
    }

    /// The scheme that the format has room for: names in quotes came with version 1.0.0 of either text format.
    fn allowed(self) -> Format {
        let escaping = match (self.syntax, self.escaping) {
            (Syntax::Text | Syntax::OpenMetricsDraft, Some(Escaping::AllowUtf8)) => Some(Escaping::Underscores),
            // This version's answer must name the scheme.
            (Syntax::TextUtf8, None) => Some(Escaping::default()),
            (_, asked) => asked,
        };
        Format { escaping, ..self }
    }

    /// The `Content-Type` of the answer: with `escaping` where that was asked for.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        macro_rules! with_escaping {
            ($plain:literal) => {
                match self.escaping {
                    None => $plain,
                    Some(Escaping::Underscores) => concat!($plain, "; escaping=underscores"),
                    Some(Escaping::AllowUtf8) => concat!($plain, "; escaping=allow-utf-8"),
                    Some(Escaping::Dots) => concat!($plain, "; escaping=dots"),
                    Some(Escaping::Values) => concat!($plain, "; escaping=values"),
                }
            };
        }
        match self.syntax {
            Syntax::Text => with_escaping!("text/plain; version=0.0.4; charset=utf-8"),
            Syntax::TextUtf8 => with_escaping!("text/plain; version=1.0.0; charset=utf-8"),
            Syntax::OpenMetrics => with_escaping!("application/openmetrics-text; version=1.0.0; charset=utf-8"),
            Syntax::OpenMetricsDraft => with_escaping!("application/openmetrics-text; version=0.0.1; charset=utf-8"),
            Syntax::Protobuf => with_escaping!(
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            ),
        }
    }

    /// The exposition of a snapshot, with what the program was told to show: [`Options::of_program`].
    #[must_use]
    pub fn encode(self, snapshot: &Snapshot) -> Vec<u8> {
        self.encode_with(snapshot, Options::of_program())
    }

    /// The exposition of a snapshot, with what these options say.
    #[must_use]
    pub fn encode_with(self, snapshot: &Snapshot, options: Options) -> Vec<u8> {
        let escaping = self.escaping.unwrap_or_default();
        match self.syntax {
            Syntax::Text | Syntax::TextUtf8 => text::encode_with(snapshot, escaping).into_bytes(),
            Syntax::OpenMetrics | Syntax::OpenMetricsDraft => {
                openmetrics::encode_with(snapshot, escaping, options).into_bytes()
            }
            Syntax::Protobuf => protobuf::encode_with(snapshot, escaping, options),
        }
    }
}

impl Syntax {
    /// The most specific of the ranges that ask for it, and its place.
    fn closest<'r, 'a>(self, ranges: &'r [Range<'a>]) -> Option<(usize, &'r Range<'a>)> {
        let (kind, parameters): (_, &[(&str, &str)]) = match self {
            Syntax::Text => (("text", "plain"), &[("version", "0.0.4")]),
            Syntax::TextUtf8 => (("text", "plain"), &[("version", "1.0.0")]),
            Syntax::OpenMetrics => (("application", "openmetrics-text"), &[("version", "1.0.0")]),
            Syntax::OpenMetricsDraft => (("application", "openmetrics-text"), &[("version", "0.0.1")]),
            Syntax::Protobuf => (
                ("application", "vnd.google.protobuf"),
                &[("proto", "io.prometheus.client.MetricFamily"), ("encoding", "delimited")],
            ),
        };
        let matching = ranges.iter().enumerate().filter_map(|(place, range)| {
            let specificity = range.matches(kind, parameters)?;
            Some((specificity, place, range))
        });
        let closest = matching.reduce(|best, next| if next.0 > best.0 { next } else { best });
        closest.map(|(_, place, range)| (place, range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Prometheus sends, from `scrape/scrape.go` of the release and, for 2.42, as seen on the wire.
    const PROMETHEUS_2_20: &str =
        "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_2_42: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_2_42_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    const PROMETHEUS_3_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    const FIREFOX: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const PROTOBUF: &str =
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

    fn answer(accept: &str) -> &'static str {
        Format::negotiate(Some(accept)).content_type()
    }

    #[test]
    fn every_known_scraper_gets_what_it_likes_best() {
        for (accept, content_type) in [
            (PROMETHEUS_2_20, "application/openmetrics-text; version=0.0.1; charset=utf-8"),
            (PROMETHEUS_2_42, OPEN_METRICS),
            (PROMETHEUS_2_42_NATIVE, PROTOBUF),
            (PROMETHEUS_3, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
            (PROMETHEUS_3_NATIVE, PROTOBUF),
            (FIREFOX, TEXT),
            ("*/*", TEXT), // curl
        ] {
            assert_eq!(answer(accept), content_type, "{accept}");
        }
        assert_eq!(Format::negotiate(None), Format::TEXT);
    }

    #[test]
    fn weights_go_before_order_and_what_is_closest_tells_the_weight() {
        for (accept, content_type) in [
            ("text/plain;q=0.5, application/openmetrics-text;q=0.6", OPEN_METRICS),
            ("text/plain, application/openmetrics-text", TEXT),
            ("application/openmetrics-text, text/plain", OPEN_METRICS),
            ("*/*, application/openmetrics-text;q=0.1", TEXT),
            ("application/*", OPEN_METRICS),
            ("text/*;q=0.1, application/*;q=0.2", OPEN_METRICS),
            ("text/plain;version=0.0.4;q=0, */*", OPEN_METRICS),
            ("text/plain;q=0.2, text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.5", TEXT),
            ("text/*;q=0, application/openmetrics-text;q=0, */*;q=0.1", PROTOBUF),
            ("APPLICATION/OpenMetrics-Text; Version=1.0.0", OPEN_METRICS),
            ("application/openmetrics-text; version=\"1.0.0\"", OPEN_METRICS),
            ("application/openmetrics-text; charset=utf-8; whatever=\"a,b;q=0\"", OPEN_METRICS),
            ("application/openmetrics-text; version=2.0.0, text/plain;q=0.1", TEXT),
            ("text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
            ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", TEXT),
            ("application/vnd.google.protobuf;proto=other;encoding=delimited", TEXT),
            ("application/vnd.google.protobuf, application/openmetrics-text;q=0.1", OPEN_METRICS),
        ] {
            assert_eq!(answer(accept), content_type, "{accept}");
        }
    }

    #[test]
    fn the_scheme_that_is_asked_for_is_named_in_the_answer() {
        let openmetrics = "application/openmetrics-text;version=1.0.0;escaping=";
        let protobuf =
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=";
        for escaping in Escaping::ALL.map(Escaping::as_str) {
            assert_eq!(answer(&format!("{openmetrics}{escaping}")), format!("{OPEN_METRICS}; escaping={escaping}"));
            assert_eq!(answer(&format!("{protobuf}{escaping}")), format!("{PROTOBUF}; escaping={escaping}"));
        }
        // No room for names in quotes.
        assert_eq!(answer("text/plain;version=0.0.4;escaping=allow-utf-8"), format!("{TEXT}; escaping=underscores"));
        assert_eq!(answer("text/plain;version=0.0.4;escaping=dots"), format!("{TEXT}; escaping=dots"));
        assert_eq!(answer(&format!("{openmetrics}rot13")), OPEN_METRICS);
    }

    #[test]
    fn a_header_that_makes_no_sense_gets_the_text_format() {
        for accept in [
            "",
            ",",
            ";",
            "/",
            "*",
            "text",
            "text/",
            "/plain",
            "*/plain",
            "q=1",
            "text/plain;q=0",
            "*/*;q=0",
            "image/png",
            "\"",
            "text/plain;version=\"0.0.4",
            "application/openmetrics-text;q=",
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=-1",
            "application/openmetrics-text;q=NaN",
            "application/openmetrics-text;q=1e0",
            "application/openmetrics-text;q=0.0001",
            "\u{0}",
            "日本/語",
            "application/openmetrics-text application/openmetrics-text",
        ] {
            assert_eq!(answer(accept), TEXT, "{accept:?}");
        }
        assert_eq!(answer(&"application/openmetrics-text;version=9,".repeat(10_000)), TEXT);
    }
}
