//! What Comet takes at most, and how what is longer is cut: in one place, for the server and for archives.
//!
//! Lengths are counted in Unicode scalar values, as the official client (comet-ml 3.58.8) does. Rates are those of Comet's page on limits.

use serde_json::Value;

/// Of the names of metrics, parameters and others.
pub(super) const NAME: usize = 100;
/// Of a text as a value.
pub(super) const TEXT: usize = 1_000;
/// Put behind what was cut, within the length.
const CUT: &str = " [truncated]";
/// Of a line of output.
pub(super) const OUTPUT: usize = 5_000_000;
/// Levels of nested parameters that have names of their own.
pub(super) const LEVELS: usize = 10;
/// Values in a request.
pub(super) const BATCH: usize = 1_000;
/// Names of metrics that a run may have, and of parameters.
pub(super) const NAMES: usize = 50_000;
/// Requests in any minute that are neither metrics, parameters nor output.
pub(super) const OTHERS_A_MINUTE: f64 = 8_000.0;
/// Parameters in any minute.
pub(super) const PARAMETERS_A_MINUTE: f64 = 10_000.0;
/// Lines of output in any minute.
pub(super) const LINES_A_MINUTE: f64 = 12_000.0;
/// Values of metrics in any minute.
pub(super) const METRICS_A_MINUTE: f64 = 12_000.0;
/// Bytes of an image, where the server does not say.
pub(super) const IMAGE_BYTES: u64 = 200 << 20;
/// Bytes of another file, where the server does not say.
pub(super) const ASSET_BYTES: u64 = 100 << 30;

/// A name with at most [`NAME`] characters.
pub(super) fn name(name: &str) -> String {
    cut(name, NAME)
}

/// A text with at most so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    // No text has more characters than bytes.
    if text.len() <= most || text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - CUT.len()).chain(CUT.chars()).collect()
}

/// A value of a parameter, or of another: texts cut, lists of plain values left where their JSON is short enough, everything else as text. Numbers that JSON does not have
/// come here as `null` and stay so.
pub(super) fn value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(&text, TEXT)),
        Value::Array(items) => {
            let is_flat = items.iter().all(|item| !item.is_array() && !item.is_object());
            let list = Value::Array(items);
            let text = list.to_string();
            if is_flat && text.chars().count() <= TEXT { list } else { Value::String(cut(&text, TEXT)) }
        }
        Value::Object(_) => Value::String(cut(&value.to_string(), TEXT)),
        plain => plain,
    }
}

/// A number as JSON has it: what it does not have, as text.
pub(super) fn number(number: f64) -> Value {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.into()
    } else {
        number.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_too_long_is_cut_by_characters_and_says_so() {
        let exact = "ä".repeat(100);
        assert_eq!(name(&exact), exact);
        let cut = name(&"ä".repeat(101));
        assert_eq!(cut, format!("{} [truncated]", "ä".repeat(88)));
        let text = value("x".repeat(1_001).into());
        assert_eq!(text, format!("{} [truncated]", "x".repeat(988)));
    }

    #[test]
    fn lists_stay_lists_while_they_are_short_and_flat() {
        assert_eq!(value(json!([64, "a", null])), json!([64, "a", null]));
        assert_eq!(value(json!([[1], 2])), json!("[[1],2]"));
        assert_eq!(value(json!({"a": 1})), json!(r#"{"a":1}"#));
        let long = value(json!(vec![123_456; 200]));
        assert_eq!(long.as_str().unwrap().chars().count(), TEXT);
    }

    #[test]
    fn numbers_that_json_lacks_are_words() {
        assert_eq!(
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.25].map(number),
            [json!("NaN"), json!("Infinity"), json!("-Infinity"), json!(0.25)]
        );
    }
}
