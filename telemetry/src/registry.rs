//! Who knows all: reads the shards, asks the collectors, and makes a [`Snapshot`] of it.

use crate::collect::{self, functions::exemplars_of};
use crate::error::Error;
use crate::metric::{self, Descriptor, Kind, Prefixes, Shown, ShownSeries};
use crate::record::isolated::{self, Scope};
use crate::record::shard::{self, HistogramReading, Shard};
use crate::record::{dropped, fork};
use crate::snapshot::{Family, Histogram, Job, Labels, Series, Snapshot, Statement, Value};
use crate::sync::{Mutex, lock, unforked};
use std::borrow::Cow;
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
    /// Where the family of a name is, but for foreign ones.
    places: BTreeMap<Cow<'static, str>, usize>,
    jobs: Vec<Job>,
    statements: Vec<Statement>,
}

impl Collection {
    fn push(&mut self, descriptor: &Descriptor, values: &[&str], value: Value) {
        if values.len() != descriptor.labels.len() {
            return dropped::observation();
        }
        let labels = descriptor.labels.iter().zip(values).map(|(&name, &value)| (name.into(), value.into())).collect();
        self.under(descriptor, &labels, value);
    }

    /// Gives a value under labels that other families have too.
    pub(crate) fn under(&mut self, descriptor: &Descriptor, labels: &Labels, value: Value) {
        if !value.is_of(descriptor.kind) {
            return dropped::observation();
        }
        self.series(descriptor, labels.clone(), value);
    }

