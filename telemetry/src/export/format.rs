//! Which format a scraper gets: what it says it reads, in its order, of what we write.

use crate::export::text;
use crate::snapshot::Snapshot;

/// A format of the exposition, with what was asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Text,
}

impl Format {
    /// The format that an `Accept` header asks for; without one, or where it asks for nothing that we write, the text format.
    #[must_use]
    pub fn negotiate(_accept: Option<&str>) -> Format {
        Format::Text
    }

    /// The `Content-Type` of the answer.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => text::CONTENT_TYPE,
        }
    }

    /// The exposition of a snapshot.
    #[must_use]
    pub fn encode(self, snapshot: &Snapshot) -> Vec<u8> {
        match self {
            Format::Text => text::encode(snapshot).into_bytes(),
        }
    }
}
