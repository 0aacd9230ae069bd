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

use super::archive::Archive;
use super::config::Plan;
use super::lanes::{Bucket, Item, Kind, Lane, Next};
use super::limits;
use super::message::{self, Message, Output, Parameter};
use super::metric::Metrics;
use super::wire::{self, Outcome, Request, Session, Wire};
use crate::notice::say;
use crate::record::fork::Process;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long metrics gather for a request.
const METRICS_EVERY: Duration = Duration::from_secs(2);
/// And parameters, after the first ones.
const PARAMETERS_EVERY: Duration = Duration::from_secs(1);
const OUTPUT_EVERY: Duration = Duration::from_secs(5);
/// The first heartbeat, unless the server says another time.
const BEAT: Duration = Duration::from_secs(10);
/// How long the keeper sleeps where nothing is to be done: what was logged is with the system by then.
const KEEPER: Duration = Duration::from_millis(500);
/// Values that may wait for their minute.
const BACKLOG: usize = 6_000;
/// Of a minute's values, those that are left for the end of the run, so that a short run that logs much is told to its end.
const AT_THE_END: usize = 2_000;
/// What is left to write an archive after the deadline.
const GRACE: Duration = Duration::from_secs(2);
/// Further attempts at what is said at the end.
const LAST_WORDS: u32 = 2;
/// What counts as the server being away for the handshake, after which the archive takes over: attempts.
const HANDSHAKES: u32 = 5;

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

/// What a sender is to do.
enum Task {
    Handshake,
    Beat,
    Lane(Kind, Vec<Item>),
    Error(String),
    NotThrottled,
    End,
}

#[derive(Clone, Copy, PartialEq)]
enum Sender {
    Messages,
    Uploads,
}

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
                ("telemetry-comet-send", |core| core.send(Sender::Messages)),
                ("telemetry-comet-files", |core| core.send(Sender::Uploads)),
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

    // The keeper.

    fn keep(&self) {
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

    // The senders.

    fn send(&self, sender: Sender) {
        let Some(wire) = &self.plan.wire else { return };
        loop {
            let (request, task, most) = {
                let mut state = self.state();
                loop {
                    if state.is_closed || state.is_told {
                        return;
                    }
                    let now = Instant::now();
                    match state.next(sender, now) {
                        Ok(task) => {
                            // An end has its time.
                            let most = state.end.map_or(Duration::MAX, |end| end.saturating_duration_since(now));
                            let session = state.session.clone().unwrap_or_default();
                            let offset = state.offset;
                            drop(state);
                            break (self.request(wire, &session, offset, &task), task, most);
                        }
                        Err(until) => state = self.wait(state, until.min(now + KEEPER)),
                    }
                }
            };
            let outcome = match &request {
                Some(request) => wire.send(request, most),
                // A file that the server would not take: not sent at all.
                None => Outcome::Refused { code: 0, why: "it is larger than what the server takes".to_owned() },
            };
            self.done(wire, task, outcome);
            self.changed.notify_all();
        }
    }

    fn request(&self, wire: &Wire, session: &Session, offset: u64, task: &Task) -> Option<Request> {
        Some(match task {
            Task::Handshake => wire.handshake(&self.plan.about, false),
            Task::Beat => wire.alive(session, true, false),
            Task::Error(error) => wire.error(error),
            Task::NotThrottled => wire.not_throttled(),
            Task::End => wire.alive(session, false, false),
            Task::Lane(_, items) => return of_items(wire, session, offset, items),
        })
    }

    fn done(&self, wire: &Wire, task: Task, outcome: Outcome) {
        count(&task, &outcome);
        let now = Instant::now();
        let mut state = self.state();
        if state.is_closed {
            return;
        }
        let mut notice = None;
        match (task, outcome) {
            (Task::Handshake, Outcome::Taken(answer)) => match wire::session(&answer, &wire.experiment) {
                Some(session) => {
                    let url = session.url.clone().unwrap_or_else(|| wire.shown());
                    notice = Some(match &session.note {
                        Some(note) => format!("Comet: the run is at {url} (the server says: {})", wire.words(note)),
                        None => format!("Comet: the run is at {url}"),
                    });
                    state.offset = session.offset;
                    state.session = Some(session);
                    state.next_beat = Some(now);
                }
                None => notice = state.close("the server gave no run", &self.plan),
            },
            (Task::Handshake, Outcome::Refused { why, .. }) => {
                notice = state.close(&format!("the server refused the run: {why}"), &self.plan);
            }
            (Task::Handshake, Outcome::Throttled(wait)) => state.not_before = Some(now + wait),
            (Task::Handshake, Outcome::Failed(why) | Outcome::Unreachable(why)) => {
                state.handshakes += 1;
                if state.handshakes >= HANDSHAKES || (state.end.is_some() && state.handshakes > 1) {
                    notice = state.close(&why, &self.plan);
                } else {
                    // At once, then 2, 4, 8 s.
                    let wait = if state.handshakes == 1 { 0 } else { 1 << (state.handshakes - 1).min(3) };
                    state.not_before = Some(now + Duration::from_secs(wait));
                }
            }
            (Task::Beat, Outcome::Taken(answer)) => state.next_beat = Some(now + wire::beat(&answer).unwrap_or(BEAT)),
            (Task::Beat, Outcome::Refused { code, why }) if wire::is_fatal(code) => {
                notice = state.close(&why, &self.plan)
            }
            (Task::Beat, Outcome::Throttled(wait)) => state.next_beat = Some(now + wait),
            (Task::Beat, _) => state.next_beat = Some(now + BEAT),
            // What is said at the end is said again, but not for long.
            (Task::Error(_) | Task::End, Outcome::Failed(_) | Outcome::Unreachable(_))
                if state.last_words < LAST_WORDS =>
            {
                state.last_words += 1;
            }
            // An archive tells it.
            (Task::Error(_), Outcome::Failed(why) | Outcome::Unreachable(why)) => {
                notice = state.close(&why, &self.plan)
            }
            (Task::Error(_), _) => state.error = state.error.take().map(|(error, _)| (error, true)),
            (Task::NotThrottled, _) => state.was_throttled = false,
            (Task::End, _) => state.is_told = true,
            (Task::Lane(kind, items), outcome) => notice = self.lane_done(&mut state, kind, &items, outcome, now),
        }
        drop(state);
        if let Some(notice) = notice {
            say(format_args!("{notice}"));
        }
    }

    fn lane_done(
        &self,
        state: &mut State,
        kind: Kind,
        items: &[Item],
        outcome: Outcome,
        now: Instant,
    ) -> Option<String> {
        let is_end = state.end.is_some();
        let lane = &mut state.lanes[kind as usize];
        match outcome {
            Outcome::Taken(_) => {
                lane.done();
                if kind == Kind::Output {
                    state.offset += items.len() as u64;
                }
                None
            }
            Outcome::Throttled(wait) => {
                lane.throttled(now + wait);
                state.was_throttled = true;
                None
            }
            // It is away, twice in a row, and the program is about to end.
            Outcome::Unreachable(why) if is_end && lane.has_failed() => {
                lane.failed(now, false);
                state.close(&why, &self.plan)
            }
            Outcome::Unreachable(_) => {
                lane.failed(now, false);
                None
            }
            Outcome::Failed(why) => match lane.failed(now, true) {
                Next::Waits => None,
                Next::ToDisk(items) => {
                    state.spilled.extend(items);
                    state
                        .said
                        .insert("failed")
                        .then(|| format!("Comet: the server fails at what is sent ({why}); it goes to the archive"))
                }
            },
            Outcome::Refused { code, why } if wire::is_fatal(code) => {
                lane.throttled(now);
                state.close(&why, &self.plan)
            }
            Outcome::Refused { code, why } => {
                lane.done();
                state.lost += items.len() as u64;
                dropped("refused", items.len() as u64);
                if let (true, [Item::Message(Message::Upload(upload))]) = (wire::is_full(code), items) {
                    state.full.insert(upload.kind.to_string());
                }
                let what = match items {
                    [Item::Message(Message::Upload(upload))] => format!("{} {:?}", upload.kind, upload.name),
                    items => format!("{} items", items.len()),
                };
                state.said.insert("refused").then(|| format!("Comet: the server did not take {what}: {why}"))
            }
        }
    }
}

