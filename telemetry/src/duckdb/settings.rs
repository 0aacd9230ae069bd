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
    pub(crate) literals: bool,
    pub(crate) progress: bool,
}

impl Settings {
    /// The name that the connection has anyway, no statement is slow, profiles are on, literals stay within the process, and progress is not tracked.
    #[must_use]
    pub const fn new() -> Settings {
        Settings { name: None, slow: None, profile: true, literals: false, progress: false }
    }

    /// The value of the label `database`.
    #[must_use]
    pub const fn name(self, name: &'static str) -> Settings {
        Settings { name: Some(name), ..self }
    }

    /// A statement that takes longer is told with its plan: as an event of `tracing` at level `WARN` with the target `telemetry::duckdb` where there is a subscriber for it (feature `tracing`), else on standard error. The last 20 are kept
    /// in [`Snapshot::slow_statements`](crate::Snapshot::slow_statements).
    #[must_use]
    pub const fn slow(self, slow: Duration) -> Settings {
        Settings { slow: Some(slow), ..self }
    }

    /// Whether slow statements are told with the text as it was run, literals and all. Parameters are not part of it.
    #[must_use]
    pub const fn literals(self, literals: bool) -> Settings {
        Settings { literals, ..self }
    }

    /// Whether DuckDB tracks how far a running statement is, for `duckdb_query_progress_ratio` and the job's bar. Where DuckDB does not know, nothing is shown.
    #[must_use]
    pub const fn progress(self, progress: bool) -> Settings {
        Settings { progress, ..self }
    }

    /// Whether DuckDB profiles the statements, as far as the overhead budget allows. Without, time, rows and results are still recorded.
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
