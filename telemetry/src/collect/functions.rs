//! The families of `#[measured]`, from the call sites' cells.

use crate::builtin::{functions as families, own};
use crate::collect::call_tree;
use crate::metric::{Descriptor, LabelOwned};
use crate::objective::declared;
use crate::record::asked::Asked;
use crate::record::budget::{PROBES, Probe};
use crate::record::callsite::{self, CallSite};
use crate::record::exemplar::{Hex, Seen};
use crate::record::outcome::{OUTCOMES, Outcome};
use crate::record::probe::{self, SiteProbes};
use crate::record::shard::{self, ResultReading, Shard, SiteCell, TRACKING};
use crate::record::{clock, exponential, isolated, variants};
use crate::registry::{Collection, Collector};
use crate::snapshot::{Exemplar, Exponential, Labels, Value};
use crate::sync::{Acquire, Relaxed, fence};
use std::collections::{BTreeMap, HashSet};
use std::ptr;
use std::time::Duration;

pub(crate) struct Functions;

impl Collector for Functions {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        let (totals, shards) = totals();
        for ((function, module), totals) in &totals {
            totals.give(function, module, out);
        }
        out.call_tree(call_tree::of(&shards, &totals));
        let capped = variants::capped();
        if capped > 0 {
            let name = families::function_calls_total::DESCRIPTOR.name;
            out.counter(&own::telemetry_capped_lookups_total::DESCRIPTOR, &[name], capped);
        }
    }
}

/// What calls ended as, and how long they took.
type Results = [Option<ResultReading>; OUTCOMES];

