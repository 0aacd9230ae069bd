//! A dashboard's variables: what can stand in their place, and what they ask themselves.

use crate::query::Variable;
use serde_json::Value;

/// Longer texts are taken as unknown, and so many of a list are kept: a name or a short expression is meant, each read by itself.
const MAX_TEXT: usize = 500;
const MAX_TEXTS: usize = 24;

/// A variable as it is defined, in either form of dashboard.
pub(crate) struct Template<'a> {
    pub(crate) name: &'a str,
    kind: &'a str,
    /// The object with `query`, `options`, `current` and so on.
    spec: &'a Value,
    pub(crate) source: Option<&'a Value>,
    /// The plugin that the query is for, in the schema v2.
    pub(crate) group: Option<&'a str>,
}

/// What a variable of type `query` asks.
pub(crate) struct Asked {
    pub(crate) expression: String,
    pub(crate) reads: Vec<(String, String)>,
}

impl<'a> Template<'a> {
    /// An entry of `templating.list`.
    pub(crate) fn classic(spec: &'a Value) -> Option<Self> {
        let name = spec.get("name")?.as_str()?;
        let kind = spec.get("type").and_then(Value::as_str).unwrap_or("query");
        Some(Template { name, kind, spec, source: spec.get("datasource"), group: None })
    }

    /// An entry of `variables` in the schema v2.
    pub(crate) fn second(object: &'a Value) -> Option<Self> {
        let kind = object.get("kind")?.as_str()?.strip_suffix("Variable")?;
        let spec = object.get("spec")?;
        let kind = match kind {
            "Query" => "query",
            "Text" => "textbox",
            "Constant" => "constant",
            "Custom" => "custom",
            "Interval" => "interval",
            "Datasource" => "datasource",
            _ => "other",
        };
        let query = spec.get("query");
        let inner = query.and_then(|query| query.get("datasource"));
        Some(Template {
            name: spec.get("name")?.as_str()?,
            kind,
            spec,
            source: spec.get("datasource").or(inner),
            group: plugin_of(query),
        })
    }

    /// What can stand in the variable's place.
    pub(crate) fn variable(&self) -> Variable {
        let texts = match self.kind {
            "interval" => return Variable::Duration,
            "custom" => self.values(),
            "constant" | "textbox" => {
                vec![self.text("query").or(self.current().into_iter().next()).unwrap_or_default()]
            }
            _ => Vec::new(),
        };
        let shown = |text: &String| !text.trim().is_empty() && text.len() <= MAX_TEXT && !text.contains('$');
        // A text that is empty, or has variables itself, says nothing before the server has put it together.
        let texts: Vec<String> = texts.into_iter().filter(shown).take(MAX_TEXTS).collect();
        if texts.is_empty() { Variable::Unknown } else { Variable::Texts(texts) }
    }

