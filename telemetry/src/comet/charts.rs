//! Charts on their way into a run.

use super::chart::{Breakdown, ConfusionMatrix, Curve, Figure, Histogram, Table};
use super::experiment::{Experiment, ImageFormat, extension};
use super::message::Content;
use crate::notice::say;

/// Above this the official client draws a picture by points.
const MOST_SVG: usize = 1 << 20;

impl Experiment {
    /// A picture of ours, as SVG, or as PNG where that would be larger than 1 MiB.
    pub fn log_figure(&self, name: &str, figure: &Figure) {
        if !self.is_on() {
            return;
        }
        match figure.svg() {
            Ok(svg) if svg.len() <= MOST_SVG => self.log_image(name, svg, ImageFormat::Svg),
            Ok(_) => match figure.png() {
                Ok(png) => self.log_image(name, png, ImageFormat::Png),
                Err(error) => say(format_args!("Comet: {name} is not logged: {error}")),
            },
            Err(error) => say(format_args!("Comet: {name} is not logged: {error}")),
        }
    }

    /// A histogram: one layer, at the current step (0 where there is none), of the chart of that name. An empty one is not logged.
    pub fn log_histogram(&self, name: &str, histogram: &Histogram) {
        if !histogram.is_empty() {
            let step = self.step().or(Some(0));
            self.upload_at("histogram3d", name, extension(name), step, || text(histogram.json()));
        }
    }

    /// A confusion matrix, with the examples that it holds.
    pub fn log_confusion_matrix(&self, name: &str, matrix: &ConfusionMatrix) {
        let name = if name.ends_with(".json") { name.to_owned() } else { format!("{name}.json") };
        self.upload("confusion-matrix", &name, Some("json".to_owned()), || text(matrix.json()));
    }

    /// A curve, under its own name.
    pub fn log_curve(&self, curve: &Curve) {
        self.upload("curve", curve.name(), None, || text(curve.json()));
    }

    /// A table, as a CSV file.
    pub fn log_table(&self, name: &str, table: &Table) {
        let name = if name.ends_with(".csv") { name.to_owned() } else { format!("{name}.csv") };
        self.upload("dataframe", &name, Some("csv".to_owned()), || text(table.csv()));
    }

    /// How often each label came: as metrics (`name/label`), as a picture, and where probabilities are known as a second picture of them.
    pub fn log_breakdown(&self, breakdown: &Breakdown) {
        for (label, count) in breakdown.counts() {
            #[expect(clippy::cast_precision_loss, reason = "a chart shows no more")]
            self.log_metric(&format!("{}/{label}", breakdown.name()), count as f64);
        }
        self.log_figure(breakdown.name(), &breakdown.figure());
        if breakdown.has_probabilities() {
            self.log_figure(&format!("{} probabilities", breakdown.name()), &breakdown.probability_figure());
        }
    }
}

fn text(text: impl Into<Vec<u8>>) -> Content {
    Content::Bytes(text.into().into())
}
