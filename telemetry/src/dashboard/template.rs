//! Dashboards with gaps: one file for several programs, teams or data sources.
//!
//! ```text
//! file -> JSON -> each text: Piece (plain, gap) -> values in the gaps -> data source -> checked -> text
//! ```

mod pieces; // a text with gaps

use super::generate::pretty;
use super::retouch;
use pieces::{Kind, Piece, pieces};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

/// A dashboard with gaps, and what is to stand in them.
///
/// A gap is `<<name>>` or, where only one kind of value will do, `<<name: kind>>` with `text`, `integer`, `number`, `bool` or `list`. It stands in the texts of the
/// JSON. A text that is just a gap becomes the value itself: `"<<limit>>"` becomes `5`, and a list a list. Within a longer text the value is written
/// out. `<<` before anything but a letter is no gap, and `<<!name>>` is the text `<<name>>`. What is Grafana's own, `$__rate_interval`, `${datasource}` and
/// `{{label}}`, stays as it is.
///
/// ```
/// use telemetry::dashboard::{DataSource, Template};
///
/// let text = r#"{
///     "uid": "<<team>>-jobs", "title": "Jobs of <<team>>", "refresh": "<<refresh>>",
///     "templating": { "list": [{ "name": "datasource", "type": "datasource", "query": "prometheus" }] },
///     "panels": [{
///         "title": "Failed", "type": "timeseries", "maxDataPoints": "<<points: integer>>",
///         "datasource": { "type": "prometheus", "uid": "${datasource}" },
///         "targets": [{ "refId": "A", "expr": "rate(backfill_records_total{job=\"<<team>>\", status=\"failed\"}[$__rate_interval])" }]
///     }]
/// }"#;
/// let template = Template::parse("jobs.json", text)?;
/// assert_eq!(template.variables().collect::<Vec<_>>(), ["points", "refresh", "team"]);
/// let dashboard = template.set("team", "flights").set("refresh", "10s").set("points", 500).data_source(DataSource::uid("prometheus")).render()?;
/// assert!(dashboard.contains(r#""maxDataPoints": 500"#) && dashboard.contains(r#"job=\"flights\""#));
/// assert!(dashboard.contains(r#""uid": "prometheus""#));
///
/// let errors = Template::parse("jobs.json", text)?.set("taem", "flights").set("refresh", "10s").set("points", "many").render().unwrap_err();
/// assert_eq!(
///     errors.to_string(),
///     "jobs.json: the variable `taem` is not known; did you mean `team`? it has `points`, `refresh`, `team`\n\
///      jobs.json: `points` takes an integer, and is the text \"many\"\n\
///      jobs.json: `team` is missing, which uid wants; it has `points`, `refresh`, `team`"
/// );
/// # Ok::<(), telemetry::dashboard::TemplateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    document: Value,
    /// Each variable with the kinds that its gaps want, and where the outermost of them is.
    wanted: BTreeMap<String, (BTreeSet<Kind>, String)>,
    values: BTreeMap<String, TemplateValue>,
    source: Option<DataSource>,
}

/// What stands in a gap.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TemplateValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number; one that is not finite is refused.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// Several texts, which take the place of a whole text only.
    List(Vec<String>),
}

macro_rules! values {
    ($($kind:ident: $($from:ty),+;)+) => {
        $($(impl From<$from> for TemplateValue {
            fn from(value: $from) -> TemplateValue {
                TemplateValue::$kind(value.into())
            }
        })+)+
    };
}
values! {
    Text: &str, String;
    Integer: i64, i32, u32, i16, u16, i8, u8;
    Number: f64, f32;
    Bool: bool;
    List: Vec<String>;
}

impl From<&[&str]> for TemplateValue {
    fn from(texts: &[&str]) -> TemplateValue {
        TemplateValue::List(texts.iter().map(|text| (*text).to_owned()).collect())
    }
}

impl TemplateValue {
    fn is(&self, kind: Kind) -> bool {
        match kind {
            Kind::Text => matches!(self, TemplateValue::Text(_)),
            Kind::Integer => matches!(self, TemplateValue::Integer(_)),
            Kind::Number => matches!(self, TemplateValue::Integer(_) | TemplateValue::Number(_)),
            Kind::Bool => matches!(self, TemplateValue::Bool(_)),
            Kind::List => matches!(self, TemplateValue::List(_)),
        }
    }

    fn json(&self) -> Value {
        match self {
            TemplateValue::Text(text) => text.as_str().into(),
            TemplateValue::Integer(number) => (*number).into(),
            TemplateValue::Number(number) => (*number).into(),
            TemplateValue::Bool(truth) => (*truth).into(),
            TemplateValue::List(texts) => texts.as_slice().into(),
        }
    }
}