/// All threads' figures of a function.
#[derive(Default)]
pub(super) struct Totals {
    /// By the labels of its calls; without any, where the function has none.
    results: BTreeMap<Labels, Results>,
    started: u64,
    polls: u64,
    busy: u64,
    own: u64,
    allocated_bytes: u64,
    allocations: u64,
    own_allocated_bytes: u64,
    peak_bytes: i64,
    probes: Probed,
    /// When the oldest running call began, in ticks.
    oldest: Option<u64>,
    /// By threshold in seconds, as it is shown.
    within: BTreeMap<String, u64>,
    errors: BTreeMap<Labels, u64>,
    /// Whether any of its calls is timed.
    timed: bool,
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

/// Figures by function and module, which is the order of the labels: families are sorted as they come. Two call sites of one name, as a macro may
/// make them, are one function.
fn totals() -> (BTreeMap<(String, &'static str), Totals>, Vec<&'static Shard>) {
    let mut shards = shard::all();
    let mut by_name = BTreeMap::<_, Totals>::new();
    let sites = callsite::all().into_iter().filter(|site| !site.is_variant());
    let promised: Vec<&'static CallSite> = declared::call_sites().collect();
    let is_promised: HashSet<*const CallSite> = promised.iter().copied().map(ptr::from_ref).collect();
    for site in sites {
        // Those that a scope alone has reached are not there for others.
        if cells(site, &shards).next().is_none() {
            continue;
        }
        let totals = Totals::of(site, is_promised.contains(&ptr::from_ref(site)), &mut shards);
        by_name.entry((site.function().to_owned(), site.module())).or_default().merge(totals);
    }
    // Those with an objective exist at zero before their first call, which may be the first to fail.
    for site in promised.into_iter().filter(|_| isolated::current_if_any().is_none()) {
        let name = (site.function().to_owned(), site.module());
        by_name.entry(name).or_insert_with(|| Totals::of(site, true, &mut shards));
    }
    (by_name, shards)
}

fn cells(site: &CallSite, shards: &[&'static Shard]) -> impl Iterator<Item = &'static SiteCell> {
    let index = site.index();
    shards.iter().filter_map(move |shard| shard.sites.get(index))
}

/// Whether a label set is shown: one that calls ended with, and before that one that calls run with, but not to a scope, which cannot tell whose
/// they are.
fn is_shown(variant: &CallSite, shards: &[&'static Shard]) -> bool {
    let is_new = !variant.is_registered() && isolated::current_if_any().is_none();
    is_new || cells(variant, shards).next().is_some()
}

/// The label of what was too many. The name is OpenTelemetry's attribute for it, as Prometheus would write it.
fn overflow() -> Labels {
    Labels::from([("otel_metric_overflow", "true")])
}

fn labels_of(names: &[&'static str], values: &[LabelOwned]) -> Labels {
    if values.is_empty() {
        return overflow();
    }
    names.iter().zip(values).map(|(&name, value)| (name.into(), value.to_string().into())).collect()
}

fn results_of(site: &CallSite, is_promised: bool, shards: &[&'static Shard]) -> Results {
    let mut results = Results::default();
    if is_promised {
        // Who has promised something is judged by both, and its first panic has to be an increase.
        results[Outcome::Error as usize] = Some(ResultReading::default());
        results[Outcome::Panic as usize] = Some(ResultReading::default());
    }
    // A function that can return has `ok` at zero from its first call on, and `error` where its type has one.
    results[Outcome::Ok as usize] = Some(ResultReading::default());
    if site.is_fallible() {
        results[Outcome::Error as usize] = Some(ResultReading::default());
    }
    for cell in cells(site, shards) {
        for outcome in Outcome::ALL {
            if let Some(reading) = cell.read(outcome) {
                results[outcome as usize].get_or_insert_default().merge(&reading);
            }
        }
    }
    results
}

fn merge_results(mine: &mut Results, theirs: Results) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        if let Some(theirs) = theirs {
            mine.get_or_insert_default().merge(&theirs);
        }
    }
}

impl Totals {
    /// What may be read: polls of a future, else calls.
    pub(super) fn visits(&self) -> u64 {
        self.polls.max(self.started)
    }

    /// Ticks of its own.
    pub(super) fn own(&self) -> u64 {
        self.own
    }

    pub(super) fn own_bytes(&self) -> u64 {
        self.own_allocated_bytes
    }

    /// Nanoseconds.
    pub(super) fn cpu(&self) -> u64 {
        self.probes.cpu
    }

    /// `is_promised` where the function has an objective.
    fn of(site: &'static CallSite, is_promised: bool, shards: &mut Vec<&'static Shard>) -> Totals {
        let mut totals = Totals { timed: true, ..Totals::default() };
        if let Some(asked) = site.what_was_asked() {
            totals.add_asked(asked, shards);
            fence(Acquire);
            shard::refresh(shards);
        }
        let label_names = site.what_was_asked().map_or(&[][..], Asked::label_names);
        if label_names.is_empty() {
            totals.results.insert(Labels::none(), results_of(site, is_promised, shards));
        }
        let label_sets = site.what_was_asked().into_iter().flat_map(Asked::label_sets);
        for variant in label_sets.filter(|variant| is_shown(&variant.value, shards)) {
            let labels = labels_of(label_names, &variant.labels);
            merge_results(totals.results.entry(labels).or_default(), results_of(&variant.value, is_promised, shards));
        }
        // All ends of a site are read before any start: a call that ends meanwhile on another thread than it began is never
        // seen as ended and not begun. Calls that begin meanwhile are seen as running.
        fence(Acquire);
        // A call that ended here may have begun on a thread that is newer than the list.
        shard::refresh(shards);
        cells(site, shards).for_each(|cell| totals.add(cell));
        totals
    }

    /// Before the results: what is counted besides a result is then never more than the result.
    fn add_asked(&mut self, asked: &'static Asked, shards: &[&'static Shard]) {
        self.timed = !asked.only_counts();
        for (threshold, count) in asked.read_within(shards) {
            self.within.insert(threshold.to_string(), count);
        }
        for variant in asked.error_types() {
            let count = shard::sum_in(shards, variant.value);
            // Exists from its first error on: without one it is another scope's, or was counted before this process forked.
            if count > 0 {
                *self.errors.entry(labels_of(&["error_type"], &variant.labels)).or_default() += count;
            }
        }
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
        self.oldest = self.oldest.into_iter().chain(cell.ages.oldest()).min();
    }

    fn merge(&mut self, other: Totals) {
        for (labels, results) in other.results {
            merge_results(self.results.entry(labels).or_default(), results);
        }
        for (threshold, count) in other.within {
            *self.within.entry(threshold).or_default() += count;
        }
        for (labels, count) in other.errors {
            *self.errors.entry(labels).or_default() += count;
        }
        self.timed |= other.timed;
        self.oldest = self.oldest.into_iter().chain(other.oldest).min();
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
        let ended = self.give_results(function, module, out);
        // One for all families: they share it, and what is written of it.
        let labels = &Labels::from([("function", function), ("module", module)]);
        out.under(&families::function_calls_started_total::DESCRIPTOR, labels, Value::Integer(self.started));
        #[expect(clippy::cast_precision_loss, reason = "2^53 calls at once do not occur")]
        let running = self.started.saturating_sub(ended) as f64;
        out.under(&families::function_calls_concurrent::DESCRIPTOR, labels, Value::Float(running));
        self.give_asked(function, module, out);
        if !self.timed {
            return;
        }
        let age = self.oldest.map_or(0.0, |start| clock::seconds(clock::now().saturating_sub(start)));
        out.under(&families::function_oldest_call_age_seconds::DESCRIPTOR, labels, Value::Float(age));
        out.under(
            &families::function_busy_seconds_total::DESCRIPTOR,
            labels,
            Value::Nanoseconds(nanoseconds(self.busy)),
        );
        out.under(
            &families::function_self_seconds_total::DESCRIPTOR,
            labels,
            Value::Nanoseconds(nanoseconds(self.own)),
        );
        if self.polls > 0 {
            out.under(&families::function_polls_total::DESCRIPTOR, labels, Value::Integer(self.polls));
        }
        self.probes.give(labels, &[function, module], out);
        if TRACKING.load(Relaxed) {
            self.give_memory(labels, out);
        }
    }

    /// The two families that carry a function's labels. Returns how many calls ended.
    fn give_results(&self, function: &str, module: &str, out: &mut Collection) -> u64 {
        let mut ended = 0u64;
        for (labels, results) in &self.results {
            for (outcome, reading) in Outcome::ALL.iter().zip(results) {
                let Some(reading) = reading else { continue };
                ended = ended.wrapping_add(reading.ended());
                let own = [("function", function), ("module", module), ("result", outcome.as_str())];
                let all = with(&own, labels);
                if self.timed {
                    let histogram = Value::Exponential(exponential_of(reading));
                    out.series(&families::function_calls_duration_seconds::DESCRIPTOR, all.clone(), histogram);
                }
                out.series(&families::function_calls_total::DESCRIPTOR, all, Value::Integer(reading.ended()));
            }
        }
        ended
    }

    fn give_asked(&self, function: &str, module: &str, out: &mut Collection) {
        for (threshold, count) in &self.within {
            let labels = [function, module, threshold];
            out.counter(&families::function_calls_within_total::DESCRIPTOR, &labels, *count);
        }
        for (labels, count) in &self.errors {
            let all = with(&[("function", function), ("module", module)], labels);
            out.series(&families::function_errors_total::DESCRIPTOR, all, Value::Integer(*count));
        }
    }

    fn give_memory(&self, labels: &Labels, out: &mut Collection) {
        out.under(&families::function_allocated_bytes_total::DESCRIPTOR, labels, Value::Integer(self.allocated_bytes));
        out.under(&families::function_allocations_total::DESCRIPTOR, labels, Value::Integer(self.allocations));
        out.under(
            &families::function_self_allocated_bytes_total::DESCRIPTOR,
            labels,
            Value::Integer(self.own_allocated_bytes),
        );
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory fit")]
        let peak = self.peak_bytes as f64;
        out.under(&families::function_peak_allocated_bytes::DESCRIPTOR, labels, Value::Float(peak));
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

    fn give(&self, labels: &Labels, names: &[&str; 2], out: &mut Collection) {
        if self.visits == 0 {
            return;
        }
        if probe::exists(Probe::Cpu) {
            out.under(&families::function_cpu_seconds_total::DESCRIPTOR, labels, Value::Nanoseconds(self.cpu));
            self.give_quality(Probe::Cpu, self.cpu, names, out);
        }
        if probe::exists(Probe::Io) {
            out.under(&families::function_io_read_bytes_total::DESCRIPTOR, labels, Value::Integer(self.io_read));
            out.under(&families::function_io_written_bytes_total::DESCRIPTOR, labels, Value::Integer(self.io_written));
            self.give_quality(Probe::Io, self.io_read.wrapping_add(self.io_written), names, out);
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

fn with(own: &[(&'static str, &str)], others: &Labels) -> Labels {
    let own = own.iter().map(|&(name, value)| (name.into(), value.into()));
    own.chain(others.iter().cloned()).collect()
}

fn nanoseconds(ticks: u64) -> u64 {
    let duration = Duration::try_from_secs_f64(clock::seconds(ticks)).unwrap_or(Duration::MAX);
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What formats show of exemplars.
pub(crate) fn exemplars_of(seen: &[Seen]) -> Vec<Exemplar> {
    let shown = |seen: &Seen| {
        let ids = [Hex(&seen.span.trace_id).to_string(), Hex(&seen.span.span_id).to_string()];
        let labels = Labels::from([("trace_id", &*ids[0]), ("span_id", &*ids[1])]);
        Exemplar { labels, value: seen.value, at: seen.at }
    };
    seen.iter().map(shown).collect()
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
        exemplars: exemplars_of(&reading.exemplars),
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

/// What a snapshot sees of a function, for the models of what it reads.
#[cfg(all(test, loom))]
pub(crate) mod seen {
    use super::{CallSite, ResultReading, Totals, shard};

    #[derive(Debug)]
    pub(crate) struct Seen {
        pub(crate) started: u64,
        pub(crate) ended: u64,
        pub(crate) within: u64,
        pub(crate) allocated_bytes: u64,
        pub(crate) oldest: Option<u64>,
    }

    pub(crate) fn of(site: &'static CallSite) -> Seen {
        let totals = Totals::of(site, false, &mut shard::all());
        let within = totals.within.values().sum();
        let ended = totals.results.values().flatten().flatten().map(ResultReading::ended).sum();
        let Totals { started, allocated_bytes, oldest, .. } = totals;
        Seen { started, ended, within, allocated_bytes, oldest }
    }
}
