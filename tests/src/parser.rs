//! A strict reader of Prometheus' text format, written from its definition and not from our encoder.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
//!
//! Prometheus itself takes duplicate series, buckets that fall, a histogram without `+Inf` and more, without a word. This reader
//! refuses them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a scrape returned.
#[derive(Debug, Default)]
pub struct Exposition {
    /// In the order of the text.
    pub families: Vec<Family>,
}

/// A family as it was written.
#[derive(Debug, Default)]
pub struct Family {
    /// The name in its HELP and TYPE lines, or that of its samples.
    pub name: String,
    /// The word of its TYPE line, or `untyped`.
    pub kind: String,
    /// The text of its HELP line, unescaped.
    pub help: Option<String>,
    /// In the order of the text.
    pub samples: Vec<Sample>,
    typed: bool,
}

/// A line with a value.
#[derive(Debug, Clone)]
pub struct Sample {
    /// With `_bucket`, `_sum` or `_count`, where it has that.
    pub name: String,
    /// Unescaped.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
    /// The value as it was written.
    pub text: String,
    line: usize,
}

/// What is wrong, and in which line.
#[derive(Debug, PartialEq)]
pub struct Error {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Error {}

impl Exposition {
    /// The family of this name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// The one sample of this name with exactly these labels.
    pub fn sample(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Sample> {
        let wanted = labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut samples = self.families.iter().flat_map(|family| &family.samples);
        samples.find(|sample| sample.name == name && sample.labels == wanted)
    }

    /// The value of the one sample of this name with exactly these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.sample(name, labels).map(|sample| sample.value)
    }
}

/// Reads an exposition, or says why it is none.
pub fn parse(text: &str) -> Result<Exposition, Error> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(Error { line: text.lines().count(), what: "the last line has no line feed".into() });
    }
    let mut reader = Reader::default();
    for (index, line) in text.split_terminator('\n').enumerate() {
        let number = index + 1;
        reader.line(line, number).map_err(|what| Error { line: number, what })?;
    }
    for family in &reader.exposition.families {
        check(family)?;
    }
    Ok(reader.exposition)
}

#[derive(Default)]
struct Reader {
    exposition: Exposition,
    series: BTreeSet<(String, BTreeMap<String, String>)>,
}

impl Reader {
    fn line(&mut self, line: &str, number: usize) -> Result<(), String> {
        // Within a text it is a character like any other.
        if line.ends_with('\r') {
            return Err("a carriage return".into());
        }
        match line.strip_prefix('#') {
            Some(comment) => self.comment(comment),
            None if line.trim().is_empty() => Ok(()),
            None => self.sample(line, number),
        }
    }

