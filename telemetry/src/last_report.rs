//! The report on standard error: once at the end of a program, however it ends, and whenever somebody asks for it.

use crate::config::Report;
use crate::export::report;
use crate::history::Settings as History;
use crate::history::{Ended, Run};
use crate::notice::{self, say};
use crate::registry;
use crate::snapshot::Snapshot;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// How long the end of a program waits for the last snapshot: long enough for collectors that ask a database, and not for one that
/// hangs.
const LAST_SNAPSHOT: Duration = Duration::from_secs(5);

/// The same with the time that it takes to write it.
#[cfg(feature = "__send")]
const LAST_REPORT: Duration = Duration::from_secs(6);

/// How the report looks, and whether the last one was printed.
#[derive(Debug)]
pub(crate) struct Reporter {
    form: Report,
    color: Option<bool>,
    history: Option<History>,
    is_printed: AtomicBool,
}

/// What prints the report where the guard is not dropped, and when it is asked for by SIGUSR1.
///
/// It comes with what sends: the standard library of Rust 1.85, which is enough for the other features, cannot start a thread while a program exits.
#[cfg(feature = "__send")]
#[derive(Debug)]
pub(crate) struct Armed {
    _end: crate::exit::Armed,
    #[cfg(unix)]
    _request: Option<crate::exit::OnRequest>,
}

impl Reporter {
    pub(crate) fn new(form: Report, color: Option<bool>, history: Option<History>) -> Arc<Reporter> {
        Arc::new(Reporter { form, color, history, is_printed: AtomicBool::new(false) })
    }

    /// Has it printed where the guard is not dropped; `takes_signals` says whether at its end by SIGINT and SIGTERM, and at SIGUSR1.
    #[cfg(feature = "__send")]
    pub(crate) fn arm(self: &Arc<Reporter>, takes_signals: bool) -> Option<Armed> {
        if self.form == Report::Off && self.history.is_none() {
            return None;
        }
        let at_end = Arc::clone(self);
        let print = move |cause| {
            at_end.end_late(cause);
            true
        };
        Some(Armed {
            _end: crate::exit::arm_report(print, LAST_REPORT, takes_signals),
            #[cfg(unix)]
            _request: takes_signals.then(|| crate::exit::on_request(Arc::clone(self))).flatten(),
        })
    }

    /// Prints the last one and keeps the run, unless that was done: where the guard is dropped.
    pub(crate) fn end(&self) {
        let ended = if std::thread::panicking() { Ended::Panicked } else { Ended::ByItself };
        if let Some(snapshot) = self.last() {
            self.show(&snapshot);
            self.keep(&snapshot, ended, History::add);
        }
    }

    /// The same where the program is being taken down.
    #[cfg(feature = "__send")]
    fn end_late(&self, cause: crate::exit::Cause) {
        let ended = match cause {
            crate::exit::Cause::Exit => Ended::ByItself,
            crate::exit::Cause::Signal(_) => Ended::Interrupted,
            crate::exit::Cause::Panic => Ended::Panicked,
        };
        if let Some(snapshot) = self.last() {
            self.show(&snapshot);
            self.keep(&snapshot, ended, History::add_late);
        }
    }

    /// The last snapshot, once, where somebody wants it.
    fn last(&self) -> Option<Snapshot> {
        let is_wanted = self.form != Report::Off || self.history.is_some();
        if !is_wanted || self.is_printed.swap(true, SeqCst) {
            return None;
        }
        self.take()
    }

    fn take(&self) -> Option<Snapshot> {
        last_snapshot().map_err(|why| say(format_args!("no report: {why}"))).ok()
    }

    fn keep(&self, snapshot: &Snapshot, ended: Ended, add: fn(&History, &Run)) {
        if let Some(history) = &self.history {
            add(history, &Run::of(snapshot, ended, history.told.clone()));
        }
    }

    /// Prints the state of now.
    pub(crate) fn print(&self) {
        if self.form == Report::Off {
            return;
        }
        if let Some(snapshot) = self.take() {
            self.show(&snapshot);
        }
    }

    fn show(&self, snapshot: &Snapshot) {
        let text = self.text(snapshot);
        crate::job::above_bars(|| notice::write(text.as_bytes()));
    }

    fn text(&self, snapshot: &Snapshot) -> String {
        match self.form {
            Report::Off => String::new(),
            Report::Json => report::json(snapshot),
            Report::Markdown => report::markdown(snapshot),
            Report::Auto | Report::Text => {
                let terminal = std::io::stderr().is_terminal();
                let width = if terminal { terminal_width() } else { report::DEFAULT_WIDTH };
                report::text_for(snapshot, width, self.color.unwrap_or(terminal))
            }
        }
    }
}

/// Taken on a thread of its own, so that a collector that hangs does not keep the program from ending.
fn last_snapshot() -> Result<Snapshot, String> {
    let (give, take) = mpsc::channel();
    let thread = std::thread::Builder::new().name("telemetry-report".to_owned());
    let asked = thread.spawn(move || {
        // Nobody takes it after the deadline.
        let _ = give.send(registry::snapshot());
    });
    asked.map_err(|error| format!("no thread could be started for the last snapshot ({error})"))?;
    take.recv_timeout(LAST_SNAPSHOT).map_err(|error| match error {
        RecvTimeoutError::Timeout => format!("a collector did not answer within {} s", LAST_SNAPSHOT.as_secs()),
        RecvTimeoutError::Disconnected => "the last snapshot failed".to_owned(),
    })
}

#[cfg(feature = "progress")]
fn terminal_width() -> usize {
    console::Term::stderr().size_checked().map_or(report::DEFAULT_WIDTH, |(_, columns)| usize::from(columns))
}

#[cfg(not(feature = "progress"))]
fn terminal_width() -> usize {
    report::DEFAULT_WIDTH
}
