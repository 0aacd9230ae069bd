//! Which process has a database, told as of a state file. DuckDB locks the file of a database, and its message names the process.

use crate::job::state::error::StateError;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Opens a database file, and makes it where it is missing, as [`Connection::open`](crate::duckdb::Connection::open) does. Where
/// another process has it, the error says which one, and since when it runs.
///
/// ```no_run
/// # fn main() -> Result<(), telemetry::job::StateError> {
/// let warehouse = telemetry::job::open_database("flights.duckdb")?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`StateError::InUse`] where another process has the file, else as DuckDB's.
pub fn open_database(path: impl AsRef<Path>) -> Result<crate::duckdb::Connection, StateError> {
    let path = path.as_ref();
    crate::duckdb::Connection::open(path).map_err(|error| match holder(&error.to_string()) {
        Some(pid) => {
            let place = path.canonicalize().unwrap_or_else(|_| PathBuf::from(path));
            StateError::InUse { place, pid: Some(pid), started_at: started_at(pid) }
        }
        None => StateError::Database { doing: "open the job's database", source: error },
    })
}

/// The process in `Conflicting lock is held in /usr/bin/backfill (PID 4127) by user loader.`
fn holder(message: &str) -> Option<u32> {
    let (_, rest) = message.split_once("Conflicting lock is held")?;
    let (_, rest) = rest.split_once("(PID ")?;
    rest.split_once(')')?.0.parse().ok()
}

/// When a process of this machine started; `None` where it cannot be told.
#[cfg(target_os = "linux")]
fn started_at(pid: u32) -> Option<SystemTime> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; what follows it is numbers. The start is the 22nd field of all.
    let ticks = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse::<f64>().ok()?;
    let boot = std::fs::read_to_string("/proc/stat").ok()?;
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    // SAFETY: asks for a constant of the system.
    let a_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    #[expect(clippy::cast_precision_loss, reason = "100, as a rule")]
    let seconds = Duration::try_from_secs_f64(ticks / a_second as f64).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(boot) + seconds)
}

#[cfg(not(target_os = "linux"))]
fn started_at(_: u32) -> Option<SystemTime> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_found_in_the_message() {
        let message = "IO Error: Could not set lock on file \"/tmp/x (PID 1).duckdb\": Conflicting lock is held in /usr/bin/backfill (PID 4127) by user \
                       loader. See also https://duckdb.org/docs/stable/connect/concurrency";
        assert_eq!(holder(message), Some(4127));
        assert_eq!(holder("IO Error: Could not set lock on file \"/tmp/x\": Bad file descriptor"), None);
        assert_eq!(holder("Conflicting lock is held in PID x (PID x)"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_started_before_now_and_not_long_ago() {
        let age = SystemTime::now().duration_since(started_at(std::process::id()).unwrap());
        // The system counts in hundredths, and from a boot that it knows to the second.
        assert!(age.unwrap_or_else(|error| error.duration()) < Duration::from_secs(3_600));
    }
}