    fn comment(&mut self, comment: &str) -> Result<(), String> {
        let mut words = comment.trim_start_matches([' ', '\t']).splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("HELP"), Some(name), text) => {
                let help = unescape(text.unwrap_or(""), false)?;
                let family = self.block(name)?;
                if family.help.replace(help).is_some() {
                    return Err(format!("a second HELP for `{name}`"));
                }
                Ok(())
            }
            (Some("TYPE"), Some(name), Some(kind)) => {
                if !["counter", "gauge", "histogram", "summary", "untyped"].contains(&kind) {
                    return Err(format!("`{kind}` is no type"));
                }
                let family = self.block(name)?;
                if std::mem::replace(&mut family.typed, true) {
                    return Err(format!("a second TYPE for `{name}`"));
                }
                family.kind = kind.to_owned();
                Ok(())
            }
            (Some("HELP" | "TYPE"), ..) => Err("a HELP or TYPE line that is cut off".into()),
            _ => Ok(()),
        }
    }

    /// The family that HELP and TYPE lines speak of: the last one, before its samples, or a new one.
    fn block(&mut self, name: &str) -> Result<&mut Family, String> {
        if !is_name(name, true) {
            return Err(format!("`{name}` is no metric name"));
        }
        let families = &mut self.exposition.families;
        match families.iter().position(|family| family.name == name) {
            None => families.push(Family { name: name.into(), kind: "untyped".into(), ..Family::default() }),
            Some(at) if at + 1 < families.len() => return Err(format!("`{name}` is in two blocks")),
            Some(at) if !families[at].samples.is_empty() => {
                return Err(format!("HELP or TYPE of `{name}` after its samples"));
            }
            Some(_) => {}
        }
        families.last_mut().ok_or_else(|| "no family".to_owned())
    }

    fn sample(&mut self, line: &str, number: usize) -> Result<(), String> {
        let (name, rest) = line.split_at(line.find(['{', ' ', '\t']).ok_or("a sample without a value")?);
        if !is_name(name, true) {
            return Err(format!("`{name}` is no metric name"));
        }
        let (labels, rest) = match rest.trim_start_matches([' ', '\t']).strip_prefix('{') {
            Some(rest) => read_labels(rest)?,
            None => (BTreeMap::new(), rest),
        };
        let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
        let text = words.next().ok_or("a sample without a value")?;
        let value = read_number(text)?;
        if let Some(timestamp) = words.next() {
            timestamp.parse::<i64>().map_err(|_| format!("`{timestamp}` is no timestamp"))?;
        }
        if let Some(more) = words.next() {
            return Err(format!("`{more}` after the sample"));
        }
        if !self.series.insert((name.to_owned(), labels.clone())) {
            return Err(format!("the series `{name}` {labels:?} a second time"));
        }
        let owner = self.owner(name);
        let families = &mut self.exposition.families;
        match families.iter().position(|family| family.name == owner) {
            Some(at) if at + 1 < families.len() => return Err(format!("`{owner}` is in two blocks")),
            Some(_) => {}
            None => families.push(Family { name: owner, kind: "untyped".into(), ..Family::default() }),
        }
        if let Some(family) = families.last_mut() {
            family.samples.push(Sample { name: name.into(), labels, value, text: text.into(), line: number });
        }
        Ok(())
    }

    /// The family that a sample belongs to: its histogram or summary, or that of its own name.
    fn owner(&self, name: &str) -> String {
        let of = |suffix: &str, kinds: &[&str]| {
            let base = name.strip_suffix(suffix)?;
            let family = self.exposition.family(base)?;
            kinds.contains(&family.kind.as_str()).then(|| base.to_owned())
        };
        of("_bucket", &["histogram"])
            .or_else(|| of("_sum", &["histogram", "summary"]))
            .or_else(|| of("_count", &["histogram", "summary"]))
            .unwrap_or_else(|| name.to_owned())
    }
}

fn is_name(name: &str, colon: bool) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colon && byte == b':');
    !name.is_empty() && name.bytes().all(allowed) && !name.as_bytes()[0].is_ascii_digit()
}

/// What stands between the braces, and what comes after.
fn read_labels(text: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (name, after) = rest.split_once('=').ok_or("a label without `=`")?;
        let name = name.trim();
        if !is_name(name, false) || name == "__name__" {
            return Err(format!("`{name}` is no label name"));
        }
        let quoted = after.trim_start().strip_prefix('"').ok_or("a label value that is not quoted")?;
        let end = end_of_quoted(quoted).ok_or("a label value without an end")?;
        if labels.insert(name.to_owned(), unescape(&quoted[..end], true)?).is_some() {
            return Err(format!("the label `{name}` twice"));
        }
        rest = quoted[end + 1..].trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.starts_with('}') => {}
            None => return Err("neither a comma nor a brace after a label".into()),
        }
    }
}

fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index),
            _ => {}
        }
    }
    None
}

fn unescape(text: &str, quoted: bool) -> Result<String, String> {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('\\') => plain.push('\\'),
            Some('n') => plain.push('\n'),
            Some('"') if quoted => plain.push('"'),
            Some(other) => return Err(format!("the escape `\\{other}`")),
            None => return Err("a backslash at the end".into()),
        }
    }
    Ok(plain)
}

fn read_number(text: &str) -> Result<f64, String> {
    let refused = || format!("`{text}` is no number");
    match text {
        "NaN" => Ok(f64::NAN),
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => {
            text.parse().map_err(|_| refused())
        }
        _ => Err(refused()),
    }
}

