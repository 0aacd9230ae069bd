//! The thread of one receiver: takes a snapshot every period, and sends what waits, one request after the other.
//!
//! One at a time, and the oldest first: so no sample overtakes an older one of its series, which receivers refuse.

use super::backoff::{Backoff, LONGEST_ASKED};
use super::client::{Client, Outcome};
use super::queue::Queue;
use super::{Parcel, Receiver};
use crate::builtin::push as families;
use crate::config::push::{Pace, Settings};
use crate::notice::say;
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

/// How many different refusals are shown: a receiver that always finds new words would fill the log.
const SHOWN_REFUSALS: usize = 8;

/// A receiver that fails and recovers all the time is told of once in a while.
const QUIET: Duration = Duration::from_secs(60);

/// What the guard of the program wants.
pub(super) enum Ask {
    /// The state of now and all that waits is to be sent, until then.
    Flush { until: Instant, done: Sender<bool> },
    /// The same for the last state, and then the thread ends.
    End { until: Instant, done: Sender<bool> },
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
    asked: mpsc::Receiver<Ask>,
    take_snapshot: fn() -> Snapshot,
    client: Client,
    pace: Pace,
    queue: Queue,
    backoff: Backoff,
    /// No attempt before: the back-off's time, or the receiver's.
    not_before: Instant,
    /// The receiver has asked to be left alone until then.
    asked_until: Instant,
    /// Where the last attempt failed.
    failing: Option<Failing>,
    /// When it was last told that attempts fail.
    told: Option<Instant>,
    shown: BTreeSet<u64>,
    /// Samples that were dropped without a newer state in their place.
    lost: u64,
}

impl Worker {
    pub(super) fn new(
        receiver: Box<dyn Receiver>,
        settings: &Settings,
        asked: mpsc::Receiver<Ask>,
        take_snapshot: fn() -> Snapshot,
    ) -> Worker {
        let pace = settings.pace;
        let client = Client::new(&receiver.endpoint().url, settings.authorities.as_ref());
        Worker {
            receiver,
            asked,
            take_snapshot,
            client,
            pace,
            queue: Queue::new(pace.queue_bytes, pace.queue_samples),
            backoff: Backoff::default(),
            not_before: Instant::now(),
            asked_until: Instant::now(),
            failing: None,
            told: None,
            shown: BTreeSet::new(),
            lost: 0,
        }
    }

