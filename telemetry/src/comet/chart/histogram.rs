//! Comet's own histogram, of which one at each step makes a three-dimensional chart.

use serde_json::json;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The first edge on either side of zero, the ratio of one edge to the next, and where they end: the constants of the official client, which charts of one name have to share.
const START: f64 = 1e-12;
const RATIO: f64 = 1.1;
const STOP: f64 = 1e20;
/// The bin of zero, and of what is too near to it.
const ZERO: u32 = 775;

/// Edges above zero: 774, up to 9.92e19, by repeated multiplication.
fn edges() -> &'static [f64] {
    static EDGES: OnceLock<Vec<f64>> = OnceLock::new();
    EDGES.get_or_init(|| {
        std::iter::successors(Some(START), |edge| Some(edge * RATIO)).take_while(|edge| *edge < STOP).collect()
    })
}

/// Counts of values over Comet's fixed bins: each ten percent wide, from 1e-12 to 1e20 on both sides of zero.
///
/// ```
/// use telemetry::comet::chart::Histogram;
///
/// let weights: Histogram = [-1.0, 0.0, 1.0, 2.5, 2.5].into_iter().collect();
/// assert_eq!(weights.bins().collect::<Vec<_>>(), [(484, 1), (775, 1), (1065, 1), (1075, 2)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    bins: BTreeMap<u32, u64>,
    dropped: u64,
}

impl Histogram {
    /// An empty one.
    #[must_use]
    pub fn new() -> Histogram {
        Histogram::default()
    }

    /// Counts a value.
    pub fn record(&mut self, value: f64) {
        self.record_many(value, 1);
    }

    /// Counts a value so many times.
    pub fn record_many(&mut self, value: f64, times: u64) {
        match bin(value) {
            _ if times == 0 => {}
            Some(bin) => {
                let count = self.bins.entry(bin).or_default();
                *count = count.saturating_add(times);
            }
            None => self.dropped = self.dropped.saturating_add(times),
        }
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: &Histogram) {
        for (bin, count) in other.bins() {
            let sum = self.bins.entry(bin).or_default();
            *sum = sum.saturating_add(count);
        }
        self.dropped = self.dropped.saturating_add(other.dropped);
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Values that have no bin: not a number, infinite, or 1e20 and beyond.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// The bins that are not empty, ascending, with their counts.
    pub fn bins(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.bins.iter().map(|(bin, count)| (*bin, *count))
    }

    /// The document that Comet takes for it.
    #[must_use]
    pub fn json(&self) -> String {
        let bins: Vec<_> = self.bins().map(|(bin, count)| json!([bin, count])).collect();
        // Numbers as the official client writes them.
        format!(
            r#"{{"version":2,"index_values":{},"values":null,"offset":0,"start":1e-12,"stop":1e+20,"step":1.1}}"#,
            serde_json::Value::from(bins)
        )
    }
}

impl Extend<f64> for Histogram {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        for value in values {
            self.record(value);
        }
    }
}

impl FromIterator<f64> for Histogram {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Histogram {
        let mut histogram = Histogram::new();
        histogram.extend(values);
        histogram
    }
}

/// The bin of a value: those of values above zero are `ZERO + k`, where `k` is the first edge that is not below it.
fn bin(value: f64) -> Option<u32> {
    let size = value.abs();
    if size.is_nan() || size >= STOP {
        return None;
    }
    if size <= START {
        return Some(ZERO);
    }
    let k = u32::try_from(edges().partition_point(|edge| *edge < size)).unwrap_or(ZERO);
    Some(if value > 0.0 { ZERO + k } else { ZERO - 1 - k })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_lie_where_the_official_client_has_them() {
        for (value, expected) in [
            (0.0, 775),
            (1e-12, 775),
            (0.5, 1058),
            (1.0, 1065),
            (1.1, 1066),
            (2.0, 1073),
            (2.5, 1075),
            (-0.5, 491),
            (-1.0, 484),
            (1e19, 1524),
            (1e-30, 775),
            (-1e-15, 775),
        ] {
            assert_eq!(bin(value), Some(expected), "{value}");
        }
        for value in [f64::NAN, f64::INFINITY, -1e20] {
            assert_eq!(bin(value), None, "{value}");
        }
        assert_eq!(edges().len(), 774);
        assert_eq!((bin(9.99e19), bin(-9.99e19)), (Some(1549), Some(0)));
    }

    #[test]
    fn the_document_is_the_official_clients() {
        let histogram: Histogram = [-1.0, 0.0, 1e-30, 1.0, 2.5, 2.5, f64::NAN].into_iter().collect();
        let expected = r#"{"version":2,"index_values":[[484,1],[775,2],[1065,1],[1075,2]],"values":null,"offset":0,"start":1e-12,"stop":1e+20,"step":1.1}"#;
        assert_eq!(histogram.json(), expected);
        assert_eq!((histogram.count(), histogram.dropped()), (6, 1));
    }

    proptest! {
        #[test]
        fn every_value_lies_between_the_edges_of_its_bin(exponent in -11.9f64..19.9, is_negative: bool) {
            let value = 10f64.powf(exponent) * if is_negative { -1.0 } else { 1.0 };
            let bin = bin(value).unwrap();
            // All edges: -∞, the negative ones, zero, the positive ones, +∞.
            let edge = |number: u32| -> f64 {
                let positive = |k: usize| edges().get(k).copied().unwrap_or(f64::INFINITY);
                match number.cmp(&ZERO) {
                    std::cmp::Ordering::Equal => 0.0,
                    std::cmp::Ordering::Greater => positive((number - ZERO - 1) as usize),
                    std::cmp::Ordering::Less => -positive((ZERO - 1 - number) as usize),
                }
            };
            prop_assert!(edge(bin) <= value && value <= edge(bin + 1), "{value} in {bin}: {} to {}", edge(bin), edge(bin + 1));
        }

        #[test]
        fn merging_is_counting_both(a: Vec<f64>, b: Vec<f64>) {
            let mut merged: Histogram = a.iter().copied().collect();
            merged.merge(&b.iter().copied().collect());
            prop_assert_eq!(merged, a.into_iter().chain(b).collect::<Histogram>());
        }
    }
}
