//! What handles recorded: the cells of all shards, as the families that are declared.

use crate::collect::functions::exemplars_of;
use crate::metric::{self, Descriptor, Kind, Shown, ShownSeries};
use crate::record::isolated;
use crate::record::shard::{self, HistogramReading, Shard};
use crate::snapshot::{Family, Histogram, Series, Value};
use crate::sync::Relaxed;
use std::time::Instant;

/// What the shards of all threads hold.
pub(super) struct Readings {
    shards: Vec<&'static Shard>,
    /// Of the counters, by slot.
    sums: Vec<u64>,
}

impl Readings {
    pub(super) fn take() -> Readings {
        let shards = shard::all();
        Readings { sums: shard::sums_in(&shards), shards }
    }

    /// A declared family with the values of its series; `None` where it has no series.
    pub(super) fn of(&self, declared: &'static metric::Family) -> Option<Family> {
        let shown = declared.shown_series()?;
        let descriptor = declared.shown();
        let scope = isolated::current_if_any();
        let labelled = |(shown, value): (&Shown, Value)| {
            // In a scope, what others made is not there.
            let is_here = scope.is_none_or(|scope| scope.existing(shown.series).is_some() || value.as_f64() != 0.0);
            is_here.then(|| Series { labels: shown.labels.clone(), value })
        };
        let all = shown.all.iter();
        let mut series: Vec<_> = if descriptor.kind == Kind::Histogram {
            all.zip(self.histograms(descriptor, &shown)).filter_map(labelled).collect()
        } else {
            all.map(|shown| (shown, self.number(descriptor, shown))).filter_map(labelled).collect()
        };
        // A scope's values say nothing of the program's.
        if let Some(expiry) = declared.expiry().filter(|_| scope.is_none()) {
            expiry.hide(Instant::now(), &shown.all, &mut series);
        }
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
                Value::Float(bits.map_or(0.0, |bits| f64::from_bits(bits.load(Relaxed))))
            }
        }
    }

    fn sum(&self, slot: u32) -> u64 {
        // A series that was made since the sums were read is not among them.
        self.sums.get(slot as usize).copied().unwrap_or_else(|| shard::sum_in(&self.shards, slot))
    }
}
