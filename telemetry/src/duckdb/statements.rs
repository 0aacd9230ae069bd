//! The figures of statements as data, text and JSON.

use crate::export::{json, report};
use crate::snapshot::Statement;
use std::fmt;
use std::ops::Deref;

/// The figures of statements, the one that took most time first: a slice of them, a table as text (`{statements}`), and JSON.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = telemetry::duckdb::Connection::open("flights.duckdb")?;
/// connection.execute_batch("create table flights (carrier varchar); insert into flights values ('UA')")?;
/// let statements = connection.statements();
/// println!("{statements}");
/// for statement in &statements {
///     println!("{}: {} scanned of {} runs", statement.label, statement.profile.rows_scanned.unwrap_or(0), statement.calls);
/// }
/// # Ok(())
/// # }
/// ```
///
/// SQL has them, too: `select * from telemetry_statements()` in any database that a connection of ours has opened, see [the module](crate::duckdb#in-sql).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Statements(Vec<Statement>);

impl Statements {
    pub(crate) fn new(statements: Vec<Statement>) -> Statements {
        Statements(statements)
    }

    /// A list of objects on one line: what [`snapshot::Statement`](crate::snapshot::Statement) has, times in seconds, `null` for what is not known, `last_plan` as text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let plan = |statement: &Statement| {
            ("last_plan", statement.last_plan.as_deref().map_or_else(|| "null".to_owned(), json::text))
        };
        let one = |statement: &Statement| json::object(json::statement(statement).into_iter().chain([plan(statement)]));
        json::array(self.0.iter().map(one))
    }

    /// The list, to own.
    #[must_use]
    pub fn into_vec(self) -> Vec<Statement> {
        self.0
    }
}

impl fmt::Display for Statements {
    /// A table some 100 columns wide; nothing where there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { f.write_str(&report::statements_text(&self.0)) }
    }
}

impl Deref for Statements {
    type Target = [Statement];

    fn deref(&self) -> &[Statement] {
        &self.0
    }
}

impl IntoIterator for Statements {
    type Item = Statement;
    type IntoIter = std::vec::IntoIter<Statement>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Statements {
    type Item = &'a Statement;
    type IntoIter = std::slice::Iter<'a, Statement>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
