//! The lines of the text formats: what they have in common, which is all but their comments and what comes after a value.

use crate::export::escape::{self, Escaping, Names};
use crate::export::{Bound, Number, Sample};
use crate::snapshot::{Family, Histogram, Labels, Snapshot};
use std::fmt::{self, Write};

/// Writes the lines of one family after another.
pub(super) struct Lines<'a, W> {
    pub(super) out: &'a mut W,
    pub(super) names: Names<'a>,
    /// The family's name as it is scraped, without what a kind adds.
    name: String,
    /// Whether it stands in quotes, among the labels.
    quoted: bool,
    limits: Limits,
    /// What the lines of the buckets that are being written begin with.
    start: String,
    /// Labels that were written for this line alone.
    labels: String,
}

impl<'a, W: Write> Lines<'a, W> {
    pub(super) fn new(out: &'a mut W, snapshot: &'a Snapshot, escaping: Escaping) -> Lines<'a, W> {
        Lines {
            out,
            names: Names::of(snapshot, escaping),
            name: String::new(),
            quoted: false,
            limits: Limits::default(),
            start: String::new(),
            labels: String::new(),
        }
    }

    /// Begins a family: from here on its name is [`Lines::name`].
    pub(super) fn family(&mut self, family: &Family) {
        let name = self.names.name(&family.name);
        self.quoted = !escape::is_legal(&name, true);
        self.name.clear();
        self.name.push_str(&name);
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `# WORD NAME text`, with a backslash before each of these characters of the text.
    pub(super) fn comment(&mut self, word: &str, name_len: usize, text: &str, special: &[u8]) -> fmt::Result {
        // Always within the name: formats leave out what it ends in.
        let name = self.name.get(..name_len).unwrap_or(&self.name);
        for part in ["# ", word, " "] {
            self.out.write_str(part)?;
        }
        if self.quoted {
            quoted(name, self.out)?;
        } else {
            self.out.write_str(name)?;
        }
        self.out.write_char(' ')?;
        escape(text, special, self.out)?;
        self.out.write_char('\n')
    }

    /// A sample up to its value.
    pub(super) fn sample(&mut self, sample: &Sample<'_>) -> fmt::Result {
        self.value(sample.suffix, sample.labels, sample.limit, sample.value)
    }

    /// The sample of this suffix, up to its value.
    #[inline]
    pub(super) fn value(
        &mut self,
        suffix: &str,
        labels: &Labels,
        limit: Option<(&'static str, f64)>,
        value: Number,
    ) -> fmt::Result {
        let labels = written(labels, self.names.escaping(), &mut self.labels);
        let rest = begin(&self.name, self.quoted, suffix, labels, self.out)?;
        if let Some((name, bound)) = limit {
            let (start, separator) = open(rest, self.quoted);
            write!(self.out, "{start}{separator}{name}=\"{}\"}} ", Bound(bound))?;
        } else {
            self.out.write_str(rest)?;
        }
        value.write(self.out)
    }

    /// The sample that has this suffix in place of what the family's name ends in, up to its value.
    pub(super) fn replaced(&mut self, end: &str, suffix: &str, labels: &Labels, value: Number) -> fmt::Result {
        let labels = written(labels, self.names.escaping(), &mut self.labels);
        let name = self.name.strip_suffix(end).unwrap_or(&self.name);
        let rest = begin(name, self.quoted, suffix, labels, self.out)?;
        self.out.write_str(rest)?;
        value.write(self.out)
    }

    /// The cumulative buckets of a histogram, each with what `behind` writes behind its value; gives how many values there are in all.
    pub(super) fn buckets(
        &mut self,
        labels: &Labels,
        histogram: &Histogram,
        mut behind: impl FnMut(usize, &mut W) -> fmt::Result,
    ) -> Result<u64, fmt::Error> {
        self.limits.renew(&histogram.bounds);
        let labels = written(labels, self.names.escaping(), &mut self.labels);
        self.start.clear();
        let rest = begin(&self.name, self.quoted, "_bucket", labels, &mut self.start)?;
        let (start, separator) = open(rest, self.quoted);
        for part in [start, separator, "le=\""] {
            self.start.push_str(part);
        }
        let mut seen = 0u64;
        for (place, (limit, count)) in self.limits.texts.iter().zip(&histogram.buckets).enumerate() {
            seen = seen.wrapping_add(*count);
            self.out.write_str(&self.start)?;
            self.out.write_str(limit)?;
            Number::Integer(seen).write(self.out)?;
            behind(place, self.out)?;
            self.out.write_char('\n')?;
        }
        Ok(seen)
    }

    pub(super) fn end_line(&mut self) -> fmt::Result {
        self.out.write_char('\n')
    }
}

/// Writes what stands before the labels, and gives what is left of them. Quoted, the name is the first among them.
#[inline]
fn begin<'l>(
    name: &str,
    in_quotes: bool,
    suffix: &str,
    labels: &'l str,
    out: &mut impl Write,
) -> Result<&'l str, fmt::Error> {
    if in_quotes {
        return begin_quoted(name, suffix, labels, out);
    }
    out.write_str(name)?;
    out.write_str(suffix)?;
    Ok(labels)
}

