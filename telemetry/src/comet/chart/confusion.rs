//! What was taken for what.

use super::{ChartError, Figure};
use serde_json::json;

/// Categories that are shown, as the official client does.
const CATEGORIES: usize = 25;
/// Examples that a cell keeps.
const SAMPLES: usize = 25;

/// How often each category was taken for each: rows are what was, columns what was predicted. A cell keeps its first examples.
///
/// ```
/// use telemetry::comet::chart::ConfusionMatrix;
///
/// let mut matrix = ConfusionMatrix::new(["cat", "dog"]);
/// matrix.record("cat", "cat")?;
/// matrix.record_example("dog", "cat", 17)?; // row 17 of the data
/// assert_eq!(matrix.accuracy(), Some(0.5));
/// assert!(matrix.record("cow", "cat").unwrap_err().to_string().contains("it has cat, dog"));
/// # Ok::<(), telemetry::comet::chart::ChartError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    title: String,
    row_label: String,
    column_label: String,
    samples: usize,
    categories: usize,
    labels: Vec<String>,
    counts: Vec<u64>,
    examples: Vec<Vec<u64>>,
}

impl ConfusionMatrix {
    /// One over these categories, in this order; one that is named twice counts once.
    pub fn new<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> ConfusionMatrix {
        let mut all: Vec<String> = Vec::new();
        for label in labels.into_iter().map(Into::into) {
            if !all.contains(&label) {
                all.push(label);
            }
        }
        let cells = all.len() * all.len();
        ConfusionMatrix {
            title: "Confusion Matrix".to_owned(),
            row_label: "Actual Category".to_owned(),
            column_label: "Predicted Category".to_owned(),
            samples: SAMPLES,
            categories: CATEGORIES,
            labels: all,
            counts: vec![0; cells],
            examples: vec![Vec::new(); cells],
        }
    }

