//! Bars on a terminal, one for each running job.

use super::fit;
use super::screen::{self, Screen};
use crate::job::run::Run;
use crate::sync::{Mutex, lock};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

struct Bars {
    all: MultiProgress,
    by_run: BTreeMap<u64, ProgressBar>,
}

static BARS: Mutex<Option<Bars>> = Mutex::new(None);

/// How often the bars are drawn at most, a second: each is drawn anew ten times, for each change of one of them.
const DRAWS: u8 = 40;

/// Draws the bar of each running job. Only the thread that watches the jobs calls it.
pub(super) fn draw(running: &[Arc<Run>], now: Instant) {
    watch_ends();
    let mut bars = lock(&BARS);
    let bars = bars.get_or_insert_with(|| Bars {
        all: MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(Box::new(Screen::new()), DRAWS)),
        by_run: BTreeMap::new(),
    });
    let width = usize::from(Screen::new().width());
    // One that has ended meanwhile has had its bar cleared, under this lock.
    for run in running.iter().filter(|run| run.is_running()) {
        let line = fit::bar(run, &run.standing(now), run.stalled_for(now), width);
        let new = || bars.all.add(ProgressBar::no_length().with_style(style()));
        // Draws once; a position and a length of its own would draw once each.
        bars.by_run.entry(run.id).or_insert_with(new).set_message(format!("{}{line}", screen::BEGIN));
    }
}

/// One line, which is as wide as it may be.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Takes a job's bar away.
pub(super) fn clear(run: &Run) {
    let mut bars = lock(&BARS);
    let Some(bars) = &mut *bars else { return };
    if let Some(bar) = bars.by_run.remove(&run.id) {
        bar.finish_and_clear();
        bars.all.remove(&bar);
    }
}

/// Takes the bars away for the time of `write`.
pub(super) fn around<R>(write: impl FnOnce() -> R) -> R {
    match &*lock(&BARS) {
        Some(bars) if !bars.by_run.is_empty() => bars.all.suspend(write),
        _ => write(),
    }
}

/// From the first bar on: a panic's message is written without bars beneath it, and a program that exits while a job runs leaves none.
fn watch_ends() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let _undrawn = keep_off();
            before(info);
        }));
        #[cfg(all(unix, not(miri)))]
        at_exit();
    });
}

/// Takes the bars away and keeps them from being drawn until what it returns is dropped. Where somebody else draws for too long, it goes on without: the panic may
/// have been theirs.
fn keep_off() -> Option<impl Drop> {
    /// Far longer than a drawing takes.
    const PATIENCE: Duration = Duration::from_millis(50);
    let until = Instant::now() + PATIENCE;
    let guard = loop {
        match BARS.try_lock() {
            Ok(guard) => break Some(guard),
            Err(_) if Instant::now() < until => std::thread::yield_now(),
            Err(_) => break None,
        }
    };
    let _ = std::io::stderr().lock().write_all(screen::clearing().as_bytes());
    guard
}

/// `std::process::exit` runs no destructor.
#[cfg(all(unix, not(miri)))]
fn at_exit() {
    extern "C" fn at_exit() {
        let clearing = screen::clearing();
        // SAFETY: the bytes are there, and as many as is said. Not by `std`, which may be gone by now, and whose lock somebody may hold.
        let _ = unsafe { libc::write(libc::STDERR_FILENO, clearing.as_ptr().cast(), clearing.len()) };
    }
    // SAFETY: the function is there as long as the program, and does not unwind. Where the system has no room for it, bars are left on the screen.
    unsafe { libc::atexit(at_exit) };
}
