//! `#[experiment]`: a function as a run, from its start to its end.
//!
//! The run starts within the body, where the parameters have the names by which the user knows them, and is ended around it.

mod answer; // what the output says
mod run; // start, parameters, end
mod settings; // what the attribute was told
#[cfg(test)]
mod tests;
mod told; // what is told to the experiment
#[cfg(test)]
pub(crate) mod witness; // what tests see of it

/// What generated code calls.
pub mod door {
    pub use super::answer::{Logs, LogsNothing, Returned, Says, SaysByDebug, SaysByDisplay};
    pub use super::run::{Caught, Ended, Run};
    pub use super::settings::Settings;
}
