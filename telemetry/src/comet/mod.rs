//! Experiments of Comet ML.

pub(crate) mod attribute; // what `#[experiment]` calls
pub mod chart; // histograms, matrices, curves, tables, and pictures of them
mod experiment; // a run: what is logged to it, and its end
mod log_to; // what a value logs by itself

pub use experiment::{Config, Error, Experiment, Mode};
pub use log_to::LogTo;
