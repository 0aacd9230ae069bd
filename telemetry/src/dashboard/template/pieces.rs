//! A text with gaps, cut into what is plain and what is a gap.

use super::TemplateValue;

/// What a gap may say that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Bool,
    List,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Text, Kind::Integer, Kind::Number, Kind::Bool, Kind::List];

    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Bool => "bool",
            Kind::List => "list",
        }
    }

    pub(super) fn article(self) -> String {
        format!("{} {}", if self == Kind::Integer { "an" } else { "a" }, self.word())
    }

    /// A text as this kind of value.
    pub(super) fn read(self, text: &str) -> Option<TemplateValue> {
        Some(match self {
            Kind::Text => TemplateValue::Text(text.to_owned()),
            Kind::Integer => TemplateValue::Integer(text.trim().parse().ok()?),
            Kind::Number => TemplateValue::Number(text.trim().parse().ok()?),
            Kind::Bool => TemplateValue::Bool(text.trim().parse().ok()?),
            Kind::List => TemplateValue::List(
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(String::from).collect(),
            ),
        })
    }
}

/// A gap, and what it says that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Plain(&'a str),
    Gap(Gap<'a>),
}

/// Cuts a text; what begins as a gap and is none is said.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("<<") {
        let (before, opened) = rest.split_at(at);
        let inner = &opened[2..];
        if let Some(literal) = inner.strip_prefix('!') {
            pieces.extend([Piece::Plain(before), Piece::Plain("<<")]);
            rest = literal;
            continue;
        }
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            // As far as the second sign, which may begin a gap with the next one.
            pieces.push(Piece::Plain(&rest[..=at]));
            rest = &rest[at + 1..];
            continue;
        }
        let shown: String = opened.chars().take(30).collect();
        let Some(end) = inner.find(">>") else {
            return Err(format!("`{shown}` has no `>>`; a gap is `<<name>>`, and `<<!` begins what is none"));
        };
        pieces.extend([Piece::Plain(before), Piece::Gap(gap(&inner[..end])?)]);
        rest = &inner[end + 2..];
    }
    pieces.push(Piece::Plain(rest));
    pieces.retain(|piece| *piece != Piece::Plain(""));
    Ok(pieces)
}

fn gap(inner: &str) -> Result<Gap<'_>, String> {
    let (name, kind) = match inner.split_once(':') {
        Some((name, kind)) => (name.trim(), Some(kind.trim())),
        None => (inner.trim(), None),
    };
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("`<<{inner}>>` is no gap: a name has letters, digits and `_`; `<<!` begins what is none"));
    }
    let kind = match kind {
        None => None,
        Some(word) => Some(Kind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            let all = Kind::ALL.map(Kind::word).join("`, `");
            let meant = telemetry_dashboards::did_you_mean(word, Kind::ALL.map(Kind::word));
            let meant = if meant.is_empty() { String::from(";") } else { meant };
            format!("`{word}` is no kind of value{meant} a gap takes `{all}`")
        })?),
    };
    Ok(Gap { name, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(name: &str, kind: Option<Kind>) -> Piece<'_> {
        Piece::Gap(Gap { name, kind })
    }

    #[test]
    fn a_text_is_cut_at_its_gaps() {
        assert_eq!(
            pieces("a <<b>> <<c : integer>>"),
            Ok(vec![Piece::Plain("a "), gap("b", None), Piece::Plain(" "), gap("c", Some(Kind::Integer))])
        );
        assert_eq!(pieces("<<b>>"), Ok(vec![gap("b", None)]));
        assert_eq!(pieces(""), Ok(vec![]));
        let plain = |text: &str| {
            pieces(text)
                .unwrap()
                .iter()
                .map(|piece| match piece {
                    Piece::Plain(plain) => (*plain).to_owned(),
                    Piece::Gap(gap) => format!("({})", gap.name),
                })
                .collect::<String>()
        };
        for (text, expected) in [
            ("1 << 2", "1 << 2"),
            ("<<", "<<"),
            ("<<<b>>", "<(b)"),
            ("<<!b>>", "<<b>>"),
            ("${a} $__range {{b}} [[c]]", "${a} $__range {{b}} [[c]]"),
            ("ä<<b>>ö", "ä(b)ö"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn what_begins_as_a_gap_and_is_none_is_said() {
        assert_eq!(
            pieces("x <<b>").unwrap_err(),
            "`<<b>` has no `>>`; a gap is `<<name>>`, and `<<!` begins what is none"
        );
        assert!(pieces("<<b c>>").unwrap_err().starts_with("`<<b c>>` is no gap"));
        assert_eq!(
            pieces("<<b: integr>>").unwrap_err(),
            "`integr` is no kind of value; did you mean `integer`? a gap takes `text`, `integer`, `number`, `bool`, `list`"
        );
    }
}
