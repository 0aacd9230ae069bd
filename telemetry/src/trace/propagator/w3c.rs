//! What W3C's Trace Context accepts: <https://www.w3.org/TR/trace-context/>.

use opentelemetry::trace::TraceState;

/// How long a `tracestate` may be before entries are left out, in bytes. The recommendation asks for 512 at least; servers commonly refuse headers of more than 8 KiB.
const MAX_STATE_BYTES: usize = 4096;
/// The recommendation's.
const MAX_STATE_ENTRIES: usize = 32;
/// Those beyond are the first to be left out.
const LONG_ENTRY: usize = 128;

const WHITESPACE: [char; 2] = [' ', '\t'];

/// A valid `traceparent` as one of version 00. A later version may have more fields, which begin with a dash and are not ours to understand.
pub(super) fn traceparent(text: &str) -> Option<String> {
    let text = text.trim_matches(WHITESPACE);
    let version = hex(text, 0, 2)?;
    let trace = hex(text, 3, 32)?;
    let span = hex(text, 36, 16)?;
    let flags = hex(text, 53, 2)?;
    let bytes = text.as_bytes();
    let has_dashes = [2, 35, 52].iter().all(|&index| bytes.get(index) == Some(&b'-'));
    let ends = match bytes.get(55) {
        None => true,
        Some(&next) => version != "00" && next == b'-',
    };
    let is_some_id = |id: &str| id.bytes().any(|digit| digit != b'0');
    let is_valid = version != "ff" && has_dashes && ends && is_some_id(trace) && is_some_id(span);
    is_valid.then(|| format!("00-{trace}-{span}-{flags}"))
}

