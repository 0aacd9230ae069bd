//! The signs of life of a run and of its workers, and what is in flight where there are none.
//!
//! Signs are units that are done with, [`Job::heartbeat`], requests, waits, batches and operations that begin or end, runs within the run, and measured
//! calls. The last are not told by anybody: where a run has been quiet for a while, the thread that watches the jobs looks at the counts of the threads
//! that work for it ([`place`](super::place)).

use crate::job::Job;
use crate::job::place;
use crate::job::pulse::Pulse;
use crate::job::request::Endpoint;
use crate::job::worker::WorkerState;
use crate::snapshot;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Relaxed, lock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Calls are looked at once a run has been quiet for this part of what is allowed: often enough to be in time, and never where units come.
const LOOKS_AFTER: f64 = 0.1;

/// So much of a worker's name is kept.
const LONGEST_NAME: usize = 100;

#[derive(Default)]
pub(crate) struct Life {
    /// The job that the run began in.
    parent: Option<Job>,
    /// Signs other than units.
    signs: AtomicU64,
    /// Whether it is worth the while to look for calls.
    wants_calls: AtomicBool,
    pulse: Mutex<Pulse>,
    open: Mutex<Open>,
    workers: Mutex<Workers>,
    /// What was said to be stalled: the run, and workers by number.
    said: Mutex<Said>,
}

/// Requests that are on their way.
#[derive(Default)]
struct Open {
    begun: u64,
    all: BTreeMap<u64, (Instant, Arc<Endpoint>)>,
}

#[derive(Default)]
struct Workers {
    begun: u64,
    all: Vec<Arc<WorkerState>>,
}

#[derive(Default)]
struct Said {
    /// Since when it was quiet, in seconds of the run.
    run: Option<f64>,
    workers: BTreeMap<u64, (Arc<str>, f64)>,
}

/// That a run or a worker has stalled, or moves again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Stalled { worker: Option<Arc<str>>, quiet: f64, in_flight: Vec<InFlight> },
    Moves { worker: Option<Arc<str>>, after: f64 },
}

/// Something that began and has not ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InFlight {
    pub(crate) what: String,
    pub(crate) seconds: f64,
}

impl Life {
    pub(crate) fn within(parent: Option<Job>) -> Life {
        Life { parent, ..Life::default() }
    }

    #[inline]
    pub(crate) fn sign(&self) {
        self.signs.fetch_add(1, Relaxed);
    }

    /// A sign for the job that this run began in, and so for its worker.
    pub(crate) fn sign_outside(&self) {
        if let Some(parent) = &self.parent {
            parent.heartbeat();
        }
    }

    pub(crate) fn wants_calls(&self) -> bool {
        self.wants_calls.load(Relaxed)
    }

    /// Reads what there was of signs since the last time, at this second of the run.
    pub(crate) fn read(&self, at: f64, units: u64, told: Option<Duration>) {
        let signs = self.signs.load(Relaxed).wrapping_add(units);
        let mut pulse = lock(&self.pulse);
        let allowed = pulse.allowed(told);
        if pulse.read(at, signs, allowed) {
            self.sign_outside();
        }
        let mut looks = pulse.quiet(at) > allowed * LOOKS_AFTER;
        drop(pulse);
        let workers = lock(&self.workers);
        let allowed = workers.allowed(told);
        for (worker, allowed) in workers.all.iter().zip(&allowed) {
            let mut pulse = lock(&worker.pulse);
            pulse.read(at, worker.signs(), *allowed);
            if worker.is_idle() {
                pulse.rest(at);
            }
            looks |= pulse.quiet(at) > allowed * LOOKS_AFTER;
        }
        self.wants_calls.store(looks, Relaxed);
    }

    /// Whether it has been quiet for longer than it may, at this second of the run.
    pub(crate) fn is_stalled(&self, at: f64, told: Option<Duration>) -> bool {
        let pulse = lock(&self.pulse);
        pulse.quiet(at) > pulse.allowed(told)
    }

    /// Seconds since the last sign.
    pub(crate) fn quiet(&self, at: f64) -> f64 {
        lock(&self.pulse).quiet(at)
    }