    /// What stands above it.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> ConfusionMatrix {
        self.title = title.into();
        self
    }

    /// What the rows are: "Actual Category".
    #[must_use]
    pub fn row_label(mut self, label: impl Into<String>) -> ConfusionMatrix {
        self.row_label = label.into();
        self
    }

    /// What the columns are: "Predicted Category".
    #[must_use]
    pub fn column_label(mut self, label: impl Into<String>) -> ConfusionMatrix {
        self.column_label = label.into();
        self
    }

    /// How many examples a cell keeps: 25.
    #[must_use]
    pub fn samples_per_cell(mut self, samples: usize) -> ConfusionMatrix {
        self.samples = samples;
        self
    }

    /// How many categories are shown: 25. Of more, those with the fewest right answers, as the official client does.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> ConfusionMatrix {
        self.categories = categories.max(1);
        self
    }

    /// Counts one that was `actual` and was taken for `predicted`.
    ///
    /// # Errors
    /// A label that it does not have; nothing is counted then.
    pub fn record(&mut self, actual: &str, predicted: &str) -> Result<(), ChartError> {
        self.record_many(actual, predicted, 1)
    }

    /// Counts so many.
    ///
    /// # Errors
    /// A label that it does not have; nothing is counted then.
    pub fn record_many(&mut self, actual: &str, predicted: &str, times: u64) -> Result<(), ChartError> {
        let cell = self.cell(actual, predicted)?;
        self.counts[cell] = self.counts[cell].saturating_add(times);
        Ok(())
    }

    /// Counts one, and keeps which one it was: its number in the data.
    ///
    /// # Errors
    /// A label that it does not have; nothing is counted then.
    pub fn record_example(&mut self, actual: &str, predicted: &str, example: u64) -> Result<(), ChartError> {
        let cell = self.cell(actual, predicted)?;
        self.counts[cell] = self.counts[cell].saturating_add(1);
        if self.examples[cell].len() < self.samples {
            self.examples[cell].push(example);
        }
        Ok(())
    }

    /// The categories.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How many were `actual` and taken for `predicted`; `None` where one of them is no category.
    #[must_use]
    pub fn count(&self, actual: &str, predicted: &str) -> Option<u64> {
        self.cell(actual, predicted).ok().map(|cell| self.counts[cell])
    }

    /// The share that was taken for what it was; `None` where nothing was counted.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        let right = (0..self.labels.len()).map(|place| self.at(place, place)).sum::<u64>();
        share(right, self.counts.iter().sum())
    }

    /// Of those taken for `label`, the share that was it; `None` where there are none.
    #[must_use]
    pub fn precision(&self, label: &str) -> Option<f64> {
        let place = self.place(label)?;
        share(self.at(place, place), (0..self.labels.len()).map(|row| self.at(row, place)).sum())
    }

    /// Of those that were `label`, the share that was taken for it; `None` where there are none.
    #[must_use]
    pub fn recall(&self, label: &str) -> Option<f64> {
        let place = self.place(label)?;
        share(self.at(place, place), (0..self.labels.len()).map(|column| self.at(place, column)).sum())
    }

    /// The document that Comet takes for it.
    #[must_use]
    pub fn json(&self) -> String {
        let shown = self.shown();
        let rows = |cell: &dyn Fn(usize, usize) -> serde_json::Value| -> serde_json::Value {
            shown.iter().map(|row| shown.iter().map(|column| cell(*row, *column)).collect::<Vec<_>>()).collect()
        };
        let has_examples = self.examples.iter().any(|examples| !examples.is_empty());
        let samples = has_examples.then(|| {
            rows(&|row, column| match &*self.examples[row * self.labels.len() + column] {
                [] => serde_json::Value::Null,
                examples => json!(examples),
            })
        });
        json!({
            "version": 1,
            "title": self.title,
            "labels": shown.iter().map(|place| &self.labels[*place]).collect::<Vec<_>>(),
            "matrix": rows(&|row, column| json!(self.at(row, column))),
            "rowLabel": self.row_label,
            "columnLabel": self.column_label,
            "maxSamplesPerCell": self.samples,
            "sampleMatrix": samples,
            "type": has_examples.then_some("integer"),
        })
        .to_string()
    }

    /// A picture: the darker, the larger a cell's share of its row.
    #[must_use]
    pub fn figure(&self) -> Figure {
        let shown = self.shown();
        let counts = shown.iter().map(|row| shown.iter().map(|column| self.at(*row, *column)).collect()).collect();
        let labels = shown.iter().map(|place| self.labels[*place].clone()).collect();
        Figure::matrix(&self.title, labels, counts, &self.row_label, &self.column_label)
    }

    /// The places of the categories that are shown, in their order.
    fn shown(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.labels.len()).collect();
        if places.len() > self.categories {
            places.sort_by_key(|place| self.at(*place, *place));
            places.truncate(self.categories);
            places.sort_unstable();
        }
        places
    }

    fn at(&self, row: usize, column: usize) -> u64 {
        self.counts.get(row * self.labels.len() + column).copied().unwrap_or(0)
    }

    fn place(&self, label: &str) -> Option<usize> {
        self.labels.iter().position(|known| known == label)
    }

    fn cell(&self, actual: &str, predicted: &str) -> Result<usize, ChartError> {
        let place = |label: &str| {
            self.place(label).ok_or_else(|| ChartError::Label { label: label.to_owned(), labels: self.labels.clone() })
        };
        Ok(place(actual)? * self.labels.len() + place(predicted)?)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of counts")]
fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_document_has_rows_of_what_was_and_examples_by_cell() {
        let mut matrix = ConfusionMatrix::new(["cat", "dog"]).samples_per_cell(2);
        for example in [0, 3, 7] {
            matrix.record_example("cat", "cat", example).unwrap();
        }
        matrix.record_example("dog", "cat", 2).unwrap();
        matrix.record_many("dog", "dog", 4).unwrap();
        let document: Value = serde_json::from_str(&matrix.json()).unwrap();
        let expected = json!({"version":1,"title":"Confusion Matrix","labels":["cat","dog"],"matrix":[[3,0],[1,4]],
            "rowLabel":"Actual Category","columnLabel":"Predicted Category","maxSamplesPerCell":2,
            "sampleMatrix":[[[0,3],null],[[2],null]],"type":"integer"});
        assert_eq!(document, expected);
        assert_eq!(
            (matrix.precision("cat"), matrix.recall("dog"), matrix.recall("cow")),
            (Some(0.75), Some(0.8), None)
        );
    }

    #[test]
    fn without_examples_there_is_no_list_of_them() {
        let document: Value = serde_json::from_str(&ConfusionMatrix::new(["a"]).json()).unwrap();
        assert_eq!((&document["sampleMatrix"], &document["type"]), (&Value::Null, &Value::Null));
        assert_eq!(ConfusionMatrix::new(Vec::<String>::new()).accuracy(), None);
    }

    #[test]
    fn of_many_categories_the_worst_are_shown() {
        let labels: Vec<String> = (0..30).map(|number| format!("label {number}")).collect();
        let mut matrix = ConfusionMatrix::new(labels.clone()).max_categories(2);
        for (right, label) in labels.iter().enumerate() {
            matrix.record_many(label, label, 30 - right as u64).unwrap();
        }
        let document: Value = serde_json::from_str(&matrix.json()).unwrap();
        assert_eq!(document["labels"], json!(["label 28", "label 29"]));
        assert_eq!(document["matrix"], json!([[2, 0], [0, 1]]));
    }
}