/// So many lower-case digits from an index.
fn hex(text: &str, start: usize, len: usize) -> Option<&str> {
    text.get(start..start + len).filter(|part| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

/// The lines of a `tracestate` as one. With a mistake in it nothing of it is used; of entries with one name the first counts, which is the latest. Those that
/// are right and that OpenTelemetry's `TraceState` cannot hold, such as `t@` with 14 characters, are left out.
pub(super) fn tracestate(lines: &[&str]) -> Option<String> {
    let mut entries: Vec<(&str, &str)> = Vec::new();
    let members = lines.iter().flat_map(|line| line.split(',')).map(|member| member.trim_matches(WHITESPACE));
    for member in members.filter(|member| !member.is_empty()) {
        let (name, value) = member.split_once('=')?;
        if !is_name(name) || !is_value(value) || entries.len() == MAX_STATE_ENTRIES {
            return None;
        }
        let is_held = TraceState::from_key_value([(name, value)]).is_ok();
        if is_held && !entries.iter().any(|(known, _)| *known == name) {
            entries.push((name, value));
        }
    }
    shorten(&mut entries);
    let text: Vec<String> = entries.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!text.is_empty()).then(|| text.join(","))
}

fn is_name(name: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_next = |byte: u8| is_first(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
    name.bytes().next().is_some_and(is_first) && name.bytes().all(is_next) && name.len() <= 256
}

fn is_value(value: &str) -> bool {
    let is_character = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    !value.is_empty() && value.bytes().all(is_character) && value.len() <= 256
}

/// Leaves out whole entries: long ones first, then from the end.
fn shorten(entries: &mut Vec<(&str, &str)>) {
    let len = |(name, value): &(&str, &str)| name.len() + value.len() + 1;
    let mut bytes = entries.iter().map(len).sum::<usize>() + entries.len().saturating_sub(1);
    for is_long in [true, false] {
        let mut index = entries.len();
        while bytes > MAX_STATE_BYTES && index > 0 {
            index -= 1;
            let len = len(&entries[index]);
            if !is_long || len > LONG_ENTRY {
                entries.remove(index);
                bytes -= len + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_parent_of_version_0_is_taken() {
        for flags in ["00", "01", "02", "03", "ff"] {
            let text = format!("00-{TRACE}-{SPAN}-{flags}");
            assert_eq!(traceparent(&text).as_deref(), Some(text.as_str()));
        }
    }

    #[test]
    fn whitespace_around_a_parent_is_taken() {
        let text = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(traceparent(&format!(" \t{text}\t ")).as_deref(), Some(text.as_str()));
        assert_eq!(traceparent(&format!("00- {TRACE}-{SPAN}-01")), None);
        assert_eq!(traceparent(&format!("{text}\n")), None);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let ours = format!("00-{TRACE}-{SPAN}-01");
        for text in [
            format!("01-{TRACE}-{SPAN}-01"),
            format!("cc-{TRACE}-{SPAN}-01-"),
            format!("cc-{TRACE}-{SPAN}-01-what.comes-later"),
            format!("fe-{TRACE}-{SPAN}-01-ä"),
        ] {
            assert_eq!(traceparent(&text).as_deref(), Some(ours.as_str()), "{text}");
        }
        assert_eq!(traceparent(&format!("cc-{TRACE}-{SPAN}-01.later")), None);
    }

    #[test]
    fn other_parents_are_refused() {
        for text in [
            String::new(),
            "00".to_owned(),
            "-".repeat(55),
            "ä".repeat(40),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("ff-{TRACE}-{SPAN}-01-later"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("000-{TRACE}-{SPAN}-01"),
            format!(".0-{TRACE}-{SPAN}-01"),
            format!("+0-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-001"),
            format!("00-{TRACE}-{SPAN}-.1"),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("CC-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}1-{SPAN}-01"),
            format!("00-{}.-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}-{}-01", &SPAN[1..]),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01"),
            "0".repeat(1 << 20),
        ] {
            assert_eq!(traceparent(&text), None, "{}", text.get(..100).unwrap_or(&text));
        }
    }

    #[test]
    fn states_are_joined_in_their_order() {
        assert_eq!(tracestate(&["a=1 , b=2", "", "c=3"]).as_deref(), Some("a=1,b=2,c=3"));
        assert_eq!(tracestate(&["a=1,,\t,b= 2 "]).as_deref(), Some("a=1,b= 2"));
        assert_eq!(tracestate(&[""]), None);
        assert_eq!(tracestate(&[]), None);
    }

    #[test]
    fn the_first_of_entries_with_one_name_counts() {
        assert_eq!(tracestate(&["a=1,b=2", "a=3"]).as_deref(), Some("a=1,b=2"));
    }

    #[test]
    fn a_name_has_256_characters_at_most() {
        let longest = format!("{}=1", "z".repeat(256));
        assert_eq!(tracestate(&[&longest]).as_deref(), Some(longest.as_str()));
        assert_eq!(tracestate(&[&format!("{}=1", "z".repeat(257))]), None);
        let tenant = format!("{}@{}=1", "t".repeat(241), "v".repeat(13));
        assert_eq!(tracestate(&[&tenant]).as_deref(), Some(tenant.as_str()));
        assert!(tracestate(&["0a-b_c*d/e=1"]).is_some());
    }

    #[test]
    fn a_name_that_opentelemetry_cannot_hold_is_left_out_alone() {
        let systems = format!("a=1,t@{}=2,a@b@c=3,d=4", "v".repeat(14));
        assert_eq!(tracestate(&[&systems]).as_deref(), Some("a=1,d=4"));
    }

    #[test]
    fn a_value_has_256_characters_at_most() {
        assert!(tracestate(&[&format!("a={}", "v".repeat(256))]).is_some());
        assert_eq!(tracestate(&[&format!("a={}", "v".repeat(257))]), None);
    }

    #[test]
    fn a_mistake_discards_all() {
        for state in
            ["a", "a=", "=1", "A=1", "a=1=2", "a=1;b,c", "@a=1", "-a=1", "a b=1", "a=\u{7f}", "a=ä", "a=1\u{0}"]
        {
            assert_eq!(tracestate(&["good=1", state]), None, "{state}");
        }
    }

    #[test]
    fn more_than_32_entries_discard_all() {
        let some = |n: usize| (0..n).map(|n| format!("k{n}=1")).collect::<Vec<_>>().join(",");
        assert!(tracestate(&[&some(32)]).is_some());
        assert_eq!(tracestate(&[&some(33)]), None);
    }

    #[test]
    fn what_is_too_long_loses_long_entries_first() {
        let long = |n: usize| format!("long{n}={}", "v".repeat(250));
        let mut members: Vec<String> = (0..16).map(long).collect();
        members.push("last=1".to_owned());
        let kept = tracestate(&[&members.join(",")]).unwrap();
        assert!(kept.len() <= MAX_STATE_BYTES);
        assert!(kept.starts_with("long0=") && kept.ends_with(",last=1"), "{kept}");
        assert!(kept.contains("long14=") && !kept.contains("long15="), "{kept}");
    }
}