fn check(family: &Family) -> Result<(), Error> {
    match family.kind.as_str() {
        "counter" => family.samples.iter().try_for_each(|sample| {
            let right = sample.name == family.name && sample.value >= 0.0 && sample.value.is_finite();
            right.then_some(()).ok_or_else(|| wrong(sample, "a counter that is negative, infinite or NaN"))
        }),
        "histogram" => by_series(family, "le", check_histogram),
        "summary" => by_series(family, "quantile", check_summary),
        _ => Ok(()),
    }
}

fn wrong(sample: &Sample, what: &str) -> Error {
    Error { line: sample.line, what: format!("`{}`: {what}", sample.name) }
}

/// Runs a check on the samples of each series of a composite family: those that differ in one label alone.
fn by_series(family: &Family, limit: &str, check: fn(&str, &[&Sample]) -> Result<(), Error>) -> Result<(), Error> {
    let mut series = BTreeMap::<_, Vec<&Sample>>::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        labels.remove(limit);
        series.entry(labels).or_default().push(sample);
    }
    series.values().try_for_each(|samples| check(&family.name, samples))
}

fn the_one<'a>(samples: &[&'a Sample], name: String) -> Result<&'a Sample, Error> {
    let found = samples.iter().find(|sample| sample.name == name);
    found.copied().ok_or_else(|| wrong(samples[0], &format!("its series has no `{name}`")))
}

fn check_histogram(name: &str, samples: &[&Sample]) -> Result<(), Error> {
    let count = the_one(samples, format!("{name}_count"))?;
    the_one(samples, format!("{name}_sum"))?;
    let mut last = (f64::NEG_INFINITY, 0.0);
    for sample in samples {
        if sample.name == name {
            return Err(wrong(sample, "a histogram has no sample of its own name"));
        }
        if sample.name != format!("{name}_bucket") {
            if sample.labels.contains_key("le") {
                return Err(wrong(sample, "`le` on what is no bucket"));
            }
            continue;
        }
        let bound = sample.labels.get("le").ok_or_else(|| wrong(sample, "a bucket without `le`"))?;
        let bound = read_number(bound).map_err(|what| wrong(sample, &what))?;
        if bound.is_nan() || bound <= last.0 {
            return Err(wrong(sample, "bounds that do not ascend"));
        }
        if sample.value < last.1 || sample.value.fract() != 0.0 {
            return Err(wrong(sample, "buckets that are not cumulative"));
        }
        last = (bound, sample.value);
    }
    if last.0 != f64::INFINITY {
        return Err(wrong(count, "there is no bucket `+Inf`"));
    }
    if last.1 != count.value {
        return Err(wrong(count, "the count is not that of the bucket `+Inf`"));
    }
    Ok(())
}

