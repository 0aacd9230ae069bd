//! Texts in YAML and in PromQL, whatever is in them.

/// A text in double quotes, with the escapes that YAML and PromQL share: `\"`, `\\`, `\n`, `\uXXXX`, `\UXXXXXXXX`.
///
/// <https://yaml.org/spec/1.2.2/#57-escaped-characters>, <https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals>
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            other if is_plain(other) => quoted.push(other),
            other if u32::from(other) > 0xFFFF => quoted.push_str(&format!("\\U{:08x}", u32::from(other))),
            other => quoted.push_str(&format!("\\u{:04x}", u32::from(other))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether YAML takes a character as it is, and does not break a line at it.
fn is_plain(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

/// A text that Prometheus' templates leave as it is: the labels and annotations of alerts are such.
pub(super) fn template(text: &str) -> String {
    text.replace("{{", "{{\"{{\"}}")
}

/// One line of a comment.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|character| if is_plain(character) { character } else { ' ' }).collect()
}

/// A name as a text where it may be one that YAML takes for something else: letters, digits and `_` alone stay as they are.
pub(super) fn key(name: &str) -> String {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = words.iter().any(|word| name.eq_ignore_ascii_case(word));
    if starts && !is_word && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A number without what binary fractions add to it: 1 - 0.999 is 0.001.
pub(super) fn number(value: f64) -> String {
    // 1e-12: a share with more digits than that is nobody's objective.
    let rounded = (value * 1e12).round() / 1e12;
    if rounded == 0.0 { format!("{value:e}") } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_whatever_is_in_them() {
        assert_eq!(quoted("Vec<T>::load"), "\"Vec<T>::load\"");
        assert_eq!(quoted("a \"b\" \\ c\n\té"), "\"a \\\"b\\\" \\\\ c\\n\\u0009é\"");
        assert_eq!(quoted("\u{85}\u{2028}\u{FEFF}\u{7f}😀"), "\"\\u0085\\u2028\\ufeff\\u007f😀\"");
        assert_eq!(comment("a\nb"), "a b");
        assert_eq!(template("a {{ $x }}"), "a {{\"{{\"}} $x }}");
    }

    #[test]
    fn keys_are_words_or_quoted() {
        assert_eq!(key("team"), "team");
        assert_eq!((key("on"), key("1st"), key("a-b")), ("\"on\"".into(), "\"1st\"".into(), "\"a-b\"".into()));
    }

    #[test]
    fn numbers_are_those_that_were_written() {
        assert_eq!(number(1.0 - 0.999), "0.001");
        assert_eq!(number(1.0 - 0.9), "0.1");
        assert_eq!(number(0.02 * 720.0), "14.4");
        assert_eq!(number(1e-15), "1e-15");
    }
}
