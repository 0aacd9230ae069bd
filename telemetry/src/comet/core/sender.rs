//! The senders: what is next, and what became of it.

use super::{Core, KEEPER, State, dropped};
use crate::comet::config::Plan;
use crate::comet::lanes::{Bucket, Item, Kind, Lane, Next};
use crate::comet::message::{self, Message, Output, Parameter};
use crate::comet::wire::{self, Outcome, Request, Session, Wire};
use crate::notice::say;
use std::time::{Duration, Instant};

/// And parameters, after the first ones.
const PARAMETERS_EVERY: Duration = Duration::from_secs(1);
const OUTPUT_EVERY: Duration = Duration::from_secs(5);
/// The first heartbeat, unless the server says another time.
const BEAT: Duration = Duration::from_secs(10);
/// Further attempts at what is said at the end.
const LAST_WORDS: u32 = 2;
/// What counts as the server being away for the handshake, after which the archive takes over: attempts.
const HANDSHAKES: u32 = 5;

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
pub(super) enum Sender {
    Messages,
    Uploads,
}

impl Core {
    pub(super) fn send(&self, sender: Sender) {
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
pub(in crate::comet) fn of_items(wire: &Wire, session: &Session, offset: u64, items: &[Item]) -> Option<Request> {
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
        families::telemetry_push_requests_total(super::RECEIVER, result).inc();
        if let (Task::Lane(_, items), Outcome::Taken(_)) = (task, outcome) {
            families::telemetry_push_samples_total(super::RECEIVER).add(items.len() as u64);
        }
    }
    #[cfg(telemetry_off)]
    let _ = (task, outcome);
}
