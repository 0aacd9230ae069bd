//! What statements have in common that differ in their literals alone: a text without them, a label, a hash.
//!
//! Literals, parameters and lists of them become `?`, comments go, case and space are folded. The text is a fixed point: its own
//! fingerprint is itself.

use crate::duckdb::lexer::{self, Kind, Token};
use std::borrow::Cow;

/// A statement without its literals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// FNV-1a over the whole text.
    pub(crate) hash: u64,
    /// Operation, main table where it can be told, and six digits of the hash: `select_flights_3fa9c1`.
    pub(crate) label: Box<str>,
    /// The text, cut behind [`TEXT_LIMIT`] bytes.
    pub(crate) text: Box<str>,
    /// The first word that says what the statement does.
    pub(crate) operation: &'static str,
    /// Whether a statement that writes gives rows back.
    pub(crate) returning: bool,
}

/// 4 KiB: with 500 statements kept, at most 2 MB.
const TEXT_LIMIT: usize = 4096;
/// 40: a label is for people to read.
const TABLE_LIMIT: usize = 40;

/// What a name in quotes is. DuckDB says at binding: until a statement has been bound, it may be a string in the wrong quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quotes {
    Name,
    Literal,
}

/// The operations that become part of a label. Other first words do not: they may be anything.
#[rustfmt::skip] // words in lines
const OPERATIONS: [&str; 47] = [
    "select", "insert", "update", "delete", "merge", "copy", "create", "alter", "drop", "truncate", "with", "from",
    "values", "table", "describe", "desc", "show", "summarize", "explain", "analyze", "vacuum", "checkpoint", "begin",
    "start", "commit", "end", "rollback", "abort", "set", "reset", "pragma", "attach", "detach", "use", "install",
    "load", "call", "prepare", "execute", "deallocate", "export", "import", "pivot", "unpivot", "comment", "force",
    "append",
];

/// Words before which no operand ends: a sign behind them belongs to its number, a bracket behind them opens a list.
#[rustfmt::skip] // words in lines
const KEYWORDS: [&str; 46] = [
    "select", "distinct", "where", "and", "or", "not", "in", "then", "else", "when", "case", "by", "limit", "offset",
    "between", "values", "on", "having", "like", "ilike", "similar", "to", "set", "default", "is", "as", "from",
    "using", "return", "returning", "any", "all", "some", "array", "row", "with", "union", "except", "intersect",
    "qualify", "top", "sample", "escape", "glob", "lambda", "interval",
];
/// Words that are literals where a list holds them.
const WORD_LITERALS: [&str; 4] = ["null", "true", "false", "default"];

impl Fingerprint {
    /// The fingerprint of a statement.
    pub(crate) fn of(sql: &str, quotes: Quotes) -> Fingerprint {
        let mut folder = Folder::new(quotes);
        for token in lexer::tokens(sql) {
            folder.push(token);
        }
        folder.finish()
    }

    /// What stands for every text that does not parse: without a grammar, no word in it is known not to be a literal.
    pub(crate) fn unparsed() -> Fingerprint {
        Fingerprint {
            hash: 0,
            label: "unparsed".into(),
            text: "(statements that do not parse)".into(),
            operation: "other",
            returning: false,
        }
    }

    /// What stands for the rows that an appender writes to a table.
    pub(crate) fn append(table: &str) -> Fingerprint {
        let quoted = format!("append into \"{}\"", table.replace('"', "\"\""));
        Fingerprint::of(&quoted, Quotes::Name)
    }

    /// The main table, as it is in the label.
    #[cfg(all(feature = "otel", not(telemetry_off)))]
    pub(crate) fn table(&self) -> Option<&str> {
        let (name, _hash) = self.label.rsplit_once('_')?;
        name.strip_prefix(self.operation)?.strip_prefix('_')
    }

    /// Whether its result is a count of changed rows rather than rows.
    pub(crate) fn writes(&self) -> bool {
        matches!(self.operation, "insert" | "update" | "delete" | "merge" | "copy" | "create" | "truncate")
            && !self.returning
    }

    /// Whether DuckDB's profile of it says anything: settings and transactions have none worth its price.
    pub(crate) fn has_profile(&self) -> bool {
        !matches!(
            self.operation,
            "begin"
                | "start"
                | "commit"
                | "end"
                | "rollback"
                | "abort"
                | "set"
                | "reset"
                | "pragma"
                | "use"
                | "install"
                | "load"
                | "prepare"
                | "deallocate"
                | "detach"
                | "other"
        )
    }
}

