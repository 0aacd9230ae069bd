//! Where jobs are worked on: which thread works for which job now, and whether the calls on it go on.
//!
//! A thread says for whom it works with a few stores of its own when it enters or leaves a job; the rest is done by the thread that watches the jobs, and only
//! for jobs that have been quiet for a while. What comes and goes between two of its looks, as short polls do, compares for itself, but only while such a
//! job asks for it.

use crate::job::Job;
use crate::job::life::InFlight;
use crate::job::run::Run;
use crate::private::RECORDS;
use crate::record::calls::Calls;
use crate::sync::{AtomicU64, Mutex, Relaxed, lock};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// A thread that works or worked for a job.
struct Place {
    /// The run, or 0.
    run: AtomicU64,
    /// The worker of it, or 0.
    worker: AtomicU64,
    /// Counts what enters or leaves: two looks at one visit can be compared.
    visit: AtomicU64,
    calls: Calls,
    seen: Mutex<Option<(u64, u64)>>,
}

static PLACES: Mutex<Vec<Arc<Place>>> = Mutex::new(Vec::new());

/// What the calling thread works for.
#[derive(Default)]
struct Here {
    job: RefCell<Option<Job>>,
    place: RefCell<Option<Arc<Place>>>,
    /// How many calls there had been when the job was entered, where it asks for that.
    before: Cell<Option<u64>>,
}

thread_local! {
    static HERE: Here = Here::default();
}

/// The job whose function, or whose future's poll, is running on this thread; the innermost one.
pub(crate) fn current() -> Option<Job> {
    // Fails where the thread is ending, and never finds the cell borrowed: nothing is called while it is.
    HERE.try_with(|here| here.job.try_borrow().ok().and_then(|job| job.clone())).ok().flatten()
}

/// Puts `job` in the place of the current one, which is then in `job`. Done twice, nothing has changed.
pub(crate) fn exchange(job: &mut Option<Job>) {
    let _ = HERE.try_with(|here| here.exchange(job));
}

impl Here {
    fn exchange(&self, job: &mut Option<Job>) {
        let Ok(mut current) = self.job.try_borrow_mut() else { return };
        if let (Some(before), Some(left)) = (self.before.take(), &*current) {
            if self.calls().is_some_and(|calls| calls != before) {
                left.heartbeat();
            }
        }
        std::mem::swap(&mut *current, job);
        if RECORDS {
            self.show(current.as_ref());
        }
    }

    fn calls(&self) -> Option<u64> {
        self.place.borrow().as_ref().map(|place| place.calls.count())
    }

    fn show(&self, job: Option<&Job>) {
        let mut place = self.place.borrow_mut();
        let place = place.get_or_insert_with(Place::new);
        place.visit.store(place.visit.load(Relaxed).wrapping_add(1), Relaxed);
        place.run.store(job.map_or(0, |job| job.run.id), Relaxed);
        place.worker.store(job.and_then(|job| job.worker.as_ref()).map_or(0, |worker| worker.id), Relaxed);
        if let Some(job) = job {
            place.calls.follow();
            if job.run.life.wants_calls() {
                self.before.set(Some(place.calls.count()));
            }
        }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            lock(&PLACES).retain(|other| !Arc::ptr_eq(other, &place));
        }
    }
}

impl Place {
    fn new() -> Arc<Place> {
        let place = Arc::new(Place {
            run: AtomicU64::new(0),
            worker: AtomicU64::new(0),
            visit: AtomicU64::new(0),
            calls: Calls::nowhere(),
            seen: Mutex::new(None),
        });
        lock(&PLACES).push(place.clone());
        place
    }

    /// Whether calls began or ended since the last look at the same visit.
    fn went_on(&self) -> bool {
        let visit = self.visit.load(Relaxed);
        let calls = self.calls.count();
        let before = lock(&self.seen).replace((visit, calls));
        before.is_some_and(|(visit_before, calls_before)| visit_before == visit && calls_before != calls)
    }
}

/// Gives a sign of life to those of these runs, and to their workers, whose calls went on since the last look.
pub(crate) fn look(runs: &[Arc<Run>]) {
    if !runs.iter().any(|run| run.life.wants_calls()) {
        return;
    }
    for place in &*lock(&PLACES) {
        let id = place.run.load(Relaxed);
        let run = runs.iter().find(|run| run.id == id && run.life.wants_calls());
        match run {
            Some(run) if place.went_on() => {
                run.life.sign();
                if let Some(worker) = run.life.worker(place.worker.load(Relaxed)) {
                    worker.sign();
                }
            }
            Some(_) => {}
            None => *lock(&place.seen) = None,
        }
    }
}

