//! Who knows all: reads the shards, asks the collectors, and makes a [`Snapshot`] of it.

mod ask; // collectors that may hang, on threads that may
mod collection; // what a collector gives
mod names; // whose a foreign family's name is
mod readings; // what handles recorded
mod standing; // how a collector has done

use crate::collect;
use crate::error::Error;
use crate::metric::{self, Descriptor, Prefixes};
use crate::record::fork;
use crate::record::isolated::{self, Scope};
use crate::snapshot::{CallNode, Family, Job, SlowStatement, Snapshot, Statement, Value};
use crate::sync::{AtomicU64, Mutex, Relaxed, lock, unforked};
use ask::{Asked, Calls};
pub(crate) use ask::{DEFAULT_LIMIT, set_limit};
pub use collection::Collection;
use names::{Foreign, Names};
use readings::Readings;
use standing::Standings;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
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

    /// Gives the values of this moment.
    ///
    /// It runs on a thread of the library's, and never twice at once. A snapshot waits for it as long as
    /// [`Builder::collector_timeout`](crate::Builder::collector_timeout) says; one that has not come back is not asked again before it
    /// does, so a collector that hangs holds one thread. That, and a panic, cost its families of this snapshot alone.
    /// A value that does not fit is left out by itself: one of another kind, with another number of labels, NaN, one of a family that was not described or whose name no
    /// format can write, or one whose labels were given before (then the later one stays). All of it is counted, by collector:
    /// `telemetry_collector_failures_total`, `telemetry_collector_dropped_total`.
    ///
    /// A snapshot that is taken in here holds no collector's families.
    fn collect(&self, out: &mut Collection);

    /// What it is called in `telemetry_collector_*`: by default its type. Asked once, when it is registered.
    fn name(&self) -> Cow<'static, str> {
        std::any::type_name::<Self>().into()
    }
}

/// Who knows all: the program has one, and a test may have [one of its own](crate::testing::isolated).
pub struct Registry {
    /// When it was made, and in which process.
    started_at: SystemTime,
    process: fork::Process,
    collectors: Mutex<Vec<Registered>>,
    /// How often a collector came or went.
    changes: AtomicU64,
    /// What the next snapshot reads, unless something is new by then.
    plan: Mutex<Arc<Plan>>,
    /// Whose a foreign family's name is.
    names: Mutex<Names>,
    standings: Mutex<Standings>,
}

/// Whom a snapshot asks for what, found out once.
#[derive(Default)]
struct Plan {
    collectors: Vec<Registered>,
    /// Those whose series the shards have, by the names under which they are shown.
    declared: Vec<&'static metric::Family>,
    /// Names that are taken, by what is declared and described.
    taken: HashSet<String>,
    /// All that is declared, whether names are final, and how often collectors came or went: what this follows from.
    of: Option<(Arc<[&'static metric::Family]>, bool, u64)>,
}

/// A collector that is asked at each snapshot.
#[derive(Clone)]
struct Registered {
    asked: Arc<Asked>,
    how: How,
}

/// How a collector is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// By the thread that takes the snapshot: one of ours that cannot hang.
    Here,
    /// With a limit.
    Limited,
    /// With a limit, for families that are in another registry, which itself may be asking us.
    #[cfg_attr(not(feature = "prometheus"), expect(dead_code, reason = "such a registry comes with a feature"))]
    Elsewhere,
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
        let standings = Mutex::default();
        let built_in =
            collect::built_in().into_iter().map(|collector| Registered::new(collector, How::Here, &standings));
        let built_in: Vec<_> = built_in.collect();
        Registry {
            started_at: SystemTime::now(),
            process: fork::Process::current(),
            collectors: Mutex::new(built_in),
            changes: AtomicU64::new(0),
            plan: Mutex::default(),
            names: Mutex::default(),
            standings,
        }
    }
}

/// The state of the program at this moment: [`Registry::snapshot`] of [`registry`].
#[must_use]
pub fn snapshot() -> Snapshot {
    registry().snapshot()
}

/// Has a collector asked at each snapshot from now on, until it is [unregistered](Registration::unregister).
///
/// Several may give the same families, as two pools of one program do: their series are told apart by a label.
///
/// # Errors
/// A family that the collector describes has the name of another one, be that declared or another collector's; then the collector is
/// not asked. The same declaration is fine: that of [`metric!`](crate::metric!), or that of a collector of the same type.
pub fn register(collector: impl Collector) -> Result<Registration, Error> {
    registry().register(collector)
}

/// A collector that was registered. It is asked whether this is kept or not.
#[derive(Clone)]
pub struct Registration {
    registry: &'static Registry,
    asked: Arc<Asked>,
}

