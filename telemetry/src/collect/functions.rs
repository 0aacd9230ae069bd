//! The families of `#[measured]`, from the call sites' cells.

use crate::builtin::functions as families;
use crate::metric::Descriptor;
use crate::record::budget::{PROBES, Probe};
use crate::record::callsite::{self, CallSite};
use crate::record::outcome::{OUTCOMES, Outcome};
use crate::record::probe::{self, SiteProbes};
use crate::record::shard::{self, ResultReading, Shard, SiteCell, TRACKING};
use crate::record::{clock, exponential};
use crate::registry::{Collection, Collector};
use crate::snapshot::{Exponential, Value};
use crate::sync::{Acquire, Relaxed, fence};
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) struct Functions;

impl Collector for Functions {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        for ((module, function), totals) in totals() {
            totals.give(&function, module, out);
        }
    }
}

/// All threads' figures of a function.
#[derive(Default)]
struct Totals {
    results: [Option<ResultReading>; OUTCOMES],
    started: u64,
    polls: u64,
    busy: u64,
    own: u64,
    allocated_bytes: u64,
    allocations: u64,
    own_allocated_bytes: u64,
    peak_bytes: i64,
    probes: Probed,
}

/// What probes read of a function.
#[derive(Default)]
struct Probed {
    cpu: u64,
    io_read: u64,
    io_written: u64,
    visits: u64,
    turns: [u64; PROBES],
    variance: [f64; PROBES],
}

/// Figures by module and function. Two call sites of one name, as a macro may make them, are one function.
fn totals() -> BTreeMap<(&'static str, String), Totals> {
    let sites = callsite::all();
    let shards = shard::all();
    let mut by_name = BTreeMap::<_, Totals>::new();
    for site in sites {
        let mut totals = Totals::of_results(site, &shards);
        // All ends of a site are read before any start: a call that ends meanwhile on another thread than it began is never
        // seen as ended and not begun. Calls that begin meanwhile are seen as running.
        fence(Acquire);
        cells(site, &shards).for_each(|cell| totals.add(cell));
        by_name.entry((site.module(), site.function().to_owned())).or_default().merge(totals);
    }
    by_name
}

