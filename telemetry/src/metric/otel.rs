//! The OpenTelemetry side of a declaration: derived from it, never written.
//!
//! A program that is scraped and one that pushes over OTLP to a Prometheus server must show the same names, else a dashboard serves one of them
//! only. The server makes a name out of what is pushed: it appends the unit's word and a counter's `_total`, but not a word that is
//! already there (`docs/opentelemetry.md` has the rules, with their source). So what it appends is left out of the name, and only
//! there.

use crate::metric::{Descriptor, Kind};
use std::borrow::Cow;

/// What a family is in OTLP's data model. <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#metric-points>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OtelData {
    /// A sum that only grows, cumulative: OpenTelemetry's instrument `Counter`.
    MonotonicSum,
    /// A sum whose series may be added up, and that goes up and down: `UpDownCounter`.
    NonMonotonicSum,
    /// A value that is not added up: `Gauge`.
    Gauge,
    /// A histogram, explicit or exponential: `Histogram`.
    Histogram,
    /// Quantiles computed elsewhere: no instrument makes them.
    Summary,
}

impl Kind {
    /// What a family of this kind is in OTLP, as OpenTelemetry's rules for Prometheus say
    /// (<https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>).
    ///
    /// - A counter is a monotonic sum, a gauge a gauge, a histogram a histogram.
    /// - An info is a non-monotonic sum: its ones are a count, which stays right when labels are summed away. `target_info` is the
    ///   exception: it is the resource itself, from which the server makes it again, so it is not sent.
    /// - What is of unknown kind is a gauge, a summary a summary; neither can be declared.
    ///
    /// ```
    /// use telemetry::{Kind, OtelData};
    /// assert_eq!(Kind::Counter.otel_data(), OtelData::MonotonicSum);
    /// assert_eq!(Kind::Info.otel_data(), OtelData::NonMonotonicSum);
    /// ```
    #[must_use]
    pub const fn otel_data(self) -> OtelData {
        match self {
            Kind::Counter => OtelData::MonotonicSum,
            Kind::Gauge | Kind::Unknown => OtelData::Gauge,
            Kind::Histogram => OtelData::Histogram,
            Kind::Info => OtelData::NonMonotonicSum,
            Kind::Summary => OtelData::Summary,
        }
    }
}

/// The base units as OpenTelemetry has them: UCUM's codes, case-sensitive. <https://ucum.org/ucum>
///
/// `watts` passes for a plural noun in `metric!`; Prometheus has its code.
const UCUM: [(&str, &str); 10] = [
    ("seconds", "s"),
    ("bytes", "By"),
    ("ratio", "1"),
    ("celsius", "Cel"),
    ("meters", "m"),
    ("grams", "g"),
    ("joules", "J"),
    ("volts", "V"),
    ("amperes", "A"),
    ("watts", "W"),
];

impl Descriptor {
    /// The name under which the family is pushed over OTLP: the scraped one without what Prometheus' translation appends.
    ///
    /// Without `_total`, and without a base unit, which [`otel_unit`](Descriptor::otel_unit) tells; `_ratio` is appended to gauges
    /// alone, and nouns such as `_records` never. Where leaving out would lose something (`seconds_since_start_seconds`: the server
    /// sees that `seconds` is there) the word stays. The scraped name itself makes the round trip as well, so an exporter may fall
    /// back to it, as where two families would meet in one name.
    ///
    /// A counter with another `total` among its words has no such name: Prometheus removes the word wherever it stands.
    ///
    /// ```
    /// telemetry::metric! {
    ///     /** Seconds spent in naps. */ counter nap_seconds_total();
    ///     /** The share of naps that hit. */ gauge nap_hit_ratio();
    ///     /** Records in a batch. */ histogram nap_records() [1, 10, 100];
    /// }
    /// assert_eq!(nap_seconds_total::DESCRIPTOR.otel_name(), "nap");
    /// assert_eq!(nap_hit_ratio::DESCRIPTOR.otel_name(), "nap_hit");
    /// assert_eq!(nap_records::DESCRIPTOR.otel_name(), "nap_records");
    /// ```
    #[must_use]
    pub const fn otel_name(&self) -> &'static str {
        self.named().name()
    }

    /// The unit with which the family is pushed over OTLP, in UCUM: `s`, `By`, `1`, `Cel`, …; for what is counted the noun in braces.
    ///
    /// The noun is singular, as OpenTelemetry's conventions have it (`{request}`:
    /// <https://opentelemetry.io/docs/specs/semconv/general/metrics/#instrument-units>), by the rules of English endings. Empty
    /// where the name tells no unit, and for infos: `1` would make a gauge a `_ratio`.
    ///
    /// ```
    /// telemetry::metric! {
    ///     /** Seconds spent in queues. */ counter queued_seconds_total();
    ///     /** Queries that were sent. */ counter sent_queries_total();
    ///     /** 1 while it is asleep. */ gauge pump_asleep();
    /// }
    /// assert_eq!(queued_seconds_total::DESCRIPTOR.otel_unit(), "s");
    /// assert_eq!(sent_queries_total::DESCRIPTOR.otel_unit(), "{query}");
    /// assert_eq!(pump_asleep::DESCRIPTOR.otel_unit(), "");
    /// ```
    #[must_use]
    pub fn otel_unit(&self) -> Cow<'static, str> {
        self.named().unit()
    }

    const fn named(&self) -> Named<'static> {
        Named { name: self.name, unit: self.unit, kind: self.kind }
    }
}