    /// Its workers, in the order of their beginning.
    pub(crate) fn workers(&self, at: f64, told: Option<Duration>) -> Vec<snapshot::Worker> {
        lock(&self.workers).shown(at, told).map(|(_, shown)| shown).collect()
    }

    pub(crate) fn hire(&self, name: &str, at: f64) -> Arc<WorkerState> {
        let mut workers = lock(&self.workers);
        workers.begun += 1;
        let name: String = name.chars().take(LONGEST_NAME).map(|c| if c.is_control() { '?' } else { c }).collect();
        let worker = Arc::new(WorkerState::new(workers.begun, &name, at));
        workers.all.push(worker.clone());
        worker
    }

    pub(crate) fn dismiss(&self, worker: &Arc<WorkerState>) {
        self.sign();
        lock(&self.workers).all.retain(|other| !Arc::ptr_eq(other, worker));
    }

    /// The worker of this number.
    pub(crate) fn worker(&self, id: u64) -> Option<Arc<WorkerState>> {
        lock(&self.workers).all.iter().find(|worker| worker.id == id).cloned()
    }

    /// A request begins; the number is for its end.
    pub(crate) fn opens(&self, endpoint: &Arc<Endpoint>, now: Instant) -> u64 {
        let mut open = lock(&self.open);
        open.begun += 1;
        let number = open.begun;
        open.all.insert(number, (now, endpoint.clone()));
        number
    }

    pub(crate) fn closes(&self, number: u64) {
        lock(&self.open).all.remove(&number);
    }

    /// What is known to be in flight, the oldest first: the oldest request, the call on each thread that works for the run, or for that worker of it.
    fn in_flight(&self, run: u64, worker: Option<u64>, now: Instant) -> Vec<InFlight> {
        let mut all = place::in_flight(run, worker);
        // Whose request it is, nobody knows.
        if worker.is_none() {
            all.extend(lock(&self.open).all.values().next().map(|(since, endpoint)| InFlight {
                what: format!("request {}", endpoint.name()),
                seconds: now.saturating_duration_since(*since).as_secs_f64(),
            }));
        }
        all.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        all.truncate(3); // a line has room for so much
        all
    }

    /// What has stalled or moves again since the last time.
    pub(crate) fn changes(&self, run: u64, at: f64, now: Instant, told: Option<Duration>) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut said = lock(&self.said);
        let quiet = self.quiet(at);
        match (self.is_stalled(at, told), said.run) {
            (true, None) => {
                said.run = Some(at - quiet);
                changes.push(Change::Stalled { worker: None, quiet, in_flight: self.in_flight(run, None, now) });
            }
            (false, Some(since)) => {
                said.run = None;
                changes.push(Change::Moves { worker: None, after: at - quiet - since });
            }
            _ => {}
        }
        let workers = lock(&self.workers);
        // One that is gone has come to its end, and so went on.
        said.workers.retain(|id, (name, since)| {
            let is_here = workers.all.iter().any(|worker| worker.id == *id);
            if !is_here {
                changes.push(Change::Moves { worker: Some(name.clone()), after: at - *since });
            }
            is_here
        });
        for (state, shown) in workers.shown(at, told) {
            let name = Some(state.name.clone());
            match (shown.stalled, said.workers.contains_key(&state.id)) {
                (true, false) => {
                    said.workers.insert(state.id, (state.name.clone(), at - shown.quiet_seconds));
                    let in_flight = self.in_flight(run, Some(state.id), now);
                    changes.push(Change::Stalled { worker: name, quiet: shown.quiet_seconds, in_flight });
                }
                (false, true) => {
                    let since = said.workers.remove(&state.id).map_or(at, |(_, since)| since);
                    changes.push(Change::Moves { worker: name, after: at - shown.quiet_seconds - since });
                }
                _ => {}
            }
        }
        changes
    }
}

impl Workers {
    fn shown(&self, at: f64, told: Option<Duration>) -> impl Iterator<Item = (&Arc<WorkerState>, snapshot::Worker)> {
        self.all.iter().zip(self.allowed(told)).map(move |(worker, allowed)| {
            let quiet_seconds = lock(&worker.pulse).quiet(at);
            let idle = worker.is_idle();
            let stalled = !idle && quiet_seconds > allowed;
            (worker, snapshot::Worker { name: worker.name.clone(), quiet_seconds, idle, stalled })
        })
    }

