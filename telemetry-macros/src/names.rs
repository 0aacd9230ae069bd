//! Names: their form, and what a misspelt one was probably meant to be.

use proc_macro2::{Ident, Span};

/// Keywords that `r#` does not make a name.
pub(crate) const NEVER_RAW: [&str; 5] = ["self", "Self", "super", "crate", "_"];

/// Whether a name is a keyword, so that `r#` must stand before it. `gen` is one from edition 2024 on.
pub(crate) fn is_keyword(name: &str) -> bool {
    name == "gen" || syn::parse_str::<Ident>(name).is_err()
}

/// A name as an identifier: raw where it is a keyword.
pub(crate) fn identifier(name: &str, span: Span) -> Ident {
    if is_keyword(name) && !NEVER_RAW.contains(&name) { Ident::new_raw(name, span) } else { Ident::new(name, span) }
}

/// The candidate that is nearest to a word, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let near = |candidate: &&&str| distance(word, candidate) <= candidate.len().div_ceil(3).min(word.len());
    candidates.iter().filter(near).min_by_key(|candidate| distance(word, candidate)).copied()
}

/// The words in back-ticks, with commas: for what a macro takes.
pub(crate) fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// What comes between an unknown word and the list of those that are taken: ``; did you mean `labels`?`` where one is near.
pub(crate) fn did_you_mean(word: &str, candidates: &[&str]) -> String {
    nearest(word, candidates).map_or_else(|| String::from(";"), |name| format!("; did you mean `{name}`?"))
}

/// Levenshtein's distance, with one row. <https://en.wikipedia.org/wiki/Levenshtein_distance>
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// What is wrong with a name that should be lower_snake_case ASCII, and what it would be. `None` where it is right.
pub(crate) fn not_snake_case(name: &str) -> Option<String> {
    let right = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.ends_with('_')
        && !name.contains("__");
    if right {
        return None;
    }
    let mut snake = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() && snake.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()) {
            snake.push('_');
        }
        let character = if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '_' };
        if character != '_' || !(snake.is_empty() || snake.ends_with('_')) {
            snake.push(character);
        }
    }
    let snake = snake.trim_matches(|c: char| c == '_' || c.is_ascii_digit());
    Some(if snake.is_empty() { String::from("name_in_lower_snake_case") } else { snake.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("lables", &["name", "labels", "crate"]), Some("labels"));
        assert_eq!(nearest("nmae", &["name", "labels"]), Some("name"));
        assert_eq!(nearest("x", &["name", "labels"]), None);
        assert_eq!(nearest("frobnicate", &["name", "labels"]), None);
    }

    #[test]
    fn a_wrong_name_is_given_back_right() {
        assert_eq!(not_snake_case("rows_read_total"), None);
        assert_eq!(not_snake_case("RowsRead").as_deref(), Some("rows_read"));
        assert_eq!(not_snake_case("rows__read_").as_deref(), Some("rows_read"));
        assert_eq!(not_snake_case("_rows").as_deref(), Some("rows"));
        assert_eq!(not_snake_case("zeilenGröße").as_deref(), Some("zeilen_gr_e"));
    }
}