/// The call that began last on each thread that works for this run, or for this worker of it.
pub(crate) fn in_flight(run: u64, worker: Option<u64>) -> Vec<InFlight> {
    let places = lock(&PLACES);
    let of_run = places.iter().filter(|place| place.run.load(Relaxed) == run);
    let of_worker = of_run.filter(|place| worker.is_none_or(|worker| place.worker.load(Relaxed) == worker));
    let innermost = of_worker.filter_map(|place| place.calls.innermost());
    innermost.map(|(function, seconds)| InFlight { what: format!("call {function}"), seconds }).collect()
}

#[cfg(all(test, not(telemetry_off)))]
mod tests {
    use super::*;
    use crate::record::{CallSite, Ending, enter};
    use std::time::Duration;

    static SITE: CallSite = CallSite::new("keeps_alive", || "", "", "", 0);

    fn call() {
        enter(&SITE, false).end(Ending::ok_if(&(), |()| true));
    }

    /// A job that may be quiet for ten seconds, and has been for five.
    fn quiet(id: u64) -> Job {
        let job = Job::of(Run::new(id, "quiet", "days", None, Some(Duration::from_secs(10))));
        job.run.life.read(5.0, 0, Some(Duration::from_secs(10)));
        assert!(job.run.life.wants_calls());
        job
    }

    /// Whether it is stalled ten seconds later, after one more look.
    fn stalls(job: &Job) -> bool {
        look(std::slice::from_ref(&job.run));
        let told = Some(Duration::from_secs(10));
        job.run.life.read(11.0, 0, told);
        job.run.life.is_stalled(11.0, told)
    }

    #[test]
    fn a_call_within_a_job_keeps_it_alive() {
        let job = quiet(u64::MAX);
        let stalled = job.scope(|| {
            look(std::slice::from_ref(&job.run));
            call();
            stalls(&job)
        });
        assert!(!stalled);
    }

    #[test]
    fn without_calls_it_stalls() {
        let job = quiet(u64::MAX - 1);
        let stalled = job.scope(|| {
            look(std::slice::from_ref(&job.run));
            stalls(&job)
        });
        assert!(stalled);
    }

    #[test]
    fn a_call_elsewhere_does_not_keep_it_alive() {
        let job = quiet(u64::MAX - 2);
        job.scope(|| look(std::slice::from_ref(&job.run)));
        call();
        std::thread::scope(|scope| scope.spawn(call).join().unwrap());
        assert!(stalls(&job));
    }

    #[test]
    fn a_call_that_runs_keeps_it_alive_at_its_begin_and_its_end_alone() {
        let job = quiet(u64::MAX - 3);
        job.scope(|| {
            let look_at_it = || look(std::slice::from_ref(&job.run));
            let signs = |at: f64| {
                look_at_it();
                job.run.life.read(at, 0, Some(Duration::from_secs(10)));
                job.run.life.quiet(at)
            };
            look_at_it();
            let running = enter(&SITE, false);
            assert_eq!(signs(6.0), 0.0);
            assert_eq!(signs(8.0), 2.0, "it runs, and nothing else is known of it");
            assert_eq!(in_flight(job.run.id, None).len(), 1);
            running.end(Ending::ok_if(&(), |()| true));
            assert_eq!(signs(9.0), 0.0);
            assert_eq!(in_flight(job.run.id, None).len(), 0);
        });
    }

    #[test]
    fn a_short_poll_tells_of_its_calls_where_it_is_asked_to() {
        let job = quiet(u64::MAX - 4);
        job.scope(call);
        assert!(!stalls(&job));
        let job = quiet(u64::MAX - 5);
        job.scope(|| ());
        assert!(stalls(&job));
    }

    #[test]
    fn a_call_of_a_worker_is_its_own_sign_of_life() {
        let job = quiet(u64::MAX - 6);
        let (works, hangs) = (job.worker("works"), job.worker("hangs"));
        hangs.scope(|| works.scope(call));
        let told = Some(Duration::from_secs(10));
        job.run.life.read(11.0, 0, told);
        let stalled: Vec<bool> = job.run.life.workers(11.0, told).iter().map(|worker| worker.stalled).collect();
        assert_eq!(stalled, [false, true]);
    }

    #[test]
    fn a_run_within_a_run_keeps_it_alive() {
        let outer = quiet(u64::MAX - 7);
        let inner = Run::new(u64::MAX - 8, "inner", "days", None, None)
            .living(crate::job::life::Life::within(Some(outer.clone())));
        inner.life.read(1.0, 1, None);
        assert!(!stalls(&outer));
    }
}
