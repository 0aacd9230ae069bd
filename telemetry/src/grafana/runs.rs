//! An annotation for each run of a job: made at its start, and made a region at its end, which says how it ended.
//!
//! Jobs wait for none of this: they put what happened into a queue with an end, and one thread, `telemetry-grafana`, sends it.

use super::annotations::{Annotation, AnnotationPatch};
use super::client::Client;
use super::error::Error;
use crate::builtin::push as families;
use crate::job::run::{Run, RunResult};
use crate::notice::say;
use crate::outbound::backoff::Backoff;
use crate::record::fork::Process;
use crate::sync::{Mutex, lock};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// So many starts and ends may wait: those of 500 runs while Grafana is away.
const MOST_WAITING: usize = 1_000;
/// So many runs are known to have an annotation without an end. There are more only where the ends of runs were dropped.
const MOST_OPEN: usize = 1_000;
/// How often one is tried to be made that did not reach the server.
const ATTEMPTS: u32 = 3;
/// The value of the label `receiver`.
const RECEIVER: &str = "grafana";

/// Whom runs are told to.
static ANNOTATED: Mutex<Option<Arc<Annotator>>> = Mutex::new(None);

/// A run begins.
pub(crate) fn begun(run: &Run) {
    tell(run, || None);
}

/// A run has ended.
pub(crate) fn ended(run: &Run, result: RunResult) {
    tell(run, || Some(End { at: SystemTime::now(), result: result.as_str(), text: summary(run, result) }));
}

fn tell(run: &Run, end: impl FnOnce() -> Option<End>) {
    // A test's run is nobody's.
    if run.scope.is_some() {
        return;
    }
    let Some(annotator) = lock(&ANNOTATED).clone() else { return };
    // In a child of a fork there is no thread.
    if annotator.process == Process::current() {
        annotator.push(Event { run: run.id, job: Arc::clone(&run.name), began: run.started_at, end: end() });
    }
}

fn summary(run: &Run, result: RunResult) -> String {
    let standing = run.standing(Instant::now());
    let units = standing.units;
    let mut text = format!("{} after {:.1} s", result.as_str(), standing.elapsed.as_secs_f64());
    let counts = [
        (units.processed, "processed"),
        (units.failed, "failed"),
        (units.skipped, "skipped"),
        (units.dead_lettered, "dead-lettered"),
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {count} {} {what}", run.unit));
    }
    text
}

struct Event {
    run: u64,
    job: Arc<str>,
    began: SystemTime,
    /// `None` where it begins.
    end: Option<End>,
}

struct End {
    at: SystemTime,
    result: &'static str,
    text: String,
}

/// What annotates the runs of a process, until it is told to end.
pub(crate) struct Annotator {
    process: Process,
    client: Client,
    service: String,
    state: std::sync::Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Event>,
    /// Something is being sent.
    is_busy: bool,
    /// Nothing more is to come.
    ends: bool,
    has_ended: bool,
    /// What was dropped or refused.
    lost: u64,
    was_said: bool,
}

impl Annotator {
    /// From now on all runs are annotated. `None` where no thread can be started, which is said.
    pub(crate) fn start(client: Client, service: &str) -> Option<Arc<Annotator>> {
        crate::record::fork::watch();
        let annotator = Arc::new(Annotator {
            process: Process::current(),
            client,
            service: service.to_owned(),
            state: std::sync::Mutex::default(),
            changed: Condvar::new(),
        });
        let of_thread = Arc::clone(&annotator);
        let thread = std::thread::Builder::new().name("telemetry-grafana".to_owned());
        if let Err(error) = thread.spawn(move || of_thread.run()) {
            say(format_args!("runs are not annotated: no thread could be started ({error})"));
            return None;
        }
        *lock(&ANNOTATED) = Some(Arc::clone(&annotator));
        Some(annotator)
    }

    /// Waits until all is sent that was told, but not for longer: whether it was, and nothing of it was lost.
    pub(crate) fn flush(&self, until: Instant) -> bool {
        if self.process != Process::current() {
            return true;
        }
        let before = self.state().lost;
        let state = self.wait(until, |state| state.waiting.is_empty() && !state.is_busy);
        state.waiting.is_empty() && !state.is_busy && state.lost == before
    }

    /// Takes nothing in any more, and sends what waits.
    pub(crate) fn begin_end(&self) {
        if self.process != Process::current() {
            return;
        }
        lock(&ANNOTATED).take_if(|annotator| std::ptr::eq(&raw const **annotator, self));
        self.state().ends = true;
        self.changed.notify_all();
    }