/// The request that carries these; `None` where they are not to be sent.
pub(super) fn of_items(wire: &Wire, session: &Session, offset: u64, items: &[Item]) -> Option<Request> {
    let messages =
        || items.iter().filter_map(|item| if let Item::Message(message) = item { Some(message) } else { None });
    Some(match items.first()? {
        Item::Metric(_) => {
            let values =
                items.iter().filter_map(|item| if let Item::Metric(value) = item { Some(value.clone()) } else { None });
            wire.metrics(&values.collect::<Vec<_>>())
        }
        Item::Message(Message::Parameter(_)) => {
            let mut all: Vec<Parameter> = Vec::new();
            for message in messages() {
                if let Message::Parameter(parameter) = message {
                    // The last word counts.
                    all.retain(|other| (&other.name, &other.context) != (&parameter.name, &parameter.context));
                    all.push(parameter.clone());
                }
            }
            wire.parameters(&all)
        }
        Item::Message(Message::Tag(_)) => {
            let tags =
                messages().filter_map(|message| if let Message::Tag(tag) = message { Some(tag.clone()) } else { None });
            wire.tags(&tags.collect::<Vec<_>>())
        }
        Item::Message(Message::Output(_)) => {
            let lines = messages()
                .filter_map(|message| if let Message::Output(line) = message { Some(line.clone()) } else { None });
            wire.output(&lines.collect::<Vec<Output>>(), offset)
        }
        Item::Message(Message::Upload(upload)) => {
            let size = match &upload.content {
                message::Content::Bytes(bytes) => bytes.len() as u64,
                message::Content::File(path) => std::fs::metadata(path).map_or(0, |about| about.len()),
            };
            let most =
                if upload.kind == message::PICTURE { session.most_image_bytes } else { session.most_asset_bytes };
            if size > most {
                return None;
            }
            wire.upload(session, upload)
        }
        Item::Message(Message::Other(key, value)) => wire.other(key, value),
        Item::Message(Message::Html(html, at)) => wire.html(html, *at),
        Item::Message(Message::FileName(name)) => wire.file_path(name),
        Item::Message(Message::Git(git)) => wire.git(git),
        Item::Message(Message::System(key, value)) => wire.system(key, value),
    })
}

