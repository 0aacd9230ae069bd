//! The one model: what every way out reads, and nothing else.

mod labels; // a series' labels, shared

pub use labels::{Label, Labels};

use crate::metric::{Descriptor, Kind};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

/// The state of a program at one moment: families by name, series by their labels' values, jobs by the order of their start.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When it was taken.
    pub taken_at: SystemTime,
    /// When recording began: the start of every cumulative series that has no later one.
    pub started_at: SystemTime,
    /// Sorted by name; a name occurs once.
    pub families: Vec<Family>,
    /// The backfill jobs of this process, running and ended, in the order of their start.
    pub jobs: Vec<Job>,
    /// The statements that profiled connections ran, the one that took most time first.
    pub statements: Vec<Statement>,
    /// The last 20 statements that took longer than their connection was told, the latest first.
    pub slow_statements: Vec<SlowStatement>,
    /// Who called whom: each node after its caller. Empty where nothing may be sampled (an overhead budget of 0).
    pub call_tree: Vec<CallNode>,
}

impl Snapshot {
    /// What these families show, of a program without jobs and statements: to be handed to an encoder.
    #[must_use]
    pub fn of_families(started_at: SystemTime, taken_at: SystemTime, families: Vec<Family>) -> Snapshot {
        Snapshot {
            taken_at,
            started_at,
            families,
            jobs: Vec::new(),
            statements: Vec::new(),
            slow_statements: Vec::new(),
            call_tree: Vec::new(),
        }
    }
}

/// A family: all series of a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name as it is scraped.
    pub name: Cow<'static, str>,
    /// What it is about, unescaped.
    pub help: Cow<'static, str>,
    /// The kind of its series.
    pub kind: Kind,
    /// The base unit in the name, or empty.
    pub unit: Cow<'static, str>,
    /// Sorted by the labels' values.
    pub series: Vec<Series>,
}

/// A name with one label set.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Names and values, in the order of the declaration.
    pub labels: Labels,
    /// The value.
    pub value: Value,
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A whole number: a counter's total.
    Integer(u64),
    /// Whole nanoseconds that are shown as seconds: a counter of time.
    Nanoseconds(u64),
    /// A gauge's value, or another registry's counter.
    Float(f64),
    /// Counts over declared bounds.
    Histogram(Histogram),
    /// Counts over exponential buckets.
    Exponential(Exponential),
    /// Quantiles that were computed elsewhere.
    Summary(Summary),
}

impl Value {
    /// Whether a family of this kind can hold the value. Totals that are not whole numbers come from other registries alone.
    pub(crate) fn is_of(&self, kind: Kind) -> bool {
        match self {
            Value::Integer(_) | Value::Nanoseconds(_) => kind == Kind::Counter,
            Value::Float(value) => matches!(kind, Kind::Gauge | Kind::Info) && value.is_finite(),
            Value::Histogram(_) | Value::Exponential(_) => kind == Kind::Histogram,
            Value::Summary(_) => kind == Kind::Summary,
        }
    }

    /// The value as one number: a total, a gauge's value, or how many values were observed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "asked for as a floating-point number")]
    pub fn as_f64(&self) -> f64 {
        match self {
            Value::Integer(total) => *total as f64,
            Value::Nanoseconds(total) => *total as f64 / 1e9,
            Value::Float(value) => *value,
            Value::Histogram(histogram) => histogram.count() as f64,
            Value::Exponential(exponential) => exponential.count() as f64,
            Value::Summary(summary) => summary.count as f64,
        }
    }
}

/// Counts of observed values over declared bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The finite upper bounds, ascending; an observed value lies in the first bucket whose bound is not below it.
    pub bounds: Cow<'static, [f64]>,
    /// One count for each bound and one for what is above them all. Not cumulative.
    pub buckets: Vec<u64>,
    /// The sum of the observed values.
    pub sum: f64,
    /// Some of the observed values with what led to them, in no order; at most one for each bucket.
    pub exemplars: Vec<Exemplar>,
}