    /// The plugin whose data sources a variable of type `datasource` lists.
    pub(crate) fn plugin(&self) -> Option<&'a str> {
        let plugin = self.spec.get("query").or(self.spec.get("pluginId"));
        plugin.and_then(Value::as_str).filter(|_| self.kind == "datasource")
    }

    /// The text that a variable of type `query` asks.
    pub(crate) fn query(&self) -> Option<&'a str> {
        let query = self.spec.get("query");
        let own = |query: &'a Value| match query {
            Value::String(text) => Some(text.as_str()),
            _ => {
                let inner = query.get("spec").unwrap_or(query);
                inner.get("query").or(inner.get("__legacyStringValue")).and_then(Value::as_str)
            }
        };
        let text = query.and_then(own).filter(|text| !text.trim().is_empty());
        let text = text.or(self.spec.get("definition").and_then(Value::as_str));
        text.filter(|text| self.kind == "query" && !text.trim().is_empty())
    }

    fn text(&self, key: &str) -> Option<String> {
        self.spec.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// The values of a list to choose from: `a, b, name : c`, or JSON, or the options as Grafana saved them.
    fn values(&self) -> Vec<String> {
        let text = self.text("query").unwrap_or_default();
        if self.spec.get("valuesFormat").and_then(Value::as_str) == Some("json") {
            let values = serde_json::from_str(&text).unwrap_or(Value::Null);
            let value = |one: &Value| one.get("value").unwrap_or(one).as_str().map(str::to_owned);
            return values.as_array().map(|values| values.iter().filter_map(value).collect()).unwrap_or_default();
        }
        if !text.trim().is_empty() {
            return listed(&text);
        }
        let options = self.spec.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let texts: Vec<String> = options
            .iter()
            .filter_map(|option| option.get("value").and_then(Value::as_str).map(str::to_owned))
            .collect();
        if texts.is_empty() { self.current() } else { texts }
    }

    fn current(&self) -> Vec<String> {
        match self.spec.pointer("/current/value") {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

/// The plugin of a query in the schema v2: `group`, or `kind` in its first form.
pub(crate) fn plugin_of(query: Option<&Value>) -> Option<&str> {
    let text = |key: &str| query.and_then(|query| query.get(key)).and_then(Value::as_str);
    match text("kind") {
        Some("DataQuery") | None => text("group"),
        kind => kind,
    }
    .filter(|plugin| !plugin.is_empty())
}

/// The values in `a, b\, with a comma, name : c`.
fn listed(text: &str) -> Vec<String> {
    let mut entries = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.next_if_eq(&',').is_some() => push(&mut entries, ','),
            ',' => entries.push(String::new()),
            other => push(&mut entries, other),
        }
    }
    let value = |entry: String| match entry.split_once(" : ") {
        Some((_, value)) => value.trim().to_owned(),
        None => entry.trim().to_owned(),
    };
    entries.into_iter().map(value).collect()
}

fn push(entries: &mut [String], letter: char) {
    if let Some(last) = entries.last_mut() {
        last.push(letter);
    }
}

/// What a variable's text asks, in PromQL: `label_values(metric, label)`, `query_result(expression)`, `metrics(pattern)`, or a selector.
/// Nothing where no series is named. A bare text is a selector only where the data source is known: others have languages of their own.
/// <https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/>
pub(crate) fn asked(text: &str, sure: bool) -> Option<Asked> {
    let trimmed = text.trim();
    let inside = |function: &str| -> Option<&str> {
        Some(trimmed.strip_prefix(function)?.trim_start().strip_prefix('(')?.strip_suffix(')')?.trim())
    };
    let expression = |expression: &str| Asked { expression: expression.to_owned(), reads: Vec::new() };
    if let Some(arguments) = inside("label_values") {
        let (metric, label) = arguments.rsplit_once(',')?;
        let label = label.trim().trim_matches('"');
        if metric.trim().is_empty() {
            return None;
        }
        let reads = if label.contains('$') || label.is_empty() {
            Vec::new()
        } else {
            vec![(label.to_owned(), trimmed.to_owned())]
        };
        return Some(Asked { reads, ..expression(metric.trim()) });
    }
    if inside("label_names").is_some() {
        return None;
    }
    if let Some(pattern) = inside("metrics") {
        // Grafana looks for the pattern anywhere in a name; only one with `^` says what names begin with.
        let anchored = pattern.strip_prefix('^').filter(|rest| !rest.contains(['"', '\\']))?;
        let pattern = anchored.strip_suffix('$').map_or(format!("{anchored}.*"), str::to_owned);
        return Some(expression(&format!("{{__name__=~\"{pattern}\"}}")));
    }
    if let Some(inner) = inside("query_result") {
        return (!inner.is_empty()).then(|| expression(inner));
    }
    sure.then(|| expression(trimmed))
}

#[cfg(test)]
mod tests {
    use super::{asked, listed};

    #[test]
    fn a_list_is_cut_at_commas_and_values_stand_behind_the_colon() {
        assert_eq!(listed("a, b,c\\,d, Name : e:f"), ["a", "b", "c,d", "e:f"]);
    }

    #[test]
    fn a_variable_asks_for_a_series_and_its_label() {
        let both = |text: &str| {
            asked(text, false)
                .map(|asked| (asked.expression, asked.reads.into_iter().map(|(label, _)| label).collect::<Vec<_>>()))
        };
        let some = |expression: &str, labels: &[&str]| {
            Some((expression.to_owned(), labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>()))
        };
        assert_eq!(both("label_values(up{a=\"b,c\"}, instance)"), some("up{a=\"b,c\"}", &["instance"]));
        assert_eq!(both(" label_values( up , instance ) "), some("up", &["instance"]));
        assert_eq!(both("label_values(up, $label)"), some("up", &[]));
        assert_eq!(
            both("query_result(topk(5, sum(rate(x[5m])) by (a)))"),
            some("topk(5, sum(rate(x[5m])) by (a))", &[])
        );
        assert_eq!(both("metrics(^job_rows)"), some("{__name__=~\"job_rows.*\"}", &[]));
        for nothing in
            ["label_values(instance)", "label_names()", "label_names(up)", "metrics(job_rows)", "SHOW TAG VALUES"]
        {
            assert_eq!(both(nothing), None, "{nothing}");
        }
        assert_eq!(asked("up{job=\"x\"}", true).map(|asked| asked.expression).as_deref(), Some("up{job=\"x\"}"));
    }
}
