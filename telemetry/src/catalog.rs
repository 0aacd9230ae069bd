//! Declarations as documents: a table for people, JSON for other tools.
//!
//! [`telemetry::catalog()`](fn@crate::catalog) is what a whole program declares, with what it has recorded something of; [`markdown`] and
//! [`json()`] take any families: those of it, of a block (`CATALOG`), or the library's own ([`builtin::CATALOG`](crate::builtin::CATALOG)), of which `docs/metrics.md` is made.
//!
//! ```
//! use telemetry::catalog;
//!
//! telemetry::metric! {
//!     /// Rows read, by table.
//!     counter document_rows_read_total(table: &str);
//!     /// Seconds from a request to its response.
//!     histogram document_response_seconds() [0.1, 1];
//! }
//!
//! let line = r#"{"name":"document_rows_read_total","type":"counter","labels":["table"],"unit":"","help":"Rows read, by table.""#;
//! assert!(catalog::json(CATALOG).contains(line));
//! assert!(catalog::markdown(CATALOG).contains("| `document_response_seconds` | histogram | seconds |"));
//! ```
//!
//! A document that is kept in a repository goes stale. A test keeps it current:
//!
//! ```no_run
//! # const CATALOG: &[telemetry::Descriptor] = &[];
//! let current = telemetry::catalog::markdown(CATALOG);
//! if std::env::var_os("UPDATE_DOCS").is_some() {
//!     std::fs::write("docs/metrics.md", &current).unwrap();
//! }
//! assert_eq!(std::fs::read_to_string("docs/metrics.md").unwrap(), current, "UPDATE_DOCS=1 cargo test");
//! ```

mod document;
mod kept;
pub(crate) mod program;

#[cfg(feature = "dashboards")]
pub use document::CatalogDocumentError;
pub use program::Catalog;

use crate::export::json::{array, number, object, text};
use crate::metric::Descriptor;

/// A table in GitHub's Markdown, one line a family, in the order in which they are given: what was declared, the name and unit under
/// which it is pushed over OTLP, and the module that declares it.
#[must_use]
pub fn markdown<'a>(families: impl IntoIterator<Item = &'a Descriptor>) -> String {
    let mut table = String::from("| metric | kind | unit | labels | what it tells | pushed as | in | declared in |\n");
    table += "| :--- | :--- | :--- | :--- | :--- | :--- | :--- | :--- |\n";
    for family in families {
        let labels = family.labels.iter().map(|label| code(label)).collect::<Vec<_>>();
        let cells = [
            code(family.name),
            family.kind.to_string(),
            prose(family.unit),
            labels.join(", "),
            prose(family.help),
            code(family.otel_name()),
            code(&family.otel_unit()),
            code(family.origin.module),
        ];
        table += &format!("| {} |\n", cells.join(" | ").trim_end());
    }
    table
}

/// An array in JSON, one line a family, in the order in which they are given.
///
/// `name`, `type`, `labels`, `unit` and `help` are those of the declaration, the unit a word or empty; `bounds` are a histogram's,
/// `otel_name` and `otel_unit` what is pushed over OTLP.
#[must_use]
pub fn json<'a>(families: impl IntoIterator<Item = &'a Descriptor>) -> String {
    let families: Vec<_> = families.into_iter().map(|family| object(members(family))).collect();
    if families.is_empty() { String::from("[]\n") } else { format!("[\n{}\n]\n", families.join(",\n")) }
}

fn members(family: &Descriptor) -> Vec<(&'static str, String)> {
    vec![
        ("name", text(family.name)),
        ("type", text(family.kind.as_str())),
        ("labels", array(family.labels.iter().map(|label| text(label)))),
        ("unit", text(family.unit)),
        ("help", text(family.help)),
        ("bounds", array(family.bounds.iter().map(|bound| number(*bound)))),
        ("otel_name", text(family.otel_name())),
        ("otel_unit", text(&family.otel_unit())),
    ]
}

/// A name, which has no back-tick; the bar would end the cell also in code.
fn code(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("`{}`", name.replace('`', "'").replace('|', "\\|")) }
}

/// A sentence of a doc comment: its code stays code. Elsewhere what Markdown or HTML would take for its own is escaped.
fn prose(sentence: &str) -> String {
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    let balanced = sentence.matches('`').count() % 2 == 0;
    let mut within = false;
    let mut cell = String::with_capacity(sentence.len());
    for character in sentence.chars() {
        match character {
            '`' if balanced => within = !within,
            '|' => cell.push('\\'),
            '`' | '\\' | '<' | '*' | '_' if !within => cell.push('\\'),
            _ => {}
        }
        cell.push(character);
    }
    cell
}

#[cfg(test)]
mod tests;
