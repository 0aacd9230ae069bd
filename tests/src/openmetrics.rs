//! A strict reader of OpenMetrics 1.0, written from its specification and not from our encoder, with names in quotes as Prometheus 3 has them.
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>

use std::collections::{BTreeMap, BTreeSet};

/// What a scrape returned.
#[derive(Debug, Default)]
pub struct Exposition {
    /// In the order of the text.
    pub families: Vec<Family>,
}

/// A family as it was written.
#[derive(Debug, Default)]
pub struct Family {
    /// Without the suffixes of its samples.
    pub name: String,
    /// The word of its TYPE line, or `unknown`.
    pub kind: String,
    /// The text of its UNIT line, or empty.
    pub unit: String,
    /// The text of its HELP line, unescaped, or empty.
    pub help: String,
    /// In the order of the text.
    pub samples: Vec<Sample>,
    seen: BTreeSet<&'static str>,
}

/// A line with a value.
#[derive(Debug, Clone)]
pub struct Sample {
    /// With its suffix.
    pub name: String,
    /// Unescaped.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
    /// The value as it was written.
    pub text: String,
    /// What led to it.
    pub exemplar: Option<Exemplar>,
}

/// What stands behind a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Unescaped.
    pub labels: BTreeMap<String, String>,
    /// The observed value.
    pub value: f64,
    /// Seconds since 1970.
    pub at: Option<f64>,
}

impl Exposition {
    /// The family of this name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }
}

const KINDS: [(&str, &[&str]); 8] = [
    ("counter", &["_total", "_created"]),
    ("gauge", &[""]),
    ("histogram", &["_bucket", "_sum", "_count", "_created"]),
    ("summary", &["", "_sum", "_count", "_created"]),
    ("info", &["_info"]),
    ("unknown", &[""]),
    ("stateset", &[""]),
    ("gaugehistogram", &["_bucket", "_gsum", "_gcount"]),
];

/// Reads an exposition, or says in which line and why it is none.
pub fn parse(text: &str) -> Result<Exposition, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("it does not end with `# EOF`")?;
    if !body.is_empty() && !body.ends_with('\n') {
        return Err("a line before `# EOF` that does not end".into());
    }
    let mut exposition = Exposition::default();
    for (index, line) in body.split_terminator('\n').enumerate() {
        let read = match line.strip_prefix("# ") {
            Some(comment) => metadata(&mut exposition.families, comment),
            None => sample(line).and_then(|sample| put(&mut exposition.families, sample)),
        };
        read.map_err(|what| format!("line {}: {what}", index + 1))?;
    }
    let mut all = BTreeSet::new();
    for family in &exposition.families {
        check(family).map_err(|what| format!("`{}`: {what}", family.name))?;
        for sample in &family.samples {
            if !all.insert((&sample.name, &sample.labels)) {
                return Err(format!("the series `{}` {:?} a second time", sample.name, sample.labels));
            }
        }
    }
    Ok(exposition)
}

fn metadata(families: &mut Vec<Family>, comment: &str) -> Result<(), String> {
    let (word, rest) = comment.split_once(' ').ok_or("a comment that is none of TYPE, UNIT and HELP")?;
    let (name, rest) = match rest.strip_prefix('"') {
        Some(rest) => {
            let (name, rest) = quoted(rest)?;
            (name, rest.strip_prefix(' ').ok_or("no space behind a name")?)
        }
        None => {
            let (name, rest) = rest.split_once(' ').ok_or("a comment that is cut off")?;
            is_name(name, true).then_some((name.to_owned(), rest)).ok_or(format!("`{name}` is no name"))?
        }
    };
    if families.last().is_none_or(|last| last.name != name) {
        if families.iter().any(|family| family.name == name) {
            return Err(format!("`{name}` in two places"));
        }
        families.push(Family { name, kind: "unknown".into(), ..Family::default() });
    }
    let family = families.last_mut().ok_or("no family")?;
    let word =
        ["TYPE", "UNIT", "HELP"].into_iter().find(|known| *known == word).ok_or(format!("the comment {word}"))?;
    if !family.seen.insert(word) || !family.samples.is_empty() {
        return Err(format!("a second or late {word}"));
    }
    match word {
        "TYPE" if KINDS.iter().any(|(kind, _)| *kind == rest) => family.kind = rest.into(),
        "TYPE" => return Err(format!("`{rest}` is no type")),
        "UNIT" => family.unit = rest.into(),
        _ => family.help = unescape(rest)?,
    }
    Ok(())
}

