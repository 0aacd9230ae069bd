//! JSON, written: what the few documents that have it need.

/// Members in this order; each value is JSON already.
pub(crate) fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members: Vec<_> = members.into_iter().map(|(name, value)| format!("{}:{value}", text(name))).collect();
    format!("{{{}}}", members.join(","))
}

pub(crate) fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// JSON has no NaN and no infinity.
pub(crate) fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { "null".to_owned() }
}

pub(crate) fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "null".to_owned(), number)
}

pub(crate) fn text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_json_string() {
        assert_eq!(text("a\"b\\c\nd\u{1}ü"), r#""a\"b\\c\u000ad\u0001ü""#);
    }

    #[test]
    fn what_json_cannot_say_is_null() {
        assert_eq!((number(f64::NAN), number(1.5), optional(None)), ("null".into(), "1.5".into(), "null".into()));
    }
}