impl Histogram {
    /// How many values were observed: the sum of the buckets.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// Counts of durations over exponential buckets: bucket `i` holds values above 2^(i / 2^scale) up to and including
/// 2^((i + 1) / 2^scale).
#[derive(Clone, Debug, PartialEq)]
pub struct Exponential {
    /// Buckets an octave, as a power of two.
    pub scale: i32,
    /// The index of the first of `buckets`.
    pub offset: i32,
    /// Counts, not cumulative.
    pub buckets: Vec<u64>,
    /// What is not above the lower bound of the first bucket.
    pub below: u64,
    /// What is above the upper bound of the last bucket.
    pub above: u64,
    /// The sum of the observed values.
    pub sum: f64,
    /// Some of the observed values with what led to them, in no order; at most one for each octave.
    pub exemplars: Vec<Exemplar>,
}

/// One observed value, and what tells where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// `trace_id` and `span_id` as lower-case hexadecimal digits. OpenMetrics allows 128 characters of names and values together.
    pub labels: Labels,
    /// The value.
    pub value: f64,
    /// When it was observed.
    pub at: SystemTime,
}

impl Exponential {
    /// How many values were observed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.below + self.buckets.iter().sum::<u64>() + self.above
    }

    /// The same counts over those bounds that are whole powers of two: exact, since a power of two ends a bucket at every scale.
    #[must_use]
    pub fn to_powers_of_two(&self) -> Histogram {
        let per_octave = 1usize << self.scale.max(0);
        let lowest = self.offset >> self.scale.max(0);
        let octaves = self.buckets.chunks(per_octave);
        let bounds = (lowest..).take(octaves.len() + 1).map(power_of_two).collect::<Vec<_>>().into();
        let mut buckets = vec![self.below];
        buckets.extend(octaves.map(|octave| octave.iter().sum::<u64>()));
        buckets.push(self.above);
        Histogram { bounds, buckets, sum: self.sum, exemplars: self.exemplars.clone() }
    }

    /// The value below which the share `quantile` (0 to 1) of the observations lies, interpolated within its bucket on a
    /// logarithmic scale, as Prometheus does for exponential histograms. `None` where nothing was observed.
    ///
    /// At scale 2 the error is at most 19 % of the value, the width of a bucket.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts above 2^53 would take centuries")]
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        let step = 2f64.powf(2f64.powi(-self.scale));
        let lowest = step.powi(self.offset);
        let mut rank = quantile.clamp(0.0, 1.0) * total as f64 - self.below as f64;
        if rank <= 0.0 && self.below > 0 {
            return Some(lowest);
        }
        let mut lower = lowest;
        for &count in &self.buckets {
            if count > 0 && rank <= count as f64 {
                return Some(lower * step.powf((rank / count as f64).max(0.0)));
            }
            rank -= count as f64;
            lower *= step;
        }
        Some(lower)
    }
}

/// `2f64.powi(exponent)`, which multiplies for each bit of it; most powers are just an exponent.
fn power_of_two(exponent: i32) -> f64 {
    match u64::try_from(exponent.saturating_add(1_023)) {
        Ok(biased @ 1..=2_046) => f64::from_bits(biased << 52),
        _ => 2f64.powi(exponent),
    }
}

/// Quantiles of another registry's summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Quantile (0 to 1) and value.
    pub quantiles: Vec<(f64, f64)>,
    /// The sum of the observed values.
    pub sum: f64,
    /// How many values were observed.
    pub count: u64,
}

/// A measured function, by one of the ways by which it was called.
///
/// What a function took in all is exact where its families are; how that is shared among its callers is estimated from the calls that the
/// overhead budget lets be read. A recursion has one node. Work that was handed to another thread or task begins anew there.
#[derive(Clone, Debug, PartialEq)]
pub struct CallNode {
    /// The function's name.
    pub function: Arc<str>,
    /// The module in which it stands.
    pub module: Cow<'static, str>,
    /// The place of its caller in [`Snapshot::call_tree`]; `None` where no measured function called it.
    pub caller: Option<usize>,
    /// Calls; of futures polls.
    pub visits: f64,
    /// Seconds of its own, of calls and polls that ended: without measured callees.
    pub self_seconds: f64,
    /// Bytes that it allocated itself; `None` without the tracking allocator.
    pub self_allocated_bytes: Option<f64>,
    /// Seconds of CPU time, callees included; `None` where the system does not tell it.
    pub cpu_seconds: Option<f64>,
}

