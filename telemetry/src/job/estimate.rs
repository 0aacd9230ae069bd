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
//! # What is skipped
//! What is skipped says nothing about the pace. Where records are skipped throughout, those that are left will be too: as many of them as of the later half of what was
//! worked on. A resumed run that skips all it has at first does not count on more.
//!
//! # Its trend
//! A table that is searched takes longer the more rows it has, a cache makes each unit cheaper: there the pace itself has a direction, and any mean of it is late. `trend` finds
//! the power of the units done by which a unit's time grows, where the run has shown one throughout; where it has not, the power is 0. What is left
//! is then not taken at the pace of now but along that curve, until three times as much is done as now, and straight on from there.
//!
//! # Its interval
//! How good such estimates are depends on the job, and the job has shown it: the estimator keeps what it believed at earlier moments, and looks
//! how long what then lay ahead has really taken. Were half as many units done by then as now, and is as much left now as is done, then that half's
//! estimate for as much again can be judged today. The logarithms of eight such ratios, truth by estimate, are the sample; their mean square is the
//! variance. (Judging a forecaster by his own past forecasts is Dawid's prequential principle: A. P. Dawid, "Present position and potential
//! developments: some personal views: statistical theory: the prequential approach", J. R. Statist. Soc. A 147 (1984), 278-292.)
//!
//! Eight are few, and at first there are none. So a variance that is assumed beforehand counts for [`ASSUMED`] more of them, as a scaled inverse
//! chi-squared prior does: [`DRIFT`] squared for a pace that changes, the more the farther ahead it is to hold, and 1/n each for the n units that the rate was seen at and the m that it is to hold for, as
//! of units whose times are exponentially distributed.
//!
//! A pace that goes one way makes such judgements too mild: what lies ahead will differ more than what lies behind did. How much is at stake is how far apart the estimate is from what the two plain
//! rates say, so the mean square of those two distances is added.
//!
//! The interval is then the estimate times and by exp(1.2816 s), of which 80 % of a log-normal distribution lie within. It says what the job's past says: a
//! source that goes down in an hour is in nobody's.
//!
//! Time is passed in.

mod trend;

use trend::Trend;

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
/// By what share a pace is assumed to change while as many units are done as already are.
const DRIFT: f64 = 0.15;
/// Beyond so many times what is done, the assumption is not made wider.
const FARTHEST: f64 = 10.0;
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
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    at: f64,
    /// Units that were worked on.
    done: f64,
    skipped: u64,
    pace: Pace,
    trend: Trend,
}

/// Units a second, as they were to be expected, and the two rates that the expectation is made of.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    rate: f64,
    lately: f64,
    since_first: f64,
    /// The seconds of the next units that have passed.
    passed: f64,
}

impl Moment {
    /// How long so many more units were thought to take.
    fn believed(&self, more: f64) -> f64 {
        more / self.pace.rate * self.trend.growth(more / self.done) - self.pace.passed
    }

    /// The variance between this and what the plain rates say: they would have it that no trend goes on, or that all of the past counts.
    fn disagreement(&self, more: f64) -> f64 {
        let ours = self.trend.growth(more / self.done) / self.pace.rate;
        let apart = |rate: f64| (ours * rate).ln().powi(2);
        f64::midpoint(apart(self.pace.lately), apart(self.pace.since_first))
    }
}

/// The rates of a run, from readings of how much is done.
#[derive(Debug)]
pub(crate) struct Estimator {
    /// Seconds since the start of the run, at the last reading.
    at: f64,
    /// Units that were worked on, and those that were not.
    done: u64,
    skipped: u64,
    /// When `done` was last seen to be more than before.
    moved_at: f64,
    /// When any was seen to be done first, and how many; how many were skipped before.
    first: Option<(f64, u64, u64)>,
    /// How often more were seen to be done after that.
    moves: u32,
    weighted_rate: f64,
    weight: f64,
    /// As it was when the last moment was kept.
    trend: Trend,
    moments: Vec<Moment>,
    between_moments: f64,
}

impl Default for Estimator {
    fn default() -> Estimator {
        Estimator {
            at: 0.0,
            done: 0,
            skipped: 0,
            moved_at: 0.0,
            first: None,
            moves: 0,
            weighted_rate: 0.0,
            weight: 0.0,
            trend: Trend::default(),
            moments: Vec::new(),
            between_moments: BETWEEN_MOMENTS,
        }
    }
}