/// With what kind it is, for messages.
impl fmt::Display for TemplateValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateValue::Text(text) => write!(f, "the text {text:?}"),
            TemplateValue::Integer(number) => write!(f, "the integer {number}"),
            TemplateValue::Number(number) => write!(f, "the number {number}"),
            TemplateValue::Bool(truth) => write!(f, "{truth}"),
            TemplateValue::List(texts) => write!(f, "a list of {}", texts.len()),
        }
    }
}

/// Where a dashboard's Prometheus is, instead of being chosen by the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSource(pub(super) Named);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Uid(String),
    Name(String),
}

impl DataSource {
    /// The data source of this uid: every `${datasource}` becomes it, and the variable `datasource` goes.
    #[must_use]
    pub fn uid(uid: impl Into<String>) -> DataSource {
        DataSource(Named::Uid(uid.into()))
    }

    /// The data source that is called so, whatever its uid is there: the variable `datasource` offers this one alone.
    #[must_use]
    pub fn name(name: impl Into<String>) -> DataSource {
        DataSource(Named::Name(name.into()))
    }
}

/// Why a template does not become a dashboard: all reasons, one a line, each with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    name: String,
    mistakes: Vec<String>,
}

impl TemplateError {
    fn one(name: &str, mistake: String) -> TemplateError {
        TemplateError { name: name.to_owned(), mistakes: vec![mistake] }
    }