/// A backfill job's run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The job's name.
    pub name: Arc<str>,
    /// Tells the runs of a process apart: the `telemetry.job.run_id` of its spans.
    pub run_id: u64,
    /// What it counts.
    pub unit: Arc<str>,
    /// When the run began.
    pub started_at: SystemTime,
    /// Seconds that it has run, or ran.
    pub elapsed_seconds: f64,
    /// How many units are expected, where that is known.
    pub total: Option<u64>,
    /// Units done with, by what became of them.
    pub units: Tally,
    /// Records done with, by what became of them.
    pub records: Tally,
    /// The share of the units that is done with, 0 to 1; `None` where the total is not known, where more is done than that, and
    /// while it would be less than what was shown before, because the total grew.
    pub progress: Option<f64>,
    /// Units a second, lately; `None` before the first.
    pub rate: Option<f64>,
    /// Units a second, over the run; `None` before the first.
    pub overall_rate: Option<f64>,
    /// Seconds that are probably left; `None` where that cannot be told.
    pub eta_seconds: Option<f64>,
    /// Seconds that are left at least, and at most: four times out of five the end lies between them.
    pub eta_low_seconds: Option<f64>,
    /// See `eta_low_seconds`.
    pub eta_high_seconds: Option<f64>,
    /// When it is to have ended, where it has a deadline.
    pub deadline: Option<SystemTime>,
    /// Whether it gave no sign of life for longer than it may.
    pub stalled: bool,
    /// Seconds since its last sign of life; `None` after its end.
    pub quiet_seconds: Option<f64>,
    /// Those who work for it, in the order of their beginning; none after its end.
    pub workers: Vec<Worker>,
    /// Whether it went on from what an earlier run left that did not succeed.
    pub resumed: bool,
    /// How it ended; `None` while it runs.
    pub result: Option<&'static str>,
}

/// A worker of a running job, see [`Job::worker`](crate::Job::worker).
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// The worker's name.
    pub name: Arc<str>,
    /// Seconds since its last sign of life.
    pub quiet_seconds: f64,
    /// Whether it has nothing to do.
    pub idle: bool,
    /// Whether it has something to do and gave no sign of life for longer than it may.
    pub stalled: bool,
}

/// Units or records by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Done.
    pub processed: u64,
    /// Given up.
    pub failed: u64,
    /// Not needed.
    pub skipped: u64,
    /// Set aside for somebody to look at.
    pub dead_lettered: u64,
}

impl Tally {
    /// All that is done with.
    #[must_use]
    pub fn sum(&self) -> u64 {
        // A count is what somebody told, and may be anything.
        [self.failed, self.skipped, self.dead_lettered].into_iter().fold(self.processed, u64::saturating_add)
    }
}

/// A DuckDB statement, with all runs that differ in literals alone.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The name that its connection was given.
    pub database: Arc<str>,
    /// The short stable name that is its `statement` label.
    pub label: Arc<str>,
    /// The text with its literals replaced.
    pub text: Arc<str>,
    /// Runs that succeeded.
    pub calls: u64,
    /// Runs that failed, or were interrupted.
    pub errors: u64,
    /// What they failed of, and how often: DuckDB's own classes, such as `constraint`, `conversion` and `interrupt`.
    pub error_types: Vec<(Arc<str>, u64)>,
    /// Seconds of all runs.
    pub total_seconds: f64,
    /// Seconds of the shortest run.
    pub min_seconds: f64,
    /// Seconds of the longest run.
    pub max_seconds: f64,
    /// The standard deviation of a run's seconds.
    pub deviation_seconds: f64,
    /// Seconds that half of the runs stayed below, to some 5 %.
    pub p50_seconds: f64,
    /// The same of 95 in a hundred.
    pub p95_seconds: f64,
    /// The same of 99 in a hundred.
    pub p99_seconds: f64,
    /// Rows that it returned or changed.
    pub rows: u64,
    /// What DuckDB's profiles said of it.
    pub profile: StatementProfile,
    /// The last run's plan with time and rows by operator, where it was profiled.
    pub last_plan: Option<Arc<str>>,
}

impl Statement {
    /// Seconds of a run on average.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    pub fn mean_seconds(&self) -> f64 {
        match self.calls + self.errors {
            0 => 0.0,
            runs => self.total_seconds / runs as f64,
        }
    }
}

/// A run of a DuckDB statement that took longer than `Settings::slow`.
#[derive(Clone, Debug)]
pub struct SlowStatement {
    /// The name that its connection was given.
    pub database: Arc<str>,
    /// The short stable name that is its `statement` label.
    pub label: Arc<str>,
    /// The text with its literals replaced; as it was run, where the connection was told so.
    pub text: Arc<str>,
    /// When it ended.
    pub at: SystemTime,
    /// How long DuckDB had it.
    pub seconds: f64,
    /// Rows that it returned or changed, where that is known.
    pub rows: Option<u64>,
    /// Why it failed, where it did.
    pub error_type: Option<&'static str>,
    /// Time and rows by operator, where it was profiled, or a run before it was.
    pub plan: Option<Arc<str>>,
    /// Whether the plan is that of an earlier run.
    pub plan_is_earlier: bool,
}

