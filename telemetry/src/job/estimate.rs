//! How fast a job is, how long it will probably take, and how far from that it may end.
//!
//! # The estimate
//! Two rates are known: over the whole run, and lately. The first is blind to a source that has become slower; the second
//! follows every burst and pause. What is left is divided by a blend of both, two parts lately and one part overall: a
//! drifting rate is followed, and one burst cannot move the estimate by more than its share.
//!
//! Both begin with the first units that are done: eight workers that began at once end their first units at once, and the time until then is not
//! the time of so many. And both go from one moment at which something was done to another, never to one between: of the next units, the time that has passed
//! since is taken off what they will take, as long as it is no longer than it usually is. So the estimate neither rises while a long unit is worked on
//! nor leaps when it is done.
//!
//! "Lately" is an exponentially weighted mean whose memory is a quarter of the run so far, from 5 seconds to 5 minutes: a
//! job of ten seconds and one of ten hours both forget at their own pace. Its weights are divided by their sum, so that the
//! first minutes are not drawn towards the zero that it starts with.
//!
//! # Its interval
//! How good such estimates are depends on the job, and the job has shown it: the estimator keeps what it believed at earlier moments, and looks
//! how long what then lay ahead has really taken. Were half as many units done by then as now, and is as much left now as is done, then that half's
//! estimate for as much again can be judged today. The logarithms of eight such ratios, truth by estimate, are the sample; their mean square is the
//! variance. (Judging a forecaster by his own past forecasts is Dawid's prequential principle: A. P. Dawid, "Present position and potential
//! developments: some personal views: statistical theory: the prequential approach", J. R. Statist. Soc. A 147 (1984), 278-292.)
//!
//! Eight are few, and at first there are none. So a variance that is assumed beforehand counts for [`ASSUMED`] more of them, as a scaled inverse
//! chi-squared prior does: [`DRIFT`] squared for a pace that changes, and 1/n each for the n units that the rate was seen at and the m that it is to hold for, as
//! of units whose times are exponentially distributed.
//!
//! The interval is then the estimate times and by exp(1.2816 s), of which 80 % of a log-normal distribution lie within. It says what the job's past says: a
//! source that goes down in an hour is in nobody's.
//!
//! Time is passed in.

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

/// Half of this quantile of the standard normal distribution lies 80 %.
const QUANTILE: f64 = 1.2816;
/// How many earlier estimates are judged.
const JUDGED: u32 = 8;
/// For how many of them what is assumed beforehand counts.
const ASSUMED: f64 = 3.0;
/// By what share a pace is assumed to change.
const DRIFT: f64 = 0.15;
/// Moments that are kept, evenly spaced over the run: when there are so many, every second one goes.
const MOST_MOMENTS: usize = 128;
/// Seconds between them at first.
const BETWEEN_MOMENTS: f64 = 0.25;

/// Seconds that something will probably take, and between which four times out of five it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) seconds: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// What was known and believed at an earlier moment.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: f64,
    done: f64,
    /// As of [`Estimator::pace`].
    rate: f64,
    passed: f64,
}

/// The rates of a run, from readings of how much is done.
#[derive(Debug)]
pub(crate) struct Estimator {
    /// Seconds since the start of the run, at the last reading.
    at: f64,
    done: u64,
    /// When `done` was last seen to be more than before.
    moved_at: f64,
    /// When any was seen to be done first, and how many.
    first: Option<(f64, u64)>,
    /// How often more were seen to be done after that.
    moves: u32,
    weighted_rate: f64,
    weight: f64,
    moments: Vec<Moment>,
    between_moments: f64,
}

impl Default for Estimator {
    fn default() -> Estimator {
        Estimator {
            at: 0.0,
            done: 0,
            moved_at: 0.0,
            first: None,
            moves: 0,
            weighted_rate: 0.0,
            weight: 0.0,
            moments: Vec::new(),
            between_moments: BETWEEN_MOMENTS,
        }
    }
}

impl Estimator {
    /// Reads how many units are done `at` seconds after the start.
    pub(crate) fn read(&mut self, at: f64, done: u64) {
        if at - self.at < SHORTEST_STEP {
            return;
        }
        self.at = at;
        let more = done.saturating_sub(self.done);
        if more > 0 {
            if self.first.is_none() {
                self.first = Some((at, more));
            } else {
                let step = at - self.moved_at;
                let keep = (-step / memory(at)).exp();
                self.weighted_rate = keep * self.weighted_rate + (1.0 - keep) * units(more) / step;
                self.weight = keep * self.weight + (1.0 - keep);
                self.moves += 1;
            }
            (self.moved_at, self.done) = (at, done);
        }
        self.remember();
    }

    /// Keeps this moment, if it is time.
    fn remember(&mut self) {
        let due = self.moments.last().map_or(0.0, |last| last.at + self.between_moments);
        let Some((rate, passed)) = self.pace().filter(|_| self.at >= due) else { return };
        self.moments.push(Moment { at: self.at, done: units(self.done), rate, passed });
        if self.moments.len() == MOST_MOMENTS {
            let mut keeps = false;
            self.moments.retain(|_| {
                keeps = !keeps;
                keeps
            });
            self.between_moments *= 2.0;
        }
    }

    /// Units a second, lately. `None` before the first.
    pub(crate) fn lately(&self) -> Option<f64> {
        let (_, beyond) = self.still()?;
        if self.moves == 0 {
            return self.overall();
        }
        let keep = (-beyond / memory(self.at)).exp();
        Some(keep * self.weighted_rate / (keep * self.weight + (1.0 - keep)))
    }

