//! W3C's `baggage`: <https://www.w3.org/TR/baggage/>.
//!
//! Not the SDK's, which leaves a percent sign as it is, cuts a value at its second `=`, writes properties unseen and drops all where one entry is too many.

use super::BAGGAGE;
use crate::notice::say;
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use std::fmt::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What everybody must hand on, and what OpenTelemetry's `Baggage` holds at most.
pub(super) const MAX_ENTRIES: usize = 64;
/// As it is written, all entries with their commas.
pub(super) const MAX_BYTES: usize = 8192;

static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [BAGGAGE.to_owned()]);

#[derive(Debug)]
pub(super) struct BaggagePropagator;

impl TextMapPropagator for BaggagePropagator {
    fn inject_context(&self, context: &Context, carrier: &mut dyn Injector) {
        let text = write(context.baggage());
        if !text.is_empty() {
            carrier.set(BAGGAGE, text);
        }
    }

    fn extract_with_context(&self, context: &Context, carrier: &dyn Extractor) -> Context {
        match carrier.get(BAGGAGE) {
            Some(text) => context.with_baggage(read(text)),
            None => context.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&*FIELDS)
    }
}

/// By name, so that what is left out is always the same.
fn write(baggage: &Baggage) -> String {
    let mut entries: Vec<_> = baggage.iter().collect();
    entries.sort_unstable_by_key(|(name, _)| name.as_str());
    let mut text = String::new();
    for (name, (value, properties)) in entries.iter().take(MAX_ENTRIES) {
        let mut entry = String::with_capacity(name.as_str().len() + value.as_str().len() + 2);
        entry.push_str(name.as_str());
        entry.push('=');
        encode(value.as_str(), &mut entry);
        let properties = properties.as_str();
        if !properties.is_empty() && properties.bytes().all(is_property) {
            entry.push(';');
            entry.push_str(properties);
        }
        let comma = usize::from(!text.is_empty());
        if text.len() + comma + entry.len() > MAX_BYTES {
            left_out("written");
            continue;
        }
        if comma == 1 {
            text.push(',');
        }
        text.push_str(&entry);
    }
    text
}

/// Entries that are none are passed over.
fn read(text: &str) -> Baggage {
    let mut baggage = Baggage::new();
    let mut bytes = 0;
    for member in text.split(',').map(str::trim).filter(|member| !member.is_empty()) {
        let (entry, properties) = member.split_once(';').unwrap_or((member, ""));
        let Some((name, value)) = entry.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        if !value.bytes().all(is_octet) {
            continue;
        }
        bytes += member.len() + 1;
        let is_new = baggage.get(name).is_none();
        if bytes > MAX_BYTES + 1 || is_new && baggage.len() == MAX_ENTRIES {
            left_out("read");
            break;
        }
        let properties = if properties.bytes().all(is_property) { properties.trim() } else { "" };
        // A name that is no token is passed over there.
        baggage.insert_with_metadata(name.to_owned(), decode(value), properties.to_owned());
    }
    baggage
}

/// What may stand in a value.
fn is_octet(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// What may stand in the properties of an entry.
fn is_property(byte: u8) -> bool {
    is_octet(byte) || matches!(byte, b';' | b' ' | b'\t')
}

/// An `=` may stand as it is, and there are readers that cut a value there.
fn encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if is_octet(byte) && byte != b'%' && byte != b'=' {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// What is no UTF-8 becomes a replacement character, and a percent sign without two digits stays one.
fn decode(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = (first == b'%').then(|| after.split_at_checked(2)).flatten();
        let byte = digits.and_then(|(digits, after)| Some((digit(digits[0])? << 4 | digit(digits[1])?, after)));
        let (byte, after) = byte.unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cold]
fn left_out(how: &str) {
    static IS_SAID: AtomicBool = AtomicBool::new(false);
    if !IS_SAID.swap(true, Relaxed) {
        say(format_args!(
            "baggage was not {how} in full, and may not be again: there is room for {MAX_ENTRIES} entries and {MAX_BYTES} bytes"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let mut all: Vec<_> =
            read(text).iter().map(|(name, (value, _))| (name.to_string(), value.to_string())).collect();
        all.sort();
        all
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn entries_are_read_with_whitespace_and_properties() {
        assert_eq!(values("a=1 , b = 2;p;q=3,,c=x%20y%2Cz"), pairs(&[("a", "1"), ("b", "2"), ("c", "x y,z")]));
        assert_eq!(write(&read("b = 2;p;q=3")), "b=2;p;q=3");
        assert_eq!(values("a="), pairs(&[("a", "")]));
        assert_eq!(values(""), []);
    }

    #[test]
    fn a_value_may_have_an_equals_sign() {
        assert_eq!(values("a=b=c=="), pairs(&[("a", "b=c==")]));
        assert_eq!(write(&read("a=b=c")), "a=b%3Dc");
    }

    #[test]
    fn what_is_no_entry_is_passed_over() {
        assert_eq!(values(r#"nothing,=1,a b=2,c=d"e,f=g\h,i=j k,l=ä,good=1"#), pairs(&[("good", "1")]));
    }

    #[test]
    fn the_last_of_entries_with_one_name_counts() {
        assert_eq!(values("a=1,a=2"), pairs(&[("a", "2")]));
    }

    #[test]
    fn any_text_comes_back() {
        for value in ["", " ", "100%", "%41", "a=b", "a,b;c", "\"\\", "äöü €", "\u{0}\r\n", "%", "%4", "~!"] {
            let baggage: Baggage = [opentelemetry::KeyValue::new("k", value)].into_iter().collect();
            let text = write(&baggage);
            assert!(text.bytes().all(is_octet), "{text}");
            assert_eq!(values(&text), pairs(&[("k", value)]));
        }
    }

    #[test]
    fn what_is_no_utf_8_is_replaced() {
        assert_eq!(values("a=%FFb%e2%82%ac"), pairs(&[("a", "\u{FFFD}b€")]));
        assert_eq!(values("a=%zz%4"), pairs(&[("a", "%zz%4")]));
    }

    #[test]
    fn properties_cannot_bring_entries_of_their_own() {
        let mut baggage = Baggage::new();
        baggage.insert_with_metadata("a", "1", "p,evil=1");
        baggage.insert_with_metadata("b", "2", "p\r\nx: y");
        assert_eq!(write(&baggage), "a=1,b=2");
    }

    #[test]
    fn sixty_four_entries_and_8192_bytes_have_room() {
        let many = |n: usize| (0..n).map(|n| format!("k{n:03}=v")).collect::<Vec<_>>().join(",");
        assert_eq!(values(&many(64)).len(), 64);
        assert_eq!(values(&many(180)).len(), 64);
        let exact = format!("a={},b={}", "x".repeat(4000), "y".repeat(8192 - 4000 - 5));
        assert_eq!(exact.len(), 8192);
        assert_eq!(values(&exact).len(), 2);
        assert_eq!(values(&format!("{exact}y")).len(), 1);
        assert_eq!(write(&read(&exact)), exact);
    }

    #[test]
    fn what_is_too_long_once_it_is_encoded_is_left_out_alone() {
        let mut baggage = Baggage::new();
        baggage.insert("long", " ".repeat(3_000));
        baggage.insert("short", "1");
        assert_eq!(write(&baggage), "short=1");
    }
}
