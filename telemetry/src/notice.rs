//! Our own messages: one line on standard error.

use std::fmt;
use std::io::Write;

/// Says something. If standard error is closed, nobody is left to be told.
pub(crate) fn say(message: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "telemetry: {message}");
}
