//! Documents, made for all who wait for them.
//!
//! A snapshot is begun after a request came in, so that a scrape shows what was counted before it: nothing is ever older than its request. Whoever asks while one is being
//! taken waits for the next, and shares that, and each document in each coding, with all who asked meanwhile. Thirty-two scrapers at once cost
//! what two cost: the one that was begun for the first, and one for the rest.
//!
//! This runs on threads that live as long as somebody waits, so that nothing wakes up while nobody looks, and a program's own async runtime has
//! no part in it. A collector that hangs holds one of them; a second one is begun after [`PATIENCE`], and no third.

use crate::builtin::endpoint::telemetry_scrape_duration_seconds;
use crate::server::coding::{Accepted, Coding};
use crate::server::document::Document;
use crate::snapshot::Snapshot;
use crate::sync::{Mutex, lock};
use hyper::body::Bytes;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a snapshot may take before the answer is that it took too long: Prometheus' default scrape timeout.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(10);
/// After how long the snapshot that somebody waits for is begun beside one that does not end.
const PATIENCE: Duration = Duration::from_secs(1);
/// One that may hang, and one beside it.
const MAX_THREADS: usize = 2;
/// How many bytes of answers slow readers may have between them, beyond the two answers that were made last.
const MAX_HELD: usize = 64 * 1024 * 1024;

type TakeSnapshot = dyn Fn() -> Snapshot + Send + Sync;
/// Waits, on whatever runtime the request is answered.
pub(super) type Sleep = fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
/// Ends the connections that still send the answer of this number.
type Cut = dyn Fn(u64) + Send + Sync;

pub(super) struct Batches {
    take_snapshot: Box<TakeSnapshot>,
    cut: Box<Cut>,
    sleep: Sleep,
    state: Mutex<State>,
    held: Mutex<Vec<Held>>,
}

#[derive(Default)]
struct State {
    threads: usize,
    waiting: Vec<Asked>,
}

struct Asked {
    document: Document,
    accepted: Accepted,
    reply: oneshot::Sender<Answer>,
}

/// A document as it is sent. Whoever sends the same shares its bytes.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) bytes: Bytes,
    pub(super) coding: Coding,
    /// Tells it from all others; 0 is none.
    pub(super) number: u64,
}

/// An answer that may be on its way to somebody.
struct Held {
    number: u64,
    length: usize,
    used: Weak<()>,
}

/// Bytes that say when nobody has them any more.
struct Owned {
    bytes: Vec<u8>,
    _used: Arc<()>,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Batches {
    pub(super) fn new(
        take_snapshot: impl Fn() -> Snapshot + Send + Sync + 'static,
        cut: impl Fn(u64) + Send + Sync + 'static,
        sleep: Sleep,
    ) -> Arc<Batches> {
        let (take_snapshot, cut) = (Box::new(take_snapshot), Box::new(cut));
        Arc::new(Batches { take_snapshot, cut, sleep, state: Mutex::default(), held: Mutex::default() })
    }

    /// The document, of a snapshot that is begun from now on. `None` where that takes too long, or cannot be done.
    pub(super) async fn ask(self: &Arc<Batches>, document: Document, accepted: Accepted) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        self.enlist(Asked { document, accepted, reply });
        self.begin(1);
        let mut answer = pin!(answer);
        match within((self.sleep)(PATIENCE), answer.as_mut()).await {
            Some(answer) => return answer.ok(),
            None => self.begin(MAX_THREADS),
        }
        within((self.sleep)(SNAPSHOT_TIMEOUT.saturating_sub(PATIENCE)), answer).await?.ok()
    }

    fn enlist(&self, asked: Asked) {
        let mut state = lock(&self.state);
        // While collectors hang nobody takes these away, however many come and go.
        state.waiting.retain(|asked| !asked.reply.is_closed());
        state.waiting.push(asked);
    }

    /// Begins to work on what waits, unless so many threads do.
    fn begin(self: &Arc<Batches>, threads: usize) {
        let mut state = lock(&self.state);
        if state.threads >= threads || state.waiting.is_empty() {
            return;
        }
        state.threads += 1;
        drop(state);
        // Made here, so that it ends also where there is no thread.
        let mut working = Working { batches: Arc::clone(self), is_over: false };
        let thread = std::thread::Builder::new().name("telemetry-snapshot".to_owned());
        // Where there is no thread to be had, those who wait are told by their deadline, or answered by the next try.
        let _ = thread.spawn(move || {
            while let Some(batch) = working.next() {
                let batches = Arc::clone(&working.batches);
                batches.answer(batch);
            }
        });
    }

