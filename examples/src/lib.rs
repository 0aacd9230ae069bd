//! What the example programs share: the source that `backfill` reads, and the days that it reads it by.

pub mod day;
pub mod source;