/// A token of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece<'a> {
    kind: Kind,
    text: Cow<'a, str>,
}

impl Piece<'_> {
    fn value() -> Piece<'static> {
        Piece { kind: Kind::Literal, text: Cow::Borrowed("?") }
    }

    fn is_value(&self) -> bool {
        self.kind == Kind::Literal
    }

    fn is(&self, text: &str) -> bool {
        self.text == text
    }

    fn is_keyword(&self) -> bool {
        self.kind == Kind::Word && KEYWORDS.contains(&&*self.text)
    }

    /// Whether an operand ends here, so that a sign behind it joins two and a bracket behind it belongs to it.
    fn ends_operand(&self) -> bool {
        match self.kind {
            Kind::Word => !self.is_keyword(),
            Kind::Quoted | Kind::Literal | Kind::Close => true,
            _ => false,
        }
    }
}

/// An open bracket, or the whole statement.
struct Frame {
    /// Where its bracket stands in the pieces; nothing for the statement.
    open: usize,
    /// Whether equal neighbours in it are one: it is a list, not the arguments of a function.
    list: bool,
    /// Where the running item starts.
    item: usize,
    /// The item before it.
    before: Option<(usize, usize)>,
    /// The last group in brackets that closed in it.
    group: Option<(usize, usize)>,
}

impl Frame {
    fn new(open: usize, item: usize, list: bool) -> Frame {
        Frame { open, list, item, before: None, group: None }
    }
}

/// What is left out because it is a literal without quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mask {
    None,
    /// `set` and `pragma`: what stands behind the sign.
    AfterSign,
    /// `create secret`: what stands in its brackets.
    InBrackets,
    /// Everything, up to the statement's end.
    Rest,
}

struct Folder<'a> {
    pieces: Vec<Piece<'a>>,
    frames: Vec<Frame>,
    quotes: Quotes,
    mask: Mask,
    /// Where the running statement starts.
    start: usize,
}

