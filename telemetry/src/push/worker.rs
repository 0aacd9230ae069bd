//! The thread of one receiver: takes what is to be sent every period, and has what waits sent, one request after the other.
//!
//! One at a time, and the oldest first: so no sample overtakes an older one of its series, which receivers refuse. A second thread sends
//! ([`sender`](super::sender)), so that this one can count and tell what a request costs that is never answered.

use super::queue::Queue;
use super::sender::{self, Order};
use super::{ENDED, ENDED_WITH_LOSS, Missing, Outcome, Parcel, RUNS, Receiver, When, after};
use crate::builtin::push as families;
use crate::config::push::Pace;
use crate::notice::say;
use crate::outbound::backoff::{Backoff, LONGEST_ASKED};
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

/// How many different refusals are shown: a receiver that always finds new words would fill the log.
const SHOWN_REFUSALS: usize = 8;

/// A receiver that fails and recovers all the time is told of once in a while.
const QUIET: Duration = Duration::from_secs(60);

/// What the thread waits for.
pub(crate) enum Event {
    /// Somebody wants something.
    Ask(Ask),
    /// What became of the request that was under way.
    Answered(Outcome),
    /// The receiver holds enough for a request, or has dropped something.
    #[cfg(feature = "otlp")]
    Ready,
}

/// What the guard of the program wants.
pub(crate) enum Ask {
    /// The state of now and all that waits is to be sent, until then.
    Flush { until: Instant, done: Sender<bool> },
    /// The same for the last state, and then the thread ends.
    End { until: Instant, done: Sender<bool> },
}

/// Has one thread send what it has and what waits, and waits for that, but not beyond the deadline: whether all of it was taken.
#[cfg(feature = "otlp")]
pub(crate) fn flush(events: &Sender<Event>, deadline: Duration) -> bool {
    let (done, wait) = mpsc::channel();
    let until = after(deadline);
    events.send(Event::Ask(Ask::Flush { until, done })).is_ok() && wait.recv_timeout(deadline).unwrap_or(false)
}

/// So many of something whose name is in the plural: `1 span`, `2 spans`.
struct Counted(u64, &'static str);

impl Counted {
    fn were(&self) -> &'static str {
        if self.0 == 1 { "was" } else { "were" }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counted(count, name) = *self;
        let name = if count == 1 { name.strip_suffix('s').unwrap_or(name) } else { name };
        write!(f, "{count} {name}")
    }
}

/// Since attempts fail.
struct Failing {
    /// How many samples were dropped.
    dropped: u64,
    /// Whether somebody was told.
    is_told: bool,
}

pub(super) struct Worker {
    receiver: Box<dyn Receiver>,
    events: mpsc::Receiver<Event>,
    orders: Sender<Order>,
    pace: Pace,
    queue: Queue,
    backoff: Backoff,
    /// No attempt before: the back-off's time, or the receiver's.
    not_before: Instant,
    /// The receiver has asked to be left alone until then.
    asked_until: Instant,
    /// It is time to take something, but what was taken before still waits.
    is_due: bool,
    /// What was asked while something else was being done.
    asked: VecDeque<Ask>,
    /// Where the last attempt failed.
    failing: Option<Failing>,
    /// When it was last told that attempts fail.
    told: Option<Instant>,
    shown: BTreeSet<u64>,
    /// Samples that were dropped without a newer state in their place.
    lost: u64,
    /// States that could not be taken.
    panics: u64,
}

