//! Experiments of Comet ML: runs that are logged to its server, or into an archive that is uploaded later.

mod archive; // what is uploaded later
pub(crate) mod attribute; // what `#[experiment]` calls
pub mod chart; // histograms, matrices, curves, tables, and pictures of them
mod charts; // charts on their way
mod config; // what a run is told, and what the settings say
mod core; // a run at work
mod error;
mod experiment; // what a program logs to
mod facts; // the commit, the file, the machine
mod key; // the API key
mod lanes; // what waits to be sent
mod limits; // what Comet takes at most
mod live; // runs that are on
mod log_to; // what a value logs by itself
mod message; // what is logged, but metrics
mod metric; // metrics, and how they are thinned
mod number; // what JSON does not have
mod read; // what an archive says
mod recorded; // what the program records by itself
mod repair; // archives of programs that died
#[cfg(test)]
mod scratch; // folders of tests
mod settings; // the environment and Comet's files
mod upload; // archives to the server
mod wire; // requests and answers

pub use config::{Config, Mode, StartMode};
pub use error::Error;
pub use experiment::{Experiment, ImageFormat, Metric};
pub use log_to::{LogTo, Number};
pub use repair::{Repaired, repair};
pub use upload::{UploadOptions, Uploaded, upload};
