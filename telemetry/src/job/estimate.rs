//! How fast a job is, and how long it will probably take.
//!
//! Two rates are known: over the whole run, and lately. The first is blind to a source that has become slower; the second
//! follows every burst and pause. What is left is divided by a blend of both, two parts lately and one part overall: a
//! drifting rate is followed, and one burst cannot move the estimate by more than its share.
//!
//! "Lately" is an exponentially weighted mean whose memory is a quarter of the run so far, from 5 seconds to 5 minutes: a
//! job of ten seconds and one of ten hours both forget at their own pace. Its weights are divided by their sum, so that the
//! first minutes are not drawn towards the zero that it starts with. Time is passed in.

/// The share of the run that "lately" remembers. A quarter: half-way through, a change of pace in the last quarter counts.
const MEMORY_SHARE: f64 = 0.25;
/// Seconds. Below 5, the work of single units would show; above 300, it is no longer "lately".
const MEMORY_BOUNDS: (f64, f64) = (5.0, 300.0);
/// Readings nearer than this, in seconds, are one reading.
const SHORTEST_STEP: f64 = 0.05;
/// The part that the late rate has in the estimate.
const LATELY: f64 = 2.0 / 3.0;
/// After this many memories without a unit, the late rate is past telling anything: 5 % of it is left.
const FORGOTTEN: f64 = 3.0;

/// The rates of a run, from readings of how much is done.
#[derive(Debug, Default)]
pub(crate) struct Estimator {
    /// Seconds since the start of the run, at the last reading.
    at: f64,
    done: u64,
    /// When `done` was last seen to be more than before.
    moved_at: f64,
    weighted_rate: f64,
    weight: f64,
}

impl Estimator {
    /// Reads how many units are done `at` seconds after the start.
    pub(crate) fn read(&mut self, at: f64, done: u64) {
        let step = at - self.at;
        if step < SHORTEST_STEP {
            return;
        }
        let more = done.saturating_sub(self.done);
        if more > 0 {
            self.moved_at = at;
        }
        let keep = (-step / memory(at)).exp();
        #[expect(clippy::cast_precision_loss, reason = "rates are approximate")]
        let rate = more as f64 / step;
        self.weighted_rate = keep * self.weighted_rate + (1.0 - keep) * rate;
        self.weight = keep * self.weight + (1.0 - keep);
        (self.at, self.done) = (at, done.max(self.done));
    }

    /// Units a second, lately. `None` before the first.
    pub(crate) fn lately(&self) -> Option<f64> {
        (self.done > 0 && self.weight > 0.0).then(|| self.weighted_rate / self.weight)
    }

    /// Units a second, over the run. `None` before the first.
    pub(crate) fn overall(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "rates are approximate")]
        let done = self.done as f64;
        (self.done > 0 && self.at > 0.0).then(|| done / self.at)
    }

    /// Seconds that `left` units will probably take. `None` before the first unit is done, and while nothing moves.
    pub(crate) fn seconds_for(&self, left: u64) -> Option<f64> {
        if left == 0 {
            return Some(0.0);
        }
        let still = self.at - self.moved_at;
        if still > FORGOTTEN * memory(self.at) {
            return None;
        }
        let rate = LATELY * self.lately()? + (1.0 - LATELY) * self.overall()?;
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds = left as f64 / rate;
        seconds.is_finite().then_some(seconds)
    }
}

fn memory(at: f64) -> f64 {
    (at * MEMORY_SHARE).clamp(MEMORY_BOUNDS.0, MEMORY_BOUNDS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a trace every 100 ms up to `end`; `done` tells the units at each time.
    fn after(end: f64, done: impl Fn(f64) -> f64) -> Estimator {
        let mut estimator = Estimator::default();
        for step in 1..=(end * 10.0) as u64 {
            let at = step as f64 / 10.0;
            estimator.read(at, done(at) as u64);
        }
        estimator
    }

    fn error_at_half_time(seconds: f64, done: impl Fn(f64) -> f64) -> f64 {
        let estimator = after(seconds / 2.0, &done);
        let left = done(seconds) as u64 - done(seconds / 2.0) as u64;
        (estimator.seconds_for(left).unwrap() - seconds / 2.0).abs() / seconds
    }

    #[test]
    fn a_steady_rate_is_told_exactly() {
        let estimator = after(100.0, |at| at * 4.0);
        assert!((estimator.lately().unwrap() - 4.0).abs() < 0.1, "{estimator:?}");
        assert!((estimator.overall().unwrap() - 4.0).abs() < 0.01, "{estimator:?}");
        assert!((estimator.seconds_for(400).unwrap() - 100.0).abs() < 2.0, "{estimator:?}");
    }

    #[test]
    fn half_way_through_the_error_is_below_a_tenth() {
        assert!(error_at_half_time(600.0, |at| at * 5.0) < 0.01);
        // Slows by a third over the run.
        assert!(error_at_half_time(600.0, |at| at * (6.0 - at / 600.0)) < 0.1);
        // A batch of a hundred every ten seconds.
        assert!(error_at_half_time(600.0, |at| (at / 10.0).floor() * 100.0) < 0.1);
        // A tenth of every minute is a pause.
        assert!(error_at_half_time(600.0, |at| (at / 60.0).floor() * 540.0 + (at % 60.0).min(54.0) * 10.0) < 0.1);
    }

    #[test]
    fn nothing_done_is_no_estimate() {
        let estimator = after(100.0, |_| 0.0);
        assert_eq!((estimator.lately(), estimator.overall(), estimator.seconds_for(5)), (None, None, None));
    }

    #[test]
    fn an_estimate_is_withdrawn_when_nothing_moves_and_comes_back() {
        let trace = |at: f64| if at < 100.0 { at } else { 100.0 + (at - 300.0).max(0.0) };
        assert!(after(120.0, trace).seconds_for(100).is_some());
        assert_eq!(after(299.0, trace).seconds_for(100).map(|_| ()), Some(()), "three memories of 75 s are not over");
        let stopped = |at: f64| at.min(10.0);
        assert_eq!(after(60.0, stopped).seconds_for(100), None);
        assert!(after(320.0, trace).seconds_for(100).is_some());
    }

    #[test]
    fn a_job_that_became_slower_is_told_by_its_late_rate() {
        let estimator = after(400.0, |at| if at < 200.0 { at * 10.0 } else { 2000.0 + (at - 200.0) });
        // Overall 5.5 a second, lately some 1.6: half a minute for 100 units rather than 18 seconds.
        let seconds = estimator.seconds_for(100).unwrap();
        assert!((25.0..60.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn readings_at_one_moment_are_one() {
        let mut estimator = after(10.0, |at| at);
        let before = estimator.lately();
        estimator.read(10.0, 1_000);
        estimator.read(10.0001, 1_000);
        assert_eq!(estimator.lately(), before);
    }
}
