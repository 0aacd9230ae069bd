//! Asking collectors that may take long, panic or never come back, without waiting for them longer than one may.
//!
//! A snapshot says which collectors it wants, does what it can do itself, and waits for the answers until its deadline. The calls run on
//! threads of ours, one as a rule, which ends when nobody has asked for a minute. While a call is slow and others wait behind it, one more thread goes on
//! with those. A collector has one call at a time, so there are never more threads than collectors, however many scrapes come: those that come
//! while a call runs wait for the next one, all for the same, since an answer counts for everybody who asked before the call began. A call that
//! outlasts the deadline is left to itself, and its collector is passed over until it returns.

use crate::metric::Descriptor;
use crate::notice::say;
use crate::record::fork;
use crate::registry::standing::{Failure, Standing, Standings};
use crate::registry::{COLLECTING, Collection, Collector};
use crate::sync::{AtomicU64, Mutex, Relaxed, lock};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How long a snapshot waits for its collectors unless set otherwise: a fifth of the 10 s after which Prometheus gives up by default
/// (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/>), which leaves time to send a large exposition.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::from_secs(2);

/// In nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "seconds")]
static LIMIT: AtomicU64 = AtomicU64::new(DEFAULT_LIMIT.as_nanos() as u64);

/// How long a call may keep those behind it waiting before another thread goes on with them: some ten times what a quick collector takes.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long a thread waits for the next snapshot before it ends: a minute is the longest usual interval between scrapes.
const IDLE: Duration = Duration::from_secs(65);

/// Sets how long snapshots wait from now on.
pub(crate) fn set_limit(limit: Duration) {
    LIMIT.store(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX), Relaxed);
}

/// A collector that is asked, what it said that it gives, and the calls that are wanted of it.
pub(crate) struct Asked {
    collector: Arc<dyn Collector>,
    described: Arc<[Descriptor]>,
    /// Whether it is one of this library's, whose families need no check.
    ours: bool,
    standing: Arc<Standing>,
    queue: Mutex<Queue>,
}

struct Queue {
    /// In a child the calls of its parent do not go on.
    process: fork::Process,
    /// How many calls have begun.
    begun: u64,
    /// When the running one began.
    since: Option<Instant>,
    /// Whether a thread will come and make a call.
    awaited: bool,
    /// Whether the running one has outlasted a snapshot.
    late: bool,
    waiting: Vec<Waiting>,
}

/// A snapshot that waits for an answer.
struct Waiting {
    /// The first call that will do.
    call: u64,
    snapshot: u64,
    place: usize,
    give: Sender<(usize, Answer)>,
}

/// What a collector gave; `None` where it panicked.
pub(super) type Answer = Option<Arc<Collection>>;

impl Queue {
    fn new() -> Queue {
        let process = fork::Process::current();
        Queue { process, begun: 0, since: None, awaited: false, late: false, waiting: Vec::new() }
    }
}

impl Asked {
    pub(super) fn new(collector: Arc<dyn Collector>, ours: bool, standings: &Mutex<Standings>) -> Arc<Asked> {
        let name = catch_unwind(AssertUnwindSafe(|| collector.name().into_owned()));
        let described = catch_unwind(AssertUnwindSafe(|| collector.describe().into()));
        let failed = name.is_err() || described.is_err();
        let (name, described) = (name.unwrap_or_else(|_| "unknown".to_owned()), described.unwrap_or_default());
        let standing = lock(standings).of(name);
        if !ours {
            standing.is_limited();
        }
        if failed {
            standing.failed(Failure::Panic, limit());
        }
        Arc::new(Asked { collector, described, ours, standing, queue: Mutex::new(Queue::new()) })
    }

    pub(super) fn name(&self) -> &str {
        self.standing.name()
    }