fn sample(line: &str) -> Result<Sample, String> {
    let (mut name, mut labels, rest) = match line.split_once(['{', ' ']) {
        Some((name, _)) if line[name.len()..].starts_with(' ') => {
            (name.to_owned(), BTreeMap::new(), &line[name.len()..])
        }
        Some((name, rest)) => {
            let (labels, rest) = read_labels(rest, name.is_empty())?;
            (name.to_owned(), labels, rest)
        }
        None => return Err("no value".into()),
    };
    if name.is_empty() {
        name = labels.remove("").ok_or("a sample without a name")?;
    } else if !is_name(&name, true) {
        return Err(format!("`{name}` is no name"));
    }
    let rest = rest.strip_prefix(' ').ok_or("no space before a value")?;
    let (value, exemplar) = match rest.split_once(" # {") {
        Some((value, exemplar)) => (value, Some(read_exemplar(exemplar)?)),
        None => (rest, None),
    };
    // No timestamps: none of ours are of another moment than the scrape's.
    Ok(Sample { name, labels, value: number(value)?, text: value.into(), exemplar })
}

fn read_exemplar(text: &str) -> Result<Exemplar, String> {
    let (labels, rest) = read_labels(text, false)?;
    let mut words = rest.strip_prefix(' ').ok_or("no space before an exemplar's value")?.split(' ');
    let value = number(words.next().ok_or("an exemplar without a value")?)?;
    let at = words.next().map(number).transpose()?;
    let length: usize = labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    if words.next().is_some() || length > 128 {
        return Err(format!("an exemplar of {length} characters, or with more than a time behind it"));
    }
    Ok(Exemplar { labels, value, at })
}

/// What stands between the braces, and what comes after. The metric's own name may be the first, and is then under the empty name.
fn read_labels(text: &str, may_name: bool) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    if let Some(rest) = text.strip_prefix('}') {
        return Ok((labels, rest));
    }
    let mut rest = text;
    loop {
        let name = if let Some(after) = rest.strip_prefix('"') {
            let (name, after) = quoted(after)?;
            rest = after;
            if may_name && labels.is_empty() && !rest.starts_with('=') {
                labels.insert(String::new(), name);
                match (rest.strip_prefix(','), rest.strip_prefix('}')) {
                    (Some(after), _) => rest = after,
                    (_, Some(after)) => return Ok((labels, after)),
                    _ => return Err("neither a comma nor a brace after a name".into()),
                }
                continue;
            }
            name
        } else {
            let (name, _) = rest.split_once('=').ok_or("a label without `=`")?;
            if !is_name(name, false) {
                return Err(format!("`{name}` is no label name"));
            }
            rest = &rest[name.len()..];
            name.to_owned()
        };
        let (value, after) = quoted(rest.strip_prefix("=\"").ok_or("a label value that is not quoted")?)?;
        if name == "__name__" || name.is_empty() || labels.insert(name.clone(), value).is_some() {
            return Err(format!("the label `{name}`, or twice"));
        }
        match (after.strip_prefix(','), after.strip_prefix('}')) {
            (Some(after), _) => rest = after,
            (_, Some(after)) => return Ok((labels, after)),
            _ => return Err("neither a comma nor a brace after a label".into()),
        }
    }
}

/// What stands before the closing quote, unescaped, and what comes after it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Ok((unescape(&text[..index])?, &text[index + 1..])),
            _ => {}
        }
    }
    Err("a quote without its end".into())
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some(same @ ('\\' | '"')) => same,
                other => return Err(format!("the escape `{other:?}`")),
            },
            '"' => return Err("a quote without a backslash".into()),
            plain => plain,
        });
    }
    Ok(plain)
}

