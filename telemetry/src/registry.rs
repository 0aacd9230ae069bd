//! Who knows all: reads the shards, asks the collectors, and makes a [`Snapshot`] of it.

use crate::collect;
use crate::error::Error;
use crate::metric::{self, Descriptor, Kind, Prefixes, Series as Declared};
use crate::record::isolated::{self, Scope};
use crate::record::shard::{self, Shard};
use crate::record::{dropped, fork};
use crate::snapshot::{Family, Histogram, Job, Labels, Series, Snapshot, Statement, Value};
use crate::sync::{Mutex, lock, unforked};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

/// Something that is asked for its values at each snapshot.
///
/// ```
/// use telemetry::{Collection, Collector, Descriptor};
/// telemetry::metric! { /** Connections that nobody uses. */ gauge pool_idle_connections(); }
///
/// struct Pool;
/// impl Collector for Pool {
///     fn describe(&self) -> &[Descriptor] {
///         CATALOG
///     }
///     fn collect(&self, out: &mut Collection) {
///         out.gauge(&pool_idle_connections::DESCRIPTOR, &[], 7.0);
///     }
/// }
/// telemetry::register(Pool)?;
/// assert_eq!(telemetry::snapshot().sum("pool_idle_connections", &[]), 7.0);
/// # Ok::<(), telemetry::Error>(())
/// ```
pub trait Collector: Send + Sync + 'static {
    /// The families that it gives. Asked once, when it is registered.
    fn describe(&self) -> &[Descriptor];

    /// Gives the values of this moment. A panic costs this collector's families of this snapshot, and is counted; so is a value that
    /// does not fit its family: another kind, another number of labels, NaN, or a label set that was given before (then the later one
    /// stays). A snapshot that is taken in here holds no collector's families.
    fn collect(&self, out: &mut Collection);
}

/// What collectors give for one snapshot.
#[derive(Debug, Default)]
pub struct Collection {
    families: Vec<Family>,
    jobs: Vec<Job>,
    statements: Vec<Statement>,
}

impl Collection {
    fn push(&mut self, descriptor: &Descriptor, values: &[&str], value: Value) {
        if values.len() != descriptor.labels.len() || !value.is_of(descriptor.kind) {
            return dropped::observation();
        }
        let labels = descriptor.labels.iter().zip(values).map(|(name, value)| ((*name).into(), Arc::from(*value)));
        self.series(descriptor, labels.collect(), value);
    }

    /// Gives any value under labels that are not all declared.
    pub(crate) fn series(&mut self, descriptor: &Descriptor, labels: Labels, value: Value) {
        let series = Series { labels, value };
        let name = metric::shown_name(descriptor);
        match self.families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.series.push(series),
            None => self.families.push(Family { name, series: vec![series], ..Family::declared(descriptor) }),
        }
    }

    /// Gives a gauge's value; label values in the order of the declaration.
    pub fn gauge(&mut self, descriptor: &Descriptor, labels: &[&str], value: f64) {
        self.push(descriptor, labels, Value::Float(value));
    }

    /// Gives a counter's total. Totals must not fall.
    pub fn counter(&mut self, descriptor: &Descriptor, labels: &[&str], total: u64) {
        self.push(descriptor, labels, Value::Integer(total));
    }

    /// Gives the total of a counter of seconds.
    pub fn seconds(&mut self, descriptor: &Descriptor, labels: &[&str], total: std::time::Duration) {
        self.push(descriptor, labels, Value::Nanoseconds(u64::try_from(total.as_nanos()).unwrap_or(u64::MAX)));
    }

    /// Gives an info family's labels; the value is always 1.
    pub fn info(&mut self, descriptor: &Descriptor, labels: &[&str]) {
        self.push(descriptor, labels, Value::Float(1.0));
    }

    /// Gives a family of which this library knows no declaration.
    pub(crate) fn foreign(&mut self, family: Family) {
        self.families.push(family);
    }

    /// Gives a job's state.
    pub(crate) fn job(&mut self, job: Job) {
        self.jobs.push(job);
    }

    /// Gives a statement's figures.
    #[cfg_attr(not(feature = "duckdb"), expect(dead_code, reason = "statements come with a feature"))]
    pub(crate) fn statement(&mut self, statement: Statement) {
        self.statements.push(statement);
    }
}

/// Who knows all: the program has one, and a test may have [one of its own](crate::testing::isolated).
pub struct Registry {
    /// When it was made, and in which process.
    started_at: SystemTime,
    process: fork::Process,
    collectors: Mutex<Vec<Registered>>,
    collector_failures: crate::sync::AtomicU64,
}

/// A collector, and what it said that it gives.
#[derive(Clone)]
struct Registered {
    collector: Arc<dyn Collector>,
    described: Arc<[Descriptor]>,
}

static REGISTRY: OnceLock<Registry> = OnceLock::new();
/// Those of scopes. As scopes are, they are never freed.
static OF_SCOPES: Mutex<Vec<(&'static Scope, &'static Registry)>> = Mutex::new(Vec::new());

