//! Names that not every scraper takes, as foreign registries and collectors may give them: what they become.
//!
//! The schemes are those of <https://prometheus.io/docs/instrumenting/escaping_schemes/>. What [`metric!`](crate::metric!) declares is legal
//! everywhere, and all but [`Escaping::Dots`] leave it as it is.

use crate::snapshot::{Label, Snapshot};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What becomes of names that are not of the characters `a-z`, `A-Z`, `0-9`, `_` and, in a metric's name, `:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaping {
    /// Each other character becomes an underscore.
    #[default]
    Underscores,
    /// They stay, in quotes.
    AllowUtf8,
    /// A dot becomes `_dot_`, an underscore two, and so does each other character.
    Dots,
    /// `U__` goes before them; an underscore becomes two, each other character its hexadecimal number between underscores.
    Values,
}

impl Escaping {
    /// The word of the parameter `escaping` of `Accept` and `Content-Type`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Escaping::Underscores => "underscores",
            Escaping::AllowUtf8 => "allow-utf-8",
            Escaping::Dots => "dots",
            Escaping::Values => "values",
        }
    }

    pub(super) const ALL: [Escaping; 4] =
        [Escaping::Underscores, Escaping::AllowUtf8, Escaping::Dots, Escaping::Values];

    /// Whether these labels stay as they are, as nearly all do.
    pub(super) fn keeps(self, labels: &[Label]) -> bool {
        self != Escaping::Dots && are_legal(labels)
    }

    /// A series' labels under names that the scraper takes, each once: of two that would become one, the later has underscores behind it.
    pub(super) fn labels(self, labels: &[Label]) -> Vec<(Cow<'_, str>, &str)> {
        let mut given = Vec::<(Cow<'_, str>, &str)>::with_capacity(labels.len());
        for (name, value) in labels {
            let mut name = self.label(name);
            while given.iter().any(|(known, _)| *known == name) {
                name.to_mut().push('_');
            }
            given.push((name, value));
        }
        given
    }

    /// A label's name. Prometheus keeps the metric's name in `__name__`, and refuses a scrape in which a label is called so.
    fn label(self, name: &str) -> Cow<'_, str> {
        match self.name(name, false) {
            reserved if reserved == "__name__" => Cow::Borrowed("exported___name__"),
            name => name,
        }
    }

    fn name(self, name: &str, colon: bool) -> Cow<'_, str> {
        if name.is_empty() {
            return Cow::Borrowed("_");
        }
        let legal = is_legal(name, colon);
        match self {
            Escaping::AllowUtf8 => return Cow::Borrowed(name),
            Escaping::Underscores | Escaping::Values if legal => return Cow::Borrowed(name),
            _ => {}
        }
        let mut escaped = String::with_capacity(name.len() + 8);
        if self == Escaping::Values {
            escaped.push_str("U__");
        }
        for (at, character) in name.char_indices() {
            let plain = u8::try_from(character).is_ok_and(|byte| may_stand(byte, at == 0, colon));
            match (self, character) {
                (Escaping::Dots | Escaping::Values, '_') => escaped.push_str("__"),
                (Escaping::Dots, '.') => escaped.push_str("_dot_"),
                _ if plain => escaped.push(character),
                (Escaping::Dots, _) => escaped.push_str("__"),
                (Escaping::Values, other) => {
                    // Cannot fail: a `String` takes all.
                    let _ = write!(escaped, "_{:x}_", u32::from(other));
                }
                _ => escaped.push('_'),
            }
        }
        Cow::Owned(escaped)
    }
}

/// Whether every scraper takes the name; a metric's may have colons.
pub(super) fn is_legal(name: &str, colon: bool) -> bool {
    !name.is_empty() && name.bytes().enumerate().all(|(at, byte)| may_stand(byte, at == 0, colon))
}

/// Whether every scraper takes the names of these labels, and takes them together.
pub(super) fn are_legal(labels: &[Label]) -> bool {
    labels.iter().enumerate().all(|(at, (name, _))| {
        let twice = || labels.iter().take(at).any(|(earlier, _)| earlier == name);
        is_legal(name, false) && name != "__name__" && !twice()
    })
}

fn may_stand(byte: u8, first: bool, colon: bool) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic() || (!first && byte.is_ascii_digit()) || (colon && byte == b':')
}