impl Worker {
    /// Starts the two threads of a receiver: how they are spoken to, and where they say how they ended.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn start(receiver: Box<dyn Receiver>) -> Result<(Sender<Event>, Arc<AtomicU8>), String> {
        let no_thread = |error: std::io::Error| format!("no thread could be started ({error})");
        let transport = receiver.transport()?;
        let (give, events) = mpsc::channel();
        let orders = sender::start(transport, give.clone()).map_err(no_thread)?;
        let worker = Worker::new(receiver, events, orders);
        let end = Arc::new(AtomicU8::new(RUNS));
        let ended = Arc::clone(&end);
        let thread = std::thread::Builder::new().name("telemetry-push".to_owned());
        thread.spawn(move || worker.run(&ended)).map_err(no_thread)?;
        Ok((give, end))
    }

    fn new(receiver: Box<dyn Receiver>, events: mpsc::Receiver<Event>, orders: Sender<Order>) -> Worker {
        let pace = receiver.pace();
        Worker {
            receiver,
            events,
            orders,
            pace,
            queue: Queue::new(pace.queue_bytes, pace.queue_samples),
            backoff: Backoff::default(),
            not_before: Instant::now(),
            asked_until: Instant::now(),
            is_due: false,
            asked: VecDeque::new(),
            failing: None,
            told: None,
            shown: BTreeSet::new(),
            lost: 0,
            panics: 0,
        }
    }

    /// Until it is asked to end, or nobody is left to ask.
    fn run(mut self, ended: &AtomicU8) {
        // At once, where series are to begin at zero, so that what is counted next is an increase.
        let mut next =
            self.pace.period.map(|period| if self.receiver.begins_at_once() { Instant::now() } else { after(period) });
        loop {
            match self.wait(next) {
                Ok(event) => self.happened(event),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            while let Some(ask) = self.asked.pop_front() {
                match ask {
                    Ask::Flush { until, done } => {
                        let is_sent = self.flush(until);
                        // Who asked may have left.
                        let _ = done.send(is_sent);
                    }
                    Ask::End { until, done } => {
                        let is_sent = self.end(until);
                        ended.store(if is_sent { ENDED } else { ENDED_WITH_LOSS }, Ordering::Release);
                        let _ = done.send(is_sent);
                        // Whoever else waits is told by the end of its channel.
                        return;
                    }
                }
            }
            let now = Instant::now();
            if let (Some(at), Some(period)) = (next, self.pace.period) {
                if at <= now {
                    self.is_due = true;
                    // Snapshots that there was no time for are left out.
                    let late = now.duration_since(at).as_nanos() / period.as_nanos().max(1);
                    next = at.checked_add(period.saturating_mul(u32::try_from(late + 1).unwrap_or(u32::MAX)));
                }
            }
            self.take_if_due();
            self.send_first(self.pace.timeout);
        }
    }

    /// Waits until something is to be done, or happens.
    fn wait(&self, next: Option<Instant>) -> Result<Event, RecvTimeoutError> {
        let attempt = (!self.queue.is_empty() && !self.queue.is_under_way()).then_some(self.not_before);
        let wake = match (next, attempt) {
            (Some(next), Some(attempt)) => Some(next.min(attempt)),
            (next, attempt) => next.or(attempt),
        };
        match wake {
            Some(at) => self.events.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Ask(ask) => self.asked.push_back(ask),
            Event::Answered(outcome) => self.answered(outcome),
            #[cfg(feature = "otlp")]
            Event::Ready => self.count_missing(),
        }
    }

    fn take_if_due(&mut self) {
        // What a receiver holds is bounded there, and does not have to be here too.
        let has_room = self.receiver.held().is_none() || self.queue.is_empty();
        if has_room && (self.is_due || self.receiver.is_ready()) {
            self.is_due = false;
            self.take(When::Due);
        }
    }

    /// Puts what there is now into the queue.
    fn take(&mut self, when: When) {
        let taken = catch_unwind(AssertUnwindSafe(|| self.receiver.take(when)));
        match taken {
            Ok(parcels) => self.enqueue(parcels),
            Err(_) => {
                self.panics += 1;
                families::telemetry_push_panics_total(self.receiver.name()).inc();
                if self.first_shown("panic") {
                    let shown = self.receiver.shown();
                    say(format_args!(
                        "what was to be pushed to {shown} could not be made: something panicked; telemetry_push_panics_total counts that"
                    ));
                }
            }
        }
        self.count_missing();
        self.show_queue();
    }

    /// Counts what the receiver had to drop.
    fn count_missing(&mut self) {
        let Missing { no_room, unwritten } = self.receiver.missing();
        self.missed(no_room + unwritten);
        self.say_full(no_room);
    }

    fn enqueue(&mut self, parcels: Vec<Parcel>) {
        // What is empty takes nothing's place.
        if parcels.is_empty() {
            return;
        }
        self.queue.begin_state();
        for parcel in parcels {
            let dropped = self.queue.push(parcel);
            self.say_full(dropped);
            self.dropped("queue_full", dropped);
        }
        self.supersede();
    }

    fn supersede(&mut self) {
        if self.receiver.keeps_latest_only() {
            let superseded = self.queue.drop_older();
            self.dropped("superseded", superseded);
        }
    }

    fn say_full(&mut self, dropped: u64) {
        if dropped > 0 && self.first_shown("queue_full") {
            let (shown, samples, bounds) = (self.receiver.shown(), self.receiver.samples(), self.receiver.bounds());
            let dropped = Counted(dropped, samples);
            say(format_args!(
                "the queue of what is to be pushed to {shown} is full: {dropped} {} dropped, and telemetry_push_dropped_samples_total counts \
                 what follows; {bounds}",
                dropped.were()
            ));
        }
    }

    fn dropped(&mut self, reason: &str, samples: u64) {
        if samples == 0 {
            return;
        }
        families::telemetry_push_dropped_samples_total(self.receiver.name(), reason).add(samples);
        // What a newer state replaced is not missed.
        if reason != "superseded" {
            self.missed(samples);
        }
    }

    fn missed(&mut self, samples: u64) {
        self.lost = self.lost.saturating_add(samples);
        if let Some(failing) = self.failing.as_mut() {
            failing.dropped = failing.dropped.saturating_add(samples);
        }
    }

    /// Whether this was not said before: each of so many is said once. Numbers, as in timestamps and counts, make no new message.
    fn first_shown(&mut self, text: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        text.chars().filter(|c| !c.is_ascii_digit()).for_each(|c| c.hash(&mut hasher));
        self.shown.len() < SHOWN_REFUSALS && self.shown.insert(hasher.finish())
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes and samples in memory")]
    fn show_queue(&self) {
        let name = self.receiver.name();
        let samples = self.queue.samples() + self.receiver.held().unwrap_or(0);
        families::telemetry_push_queue_samples(name).set(samples as f64);
        families::telemetry_push_queue_bytes(name).set(self.queue.bytes() as f64);
    }

    /// Sends the state of now and what waits. Whether all of it was taken.
    fn flush(&mut self, until: Instant) -> bool {
        // What was dropped before is not of this.
        self.count_missing();
        let before = (self.lost, self.panics);
        self.take(When::Asked);
        self.drain(until, true) && (self.lost, self.panics) == before
    }

    /// Sends the last state and what waits. Whether all of it was taken.
    fn end(&mut self, until: Instant) -> bool {
        self.count_missing();
        let before = (self.lost, self.panics);
        self.take(When::Last);
        let is_sent = self.drain(until, false);
        let dropped = self.lost.saturating_sub(before.0);
        let under_way = self.queue.samples_under_way();
        let left = self.queue.clear() + self.receiver.close();
        self.dropped("deadline", left);
        self.show_queue();
        let (shown, samples) = (self.receiver.shown(), self.receiver.samples());
        if left > 0 {
            let some = match under_way {
                0 => String::new(),
                under_way => format!("; of {under_way}, which were under way, nobody knows"),
            };
            let left = Counted(left, samples);
            say(format_args!("{left} {} not pushed to {shown} before the program ended{some}", left.were()));
        }
        if dropped > 0 {
            let dropped = Counted(dropped, samples);
            say(format_args!(
                "{dropped} of the program's end {} dropped: {shown} did not take them, or the queue was full",
                dropped.were()
            ));
        }
        is_sent && left == 0 && (self.lost - left, self.panics) == before
    }

    /// Sends what waits, until then, or until the end is asked for, where it `gives_way` to that. Whether none of it waits any more.
    fn drain(&mut self, until: Instant, gives_way: bool) -> bool {
        // Who waits for it is worth an attempt now, unless the receiver asked for none.
        self.backoff.succeeded();
        self.not_before = self.asked_until;
        while !self.queue.is_empty() {
            let now = Instant::now();
            let is_under_way = self.queue.is_under_way();
            if now >= until || (!is_under_way && self.not_before >= until) {
                return false;
            }
            if gives_way && self.asked.iter().any(|ask| matches!(ask, Ask::End { .. })) {
                return false;
            }
            self.send_first(self.pace.timeout.min(until.saturating_duration_since(now)));
            let wake = if self.queue.is_under_way() { until } else { self.not_before.min(until) };
            match self.events.recv_timeout(wake.saturating_duration_since(Instant::now())) {
                Ok(event) => self.happened(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }

    /// Has what waits longest sent, if it is time and nothing is under way.
    fn send_first(&mut self, timeout: Duration) {
        if self.not_before > Instant::now() {
            return;
        }
        let Some(parcel) = self.queue.send_first() else { return };
        // A time limit of zero would be none.
        if self.orders.send((parcel, timeout.max(Duration::from_millis(1)))).is_err() {
            self.answered(Outcome::Refused { taken: 0, why: "cannot be asked: the client has ended".to_owned() });
        }
    }

    /// What was under way has been answered, or failed.
    fn answered(&mut self, outcome: Outcome) {
        // After the end of what was given up, nobody waits for it.
        let Some((samples, bytes)) = self.queue.under_way() else { return };
        let name = self.receiver.name();
        let requests = |result: &str| families::telemetry_push_requests_total(name, result).inc();
        match outcome {
            Outcome::Taken => {
                requests("ok");
                self.taken(samples, bytes);
            }
            Outcome::Partly { rejected, why } => {
                let rejected = rejected.min(samples);
                requests(if rejected > 0 { "partial" } else { "ok" });
                self.taken(samples - rejected, bytes);
                self.dropped("rejected", rejected);
                self.say_refused(&why, rejected);
            }
            Outcome::Refused { taken, why } => {
                requests("refused");
                let taken = taken.min(samples);
                families::telemetry_push_samples_total(name).add(taken);
                self.queue.sent();
                self.dropped("refused", samples - taken);
                // It answers: there is nothing to wait for.
                self.backoff.succeeded();
                self.say_refused(&why, samples - taken);
            }
            Outcome::Later { after, kind, why } => {
                requests(kind);
                self.queue.not_sent();
                self.supersede();
                self.failed(after, &why);
            }
        }
        self.show_queue();
    }

    fn taken(&mut self, samples: u64, bytes: usize) {
        let name = self.receiver.name();
        families::telemetry_push_samples_total(name).add(samples);
        families::telemetry_push_sent_bytes_total(name).add(bytes as u64);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        families::telemetry_push_last_success_timestamp_seconds(name).set(now.as_secs_f64());
        self.queue.sent();
        self.backoff.succeeded();
        if let Some(Failing { dropped, .. }) = self.failing.take().filter(|failing| failing.is_told) {
            let (shown, samples) = (self.receiver.shown(), self.receiver.samples());
            let dropped = Counted(dropped, samples);
            say(format_args!("{shown} takes what is pushed again; {dropped} {} dropped meanwhile", dropped.were()));
        }
    }

    fn failed(&mut self, after: Option<Duration>, why: &str) {
        let wait = self.backoff.failed();
        let now = Instant::now();
        self.asked_until = now + after.unwrap_or_default().min(LONGEST_ASKED);
        self.not_before = self.asked_until.max(now + wait);
        if self.failing.is_none() {
            let is_told = self.told.is_none_or(|told| told.elapsed() >= QUIET);
            self.failing = Some(Failing { dropped: 0, is_told });
            if is_told {
                self.told = Some(now);
                let shown = self.receiver.shown();
                say(format_args!("{shown} {why}; what is to be pushed there is kept and tried again"));
            }
        }
    }

    /// Once for each text, since the same comes with each push.
    fn say_refused(&mut self, why: &str, samples: u64) {
        if !self.first_shown(why) {
            return;
        }
        let (shown, called) = (self.receiver.shown(), self.receiver.samples());
        if samples > 0 {
            let (dropped, are) = (Counted(samples, called), if samples == 1 { "is" } else { "are" });
            say(format_args!("{shown} {why}; {dropped} {are} dropped"));
        } else {
            say(format_args!("{shown} {why}"));
        }
    }
}