impl<'a> Folder<'a> {
    fn new(quotes: Quotes) -> Folder<'a> {
        Folder { pieces: Vec::new(), frames: vec![Frame::new(0, 0, false)], quotes, mask: Mask::None, start: 0 }
    }

    fn push(&mut self, token: Token<'a>) {
        if self.mask == Mask::Rest && token.kind != Kind::Semicolon {
            return;
        }
        match token.kind {
            Kind::Nothing => {}
            Kind::Literal | Kind::Parameter => self.value(),
            Kind::Word => self.word(token.text),
            Kind::Quoted if self.quotes == Quotes::Literal => self.value(),
            Kind::Quoted => self.quoted(token.text),
            Kind::Open => self.open(token.text),
            Kind::Close => self.close(token.text),
            Kind::Comma => {
                self.end_item();
                self.piece(Kind::Comma, token.text);
                let next = self.pieces.len();
                if let Some(frame) = self.frames.last_mut() {
                    frame.item = next;
                }
            }
            Kind::Semicolon => self.semicolon(),
            Kind::Dot => self.piece(Kind::Dot, token.text),
            Kind::Operator => {
                self.piece(Kind::Operator, token.text);
                if matches!(token.text, "=" | ":=") {
                    self.sign();
                }
            }
        }
    }

    fn piece(&mut self, kind: Kind, text: impl Into<Cow<'a, str>>) {
        self.pieces.push(Piece { kind, text: text.into() });
    }

    /// A literal takes its sign with it: `= -5` is `= ?`, `a - 5` is `a - ?`.
    fn value(&mut self) {
        while let [.., before, sign] = self.pieces.as_slice()
            && sign.kind == Kind::Operator
            && (sign.is("-") || sign.is("+"))
            && !before.ends_operand()
        {
            self.pieces.pop();
        }
        self.pieces.push(Piece::value());
    }

    fn word(&mut self, text: &'a str) {
        let folded =
            if text.chars().any(char::is_uppercase) { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) };
        let first = self.pieces.len() == self.start;
        match &*folded {
            "set" | "pragma" if first => self.mask = Mask::AfterSign,
            "secret" if self.only_words_after("create") => self.mask = Mask::InBrackets,
            _ => {}
        }
        let is_to = folded == "to";
        self.piece(Kind::Word, folded);
        if is_to {
            self.sign();
        }
    }

    /// Whether the running statement is this word and other words so far.
    fn only_words_after(&self, word: &str) -> bool {
        let statement = self.pieces.get(self.start..).unwrap_or_default();
        statement.first().is_some_and(|first| first.is(word)) && statement.iter().all(|piece| piece.kind == Kind::Word)
    }

    /// Names have no case in DuckDB, in quotes or not; quotes stay where the name would be something else without them.
    fn quoted(&mut self, text: &str) {
        let quote = text.get(..1).unwrap_or("\"");
        let inner = text.get(1..).unwrap_or_default();
        let inner = inner.strip_suffix(quote).unwrap_or(inner);
        let name = inner.replace(&quote.repeat(2), quote).to_lowercase();
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && !KEYWORDS.contains(&&*name)
            && !WORD_LITERALS.contains(&&*name)
            && !is_operation(&name)
            && name != "secret";
        if plain {
            self.piece(Kind::Word, name);
        } else {
            self.piece(Kind::Quoted, format!("\"{}\"", name.replace('"', "\"\"")));
        }
    }

    fn open(&mut self, text: &'a str) {
        if self.mask == Mask::InBrackets && text == "(" {
            // The options of a secret may be written without quotes.
            self.piece(Kind::Open, "(");
            self.pieces.push(Piece::value());
            self.piece(Kind::Close, ")");
            self.mask = Mask::Rest;
            return;
        }
        let belongs = self.pieces.last().is_some_and(Piece::ends_operand);
        let at = self.pieces.len();
        self.piece(Kind::Open, text);
        self.frames.push(Frame::new(at, at + 1, text == "{" || !belongs));
    }

    fn close(&mut self, text: &'a str) {
        self.end_item();
        if self.frames.len() < 2 {
            return self.piece(Kind::Close, text);
        }
        let Some(frame) = self.frames.pop() else { return };
        let only_value = self.pieces.len() == frame.open + 2 && self.pieces.last().is_some_and(Piece::is_value);
        let empty = self.pieces.len() == frame.open + 1;
        if frame.list && text != ")" && (only_value || empty) {
            // A list of literals is a literal.
            self.pieces.truncate(frame.open);
            return self.value();
        }
        self.piece(Kind::Close, text);
        self.end_group(frame.open);
    }

    /// One more item of a list: where it is the same as the one before it, and holds a literal, it adds nothing.
    fn end_item(&mut self) {
        let Some(frame) = self.frames.last_mut().filter(|frame| frame.list) else { return };
        let end = self.pieces.len();
        let Some(item) = self.pieces.get_mut(frame.item..end) else { return };
        if let [piece] = item
            && piece.kind == Kind::Word
            && WORD_LITERALS.contains(&&*piece.text)
        {
            *piece = Piece::value();
        }
        let same = |before: (usize, usize), pieces: &[Piece<'_>]| {
            let (before, item) = (pieces.get(before.0..before.1), pieces.get(frame.item..end));
            before == item && item.is_some_and(|item| item.iter().any(Piece::is_value))
        };
        match frame.before {
            Some(before) if same(before, &self.pieces) => {
                self.pieces.truncate(before.1);
                frame.item = before.0;
            }
            _ => frame.before = Some((frame.item, end)),
        }
    }

    /// One more group in brackets: a row of `values`. The same as the one before it, with a comma between, it adds nothing.
    fn end_group(&mut self, open: usize) {
        let end = self.pieces.len();
        let Some(frame) = self.frames.last_mut() else { return };
        if let Some((start, close)) = frame.group
            && close + 1 == open
            && self.pieces.get(close).is_some_and(|piece| piece.kind == Kind::Comma)
            && self.pieces.get(start..close) == self.pieces.get(open..end)
            && self.pieces[start..close].iter().any(Piece::is_value)
        {
            self.pieces.truncate(close);
            if frame.item > start {
                (frame.item, frame.before) = (start, None);
            }
        } else {
            frame.group = Some((open, end));
        }
    }

    /// `=`, `:=` or `to`, behind which `set` and `pragma` have a value that needs no quotes.
    fn sign(&mut self) {
        if self.mask == Mask::AfterSign && self.frames.len() == 1 {
            self.pieces.push(Piece::value());
            self.mask = Mask::Rest;
        }
    }

    fn semicolon(&mut self) {
        self.frames.truncate(1);
        self.mask = Mask::None;
        if self.pieces.last().is_some_and(|piece| piece.kind != Kind::Semicolon) {
            self.piece(Kind::Semicolon, ";");
        }
        self.start = self.pieces.len();
        if let Some(frame) = self.frames.last_mut() {
            *frame = Frame::new(0, self.start, false);
        }
    }

    fn finish(mut self) -> Fingerprint {
        if self.pieces.last().is_some_and(|piece| piece.kind == Kind::Semicolon) {
            self.pieces.pop();
        }
        let mut text = joined(&self.pieces);
        let hash = fnv(text.as_bytes());
        if text.len() > TEXT_LIMIT {
            let cut = (0..=TEXT_LIMIT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(cut);
            text.push('…');
        }
        let operation = operation(&self.pieces);
        Fingerprint {
            hash,
            label: label(operation, &self.pieces, hash).into(),
            text: text.into(),
            operation,
            returning: self.pieces.iter().any(|piece| piece.kind == Kind::Word && piece.is("returning")),
        }
    }
}

