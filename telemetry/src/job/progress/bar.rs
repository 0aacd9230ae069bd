//! Bars on a terminal, one for each running job.

use super::text;
use crate::job::run::Run;
use crate::sync::{Mutex, lock};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

struct Bars {
    all: MultiProgress,
    by_run: BTreeMap<u64, ProgressBar>,
}

static BARS: Mutex<Option<Bars>> = Mutex::new(None);

/// How often a bar is drawn at most, a second: as often as it can have changed.
const DRAWS: u8 = 10;

/// Draws the bar of each running job. Only the thread that watches the jobs calls it.
pub(super) fn draw(running: &[Arc<Run>], now: Instant) {
    let mut bars = lock(&BARS);
    let bars = bars.get_or_insert_with(|| Bars {
        all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS)),
        by_run: BTreeMap::new(),
    });
    // One that has ended meanwhile has had its bar cleared, under this lock.
    for run in running.iter().filter(|run| run.is_running()) {
        let line = text::bar(run, &run.standing(now));
        let new = || bars.all.add(ProgressBar::no_length().with_style(style()));
        // Draws once; a position and a length of its own would draw once each.
        bars.by_run.entry(run.id).or_insert_with(new).set_message(line);
    }
}

/// One line as wide as the terminal: all of it is ours.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
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
pub(super) fn around(write: impl FnOnce()) {
    match &*lock(&BARS) {
        Some(bars) if !bars.by_run.is_empty() => bars.all.suspend(write),
        _ => write(),
    }
}