/// What DuckDB's profiles said of a statement: sums, and where it says so the most of one run. What no profile told is `None`.
///
/// Short statements are profiled now and then, as the overhead budget allows. A profile then stands for the runs since the one before it, which makes the sums estimates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatementProfile {
    /// Runs that were profiled.
    pub runs: u64,
    /// Runs that these stand for, themselves included: the sums divided by this are what a run takes.
    pub stands_for: u64,
    /// Rows read from tables.
    pub rows_scanned: Option<u64>,
    /// Seconds of operators, added up over DuckDB's threads, waiting for each other included. It is no CPU time.
    pub operator_seconds: Option<f64>,
    /// Seconds of binding, optimizing and making the plan.
    pub planning_seconds: Option<f64>,
    /// Seconds that DuckDB's threads were blocked.
    pub blocked_seconds: Option<f64>,
    /// The most buffer memory of one run, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// The most space in temporary files of one run, in bytes.
    pub peak_temp_bytes: Option<u64>,
    /// Bytes read from files.
    pub read_bytes: Option<u64>,
    /// Bytes written to files.
    pub written_bytes: Option<u64>,
}

impl Family {
    /// A family without series, as declared.
    #[must_use]
    pub fn declared(descriptor: &Descriptor) -> Family {
        Family {
            name: descriptor.name.into(),
            help: descriptor.help.into(),
            kind: descriptor.kind,
            unit: descriptor.unit.into(),
            series: Vec::new(),
        }
    }
}

impl Snapshot {
    /// The program's name, as its resource has it.
    pub(crate) fn service(&self) -> &str {
        let service = self.series("target_info", &[]).and_then(|target| target.label("service_name"));
        let service = service.unwrap_or("telemetry");
        service.strip_prefix("unknown_service:").unwrap_or(service)
    }

    /// The family of this name.
    #[must_use]
    pub fn family(&self, name: &str) -> Option<&Family> {
        let index = self.families.binary_search_by(|family| family.name.as_ref().cmp(name)).ok()?;
        self.families.get(index)
    }

    /// The series of this name that has all these labels; others may be there besides.
    ///
    /// ```
    /// telemetry::metric! { /** Rows seen. */ counter rows_seen_total(table: &str); }
    /// rows_seen_total("flights").add(2);
    /// let snapshot = telemetry::snapshot();
    /// let series = snapshot.series("rows_seen_total", &[("table", "flights")]).unwrap();
    /// assert_eq!(series.value.as_f64(), 2.0);
    /// ```
    #[must_use]
    pub fn series(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Series> {
        self.family(name)?.series.iter().find(|series| series.has(labels))
    }

    /// The sum over all series of this name that have all these labels; 0 where there is none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let series = self.family(name).map_or(&[][..], |family| &family.series);
        series.iter().filter(|series| series.has(labels)).fold(0.0, |sum, series| sum + series.value.as_f64())
    }
}

impl Series {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| &**value)
    }

    /// Whether it has all these labels.
    #[must_use]
    pub fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(name, value)| self.label(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponential(buckets: &[(usize, u64)]) -> Exponential {
        let mut counts = vec![0; 16];
        for &(index, count) in buckets {
            counts[index] = count;
        }
        Exponential { scale: 2, offset: -8, buckets: counts, below: 1, above: 2, sum: 0.0, exemplars: Vec::new() }
    }

    #[test]
    fn powers_of_two_keep_every_count() {
        let histogram = exponential(&[(0, 3), (3, 4), (4, 5), (15, 6)]).to_powers_of_two();
        assert_eq!(histogram.bounds[..], [0.25, 0.5, 1.0, 2.0, 4.0]);
        assert_eq!(histogram.buckets, [1, 7, 5, 0, 6, 2]);
    }

    #[test]
    fn powers_of_two_are_exact_at_every_exponent() {
        for exponent in -1_080..=1_030 {
            assert_eq!(power_of_two(exponent).to_bits(), 2f64.powi(exponent).to_bits(), "2^{exponent}");
        }
    }

    #[test]
    fn a_quantile_lies_in_its_bucket() {
        let mut exponential = exponential(&[(8, 100)]); // above 1, up to 2^0.25
        (exponential.below, exponential.above) = (0, 0);
        let median = exponential.quantile(0.5).unwrap();
        assert!((median - 2f64.powf(0.125)).abs() < 1e-12, "{median}");
        exponential.buckets.fill(0);
        assert_eq!(exponential.quantile(0.5), None);
    }
}
