//! How a collector has done so far: what it failed at, what of it was left out, how long it took.

use crate::builtin::own as families;
use crate::notice::say;
use crate::registry::Collection;
use crate::sync::{AtomicU64, Relaxed};
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

/// What is known of one collector.
pub(crate) struct Standing {
    name: String,
    failures: [AtomicU64; Failure::ALL.len()],
    dropped: [AtomicU64; Why::ALL.len()],
    /// Nanoseconds that its last answer took; 0 before.
    took: AtomicU64,
}

impl Standing {
    pub(super) fn new(name: String) -> Standing {
        let zero = || AtomicU64::new(0);
        Standing {
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
                "the collector {name} panicked; its families are left out wherever it does, and telemetry_collector_failures_total counts it"
            )),
            Failure::Timeout => say(format_args!(
                "the collector {name} did not answer within {limit:?}; its families are left out until it does, and \
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
                    "something that the collector {name} gave was left out ({why}); telemetry_collector_dropped_total counts it"
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

    /// Gives the figures that there are.
    pub(super) fn give(&self, out: &mut Collection) {
        let name = &*self.name;
        let read = |cell: &AtomicU64| cell.load(Relaxed);
        // Also at zero, so that the first failure is an increase.
        for (reason, count) in Failure::ALL.iter().zip(&self.failures) {
            out.counter(&families::telemetry_collector_failures_total::DESCRIPTOR, &[name, reason], read(count));
        }
        for (reason, count) in Why::ALL.iter().zip(&self.dropped).filter(|(_, count)| read(count) > 0) {
            out.counter(&families::telemetry_collector_dropped_total::DESCRIPTOR, &[name, reason], read(count));
        }
        let took = read(&self.took);
        if took > 0 {
            let seconds = Duration::from_nanos(took).as_secs_f64();
            out.gauge(&families::telemetry_collector_duration_seconds::DESCRIPTOR, &[name], seconds);
        }
    }
}
