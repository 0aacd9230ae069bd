//! What stands for a family with `--cfg telemetry_off`: it is not registered, and holds no series.
//!
//! That a series is asked for with labels of the declared types is checked as ever.

use crate::metric::{Counter, Descriptor, DurationCounter, Gauge, Histogram, Info, LabelArg, Values};
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

/// The most series of a family: none.
pub(crate) const DEFAULT_MAX_SERIES: usize = 0;

/// The family behind one `metric!` declaration, of which nothing is kept.
pub struct Family {
    descriptor: &'static Descriptor,
    /// As in the family that keeps series. Nobody fills it, since nobody knows the family.
    pub(crate) prefixed: OnceLock<&'static Descriptor>,
}

/// A registration that nobody takes.
#[derive(Debug)]
pub struct Registration(pub &'static Family);

impl Family {
    /// A family without series.
    #[inline(always)]
    #[must_use]
    pub const fn new(descriptor: &'static Descriptor) -> Family {
        Family { descriptor, prefixed: OnceLock::new() }
    }

    /// What was declared.
    #[inline(always)]
    #[must_use]
    pub fn descriptor(&self) -> &'static Descriptor {
        self.descriptor
    }

    /// Forgets the values.
    #[inline(always)]
    #[must_use]
    pub const fn over(self, _values: &'static [Values]) -> Family {
        self
    }

    /// Nothing expires.
    #[inline(always)]
    #[must_use]
    pub const fn expiring(self, _after: Duration) -> Family {
        self
    }

    /// No counter.
    #[inline(always)]
    #[must_use]
    pub fn counter(&self, _labels: &[LabelArg<'_>]) -> Counter {
        Counter::nothing()
    }

    /// No counter of time.
    #[inline(always)]
    #[must_use]
    pub fn duration_counter(&self, _labels: &[LabelArg<'_>]) -> DurationCounter {
        DurationCounter::nothing()
    }

    /// No gauge.
    #[inline(always)]
    #[must_use]
    pub fn gauge(&self, _labels: &[LabelArg<'_>]) -> Gauge {
        Gauge::nothing()
    }

    /// No histogram.
    #[inline(always)]
    #[must_use]
    pub fn histogram(&self, _labels: &[LabelArg<'_>]) -> Histogram {
        Histogram::nothing()
    }

    /// No series.
    #[inline(always)]
    pub fn info(&self, _labels: &[LabelArg<'_>]) -> Info {
        Info
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family").field("name", &self.descriptor.name).finish_non_exhaustive()
    }
}

/// No declaration: nobody registers one.
pub(crate) fn registered() -> impl Iterator<Item = &'static Family> {
    std::iter::empty()
}
