//! A query's text to its syntax tree, or to what is wrong with it.

use super::*;

/// What a query can be read as, else what is wrong with the likeliest reading.
pub(super) fn trees(query: &Query) -> Result<Vec<Expr>, String> {
    let text = &query.place.query;
    if text.len() > MAX_QUERY_BYTES {
        return Err(format!("the query has {} bytes; at most {MAX_QUERY_BYTES} are read", text.len()));
    }
    let mut trees = Vec::new();
    let mut first = None;
    for reading in variables::substitute(text, &query.variables).readings {
        for candidate in reading {
            match parse_guarded(&candidate) {
                Ok(tree) => {
                    trees.push(tree);
                    break;
                }
                Err(message) => first = first.or(Some(message)),
            }
        }
    }
    let wrong = || format!("this is not PromQL: {}", first.unwrap_or_else(|| String::from("it is empty")));
    if trees.is_empty() { Err(wrong()) } else { Ok(trees) }
}

/// The parser's answer, in one sentence that says more than that it could not.
pub(super) fn parse_guarded(text: &str) -> Result<Expr, String> {
    let Ok(answer) = catch_unwind(AssertUnwindSafe(|| parse(text))) else {
        return Err(String::from("the parser failed on it"));
    };
    // The name until Prometheus 3, with the same arguments. <https://prometheus.io/docs/prometheus/latest/migration/>
    if matches!(&answer, Err(message) if message.contains("'holt_winters'")) {
        return parse_guarded(&text.replace("holt_winters", "double_exponential_smoothing"));
    }
    answer.map_err(|message| if message == "invalid promql query" { guess(text) } else { message })
}

/// What is probably wrong where the parser does not say.
pub(super) fn guess(text: &str) -> String {
    let trimmed = text.trim_end();
    let words: Vec<&str> = trimmed.split_whitespace().collect();
    let last = words.last().copied().unwrap_or_default();
    let operators = ["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless"];
    if operators.contains(&last) || trimmed.ends_with(['+', '-', '*', '/', '%', '^', '=', '>', '<']) {
        return format!("nothing stands behind `{last}`");
    }
    let lists = ["by", "without", "on", "ignoring", "group_left", "group_right"];
    for pair in words.windows(2) {
        let (word, next) = (pair[0].rsplit(['(', ')', ' ']).next().unwrap_or_default(), pair[1]);
        if lists.contains(&word) && !next.starts_with('(') && !word.starts_with("group") {
            return format!("the labels of `{word}` stand in parentheses; write `{word} ({})`", next.trim_matches(','));
        }
    }
    String::from("an operator, a comma or an operand is missing, or stands where none can")
}
