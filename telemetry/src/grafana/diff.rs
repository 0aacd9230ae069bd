//! What is different between what is there and what is to be, so that a person can read it.

use serde_json::{Map, Value};
use std::fmt::{self, Write};

/// So many differences are kept; the others are counted.
const KEPT: usize = 500;
/// So many lines are shown.
const LINES: usize = 20;
/// So many characters of a value are shown.
const VALUE: usize = 80;
/// What stands for a value that is secret.
const HIDDEN: &str = "(not shown)";
/// What an element of a list may be known by, the surest first.
const KEYS: [&str; 5] = ["id", "uid", "refId", "name", "title"];

/// One place at which something is different.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// Where, from the root: `panels["Calls"].targets["A"].expr`. Panels, variables, queries and rules are named as users know them.
    pub path: String,
    /// What is there, if something is.
    pub old: Option<Value>,
    /// What is to be there, if something is.
    pub new: Option<Value>,
}

/// Where something is different, and how.
///
/// Shown, it is a line for each of the first 20 differences (`+` is added, `-` taken away, `~` changed), and how many there are besides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    differences: Vec<Difference>,
    more: usize,
}

impl Diff {
    /// All differences, but for those beyond the first 500.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.differences.len() + self.more
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// What takes `old` to `new`. A member that is null counts as one that is not there.
    pub(super) fn between(old: &Value, new: &Value) -> Diff {
        let mut diff = Diff::default();
        diff.values("", Some(old), Some(new));
        diff
    }

    pub(super) fn add(&mut self, path: &str, old: Option<Value>, new: Option<Value>) {
        if self.differences.len() == KEPT {
            self.more += 1;
            return;
        }
        self.differences.push(Difference { path: path.to_owned(), old, new });
    }

    /// Takes the values below these places out.
    pub(super) fn hide(&mut self, is_secret: impl Fn(&str) -> bool) {
        for difference in self.differences.iter_mut().filter(|difference| is_secret(&difference.path)) {
            for value in [&mut difference.old, &mut difference.new].into_iter().flatten() {
                *value = HIDDEN.into();
            }
        }
    }

    /// Shows the texts at this place otherwise.
    pub(super) fn show(&mut self, path: &str, shown: impl Fn(&str) -> String) {
        for difference in self.differences.iter_mut().filter(|difference| difference.path == path) {
            for value in [&mut difference.old, &mut difference.new].into_iter().flatten() {
                *value = shown(value.as_str().unwrap_or_default()).into();
            }
        }
    }

    fn values(&mut self, path: &str, old: Option<&Value>, new: Option<&Value>) {
        match (present(old), present(new)) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => self.objects(path, old, new),
            (Some(Value::Array(old)), Some(Value::Array(new))) => self.lists(path, old, new),
            (old, new) if !is_same(old, new) => self.add(path, old.cloned(), new.cloned()),
            _ => {}
        }
    }

    fn objects(&mut self, path: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        for (name, value) in old {
            self.values(&member(path, name), Some(value), new.get(name));
        }
        for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            self.values(&member(path, name), None, Some(value));
        }
    }

    fn lists(&mut self, path: &str, old: &[Value], new: &[Value]) {
        let Some(key) = KEYS.into_iter().find(|key| is_key(key, old) && is_key(key, new)) else {
            for index in 0..old.len().max(new.len()) {
                self.values(&format!("{path}[{index}]"), old.get(index), new.get(index));
            }
            return;
        };
        let find = |list: &[Value], id: &Value| list.iter().position(|element| element[key] == *id);
        for element in old {
            let other = find(new, &element[key]).map(|at| &new[at]);
            self.values(&format!("{path}[{}]", label(element, key, old)), Some(element), other);
        }
        for element in new.iter().filter(|element| find(old, &element[key]).is_none()) {
            self.values(&format!("{path}[{}]", label(element, key, new)), None, Some(element));
        }
        let order = |list: &[Value], other: &[Value]| -> Vec<Value> {
            let both = list.iter().filter(|element| find(other, &element[key]).is_some());
            both.map(|element| element[key].clone()).collect()
        };
        let (before, after) = (order(old, new), order(new, old));
        if before != after {
            self.add(&format!("{path} (order)"), Some(before.into()), Some(after.into()));
        }
    }
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn is_same(old: Option<&Value>, new: Option<&Value>) -> bool {
    match (old, new) {
        // 1 and 1.0 are one number.
        (Some(Value::Number(old)), Some(Value::Number(new))) => old == new || old.as_f64() == new.as_f64(),
        (old, new) => old == new,
    }
}

