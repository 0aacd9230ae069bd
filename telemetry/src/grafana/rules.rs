//! Alert rules as they are compared: without what the server adds by itself.

use serde_json::{Map, Value, json};
use std::time::Duration;

/// A group without what the server adds by itself.
pub(super) fn comparable(interval: Duration, rules: &[Value]) -> Value {
    let rules: Vec<Value> = rules.iter().map(comparable_rule).collect();
    json!({ "interval": interval.as_secs(), "rules": rules })
}

fn comparable_rule(rule: &Value) -> Value {
    let mut rule = rule.clone();
    if let Some(members) = rule.as_object_mut() {
        members.retain(|name, _| {
            !["id", "guid", "updated", "orgID", "provenance", "folderUID", "ruleGroup"].contains(&&**name)
        });
        for name in ["for", "keep_firing_for"] {
            if let Some(millis) = members.get(name).and_then(Value::as_str).and_then(millis) {
                // As it reads best, and always alike.
                members.insert(
                    name.to_owned(),
                    if millis == 0 { Value::Null } else { format!("{}s", seconds(millis)).into() },
                );
            }
        }
        for query in members.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(model) = query.get_mut("model").and_then(Value::as_object_mut) {
                // What Grafana puts into each query.
                model.retain(|name, value| match name.as_str() {
                    "intervalMs" => *value != 1_000,
                    "maxDataPoints" => *value != 43_200,
                    _ => true,
                });
            }
        }
        without_defaults(members);
    }
    rule
}

/// A member that has nothing in it means the same as none.
fn without_defaults(members: &mut Map<String, Value>) {
    members.retain(|_, value| {
        descend(value);
        match value {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::Object(members) => !members.is_empty(),
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::Bool(true) => true,
        }
    });
}

fn descend(value: &mut Value) {
    match value {
        Value::Object(members) => without_defaults(members),
        Value::Array(list) => list.iter_mut().for_each(descend),
        _ => {}
    }
}

fn seconds(millis: u64) -> String {
    match (millis / 1_000, millis % 1_000) {
        (seconds, 0) => seconds.to_string(),
        (seconds, millis) => format!("{seconds}.{millis:03}"),
    }
}

/// A duration as Prometheus and Go write them: `1h30m`, `90s`, `1h0m0s`.
fn millis(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let unit = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    (!text.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grafana::Diff;

    #[test]
    fn what_grafana_adds_is_no_difference() {
        let ours = json!({"uid": "a", "title": "A", "for": "90m", "data": [{"refId": "A", "model": {"expr": "x"}}]});
        let theirs = json!({
            "id": 7, "uid": "a", "orgID": 3, "title": "A", "for": "1h30m0s", "keep_firing_for": "0s", "isPaused": false, "labels": null,
            "updated": "2026-01-01", "provenance": "api", "notification_settings": null, "folderUID": "f", "ruleGroup": "g",
            "data": [{"refId": "A", "queryType": "", "relativeTimeRange": {"from": 0, "to": 0},
                "model": {"expr": "x", "intervalMs": 1000, "maxDataPoints": 43200}}],
        });
        assert!(Diff::between(&comparable_rule(&theirs), &comparable_rule(&ours)).is_empty());
        let later = json!({"uid": "a", "title": "A", "for": "5m", "data": [{"refId": "A", "model": {"expr": "y"}}]});
        let minute = Duration::from_secs(60);
        let diff = Diff::between(&comparable(minute, &[theirs]), &comparable(minute, &[later]));
        assert_eq!(
            diff.to_string(),
            "  ~ rules[\"A\"].data[\"A\"].model.expr: \"x\" → \"y\"\n  ~ rules[\"A\"].for: \"5400s\" → \"300s\""
        );
    }

    #[test]
    fn durations_are_read_as_prometheus_and_go_write_them() {
        for (text, expected) in [
            ("5m", Some(300_000)),
            ("1h30m0s", Some(5_400_000)),
            ("500ms", Some(500)),
            ("1w", Some(604_800_000)),
            ("0", Some(0)),
            ("", None),
            ("5", None),
            ("m", None),
            ("5 m", None),
            ("99999999999999999999y", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }
}
