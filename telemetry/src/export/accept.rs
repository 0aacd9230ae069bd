//! The header `Accept`, as RFC 9110 has it (12.5.1). What cannot be read asks for nothing.

use crate::export::escape::Escaping;

/// One media range, such as `text/plain;version=0.0.4;q=0.5`.
pub(super) struct Range<'a> {
    kind: (&'a str, &'a str),
    parameters: Vec<(&'a str, &'a str)>,
    /// In thousandths: the header allows no finer one.
    pub(super) weight: u16,
}

/// The ranges of a header, in its order.
pub(super) fn ranges(header: &str) -> impl Iterator<Item = Range<'_>> {
    split(header, ',').filter_map(range)
}

impl Range<'_> {
    /// How closely it describes a format of these parameters; `None` where it speaks of another one. Parameters that no format of ours has say
    /// nothing.
    pub(super) fn matches(&self, kind: (&str, &str), parameters: &[(&str, &str)]) -> Option<usize> {
        let is = |asked: &str, ours: &str| asked == "*" || asked.eq_ignore_ascii_case(ours);
        if !is(self.kind.0, kind.0) || !is(self.kind.1, kind.1) {
            return None;
        }
        if self.kind.1 == "*" {
            return Some(usize::from(self.kind.0 != "*"));
        }
        let mut closeness = 2;
        for (name, ours) in parameters {
            match self.parameter(name) {
                Some(asked) if asked == *ours => closeness += 1,
                Some(_) => return None,
                // `version` may be left out; a protobuf message is nothing without its type and framing.
                None if *name == "version" => {}
                None => return None,
            }
        }
        Some(closeness)
    }

    pub(super) fn escaping(&self) -> Option<Escaping> {
        match self.parameter("escaping")? {
            // As Prometheus' documentation spelt it for a while.
            "allow-utf8" => Some(Escaping::AllowUtf8),
            word => Escaping::ALL.into_iter().find(|escaping| escaping.as_str() == word),
        }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = split(text, ';').map(str::trim);
    let kind = parts.next()?.split_once('/')?;
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_word(kind.0) || !is_word(kind.1) || (kind.0 == "*" && kind.1 != "*") {
        return None;
    }
    let mut range = Range { kind, parameters: Vec::new(), weight: 1_000 };
    for part in parts.filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=')?;
        let (name, value) = (name.trim(), unquoted(value.trim())?);
        if name.eq_ignore_ascii_case("q") {
            range.weight = weight(value)?;
        } else {
            range.parameters.push((name, value));
        }
    }
    Some(range)
}

/// `0.75` as 750. Three digits at most stand behind the point.
fn weight(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if !matches!(whole, "0" | "1") || rest.len() > 3 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{whole}{rest:0<3}").parse().ok()?;
    (thousandths <= 1_000).then_some(thousandths)
}

/// What stands in quotes, if it does. None of ours has a character that would need a backslash; a quote without its end is an error.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => Some(value),
    }
}

/// The parts between separators that do not stand in quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return character == separator && !quoted,
        }
        false
    })
}
