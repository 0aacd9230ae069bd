//! The labels that texts beside a query read of its result: legends, fields, annotations of alerts.

use crate::scan::{self, Part};
use serde_json::Value;

/// A longer text is not read: each label found carries its text with it.
const MAX_TEXT: usize = 4_000;

/// A label and the text that reads it.
type Reads = Vec<(String, String)>;

/// Whether a text has no variables of Grafana.
pub(crate) fn plain(text: &str) -> bool {
    scan::parts(text).iter().all(|part| matches!(part, Part::Plain(_)))
}

/// The labels in `{{…}}` of a legend.
pub(crate) fn of_legend(text: &str) -> Reads {
    let mut reads = Reads::new();
    for behind in short(text).split("{{").skip(1) {
        let Some((label, _)) = behind.split_once("}}") else { continue };
        add(&mut reads, label.trim(), text);
    }
    reads
}

/// The labels in `${__field.labels.…}` of links, names and other texts of fields.
pub(crate) fn of_fields(fields: &Value) -> Reads {
    let mut reads = Reads::new();
    each_text(fields, &mut |text| {
        for behind in short(text).split("${__field.labels").skip(1) {
            let Some((path, _)) = behind.split_once('}') else { continue };
            let path = path.split(':').next().unwrap_or_default();
            let quoted = [("[\"", "\"]"), ("['", "']")]
                .iter()
                .find_map(|(open, close)| path.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)));
            add(&mut reads, path.strip_prefix('.').or(quoted).unwrap_or_default(), text);
        }
    });
    reads
}

/// The labels in `$labels.…`, `.Labels.…` and `index $labels "…"` of an alert's annotation or label.
pub(crate) fn of_alert(text: &str) -> Reads {
    let mut reads = Reads::new();
    let mut rest = short(text);
    // Behind these the dot is another thing.
    let mut rebound = false;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (action, behind) = behind.split_once("}}").unwrap_or((behind, ""));
        of_action(action, rebound, &mut reads, text);
        let first = action.trim_start_matches('-').trim_start();
        rebound |= ["range", "with", "define", "block"].iter().any(|word| scan::word_of(first) == *word);
        debug_assert!(rest.len() > before.len() + behind.len());
        rest = behind;
    }
    reads
}

/// The labels in one `{{…}}`.
fn of_action(action: &str, rebound: bool, reads: &mut Reads, text: &str) {
    for (at, _) in action.match_indices("abels") {
        let behind = &action[at + "abels".len()..];
        let before = &action[..at];
        let root = before.strip_suffix(".L").filter(|before| !rebound && !before.ends_with(letter));
        if before.ends_with("$l") || before.ends_with("$.L") || root.is_some() {
            let path = behind.strip_prefix('.').map(scan::word_of);
            let index = before.trim_end_matches(['$', '.', 'l', 'L']).trim_end().ends_with("index");
            let quoted = behind.trim_start().strip_prefix(['"', '`']).filter(|_| index);
            let quoted = quoted.and_then(|rest| rest.split(['"', '`']).next());
            add(reads, path.or(quoted).unwrap_or_default(), text);
        }
    }
}

fn letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ')' | ']')
}

fn short(text: &str) -> &str {
    if text.len() > MAX_TEXT { "" } else { text }
}

fn add(reads: &mut Reads, label: &str, text: &str) {
    let known = reads.iter().any(|(known, _)| known == label);
    if !label.is_empty() && !known && plain(label) {
        reads.push((label.to_owned(), text.to_owned()));
    }
}

fn each_text<'a>(value: &'a Value, found: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => found(text),
        Value::Array(array) => array.iter().for_each(|inner| each_text(inner, found)),
        Value::Object(object) => object.values().for_each(|inner| each_text(inner, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{of_alert, of_fields, of_legend};

    fn labels(reads: Vec<(String, String)>) -> Vec<String> {
        reads.into_iter().map(|(label, _)| label).collect()
    }

    #[test]
    fn a_legends_labels_are_those_in_double_braces() {
        assert_eq!(labels(of_legend("{{job}} / {{ status }} ({{job}})")), ["job", "status"]);
        for none in ["__auto", "", "{{", "{{}}", "{{ $label }}", "p95", "{{[[label]]}}", "}}{{"] {
            assert_eq!(labels(of_legend(none)), Vec::<String>::new(), "{none}");
        }
    }

    #[test]
    fn a_fields_labels_are_found_in_every_text() {
        let fields = serde_json::json!({
            "displayName": "${__field.labels.job}",
            "links": [{"url": "/d/x?var-a=${__field.labels.status:percentencode}&b=${__field.labels[\"code\"]}&c=${__field.labels['shard']}", "title": "${__field.name}"}],
        });
        assert_eq!(labels(of_fields(&fields)), ["job", "status", "code", "shard"]);
    }

    #[test]
    fn an_alerts_labels_are_those_of_its_result() {
        let text = "{{ $labels.job }} {{.Labels.status}} {{ index $labels \"code\" }} {{ $labels.rows | title }} {{ $.Labels.shard }}";
        assert_eq!(labels(of_alert(text)), ["job", "status", "code", "rows", "shard"]);
        assert_eq!(labels(of_alert("{{ $$labels.job }}")), ["job"], "in Grafana's files `$` is doubled");
        assert_eq!(labels(of_alert("{{ if eq $labels.a \"b\" }}{{ end }}")), ["a"]);
    }

    #[test]
    fn what_is_not_the_results_is_not_read() {
        for none in [
            "{{ $value }} $labels.job",
            "{{ $externalLabels.cluster }} {{ .ExternalLabels.cluster }}",
            "{{ $values.A.Labels.job }}",
            "{{ range query \"up\" }}{{ .Labels.instance }}{{ end }}",
            "{{ with query \"up\" }}{{ . | first | value }}{{ end }}",
            "{{ $labels }}",
            "{{",
        ] {
            assert_eq!(labels(of_alert(none)), Vec::<String>::new(), "{none}");
        }
    }
}
