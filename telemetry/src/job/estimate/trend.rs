//! Whether units take longer and longer, or less and less.
//!
//! The units that are done are cut into eight equal parts, in the order in which they were done, and the times of the parts are compared two by two. The median of
//! the slopes between any two of them is the trend (H. Theil, "A rank-invariant method of linear and polynomial regression analysis", 1950; P. K. Sen, "Estimates of the regression
//! coefficient based on Kendall's tau", J. Am. Stat. Assoc. 63 (1968), 1379-1389): a pause or a burst that falls into one part, or into two, does not move it. Both scales are
//! logarithmic, so the slope is a power: 0 where each unit takes as long as those before, 1 where the time of a unit grows with their number.
//!
//! Eight parts of a steady job have a slope too. How well they agree on its direction is Kendall's tau; as far as chance explains that, the slope is taken back.
//!
//! A trend that goes on for ever is the usual mistake of such forecasts (E. S. Gardner and E. McKenzie, "Forecasting trends in time series", Manage. Sci. 31
//! (1985), 1237-1246, damp theirs for that reason). Ours ends at [`FAR`].

/// Parts that are compared.
pub(super) const PARTS: usize = 8;
/// So many units and kept moments there are before any comparison: two to a part.
pub(super) const LEAST: usize = 2 * PARTS;
/// An agreement that chance explains: 1.5 standard deviations of tau, which are sqrt(2 (2n + 5) / (9 n (n - 1))) = 0.289 for eight parts without a trend.
const BY_CHANCE: f64 = 1.5 * 0.289;
/// Powers that are believed: units that become ever cheaper still take something, and what grows faster than with the square is not understood.
const BOUNDS: (f64, f64) = (-0.6, 2.0);
/// How far ahead it goes on, as a multiple of what is done.
const FAR: f64 = 2.0;
/// By what share it follows what was last seen, so that what is shown does not leap.
const FOLLOWS: f64 = 0.25;
/// Seconds: a part takes at least this long, for its logarithm's sake.
const SHORTEST: f64 = 1e-3;

/// The power of the units done by which the time of one unit grows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Trend(f64);

impl Trend {
    /// From the times of equal parts.
    pub(super) fn of(times: &[f64; PARTS]) -> Trend {
        let point = |part: usize| ((part as f64 + 0.5).ln(), times[part].max(SHORTEST).ln());
        let mut slopes = Vec::with_capacity(PARTS * (PARTS - 1) / 2);
        for later in 1..PARTS {
            for earlier in 0..later {
                let ((x, y), (before_x, before_y)) = (point(later), point(earlier));
                slopes.push((y - before_y) / (x - before_x));
            }
        }
        slopes.sort_by(f64::total_cmp);
        let count = slopes.len();
        let median = f64::midpoint(slopes[(count - 1) / 2], slopes[count / 2]);
        let direction = |slope: &f64| if *slope == 0.0 { 0.0 } else { slope.signum() };
        let tau = slopes.iter().map(direction).sum::<f64>() / count as f64;
        let by_chance = BY_CHANCE / tau.abs();
        let believed = if by_chance < 1.0 { 1.0 - by_chance * by_chance } else { 0.0 };
        Trend((median * believed).clamp(BOUNDS.0, BOUNDS.1))
    }

    /// A step towards what was seen.
    pub(super) fn towards(self, seen: Trend) -> Trend {
        Trend(self.0 + FOLLOWS * (seen.0 - self.0))
    }

    /// What the pace of now is of the mean pace up to now: the time up to n units grows with n to the power of 1 + trend.
    pub(super) fn of_now_by_mean(self) -> f64 {
        1.0 / (1.0 + self.0)
    }

    /// How many times as long as at the pace of now more units take, which are a multiple of those done: the integral of the curve.
    pub(super) fn growth(self, ahead: f64) -> f64 {
        let far = ahead.min(FAR);
        if far <= 0.0 {
            return 1.0;
        }
        let power = 1.0 + self.0;
        let along = ((1.0 + far).powf(power) - 1.0) / power;
        let straight_on = (ahead - far) * (1.0 + far).powf(self.0);
        (along + straight_on) / ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times of parts of a job, by the time that so many of its eight parts have taken.
    fn times(until: impl Fn(f64) -> f64) -> [f64; PARTS] {
        std::array::from_fn(|part| until(part as f64 + 1.0) - until(part as f64))
    }

    #[test]
    fn a_steady_job_has_none() {
        let steady = Trend::of(&times(|parts| 10.0 * parts));
        assert_eq!(steady, Trend(0.0));
        assert!((steady.growth(5.0) - 1.0).abs() < 1e-9);
        assert_eq!(Trend::of(&[0.0; PARTS]), Trend(0.0));
    }

    #[test]
    fn chance_is_none() {
        assert_eq!(Trend::of(&[1.0, 1.2, 0.9, 1.1, 1.3, 0.8, 1.0, 1.1]), Trend(0.0));
    }

    #[test]
    fn what_grows_with_the_units_done_is_found() {
        let quadratic = Trend::of(&times(|parts| parts * parts));
        assert!((0.7..1.0).contains(&quadratic.0), "{quadratic:?}");
        // As much again takes three times as long in truth, twice that of the mean pace, 1.5 times that of the pace of now.
        assert!((1.35..1.5).contains(&quadratic.growth(1.0)), "{}", quadratic.growth(1.0));
        let cheaper = Trend::of(&times(f64::sqrt));
        assert!((-0.6..-0.3).contains(&cheaper.0), "{cheaper:?}");
        assert!(cheaper.growth(1.0) < 0.9);
    }

    #[test]
    fn one_pause_does_not_make_one() {
        for pause in 0..PARTS {
            let mut times = [1.0; PARTS];
            times[pause] = 50.0;
            assert_eq!(Trend::of(&times), Trend(0.0), "a pause in part {pause}");
        }
    }

    #[test]
    fn it_ends() {
        let steep = Trend(BOUNDS.1);
        assert!(steep.growth(1e18) <= (1.0 + FAR).powf(BOUNDS.1), "{}", steep.growth(1e18));
        assert!(Trend(BOUNDS.0).growth(1e18) > 0.0);
        assert_eq!(steep.growth(0.0), 1.0);
    }
}