    /// Gives any value under labels that are not all declared.
    pub(crate) fn series(&mut self, descriptor: &Descriptor, labels: Labels, value: Value) {
        let name = metric::shown_name(descriptor);
        let place = match self.places.get(&name) {
            Some(&place) => place,
            None => {
                self.places.insert(name.clone(), self.families.len());
                self.families.push(Family { name, ..Family::declared(descriptor) });
                self.families.len() - 1
            }
        };
        if let Some(family) = self.families.get_mut(place) {
            family.series.push(Series { labels, value });
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
    /// What the next snapshot reads, unless something is new by then.
    plan: Mutex<Arc<Plan>>,
    collector_failures: crate::sync::AtomicU64,
}

/// Whom a snapshot asks for what, found out once.
#[derive(Default)]
struct Plan {
    collectors: Vec<Registered>,
    /// Those whose series the shards have, by the names under which they are shown.
    declared: Vec<&'static metric::Family>,
    /// All that is declared, and whether names are final: what else this follows from.
    of: Option<(Arc<[&'static metric::Family]>, bool)>,
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
        for family in metric::families().iter() {
            family.start_at_zero();
        }
        let registry = Registry {
            started_at: SystemTime::now(),
            process: fork::Process::current(),
            collectors: Mutex::default(),
            plan: Mutex::default(),
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
        let plan = self.plan();
        let shards = shard::all();
        let readings = Readings { sums: shard::sums_in(&shards), shards };
        let mut families: Vec<Family> = plan.declared.iter().filter_map(|family| readings.of(family)).collect();
        let mut given = self.ask(&plan.collectors);
        given.families.iter_mut().for_each(put_in_order);
        families.append(&mut given.families);
        // Keeps the order of those of one name: the first to come tells help and kind.
        families.sort_by(|a, b| a.name.cmp(&b.name));
        families.dedup_by(|later, first| {
            let same = later.name == first.name;
            if same {
                merge(first, later);
            }
            same
        });
        families.retain(|family| !family.series.is_empty());
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

    fn plan(&self) -> Arc<Plan> {
        let of = (metric::families(), metric::prefixes_are_set());
        // A copy, since a collector may register another one, or take a snapshot.
        let collectors = lock(&self.collectors);
        let mut plan = lock(&self.plan);
        let is_known = plan.of.as_ref().is_some_and(|known| Arc::ptr_eq(&known.0, &of.0) && known.1 == of.1);
        // Collectors are never taken away.
        if !is_known || plan.collectors.len() != collectors.len() {
            *plan = Arc::new(Plan::new(collectors.clone(), of));
        }
        Arc::clone(&plan)
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

impl Plan {
    fn new(collectors: Vec<Registered>, of: (Arc<[&'static metric::Family]>, bool)) -> Plan {
        // What a collector describes comes from it alone, so that nothing shows a zero that nobody measured.
        let described = collectors.iter().flat_map(|registered| &*registered.described);
        let described: BTreeSet<_> = described.map(metric::shown_name).collect();
        let all = of.0.iter().copied();
        let mut declared: Vec<_> = all.filter(|family| !described.contains(family.shown().name)).collect();
        declared.sort_by_key(|family| family.shown().name);
        Plan { collectors, declared, of: Some(of) }
    }
}

/// Sorts a family's series by their labels. Of two with the same labels the later one stays.
fn put_in_order(family: &mut Family) {
    if family.series.is_sorted_by(|a, b| a.labels < b.labels) {
        return;
    }
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

/// Puts a family's series among those of another one of the same name; both are in order. A family of another kind is left out rather than
/// making the exposition invalid.
fn merge(known: &mut Family, family: &mut Family) {
    if known.kind != family.kind {
        return;
    }
    known.series.append(&mut family.series);
    known.series.sort_by(|a, b| a.labels.cmp(&b.labels));
    known.series.dedup_by(|later, earlier| {
        let same = later.labels == earlier.labels;
        if same {
            // What is left behind is dropped.
            add_up(&mut earlier.value, std::mem::replace(&mut later.value, Value::Integer(0)));
        }
        same
    });
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

/// What the shards of all threads hold.
struct Readings {
    shards: Vec<&'static Shard>,
    /// Of the counters, by slot.
    sums: Vec<u64>,
}

impl Readings {
    /// A declared family with the values of its series; `None` where it has no series.
    fn of(&self, declared: &'static metric::Family) -> Option<Family> {
        let shown = declared.shown_series()?;
        let descriptor = declared.shown();
        let scope = isolated::current_if_any();
        let labelled = |(shown, value): (&Shown, Value)| {
            // In a scope, what others made is not there.
            let is_here = scope.is_none_or(|scope| scope.existing(shown.series).is_some() || value.as_f64() != 0.0);
            is_here.then(|| Series { labels: shown.labels.clone(), value })
        };
        let all = shown.all.iter();
        let series = if descriptor.kind == Kind::Histogram {
            all.zip(self.histograms(descriptor, &shown)).filter_map(labelled).collect()
        } else {
            all.map(|shown| (shown, self.number(descriptor, shown))).filter_map(labelled).collect()
        };
        Some(Family { series, ..Family::declared(descriptor) })
    }

    fn histograms(&self, descriptor: &'static Descriptor, shown: &ShownSeries) -> impl Iterator<Item = Value> {
        let bounds = descriptor.bounds;
        let mut totals: Vec<_> = shown.all.iter().map(|_| HistogramReading::empty(bounds.len())).collect();
        let places = shown.by_slot.iter().filter_map(|&place| Some((shown.all.get(place)?.slot, place)));
        shard::read_histograms_in(&self.shards, places, &mut totals);
        totals.into_iter().map(|HistogramReading { buckets, sum, exemplars }| {
            let exemplars = exemplars_of(&exemplars);
            Value::Histogram(Histogram { bounds: bounds.into(), buckets, sum, exemplars })
        })
    }

    fn number(&self, descriptor: &Descriptor, shown: &Shown) -> Value {
        match descriptor.kind {
            Kind::Counter if descriptor.counts_time() => Value::Nanoseconds(self.sum(shown.slot)),
            Kind::Counter => Value::Integer(self.sum(shown.slot)),
            _ => {
                let bits = match isolated::current_if_any() {
                    None => Some(&shown.series.gauge),
                    Some(scope) => scope.existing(shown.series),
                };
                Value::Float(bits.map_or(0.0, |bits| f64::from_bits(bits.load(crate::sync::Relaxed))))
            }
        }
    }

    fn sum(&self, slot: u32) -> u64 {
        // A series that was made since the sums were read is not among them.
        self.sums.get(slot as usize).copied().unwrap_or_else(|| shard::sum_in(&self.shards, slot))
    }
}
