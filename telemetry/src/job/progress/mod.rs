//! What a person sees of running jobs, on standard error: a bar for each on a terminal, elsewhere a line every ten seconds.
//!
//! Nothing here is called by the job's own code but [`end`]: bars are drawn by the thread that watches the jobs.

#[cfg(feature = "progress")]
mod bar;
mod change;
#[cfg(feature = "progress")]
mod fit;
#[cfg(feature = "progress")]
pub(crate) mod screen;
mod text;
mod writer;

pub(crate) use change::announce_change;
pub use writer::{ProgressWriter, progress_writer};

use crate::job::run::Run;
use crate::job::signal;
use crate::private::RECORDS;
use crate::sync::Relaxed;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::time::{Duration, Instant};

/// How running jobs are shown on standard error, see [`progress`](fn@crate::job::progress).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A bar for each running job where standard error is a terminal (with the feature `progress`), else lines.
    #[default]
    Auto,
    /// A line for each running job every ten seconds, and one at its end.
    Lines,
    /// Nothing.
    Off,
}

/// Nobody has chosen: as the environment says.
const UNCHOSEN: u8 = u8::MAX;

static CHOICE: AtomicU8 = AtomicU8::new(UNCHOSEN);

/// Chooses how running jobs are shown from now on: by default a bar for each on a terminal, and elsewhere a line every ten seconds.
/// Without a word on it, the variable `TELEMETRY_PROGRESS` says so: `auto`, `lines` or `off`.
///
/// ```
/// use telemetry::job::{Progress, progress};
/// progress(Progress::Off);
/// ```
pub fn progress(choice: Progress) {
    CHOICE.store(choice as u8, Relaxed);
}

fn choice() -> Progress {
    if !RECORDS {
        return Progress::Off;
    }
    match CHOICE.load(Relaxed) {
        UNCHOSEN => of_environment(),
        choice if choice == Progress::Off as u8 => Progress::Off,
        choice if choice == Progress::Lines as u8 => Progress::Lines,
        _ => Progress::Auto,
    }
}

/// Jobs are shown without `init`, too, so the variable is read where it is first needed; that it cannot be read is for `init` to say.
fn of_environment() -> Progress {
    static OF_ENVIRONMENT: OnceLock<Progress> = OnceLock::new();
    *OF_ENVIRONMENT.get_or_init(|| crate::config::progress_of_environment().unwrap_or_default())
}

const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Whether bars are wanted and can be drawn. A terminal that calls itself dumb cannot move its cursor.
fn draws_bars() -> bool {
    static TERMINAL: OnceLock<bool> = OnceLock::new();
    let is_terminal = || std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    cfg!(feature = "progress") && choice() == Progress::Auto && *TERMINAL.get_or_init(is_terminal)
}

/// Shows how the running jobs stand.
pub(crate) fn show(running: &[Arc<Run>], now: Instant) {
    if choice() == Progress::Off {
        return;
    }
    if draws_bars() {
        #[cfg(feature = "progress")]
        bar::draw(running, now);
        return;
    }
    for run in running {
        let due = run.elapsed(now).as_nanos() / BETWEEN_LINES.as_nanos();
        let due = u64::try_from(due).unwrap_or(u64::MAX);
        if run.lines.swap(due, Relaxed) < due && run.is_running() {
            say(&text::line(run, &run.standing(now)));
        }
    }
}

/// Shows how a job has ended.
pub(crate) fn end(run: &Run) {
    if choice() == Progress::Off {
        #[cfg(feature = "progress")]
        bar::clear(run);
        return;
    }
    let last = text::last_line(run, &run.standing(Instant::now()));
    #[cfg(feature = "progress")]
    bar::clear(run);
    say(&last);
}

/// Says that a signal has asked jobs to stop.
pub(crate) fn announce_stop(signal: &str, stopping: &[&Arc<Run>]) {
    if choice() != Progress::Off {
        let names: Vec<_> = stopping.iter().map(|run| text::title(run)).collect();
        say(&format!("{signal}: asked {} to stop; a second signal ends the program at once", names.join(", ")));
    }
}

/// Says something that jobs have to say while they run.
pub(crate) fn announce(line: std::fmt::Arguments<'_>) {
    if choice() != Progress::Off {
        say(&line.to_string());
    }
}

/// Writes a line above the bars. Standard error may be closed, which is no reason to fail.
fn say(line: &str) {
    let begin = if cuts_off_echo() { "\n" } else { "" };
    above(|| {
        let _ = writeln!(std::io::stderr().lock(), "{begin}{line}");
    });
}

/// Whether the line that is to come is the first one since Ctrl-C, for which the terminal has written `^C` where the cursor was.
fn cuts_off_echo() -> bool {
    static CUT_OFF: AtomicBool = AtomicBool::new(false);
    let is_asked = signal::asked() == Some("SIGINT");
    is_asked & !CUT_OFF.swap(is_asked, Relaxed) && draws_bars()
}

/// Takes the bars away for the time of `write`.
pub(crate) fn above<R>(write: impl FnOnce() -> R) -> R {
    #[cfg(feature = "progress")]
    return bar::around(write);
    #[cfg(not(feature = "progress"))]
    write()
}

/// What takes the bars away until they are drawn again, for who cannot wait for anybody; to be written before the rest.
pub(crate) fn clearing() -> &'static str {
    #[cfg(feature = "progress")]
    return screen::clearing();
    #[cfg(not(feature = "progress"))]
    ""
}