    /// Waits for the end, but not for longer: whether all was sent. What was not is counted.
    pub(crate) fn end(&self, until: Instant) -> bool {
        if self.process != Process::current() {
            return true;
        }
        self.begin_end();
        let mut state = self.wait(until, |state| state.has_ended);
        let left = state.waiting.len() + usize::from(state.is_busy);
        state.waiting.clear();
        if left > 0 && !state.has_ended {
            // Asked again, it is not counted again.
            state.has_ended = true;
            state.lost += left as u64;
            drop(state);
            families::telemetry_push_dropped_samples_total(RECEIVER, "deadline").add(left as u64);
            say(format_args!("{left} annotations of runs were not written in time"));
            return false;
        }
        state.lost == 0
    }

    fn wait(&self, until: Instant, is_over: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let mut state = self.state();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if is_over(&state) || left.is_zero() {
                return state;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never blocks: nobody holds the lock while he waits or sends.
    fn push(&self, event: Event) {
        let mut state = self.state();
        if state.ends {
            return;
        }
        if state.waiting.len() < MOST_WAITING {
            state.waiting.push_back(event);
            self.changed.notify_all();
            return;
        }
        state.lost += 1;
        let is_first = !std::mem::replace(&mut state.was_said, true);
        drop(state);
        families::telemetry_push_dropped_samples_total(RECEIVER, "queue_full").inc();
        if is_first {
            say(format_args!("annotations of runs are dropped, since {MOST_WAITING} wait for {}", self.client.url()));
        }
    }

    fn run(&self) {
        let mut open = BTreeMap::new();
        while let Some(event) = self.next() {
            let result = self.send(&event, &mut open);
            families::telemetry_push_requests_total(RECEIVER, result.as_ref().map_or_else(word, |()| "ok")).inc();
            let mut state = self.state();
            state.is_busy = false;
            let is_first = result.is_err() && !state.was_said;
            state.lost += u64::from(result.is_err());
            state.was_said |= result.is_err();
            drop(state);
            self.changed.notify_all();
            match result {
                Ok(()) => families::telemetry_push_samples_total(RECEIVER).inc(),
                Err(error) => {
                    families::telemetry_push_dropped_samples_total(RECEIVER, "refused").inc();
                    if is_first {
                        say(format_args!("a run of {} could not be annotated: {error}", event.job));
                    }
                }
            }
        }
        self.state().has_ended = true;
        self.changed.notify_all();
    }

    fn next(&self) -> Option<Event> {
        let mut state = self.state();
        loop {
            if let Some(event) = state.waiting.pop_front() {
                state.is_busy = true;
                return Some(event);
            }
            if state.ends {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// `open` has the number of each annotation that has no end yet, by run.
    fn send(&self, event: &Event, open: &mut BTreeMap<u64, u64>) -> Result<(), Error> {
        let mut tags = vec!["telemetry".to_owned(), "run".to_owned(), event.job.to_string()];
        let Some(end) = &event.end else {
            let text = format!("{} of {} started", event.job, self.service);
            let number = self.create(&Annotation { tags, time: Some(event.began), ..Annotation::new(text) })?;
            if open.len() == MOST_OPEN {
                open.pop_first();
            }
            open.insert(event.run, number);
            return Ok(());
        };
        tags.push(end.result.to_owned());
        let text = format!("{} of {}: {}", event.job, self.service, end.text);
        match open.remove(&event.run) {
            Some(number) => {
                let patch = AnnotationPatch {
                    text: Some(text),
                    tags: Some(tags),
                    time_end: Some(end.at),
                    ..Default::default()
                };
                self.client.patch_annotation(number, &patch)
            }
            // Its start could not be told.
            None => {
                let whole =
                    Annotation { tags, time: Some(event.began), time_end: Some(end.at), ..Annotation::new(text) };
                self.create(&whole).map(drop)
            }
        }
    }

    /// Makes one, again where it has surely not been made.
    fn create(&self, annotation: &Annotation) -> Result<u64, Error> {
        let mut backoff = Backoff::default();
        let mut attempt = 1;
        loop {
            match self.client.create_annotation(annotation) {
                Err(Error::Unreachable { .. }) if attempt < ATTEMPTS => {
                    attempt += 1;
                    std::thread::sleep(backoff.failed());
                }
                result => return result,
            }
        }
    }
}

/// The value of the label `result`, as for what else is sent.
fn word(error: &Error) -> &'static str {
    match error {
        Error::Throttled { .. } => "throttled",
        Error::TimedOut { .. } => "timeout",
        Error::Unreachable { .. } => "unreachable",
        Error::Server(_) | Error::Truncated { .. } => "unavailable",
        _ => "refused",
    }
}

impl fmt::Debug for Annotator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Annotator").field("client", &self.client).finish_non_exhaustive()
    }
}

/// When a wait is over that begins now.
pub(crate) fn after(wait: Duration) -> Instant {
    let now = Instant::now();
    // What the clock cannot hold is as good as a day.
    now.checked_add(wait).unwrap_or(now + Duration::from_secs(86_400))
}
