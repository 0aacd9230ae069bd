//! How long the runs of a statement took.

use std::collections::BTreeMap;
use std::time::Duration;

/// Buckets to a doubling. 8: bounds lie 9 % apart, so the middle of one is at most 4.4 % off.
const PER_DOUBLING: f64 = 8.0;
/// Seconds; what is shorter is as short.
const SHORTEST: f64 = 1e-9;

/// Seconds of runs: their number, sum, least and most, spread, and quantiles.
///
/// Mean and sum of squared deviations are kept by Welford's recurrence, which does not cancel out as sums of squares do: B. P. Welford, "Note on a method for
/// calculating corrected sums of squares and products", Technometrics 4 (1962), 419-420.
#[derive(Debug, Default)]
pub(crate) struct Times {
    count: u64,
    total: Duration,
    min: Duration,
    max: Duration,
    mean: f64,
    squares: f64,
    /// Runs by the power of 2^(1/8) of [`SHORTEST`] above which they lie.
    buckets: BTreeMap<i16, u64>,
}

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.min = if self.count == 0 { time } else { self.min.min(time) };
        self.max = self.max.max(time);
        self.total = self.total.saturating_add(time);
        self.count += 1;
        let seconds = time.as_secs_f64();
        let off = seconds - self.mean;
        self.mean += off / approximate(self.count);
        self.squares += off * (seconds - self.mean);
        *self.buckets.entry(bucket(seconds)).or_default() += 1;
    }

    pub(crate) fn total(&self) -> f64 {
        self.total.as_secs_f64()
    }

    pub(crate) fn min(&self) -> f64 {
        self.min.as_secs_f64()
    }

    pub(crate) fn max(&self) -> f64 {
        self.max.as_secs_f64()
    }

    /// Of all runs there were, not estimated for others.
    pub(crate) fn deviation(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.squares / approximate(self.count)).max(0.0).sqrt() }
    }

    /// What this share of the runs, at least, did not exceed: the middle of its bucket, and never outside of what there was.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let rank = (share * approximate(self.count)).ceil().max(1.0);
        let mut below = 0;
        for (bucket, count) in &self.buckets {
            below += count;
            if approximate(below) >= rank {
                let middle = SHORTEST * ((f64::from(*bucket) + 0.5) / PER_DOUBLING).exp2();
                return middle.clamp(self.min(), self.max());
            }
        }
        0.0
    }
}

#[expect(clippy::cast_possible_truncation, reason = "some hundreds")]
fn bucket(seconds: f64) -> i16 {
    ((seconds.max(SHORTEST) / SHORTEST).log2() * PER_DOUBLING).floor() as i16
}

#[expect(clippy::cast_precision_loss, reason = "statistics")]
fn approximate(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_the_runs() {
        let mut times = Times::default();
        // 1 to 1000 ms, in an order that is not theirs.
        (0..1_000).for_each(|n| times.add(Duration::from_millis(1 + n * 7 % 1_000)));
        assert!((times.total() - 500.5).abs() < 1e-9);
        assert_eq!((times.min(), times.max()), (0.001, 1.0));
        // Of 1 to n: the square root of (n² - 1) / 12.
        assert!((times.deviation() - 0.288_675).abs() < 1e-5, "{}", times.deviation());
        for (share, expected) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99), (0.001, 0.001), (1.0, 1.0)] {
            let found = times.quantile(share);
            assert!((found / expected - 1.0).abs() < 0.05, "{share}: {found}");
        }
    }

    #[test]
    fn one_run_is_all_there_is_of_it() {
        let mut times = Times::default();
        assert_eq!((times.quantile(0.5), times.deviation(), times.min()), (0.0, 0.0, 0.0));
        times.add(Duration::from_micros(123));
        assert_eq!([times.quantile(0.5), times.quantile(0.99), times.min(), times.max()], [123e-6; 4]);
        assert!(times.deviation().abs() < 1e-12);
        times.add(Duration::ZERO);
        times.add(Duration::MAX);
        assert!(times.quantile(0.99).is_finite() && times.deviation().is_finite());
    }
}
