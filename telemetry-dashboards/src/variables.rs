//! Grafana's text to PromQL: something of the right kind in the place of each variable.
//!
//! What is right depends on where the variable stands, so the text is read in pieces from left to right: in a string a word, in `[…]` a
//! duration, behind `by (` a label, before `(` a function. Where several kinds can stand, each is a candidate.

use crate::labels::VARIABLE;
use crate::query::Variable;
use crate::scan::{self, Part, Piece, Used, pieces};
use std::collections::{BTreeMap, BTreeSet};

/// At most so many readings, and so many candidates of one: enough for each function and each text of a list that somebody picks from.
const MAX_READINGS: usize = 24;
const MAX_CANDIDATES: usize = 24;

/// And so many bytes of them all, beyond the first.
const MAX_BYTES: usize = 4 << 20;

/// A longer text of a variable is not put in: a name or an expression is shorter.
const MAX_TEXT: usize = 2_000;

/// How far the end of a function's argument is looked for: else a text of nothing but `$a(` would be searched to its end at each of them.
const MAX_PIECES: usize = 500;

/// Grafana's own variables that are durations, and those that are numbers.
const DURATIONS: [&str; 3] = ["__interval", "__rate_interval", "__range"];
const NUMBERS: [&str; 6] = ["__interval_ms", "__rate_interval_ms", "__range_ms", "__range_s", "__from", "__to"];

/// Those that are near enough to the ones above to be taken for a mistyped one, and the one without `__`.
const OTHERS: [&str; 12] = [
    "__auto",
    "__user",
    "__org",
    "__name",
    "__dashboard",
    "__timezone",
    "__data",
    "__value",
    "__series",
    "__field",
    "__timeFilter",
    "timeFilter",
];

/// What to take for a function that only the server knows, by what its argument is. The analysis asks nothing of these but that the series
/// exists: whether the series counts, and what its labels are, is left open, since the function is.
const OF_RANGES: [&str; 4] = ["changes", "count_over_time", "predict_linear", "quantile_over_time"];
const OF_INSTANTS: [&str; 5] = ["timestamp", "absent", "count", "clamp_max", "topk"];

/// Words whose parentheses hold labels.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words behind which an operand begins.
const BETWEEN: [&str; 5] = ["and", "or", "unless", "bool", "atan2"];

const AGGREGATIONS: [&str; 15] = [
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
    "limitk",
    "limit_ratio",
    "quantiles",
];

/// Functions with numbers among their arguments, and which of them are.
const WITH_NUMBERS: [(&str, std::ops::Range<usize>); 17] = [
    ("topk", 0..1),
    ("bottomk", 0..1),
    ("limitk", 0..1),
    ("limit_ratio", 0..1),
    ("quantile", 0..1),
    ("quantile_over_time", 0..1),
    ("histogram_quantile", 0..1),
    ("histogram_fraction", 0..2),
    ("vector", 0..1),
    ("clamp", 1..3),
    ("clamp_min", 1..2),
    ("clamp_max", 1..2),
    ("round", 1..2),
    ("predict_linear", 1..2),
    ("holt_winters", 1..3),
    ("double_exponential_smoothing", 1..3),
    ("histogram_quantiles", 2..99),
];

/// What a text can be read as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Substituted {
    /// The readings, never none: several where a variable's texts give several names, and each of them is to be analysed. Of a reading
    /// the first candidate that parses is meant. The text is wrong if no reading has one.
    pub(crate) readings: Vec<Vec<String>>,
}

/// Puts PromQL in the place of the variables. A text without any gives itself.
pub(crate) fn substitute(text: &str, variables: &BTreeMap<String, Variable>) -> Substituted {
    let pieces = pieces(text);
    let used = |piece: &Piece<'_>| match piece {
        Piece::Word(parts) | Piece::Text(parts) => parts.iter().any(|part| matches!(part, Part::Variable(_))),
        _ => false,
    };
    if !pieces.iter().any(used) {
        return Substituted { readings: vec![vec![text.to_owned()]] };
    }
    let template = Template::new(text, &pieces, variables);
    let mut readings: Vec<Vec<String>> = Vec::new();
    let mut room = MAX_BYTES;
    for choice in template.choices() {
        let candidates = template.candidates(&choice, &mut room);
        if !readings.contains(&candidates) && !candidates.is_empty() {
            readings.push(candidates);
        }
        if room == 0 {
            break;
        }
    }
    Substituted { readings }
}

/// Whether a name is one of Grafana's own variables, which no dashboard defines.
pub(crate) fn is_grafanas(name: &str) -> bool {
    let listed = DURATIONS.contains(&name) || NUMBERS.contains(&name) || OTHERS.contains(&name);
    listed || name.starts_with("__auto_interval")
}