/// The program's registry, made at first use; within [`testing::isolated`](crate::testing::isolated) that of the test.
#[must_use]
pub fn registry() -> &'static Registry {
    isolated::current_if_any().map_or_else(of_program, of_scope)
}

/// The program's registry, wherever it is asked for.
pub(crate) fn of_program() -> &'static Registry {
    REGISTRY.get().unwrap_or_else(|| unforked(|| REGISTRY.get_or_init(Registry::new)))
}

fn of_scope(scope: &'static Scope) -> &'static Registry {
    let known = |all: &[(&'static Scope, &'static Registry)]| {
        all.iter().find(|(of, _)| std::ptr::eq(*of, scope)).map(|&(_, registry)| registry)
    };
    if let Some(registry) = known(&lock(&OF_SCOPES)) {
        return registry;
    }
    // Not under the lock, since it asks collectors. Where two threads meet, the second one's is never seen.
    let made: &'static Registry = Box::leak(Box::new(Registry::new()));
    let mut all = lock(&OF_SCOPES);
    known(&all).unwrap_or_else(|| {
        all.push((scope, made));
        made
    })
}

impl Registry {
    fn new() -> Registry {
        for family in metric::families() {
            family.start_at_zero();
        }
        let registry = Registry {
            started_at: SystemTime::now(),
            process: fork::Process::current(),
            collectors: Mutex::default(),
            collector_failures: crate::sync::AtomicU64::new(0),
        };
        let built_in = collect::built_in().into_iter().map(|collector| registry.described(collector)).collect();
        *lock(&registry.collectors) = built_in;
        registry
    }
}

/// The state of the program at this moment: [`Registry::snapshot`] of [`registry`].
#[must_use]
pub fn snapshot() -> Snapshot {
    registry().snapshot()
}

/// Has a collector asked at each snapshot from now on.
///
/// Several may give the same families, as two pools of one program do: their series are told apart by a label.
///
/// # Errors
/// A family that the collector describes has the name of another one, be that declared or another collector's; then the collector is
/// not asked. The same declaration is fine: that of [`metric!`](crate::metric!), or that of a collector of the same type.
pub fn register(collector: impl Collector) -> Result<(), Error> {
    registry().register(collector)
}

impl Registry {
    /// Has a collector asked at each snapshot from now on.
    ///
    /// # Errors
    /// Those of [`register`](fn@register).
    pub fn register(&self, collector: impl Collector) -> Result<(), Error> {
        // Not under the lock: a collector may do anything while it describes itself, and be registered by another.
        let registered = self.described(Arc::new(collector));
        let mut collectors = lock(&self.collectors);
        metric::check_new_clashes(&known(&collectors), &registered.described)?;
        collectors.push(registered);
        Ok(())
    }

    /// Adds a collector of this library, whose families are declared and thus checked.
    pub(crate) fn add(&self, collector: impl Collector) {
        let registered = self.described(Arc::new(collector));
        lock(&self.collectors).push(registered);
    }

    fn described(&self, collector: Arc<dyn Collector>) -> Registered {
        let described = self.guarded(|| collector.describe().into()).unwrap_or_default();
        Registered { collector, described }
    }

    /// Refuses a program in which a name stands for two things once these prefixes are in use, and prefixes that cannot be.
    pub(crate) fn check(&self, prefixes: Prefixes) -> Result<Prefixes, Error> {
        let known = known(&lock(&self.collectors));
        let prefixes = prefixes.check(&known)?;
        metric::check_clashes(&known, &prefixes)?;
        Ok(prefixes)
    }

    /// Merges the shards, asks the collectors, and returns all of it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let shards = shard::all();
        let mut families = BTreeMap::new();
        // Not under the lock: a collector may register another one, or take a snapshot.
        let collectors = lock(&self.collectors).clone();
        // What a collector describes comes from it alone, so that nothing shows a zero that nobody measured.
        let described = collectors.iter().flat_map(|registered| &*registered.described);
        let described: BTreeSet<_> = described.map(metric::shown_name).collect();
        for declared in metric::families().filter(|family| !described.contains(family.shown().name)) {
            merge(&mut families, declared_family(declared, &shards));
        }
        let mut given = self.ask(&collectors);
        for family in given.families.drain(..) {
            merge(&mut families, family);
        }
        for family in families.values_mut() {
            family.series.sort_by(|a, b| a.labels.cmp(&b.labels));
            family.series.dedup_by(|later, earlier| {
                let twice = later.labels == earlier.labels;
                if twice {
                    std::mem::swap(later, earlier);
                    dropped::observation();
                }
                twice
            });
        }
        let mut families: Vec<Family> = families.into_values().filter(|family| !family.series.is_empty()).collect();
        collect::own::add_series_count(&mut families);
        given.statements.sort_by(|a, b| b.total_seconds.total_cmp(&a.total_seconds));
        Snapshot {
            taken_at: SystemTime::now(),
            started_at: self.started_at(),
            families,
            jobs: given.jobs,
            statements: given.statements,
        }
    }

    /// When recording began: at the first use, or where this is a forked child, which counts from zero, when that began.
    fn started_at(&self) -> SystemTime {
        let process = fork::Process::current();
        if process == self.process { self.started_at } else { process.forked_at() }
    }

    fn ask(&self, collectors: &[Registered]) -> Collection {
        let mut given = Collection::default();
        // A collector that takes a snapshot gets one without collectors.
        let nested = COLLECTING.replace(true);
        let _collecting = Collecting { outermost: !nested };
        let collectors = if nested { &[][..] } else { collectors };
        for Registered { collector, .. } in collectors {
            let mut collection = Collection::default();
            if self.guarded(|| collector.collect(&mut collection)).is_none() {
                continue;
            }
            given.families.append(&mut collection.families);
            given.jobs.append(&mut collection.jobs);
            given.statements.append(&mut collection.statements);
        }
        let failures = self.collector_failures.load(crate::sync::Relaxed);
        given.counter(&crate::builtin::own::telemetry_collector_failures_total::DESCRIPTOR, &[], failures);
        given
    }
}