    fn answer(&self, mut batch: Vec<Asked>) {
        let start = Instant::now();
        let snapshot = (self.take_snapshot)();
        // One document after the other, so that the text of one at a time is in memory; what machines ask for goes first.
        while let Some(next) = batch
            .iter()
            .position(|asked| matches!(asked.document, Document::Metrics(_)))
            .or((!batch.is_empty()).then_some(0))
        {
            let Some(document) = batch.get(next).map(|asked| asked.document.clone()) else { break };
            let (same, others) = batch.into_iter().partition(|asked| asked.document == document);
            batch = others;
            self.make(&document, &snapshot, same);
            if matches!(document, Document::Metrics(_)) {
                telemetry_scrape_duration_seconds().observe_duration(start.elapsed());
            }
        }
    }

    /// Makes a document, and codes it once for all who want it so.
    fn make(&self, document: &Document, snapshot: &Snapshot, mut asked: Vec<Asked>) {
        asked.retain(|asked| !asked.reply.is_closed());
        if asked.is_empty() {
            return;
        }
        let text = document.make(snapshot);
        let coding = |asked: &Asked| asked.accepted.for_length(text.len());
        // What is not coded comes last, and takes the text itself.
        asked.sort_by_key(|asked| std::cmp::Reverse(coding(asked)));
        let mut asked: Vec<_> = asked.into_iter().map(|asked| (coding(&asked), asked.reply)).collect();
        while let Some(wanted) = asked.first().map(|(coding, _)| *coding).filter(|coding| *coding != Coding::Identity) {
            let rest = asked.split_off(asked.iter().take_while(|(coding, _)| *coding == wanted).count());
            // Into memory: cannot fail. Who waited would be told so.
            if let Ok(coded) = wanted.encode(&text) {
                self.give(coded, wanted, asked);
            }
            asked = rest;
        }
        if !asked.is_empty() {
            self.give(text, Coding::Identity, asked);
        }
    }

    fn give(&self, bytes: Vec<u8>, coding: Coding, asked: Vec<(Coding, oneshot::Sender<Answer>)>) {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let used = Arc::new(());
        self.make_room(Held { number, length: bytes.len(), used: Arc::downgrade(&used) });
        let answer = Answer { bytes: Bytes::from_owner(Owned { bytes, _used: used }), coding, number };
        for (_, reply) in asked {
            // Who has gone meanwhile needs none.
            let _ = reply.send(answer.clone());
        }
    }

    /// Ends connections that are still busy with old answers, where those are too much together: a scraper takes a second, and who
    /// takes longer is not to be waited for by the program's memory.
    fn make_room(&self, new: Held) {
        let mut held = lock(&self.held);
        held.retain(|held| held.used.strong_count() > 0);
        held.push(new);
        let spare = held.len().saturating_sub(2);
        let mut bytes: usize = held.iter().map(|held| held.length).sum();
        let mut old = Vec::new();
        for held in held.iter().take(spare) {
            if bytes <= MAX_HELD {
                break;
            }
            bytes -= held.length;
            old.push(held.number);
        }
        drop(held);
        for number in old {
            (self.cut)(number);
        }
    }
}

/// A thread that works, until it is dropped, be that by a panic.
struct Working {
    batches: Arc<Batches>,
    /// Whether it has been counted out already.
    is_over: bool,
}

impl Working {
    /// What has come together since the last time. Where that is nothing, the thread is over for those who come from now on: said under one lock, so that
    /// nobody relies on a thread that is about to end.
    fn next(&mut self) -> Option<Vec<Asked>> {
        let mut state = lock(&self.batches.state);
        let batch = std::mem::take(&mut state.waiting);
        if batch.is_empty() {
            state.threads -= 1;
            self.is_over = true;
        }
        (!batch.is_empty()).then_some(batch)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if !self.is_over {
            lock(&self.batches.state).threads -= 1;
        }
    }
}

/// What the future gives, if it does before the sleep is over.
async fn within<F: Future>(
    mut sleep: Pin<Box<dyn Future<Output = ()> + Send>>,
    mut future: Pin<&mut F>,
) -> Option<F::Output> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleep.as_mut().poll(context).map(|()| None),
    })
    .await
}

#[cfg(test)]
mod tests;