    /// Until it is asked to end, or nobody is left to ask.
    pub(super) fn run(mut self) {
        // At once, so that series begin at zero and what is counted next is an increase.
        let mut next = self.pace.period.map(|_| Instant::now());
        loop {
            match self.wait(next) {
                Ok(Ask::Flush { until, done }) => {
                    let before = self.lost;
                    self.take();
                    let is_sent = self.drain(until);
                    // Who asked may have left.
                    let _ = done.send(is_sent && self.lost == before);
                }
                Ok(Ask::End { until, done }) => {
                    let _ = done.send(self.end(until));
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if let (Some(at), Some(period)) = (next, self.pace.period) {
                if at <= now {
                    self.take();
                    // Snapshots that there was no time for are left out.
                    let late = now.duration_since(at).as_nanos() / period.as_nanos().max(1);
                    next = at.checked_add(period.saturating_mul(u32::try_from(late + 1).unwrap_or(u32::MAX)));
                }
            }
            if self.not_before <= Instant::now() {
                self.send_first(self.pace.timeout);
            }
        }
    }

    /// Waits until something is to be done, or is asked for.
    fn wait(&self, next: Option<Instant>) -> Result<Ask, RecvTimeoutError> {
        let attempt = (!self.queue.is_empty()).then_some(self.not_before);
        let wake = match (next, attempt) {
            (Some(next), Some(attempt)) => Some(next.min(attempt)),
            (next, attempt) => next.or(attempt),
        };
        match wake {
            Some(at) => self.asked.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => self.asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Puts the state of now into the queue.
    fn take(&mut self) {
        let snapshot = (self.take_snapshot)();
        let parcels = self.receiver.pack(snapshot);
        self.enqueue(parcels);
    }

    fn enqueue(&mut self, parcels: Vec<Parcel>) {
        if self.receiver.keeps_latest_only() {
            let superseded = self.queue.clear();
            self.dropped("superseded", superseded);
        }
        for parcel in parcels {
            let dropped = self.queue.push(parcel);
            if dropped > 0 && self.first_shown("queue_full") {
                let shown = self.receiver.shown();
                say(format_args!(
                    "the queue of what is to be pushed to {shown} is full: {dropped} samples were dropped, and telemetry_push_dropped_samples_total counts \
                     what follows; TELEMETRY_PUSH_QUEUE_SAMPLES and TELEMETRY_PUSH_QUEUE_BYTES are its size"
                ));
            }
            self.dropped("queue_full", dropped);
        }
        self.show_queue();
    }

    fn dropped(&mut self, reason: &str, samples: u64) {
        if samples == 0 {
            return;
        }
        families::telemetry_push_dropped_samples_total(self.receiver.name(), reason).add(samples);
        if reason == "superseded" {
            return; // replaced by a newer state, and not missed
        }
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
        families::telemetry_push_queue_samples(name).set(self.queue.samples() as f64);
        families::telemetry_push_queue_bytes(name).set(self.queue.bytes() as f64);
    }

    /// Sends the last state and what waits. Whether all of it was taken.
    fn end(&mut self, until: Instant) -> bool {
        let before = self.lost;
        let snapshot = (self.take_snapshot)();
        let parcels = self.receiver.pack_last(snapshot);
        self.enqueue(parcels);
        let is_sent = self.drain(until);
        let dropped = self.lost.saturating_sub(before);
        let left = self.queue.clear();
        self.dropped("deadline", left);
        let shown = self.receiver.shown();
        if left > 0 {
            say(format_args!("{left} samples were not pushed to {shown} before the program ended"));
        }
        if dropped > 0 {
            say(format_args!(
                "{dropped} samples of the program's end were dropped: {shown} did not take them, or the queue was full"
            ));
        }
        is_sent && dropped == 0
    }

    /// Sends what waits, until then. Whether none of it waits any more.
    fn drain(&mut self, until: Instant) -> bool {
        // Who waits for it is worth an attempt now, unless the receiver asked for none.
        self.backoff.succeeded();
        self.not_before = self.asked_until;
        while !self.queue.is_empty() {
            let now = Instant::now();
            if now.max(self.not_before) >= until {
                return false;
            }
            std::thread::sleep(self.not_before.saturating_duration_since(now));
            let left = until.saturating_duration_since(Instant::now());
            self.send_first(self.pace.timeout.min(left));
        }
        true
    }

    /// One attempt to send what waits longest.
    fn send_first(&mut self, timeout: Duration) {
        let Some(parcel) = self.queue.first() else { return };
        // A time limit of zero would be none.
        let outcome = self.client.send(self.receiver.endpoint(), parcel, timeout.max(Duration::from_millis(1)));
        let (samples, bytes) = (parcel.samples, parcel.body.len() as u64);
        let name = self.receiver.name();
        let requests = |result: &str| families::telemetry_push_requests_total(name, result).inc();
        match outcome {
            Outcome::Taken => {
                requests("ok");
                families::telemetry_push_samples_total(name).add(samples);
                families::telemetry_push_sent_bytes_total(name).add(bytes);
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                families::telemetry_push_last_success_timestamp_seconds(name).set(now.as_secs_f64());
                self.queue.pop();
                self.backoff.succeeded();
                if let Some(Failing { dropped, .. }) = self.failing.take().filter(|failing| failing.is_told) {
                    let shown = self.receiver.shown();
                    say(format_args!("{shown} takes what is pushed again; {dropped} samples were dropped meanwhile"));
                }
            }
            Outcome::Refused { taken, why } => {
                requests("refused");
                let taken = taken.min(samples);
                families::telemetry_push_samples_total(name).add(taken);
                self.queue.pop();
                self.dropped("refused", samples - taken);
                // It answers: there is nothing to wait for.
                self.backoff.succeeded();
                self.say_refused(&why, samples - taken);
            }
            Outcome::Later { after, kind, why } => {
                requests(kind);
                let wait = self.backoff.failed();
                let now = Instant::now();
                self.asked_until = now + after.unwrap_or_default().min(LONGEST_ASKED);
                self.not_before = self.asked_until.max(now + wait);
                if self.failing.is_none() {
                    let is_told = self.told.is_none_or(|told| told.elapsed() >= QUIET);
                    self.failing = Some(Failing { dropped: 0, is_told });
                    if is_told {
                        self.told = Some(Instant::now());
                        let shown = self.receiver.shown();
                        say(format_args!("{shown} {why}; what is to be pushed there is kept and tried again"));
                    }
                }
            }
        }
        self.show_queue();
    }

    /// Once for each text, since the same comes with each push.
    fn say_refused(&mut self, why: &str, samples: u64) {
        if self.first_shown(why) {
            let shown = self.receiver.shown();
            say(format_args!("{shown} {why}; {samples} samples are dropped"));
        }
    }
}