impl State {
    /// What the sender is to do, or when it is to ask again.
    fn next(&mut self, sender: Sender, now: Instant) -> Result<Task, Instant> {
        let later = now + Duration::from_secs(3_600);
        if self.session.is_none() {
            let at = self.not_before.unwrap_or(now);
            return match sender {
                Sender::Messages if at <= now => Ok(Task::Handshake),
                _ => Err(at.max(now + Duration::from_millis(50))),
            };
        }
        if sender == Sender::Uploads {
            let lane = &mut self.lanes[Kind::Uploads as usize];
            // Types of which the server has enough.
            loop {
                match lane.ready_at(now) {
                    Some(at) if at <= now => {}
                    at => return Err(at.unwrap_or(later)),
                }
                let items = lane.begin(Kind::Uploads);
                if let [Item::Message(Message::Upload(upload))] = &*items
                    && self.full.contains(&*upload.kind)
                {
                    lane.done();
                    self.lost += 1;
                    dropped("refused", 1);
                    continue;
                }
                return Ok(Task::Lane(Kind::Uploads, items));
            }
        }
        if self.next_beat.is_none_or(|beat| beat <= now) {
            return Ok(Task::Beat);
        }
        let mut at = self.next_beat.unwrap_or(later);
        let is_flush = self.end.is_some() || self.flushes > 0;
        for kind in Kind::ALL {
            let Some(mut ready) = self.lanes[kind as usize].ready_at(now).filter(|_| kind != Kind::Uploads) else {
                continue;
            };
            let gathers = match kind {
                Kind::Parameters => Some(self.due.parameters),
                Kind::Output => Some(self.due.output),
                _ => None,
            };
            if let Some(due) = gathers.filter(|_| !is_flush && !self.lanes[kind as usize].has_batch(kind)) {
                ready = ready.max(due);
            }
            if let Some(bucket) = self.bucket(kind) {
                ready = ready.max(bucket.next(now));
            }
            if ready > now {
                at = at.min(ready);
                continue;
            }
            match kind {
                Kind::Parameters => self.due.parameters = now + PARAMETERS_EVERY,
                Kind::Output => self.due.output = now + OUTPUT_EVERY,
                Kind::Messages | Kind::Metrics | Kind::Uploads => {}
            }
            let items = self.lanes[kind as usize].begin(kind);
            if let Some(bucket) = self.bucket(kind) {
                bucket.take(items.len());
            }
            return Ok(Task::Lane(kind, items));
        }
        if self.end.is_some() && self.is_collected && self.spilled.is_empty() && self.lanes.iter().all(Lane::is_empty) {
            return Ok(match &self.error {
                Some((error, false)) => Task::Error(error.clone()),
                _ if self.was_throttled => Task::NotThrottled,
                _ => Task::End,
            });
        }
        Err(at)
    }

    /// What a minute may have of a kind; of metrics the keeper knows.
    fn bucket(&mut self, kind: Kind) -> Option<&mut Bucket> {
        match kind {
            Kind::Messages => Some(&mut self.others),
            Kind::Parameters => Some(&mut self.parameters),
            Kind::Output => Some(&mut self.output),
            Kind::Metrics | Kind::Uploads => None,
        }
    }

    /// Nothing more is sent. What is to be said about it.
    fn close(&mut self, why: &str, plan: &Plan) -> Option<String> {
        self.is_closed = true;
        self.is_told = true;
        self.said
            .insert("closed")
            .then(|| format!("Comet: {why}; what is logged goes to an archive in {}", plan.directory.display()))
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
                about.mode = super::config::StartMode::GetOrCreate;
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

/// Counts a request, and what it delivered.
fn count(task: &Task, outcome: &Outcome) {
    #[cfg(not(telemetry_off))]
    {
        use crate::builtin::push as families;
        let result = match outcome {
            Outcome::Taken(_) => "ok",
            Outcome::Throttled(_) => "throttled",
            Outcome::Unreachable(_) => "unreachable",
            Outcome::Failed(_) => "unavailable",
            Outcome::Refused { .. } => "refused",
        };
        families::telemetry_push_requests_total(RECEIVER, result).inc();
        if let (Task::Lane(_, items), Outcome::Taken(_)) = (task, outcome) {
            families::telemetry_push_samples_total(RECEIVER).add(items.len() as u64);
        }
    }
    #[cfg(telemetry_off)]
    let _ = (task, outcome);
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
