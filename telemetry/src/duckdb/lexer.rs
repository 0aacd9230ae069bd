//! DuckDB's tokens, as its own tokenizer cuts them: what the splitter and the fingerprint need, and no more.
//!
//! Follows `src/parser/peg/tokenizer/base_tokenizer.cpp` of DuckDB 2.0, which is PostgreSQL's lexer but for back-ticks around names.
//! Never fails: what is not closed ends with the text, as the last token of its kind.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space and comments.
    Nothing,
    /// A keyword or a name without quotes.
    Word,
    /// A name in double quotes or back-ticks.
    Quoted,
    /// A string in any of its forms, or a number.
    Literal,
    /// `?`, `?1`, `$1`, `$name`.
    Parameter,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `;`
    Semicolon,
    /// Anything else.
    Operator,
}

/// A piece of the text. All tokens together are the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// Where it starts, in bytes.
    pub(crate) at: usize,
}

/// The tokens of a text, in order.
pub(crate) fn tokens(sql: &str) -> Tokens<'_> {
    Tokens { sql, at: 0 }
}

/// See [`tokens`].
pub(crate) struct Tokens<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.sql.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (kind, length) = first(rest);
        let text = rest.get(..length).unwrap_or(rest);
        let token = Token { kind, text, at: self.at };
        self.at += text.len();
        Some(token)
    }
}

/// The kind and the length of the first token. Cuts fall behind ASCII characters or whole other ones, never inside.
fn first(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let second = bytes.get(1).copied().unwrap_or(0);
    match bytes[0] {
        b'\'' => (Kind::Literal, quoted(bytes, 0, b'\'', false)),
        b'n' | b'N' | b'x' | b'X' | b'b' | b'B' if second == b'\'' => (Kind::Literal, quoted(bytes, 1, b'\'', false)),
        b'e' | b'E' if second == b'\'' => (Kind::Literal, quoted(bytes, 1, b'\'', true)),
        quote @ (b'"' | b'`') => (Kind::Quoted, quoted(bytes, 0, quote, false)),
        b'-' if second == b'-' => (Kind::Nothing, line_comment(bytes)),
        b'/' if second == b'*' => (Kind::Nothing, block_comment(bytes)),
        b'$' => dollar(rest),
        b'?' => (Kind::Parameter, 1 + digits(&bytes[1..])),
        b'0'..=b'9' => (Kind::Literal, number(bytes)),
        b'.' if second.is_ascii_digit() => (Kind::Literal, number(bytes)),
        b'.' => (Kind::Dot, 1),
        b',' => (Kind::Comma, 1),
        b';' => (Kind::Semicolon, 1),
        b'(' | b'[' | b'{' => (Kind::Open, 1),
        b')' | b']' | b'}' => (Kind::Close, 1),
        b':' if second == b':' || second == b'=' => (Kind::Operator, 2),
        byte if is_operator(byte) => (Kind::Operator, operator(bytes)),
        byte if byte.is_ascii_punctuation() && byte != b'_' => (Kind::Operator, 1),
        _ => word_or_space(rest),
    }
}

/// From the quote at `start` to behind its closing one; a doubled quote, and in `E''` strings one behind a backslash, does not close.
fn quoted(bytes: &[u8], start: usize, quote: u8, backslash: bool) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if backslash && byte == b'\\' {
            at += 1;
        } else if byte == quote {
            if bytes.get(at) != Some(&quote) {
                return at;
            }
            at += 1;
        }
    }
    bytes.len()
}

fn line_comment(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(bytes.len(), |end| end + 1)
}

/// Block comments nest.
fn block_comment(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0usize);
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// `$1` and `$name` are parameters, `$tag$ … $tag$` is a string.
fn dollar(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let after = &bytes[1..];
    if after.first().is_some_and(u8::is_ascii_digit) {
        return (Kind::Parameter, 1 + digits(after));
    }
    let name = after.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80));
    let name = name.unwrap_or(after.len());
    if after.get(name) != Some(&b'$') {
        return (if name > 0 { Kind::Parameter } else { Kind::Operator }, 1 + name);
    }
    let tag = &rest[..name + 2];
    let closed = rest[tag.len()..].find(tag);
    (Kind::Literal, closed.map_or(rest.len(), |at| tag.len() + at + tag.len()))
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(bytes: &[u8]) -> usize {
    if bytes[0] == b'0' && bytes.get(1).is_some_and(|base| matches!(base, b'x' | b'X' | b'b' | b'B' | b'o' | b'O')) {
        let length = bytes[2..].iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'_').count();
        if length > 0 {
            return 2 + length;
        }
    }
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'0'..=b'9' | b'.' => at += 1,
            b'_' if next.is_ascii_digit() => at += 1,
            b'e' | b'E' if next.is_ascii_digit() => at += 2,
            b'e' | b'E' if matches!(next, b'+' | b'-') && bytes.get(at + 2).is_some_and(u8::is_ascii_digit) => at += 3,
            _ => break,
        }
    }
    at
}

