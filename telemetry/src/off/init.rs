//! What stands for start and end with `--cfg telemetry_off`: nothing starts, so nothing can be wrong with how.

use crate::config::{Builder, builder};
use crate::error::Error;
use std::net::SocketAddr;

/// Starts nothing. Reads no variable of the environment, since none would have an effect.
///
/// # Errors
/// None.
pub fn init() -> Result<Telemetry, Error> {
    builder().init()
}

impl Builder {
    /// Starts nothing, whatever was set.
    ///
    /// # Errors
    /// None.
    pub fn init(self) -> Result<Telemetry, Error> {
        drop(self);
        Ok(Telemetry(()))
    }
}

/// What would run beside the program.
#[must_use = "the endpoint ends and the report is printed when this is dropped; keep it in a variable"]
#[derive(Debug)]
pub struct Telemetry(());

impl Telemetry {
    /// Nowhere.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        None
    }

    /// Nothing is held back.
    pub fn flush(&self) {}

    /// Has nothing to send: `true`.
    pub fn flush_within(&self, _deadline: std::time::Duration) -> bool {
        true
    }

    /// Nothing is delivered, in a child of a fork either.
    pub fn after_fork(&self) {}

    /// There is nothing to print.
    pub fn print_report(&self) {}

    /// Drops it.
    pub fn shutdown(self) {}
}

impl Drop for Telemetry {
    /// Nothing; but where it is dropped is the program's to say, and lints are not to find that superfluous.
    fn drop(&mut self) {}
}