fn check_summary(name: &str, samples: &[&Sample]) -> Result<(), Error> {
    the_one(samples, format!("{name}_count"))?;
    the_one(samples, format!("{name}_sum"))?;
    for sample in samples.iter().filter(|sample| sample.name == name) {
        let quantile = sample.labels.get("quantile").and_then(|quantile| read_number(quantile).ok());
        if !quantile.is_some_and(|quantile| (0.0..=1.0).contains(&quantile)) {
            return Err(wrong(sample, "a quantile is from 0 to 1"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match parse(text) {
            Ok(exposition) => panic!("taken: {exposition:?}"),
            Err(error) => error.what,
        }
    }

    const HISTOGRAM: &str = "# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_bucket{le=\"+Inf\"} 2\na_sum 3\na_count 2\n";

    #[test]
    fn a_correct_exposition_is_read() {
        let text = "# a comment\n# HELP a_total A \\\\ b\\nc \"d\"\n# TYPE a_total counter\na_total{b=\"c\\\"\\\\\\n\",} 3 1700000000000\n\n# TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_sum 1e-3\ns_count 2\nplain -Inf\n";
        let read = parse(text).unwrap();
        assert_eq!(read.family("a_total").unwrap().help.as_deref(), Some("A \\ b\nc \"d\""));
        assert_eq!(read.value("a_total", &[("b", "c\"\\\n")]), Some(3.0));
        assert_eq!(read.value("s_sum", &[]), Some(0.001));
        assert_eq!(read.family("plain").unwrap().kind, "untyped");
        assert_eq!(parse(HISTOGRAM).unwrap().value("a_bucket", &[("le", "+Inf")]), Some(2.0));
        assert!(parse("").unwrap().families.is_empty());
    }

    #[test]
    fn a_series_twice_is_refused() {
        assert!(refused("a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\"} 1\n").contains("a second time"));
        assert!(refused("a{b=\"1\",b=\"2\"} 1\n").contains("twice"));
    }

    #[test]
    fn a_family_in_two_blocks_is_refused() {
        assert!(refused("a 1\nb 1\na{c=\"d\"} 1\n").contains("two blocks"));
        assert!(refused(&format!("{HISTOGRAM}b 1\na_count{{c=\"d\"}} 1\n")).contains("two blocks"));
        assert!(refused("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# HELP a A.\n").contains("two blocks"));
    }

    #[test]
    fn type_and_help_come_once_and_first() {
        assert!(refused("a 1\n# TYPE a gauge\n").contains("after its samples"));
        assert!(refused("# TYPE a gauge\n# TYPE a gauge\n").contains("a second TYPE"));
        assert!(refused("# HELP a A.\n# HELP a A.\n").contains("a second HELP"));
        assert!(refused("# TYPE a Gauge\n").contains("no type"));
        assert!(refused("# TYPE a info\n").contains("no type"));
    }

    #[test]
    fn wrong_histograms_are_refused() {
        for (from, to, what) in [
            ("a_bucket{le=\"+Inf\"} 2\n", "", "no bucket `+Inf`"),
            ("a_bucket{le=\"1.0\"} 1", "a_bucket{le=\"1.0\"} 3", "not cumulative"),
            ("a_count 2", "a_count 3", "not that of"),
            ("a_count 2\n", "", "no `a_count`"),
            ("a_sum 3\n", "", "no `a_sum`"),
            ("le=\"1.0\"", "b=\"1.0\"", "no `a_count`"),
            ("le=\"1.0\"", "le=\"x\"", "no number"),
            ("a_bucket{le=\"1.0\"} 1", "a_bucket{le=\"1.0\"} 0.5", "not cumulative"),
            ("a_bucket{le=\"1.0\"} 1", "a_bucket{le=\"2\"} 1\na_bucket{le=\"1.0\"} 1", "do not ascend"),
            ("a_sum 3", "a_sum{le=\"1.0\"} 3", "no bucket"),
            ("a_sum 3", "a 3\na_sum 3", "own name"),
        ] {
            let refused = refused(&HISTOGRAM.replace(from, to));
            assert!(refused.contains(what), "{from} -> {to}: {refused}");
        }
    }

    #[test]
    fn wrong_lines_are_refused() {
        for (text, what) in [
            ("a 1", "no line feed"),
            ("a 1\r\n", "carriage return"),
            ("a\n", "without a value"),
            ("a{} \n", "without a value"),
            ("a 0x10\n", "no number"),
            ("a 1_0\n", "no number"),
            ("a inf\n", "no number"),
            ("a 1 2 3\n", "after the sample"),
            ("a 1 x\n", "no timestamp"),
            ("a-b 1\n", "no metric name"),
            ("1a 1\n", "no metric name"),
            ("a{b-c=\"d\"} 1\n", "no label name"),
            ("a{__name__=\"d\"} 1\n", "no label name"),
            ("a{b=c} 1\n", "not quoted"),
            ("a{b=\"c} 1\n", "without an end"),
            ("a{b=\"c\\q\"} 1\n", "the escape"),
            ("a{b=\"c\"d=\"e\"} 1\n", "neither a comma"),
            ("# HELP a \\\"\n", "the escape"),
            ("# HELP a \\\n", "backslash at the end"),
            ("# TYPE a\n", "cut off"),
            ("# TYPE a counter\na -1\n", "a counter that"),
            ("# TYPE a counter\na NaN\n", "a counter that"),
            ("# TYPE a summary\na{quantile=\"2\"} 1\na_sum 1\na_count 1\n", "from 0 to 1"),
        ] {
            let refused = refused(text);
            assert!(refused.contains(what), "{text:?}: {refused}");
        }
    }
}