impl Registry {
    /// Asks a collector for something; where that panics, counts the failure and goes on.
    fn guarded<T>(&self, ask: impl FnOnce() -> T) -> Option<T> {
        let answer = catch_unwind(AssertUnwindSafe(ask));
        if answer.is_err() {
            self.collector_failures.fetch_add(1, crate::sync::Relaxed);
        }
        answer.ok()
    }
}

/// All that was declared, and all that collectors described besides.
fn known(collectors: &[Registered]) -> Vec<Descriptor> {
    let mut known = metric::declared();
    known.extend(collectors.iter().flat_map(|registered| &*registered.described));
    known
}

thread_local! {
    /// Whether this thread is asking collectors.
    static COLLECTING: Cell<bool> = const { Cell::new(false) };
}

/// Takes the mark away, unless it was there before.
struct Collecting {
    outermost: bool,
}

impl Drop for Collecting {
    fn drop(&mut self) {
        if self.outermost {
            COLLECTING.set(false);
        }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("started_at", &self.started_at()).finish_non_exhaustive()
    }
}

/// Puts a family's series beside those of the same name. The first to come tells help and kind; a family of another kind
/// under the same name is left out rather than making the exposition invalid.
fn merge(families: &mut BTreeMap<String, Family>, family: Family) {
    match families.get_mut(family.name.as_ref()) {
        None => {
            families.insert(family.name.to_string(), family);
        }
        Some(known) if known.kind == family.kind => {
            for series in family.series {
                match known.series.iter_mut().find(|old| old.labels == series.labels) {
                    None => known.series.push(series),
                    Some(old) => add_up(&mut old.value, series.value),
                }
            }
        }
        Some(_) => {}
    }
}

/// Two that give one family, as two collectors do, have one series for each label set. Totals add up; of other values the later one
/// is shown.
fn add_up(old: &mut Value, new: Value) {
    match (&mut *old, new) {
        (Value::Integer(a), Value::Integer(b)) | (Value::Nanoseconds(a), Value::Nanoseconds(b)) => {
            *a = a.wrapping_add(b);
        }
        (Value::Histogram(a), Value::Histogram(b)) if a.bounds == b.bounds => {
            a.sum += b.sum;
            for (a, b) in a.buckets.iter_mut().zip(b.buckets) {
                *a += b;
            }
        }
        (old, new) => *old = new,
    }
}

fn declared_family(declared: &'static metric::Family, shards: &[&'static Shard]) -> Family {
    let descriptor = declared.shown();
    let mut family = Family::declared(descriptor);
    let scope = isolated::current_if_any();
    for series in declared.all_series() {
        let (labels, value) = (labels_of(descriptor, series), value_of(descriptor, series, shards));
        // In a scope, what others made is not there.
        if scope.is_none_or(|scope| scope.existing(series).is_some() || value.as_f64() != 0.0) {
            family.series.push(Series { labels, value });
        }
    }
    family
}

fn labels_of(descriptor: &Descriptor, series: &Declared) -> Labels {
    if series.overflow {
        // The name is OpenTelemetry's attribute for it, as Prometheus would write it.
        return vec![("otel_metric_overflow".into(), "true".into())];
    }
    let pairs = descriptor.labels.iter().zip(&series.labels);
    pairs.map(|(name, value)| ((*name).into(), value.to_string().into())).collect()
}

fn value_of(descriptor: &'static Descriptor, series: &Declared, shards: &[&'static Shard]) -> Value {
    match descriptor.kind {
        Kind::Counter if descriptor.counts_time() => Value::Nanoseconds(shard::sum_in(shards, series.slot)),
        Kind::Counter => Value::Integer(shard::sum_in(shards, series.slot)),
        Kind::Histogram => {
            let reading = shard::read_histogram_in(shards, series.slot, descriptor.bounds.len());
            Value::Histogram(Histogram { bounds: descriptor.bounds.into(), buckets: reading.buckets, sum: reading.sum })
        }
        _ => {
            let bits = match isolated::current_if_any() {
                None => Some(&series.gauge),
                Some(scope) => scope.existing(series),
            };
            Value::Float(bits.map_or(0.0, |bits| f64::from_bits(bits.load(crate::sync::Relaxed))))
        }
    }
}