fn cells(site: &CallSite, shards: &[&'static Shard]) -> impl Iterator<Item = &'static SiteCell> {
    let index = site.index();
    shards.iter().filter_map(move |shard| shard.sites.get(index))
}

impl Totals {
    fn of_results(site: &CallSite, shards: &[&'static Shard]) -> Totals {
        let mut totals = Totals::default();
        // A function that can return has `ok` at zero from its first call on, and `error` where its type has one.
        totals.results[Outcome::Ok as usize] = Some(ResultReading::default());
        if site.is_fallible() {
            totals.results[Outcome::Error as usize] = Some(ResultReading::default());
        }
        for cell in cells(site, shards) {
            for outcome in Outcome::ALL {
                if let Some(reading) = cell.read(outcome) {
                    totals.results[outcome as usize].get_or_insert_default().merge(&reading);
                }
            }
        }
        totals
    }

    fn add(&mut self, cell: &SiteCell) {
        let read = |cell: &crate::sync::AtomicU64| cell.load(Relaxed);
        self.started = self.started.wrapping_add(read(&cell.started));
        self.polls = self.polls.wrapping_add(read(&cell.polls));
        self.busy = self.busy.wrapping_add(read(&cell.busy));
        self.own = self.own.wrapping_add(read(&cell.own));
        self.allocated_bytes = self.allocated_bytes.wrapping_add(read(&cell.allocated_bytes));
        self.allocations = self.allocations.wrapping_add(read(&cell.allocations));
        self.own_allocated_bytes = self.own_allocated_bytes.wrapping_add(read(&cell.own_allocated_bytes));
        self.peak_bytes = self.peak_bytes.max(cell.peak_bytes.load(Relaxed));
        if let Some(probes) = cell.existing_probes() {
            self.probes.add(probes);
        }
    }

    fn merge(&mut self, other: Totals) {
        for (mine, theirs) in self.results.iter_mut().zip(other.results) {
            if let Some(theirs) = theirs {
                mine.get_or_insert_default().merge(&theirs);
            }
        }
        self.started += other.started;
        self.polls += other.polls;
        self.busy += other.busy;
        self.own += other.own;
        self.allocated_bytes += other.allocated_bytes;
        self.allocations += other.allocations;
        self.own_allocated_bytes += other.own_allocated_bytes;
        self.peak_bytes = self.peak_bytes.max(other.peak_bytes);
        self.probes.merge(&other.probes);
    }

    fn give(&self, function: &str, module: &str, out: &mut Collection) {
        let mut ended = 0u64;
        for outcome in Outcome::ALL {
            if let Some(reading) = &self.results[outcome as usize] {
                let labels = [function, module, outcome.as_str()];
                ended = ended.wrapping_add(reading.ended());
                out.counter(&families::function_calls_total::DESCRIPTOR, &labels, reading.ended());
                let histogram = Value::Exponential(exponential_of(reading));
                out.value(&families::function_calls_duration_seconds::DESCRIPTOR, &labels, histogram);
            }
        }
        let labels = [function, module];
        out.counter(&families::function_calls_started_total::DESCRIPTOR, &labels, self.started);
        #[expect(clippy::cast_precision_loss, reason = "2^53 calls at once do not occur")]
        let running = self.started.saturating_sub(ended) as f64;
        out.gauge(&families::function_calls_concurrent::DESCRIPTOR, &labels, running);
        out.seconds(&families::function_busy_seconds_total::DESCRIPTOR, &labels, duration(self.busy));
        out.seconds(&families::function_self_seconds_total::DESCRIPTOR, &labels, duration(self.own));
        if self.polls > 0 {
            out.counter(&families::function_polls_total::DESCRIPTOR, &labels, self.polls);
        }
        self.probes.give(&labels, out);
        if TRACKING.load(Relaxed) {
            self.give_memory(&labels, out);
        }
    }

    fn give_memory(&self, labels: &[&str], out: &mut Collection) {
        out.counter(&families::function_allocated_bytes_total::DESCRIPTOR, labels, self.allocated_bytes);
        out.counter(&families::function_allocations_total::DESCRIPTOR, labels, self.allocations);
        out.counter(&families::function_self_allocated_bytes_total::DESCRIPTOR, labels, self.own_allocated_bytes);
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory fit")]
        let peak = self.peak_bytes as f64;
        out.gauge(&families::function_peak_allocated_bytes::DESCRIPTOR, labels, peak);
    }
}

impl Probed {
    fn add(&mut self, probes: &SiteProbes) {
        let read = |cell: &crate::sync::AtomicU64| cell.load(Relaxed);
        self.merge(&Probed {
            cpu: read(&probes.cpu),
            io_read: read(&probes.io_read),
            io_written: read(&probes.io_written),
            visits: read(&probes.plan.visits),
            turns: Probe::ALL.map(|probe| read(&probes.plan.turns[probe as usize])),
            variance: Probe::ALL.map(|probe| probes.variance(probe)),
        });
    }

    fn merge(&mut self, other: &Probed) {
        self.cpu = self.cpu.wrapping_add(other.cpu);
        self.io_read = self.io_read.wrapping_add(other.io_read);
        self.io_written = self.io_written.wrapping_add(other.io_written);
        self.visits = self.visits.wrapping_add(other.visits);
        for probe in Probe::ALL.map(|probe| probe as usize) {
            self.turns[probe] = self.turns[probe].wrapping_add(other.turns[probe]);
            self.variance[probe] += other.variance[probe];
        }
    }

    fn give(&self, labels: &[&str; 2], out: &mut Collection) {
        if self.visits == 0 {
            return;
        }
        if probe::exists(Probe::Cpu) {
            let cpu = Duration::from_nanos(self.cpu);
            out.seconds(&families::function_cpu_seconds_total::DESCRIPTOR, labels, cpu);
            self.give_quality(Probe::Cpu, self.cpu, labels, out);
        }
        if probe::exists(Probe::Io) {
            out.counter(&families::function_io_read_bytes_total::DESCRIPTOR, labels, self.io_read);
            out.counter(&families::function_io_written_bytes_total::DESCRIPTOR, labels, self.io_written);
            self.give_quality(Probe::Io, self.io_read.wrapping_add(self.io_written), labels, out);
        }
    }

    /// How much was read, and how far the estimate may be off. An estimate of nothing has no relative error.
    #[expect(clippy::cast_precision_loss, reason = "ratios")]
    fn give_quality(&self, probe: Probe, estimate: u64, labels: &[&str; 2], out: &mut Collection) {
        let [function, module] = *labels;
        let labels = [function, module, probe.as_str()];
        let ratio = self.turns[probe as usize] as f64 / self.visits as f64;
        out.gauge(&families::function_probe_sampling_ratio::DESCRIPTOR, &labels, ratio);
        if estimate > 0 {
            let error = self.variance[probe as usize].sqrt() / estimate as f64;
            out.gauge(&families::function_probe_standard_error_ratio::DESCRIPTOR, &labels, error);
        }
    }
}

fn duration(ticks: u64) -> Duration {
    Duration::try_from_secs_f64(clock::seconds(ticks)).unwrap_or(Duration::MAX)
}

fn exponential_of(reading: &ResultReading) -> Exponential {
    let [below, buckets @ .., above] = &*reading.buckets;
    Exponential {
        scale: exponential::SCALE,
        offset: exponential::LOWEST << exponential::SCALE,
        buckets: buckets.to_vec(),
        below: *below,
        above: *above,
        sum: clock::seconds(reading.ticks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_bounds_are_those_that_are_shown() {
        let shown = exponential_of(&ResultReading::default()).to_powers_of_two();
        assert_eq!(shown.bounds, families::function_calls_duration_seconds::DESCRIPTOR.bounds);
        assert_eq!(shown.buckets.len(), shown.bounds.len() + 1);
    }
}
