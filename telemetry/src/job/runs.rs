//! All runs of the process, and the thread that watches them while there are any.
//!
//! Counting must cost next to nothing, so it takes no time and tells nobody. What needs a clock (rates, pauses, the bar, waking
//! those who wait for the end) is done by one thread, ten times a second, from the first job's start to the last one's end.

use crate::job::place;
use crate::job::progress;
use crate::job::run::Run;
use crate::job::signal;
use crate::record::isolated;
use crate::sync::{Mutex, Relaxed, lock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How many ended runs a snapshot still shows.
const ENDED_KEPT: usize = 100;
/// 100 ms: a bar that moves, and an end that feels immediate.
const TICK: Duration = Duration::from_millis(100);

struct Runs {
    /// In the order of their start.
    all: VecDeque<Arc<Run>>,
    started: u64,
    watched: bool,
}

static RUNS: Mutex<Runs> = Mutex::new(Runs { all: VecDeque::new(), started: 0, watched: false });

/// Makes a run and has it watched from now on.
pub(crate) fn begin(make: impl FnOnce(u64) -> Run) -> Arc<Run> {
    signal::begin();
    let mut runs = lock(&RUNS);
    runs.started += 1;
    let run = Arc::new(make(runs.started));
    for twin in runs.all.iter().filter(|other| other.name == run.name && other.is_running()) {
        run.has_twin.store(true, Relaxed);
        twin.has_twin.store(true, Relaxed);
    }
    runs.all.push_back(run.clone());
    if !runs.watched {
        // Without the thread there is no bar, and a signal is seen by `is_cancelled` alone; all else works.
        runs.watched = thread::Builder::new().name("telemetry-jobs".into()).spawn(watch).is_ok();
    }
    run
}

/// The run has ended: shows that, forgets the oldest ended ones, and gives the signals back after the last.
pub(crate) fn end(run: &Arc<Run>) {
    {
        let mut runs = lock(&RUNS);
        let ended = runs.all.iter().filter(|run| !run.is_running()).count();
        for _ in ENDED_KEPT..ended {
            if let Some(oldest) = runs.all.iter().position(|run| !run.is_running()) {
                runs.all.remove(oldest);
            }
        }
    }
    progress::end(run);
    signal::end();
}

/// Every run that is known, or in a scope every one that began in there, in the order of their start.
pub(crate) fn all() -> Vec<Arc<Run>> {
    let scope = isolated::current_if_any().map(std::ptr::from_ref);
    let runs = lock(&RUNS);
    runs.all.iter().filter(|run| run.scope.map(std::ptr::from_ref) == scope).cloned().collect()
}

fn watch() {
    let mut announced = None;
    loop {
        // First, so that a job of a moment has no bar.
        thread::sleep(TICK);
        let Some(running) = running() else { return };
        let now = Instant::now();
        for run in &running {
            run.read(now);
        }
        place::look(&running);
        for run in running.iter().filter(|run| run.is_running()) {
            run.changes(now).iter().for_each(|change| progress::announce_change(run, change));
        }
        let asked = signal::asked();
        if let Some(signal) = asked {
            let stopping: Vec<_> = running.iter().filter(|run| run.is_running() && !run.cancel.is_asked()).collect();
            // Said before it is done: those who are woken may have ended at once.
            if announced != asked && !stopping.is_empty() {
                progress::announce_stop(signal, &stopping);
            }
            for run in &stopping {
                run.cancel.ask();
            }
        }
        announced = asked;
        progress::show(&running, now);
    }
}

/// The runs that go on, or `None` where there are none; the thread is then over, and the next job starts another.
fn running() -> Option<Vec<Arc<Run>>> {
    let mut runs = lock(&RUNS);
    let running: Vec<_> = runs.all.iter().filter(|run| run.is_running()).cloned().collect();
    runs.watched = !running.is_empty();
    runs.watched.then_some(running)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::run::RunResult;

    #[test]
    fn ended_runs_are_kept_up_to_a_number_and_running_ones_always() {
        progress::progress(progress::Progress::Off);
        let running = begin(|id| Run::new(id, "kept_running", "days", None, None));
        for _ in 0..ENDED_KEPT + 20 {
            let run = begin(|id| Run::new(id, "kept_ended", "days", None, None));
            run.end(RunResult::Ok, Instant::now());
            end(&run);
        }
        let all = all();
        assert!(all.iter().filter(|run| !run.is_running()).count() <= ENDED_KEPT);
        assert!(all.iter().any(|run| run.id == running.id));
        running.end(RunResult::Ok, Instant::now());
        end(&running);
    }
}