    pub(super) fn described(&self) -> &[Descriptor] {
        &self.described
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Asks on this thread. `None` where it panics.
    pub(super) fn ask(&self) -> Option<Collection> {
        let began = Instant::now();
        let mut collection =
            if self.ours { Collection::default() } else { Collection::of(Arc::clone(&self.described)) };
        let asked = catch_unwind(AssertUnwindSafe(|| self.collector.collect(&mut collection)));
        if asked.is_err() {
            self.standing.failed(Failure::Panic, limit());
            return None;
        }
        collection.put_in_order();
        self.standing.dropped(&collection.dropped);
        self.standing.took(began.elapsed());
        Some(collection)
    }

    fn queue(&self) -> crate::sync::Locked<'_, Queue> {
        let mut queue = lock(&self.queue);
        if queue.process != fork::Process::current() {
            *queue = Queue::new();
        }
        queue
    }

    /// Wants an answer. `false` where the collector has not come back from an earlier call.
    fn want(self: &Arc<Asked>, snapshot: u64, place: usize, give: &Sender<(usize, Answer)>) -> bool {
        let mut queue = self.queue();
        if queue.late {
            return false;
        }
        let call = queue.begun + 1;
        queue.waiting.push(Waiting { call, snapshot, place, give: give.clone() });
        let idle = queue.since.is_none() && !queue.awaited;
        queue.awaited |= idle;
        drop(queue);
        if idle {
            pool::push(Arc::clone(self));
        }
        true
    }

    /// Makes one call, and another one later where somebody asked meanwhile.
    fn call(self: Arc<Asked>) {
        let begun = {
            let mut queue = self.queue();
            queue.awaited = false;
            if queue.waiting.is_empty() {
                return; // all have given up
            }
            queue.since = Some(Instant::now());
            queue.begun += 1;
            queue.begun
        };
        let answer: Answer = self.ask().map(Arc::new);
        let (answered, again) = {
            let mut queue = self.queue();
            (queue.since, queue.late) = (None, false);
            let waiting = std::mem::take(&mut queue.waiting);
            let (answered, left): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|waiting| waiting.call <= begun);
            queue.awaited = !left.is_empty();
            queue.waiting = left;
            (answered, queue.awaited)
        };
        for Waiting { place, give, .. } in answered {
            // A snapshot that no longer waits does not miss it.
            let _ = give.send((place, answer.clone()));
        }
        if again {
            pool::push(self);
        }
    }

    /// A snapshot waits no longer.
    fn give_up(&self, snapshot: u64, limit: Duration) {
        let mut queue = self.queue();
        queue.waiting.retain(|waiting| waiting.snapshot != snapshot);
        // Not one that began lately, when others asked before.
        queue.late |= queue.since.is_some_and(|since| since.elapsed() >= limit / 2);
        drop(queue);
        self.standing.failed(Failure::Timeout, limit);
    }
}

fn limit() -> Duration {
    Duration::from_nanos(LIMIT.load(Relaxed))
}

/// Calls that are under way for one snapshot.
pub(super) struct Calls {
    snapshot: u64,
    limit: Duration,
    deadline: Instant,
    asked: Vec<Arc<Asked>>,
    /// Whether an answer is still to come.
    pending: Vec<bool>,
    answers: Receiver<(usize, Answer)>,
}

impl Calls {
    pub(super) fn begin<'a>(collectors: impl Iterator<Item = &'a Arc<Asked>>) -> Calls {
        static SNAPSHOTS: AtomicU64 = AtomicU64::new(0);
        let snapshot = SNAPSHOTS.fetch_add(1, Relaxed);
        let limit = limit();
        // Before the calls begin, so that one which outlasts it has run for as long.
        let now = Instant::now();
        let deadline = now.checked_add(limit).unwrap_or(now);
        let (give, answers) = mpsc::channel();
        let asked: Vec<_> = collectors.cloned().collect();
        let want = |(place, asked): (usize, &Arc<Asked>)| {
            let wanted = asked.want(snapshot, place, &give);
            if !wanted {
                asked.standing.failed(Failure::Hung, limit);
            }
            wanted
        };
        let pending = asked.iter().enumerate().map(want).collect();
        Calls { snapshot, limit, deadline, asked, pending, answers }
    }

    /// Waits for the answers; none from those that panicked or did not answer in time.
    pub(super) fn wait(mut self) -> Vec<Option<Arc<Collection>>> {
        let mut given: Vec<_> = self.asked.iter().map(|_| None).collect();
        while self.pending.contains(&true) {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left.min(PATIENCE)) {
                Ok((place, answer)) => {
                    self.pending[place] = false;
                    given[place] = answer;
                }
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => pool::help(),
                Err(_) => break,
            }
        }
        for (asked, _) in self.asked.iter().zip(&self.pending).filter(|(_, pending)| **pending) {
            asked.give_up(self.snapshot, self.limit);
        }
        given
    }
}

