//! A run. (Signatures alone: the bodies are being written.)
#![allow(missing_docs, unused)]

use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub struct Config;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Auto,
    Offline,
    Off,
}

#[derive(Debug)]
pub struct Error;
impl std::fmt::Display for Error {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
impl std::error::Error for Error {}

impl Config {
    pub fn new() -> Config {
        Config
    }
    pub fn api_key(self, key: impl Into<String>) -> Config {
        self
    }
    pub fn workspace(self, workspace: impl Into<String>) -> Config {
        self
    }
    pub fn project(self, project: impl Into<String>) -> Config {
        self
    }
    pub fn name(self, name: impl Into<String>) -> Config {
        self
    }
    pub fn tag(self, tag: impl Into<String>) -> Config {
        self
    }
    pub fn offline_directory(self, directory: impl Into<PathBuf>) -> Config {
        self
    }
    pub fn mode(self, mode: Mode) -> Config {
        self
    }
    /// How often what `#[measured]` and `metric!` record is logged as metrics; zero: never.
    pub fn recorded_every(self, period: Duration) -> Config {
        self
    }
    /// How long the end may take.
    pub fn deadline(self, deadline: Duration) -> Config {
        self
    }
}

/// A run. Clones are the same run; it ends with `end`, or with the last clone.
#[derive(Clone, Debug)]
pub struct Experiment {
    shared: Arc<()>,
}

impl Experiment {
    /// Fails for settings that cannot be read alone, never for the server.
    pub fn start(config: Config) -> Result<Experiment, Error> {
        Ok(Experiment { shared: Arc::new(()) })
    }
    /// One to which everything can be logged and that keeps nothing.
    pub fn off() -> Experiment {
        Experiment { shared: Arc::new(()) }
    }
    pub fn log_metric(&self, name: &str, value: f64) {}
    /// Structures and maps are flattened, with `|` between the names.
    pub fn log_parameter(&self, name: &str, value: impl Serialize) {}
    pub fn log_other(&self, key: &str, value: impl Serialize) {}
    pub fn add_tag(&self, tag: &str) {}
    /// The run has failed, with this error; it goes on until it ends.
    pub fn fail(&self, error: &str) {}
    /// The run was aborted (cancelled); it goes on until it ends.
    pub fn abort(&self, reason: &str) {}
    /// Ends it, and waits until all is delivered, but not beyond the deadline. Whether it was.
    pub fn end(&self) -> bool {
        true
    }
}