/// The pieces with a space between, but for where people write none.
fn joined(pieces: &[Piece<'_>]) -> String {
    let mut text = String::new();
    let mut before: Option<&Piece<'_>> = None;
    for piece in pieces {
        if let Some(before) = before
            && !is_tight(before, piece)
        {
            text.push(' ');
        }
        text.push_str(&piece.text);
        before = Some(piece);
    }
    text
}

fn is_tight(before: &Piece<'_>, piece: &Piece<'_>) -> bool {
    match (before.kind, piece.kind) {
        (Kind::Open | Kind::Dot, _) | (_, Kind::Close | Kind::Comma | Kind::Semicolon) => true,
        (Kind::Word | Kind::Quoted | Kind::Close, Kind::Dot) => true,
        (Kind::Word | Kind::Quoted, Kind::Open) => !before.is_keyword(),
        // Not beside another operator: it would be read as a part of it.
        (_, Kind::Operator) => piece.is("::") && before.kind != Kind::Operator,
        _ => before.is("::"),
    }
}

/// 64-bit FNV-1a: the same on every machine and in every version. <http://www.isthe.com/chongo/tech/comp/fnv/>
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn known(word: &str) -> Option<&'static str> {
    OPERATIONS.iter().find(|known| **known == word).copied()
}

fn is_operation(word: &str) -> bool {
    known(word).is_some()
}