/// The threads that make the calls.
mod pool {
    use super::*;

    struct Pool {
        process: fork::Process,
        queue: VecDeque<Arc<Asked>>,
        /// Those that wait for something to do, by number.
        idle: Vec<(u64, Sender<()>)>,
        threads: u64,
        started: u64,
    }

    static POOL: Mutex<Option<Pool>> = Mutex::new(None);

    fn with<R>(f: impl FnOnce(&mut Pool) -> R) -> R {
        let mut pool = lock(&POOL);
        let process = fork::Process::current();
        let new = || Pool { process, queue: VecDeque::new(), idle: Vec::new(), threads: 0, started: 0 };
        // A child has no thread of its parent.
        if pool.as_ref().is_none_or(|pool| pool.process != process) {
            *pool = Some(new());
        }
        f(pool.get_or_insert_with(new))
    }

    /// Has a call made.
    pub(super) fn push(asked: Arc<Asked>) {
        let start = with(|pool| {
            pool.queue.push_back(asked);
            wake(pool) && pool.threads == 0
        });
        if start {
            self::start();
        }
    }

    /// Has another thread go on with what nobody has begun.
    pub(super) fn help() {
        let start = with(|pool| !pool.queue.is_empty() && wake(pool));
        if start {
            self::start();
        }
    }

    /// Wakes one that has nothing to do; `true` where there is none.
    fn wake(pool: &mut Pool) -> bool {
        match pool.idle.pop() {
            // Its receiver is there as long as it is in the list.
            Some((_, idle)) => idle.send(()).is_err(),
            None => true,
        }
    }

    fn start() {
        // Else a child would wait for this thread, which it has not.
        fork::watch();
        let number = with(|pool| {
            pool.threads += 1;
            pool.started += 1;
            pool.started
        });
        let thread = thread::Builder::new().name("telemetry-ask".to_owned());
        if let Err(error) = thread.spawn(move || serve(number)) {
            with(|pool| pool.threads -= 1);
            say(format_args!("no thread could be started for collectors ({error}); their families are left out"));
        }
    }

    fn serve(number: u64) {
        // What a collector sees that takes a snapshot.
        COLLECTING.set(true);
        let (wake, woken) = mpsc::channel();
        while let Some(next) = next(number, &wake) {
            match next {
                Next::Call(asked) => asked.call(),
                Next::Wait => {
                    if woken.recv_timeout(IDLE).is_err() && with(|pool| leave(pool, number)) {
                        return;
                    }
                }
            }
        }
    }

    enum Next {
        Call(Arc<Asked>),
        Wait,
    }

    /// `None` where another thread has nothing to do already.
    fn next(number: u64, wake: &Sender<()>) -> Option<Next> {
        with(|pool| {
            if let Some(asked) = pool.queue.pop_front() {
                return Some(Next::Call(asked));
            }
            if pool.idle.is_empty() {
                pool.idle.push((number, wake.clone()));
                return Some(Next::Wait);
            }
            pool.threads -= 1;
            None
        })
    }

    /// Takes a thread out of the list; `false` where it was woken at the last moment.
    fn leave(pool: &mut Pool, number: u64) -> bool {
        let before = pool.idle.len();
        pool.idle.retain(|(idle, _)| *idle != number);
        let left = pool.idle.len() < before;
        pool.threads -= u64::from(left);
        left
    }
}
