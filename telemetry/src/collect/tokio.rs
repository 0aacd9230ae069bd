//! tokio's runtimes: how many tasks they have, how busy their workers are.
//!
//! The runtime in which [`init`](crate::init()) is called is known by itself; others are told with [`watch`]. What is read are counters of tokio's own,
//! which a runtime keeps anyway, so watching one costs nothing but the reading. Built with `--cfg tokio_unstable` there is more.

use crate::builtin::tokio as families;
use crate::metric::Descriptor;
use crate::registry::{Collection, Collector};
use crate::sync::{Mutex, lock};
use std::collections::BTreeMap;
use tokio::runtime::{Handle, RuntimeMetrics};

/// By the name that it was given.
static RUNTIMES: Mutex<BTreeMap<String, RuntimeMetrics>> = Mutex::new(BTreeMap::new());

/// Shows a runtime under the label `runtime`, in place of one that had the name before.
///
/// ```
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// telemetry::tokio::watch("requests", runtime.handle());
/// assert_eq!(telemetry::testing::value("tokio_workers", &[("runtime", "requests")]), Some(1.0));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn watch(name: impl Into<String>, runtime: &Handle) {
    lock(&RUNTIMES).insert(name.into(), runtime.metrics());
}

/// Shows a runtime no more, as when it was shut down. `false` where none has the name.
pub fn unwatch(name: &str) -> bool {
    lock(&RUNTIMES).remove(name).is_some()
}

/// Watches the runtime that the caller is in, if it is in one, and if none has the name.
pub(crate) fn watch_current() {
    if let Ok(handle) = Handle::try_current() {
        lock(&RUNTIMES).entry("main".to_owned()).or_insert_with(|| handle.metrics());
    }
}

/// Reads all of them.
pub(crate) struct Runtimes;

impl Collector for Runtimes {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        let runtimes = lock(&RUNTIMES).clone();
        for (name, metrics) in &runtimes {
            give(name, metrics, out);
            #[cfg(tokio_unstable)]
            unstable::give(name, metrics, out);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "tasks and threads fit in memory")]
fn give(name: &str, metrics: &RuntimeMetrics, out: &mut Collection) {
    out.gauge(&families::tokio_workers::DESCRIPTOR, &[name], metrics.num_workers() as f64);
    out.gauge(&families::tokio_alive_tasks::DESCRIPTOR, &[name], metrics.num_alive_tasks() as f64);
    out.gauge(&families::tokio_global_queue_tasks::DESCRIPTOR, &[name], metrics.global_queue_depth() as f64);
    // tokio has them only where these atomics exist.
    #[cfg(target_has_atomic = "64")]
    for worker in 0..metrics.num_workers() {
        let labels = [name, &*worker.to_string()];
        let busy = metrics.worker_total_busy_duration(worker);
        out.seconds(&families::tokio_worker_busy_seconds_total::DESCRIPTOR, &labels, busy);
        out.counter(&families::tokio_worker_parks_total::DESCRIPTOR, &labels, metrics.worker_park_count(worker));
    }
}

/// What tokio may change with any version.
#[cfg(tokio_unstable)]
pub(crate) mod unstable {
    use crate::builtin::tokio_unstable as families;
    use crate::metric::Descriptor;
    use crate::registry::{Collection, Collector};
    use tokio::runtime::RuntimeMetrics;

    /// Says that the families below are given, by the collector above.
    pub(crate) struct Described;

    impl Collector for Described {
        fn describe(&self) -> &[Descriptor] {
            families::CATALOG
        }

        fn collect(&self, _out: &mut Collection) {}
    }

    #[expect(clippy::cast_precision_loss, reason = "tasks and threads fit in memory")]
    pub(super) fn give(name: &str, metrics: &RuntimeMetrics, out: &mut Collection) {
        let blocking = metrics.num_blocking_threads() as f64;
        out.gauge(&families::tokio_blocking_threads::DESCRIPTOR, &[name], blocking);
        let idle = metrics.num_idle_blocking_threads() as f64;
        out.gauge(&families::tokio_idle_blocking_threads::DESCRIPTOR, &[name], idle);
        let queued = metrics.blocking_queue_depth() as f64;
        out.gauge(&families::tokio_blocking_queue_tasks::DESCRIPTOR, &[name], queued);
        out.counter(&families::tokio_spawned_tasks_total::DESCRIPTOR, &[name], metrics.spawned_tasks_count());
        let yields = metrics.budget_forced_yield_count();
        out.counter(&families::tokio_budget_forced_yields_total::DESCRIPTOR, &[name], yields);
        out.counter(&families::tokio_remote_schedules_total::DESCRIPTOR, &[name], metrics.remote_schedule_count());
        for worker in 0..metrics.num_workers() {
            let labels = [name, &*worker.to_string()];
            let queued = metrics.worker_local_queue_depth(worker) as f64;
            out.gauge(&families::tokio_worker_local_queue_tasks::DESCRIPTOR, &labels, queued);
            out.counter(&families::tokio_worker_polls_total::DESCRIPTOR, &labels, metrics.worker_poll_count(worker));
            out.counter(&families::tokio_worker_steals_total::DESCRIPTOR, &labels, metrics.worker_steal_count(worker));
            let overflows = metrics.worker_overflow_count(worker);
            out.counter(&families::tokio_worker_overflows_total::DESCRIPTOR, &labels, overflows);
        }
    }
}
