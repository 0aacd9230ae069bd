//! A run at work: what it holds, and who does what.
//!
//! ```text
//! callers ── metrics, lanes ──┬─ keeper   (one thread) collects metrics, thins, writes archives, minds the deadline; never waits for the network
//!                             ├─ messages (one thread) handshake, heartbeat, metrics, parameters, others, output, the end
//!                             └─ uploads  (one thread) files
//! ```
//!
//! Without a server there is the keeper alone, and everything goes to the archive. With one, what the server did not confirm goes there: where it refuses the run, where it fails again and again, where more waits than
//! memory is for, and at the deadline.

mod keeper; // metrics, archives, the deadline
mod sender; // requests and what became of them

pub(super) use sender::of_items;

use super::config::Plan;
use super::lanes::{Bucket, Item, Kind, Lane};
use super::limits;
use super::message::Message;
use super::metric::Metrics;
use super::wire::Session;
use crate::notice::say;
use crate::record::fork::Process;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
/// How long the keeper sleeps where nothing is to be done: what was logged is with the system by then.
const KEEPER: Duration = Duration::from_millis(500);
/// What is left to write an archive after the deadline.
const GRACE: Duration = Duration::from_secs(2);

/// One run.
pub(super) struct Core {
    pub(super) process: Process,
    pub(super) metrics: Metrics,
    pub(super) step: AtomicU64,
    pub(super) epoch: AtomicU64,
    pub(super) figures: AtomicU64,
    plan: Plan,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    lanes: [Lane; 5],
    session: Option<Session>,
    /// Nothing more is sent: it is all for the archive.
    is_closed: bool,
    handshakes: u32,
    not_before: Option<Instant>,
    next_beat: Option<Instant>,
    due: Due,
    others: Bucket,
    parameters: Bucket,
    output: Bucket,
    offset: u64,
    was_throttled: bool,
    /// For the archive.
    spilled: Vec<Item>,
    /// The run failed, and whether the server knows.
    error: Option<(String, bool)>,
    /// Attempts at what is said at the end.
    last_words: u32,
    end: Option<Instant>,
    /// The keeper has taken the last metrics.
    is_collected: bool,
    /// The server knows that it is over, or will never.
    is_told: bool,
    /// All threads have done what they had to.
    has_ended: bool,
    /// Not all was delivered or kept.
    lost: u64,
    /// What has been said once.
    said: HashSet<&'static str>,
    /// Who waits for all to be confirmed.
    flushes: u32,
    /// The keeper has taken what it is about to write.
    is_writing: bool,
    /// Types of files of which the server takes no more.
    full: HashSet<String>,
    archive: Option<PathBuf>,
    /// Of parameters.
    names: HashSet<String>,
    tags: HashSet<String>,
}

/// When the next request of a kind is, so that some gather.
struct Due {
    parameters: Instant,
    output: Instant,
}

/// What one of the threads does.
type Work = fn(&Core);