impl Registration {
    /// Has the collector asked no more. A snapshot that has begun may still do so.
    ///
    /// ```
    /// # use telemetry::{Collection, Collector, Descriptor};
    /// # telemetry::metric! { /** Connections that nobody uses. */ gauge spare_connections(); }
    /// # struct Pool;
    /// # impl Collector for Pool {
    /// #     fn describe(&self) -> &[Descriptor] { CATALOG }
    /// #     fn collect(&self, out: &mut Collection) { out.gauge(&spare_connections::DESCRIPTOR, &[], 7.0); }
    /// # }
    /// let pool = telemetry::register(Pool)?;
    /// assert!(telemetry::snapshot().family("spare_connections").is_some());
    /// pool.unregister();
    /// assert_eq!(telemetry::testing::value("spare_connections", &[]), Some(0.0)); // what is declared and not collected starts at zero
    /// # Ok::<(), telemetry::Error>(())
    /// ```
    pub fn unregister(self) {
        let mut collectors = lock(&self.registry.collectors);
        collectors.retain(|registered| !Arc::ptr_eq(&registered.asked, &self.asked));
        self.registry.changes.fetch_add(1, Relaxed);
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("collector", &self.asked.name()).finish_non_exhaustive()
    }
}

impl Registered {
    /// Not to be made under a lock: a collector may do anything while it describes itself, and be registered by another.
    fn new(collector: Arc<dyn Collector>, how: How, standings: &Mutex<Standings>) -> Registered {
        Registered { asked: Asked::new(collector, how == How::Here, standings), how }
    }
}

impl Registry {
    /// Has a collector asked at each snapshot from now on, until it is [unregistered](Registration::unregister).
    ///
    /// # Errors
    /// Those of [`register`](fn@register).
    pub fn register(&'static self, collector: impl Collector) -> Result<Registration, Error> {
        let registered = Registered::new(Arc::new(collector), How::Limited, &self.standings);
        let asked = Arc::clone(&registered.asked);
        let mut collectors = lock(&self.collectors);
        metric::check_new_clashes(&known(&collectors), asked.described())?;
        collectors.push(registered);
        self.changes.fetch_add(1, Relaxed);
        Ok(Registration { registry: self, asked })
    }

    /// Adds a collector of this library, whose families are declared and thus checked, or foreign.
    pub(crate) fn add(&'static self, collector: impl Collector, how: How) -> Registration {
        let registered = Registered::new(Arc::new(collector), how, &self.standings);
        let asked = Arc::clone(&registered.asked);
        lock(&self.collectors).push(registered);
        self.changes.fetch_add(1, Relaxed);
        Registration { registry: self, asked }
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
        self.snapshot_of(|_| true)
    }

    /// The same without what another registry holds, for that registry.
    #[cfg(feature = "prometheus")]
    pub(crate) fn own_snapshot(&self) -> Snapshot {
        self.snapshot_of(|how| how != How::Elsewhere)
    }

    fn snapshot_of(&self, wanted: impl Fn(How) -> bool) -> Snapshot {
        let plan = self.plan();
        // A collector that takes a snapshot gets one without collectors.
        let asking = Asking::begin(&plan.collectors, wanted);
        let readings = Readings::take();
        let mut families: Vec<Family> = plan.declared.iter().filter_map(|family| readings.of(family)).collect();
        let mut given = asking.end();
        let mut standings = Collection::default();
        lock(&self.standings).give(&mut standings);
        for Registered { asked, .. } in plan.collectors.iter().filter(|registered| registered.how != How::Here) {
            asked.standing().give_present(&mut standings);
        }
        // Of two collectors of one name.
        standings.put_in_order();
        given.families.append(&mut standings.families);
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
        if !given.foreign.is_empty() {
            families.extend(lock(&self.names).let_in(given.foreign, &plan.taken));
            families.sort_by(|a, b| a.name.cmp(&b.name));
        }
        families.retain(|family| !family.series.is_empty());
        collect::own::add_series_count(&mut families);
        given.statements.sort_by(|a, b| b.total_seconds.total_cmp(&a.total_seconds));
        Snapshot {
            taken_at: SystemTime::now(),
            started_at: self.started_at(),
            families,
            jobs: given.jobs,
            statements: given.statements,
            slow_statements: given.slow_statements,
            call_tree: given.call_tree,
        }
    }

    /// When recording began: at the first use, or where this is a forked child, which counts from zero, when that began.
    fn started_at(&self) -> SystemTime {
        let process = fork::Process::current();
        if process == self.process { self.started_at } else { process.forked_at() }
    }

