//! JSON, written: what the few documents that have it need.

use crate::snapshot::Statement;

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

/// A DuckDB statement, but for its plan.
pub(crate) fn statement(statement: &Statement) -> Vec<(&'static str, String)> {
    let whole = |value: Option<u64>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
    let profile = &statement.profile;
    let types = statement.error_types.iter().map(|(name, count)| (&**name, count.to_string()));
    vec![
        ("statement", text(&statement.label)),
        ("database", text(&statement.database)),
        ("text", text(&statement.text)),
        ("calls", statement.calls.to_string()),
        ("errors", statement.errors.to_string()),
        ("error_types", object(types)),
        ("total_seconds", number(statement.total_seconds)),
        ("mean_seconds", number(statement.mean_seconds())),
        ("min_seconds", number(statement.min_seconds)),
        ("max_seconds", number(statement.max_seconds)),
        ("deviation_seconds", number(statement.deviation_seconds)),
        ("p50_seconds", number(statement.p50_seconds)),
        ("p95_seconds", number(statement.p95_seconds)),
        ("p99_seconds", number(statement.p99_seconds)),
        ("rows", statement.rows.to_string()),
        ("profiled_runs", profile.runs.to_string()),
        ("profiles_stand_for", profile.stands_for.to_string()),
        ("rows_scanned", whole(profile.rows_scanned)),
        ("operator_seconds", optional(profile.operator_seconds)),
        ("planning_seconds", optional(profile.planning_seconds)),
        ("blocked_seconds", optional(profile.blocked_seconds)),
        ("peak_memory_bytes", whole(profile.peak_memory_bytes)),
        ("peak_temp_bytes", whole(profile.peak_temp_bytes)),
        ("read_bytes", whole(profile.read_bytes)),
        ("written_bytes", whole(profile.written_bytes)),
    ]
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
