//! What a check has found.

use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// A panel, an alert or a rule that cannot show or do what it says.
    Error,
    /// Something to look at.
    Note,
}

/// One thing that a check has found.
///
/// Shown as one line: `dashboards/flights.json: panel "Requests": …; query: …`, behind `note: ` where it is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// Whether it is an error or a note.
    pub severity: Severity,
    /// The dashboard or the file of rules, relative to the root; of a note, the source file and line of the declaration.
    pub file: String,
    /// What in the file: `panel "Requests"`, `alert "JobLate"`. Empty where the file as a whole is meant.
    pub part: String,
    /// The query as it is written, with its variables. Empty where there is none.
    pub query: String,
    /// What is wrong, and what to write: one sentence.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.severity == Severity::Note {
            f.write_str("note: ")?;
        }
        for place in [&self.file, &self.part] {
            if !place.is_empty() {
                write!(f, "{place}: ")?;
            }
        }
        f.write_str(&self.message)?;
        if self.query.is_empty() {
            return Ok(());
        }
        // A query over several lines becomes one.
        let query = self.query.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{} query: `{query}`", if self.message.ends_with('?') { "" } else { ";" })
    }
}
