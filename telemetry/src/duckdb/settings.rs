//! What a connection is told: its name, what is slow, whether to profile.

use std::time::Duration;

/// What a profiled connection is told, by [`Connection::with_settings`](crate::duckdb::Connection::with_settings) or by the
/// attribute `#[profiled_connection(…)]`.
///
/// ```no_run
/// use telemetry::duckdb::{Connection, Settings};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// const SETTINGS: Settings = Settings::new().name("warehouse").slow(Duration::from_millis(250));
/// let connection = Connection::open("flights.duckdb")?.with_settings(SETTINGS);
/// assert_eq!(&*connection.name(), "warehouse");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(crate) name: Option<&'static str>,
    pub(crate) slow: Option<Duration>,
    pub(crate) profile: bool,
}

impl Settings {
    /// The name that the connection has anyway, no statement is slow, profiles are on.
    #[must_use]
    pub const fn new() -> Settings {
        Settings { name: None, slow: None, profile: true }
    }

    /// The value of the label `database`.
    #[must_use]
    pub const fn name(self, name: &'static str) -> Settings {
        Settings { name: Some(name), ..self }
    }

    /// A statement that takes longer writes a line with its plan on standard error.
    #[must_use]
    pub const fn slow(self, slow: Duration) -> Settings {
        Settings { slow: Some(slow), ..self }
    }

    /// Whether DuckDB profiles the statements. Without, time, rows and results are still recorded.
    #[must_use]
    pub const fn profile(self, profile: bool) -> Settings {
        Settings { profile, ..self }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::new()
    }
}