/// What the OpenTelemetry side is derived from.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) kind: Kind,
}

impl<'a> Named<'a> {
    pub(crate) const fn name(&self) -> &'a str {
        let bare = self.without_total();
        let appended = match self.ucum() {
            Some(code) => !equal(code, "1") || self.is_otel_ratio(),
            None => false,
        };
        match without_word(bare, self.unit) {
            Some(rest) if appended && !self.is_lost_in(rest) => rest,
            _ => bare,
        }
    }

    pub(crate) fn unit(&self) -> Cow<'static, str> {
        match self.ucum() {
            // Of unit one as well, and not moved to the end.
            Some("1") if self.kind.otel_data() == OtelData::Gauge && !self.is_otel_ratio() => "{ratio}".into(),
            Some(code) => code.into(),
            None if self.kind == Kind::Info || self.unit.is_empty() => "".into(),
            None => format!("{{{}}}", singular(self.unit)).into(),
        }
    }

    /// UCUM's code, where the name ends in a unit that has one.
    const fn ucum(&self) -> Option<&'static str> {
        if !ends_with(self.without_total(), self.unit) {
            return None;
        }
        let mut index = 0;
        while index < UCUM.len() {
            if equal(UCUM[index].0, self.unit) {
                return Some(UCUM[index].1);
            }
            index += 1;
        }
        None
    }

    /// Whether the family is pushed as a ratio, to which Prometheus appends `_ratio`: a gauge, and no other word `ratio` is
    /// in its name, since that would be removed.
    const fn is_otel_ratio(&self) -> bool {
        matches!(self.kind.otel_data(), OtelData::Gauge)
            && match without_word(self.name, "ratio") {
                Some(rest) => !has_word(rest, "ratio"),
                None => false,
            }
    }

    /// The name without a counter's `_total`, unless what is left ends in those letters (`subtotal`).
    const fn without_total(&self) -> &'a str {
        match without_word(self.name, "total") {
            Some(rest) if matches!(self.kind, Kind::Counter) && !ends_with(rest, "total") => rest,
            _ => self.name,
        }
    }

    /// Whether the translation would not append the unit to this, since it is there, or would cut off `total`. By letters
    /// rather than by words, as one of Prometheus' options does it.
    const fn is_lost_in(&self, rest: &str) -> bool {
        has_word(rest, self.unit)
            || ends_with(rest, self.unit)
            || (matches!(self.kind, Kind::Counter) && ends_with(rest, "total"))
    }
}

/// What stands before `_word` at the end of a name.
const fn without_word<'a>(name: &'a str, word: &str) -> Option<&'a str> {
    if word.is_empty() || name.len() < word.len() + 2 || !ends_with(name, word) {
        return None;
    }
    match name.as_bytes().split_at(name.len() - word.len()).0 {
        [rest @ .., b'_'] => match std::str::from_utf8(rest) {
            Ok(rest) => Some(rest),
            Err(_) => None,
        },
        _ => None,
    }
}

const fn ends_with(text: &str, end: &str) -> bool {
    text.len() >= end.len() && found_at(text.as_bytes(), end.as_bytes(), text.len() - end.len())
}

const fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && found_at(a.as_bytes(), b.as_bytes(), 0)
}

/// Whether a word is among those that underscores separate.
const fn has_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let mut at = 0;
    while at + word.len() <= text.len() {
        let begins = at == 0 || text[at - 1] == b'_';
        let ends = at + word.len() == text.len() || text[at + word.len()] == b'_';
        if begins && ends && found_at(text, word, at) {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether `part` stands in `text` at `at`; there is room for it.
const fn found_at(text: &[u8], part: &[u8], at: usize) -> bool {
    let mut index = 0;
    while index < part.len() {
        if text[at + index] != part[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Plurals that no rule tells.
const IRREGULAR: [(&str, &str); 9] = [
    ("buses", "bus"),
    ("caches", "cache"),
    ("cookies", "cookie"),
    ("indices", "index"),
    ("matrices", "matrix"),
    ("movies", "movie"),
    ("series", "series"),
    ("statuses", "status"),
    ("vertices", "vertex"),
];

/// One of what a plural noun counts. What it makes of a word that it does not know is still understood.
fn singular(plural: &str) -> Cow<'_, str> {
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == plural) {
        return (*one).into();
    }
    if let Some(stem) = plural.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y").into();
    }
    // Batches, boxes, classes, flushes; but databases and sizes.
    let hissing = ["ch", "sh", "ss", "x", "zz"];
    let stem = plural.strip_suffix("es").filter(|stem| hissing.iter().any(|end| stem.ends_with(end)));
    stem.or_else(|| plural.strip_suffix('s')).unwrap_or(plural).into()
}

#[cfg(any(test, all(feature = "otel", not(telemetry_off))))]
pub(crate) mod scraped;

#[cfg(test)]
mod tests;
