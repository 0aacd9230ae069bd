//! What an `ensure_…` did.

use super::diff::Diff;
use std::fmt;

/// What an `ensure_…` did, or would do.
///
/// Shown, it is one word, and the difference below it.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it tells whether something was written"]
pub enum Change {
    /// It was not there.
    Created,
    /// It was different, and this is the difference: what is lost, and what takes its place.
    Updated(Diff),
    /// It was there, as it is to be. Nothing was written.
    Unchanged,
}

impl Change {
    /// Whether something was written, or would be.
    #[must_use]
    pub fn is_change(&self) -> bool {
        *self != Change::Unchanged
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Created => f.write_str("created"),
            Change::Unchanged => f.write_str("unchanged"),
            Change::Updated(diff) => write!(f, "updated\n{diff}"),
        }
    }
}
