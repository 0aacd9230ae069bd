use crate::query::Variable;
use std::collections::BTreeMap;
pub(crate) fn substitute(text: &str, _variables: &BTreeMap<String, Variable>) -> Vec<String> {
    vec![text.replace("$__rate_interval", "5m")]
}