/// What the statement does. A `with` does what stands behind its tables, a leading `from` selects.
fn operation(pieces: &[Piece<'_>]) -> &'static str {
    let mut words = pieces.iter().skip_while(|piece| piece.kind == Kind::Open);
    let Some(first) = words.next().filter(|piece| piece.kind == Kind::Word).and_then(|piece| known(&piece.text)) else {
        return "other";
    };
    match first {
        "from" | "table" | "values" => "select",
        "with" => {
            let mut depth = 0usize;
            for piece in words {
                match piece.kind {
                    Kind::Open => depth += 1,
                    Kind::Close => depth = depth.saturating_sub(1),
                    Kind::Word if depth == 0 => {
                        if let Some(does) =
                            ["select", "insert", "update", "delete", "merge"].iter().find(|does| piece.is(does))
                        {
                            return does;
                        }
                    }
                    _ => {}
                }
            }
            "select"
        }
        first => first,
    }
}

fn label(operation: &str, pieces: &[Piece<'_>], hash: u64) -> String {
    let short = (hash ^ hash >> 24 ^ hash >> 48) & 0xff_ffff;
    match main_table(operation, pieces) {
        Some(table) => format!("{operation}_{table}_{short:06x}"),
        None => format!("{operation}_{short:06x}"),
    }
}

/// The table behind the first word that announces one, in lower_snake_case.
fn main_table(operation: &str, pieces: &[Piece<'_>]) -> Option<String> {
    let announces: &[&str] = match operation {
        "select" | "delete" | "explain" | "describe" | "summarize" | "pivot" | "unpivot" => {
            &["from", "describe", "summarize", "pivot", "unpivot"]
        }
        "insert" | "append" | "merge" => &["into"],
        "update" => &["update"],
        "create" | "drop" | "alter" => &["table", "view", "index", "schema", "sequence", "type", "macro", "function"],
        "truncate" => &["table", "truncate"],
        "copy" => &["copy"],
        _ => return None,
    };
    let mut brackets: Vec<bool> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| pieces.get(index));
        match piece.kind {
            // `extract(year from day)`, `trim(both from name)`: no table there.
            Kind::Open => brackets.push(before.is_some_and(|before| TAKES_FROM.iter().any(|name| before.is(name)))),
            Kind::Close => drop(brackets.pop()),
            Kind::Word if announces.contains(&&*piece.text) && brackets.last() != Some(&true) => {
                let is_distinct_from = piece.is("from") && before.is_some_and(|before| before.is("distinct"));
                if !is_distinct_from && let Some(name) = name_at(pieces.get(index + 1..)?) {
                    return Some(name);
                }
            }
            _ => {}
        }
    }
    None
}

const TAKES_FROM: [&str; 6] = ["extract", "trim", "substring", "position", "overlay", "date_part"];
/// What may stand between the word that announces a table and its name.
const SKIPPED: [&str; 8] = ["if", "not", "exists", "only", "lateral", "table", "concurrently", "from"];

fn name_at(pieces: &[Piece<'_>]) -> Option<String> {
    let mut rest =
        pieces.iter().skip_while(|piece| piece.kind == Kind::Word && SKIPPED.contains(&&*piece.text)).peekable();
    let mut name = None;
    // `database.schema.table`: the last part.
    while let Some(piece) = rest.next_if(|piece| matches!(piece.kind, Kind::Word | Kind::Quoted)) {
        name = Some(piece).filter(|piece| !piece.is_keyword());
        if rest.next_if(|piece| piece.kind == Kind::Dot).is_none() {
            break;
        }
    }
    let mut snake = String::new();
    for c in name?.text.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if (c != '_' || !(snake.is_empty() || snake.ends_with('_'))) && snake.len() < TABLE_LIMIT {
            snake.push(c);
        }
    }
    let snake = snake.trim_end_matches('_');
    (!snake.is_empty()).then(|| snake.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sql: &str) -> String {
        Fingerprint::of(sql, Quotes::Name).text.into()
    }

    fn label(sql: &str) -> String {
        let label = Fingerprint::of(sql, Quotes::Name).label;
        label.rsplit_once('_').map(|(name, _)| name.to_owned()).unwrap_or_default()
    }

    const CASES: [(&str, &str); 44] = [
        ("", ""),
        (";", ""),
        ("SELECT  1 ;", "select ?"),
        ("select 'a''b', E'\\'', $$x$$, $t$y$t$, x'ab', 0x1F, 1e-5", "select ?, ?, ?, ?, ?, ?, ?"),
        ("select /* secret */ A -- secret\n from T", "select a from t"),
        ("select * from t where a = -5 and b - 5 > - -3", "select * from t where a = ? and b - ? > ?"),
        ("select * from t where a in (1, 2, 3)", "select * from t where a in (?)"),
        ("select * from t where a in (?, $1, $x, null, TRUE)", "select * from t where a in (?)"),
        ("select * from t where a in (date '2013-01-01', date '2013-01-02')", "select * from t where a in (date ?)"),
        ("select * from t where (a, b) in ((1, 2), (3, 4))", "select * from t where (a, b) in ((?))"),
        ("insert into t (a, b) values (1, 'x'), (2, 'y'), (3, null)", "insert into t(a, b) values (?)"),
        ("insert into t values (1, now()), (2, now()) returning a", "insert into t values (?, now()) returning a"),
        ("insert into t values (1), (2) on conflict do nothing", "insert into t values (?) on conflict do nothing"),
        ("select f(1, 2), substr(a, 1)", "select f(?, ?), substr(a, ?)"),
        ("select [1, 2, [3]], {'a': 1}, [], a[1], a[1:2]", "select ?, {? : ?}, ?, a[?], a[? : ?]"),
        ("select unnest([1, 2])", "select unnest(?)"),
        ("select \"A\", `b c`, \"select\", \"x\"\"Y\"", "select a, \"b c\", \"select\", \"x\"\"y\""),
        ("select a::INT, '1' :: date", "select a::int, ?::date"),
        ("select a.b . c, t.*, count(*), count (*)", "select a.b.c, t.*, count(*), count(*)"),
        ("SET s3_secret_access_key = abc", "set s3_secret_access_key = ?"),
        ("set variable x = (select 1 from hidden)", "set variable x = ?"),
        ("set search_path to a, b", "set search_path to ?"),
        ("PRAGMA threads=4", "pragma threads = ?"),
        ("update t set a = 1, b = 'x' where c = 2", "update t set a = ?, b = ? where c = ?"),
        ("create or replace secret s (type s3, key_id abc, secret xyz)", "create or replace secret s(?)"),
        ("create secret (type s3, secret hunter2); select 1", "create secret(?); select ?"),
        ("attach 'md:x?token=y' as w", "attach ? as w"),
        ("copy t to 'x.csv' (format csv)", "copy t to ? (format csv)"),
        ("execute p(41)", "execute p(?)"),
        ("select 1; select 2;", "select ?; select ?"),
        ("select * from 'secret.csv'", "select * from ?"),
        ("select case when a then 1 else -1 end", "select case when a then ? else ? end"),
        ("select interval 5 day, interval '5' day", "select interval ? day, interval ? day"),
        ("select a->>'$.b', a->'c'", "select a ->> ?, a -> ?"),
        ("select x -> x + 1", "select x -> x + ?"),
        ("select 'open", "select ?"),
        ("select (1)", "select (?)"),
        ("select ((1), (2))", "select ((?))"),
        ("values (1), (2)", "values (?)"),
        ("select $ , a:b", "select $, a : b"),
        ("select a : ::int", "select a : ::int"),
        (") select ( [ }", ") select (?"),
        ("select a is not distinct from 5", "select a is not distinct from ?"),
        ("select 1 limit 5 offset 10", "select ? limit ? offset ?"),
    ];

    #[test]
    fn literals_go_and_the_rest_stays() {
        for (sql, expected) in CASES {
            assert_eq!(text(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_fingerprint_is_its_own_fingerprint() {
        for (sql, _) in CASES {
            let once = Fingerprint::of(sql, Quotes::Name);
            assert_eq!(Fingerprint::of(&once.text, Quotes::Name), once, "{sql}");
        }
    }

    /// Every sequence of up to four of these: the grammar's edges meet each other.
    #[test]
    fn a_fingerprint_is_a_fixed_point_for_any_tokens() {
        let parts = [
            "select ", "a", "'x'", "-", "(", ")", "[", "]", "{", ",", ".", ":", "::", "$", "?", "1", "\"b c\"", "`in`",
            " ", ";", "=", "set ", "values ", "secret ", "null",
        ];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            texts = texts.iter().flat_map(|text| parts.iter().map(move |part| format!("{text}{part}"))).collect();
        }
        for sql in texts {
            let once = text(&sql);
            assert_eq!(text(&once), once, "{sql}");
        }
    }

    #[test]
    fn the_label_names_the_operation_and_the_main_table() {
        let cases = [
            ("select * from memory.main.Flights f", "select_flights"),
            ("from flights select a", "select_flights"),
            ("with x as (select * from flights) select * from x", "select_flights"),
            ("with x as (select 1) insert into t select * from x", "insert_t"),
            ("select extract(year from day) from flights", "select_flights"),
            ("select a is distinct from b from flights", "select_flights"),
            ("select * from (select * from \"Odd Name\")", "select_odd_name"),
            ("select * from read_csv('x.csv')", "select_read_csv"),
            ("select * from 'x.csv'", "select"),
            ("create table if not exists a.b (c int)", "create_b"),
            ("drop view v", "drop_v"),
            ("update t set a = 1", "update_t"),
            ("delete from t", "delete_t"),
            ("copy t to 'x'", "copy_t"),
            ("BEGIN TRANSACTION", "begin"),
            ("hunter2 from t", "other"),
            ("explain select * from t", "explain_t"),
        ];
        for (sql, expected) in cases {
            assert_eq!(label(sql), expected, "{sql}");
        }
    }

    #[test]
    fn the_label_does_not_change_from_one_version_to_the_next() {
        assert_eq!(
            &*Fingerprint::of("SELECT * FROM flights WHERE day = 5", Quotes::Name).label,
            "select_flights_719e0c"
        );
    }

    #[test]
    fn a_name_in_quotes_can_be_taken_for_a_literal() {
        assert_eq!(&*Fingerprint::of("select \"hunter2\"", Quotes::Literal).text, "select ?");
    }

    #[test]
    fn a_long_text_is_cut_and_its_hash_is_not() {
        let long = |last: &str| Fingerprint::of(&format!("select {}{last}", "größe, ".repeat(2000)), Quotes::Name);
        assert!(long("a").text.len() < TEXT_LIMIT + 8);
        assert_ne!(long("a").hash, long("b").hash);
    }

    #[test]
    fn a_thousand_rows_are_one() {
        let rows = (0..1000).map(|n| format!("({n}, 'x{n}', null)")).collect::<Vec<_>>().join(", ");
        assert_eq!(text(&format!("insert into t values {rows}")), "insert into t values (?)");
    }

    #[test]
    fn an_appender_has_a_label_of_its_own() {
        assert!(Fingerprint::append("Flights").label.starts_with("append_flights_"));
    }
}
