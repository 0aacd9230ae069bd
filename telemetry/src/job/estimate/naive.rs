//! The estimators to compare with: what progress bars do.

/// The mean rate over the run.
pub(super) fn mean(at: f64, done: f64, left: f64) -> f64 {
    left * at / done
}

/// The rate of `indicatif` 0.18 (`state.rs`, `Estimator`), which is told of the units ten times a second: an exponentially weighted mean, of which 10 % is left after
/// 15 seconds, smoothed once more; both divided by the sum of their weights.
#[derive(Default)]
pub(super) struct TwiceSmoothed {
    at: f64,
    done: f64,
    once: f64,
    twice: f64,
}

fn weight(seconds: f64) -> f64 {
    0.1_f64.powf(seconds / 15.0)
}

impl TwiceSmoothed {
    pub(super) fn read(&mut self, at: f64, done: f64) {
        if done <= self.done {
            return;
        }
        let step = at - self.at;
        let keep = weight(step);
        self.once = self.once * keep + (done - self.done) / step * (1.0 - keep);
        self.twice = self.twice * keep + self.once / (1.0 - weight(at)) * (1.0 - keep);
        (self.at, self.done) = (at, done);
    }

    pub(super) fn left(&self, at: f64, left: f64) -> f64 {
        let (keep, total) = (weight(at - self.at), 1.0 - weight(at));
        let once = self.once * keep / total;
        left / ((self.twice * keep + once * (1.0 - keep)) / total)
    }
}

#[test]
fn a_steady_rate_is_told_exactly() {
    let mut smoothed = TwiceSmoothed::default();
    for step in 1..=1_000 {
        smoothed.read(f64::from(step) / 10.0, f64::from(step));
    }
    assert!((smoothed.left(100.0, 500.0) - 50.0).abs() < 0.1, "{}", smoothed.left(100.0, 500.0));
    assert!((mean(100.0, 1_000.0, 500.0) - 50.0).abs() < 1e-9);
}
