//! How a collector has done so far: what it failed at, what of it was left out, how long it took.

use crate::builtin::own as families;
use crate::notice::say;
use crate::registry::Collection;
use crate::sync::{AtomicBool, AtomicU64, Relaxed};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Why a collector gave nothing for a snapshot.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    Panic,
    /// It did not answer in time.
    Timeout,
    /// It was not asked, since it has not come back from an earlier time.
    Hung,
}

/// Why something that a collector gave was left out.
#[derive(Clone, Copy)]
pub(crate) enum Why {
    /// The name has been given to something else.
    Clash,
    /// The labels were given before.
    Duplicate,
    /// A value of another kind than the family's.
    Kind,
    /// Another number of labels.
    Labels,
    /// No name that Prometheus takes.
    Name,
    /// NaN or infinite.
    Number,
    /// The collector did not say that it gives this family.
    Undescribed,
}

impl Failure {
    const ALL: [&str; 3] = ["panic", "timeout", "hung"];
}

impl Why {
    pub(crate) const ALL: [&str; 7] = ["clash", "duplicate", "kind", "labels", "name", "number", "undescribed"];
}

/// So many names of collectors are told apart; the others are one.
const NAMES: usize = 1_000;

/// What is known of all collectors, by name. Those of one name are counted together, and one that comes back goes on where it was, since counters
/// must not fall.
#[derive(Default)]
pub(super) struct Standings(BTreeMap<String, Arc<Standing>>);

impl Standings {
    pub(super) fn of(&mut self, name: String) -> Arc<Standing> {
        let known = self.0.contains_key(&name) || self.0.len() < NAMES;
        let name = if known { name } else { "other".to_owned() };
        Arc::clone(self.0.entry(name).or_insert_with_key(|name| Arc::new(Standing::new(name.clone()))))
    }

    /// Gives the counts of all that were ever asked with a limit.
    pub(super) fn give(&self, out: &mut Collection) {
        for standing in self.0.values().filter(|standing| standing.limited.load(Relaxed)) {
            standing.give(out);
        }
    }
}

/// What is known of the collectors of one name.
pub(crate) struct Standing {
    /// Whether one was asked with a limit: only those can fail in ways that must be told.
    limited: AtomicBool,
    name: String,
    failures: [AtomicU64; Failure::ALL.len()],
    dropped: [AtomicU64; Why::ALL.len()],
    /// Nanoseconds that its last answer took; 0 before.
    took: AtomicU64,
}

impl Standing {
    fn new(name: String) -> Standing {
        let zero = || AtomicU64::new(0);
        Standing {
            limited: AtomicBool::new(false),
            name,
            failures: std::array::from_fn(|_| zero()),
            dropped: std::array::from_fn(|_| zero()),
            took: zero(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Counts a failure, and says it on standard error the first time.
    pub(super) fn failed(&self, failure: Failure, limit: Duration) {
        let before = self.failures[failure as usize].fetch_add(1, Relaxed);
        let name = &self.name;
        match failure {
            _ if before > 0 => {}
            Failure::Panic => say(format_args!(
                "the collector `{name}` panicked; its families are left out wherever it does, and telemetry_collector_failures_total counts it"
            )),
            Failure::Timeout => say(format_args!(
                "the collector `{name}` did not answer within {limit:?}; its families are left out until it does, and \
                 telemetry_collector_failures_total counts it. TELEMETRY_COLLECTOR_TIMEOUT is how long a snapshot waits."
            )),
            // Was said when it did not answer.
            Failure::Hung => {}
        }
    }

    /// Counts what was left out of an answer, and says each reason the first time.
    pub(super) fn dropped(&self, dropped: &[u64; Why::ALL.len()]) {
        for ((why, cell), &count) in Why::ALL.iter().zip(&self.dropped).zip(dropped) {
            if count > 0 && cell.fetch_add(count, Relaxed) == 0 {
                let name = &self.name;
                say(format_args!(
                    "something that the collector `{name}` gave was left out ({why}); telemetry_collector_dropped_total counts it"
                ));
            }
        }
    }

    /// Counts a family whose name belongs to somebody else.
    pub(super) fn clashed(&self) {
        self.dropped[Why::Clash as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn took(&self, time: Duration) {
        self.took.store(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1), Relaxed);
    }

    /// Gives the counts.
    fn give(&self, out: &mut Collection) {
        let name = &*self.name;
        let read = |cell: &AtomicU64| cell.load(Relaxed);
        // Also at zero, so that the first failure is an increase.
        for (reason, count) in Failure::ALL.iter().zip(&self.failures) {
            out.counter(&families::telemetry_collector_failures_total::DESCRIPTOR, &[name, reason], read(count));
        }
        for (reason, count) in Why::ALL.iter().zip(&self.dropped).filter(|(_, count)| read(count) > 0) {
            out.counter(&families::telemetry_collector_dropped_total::DESCRIPTOR, &[name, reason], read(count));
        }
    }

    /// Gives what is so as long as there is one of the name.
    pub(super) fn give_present(&self, out: &mut Collection) {
        let took = self.took.load(Relaxed);
        if took > 0 {
            let seconds = Duration::from_nanos(took).as_secs_f64();
            out.gauge(&families::telemetry_collector_duration_seconds::DESCRIPTOR, &[&self.name], seconds);
        }
    }

    /// One of the name is asked with a limit.
    pub(super) fn is_limited(&self) {
        self.limited.store(true, Relaxed);
    }
}