fn is_operator(byte: u8) -> bool {
    matches!(byte, b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'<' | b'>' | b'=' | b'~' | b'!' | b'@' | b'&' | b'|')
}

/// As PostgreSQL does: an operator ends before a comment, and does not end in `+` or `-` unless it holds a character that no
/// SQL operator has.
fn operator(bytes: &[u8]) -> usize {
    let mut end = 0;
    while bytes.get(end).is_some_and(|byte| is_operator(*byte)) {
        if end > 0 && matches!(bytes.get(end..end + 2), Some(b"--" | b"/*")) {
            break;
        }
        end += 1;
    }
    let special = |byte: &u8| matches!(byte, b'~' | b'!' | b'@' | b'%' | b'^' | b'&' | b'|');
    if !bytes[..end].iter().any(special) {
        while end > 1 && matches!(bytes[end - 1], b'+' | b'-') {
            end -= 1;
        }
    }
    end
}

fn word_or_space(rest: &str) -> (Kind, usize) {
    let run = |part: fn(char) -> bool| rest.find(|c: char| !part(c)).unwrap_or(rest.len());
    let spaces = run(is_space);
    if spaces > 0 {
        return (Kind::Nothing, spaces);
    }
    // At least one character, whatever it is, so that the tokens come to an end.
    let least = rest.chars().next().map_or(1, char::len_utf8);
    (Kind::Word, run(is_word).max(least))
}

/// DuckDB takes Unicode's spaces for spaces, those without width too.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')
}

fn is_word(c: char) -> bool {
    !is_space(c) && (!c.is_ascii_punctuation() || c == '_' || c == '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> Vec<(Kind, &str)> {
        tokens(sql).filter(|token| token.kind != Kind::Nothing).map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn strings_end_where_duckdb_ends_them() {
        use Kind::{Literal, Word};
        for sql in ["'a;''b'", "E'a\\';b'", "e'\\\\'", "$$a;$b$c$$", "$x$ $$ ; $y$ $x$", "x'ab'", "''"] {
            assert_eq!(kinds(sql), [(Literal, sql)], "{sql}");
        }
        assert_eq!(kinds("'a\\'b"), [(Literal, "'a\\'"), (Word, "b")]);
        assert_eq!(kinds("type'x'"), [(Word, "type"), (Literal, "'x'")]);
    }

    #[test]
    fn comments_nest_and_are_nothing() {
        assert_eq!(kinds("/* a /* ; */ ' */ x -- ; '\n y /* open"), [(Kind::Word, "x"), (Kind::Word, "y")]);
        assert_eq!(kinds("a/*b*/c"), [(Kind::Word, "a"), (Kind::Word, "c")]);
    }

    #[test]
    fn names_parameters_and_numbers_are_told_apart() {
        use Kind::{Literal, Operator, Parameter, Quoted, Word};
        assert_eq!(kinds("\"a;\"\"b\""), [(Quoted, "\"a;\"\"b\"")]);
        assert_eq!(kinds("`a;b`"), [(Quoted, "`a;b`")]);
        assert_eq!(
            kinds("? ?12 $1 $name a$b"),
            [(Parameter, "?"), (Parameter, "?12"), (Parameter, "$1"), (Parameter, "$name"), (Word, "a$b")]
        );
        assert_eq!(
            kinds("1e5 1.5e-3 .5 1_000 0x1F 1e"),
            [
                (Literal, "1e5"),
                (Literal, "1.5e-3"),
                (Literal, ".5"),
                (Literal, "1_000"),
                (Literal, "0x1F"),
                (Literal, "1"),
                (Word, "e")
            ]
        );
        assert_eq!(kinds("a=-1"), [(Word, "a"), (Operator, "="), (Operator, "-"), (Literal, "1")]);
        assert_eq!(kinds("größe\u{a0}x"), [(Word, "größe"), (Word, "x")]);
    }

    #[test]
    fn tokens_are_the_text_whatever_it_is() {
        let ends = [
            "'", "\"", "$", "$a", "$a$", "$a$b$", "/*", "--", "E'\\", "0x", "1e+", "\0", "\\", "é$", "-", "`", ":", "#",
        ];
        for end in ends {
            for start in ["", "select ", "é"] {
                let sql = format!("{start}{end}");
                assert_eq!(tokens(&sql).map(|token| token.text).collect::<String>(), sql);
            }
        }
    }
}