/// Whether each element has such a member, and none the same as another.
fn is_key(key: &str, list: &[Value]) -> bool {
    let ids: Vec<_> = list.iter().filter_map(|element| element.get(key)).collect();
    let is_scalar = ids.iter().all(|id| id.is_string() || id.is_number());
    is_scalar && ids.len() == list.len() && (1..ids.len()).all(|at| !ids[..at].contains(&ids[at]))
}

/// An element as users know it: by its title or name, with its key where another one has the same.
fn label(element: &Value, key: &str, list: &[Value]) -> String {
    let name = |element: &Value| {
        let named = ["title", "name"].into_iter().filter_map(|member| element[member].as_str().map(str::to_owned));
        named.into_iter().find(|name| !name.is_empty())
    };
    let Some(title) = name(element) else { return element[key].to_string() };
    let shared = list.iter().filter(|other| name(other).as_ref() == Some(&title)).count() > 1;
    let quoted = Value::from(title);
    if shared { format!("{quoted} {key} {}", element[key]) } else { quoted.to_string() }
}

fn member(path: &str, name: &str) -> String {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    match (is_plain, path) {
        (true, "") => name.to_owned(),
        (true, _) => format!("{path}.{name}"),
        (false, _) => format!("{path}[{}]", Value::from(name)),
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, difference) in self.differences.iter().take(LINES).enumerate() {
            let between = if index == 0 { "" } else { "\n" };
            write!(f, "{between}{difference}")?;
        }
        match self.len().saturating_sub(LINES) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = shortened(&self.path, 2 * VALUE);
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, "  ~ {path}: {} → {}", shown(old), shown(new)),
            (Some(old), None) => write!(f, "  - {path}: {}", shown(old)),
            (None, Some(new)) => write!(f, "  + {path}: {}", shown(new)),
            (None, None) => write!(f, "  ~ {path}"),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text == HIDDEN => text.clone(),
        value => shortened(&value.to_string(), VALUE),
    }
}

fn shortened(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        // Writing to a text cannot fail.
        let _ = write!(short, "… ({} characters)", text.chars().count());
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(old: Value, new: Value) -> String {
        Diff::between(&old, &new).to_string()
    }

    #[test]
    fn panels_are_named_by_title_and_found_by_id() {
        let old = json!({"panels": [{"id": 1, "title": "Calls", "targets": [{"refId": "A", "expr": "a"}]}, {"id": 2, "title": "Old"}]});
        let new = json!({"panels": [{"id": 3, "title": "New"}, {"id": 1, "title": "Calls", "targets": [{"refId": "A", "expr": "b"}]}]});
        assert_eq!(
            shown(old, new),
            "  ~ panels[\"Calls\"].targets[\"A\"].expr: \"a\" → \"b\"\n  - panels[\"Old\"]: {\"id\":2,\"title\":\"Old\"}\n  + \
             panels[\"New\"]: {\"id\":3,\"title\":\"New\"}"
        );
    }

    #[test]
    fn panels_of_one_title_are_told_apart_and_their_order_counts() {
        let (first, second) = (json!({"id": 1, "title": "A", "h": 1}), json!({"id": 2, "title": "A"}));
        let old = json!({"panels": [first, second]});
        assert_eq!(shown(old.clone(), json!({"panels": [second, first]})), "  ~ panels (order): [1,2] → [2,1]");
        let new = json!({"panels": [{"id": 1, "title": "A", "h": 2}, second]});
        assert_eq!(shown(old, new), "  ~ panels[\"A\" id 1].h: 1 → 2");
    }

    #[test]
    fn what_means_the_same_is_no_difference() {
        let old = json!({"a": null, "n": 1, "list": [1.0, {"b": null}]});
        assert!(Diff::between(&old, &json!({"n": 1.0, "list": [1, {}], "c": null})).is_empty());
        assert_eq!(shown(old, json!({"n": "1", "list": [1]})), "  - list[1]: {\"b\":null}\n  ~ n: 1 → \"1\"");
    }

    #[test]
    fn its_length_has_a_bound() {
        let old: Vec<_> = (0..2_000).map(|_| "x".repeat(1_000)).collect();
        let diff = Diff::between(&json!(old), &json!([]));
        assert_eq!((diff.len(), diff.differences().len()), (2_000, KEPT));
        let text = diff.to_string();
        assert_eq!(text.lines().count(), LINES + 1);
        assert!(text.len() < 5_000 && text.ends_with("and 1980 more"), "{text}");
    }

    #[test]
    fn secrets_are_taken_out() {
        let mut diff =
            Diff::between(&json!({"settings": {"url": "word"}, "a": 1}), &json!({"settings": {"url": "other"}}));
        diff.hide(|path| path.starts_with("settings"));
        assert_eq!(diff.to_string(), "  - a: 1\n  ~ settings.url: (not shown) → (not shown)");
        assert!(!format!("{diff:?}").contains("word"));
    }
}