    /// Seconds of quiet that each is allowed. One that never gave a sign is judged by the slowest of those that did.
    fn allowed(&self, told: Option<Duration>) -> Vec<f64> {
        let pulses: Vec<Pulse> = self.all.iter().map(|worker| *lock(&worker.pulse)).collect();
        let begun = pulses.iter().filter(|pulse| pulse.has_begun());
        let slowest = begun.map(|pulse| pulse.allowed(told)).reduce(f64::max);
        let of = |pulse: &Pulse| match slowest {
            Some(slowest) if !pulse.has_begun() => pulse.allowed(told).min(slowest),
            _ => pulse.allowed(told),
        };
        pulses.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::run::Run;

    fn read(life: &Life, at: f64) -> (bool, Vec<String>) {
        life.read(at, 0, None);
        let stalled = life.workers(at, None).into_iter().filter(|worker| worker.stalled);
        (life.is_stalled(at, None), stalled.map(|worker| worker.name.to_string()).collect())
    }

    #[test]
    fn a_worker_that_hangs_is_named_although_the_others_live() {
        let life = Life::default();
        let (quick, hangs) = (life.hire("quick", 0.0), life.hire("hangs", 0.0));
        hangs.sign();
        for second in 1..=70 {
            quick.sign();
            life.sign();
            let (stalled, workers) = read(&life, f64::from(second));
            assert!(!stalled);
            let expected: &[&str] = if second > 61 { &["hangs"] } else { &[] };
            assert_eq!(workers, expected, "at {second}");
        }
        hangs.sign();
        assert!(read(&life, 71.0).1.is_empty());
    }

    #[test]
    fn a_worker_that_hangs_from_the_start_is_judged_by_the_others() {
        let life = Life::default();
        let (quick, _hangs) = (life.hire("quick", 0.0), life.hire("hangs", 0.0));
        for second in 1..=61 {
            quick.sign();
            read(&life, f64::from(second));
        }
        assert_eq!(read(&life, 61.5).1, ["hangs"]);
    }

    #[test]
    fn a_worker_that_is_idle_or_gone_does_not_stall() {
        let life = Life::default();
        let worker = life.hire("worker", 0.0);
        worker.sign();
        read(&life, 1.0);
        assert_eq!(read(&life, 70.0).1, ["worker"]);
        life.dismiss(&worker);
        assert!(read(&life, 71.0).1.is_empty());

        let job = Job::of(Run::new(0, "idle", "days", None, None));
        let (life, worker) = (&job.run.life, job.worker("idle"));
        worker.heartbeat();
        read(life, 1.0);
        let idle = worker.idle();
        assert!(read(life, 600.0).1.is_empty());
        drop(idle);
        assert!(read(life, 601.0).1.is_empty());
        assert!(read(life, 660.0).1.is_empty());
        assert_eq!(read(life, 662.0).1, ["idle"], "what it was idle for was no pause");
    }

    #[test]
    fn a_stall_is_said_once_and_its_end_once() {
        let life = Life::default();
        let worker = life.hire("fetch\n1", 0.0);
        let now = Instant::now();
        let changes = |at: f64| {
            life.read(at, 0, None);
            life.changes(0, at, now, None)
        };
        assert_eq!(changes(1.0), []);
        let stalled = |worker, quiet| Change::Stalled { worker, quiet, in_flight: Vec::new() };
        let name = Some(Arc::from("fetch?1"));
        assert_eq!(changes(601.0), [stalled(None, 601.0), stalled(name.clone(), 601.0)]);
        assert_eq!(changes(602.0), []);
        worker.sign();
        assert_eq!(changes(603.0), [Change::Moves { worker: name, after: 603.0 }]);
        life.sign();
        assert_eq!(changes(604.0), [Change::Moves { worker: None, after: 604.0 }]);
        assert_eq!(changes(605.0), []);
    }
}
