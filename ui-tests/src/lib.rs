//! What does not compile and what the compiler says about it, and what must compile without a warning.
//!
//! `ui/fail/<class>/<mistake>.rs` is the smallest program with that mistake, the `.stderr` beside it what users read. After a change
//! that is meant, `TRYBUILD=overwrite cargo test --test ui` writes them anew; they are then read, not only kept.