impl Estimator {
    /// Reads how many units are done, and how many were skipped besides, `at` seconds after the start.
    pub(crate) fn read(&mut self, at: f64, done: u64, skipped: u64) {
        if at - self.at < SHORTEST_STEP {
            return;
        }
        self.at = at;
        self.skipped = self.skipped.max(skipped);
        let more = done.saturating_sub(self.done);
        if more > 0 {
            if self.first.is_none() {
                self.first = Some((at, more, self.skipped));
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
        if self.at < due {
            return;
        }
        self.trend = self.trend.towards(self.shown_trend());
        let Some(now) = self.now() else { return };
        self.moments.push(now);
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
        let (first_at, ..) = self.first?;
        let usual = if self.moves > 0 { (self.moved_at - first_at) / f64::from(self.moves) } else { first_at };
        let still = self.at - self.moved_at;
        Some((still.min(usual), (still - usual).max(0.0)))
    }

    fn pace(&self) -> Option<Pace> {
        let (first_at, first, _) = self.first?;
        let (passed, beyond) = self.still()?;
        let (more, time) =
            if self.moves > 0 { (self.done - first, self.moved_at - first_at) } else { (first, first_at) };
        let since_first = units(more) / (time + beyond);
        let lately = if self.moves > 0 { self.lately()? } else { since_first };
        let rate = LATELY * lately + (1.0 - LATELY) * since_first * self.trend.of_now_by_mean();
        let is_told = [rate, lately, since_first].iter().all(|rate| *rate > 0.0 && rate.is_finite());
        is_told.then_some(Pace { rate, lately, since_first, passed })
    }

    fn now(&self) -> Option<Moment> {
        let pace = self.pace()?;
        Some(Moment { at: self.at, done: units(self.done), skipped: self.skipped, pace, trend: self.trend })
    }

    /// How much of what is to come will be worked on: as much as since half as many were done as are now. What was skipped before is past, as where a resumed
    /// run skips all that it has before it begins.
    fn worked_share(&self) -> f64 {
        let Some((_, first, skipped)) = self.first else { return 1.0 };
        let since = units(first).max(units(self.done) / 2.0);
        let place = self.moments.partition_point(|moment| moment.done < since);
        let then = self.moments.get(place).map_or((units(first), skipped), |moment| (moment.done, moment.skipped));
        let (worked, skipped) = (units(self.done) - then.0 + 1.0, units(self.skipped.saturating_sub(then.1)));
        worked / (worked + skipped)
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
        let now = self.now()?;
        let left = (units(left) * self.worked_share()).max(1.0);
        let seconds = now.believed(left).max(0.0);
        let factor = (QUANTILE * (self.variance(left) + now.disagreement(left)).sqrt()).exp();
        let estimate = Estimate { seconds, low: seconds / factor, high: seconds * factor };
        estimate.high.is_finite().then_some(estimate)
    }

    /// The variance of the logarithm of the time that so many units will take.
    fn variance(&self, left: f64) -> f64 {
        let done = units(self.done);
        let assumed = DRIFT * DRIFT * (1.0 + left / done).min(FARTHEST) + 1.0 / done + 1.0 / left;
        // As far ahead, by what was done then, as is to be looked now.
        let ahead = left / done;
        let (mut sum, mut count) = (ASSUMED * assumed, ASSUMED);
        for part in 1..=JUDGED {
            let by_then = done / (1.0 + ahead) * f64::from(part) / f64::from(JUDGED);
            let place = self.moments.partition_point(|moment| moment.done < by_then);
            let Some(then) = self.moments.get(place).filter(|then| then.done * (1.0 + ahead) <= done) else { continue };
            let was_ahead = ahead * then.done;
            let (believed, truth) = (then.believed(was_ahead), self.when(then.done + was_ahead) - then.at);
            if truth > 0.0 && believed > 0.0 {
                sum += (truth / believed).ln().powi(2);
                count += 1.0;
            }
        }
        sum / count
    }

    /// The trend of the times of equal parts of the units that were done after the first ones.
    fn shown_trend(&self) -> Trend {
        let Some((first_at, first, _)) = self.first else { return Trend::default() };
        let more = units(self.done - first);
        if self.moments.len() < trend::LEAST || more < trend::LEAST as f64 {
            return Trend::default();
        }
        let mut before = first_at;
        let times = std::array::from_fn(|part| {
            let until = match part + 1 {
                trend::PARTS => self.moved_at,
                parts => self.when(units(first) + more * parts as f64 / trend::PARTS as f64),
            };
            let time = until - before;
            before = until;
            time
        });
        Trend::of(&times)
    }

    /// When so many units were done, in seconds after the start: between two kept moments by a straight line.
    fn when(&self, done: f64) -> f64 {
        let now = Moment { at: self.at, done: units(self.done), ..Moment::default() };
        let place = self.moments.partition_point(|moment| moment.done < done);
        let after = self.moments.get(place).copied().unwrap_or(now);
        let before = place.checked_sub(1).and_then(|place| self.moments.get(place)).copied();
        let before = before.unwrap_or_default();
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
mod naive; // estimators that others have, to compare with
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traces; // recorded jobs