/// The names of Grafana's own variables that a query can be meant to use, to suggest one.
pub(crate) fn grafanas<'a>() -> impl Iterator<Item = &'a str> {
    DURATIONS.into_iter().chain(NUMBERS)
}

/// What is said of a variable in a text.
pub(crate) struct Mention<'a> {
    pub(crate) used: Used<'a>,
    /// Whether it stands in a string, where a `$` can mean itself.
    pub(crate) in_string: bool,
}

/// The variables of a text, but for those in comments and for the groups of a pattern that have a name.
pub(crate) fn mentions(text: &str) -> Vec<Mention<'_>> {
    let groups = groups(text);
    let mut mentions = Vec::new();
    for piece in pieces(text) {
        let (parts, in_string) = match piece {
            Piece::Word(parts) => (parts, false),
            Piece::Text(parts) => (parts, true),
            Piece::Blank(_) | Piece::Sign(_) => continue,
        };
        for part in parts {
            match part {
                Part::Variable(used) if !(in_string && groups.contains(used.name)) => {
                    mentions.push(Mention { used, in_string })
                }
                _ => {}
            }
        }
    }
    mentions
}

/// The names of the groups in the text's patterns, `(?P<name>…)`: `$name` is then what the group found.
fn groups(text: &str) -> BTreeSet<&str> {
    text.split("(?")
        .skip(1)
        .filter_map(|rest| rest.strip_prefix("P<").or(rest.strip_prefix('<')))
        .map(scan::word_of)
        .collect()
}

/// A query with gaps.
struct Template<'a> {
    bits: Vec<Bit<'a>>,
    /// The variables whose texts give a reading each, with the number of their texts.
    spread: BTreeMap<&'a str, usize>,
    variables: &'a BTreeMap<String, Variable>,
}

enum Bit<'a> {
    Plain(String),
    Gap { parts: Vec<Part<'a>>, kind: Kind },
}

/// What can stand in a gap.
enum Kind {
    /// A label's name.
    Label,
    /// Labels in parentheses.
    Labels,
    /// The name of a series.
    Name,
    /// A number.
    Number,
    /// A series, an expression, or a number.
    Operand,
    /// A whole matcher.
    Matcher,
    /// Between two operands; whether a second one follows.
    Operator { second: bool },
    /// Before `(`: the functions that it may be where it is not known.
    Function(Vec<&'static str>),
    /// `by` or `without`.
    By,
}

/// What stands before the piece at hand, as far as it decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing, an operator, a comma or an opening parenthesis.
    Open,
    /// A number, a name, a closing parenthesis: an operator can follow.
    Operand,
    /// One of [`LISTS`].
    List,
    /// `offset`, with the sign behind it.
    Offset,
    /// `@`.
    At,
    /// `=`, `!=`, `=~` or `!~` in braces.
    Match,
}

/// An open parenthesis.
struct Parenthesis<'a> {
    /// Before it.
    word: &'a str,
    /// The aggregation that its labels belong to, if it holds labels.
    aggregation: &'a str,
    /// How many commas were in it.
    argument: usize,
}

/// The reader's place in the pieces.
struct Context<'a> {
    before: Before,
    /// The word before, if the piece before is one.
    word: &'a str,
    /// The aggregation before `by`.
    aggregation: &'a str,
    parentheses: Vec<Parenthesis<'a>>,
    in_braces: bool,
    in_brackets: bool,
}