fn number(text: &str) -> Result<f64, String> {
    match text {
        "NaN" => Ok(f64::NAN),
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => {
            text.parse().map_err(|_| format!("`{text}` is no number"))
        }
        _ => Err(format!("`{text}` is no number")),
    }
}

fn is_name(name: &str, colon: bool) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colon && byte == b':');
    !name.is_empty() && name.bytes().all(allowed) && !name.as_bytes()[0].is_ascii_digit()
}

/// Puts a sample into the family that was begun last, which must be its own, or begins one.
fn put(families: &mut [Family], sample: Sample) -> Result<(), String> {
    let belongs = |family: &Family| {
        let suffixes = KINDS.iter().find(|(kind, _)| *kind == family.kind).map_or(&[][..], |(_, suffixes)| suffixes);
        sample.name.strip_prefix(&*family.name).is_some_and(|suffix| suffixes.contains(&suffix))
    };
    let known = families.iter().any(|family| family.name == sample.name);
    match families.last_mut().filter(|family| belongs(family)) {
        Some(family) => family.samples.push(sample),
        None if known => return Err(format!("`{}` in two places", sample.name)),
        None => return Err(format!("`{}` is of no family", sample.name)),
    }
    Ok(())
}

fn check(family: &Family) -> Result<(), String> {
    if !family.unit.is_empty() {
        let fits = family.name.ends_with(&format!("_{}", family.unit)) && family.kind != "info";
        fits.then_some(()).ok_or(format!("the unit `{}`", family.unit))?;
    }
    // Samples of one series stand together.
    let mut series = Vec::<(BTreeMap<String, String>, Vec<&Sample>)>::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        match family.kind.as_str() {
            "histogram" if sample.name.ends_with("_bucket") => drop(labels.remove("le")),
            "summary" if sample.name == family.name => drop(labels.remove("quantile")),
            _ => {}
        }
        let is_total = family.kind != "gauge" && sample.name != family.name && family.kind != "unknown";
        if is_total && (sample.value < 0.0 || sample.value.is_nan()) {
            return Err(format!("`{}` is {}", sample.name, sample.value));
        }
        if sample.exemplar.is_some() && !sample.name.ends_with("_bucket") && !sample.name.ends_with("_total") {
            return Err(format!("an exemplar on `{}`", sample.name));
        }
        if family.kind == "info" && sample.value != 1.0 {
            return Err(format!("an info of {}", sample.value));
        }
        let known = series.iter().position(|(known, _)| *known == labels);
        match known {
            Some(at) if at + 1 < series.len() => return Err(format!("{labels:?} in two places")),
            Some(at) => series[at].1.push(sample),
            None => series.push((labels, vec![sample])),
        }
    }
    if family.kind == "histogram" {
        series.iter().try_for_each(|(_, samples)| check_histogram(&family.name, samples))?;
    }
    Ok(())
}