    /// The reasons, without the file.
    #[must_use]
    pub fn mistakes(&self) -> &[String] {
        &self.mistakes
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.mistakes.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{}: {mistake}", self.name)?;
        }
        Ok(())
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, and as [`parse`](Template::parse).
    pub fn load(path: impl AsRef<Path>) -> Result<Template, TemplateError> {
        let name = path.as_ref().display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Template::parse(&name, &text),
            Err(error) => Err(TemplateError::one(&name, format!("the file cannot be read: {error}"))),
        }
    }

    /// Takes a text, with a name for messages.
    ///
    /// # Errors
    /// It is no JSON, or a gap in it is not written as one is; each is named with its place.
    pub fn parse(name: &str, text: &str) -> Result<Template, TemplateError> {
        let document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| TemplateError::one(name, format!("this is not JSON: {error}")))?;
        let mut wanted = BTreeMap::<String, (BTreeSet<Kind>, String)>::new();
        let mut mistakes = Vec::new();
        each_text(&document, &mut String::new(), &mut |place, text| match pieces(text) {
            Ok(pieces) => {
                for piece in pieces {
                    let Piece::Gap(gap) = piece else { continue };
                    let known = wanted.entry(gap.name.to_owned());
                    let (kinds, first) = known.or_insert_with(|| (BTreeSet::new(), place.to_owned()));
                    // The outermost: in which order members come is another crate's choice.
                    if (place.len(), place) < (first.len(), &**first) {
                        place.clone_into(first);
                    }
                    kinds.extend(gap.kind);
                }
            }
            Err(mistake) => mistakes.push(format!("{place}: {mistake}")),
        });
        each_key(&document, &mut |key| {
            if pieces(key).is_ok_and(|pieces| pieces.iter().any(|piece| matches!(piece, Piece::Gap(_)))) {
                mistakes.push(format!("the name `{key}` has a gap; gaps stand in texts, not in names of members"));
            }
        });
        for (variable, (kinds, _)) in &wanted {
            if kinds.len() > 1 {
                let kinds: Vec<_> = kinds.iter().map(|kind| kind.word()).collect();
                mistakes.push(format!("`{variable}` is given two kinds: {}", kinds.join(" and ")));
            }
        }
        if mistakes.is_empty() {
            Ok(Template { name: name.to_owned(), document, wanted, values: BTreeMap::new(), source: None })
        } else {
            Err(TemplateError { name: name.to_owned(), mistakes })
        }
    }

    /// The variables that it has gaps for, by name.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.wanted.keys().map(String::as_str)
    }

    /// Says what is to stand in the gaps of a variable; of two values for one the later.
    #[must_use]
    pub fn set(mut self, variable: impl Into<String>, value: impl Into<TemplateValue>) -> Template {
        self.values.insert(variable.into(), value.into());
        self
    }

    /// The same from text, as it comes from a command line: for a gap that wants an integer, a number, a bool or a list (with commas between) it is
    /// read as that, else it is the text.
    ///
    /// # Errors
    /// It cannot be read as what the gap wants.
    pub fn set_text(self, variable: &str, text: &str) -> Result<Template, TemplateError> {
        let kind = self.wanted.get(variable).and_then(|(kinds, _)| kinds.first().copied()).unwrap_or(Kind::Text);
        match kind.read(text) {
            Some(value) => Ok(self.set(variable, value)),
            None => {
                let text = TemplateValue::Text(text.to_owned());
                Err(TemplateError::one(&self.name, format!("`{variable}` takes {}, and is {text}", kind.article())))
            }
        }
    }

    /// Binds it to one data source. Without, what the file says stays.
    #[must_use]
    pub fn data_source(mut self, source: DataSource) -> Template {
        self.source = Some(source);
        self
    }

    /// The dashboard, as JSON whose bytes depend on nothing else.
    ///
    /// # Errors
    /// A variable is missing, is not known, or is of a kind that its gap does not take; what comes of it is no dashboard, or has a variable of Grafana's that
    /// nobody defines. All of it at once.
    pub fn render(&self) -> Result<String, TemplateError> {
        let mut mistakes = self.mistakes();
        if mistakes.is_empty() {
            let mut made = self.document.clone();
            self.fill(&mut made, &mut String::new(), &mut mistakes);
            if let Some(source) = &self.source {
                retouch::bind(&mut made, source, &mut mistakes);
            }
            if let Some(uid) = made.get("uid").and_then(Value::as_str).filter(|uid| !retouch::is_uid(uid)) {
                mistakes.push(format!("the uid is {uid:?}; Grafana takes 1 to 40 of `a-z`, `A-Z`, `0-9`, `-` and `_`"));
            }
            if mistakes.is_empty() {
                let text = pretty(&made);
                let found = telemetry_dashboards::mistakes(&self.name, &text);
                mistakes.extend(found.into_iter().map(|mistake| {
                    if mistake.place.part.is_empty() {
                        mistake.message
                    } else {
                        format!("{}: {}", mistake.place.part, mistake.message)
                    }
                }));
                if mistakes.is_empty() {
                    return Ok(text);
                }
            }
        }
        Err(TemplateError { name: self.name.clone(), mistakes })
    }

    /// What does not fit between the gaps and the values.
    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let all: Vec<_> = self.variables().map(|name| format!("`{name}`")).collect();
        let all = if all.is_empty() { String::from("no variables") } else { all.join(", ") };
        for variable in self.values.keys().filter(|variable| !self.wanted.contains_key(*variable)) {
            let meant = telemetry_dashboards::did_you_mean(variable, self.variables());
            let meant = if meant.is_empty() { String::from(";") } else { meant };
            mistakes.push(format!("the variable `{variable}` is not known{meant} it has {all}"));
        }
        for (variable, (kinds, place)) in &self.wanted {
            match self.values.get(variable) {
                None => mistakes.push(format!("`{variable}` is missing, which {place} wants; it has {all}")),
                Some(TemplateValue::Number(number)) if !number.is_finite() => {
                    mistakes.push(format!("`{variable}` is {number}, which JSON cannot say"));
                }
                Some(value) => {
                    let wrong = kinds.iter().find(|kind| !value.is(**kind));
                    mistakes.extend(wrong.map(|kind| format!("`{variable}` takes {}, and is {value}", kind.article())));
                }
            }
        }
        mistakes
    }

    fn fill(&self, value: &mut Value, place: &mut String, mistakes: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                if let Some(filled) = self.filled(text, place, mistakes) {
                    *value = filled;
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    within(place, &format!("[{at}]"), |place| self.fill(item, place, mistakes));
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    let step = if place.is_empty() { key.clone() } else { format!(".{key}") };
                    within(place, &step, |place| self.fill(member, place, mistakes));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// What a text becomes, if it has a gap.
    fn filled(&self, text: &str, place: &str, mistakes: &mut Vec<String>) -> Option<Value> {
        // All of them have been read before.
        let pieces = pieces(text).ok()?;
        if let [Piece::Gap(gap)] = pieces.as_slice() {
            return self.values.get(gap.name).map(TemplateValue::json);
        }
        let mut made = String::new();
        for piece in &pieces {
            match piece {
                Piece::Plain(plain) => made.push_str(plain),
                Piece::Gap(gap) => match self.values.get(gap.name) {
                    Some(TemplateValue::Text(text)) => made.push_str(text),
                    Some(TemplateValue::Integer(number)) => made.push_str(&number.to_string()),
                    Some(TemplateValue::Number(number)) => made.push_str(&number.to_string()),
                    Some(TemplateValue::Bool(truth)) => made.push_str(&truth.to_string()),
                    Some(TemplateValue::List(_)) => mistakes.push(format!(
                        "`{}` is a list, and {place} has text around it; a list takes the place of a whole text",
                        gap.name
                    )),
                    None => {}
                },
            }
        }
        Some(Value::String(made))
    }
}

/// Every name of a member.
fn each_key(value: &Value, then: &mut impl FnMut(&str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each_key(item, then)),
        Value::Object(members) => {
            for (key, member) in members {
                then(key);
                each_key(member, then);
            }
        }
        _ => {}
    }
}

fn within(place: &mut String, step: &str, then: impl FnOnce(&mut String)) {
    let before = place.len();
    place.push_str(step);
    then(place);
    place.truncate(before);
}

/// Every text of a document, with its place.
fn each_text(value: &Value, place: &mut String, then: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => then(place, text),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                within(place, &format!("[{at}]"), |place| each_text(item, place, then));
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let step = if place.is_empty() { key.clone() } else { format!(".{key}") };
                within(place, &step, |place| each_text(member, place, then));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