impl<'a> Template<'a> {
    fn new(text: &str, pieces: &[Piece<'a>], variables: &'a BTreeMap<String, Variable>) -> Self {
        let groups = groups(text);
        let mut template = Template { bits: Vec::new(), spread: BTreeMap::new(), variables };
        let mut context = Context {
            before: Before::Open,
            word: "",
            aggregation: "",
            parentheses: Vec::new(),
            in_braces: false,
            in_brackets: false,
        };
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Blank(blank) => template.plain(blank),
                Piece::Text(parts) => {
                    template.plain(&in_string(&groups, parts));
                    context.operand();
                }
                Piece::Sign(sign) => {
                    template.plain(sign.encode_utf8(&mut [0; 4]));
                    context.sign(*sign);
                }
                Piece::Word(parts) => match parts.as_slice() {
                    [Part::Plain(word)] => {
                        template.plain(word);
                        context.word(word);
                    }
                    _ => template.gap(parts, &mut context, &pieces[at + 1..]),
                },
            }
        }
        template
    }

    fn plain(&mut self, text: &str) {
        match self.bits.last_mut() {
            Some(Bit::Plain(last)) => last.push_str(text),
            _ => self.bits.push(Bit::Plain(text.to_owned())),
        }
    }

    /// A word with a variable in it.
    fn gap(&mut self, parts: &[Part<'a>], context: &mut Context<'a>, behind: &[Piece<'a>]) {
        if context.in_brackets || context.before == Before::Offset {
            self.plain(&duration(parts));
        } else if context.before == Before::Match || parts.iter().any(is_quoted) {
            self.plain(&format!("\"{}\"", placeholder(parts)));
        } else {
            let kind = context.kind(parts, behind, self.variables);
            if matches!(kind, Kind::Name | Kind::Operand | Kind::Operator { .. } | Kind::Function(_)) {
                for part in parts {
                    let Part::Variable(used) = part else { continue };
                    if let Some(texts) = self.texts(used.name) {
                        self.spread.insert(used.name, texts.len());
                    }
                }
            }
            (context.before, context.word) = match kind {
                Kind::Operator { second: true } => (Before::Open, ""),
                Kind::By => (Before::List, "by"),
                _ => (Before::Operand, ""),
            };
            self.bits.push(Bit::Gap { parts: parts.to_vec(), kind });
            return;
        }
        context.operand();
    }

    fn texts(&self, name: &str) -> Option<&'a [String]> {
        match self.variables.get(name)? {
            Variable::Texts(texts) if !texts.is_empty() => Some(texts),
            _ => None,
        }
    }

    /// Which text of each variable a reading takes: each with each, or the first of all, the second of all, … where that would be too many.
    fn choices(&self) -> Vec<BTreeMap<&'a str, usize>> {
        let product = self.spread.values().try_fold(1_usize, |product, count| product.checked_mul(*count));
        let most = self.spread.values().copied().max().unwrap_or(1);
        let each = product.filter(|product| *product <= MAX_READINGS);
        let choice = |mut number: usize| {
            let one = |(name, count): (&&'a str, &usize)| {
                let index = number % count;
                if each.is_some() {
                    number /= count;
                }
                (*name, index)
            };
            self.spread.iter().map(one).collect()
        };
        (0..each.unwrap_or(most.min(MAX_READINGS))).map(choice).collect()
    }

    /// The ways to fill the gaps, likeliest first.
    fn candidates(&self, choice: &BTreeMap<&'a str, usize>, room: &mut usize) -> Vec<String> {
        let filled = |bit: &Bit<'a>| match bit {
            Bit::Plain(_) => None,
            Bit::Gap { parts, kind } => Some(self.ways(parts, kind, choice)),
        };
        let ways: Vec<Vec<String>> = self.bits.iter().filter_map(filled).collect();
        let open = ways.iter().filter(|ways| ways.len() > 1).count();
        let most = ways.iter().map(Vec::len).max().unwrap_or(1);
        // All gaps at their first way, all at their second, …; then each gap by itself, as on a counter.
        let together = (0..most).map(|way| vec![way; ways.len()]);
        let mut counter = vec![0; ways.len()];
        let counted = std::iter::from_fn(|| {
            let gap = (0..ways.len()).find(|gap| counter[*gap] + 1 < ways[*gap].len())?;
            counter[..gap].fill(0);
            counter[gap] += 1;
            Some(counter.clone())
        });
        let counted = counted.take(if open > 1 { MAX_CANDIDATES } else { 0 });
        let mut candidates = Vec::new();
        for numbers in together.chain(counted) {
            if candidates.len() == MAX_CANDIDATES || *room == 0 {
                break;
            }
            let candidate = self.write(&ways, &numbers);
            *room = room.saturating_sub(candidate.len());
            if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
        candidates
    }

    fn write(&self, ways: &[Vec<String>], numbers: &[usize]) -> String {
        let mut text = String::new();
        let mut gaps = ways.iter().zip(numbers);
        for bit in &self.bits {
            match bit {
                Bit::Plain(plain) => text.push_str(plain),
                Bit::Gap { .. } => {
                    let way = gaps.next().and_then(|(ways, number)| ways.get(*number).or(ways.last()));
                    text.push_str(way.map_or("", String::as_str));
                }
            }
        }
        text
    }

    /// What a gap can be filled with: what the dashboard says first.
    fn ways(&self, parts: &[Part<'a>], kind: &Kind, choice: &BTreeMap<&'a str, usize>) -> Vec<String> {
        let name = placeholder(parts);
        let number = String::from("1");
        let mut ways: Vec<String> = self.known(parts, choice).into_iter().collect();
        match kind {
            Kind::Label | Kind::Name => ways.push(name),
            Kind::Labels => ways.extend([format!("({name})"), name]),
            Kind::Number => ways.extend([digits(parts).unwrap_or(number), name]),
            Kind::Operand => ways.extend([name, number]),
            Kind::Matcher => ways.extend([format!("{name}=~\".+\""), String::new()]),
            Kind::Operator { second: true } => ways.extend(["+", "==", ""].map(String::from)),
            Kind::Operator { second: false } => ways.push(String::new()),
            Kind::Function(functions) => ways.extend(functions.iter().copied().map(String::from)),
            Kind::By => ways.push(String::from("by")),
        }
        ways
    }

    /// The gap as the dashboard's own texts fill it, if it says them all.
    fn known(&self, parts: &[Part<'a>], choice: &BTreeMap<&'a str, usize>) -> Option<String> {
        let mut known = String::new();
        for part in parts {
            match part {
                Part::Plain(plain) => known.push_str(plain),
                Part::Variable(used) => {
                    let index = choice.get(used.name).copied().unwrap_or(0);
                    known.push_str(self.texts(used.name)?.get(index)?);
                }
            }
        }
        (known.len() <= MAX_TEXT).then_some(known)
    }
}

impl<'a> Context<'a> {
    fn operand(&mut self) {
        self.before = Before::Operand;
        self.word = "";
    }

    fn word(&mut self, word: &'a str) {
        self.before = match word {
            "offset" => Before::Offset,
            _ if LISTS.contains(&word) => {
                if AGGREGATIONS.contains(&self.word) {
                    self.aggregation = self.word;
                }
                Before::List
            }
            _ if BETWEEN.contains(&word) || AGGREGATIONS.contains(&word) => Before::Open,
            _ => Before::Operand,
        };
        self.word = word;
    }

    fn sign(&mut self, sign: char) {
        let word = std::mem::take(&mut self.word);
        let before = std::mem::replace(&mut self.before, Before::Open);
        match sign {
            '(' => {
                let (word, aggregation) = match before {
                    Before::List => (word, std::mem::take(&mut self.aggregation)),
                    _ if word.is_empty() => (std::mem::take(&mut self.aggregation), ""),
                    _ => (word, ""),
                };
                self.parentheses.push(Parenthesis { word, aggregation, argument: 0 });
            }
            ')' => {
                let closed = self.parentheses.pop();
                self.before = Before::Operand;
                if let Some(closed) = closed.filter(|closed| LISTS.contains(&closed.word)) {
                    self.aggregation = closed.aggregation;
                    if !matches!(closed.word, "by" | "without") {
                        self.before = Before::Open;
                    }
                }
            }
            ',' if !self.in_braces => {
                if let Some(open) = self.parentheses.last_mut() {
                    open.argument += 1;
                }
            }
            '{' => self.in_braces = true,
            '}' => {
                self.in_braces = false;
                self.before = Before::Operand;
            }
            '[' => self.in_brackets = true,
            ']' => {
                self.in_brackets = false;
                self.before = Before::Operand;
            }
            '@' => self.before = Before::At,
            '-' | '+' if before == Before::Offset => self.before = Before::Offset,
            '=' | '~' if self.in_braces => self.before = Before::Match,
            _ => {}
        }
    }

    /// What can stand here.
    fn kind(&self, parts: &[Part<'a>], behind: &[Piece<'a>], variables: &BTreeMap<String, Variable>) -> Kind {
        let next = behind.iter().find(|piece| !matches!(piece, Piece::Blank(_)));
        let sign = match next {
            Some(Piece::Sign(sign)) => Some(*sign),
            _ => None,
        };
        let word = match next {
            Some(Piece::Word(parts)) => match parts.as_slice() {
                [Part::Plain(word)] => *word,
                _ => "",
            },
            _ => "",
        };
        let list = self.parentheses.last().is_some_and(|open| LISTS.contains(&open.word));
        if self.in_braces {
            return if matches!(sign, Some('=' | '!')) { Kind::Label } else { Kind::Matcher };
        }
        if list || self.before == Before::List {
            return if list { Kind::Label } else { Kind::Labels };
        }
        if self.before == Before::At || self.numeric(parts, variables) {
            return Kind::Number;
        }
        if AGGREGATIONS.contains(&self.word) {
            return if sign == Some('(') { Kind::By } else { Kind::Operand };
        }
        if self.before == Before::Operand {
            let second =
                matches!(sign, Some('(' | '{' | '-' | '+')) || matches!(next, Some(Piece::Word(_) | Piece::Text(_)));
            return Kind::Operator { second: second && !BETWEEN.contains(&word) };
        }
        match sign {
            Some('(') => Kind::Function(functions(parts, behind)),
            Some('{' | '[') => Kind::Name,
            _ if matches!(word, "by" | "without") => Kind::Function(vec!["count", "topk"]),
            _ if parts.len() > 1 => Kind::Name,
            _ => Kind::Operand,
        }
    }

    /// Whether a number stands here: a part of one, one of Grafana's own, or an argument that must be one.
    fn numeric(&self, parts: &[Part<'a>], variables: &BTreeMap<String, Variable>) -> bool {
        let begins = matches!(parts.first(), Some(Part::Plain(plain)) if plain.starts_with(|c: char| c.is_ascii_digit() || c == '.'));
        let own = parts.iter().any(|part| match part {
            Part::Variable(used) => {
                let duration = variables.get(used.name) == Some(&Variable::Duration) || DURATIONS.contains(&used.name);
                duration || NUMBERS.contains(&used.name)
            }
            Part::Plain(_) => false,
        });
        let argument = self.parentheses.last().is_some_and(|open| {
            WITH_NUMBERS.iter().any(|(function, which)| *function == open.word && which.contains(&open.argument))
        });
        begins || own || argument
    }
}

/// The functions that a gap before `(` may stand for: first those that take what is in the parentheses.
fn functions(parts: &[Part<'_>], behind: &[Piece<'_>]) -> Vec<&'static str> {
    let mut depth = 0_usize;
    let mut last = ' ';
    for piece in behind.iter().take(MAX_PIECES) {
        match piece {
            Piece::Sign('(') => depth += 1,
            Piece::Sign(')') if depth == 1 => break,
            Piece::Sign(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        last = match piece {
            Piece::Blank(_) => last,
            Piece::Sign(sign) => *sign,
            _ => ' ',
        };
    }
    let all: Vec<&str> = if last == ']' {
        OF_RANGES.into_iter().chain(OF_INSTANTS).collect()
    } else {
        OF_INSTANTS.into_iter().chain(OF_RANGES).collect()
    };
    let begins = match parts.first() {
        Some(Part::Plain(plain)) => plain,
        _ => "",
    };
    let ends = match parts.last() {
        Some(Part::Plain(plain)) => plain,
        _ => "",
    };
    let fits: Vec<&str> = all.iter().copied().filter(|name| name.starts_with(begins) && name.ends_with(ends)).collect();
    if fits.is_empty() { all } else { fits }
}

/// The text of a string literal, with words in the place of its variables: a pattern stays one.
fn in_string(groups: &BTreeSet<&str>, parts: &[Part<'_>]) -> String {
    let mut string = String::new();
    for part in parts {
        match part {
            Part::Plain(plain) => string.push_str(plain),
            Part::Variable(used) if used.escaped || groups.contains(used.name) => string.push_str(used.written),
            Part::Variable(used) => {
                string.push_str(VARIABLE);
                string.push_str(used.name);
            }
        }
    }
    string
}

/// A name that stands for what is not known: that of the variable, with what is written around it.
fn placeholder(parts: &[Part<'_>]) -> String {
    let mut name = String::new();
    for part in parts {
        match part {
            Part::Plain(plain) => name.push_str(plain),
            Part::Variable(used) => {
                name.push_str(VARIABLE);
                name.push_str(used.name);
            }
        }
    }
    name
}

/// A number with variables in it, such as `0.$digits` or `${n}00`, or nothing where it is none.
fn digits(parts: &[Part<'_>]) -> Option<String> {
    let mut number = String::new();
    for part in parts {
        match part {
            Part::Plain(plain) => number.push_str(plain),
            Part::Variable(_) => number.push('9'),
        }
    }
    number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then_some(number).filter(|number| number != "9")
}

/// A duration with variables in it: `$step`, `${n}m`, `5$unit`, `$n$unit`.
fn duration(parts: &[Part<'_>]) -> String {
    let mut duration = String::new();
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Plain(plain) => duration.push_str(plain),
            Part::Variable(_) if duration.ends_with(|c: char| c.is_ascii_digit()) => duration.push('m'),
            Part::Variable(_) if at + 1 < parts.len() => duration.push('5'),
            Part::Variable(_) => duration.push_str("5m"),
        }
    }
    duration
}

/// Whether the variable's format brings its own quotes.
fn is_quoted(part: &Part<'_>) -> bool {
    matches!(part, Part::Variable(used) if matches!(used.format, "doublequote" | "singlequote"))
}

#[cfg(test)]
#[path = "variables_tests.rs"]
mod tests;