fn check_histogram(name: &str, samples: &[&Sample]) -> Result<(), String> {
    let (mut last, mut negative) = ((f64::NEG_INFINITY, 0.0), false);
    for bucket in samples.iter().filter(|sample| sample.name.strip_prefix(name) == Some("_bucket")) {
        let written = bucket.labels.get("le").ok_or("a bucket without `le`")?;
        let bound = number(written)?;
        if bound <= last.0 || bucket.value < last.1 || bucket.value.fract() != 0.0 {
            return Err(format!("buckets that do not ascend at `{written}`"));
        }
        if bound.is_finite() && !written.contains(['.', 'e']) {
            return Err(format!("`le=\"{written}\"` changes its name with the format"));
        }
        if let Some(exemplar) = &bucket.exemplar
            && !(exemplar.value > last.0 && exemplar.value <= bound)
        {
            return Err(format!("an exemplar of {} between {} and {bound}", exemplar.value, last.0));
        }
        negative |= bound < 0.0;
        last = (bound, bucket.value);
    }
    let one = |suffix| samples.iter().find(|sample| sample.name.strip_prefix(name) == Some(suffix));
    let (sum, count) = (one("_sum"), one("_count"));
    if last.0 != f64::INFINITY || count.is_some_and(|count| count.value != last.1) {
        return Err("no bucket `+Inf`, or not as many as the count".into());
    }
    if sum.is_some() != count.is_some() || (sum.is_some() && negative) {
        return Err("a sum without a count, or of negative values".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correct_exposition_is_read() {
        let text = "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds A \\\"b\\\"\\n\\\\.\na_seconds_total{b=\"c\\\"\\\\\\n\"} 3 # {trace_id=\"1\"} 0.5 2.25\na_seconds_created{b=\"c\\\"\\\\\\n\"} 1\n# TYPE \"q.r\" gauge\n{\"q.r\",\"s.t\"=\"u\",v=\"w\"} -Inf\n{\"q.r\"} 1\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# EOF\n";
        let read = parse(text).unwrap();
        let a = read.family("a_seconds").unwrap();
        assert_eq!((a.unit.as_str(), a.help.as_str()), ("seconds", "A \"b\"\n\\."));
        assert_eq!(a.samples[0].labels["b"], "c\"\\\n");
        let labels = BTreeMap::from([("trace_id".to_owned(), "1".to_owned())]);
        assert_eq!(a.samples[0].exemplar, Some(Exemplar { labels, value: 0.5, at: Some(2.25) }));
        assert_eq!(read.family("q.r").unwrap().samples[0].labels["s.t"], "u");
        assert!(parse("# EOF\n").unwrap().families.is_empty());
    }

    #[test]
    fn wrong_expositions_are_refused() {
        let long = "x".repeat(121);
        for (text, what) in [
            ("a 1\n", "EOF"),
            ("# EOF", "EOF"),
            ("# EOF\n\n", "EOF"),
            ("# TYPE a gauge\na 1", "EOF"),
            ("\n", "no value"),
            ("a 1\n", "of no family"),
            ("# a comment\n", "a comment"),
            ("# TYPE a untyped\n", "no type"),
            ("# TYPE a gauge\n# TYPE a gauge\n", "second or late"),
            ("# TYPE a gauge\na 1\n# HELP a A.\n", "second or late"),
            ("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na 2\n", "two places"),
            ("# TYPE a gauge\na 1\na 2\n", "a second time"),
            ("# TYPE a gauge\na{} 1\na 2\n", "a second time"),
            ("# TYPE a gauge\na  1\n", "no number"),
            ("# TYPE a gauge\na 1 \n", "no number"),
            ("# TYPE a gauge\na{b=\"c\",} 1\n", "without `=`"),
            ("# TYPE a gauge\na{b=\"c\", d=\"e\"} 1\n", "no label name"),
            ("# TYPE a gauge\na{b=\"c\\q\"} 1\n", "the escape"),
            ("# TYPE a gauge\n# UNIT a seconds\na 1\n", "the unit"),
            ("# TYPE a counter\na 1\n", "in two places"),
            ("# TYPE a counter\na_total -1\n", "is -1"),
            ("# TYPE a counter\na_total NaN\n", "is NaN"),
            ("# TYPE a info\na_info 2\n", "an info of"),
            ("# TYPE a gauge\na 1 # {} 1\n", "an exemplar on"),
            (&format!("# TYPE a counter\na_total 1 # {{trace_id=\"{long}\"}} 1\n"), "129 characters"),
            ("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\n", "changes its name"),
            ("# TYPE a histogram\na_bucket{le=\"1.0\"} 1\n", "no bucket `+Inf`"),
            ("# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\n", "do not ascend"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\n", "not as many"),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n", "without a count"),
            ("# TYPE a histogram\na_bucket{le=\"1.0\"} 1 # {} 2\na_bucket{le=\"+Inf\"} 1\n", "an exemplar of"),
        ] {
            let text = if what == "EOF" { text.to_owned() } else { format!("{text}# EOF\n") };
            let error = parse(&text).expect_err(&text);
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}