#[cold]
fn begin_quoted<'l>(name: &str, suffix: &str, labels: &'l str, out: &mut impl Write) -> Result<&'l str, fmt::Error> {
    out.write_str("{\"")?;
    escape(name, b"\\\n\"", out)?;
    out.write_str(suffix)?;
    out.write_char('"')?;
    Ok(match labels.strip_prefix('{') {
        Some(labels) => {
            out.write_char(',')?;
            labels
        }
        None => "} ",
    })
}

/// What stands between a sample's name and its value: `{path="/",code="200"} `, or a space where there are no labels.
#[inline]
fn written<'l>(labels: &'l Labels, escaping: Escaping, scratch: &'l mut String) -> &'l str {
    let shared = labels.written(|labels| {
        // What nothing can look like: the schemes have each their own way with such names.
        let legal = escape::are_legal(labels);
        if legal { between(labels.iter().map(|(name, value)| (&**name, &**value))) } else { String::new() }
    });
    // `Dots` changes names that are legal, too.
    if shared.is_empty() || escaping == Escaping::Dots {
        return written_for(labels, escaping, scratch);
    }
    shared
}

#[cold]
fn written_for<'l>(labels: &Labels, escaping: Escaping, scratch: &'l mut String) -> &'l str {
    let escaped = escaping.labels(labels);
    *scratch = between(escaped.iter().map(|(name, value)| (&**name, *value)));
    scratch
}

/// `{path="/",code="200"} `, or a space.
pub(super) fn between<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> String {
    let mut text = String::new();
    for (name, value) in labels {
        text.push(if text.is_empty() { '{' } else { ',' });
        if escape::is_legal(name, false) {
            text.push_str(name);
        } else {
            // Cannot fail, and so below: a `String` takes all.
            let _ = quoted(name, &mut text);
        }
        text.push_str("=\"");
        let _ = escape(value, b"\\\n\"", &mut text);
        text.push('"');
    }
    text.push_str(if text.is_empty() { " " } else { "} " });
    text
}

/// The beginning of what was written, to which one label more is to be added, and what goes before that.
fn open(written: &str, in_quotes: bool) -> (&str, &'static str) {
    match written.strip_suffix("} ") {
        Some(labels) => (labels, ","),
        None if in_quotes => ("", ","),
        None => ("", "{"),
    }
}

/// The ends of `le` for the bounds of a histogram, `0.5"} ` and so on: all series of a family have the same, and mostly the next family too.
#[derive(Default)]
struct Limits {
    of: Vec<f64>,
    texts: Vec<String>,
}

impl Limits {
    fn renew(&mut self, bounds: &[f64]) {
        if self.of == bounds && !self.texts.is_empty() {
            return;
        }
        self.of = bounds.to_vec();
        self.texts = bounds.iter().chain(&[f64::INFINITY]).map(|&bound| format!("{}\"}} ", Bound(bound))).collect();
    }
}

fn quoted(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    escape(text, b"\\\n\"", out)?;
    out.write_char('"')
}

/// Writes text with a backslash before each of these ASCII characters; a line feed becomes `\n`.
pub(super) fn escape(text: &str, special: &[u8], out: &mut impl Write) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| special.contains(&byte)) {
        let (before, from) = rest.split_at(at);
        out.write_str(before)?;
        out.write_char('\\')?;
        match from.split_at(1) {
            ("\n", after) => {
                out.write_char('n')?;
                rest = after;
            }
            (character, after) => {
                out.write_str(character)?;
                rest = after;
            }
        }
    }
    out.write_str(rest)
}
