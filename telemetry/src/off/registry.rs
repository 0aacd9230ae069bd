//! What stands for the registry with `--cfg telemetry_off`: it takes what it is given, and knows nothing.

use crate::error::Error;
use crate::metric::Descriptor;
#[cfg(feature = "duckdb")]
use crate::snapshot::SlowStatement;
use crate::snapshot::{Family, Job, Labels, Snapshot, Statement, Value};
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// Something that is never asked.
pub trait Collector: Send + Sync + 'static {
    /// The families that it would give.
    fn describe(&self) -> &[Descriptor];

    /// Would give the values of this moment.
    fn collect(&self, out: &mut Collection);

    /// What it would be called.
    fn name(&self) -> Cow<'static, str> {
        std::any::type_name::<Self>().into()
    }
}

/// How long a snapshot would wait.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::ZERO;

/// How a collector would be asked.
#[derive(Clone, Copy)]
pub(crate) enum How {
    Here,
    Limited,
    Elsewhere,
}

/// A collector that was dropped.
#[derive(Clone, Debug)]
pub struct Registration(());

impl Registration {
    /// Nothing to do.
    pub fn unregister(self) {}
}

/// What collectors would give for one snapshot. All of it is dropped.
#[derive(Clone, Debug, Default)]
pub struct Collection(());

impl Collection {
    pub(crate) fn series(&mut self, _descriptor: &Descriptor, _labels: Labels, _value: Value) {}

    /// Drops a gauge's value.
    #[inline(always)]
    pub fn gauge(&mut self, _descriptor: &Descriptor, _labels: &[&str], _value: f64) {}

    /// Drops a counter's total.
    #[inline(always)]
    pub fn counter(&mut self, _descriptor: &Descriptor, _labels: &[&str], _total: u64) {}

    /// Drops the total of a counter of seconds.
    #[inline(always)]
    pub fn seconds(&mut self, _descriptor: &Descriptor, _labels: &[&str], _total: Duration) {}

    /// Drops an info family's labels.
    #[inline(always)]
    pub fn info(&mut self, _descriptor: &Descriptor, _labels: &[&str]) {}

    pub(crate) fn foreign(&mut self, _family: Family) {}

    pub(crate) fn not_shown(&mut self) {}

    pub(crate) fn job(&mut self, _job: Job) {}

    pub(crate) fn statement(&mut self, _statement: Statement) {}

    #[cfg(feature = "duckdb")]
    pub(crate) fn slow_statements(&mut self, _statements: Vec<SlowStatement>) {}
}

/// The program's registry, in which nothing is.
#[derive(Debug)]
pub struct Registry(());

static REGISTRY: Registry = Registry(());

/// The program's registry, in which nothing is.
#[must_use]
pub fn registry() -> &'static Registry {
    &REGISTRY
}

/// The same.
#[cfg(feature = "duckdb")]
pub(crate) fn of_program() -> &'static Registry {
    &REGISTRY
}

/// A snapshot without families.
#[must_use]
pub fn snapshot() -> Snapshot {
    REGISTRY.snapshot()
}

/// Drops a collector.
///
/// # Errors
/// None.
pub fn register(collector: impl Collector) -> Result<Registration, Error> {
    REGISTRY.register(collector)
}

impl Registry {
    /// Drops a collector.
    ///
    /// # Errors
    /// None.
    pub fn register(&self, collector: impl Collector) -> Result<Registration, Error> {
        drop(collector);
        Ok(Registration(()))
    }

    pub(crate) fn add(&self, collector: impl Collector, _how: How) -> Registration {
        drop(collector);
        Registration(())
    }

    /// The same.
    #[cfg(feature = "prometheus")]
    pub(crate) fn own_snapshot(&self) -> Snapshot {
        self.snapshot()
    }

    /// A snapshot without families.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = SystemTime::now();
        Snapshot::of_families(now, now, Vec::new())
    }
}