    fn plan(&self) -> Arc<Plan> {
        let (families, named) = (metric::families(), metric::prefixes_are_set());
        // A copy, since a collector may register another one, or take a snapshot.
        let collectors = lock(&self.collectors);
        let changes = self.changes.load(Relaxed);
        let mut plan = lock(&self.plan);
        let is_known = plan
            .of
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(&known.0, &families) && (known.1, known.2) == (named, changes));
        if !is_known {
            *plan = Arc::new(Plan::new(collectors.clone(), (families, named, changes)));
        }
        Arc::clone(&plan)
    }
}

/// Sees which series have changed since the last time, in families whose series expire. Snapshots do too; this is for when there are none.
pub(crate) fn look_for_expired() {
    let readings = Readings::take();
    for family in metric::families().iter().filter(|family| family.expiry().is_some()) {
        drop(readings.of(family));
    }
}

/// What all collectors gave.
#[derive(Default)]
struct Given {
    families: Vec<Family>,
    foreign: Vec<Foreign>,
    jobs: Vec<Job>,
    statements: Vec<Statement>,
    slow_statements: Vec<SlowStatement>,
    call_tree: Vec<CallNode>,
}

impl Given {
    fn take(&mut self, collection: Collection, from: &Arc<Asked>) {
        let Collection { mut families, foreign, mut jobs, mut statements, mut slow_statements, mut call_tree, .. } =
            collection;
        self.families.append(&mut families);
        self.foreign.extend(foreign.into_iter().map(|family| Foreign { family, from: Arc::clone(from) }));
        self.jobs.append(&mut jobs);
        self.statements.append(&mut statements);
        self.slow_statements.append(&mut slow_statements);
        self.call_tree.append(&mut call_tree);
    }
}

/// Collectors that are being asked for one snapshot.
struct Asking<'a> {
    here: Vec<&'a Registered>,
    limited: Vec<&'a Registered>,
    calls: Option<Calls>,
    /// Whether a collector on this thread is taking the snapshot.
    nested: bool,
}

impl<'a> Asking<'a> {
    /// Has those asked that are asked on other threads.
    fn begin(collectors: &'a [Registered], wanted: impl Fn(How) -> bool) -> Asking<'a> {
        let nested = COLLECTING.get();
        let wanted = collectors.iter().filter(|registered| !nested && wanted(registered.how));
        // A thread that is in a test's scope is the only one that sees what is recorded there.
        let here = |registered: &&Registered| registered.how == How::Here || isolated::current_if_any().is_some();
        let (here, limited): (Vec<_>, Vec<_>) = wanted.partition(here);
        let calls = (!limited.is_empty()).then(|| Calls::begin(limited.iter().map(|registered| &registered.asked)));
        Asking { here, limited, calls, nested }
    }

    /// Asks the others, and waits for what was asked.
    fn end(self) -> Given {
        let mut given = Given::default();
        let _collecting = (!self.nested).then(Collecting::begin);
        for Registered { asked, .. } in self.here {
            if let Some(collection) = asked.ask() {
                given.take(collection, asked);
            }
        }
        if let Some(calls) = self.calls {
            let answers = calls.wait();
            for (Registered { asked, .. }, answer) in self.limited.iter().zip(answers) {
                if let Some(answer) = answer {
                    given.take(Arc::unwrap_or_clone(answer), asked);
                }
            }
        }
        given
    }
}

/// All that was declared, and all that collectors described besides.
fn known(collectors: &[Registered]) -> Vec<Descriptor> {
    let mut known = metric::declared();
    known.extend(collectors.iter().flat_map(|registered| registered.asked.described()));
    known
}

thread_local! {
    /// Whether this thread is asking collectors.
    static COLLECTING: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as asking collectors while it lives.
struct Collecting(());

impl Collecting {
    fn begin() -> Collecting {
        COLLECTING.set(true);
        Collecting(())
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        COLLECTING.set(false);
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("started_at", &self.started_at()).finish_non_exhaustive()
    }
}

impl Plan {
    fn new(collectors: Vec<Registered>, of: (Arc<[&'static metric::Family]>, bool, u64)) -> Plan {
        // What a collector describes comes from it alone, so that nothing shows a zero that nobody measured.
        let described = || collectors.iter().flat_map(|registered| registered.asked.described());
        let by_collectors: BTreeSet<_> = described().map(metric::shown_name).collect();
        let all = of.0.iter().copied();
        let mut declared: Vec<_> = all.filter(|family| !by_collectors.contains(family.shown().name)).collect();
        declared.sort_by_key(|family| family.shown().name);
        let of_declared = of.0.iter().map(|family| family.descriptor());
        let taken = of_declared.chain(described());
        let taken = taken.flat_map(|descriptor| metric::claims(descriptor.kind, &metric::shown_name(descriptor)));
        Plan { taken: taken.collect(), collectors, declared, of: Some(of) }
    }
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