    /// Units a second, over the run. `None` before the first.
    pub(crate) fn overall(&self) -> Option<f64> {
        (self.done > 0 && self.at > 0.0).then(|| units(self.done) / self.at)
    }

    /// How long nothing has moved: as far as that is usual, and beyond.
    fn still(&self) -> Option<(f64, f64)> {
        let (first_at, _) = self.first?;
        let usual = if self.moves > 0 { (self.moved_at - first_at) / f64::from(self.moves) } else { first_at };
        let still = self.at - self.moved_at;
        Some((still.min(usual), (still - usual).max(0.0)))
    }

    /// Units a second, as they are to be expected, and the seconds of the next ones that have passed.
    fn pace(&self) -> Option<(f64, f64)> {
        let (first_at, first) = self.first?;
        let (passed, beyond) = self.still()?;
        let (more, time) =
            if self.moves > 0 { (self.done - first, self.moved_at - first_at) } else { (first, first_at) };
        let since_first = units(more) / (time + beyond);
        let lately = if self.moves > 0 { self.lately()? } else { since_first };
        let rate = LATELY * lately + (1.0 - LATELY) * since_first;
        (rate > 0.0 && rate.is_finite()).then_some((rate, passed))
    }

    /// How long `left` units will probably take. `None` before the first unit is done, and while nothing moves.
    pub(crate) fn estimate(&self, left: u64) -> Option<Estimate> {
        if left == 0 {
            return Some(Estimate { seconds: 0.0, low: 0.0, high: 0.0 });
        }
        let still = self.at - self.moved_at;
        if still > FORGOTTEN * memory(self.at) {
            return None;
        }
        let (rate, passed) = self.pace()?;
        let seconds = (units(left) / rate - passed).max(0.0);
        let factor = (QUANTILE * self.variance(units(left)).sqrt()).exp();
        let estimate = Estimate { seconds, low: seconds / factor, high: seconds * factor };
        estimate.high.is_finite().then_some(estimate)
    }

    /// The variance of the logarithm of the time that so many units will take.
    fn variance(&self, left: f64) -> f64 {
        let done = units(self.done);
        let assumed = DRIFT * DRIFT + 1.0 / done + 1.0 / left;
        // As far ahead, by what was done then, as is to be looked now.
        let ahead = left / done;
        let (mut sum, mut count) = (ASSUMED * assumed, ASSUMED);
        for part in 1..=JUDGED {
            let by_then = done / (1.0 + ahead) * f64::from(part) / f64::from(JUDGED);
            let place = self.moments.partition_point(|moment| moment.done < by_then);
            let Some(then) = self.moments.get(place).filter(|then| then.done * (1.0 + ahead) <= done) else { continue };
            let was_ahead = ahead * then.done;
            let (believed, truth) = (was_ahead / then.rate - then.passed, self.when(then.done + was_ahead) - then.at);
            if truth > 0.0 && believed > 0.0 {
                sum += (truth / believed).ln().powi(2);
                count += 1.0;
            }
        }
        sum / count
    }

    /// When so many units were done, in seconds after the start: between two kept moments by a straight line.
    fn when(&self, done: f64) -> f64 {
        let now = Moment { at: self.at, done: units(self.done), rate: 0.0, passed: 0.0 };
        let place = self.moments.partition_point(|moment| moment.done < done);
        let after = self.moments.get(place).copied().unwrap_or(now);
        let before = place.checked_sub(1).and_then(|place| self.moments.get(place)).copied();
        let before = before.unwrap_or(Moment { at: 0.0, done: 0.0, rate: 0.0, passed: 0.0 });
        let share = if after.done > before.done { (done - before.done) / (after.done - before.done) } else { 1.0 };
        before.at + share.clamp(0.0, 1.0) * (after.at - before.at)
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates are approximate")]
fn units(n: u64) -> f64 {
    n as f64
}

fn memory(at: f64) -> f64 {
    (at * MEMORY_SHARE).clamp(MEMORY_BOUNDS.0, MEMORY_BOUNDS.1)
}

#[cfg(test)]
mod traces; // recorded jobs

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
        (estimator.estimate(left).unwrap().seconds - seconds / 2.0).abs() / seconds
    }

    #[test]
    fn a_steady_rate_is_told_exactly() {
        let estimator = after(100.0, |at| at * 4.0);
        assert!((estimator.lately().unwrap() - 4.0).abs() < 0.1, "{estimator:?}");
        assert!((estimator.overall().unwrap() - 4.0).abs() < 0.01, "{estimator:?}");
        assert!((estimator.estimate(400).unwrap().seconds - 100.0).abs() < 2.0, "{estimator:?}");
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
        assert_eq!((estimator.lately(), estimator.overall(), estimator.estimate(5)), (None, None, None));
    }

    #[test]
    fn an_estimate_is_withdrawn_when_nothing_moves_and_comes_back() {
        let trace = |at: f64| if at < 100.0 { at } else { 100.0 + (at - 300.0).max(0.0) };
        assert!(after(120.0, trace).estimate(100).is_some());
        assert_eq!(after(299.0, trace).estimate(100).map(|_| ()), Some(()), "three memories of 75 s are not over");
        let stopped = |at: f64| at.min(10.0);
        assert_eq!(after(60.0, stopped).estimate(100), None);
        assert!(after(320.0, trace).estimate(100).is_some());
    }

    #[test]
    fn a_job_that_became_slower_is_told_by_its_late_rate() {
        let estimator = after(400.0, |at| if at < 200.0 { at * 10.0 } else { 2000.0 + (at - 200.0) });
        // Overall 5.5 a second, lately some 1.6: half a minute for 100 units rather than 18 seconds.
        let seconds = estimator.estimate(100).unwrap().seconds;
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
