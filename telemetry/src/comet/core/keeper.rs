//! The keeper: collects metrics, writes archives, minds the deadline; it never waits for the network.

use super::{Core, KEEPER, dropped};
use crate::comet::archive::Archive;
use crate::comet::config::StartMode;
use crate::comet::lanes::{Bucket, Item, Kind, Lane};
use crate::comet::limits;
use crate::comet::message::{self, Message};
use crate::notice::say;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How long metrics gather for a request.
const METRICS_EVERY: Duration = Duration::from_secs(2);
/// Values that may wait for their minute.
const BACKLOG: usize = 6_000;
/// Of a minute's values, those that are left for the end of the run, so that a short run that logs much is told to its end.
const AT_THE_END: usize = 2_000;

impl Core {
    pub(super) fn keep(&self) {
        let mut keeper = Keeper { core: self, archive: None, has_failed: false };
        let mut metrics = Bucket::a_minute(limits::METRICS_A_MINUTE - AT_THE_END as f64, Instant::now());
        let mut next_metrics = Instant::now();
        loop {
            let mut state = self.state();
            let now = Instant::now();
            let is_end = state.end.is_some();
            let is_flush = state.flushes > 0;
            let mut items = Vec::new();
            let is_due = now >= next_metrics || self.metrics.pending() >= limits::BATCH || is_flush;
            if (is_due || is_end) && !state.is_collected {
                if state.is_closed {
                    items.extend(self.metrics.take(usize::MAX, 0, is_end).into_iter().map(Item::Metric));
                } else {
                    let most = metrics.available(now) + if is_end { AT_THE_END } else { 0 };
                    let values = self.metrics.take(most, BACKLOG, is_end);
                    metrics.take(values.len());
                    for value in values {
                        state.lanes[Kind::Metrics as usize].push(Item::Metric(value));
                    }
                }
                next_metrics = now + METRICS_EVERY;
                state.is_collected = is_end;
            }
            let is_over = state.end.is_some_and(|end| now >= end);
            if is_over && !state.is_closed {
                // Whoever is sending may be in the middle of it: it is told twice rather than never.
                state.is_closed = true;
                state.is_told = true;
                let left: usize = state.lanes.iter().map(Lane::len).sum();
                if left > 0 && state.said.insert("deadline") {
                    say(format_args!("Comet: {left} items were not confirmed within {:?}", self.plan.deadline));
                }
            }
            items.append(&mut state.spilled);
            let is_closed = state.is_closed;
            for lane in &mut state.lanes {
                items.extend(if is_closed { lane.take_all() } else { lane.overflow() });
            }
            let is_last = state.is_collected
                && state.is_told
                && state.lanes.iter().all(Lane::is_empty)
                && state.spilled.is_empty();
            let error = state.error.as_ref().filter(|(_, is_told)| !is_told).map(|(error, _)| error.clone());
            if !items.is_empty() {
                state.is_writing = true;
            }
            drop(state);
            let lost = keeper.write(&items, is_closed && is_end, error.as_deref());
            let mut state = self.state();
            state.lost += lost;
            state.is_writing = false;
            if is_last {
                drop(state);
                let (path, lost) = keeper.finish(error.as_deref());
                self.tell_of_metrics();
                let mut state = self.state();
                state.archive = path;
                state.lost += lost;
                state.has_ended = true;
                drop(state);
                self.changed.notify_all();
                return;
            }
            self.changed.notify_all();
            let next = if is_end || is_flush { Duration::from_millis(20) } else { KEEPER };
            let until = state.end.unwrap_or(now + next).min(now + next);
            drop(self.wait(state, until));
        }
    }

    /// What became of metrics that are not told, which is known at the end.
    fn tell_of_metrics(&self) {
        let (thinned, left_out) = (self.metrics.thinned.load(Relaxed), self.metrics.dropped.load(Relaxed));
        dropped("thinned", thinned);
        dropped("names", left_out);
        if left_out > 0 {
            let most = limits::NAMES;
            say(format_args!(
                "Comet: {left_out} values of metrics were dropped, since there are more than {most} names"
            ));
        }
    }
}

/// What the keeper keeps.
struct Keeper<'a> {
    core: &'a Core,
    archive: Option<Archive>,
    has_failed: bool,
}

impl Keeper<'_> {
    /// Writes what is for the archive, which begins with that. How many were lost.
    fn write(&mut self, items: &[Item], is_end: bool, error: Option<&str>) -> u64 {
        let is_offline = self.core.plan.wire.is_none();
        if items.is_empty() && !(is_offline && (self.archive.is_none() || is_end)) && !(is_end && error.is_some()) {
            return 0;
        }
        let Some(archive) = self.archive() else {
            dropped("archive", items.len() as u64);
            return items.len() as u64;
        };
        let mut lost = 0;
        let mut why = None;
        for item in items {
            let written = match item {
                Item::Metric(value) => archive.metric(value),
                Item::Message(message) => match unreadable(message) {
                    Some((path, error)) => {
                        say(format_args!("Comet: {} is not logged: {error}", path.display()));
                        dropped("refused", 1);
                        lost += 1;
                        continue;
                    }
                    None => archive.message(message),
                },
            };
            if let Err(error) = written {
                lost += 1;
                why = Some(error);
            }
        }
        if let Err(error) = archive.flush() {
            lost = lost.max(1);
            why = Some(error);
        }
        if let Some(error) = why {
            let folder = archive.folder().display().to_string();
            dropped("archive", lost);
            if !std::mem::replace(&mut self.has_failed, true) {
                say(format_args!("Comet: {folder} cannot be written: {error}"));
            }
        }
        lost
    }

    fn archive(&mut self) -> Option<&mut Archive> {
        if self.archive.is_none() && !self.has_failed {
            let plan = &self.core.plan;
            let mut about = plan.about.clone();
            // Of a run that may have begun with the server, the archive is the rest.
            if plan.wire.is_some() {
                about.mode = StartMode::GetOrCreate;
            }
            match Archive::begin(&plan.directory, about) {
                Ok(archive) => self.archive = Some(archive),
                Err(error) => {
                    self.has_failed = true;
                    say(format_args!("Comet: no archive can be written, and what is for it is lost: {error}"));
                }
            }
        }
        self.archive.as_mut()
    }

    /// Makes one file of it.
    fn finish(mut self, error: Option<&str>) -> (Option<PathBuf>, u64) {
        let Some(mut archive) = self.archive.take() else { return (None, 0) };
        if let Some(error) = error {
            // What cannot be written is found out once more below.
            let _ = archive.failed(error);
        }
        let path = archive.target().to_owned();
        match archive.finish(message::now()) {
            Ok(path) => {
                let what = if self.core.plan.wire.is_none() { "the run" } else { "what is not with the server" };
                let shown = path.display();
                say(format_args!(
                    "Comet: {shown} holds {what}; `telemetry comet upload` or `comet upload` takes it there"
                ));
                (Some(path), 0)
            }
            Err(error) => {
                say(format_args!("Comet: {error}"));
                (Some(path).filter(|path| path.exists()), 1)
            }
        }
    }
}

/// The user's file that is to be logged, where it cannot be read: the archive is not to blame.
fn unreadable(message: &Message) -> Option<(&Path, std::io::Error)> {
    match message {
        Message::Upload(message::Upload { content: message::Content::File(path), .. }) => {
            std::fs::File::open(path).err().map(|error| (&**path, error))
        }
        _ => None,
    }
}