/// The names of a snapshot's families, each once.
pub(super) struct Names<'a> {
    snapshot: &'a Snapshot,
    escaping: Escaping,
    /// Those that were made here.
    made: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, escaping: Escaping) -> Names<'a> {
        Names { snapshot, escaping, made: BTreeSet::new() }
    }

    pub(super) fn escaping(&self) -> Escaping {
        self.escaping
    }

    /// What a family is called. One whose name becomes that of another has underscores behind it.
    pub(super) fn name<'n>(&mut self, name: &'n str) -> Cow<'n, str> {
        let mut escaped = self.escaping.name(name, true);
        if escaped == name {
            return escaped;
        }
        // Under `Dots` every name with an underscore is a new one, so that those which stay as they are do not meet them.
        while (self.escaping != Escaping::Dots && self.snapshot.family(&escaped).is_some())
            || !self.made.insert(escaped.to_string())
        {
            escaped.to_mut().push('_');
        }
        escaped
    }

    /// Whether there is a family of this name.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.snapshot.family(name).is_some() || self.made.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Family, Labels};
    use std::time::SystemTime;

    #[test]
    fn names_become_what_the_schemes_say() {
        // The examples of the schemes' documentation, and what Go's `model.EscapeName` makes of more.
        for (name, underscores, dots, values) in [
            ("http_status:sum", "http_status:sum", "http__status:sum", "http_status:sum"),
            ("metric.name", "metric_name", "metric_dot_name", "U__metric_2e_name"),
            ("a_b.c", "a_b_c", "a__b_dot_c", "U__a__b_2e_c"),
            ("metric name/ü", "metric_name__", "metric__name____", "U__metric_20_name_2f__fc_"),
            ("1st", "_st", "__st", "U___31_st"),
            ("漢", "_", "__", "U___6f22_"),
        ] {
            let all = [Escaping::Underscores, Escaping::Dots, Escaping::Values, Escaping::AllowUtf8];
            assert_eq!(all.map(|escaping| escaping.name(name, true)), [underscores, dots, values, name]);
        }
    }

    #[test]
    fn escaped_names_are_legal_whatever_they_were() {
        for name in ["", "\n", "\"", "a b", "__name__", ":", "a:b", "9", "é\u{0}"] {
            for escaping in [Escaping::Underscores, Escaping::Dots, Escaping::Values] {
                assert!(is_legal(&escaping.name(name, true), true), "{name:?}");
                let label = escaping.label(name);
                assert!(is_legal(&label, false) && label != "__name__", "{name:?}");
            }
            assert!(!Escaping::AllowUtf8.label(name).is_empty());
        }
    }

    #[test]
    fn labels_that_become_one_stay_two() {
        let labels = Labels::from([("a.b", "1"), ("a_b", "2"), ("a-b", "3"), ("a_b", "4")]);
        let names = |escaping: Escaping| {
            let escaped = escaping.labels(&labels).into_iter().map(|(name, _)| name.into_owned());
            escaped.collect::<Vec<_>>()
        };
        assert_eq!(names(Escaping::Underscores), ["a_b", "a_b_", "a_b__", "a_b___"]);
        assert_eq!(names(Escaping::AllowUtf8), ["a.b", "a_b", "a-b", "a_b_"]);
        assert!(!are_legal(&labels) && !are_legal(&Labels::from([("a", "1"), ("a", "2")])));
        assert!(are_legal(&Labels::from([("a", "1"), ("_b", "2")])));
    }

    #[test]
    fn families_that_become_one_stay_two() {
        let now = SystemTime::UNIX_EPOCH;
        let names = ["a.b", "a/b", "a_b"];
        let families = names.map(|name| Family {
            name: name.into(),
            help: "".into(),
            kind: crate::Kind::Gauge,
            unit: "".into(),
            series: Vec::new(),
        });
        let snapshot = Snapshot::of_families(now, now, families.into());
        let mut escaped = Names::of(&snapshot, Escaping::Underscores);
        assert_eq!(names.map(|name| escaped.name(name)), ["a_b_", "a_b__", "a_b"]);
        assert!(escaped.is_taken("a_b_") && escaped.is_taken("a_b") && !escaped.is_taken("a"));
    }
}
