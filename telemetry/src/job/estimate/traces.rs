//! What the estimator says of recorded jobs: `ci/long/traces` tells how each was recorded.

use super::*;

struct Trace {
    name: &'static str,
    /// A pace that is steady, or drifts; else it has pauses or leaps, which nobody foresees.
    is_even: bool,
    /// Seconds after the start, and the units done.
    points: Vec<(f64, f64)>,
}

macro_rules! traces {
    ($($name:ident $is_even:literal)*) => {
        [$(trace(stringify!($name), $is_even, include_str!(concat!("traces/", stringify!($name), ".csv")))),*]
    };
}

fn all() -> Vec<Trace> {
    traces! {
        steady true
        faults true
        few_days_at_a_time true
        even_files true
        growing_table true
        warming_cache true
        resumed true
        own_limit_unknown true
        small_files_first false
        large_files_first false
        slow_answers false
        heavy_tailed false
        batches false
        refused_for_a_while false
        down_for_a_while false
    }
    .into()
}

fn trace(name: &'static str, is_even: bool, text: &str) -> Trace {
    let point = |line: &str| line.split_once(',').and_then(|(at, done)| Some((at.parse().ok()?, done.parse().ok()?)));
    Trace { name, is_even, points: text.lines().map(|line| point(line).unwrap()).collect() }
}

impl Trace {
    fn whole(&self) -> (f64, f64) {
        *self.points.last().unwrap()
    }

    /// How much was done at a time, between two readings by a straight line.
    fn done(&self, at: f64) -> f64 {
        let place = self.points.partition_point(|point| point.0 < at);
        let (before, after) = (self.points[place.max(1) - 1], self.points[place.min(self.points.len() - 1)]);
        let share = if after.0 > before.0 { (at - before.0) / (after.0 - before.0) } else { 1.0 };
        before.1 + share.clamp(0.0, 1.0) * (after.1 - before.1)
    }

    /// What the estimator knows after a share of the time, read ten times a second as jobs are, and how much was then left.
    fn after(&self, share: f64) -> (Estimator, f64) {
        let (seconds, units) = self.whole();
        let mut estimator = Estimator::default();
        for step in 1..=(seconds * share * 10.0) as u64 {
            let at = step as f64 / 10.0;
            estimator.read(at, self.done(at) as u64);
        }
        let left = units - estimator.done as f64;
        (estimator, left)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

const SHARES: [f64; 4] = [0.1, 0.25, 0.5, 0.75];

/// The errors of three estimators, each as a share of the time that was left: ours, that of the mean over the run, and that of an exponentially weighted mean of 15 s, as
/// progress bars have it. And whether the end lay in our interval. `None` where ours says nothing.
fn errors(trace: &Trace, share: f64) -> Option<([f64; 3], bool)> {
    let (estimator, left) = trace.after(share);
    let truth = trace.whole().0 - estimator.at;
    let ours = estimator.estimate(left as u64)?;
    let mut weighted = (0.0, 0.0);
    for step in 1..=(estimator.at * 10.0) as u64 {
        let (before, at) = ((step - 1) as f64 / 10.0, step as f64 / 10.0);
        let keep = (-0.1_f64 / 15.0).exp();
        let rate = (trace.done(at).floor() - trace.done(before).floor()) * 10.0;
        weighted = (keep * weighted.0 + (1.0 - keep) * rate, keep * weighted.1 + (1.0 - keep));
    }
    let error = |seconds: f64| (seconds - truth).abs() / truth;
    let errors = [ours.seconds, left / estimator.overall()?, left / (weighted.0 / weighted.1)].map(error);
    Some((errors, (ours.low..=ours.high).contains(&truth)))
}

#[test]
fn half_way_through_recorded_jobs_the_error_is_below_a_tenth() {
    let (traces, mut within, mut told) = (all(), 0, 0);
    println!(
        "error as a share of the time left, after so much of the time: ours / mean over the run / weighted mean of 15 s"
    );
    for trace in &traces {
        let mut line = format!("{:20}", trace.name);
        for share in SHARES {
            match errors(trace, share) {
                Some(([ours, mean, weighted], is_within)) => {
                    let mark = if is_within { ' ' } else { '!' };
                    line += &format!(" | {:3.0} {:3.0} {:3.0} %{mark}", ours * 100.0, mean * 100.0, weighted * 100.0);
                }
                None => line += " | not told     ",
            }
        }
        println!("{line}");
        for percent in 5..95 {
            if let Some((_, is_within)) = errors(trace, f64::from(percent) / 100.0) {
                (within, told) = (within + u32::from(is_within), told + 1);
            }
        }
    }
    let half = |is_even: Option<bool>, which: usize| {
        let of = traces.iter().filter(|trace| is_even.is_none_or(|is_even| trace.is_even == is_even));
        median(of.filter_map(|trace| Some(errors(trace, 0.5)?.0[which])).collect())
    };
    let covered = f64::from(within) / f64::from(told);
    println!(
        "median at half-time, even ones: {:.3} {:.3} {:.3}; all: {:.3} {:.3} {:.3}; in the interval {covered:.2} of {told}",
        half(Some(true), 0),
        half(Some(true), 1),
        half(Some(true), 2),
        half(None, 0),
        half(None, 1),
        half(None, 2)
    );
    assert!(half(Some(true), 0) < 0.1, "{}", half(Some(true), 0));
    assert!((0.7..=0.95).contains(&covered), "{covered}");
}
