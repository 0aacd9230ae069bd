//! Points that are joined.

use super::{ChartError, Figure};
use serde_json::json;

/// Points that a curve keeps: more than a chart has pixels across.
const MOST: usize = 1_000;

/// A curve of points in the order in which they are joined. Of more than 1,000 points evenly chosen ones are kept, the first and the last among them.
///
/// ```
/// use telemetry::comet::chart::Curve;
///
/// let scored = [(0.9, true), (0.8, true), (0.7, false), (0.2, false)];
/// let roc = Curve::roc("roc", scored)?;
/// assert_eq!(roc.auc(), 1.0);
/// # Ok::<(), telemetry::comet::chart::ChartError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
    area: f64,
}

impl Curve {
    /// A curve through these points.
    ///
    /// # Errors
    /// No points, or one that is not finite.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Result<Curve, ChartError> {
        let (name, points): (String, Vec<_>) = (name.into(), points.into_iter().collect());
        let wrong = |why: String| Err(ChartError::Points { name: name.clone(), why });
        if points.is_empty() {
            return wrong("it has no points".to_owned());
        }
        if let Some(place) = points.iter().position(|(x, y)| !x.is_finite() || !y.is_finite()) {
            let (x, y) = points[place];
            return wrong(format!("point {place} is ({x}, {y}); it takes finite numbers"));
        }
        // By the trapezoidal rule, before any point is left out.
        let area = points.windows(2).map(|pair| (pair[1].0 - pair[0].0) * f64::midpoint(pair[0].1, pair[1].1)).sum();
        Ok(Curve { name, points: thinned(points), area })
    }

    /// The receiver operating characteristic of a score: the true positive rate over the false positive rate, with equal scores as one step.
    ///
    /// # Errors
    /// A score that is no number, or values of one kind alone, of which there is no rate.
    pub fn roc(name: impl Into<String>, scored: impl IntoIterator<Item = (f64, bool)>) -> Result<Curve, ChartError> {
        let name = name.into();
        let (steps, positives, negatives) = steps(&name, scored)?;
        if positives == 0.0 || negatives == 0.0 {
            return Err(ChartError::Points {
                name,
                why: "it takes values that are it and values that are not".to_owned(),
            });
        }
        let points = steps.into_iter().map(|(right, wrong)| (wrong / negatives, right / positives));
        Curve::new(name, std::iter::once((0.0, 0.0)).chain(points))
    }

    /// Precision over recall of a score, with equal scores as one step.
    ///
    /// # Errors
    /// A score that is no number, or none that is it, of which there is no recall.
    pub fn precision_recall(
        name: impl Into<String>,
        scored: impl IntoIterator<Item = (f64, bool)>,
    ) -> Result<Curve, ChartError> {
        let name = name.into();
        let (steps, positives, _) = steps(&name, scored)?;
        if positives == 0.0 {
            return Err(ChartError::Points { name, why: "it takes values that are it".to_owned() });
        }
        let points: Vec<_> =
            steps.into_iter().map(|(right, wrong)| (right / positives, right / (right + wrong))).collect();
        // At no recall the precision is that of the best score.
        let first = points.first().map(|(_, precision)| (0.0, *precision));
        Curve::new(name, first.into_iter().chain(points))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its points.
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The area under it, by the trapezoidal rule, of all points that were given.
    #[must_use]
    pub fn auc(&self) -> f64 {
        self.area
    }

    /// The document that Comet takes for it.
    #[must_use]
    pub fn json(&self) -> String {
        let (x, y): (Vec<f64>, Vec<f64>) = self.points.iter().copied().unzip();
        json!({ "x": x, "y": y, "name": self.name }).to_string()
    }

    /// A picture of it alone.
    #[must_use]
    pub fn figure(&self) -> Figure {
        Figure::curves(self.name.clone(), "", "", std::slice::from_ref(self))
    }
}

type Steps = (Vec<(f64, f64)>, f64, f64);

/// How many that are it, and how many that are not, have at least each score, from the highest on; and how many there are.
fn steps(name: &str, scored: impl IntoIterator<Item = (f64, bool)>) -> Result<Steps, ChartError> {
    let mut scored: Vec<(f64, bool)> = scored.into_iter().collect();
    if scored.iter().any(|(score, _)| score.is_nan()) {
        return Err(ChartError::Points { name: name.to_owned(), why: "a score is no number".to_owned() });
    }
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let (mut right, mut wrong) = (0.0, 0.0);
    let mut steps = Vec::new();
    for (place, (score, is_it)) in scored.iter().enumerate() {
        if *is_it {
            right += 1.0
        } else {
            wrong += 1.0
        }
        if scored.get(place + 1).is_none_or(|(next, _)| next != score) {
            steps.push((right, wrong));
        }
    }
    Ok((steps, right, wrong))
}

fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let from = points.len();
    if from <= MOST {
        return points;
    }
    (0..MOST).map(|place| points[place * (from - 1) / (MOST - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_one_step_and_chance_is_half() {
        let roc = Curve::roc("roc", [(0.5, true), (0.5, false)]).unwrap();
        assert_eq!((roc.points(), roc.auc()), (&[(0.0, 0.0), (1.0, 1.0)][..], 0.5));
        let worst = Curve::roc("roc", [(0.1, true), (0.9, false)]).unwrap();
        assert_eq!(worst.auc(), 0.0);
        let precision = Curve::precision_recall("pr", [(0.9, true), (0.8, false), (0.7, true)]).unwrap();
        assert_eq!(precision.points(), [(0.0, 1.0), (0.5, 1.0), (0.5, 0.5), (1.0, 2.0 / 3.0)]);
    }

    #[test]
    fn what_is_no_curve_is_told() {
        for (made, why) in [
            (Curve::new("a", []), "no points"),
            (Curve::new("a", [(0.0, f64::NAN)]), "point 0 is (0, NaN)"),
            (Curve::roc("a", [(0.5, true)]), "values that are not"),
            (Curve::roc("a", [(f64::NAN, true)]), "no number"),
            (Curve::precision_recall("a", [(0.5, false)]), "values that are it"),
        ] {
            let error = made.unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("\"a\""), "{error}");
        }
    }

    #[test]
    fn many_points_are_thinned_and_keep_their_ends_and_their_area() {
        let many = Curve::new("a", (0..100_000).map(|x| (f64::from(x), 1.0))).unwrap();
        assert_eq!((many.points().len(), many.points()[0].0, many.points()[MOST - 1].0), (MOST, 0.0, 99_999.0));
        assert_eq!(many.auc(), 99_999.0);
        assert_eq!(Curve::new("roc", [(0.0, 0.5)]).unwrap().json(), r#"{"name":"roc","x":[0.0],"y":[0.5]}"#);
    }
}