impl Core {
    /// Begins, with its threads. Where those cannot be started nothing is kept, which is said.
    pub(super) fn begin(plan: Plan) -> Option<Arc<Core>> {
        crate::record::fork::watch();
        let now = Instant::now();
        let has_server = plan.wire.is_some();
        let core = Arc::new(Core {
            process: Process::current(),
            metrics: Metrics::new(),
            step: AtomicU64::new(super::metric::NONE),
            epoch: AtomicU64::new(super::metric::NONE),
            figures: AtomicU64::new(0),
            state: Mutex::new(State {
                lanes: Default::default(),
                session: None,
                is_closed: !has_server,
                handshakes: 0,
                not_before: None,
                next_beat: None,
                due: Due { parameters: now, output: now },
                others: Bucket::a_minute(limits::OTHERS_A_MINUTE, now),
                parameters: Bucket::a_minute(limits::PARAMETERS_A_MINUTE, now),
                output: Bucket::a_minute(limits::LINES_A_MINUTE, now),
                offset: 0,
                was_throttled: false,
                spilled: Vec::new(),
                error: None,
                last_words: 0,
                end: None,
                is_collected: false,
                is_told: !has_server,
                has_ended: false,
                lost: 0,
                said: HashSet::new(),
                flushes: 0,
                is_writing: false,
                full: HashSet::new(),
                archive: None,
                names: HashSet::new(),
                tags: HashSet::new(),
            }),
            changed: Condvar::new(),
            plan,
        });
        let start = |name: &str, run: Work| {
            let core = Arc::clone(&core);
            std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&core)).map(drop)
        };
        let senders: &[(&str, Work)] = if has_server {
            &[
                ("telemetry-comet-send", |core| core.send(sender::Sender::Messages)),
                ("telemetry-comet-files", |core| core.send(sender::Sender::Uploads)),
            ]
        } else {
            &[]
        };
        let all = senders.iter().chain(&[("telemetry-comet", Core::keep as Work)]);
        for (name, run) in all {
            if let Err(error) = start(name, *run) {
                say(format_args!("Comet: nothing is logged, since no thread could be started ({error})"));
                core.state().is_told = true;
                core.state().has_ended = true;
                return None;
            }
        }
        Some(core)
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where a person sees it, once the server has said so.
    pub(super) fn url(&self) -> Option<String> {
        self.state().session.as_ref().and_then(|session| session.url.clone())
    }

    /// The archive, where one was made.
    pub(super) fn archive(&self) -> Option<PathBuf> {
        self.state().archive.clone()
    }

    /// Something to be told. Never waits for more than a moment.
    pub(super) fn push(&self, message: Message) {
        let kind = Kind::of(&message);
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        if let Message::Parameter(parameter) = &message
            && !state.names.contains(&parameter.name)
        {
            if state.names.len() >= limits::NAMES {
                state.lost += 1;
                let is_first = state.said.insert("names");
                drop(state);
                dropped("names", 1);
                if is_first {
                    say(format_args!("Comet: parameters beyond {} names are dropped", limits::NAMES));
                }
                return;
            }
            state.names.insert(parameter.name.clone());
        }
        if let Message::Tag(tag) = &message
            && !state.tags.insert(tag.clone())
        {
            return;
        }
        let is_first = state.lanes[kind as usize].is_empty();
        if state.lanes[kind as usize].push(Item::Message(message)) {
            drop(state);
            if is_first {
                self.changed.notify_all();
            }
            return;
        }
        state.lost += 1;
        let is_said = state.said.insert("queue");
        drop(state);
        dropped("queue_full", 1);
        if is_said {
            say(format_args!("Comet: what is logged is dropped, since more waits than memory and disk can take"));
        }
    }

    /// As many values wait as make a request.
    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }

    /// The run failed. The first error counts.
    pub(super) fn fail(&self, error: &str) {
        let mut state = self.state();
        if state.error.is_none() && state.end.is_none() {
            state.error = Some((limits::cut(error, limits::TEXT), false));
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.state().error.is_some()
    }

    /// Takes nothing in any more, and has everything delivered.
    pub(super) fn begin_end(&self, time: Duration) {
        let now = Instant::now();
        let until = now.checked_add(time).unwrap_or(now + Duration::from_secs(86_400));
        let mut state = self.state();
        // A second word may only shorten it.
        state.end = Some(state.end.map_or(until, |end| end.min(until)));
        drop(state);
        self.changed.notify_all();
    }

    /// Ends it, and waits for that up to its time: whether all is delivered or in the archive.
    pub(super) fn end(&self, time: Duration) -> bool {
        self.begin_end(time);
        let mut state = self.state();
        let until = state.end.unwrap_or_else(Instant::now) + GRACE;
        while !state.has_ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.lost == 0
    }

    /// Waits until all that was logged so far is confirmed or in the archive, up to so long: whether it is.
    pub(super) fn flush(&self, time: Duration) -> bool {
        let now = Instant::now();
        let until = now.checked_add(time).unwrap_or(now + Duration::from_secs(86_400));
        let mut state = self.state();
        state.flushes += 1;
        self.changed.notify_all();
        loop {
            let is_empty =
                self.metrics.pending() == 0 && state.spilled.is_empty() && state.lanes.iter().all(Lane::is_empty);
            if is_empty && !state.is_writing {
                state.flushes -= 1;
                return state.lost == 0;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.has_ended {
                state.flushes -= 1;
                return is_empty && state.lost == 0;
            }
            state = self.changed.wait_timeout(state, left.min(KEEPER)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, until: Instant) -> MutexGuard<'a, State> {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Counts what was dropped.
pub(super) fn dropped(reason: &str, count: u64) {
    // What never happened has no series.
    if count == 0 {
        return;
    }
    #[cfg(not(telemetry_off))]
    crate::builtin::push::telemetry_push_dropped_samples_total(RECEIVER, reason).add(count);
    #[cfg(telemetry_off)]
    let _ = (reason, count);
}

/// The value of the label `receiver`.
#[cfg(not(telemetry_off))]
const RECEIVER: &str = "comet";
