//! What the library says of itself.

use crate::builtin::own as families;
use crate::metric::{self, Descriptor};
use crate::record::budget::{self, PROBES, Probe};
use crate::record::shard::{self, TRACKING};
use crate::record::{clock, dropped, guard, probe, thread};
use crate::registry::{Collection, Collector};
use crate::snapshot::{Family, Labels, Series, Value};
use crate::sync::{AtomicU64, Relaxed};
use std::time::Duration;

pub(crate) struct Own;

impl Collector for Own {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        let built =
            [env!("CARGO_PKG_VERSION"), env!("TELEMETRY_RUSTC"), env!("TELEMETRY_PROFILE"), env!("TELEMETRY_TARGET")];
        out.info(&families::telemetry_build_info::DESCRIPTOR, &built);
        out.info(&families::telemetry_clock_info::DESCRIPTOR, &[clock::clock().source]);
        out.counter(&families::telemetry_dropped_observations_total::DESCRIPTOR, &[], dropped::observations());
        out.counter(&families::telemetry_clock_steps_total::DESCRIPTOR, &[], dropped::clock_steps());
        if TRACKING.load(Relaxed) {
            let bytes = thread::unattributed_bytes();
            out.counter(&families::telemetry_unattributed_allocated_bytes_total::DESCRIPTOR, &[], bytes);
        }
        Overhead::read().give(out);
        for family in metric::families().iter() {
            if family.capped() > 0 {
                let name = family.shown().name;
                out.counter(&families::telemetry_capped_lookups_total::DESCRIPTOR, &[name], family.capped());
            }
            if family.cut() > 0 {
                let name = family.shown().name;
                out.counter(&families::telemetry_cut_lookups_total::DESCRIPTOR, &[name], family.cut());
            }
        }
    }
}

/// What measuring cost, in ticks over all functions and threads.
#[derive(Default)]
struct Overhead {
    /// Calls and polls.
    visits: u64,
    own: u64,
    spent: [u64; PROBES],
}

impl Overhead {
    fn read() -> Overhead {
        let read = |cell: &AtomicU64| cell.load(Relaxed);
        let mut all = Overhead::default();
        for cell in shard::all().iter().flat_map(|shard| shard.sites.iter()) {
            // A future is visited at each poll, of which the first is its start.
            all.visits += read(&cell.polls).max(read(&cell.started));
            all.own += read(&cell.own);
            let Some(probes) = cell.existing_probes() else { continue };
            for (sum, spent) in all.spent.iter_mut().zip(&probes.plan.spent) {
                *sum += read(spent);
            }
        }
        all
    }

    fn give(&self, out: &mut Collection) {
        let timing = guard::floor().saturating_mul(self.visits);
        self.give_one("timing", timing, out);
        for probe in Probe::ALL.into_iter().filter(|&probe| probe::exists(probe)) {
            self.give_one(probe.as_str(), self.spent[probe as usize], out);
            let unread = probe::unread(probe);
            out.counter(&families::telemetry_unread_calls_total::DESCRIPTOR, &[probe.as_str()], unread);
        }
        out.gauge(&families::telemetry_overhead_budget_ratio::DESCRIPTOR, &[], budget::share());
    }

    fn give_one(&self, probe: &str, ticks: u64, out: &mut Collection) {
        let spent = Duration::try_from_secs_f64(clock::seconds(ticks)).unwrap_or(Duration::MAX);
        out.seconds(&families::telemetry_overhead_seconds_total::DESCRIPTOR, &[probe], spent);
        if self.own > 0 {
            let ratio = clock::seconds(ticks) / clock::seconds(self.own);
            out.gauge(&families::telemetry_overhead_spent_ratio::DESCRIPTOR, &[probe], ratio);
        }
    }
}

/// Adds the family that counts the others, itself included.
pub(crate) fn add_series_count(families: &mut Vec<Family>) {
    let descriptor = &families::telemetry_series::DESCRIPTOR;
    families.retain(|family| family.name != descriptor.name);
    let count = 1 + families.iter().map(|family| family.series.len()).sum::<usize>();
    let mut family = Family::declared(descriptor);
    #[expect(clippy::cast_precision_loss, reason = "series fit in memory")]
    family.series.push(Series { labels: Labels::none(), value: Value::Float(count as f64) });
    let place = families.partition_point(|other| other.name < family.name);
    families.insert(place, family);
}
