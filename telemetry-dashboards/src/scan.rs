//! A query's text in pieces: what is a string, what a word, and where Grafana's variables stand in them.

/// A piece of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Spaces and comments.
    Blank(&'a str),
    /// A string literal, with its quotes.
    Text(Vec<Part<'a>>),
    /// Letters, digits, `_`, and variables without a space in between; `:` too, outside `[…]`; `.` in what begins as a number.
    Word(Vec<Part<'a>>),
    /// Any other character.
    Sign(char),
}

/// What a word or a string is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// As it is.
    Plain(&'a str),
    /// `$name`, `${name}`, `${name:format}`, `${name.field}`, `[[name]]`, `[[name:format]]`.
    Variable(Used<'a>),
}

/// A variable where it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used<'a> {
    pub(crate) name: &'a str,
    /// Behind `:`, or nothing.
    pub(crate) format: &'a str,
    /// As it is written.
    pub(crate) written: &'a str,
    /// Whether a `\` or a `$` stands before it, so that the `$` may be meant as such.
    pub(crate) escaped: bool,
}

/// What stands behind a variable's name, up to `}`, is no longer than this: else a text of nothing but `${a` would be searched to its end
/// at each of them.
const MAX_FORMAT: usize = 200;

/// Cuts a text into pieces; put together again they are the text.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut in_brackets = false;
    while let Some(first) = rest.chars().next() {
        let (piece, length) = match first {
            '#' => blank(rest, rest.find('\n').unwrap_or(rest.len())),
            _ if first.is_whitespace() => blank(rest, rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len())),
            '"' | '\'' | '`' => string(rest, first),
            _ => word(rest, in_brackets).unwrap_or((Piece::Sign(first), first.len_utf8())),
        };
        match piece {
            Piece::Sign('[') => in_brackets = true,
            Piece::Sign(']') => in_brackets = false,
            _ => {}
        }
        pieces.push(piece);
        rest = &rest[length..];
    }
    pieces
}

fn blank(rest: &str, length: usize) -> (Piece<'_>, usize) {
    (Piece::Blank(&rest[..length]), length)
}

fn string(rest: &str, quote: char) -> (Piece<'_>, usize) {
    let mut escaped = false;
    // Grafana puts the values in before anybody looks for quotes, but no format or field of a variable has one.
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped && quote != '`';
        ends
    });
    let length = end.map_or(rest.len(), |(at, c)| at + c.len_utf8());
    (Piece::Text(parts(&rest[..length])), length)
}

fn word(rest: &str, in_brackets: bool) -> Option<(Piece<'_>, usize)> {
    let number = rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let mut length = 0;
    let mut escaped = false;
    while let Some(next) = rest[length..].chars().next() {
        let letter =
            next.is_ascii_alphanumeric() || next == '_' || (next == ':' && !in_brackets) || (next == '.' && number);
        length += match variable(&rest[length..], escaped) {
            Some(used) => used.written.len(),
            None if letter => 1,
            None => break,
        };
        escaped = false;
    }
    (length > 0).then(|| (Piece::Word(parts(&rest[..length])), length))
}

/// The variables of a text, and what is between them.
pub(crate) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find(['$', '[']) {
        at += found;
        let escaped = text[..at].ends_with(['\\', '$']);
        let Some(used) = variable(&text[at..], escaped) else {
            at += 1;
            continue;
        };
        if from < at {
            parts.push(Part::Plain(&text[from..at]));
        }
        at += used.written.len();
        from = at;
        parts.push(Part::Variable(used));
    }
    if from < text.len() {
        parts.push(Part::Plain(&text[from..]));
    }
    parts
}

/// The variable that a text begins with, as Grafana reads them. A name that begins with a digit is none: `$1` is what `label_replace` found.
fn variable(text: &str, escaped: bool) -> Option<Used<'_>> {
    let used = |name, format, end: usize| Some(Used { name, format, written: &text[..end], escaped });
    if let Some(inner) = text.strip_prefix("[[") {
        let name = name(inner)?;
        let behind = &inner[name.len()..];
        let format = behind.strip_prefix(':').map_or("", word_of);
        let colon = usize::from(!format.is_empty());
        let end = 2 + name.len() + colon + format.len();
        return text[end..].starts_with("]]").then(|| used(name, format, end + 2))?;
    }
    let inner = text.strip_prefix('$')?;
    let Some(braced) = inner.strip_prefix('{') else {
        let name = name(inner)?;
        return used(name, "", 1 + name.len());
    };
    let name = name(braced)?;
    let behind = &braced[name.len()..];
    let close = behind.bytes().take(MAX_FORMAT).position(|byte| byte == b'}')?;
    let between = &behind[..close];
    let (field, format) = between.split_once(':').unwrap_or((between, ""));
    let fits =
        (field.is_empty() || field.len() > 1 && field.starts_with('.')) && (between.contains(':') != format.is_empty());
    fits.then(|| used(name, format, 2 + name.len() + close + 1))?
}

fn name(text: &str) -> Option<&str> {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then(|| word_of(text))
}

/// The letters, digits and `_` that a text begins with.
pub(crate) fn word_of(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::{Part, Piece, parts, pieces};

    fn names(text: &str) -> Vec<&str> {
        let variables = parts(text).into_iter().filter_map(|part| match part {
            Part::Variable(used) => Some(used.name),
            Part::Plain(_) => None,
        });
        variables.collect()
    }

    #[test]
    fn every_way_to_write_a_variable_is_read() {
        assert_eq!(
            names("$a ${b} ${c:regex} ${d.value} ${e.f:csv} [[f]] [[g:pipe]] $__rate_interval ${__user.login}"),
            ["a", "b", "c", "d", "e", "f", "g", "__rate_interval", "__user"]
        );
        assert_eq!(names("$$a"), ["a"], "Grafana knows no escape");
    }

    #[test]
    fn what_only_looks_like_a_variable_is_none() {
        for text in
            ["foo$", "$1", "${1}", "$", "${", "${a", "${}", "[[:alpha:]]", "[[a]", "[[a:]]", "${a b}", "$\"", "[["]
        {
            assert_eq!(names(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn the_pieces_of_a_text_are_the_text() {
        let texts = [
            "rate(x{a=\"b\"}[5m]) # rate of $x\n + 0.5 * 'it''s'",
            "\"unended \\\" $a",
            "`raw \\` + x",
            "ä ≥ $a[[b]]x[[[c]]]",
            "[5m:$step]",
            "",
            "\u{feff}",
        ];
        for text in texts {
            let together: String = pieces(text).iter().map(written).collect();
            assert_eq!(together, text);
        }
    }

    fn written(piece: &Piece<'_>) -> String {
        match piece {
            Piece::Blank(blank) => (*blank).to_owned(),
            Piece::Sign(sign) => sign.to_string(),
            Piece::Text(parts) | Piece::Word(parts) => parts
                .iter()
                .map(|part| match part {
                    Part::Plain(plain) => plain,
                    Part::Variable(used) => used.written,
                })
                .collect(),
        }
    }
}
