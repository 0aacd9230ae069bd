//! Labels as a model gives them, with their probabilities.

use super::Figure;
use super::figure::Bins;
use std::collections::HashMap;

/// Bins of the probabilities of each label.
const BINS: usize = 20;

/// How often each label came, and with what probabilities, where they are known. Takes memory by label, not by value.
///
/// ```
/// use telemetry::comet::chart::Breakdown;
///
/// let mut status = Breakdown::new("status");
/// status.add("late");
/// status.add_scored("on time", 0.83);
/// assert_eq!(status.counts().collect::<Vec<_>>(), [("late", 1), ("on time", 1)]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Breakdown {
    name: String,
    places: HashMap<String, usize>,
    labels: Vec<(String, u64, Bins)>,
}

impl Breakdown {
    /// An empty one of this name.
    pub fn new(name: impl Into<String>) -> Breakdown {
        Breakdown { name: name.into(), places: HashMap::new(), labels: Vec::new() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counts a label.
    pub fn add(&mut self, label: &str) {
        self.add_many(label, 1);
    }

    /// Counts a label so many times; zero makes it known.
    pub fn add_many(&mut self, label: &str, times: u64) {
        let entry = self.entry(label);
        entry.1 = entry.1.saturating_add(times);
    }

    /// Counts a label that was given with this probability.
    pub fn add_scored(&mut self, label: &str, probability: f64) {
        self.add_scored_many(label, probability, 1);
    }

    /// Counts a label that was given with this probability so many times.
    pub fn add_scored_many(&mut self, label: &str, probability: f64, times: u64) {
        let entry = self.entry(label);
        entry.1 = entry.1.saturating_add(times);
        entry.2.add_many(probability, times);
    }

    /// Labels and counts, in the order in which they first came.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.labels.iter().map(|(label, count, _)| (&**label, *count))
    }

    /// All labels' counts together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.labels.iter().fold(0, |sum, (_, count, _)| sum.saturating_add(*count))
    }

    /// Whether any label came with a probability.
    #[must_use]
    pub fn has_probabilities(&self) -> bool {
        self.labels.iter().any(|(_, _, bins)| !bins.is_empty())
    }

    /// A picture of the counts.
    #[must_use]
    pub fn figure(&self) -> Figure {
        Figure::label_frequency(self.name.clone(), self.counts())
    }

    /// A picture of the probabilities, label by label.
    #[must_use]
    pub fn probability_figure(&self) -> Figure {
        let panels = self.labels.iter().filter(|(_, _, bins)| !bins.is_empty());
        Figure::panels(
            format!("{}: probabilities", self.name),
            panels.map(|(label, _, bins)| (label.clone(), bins.clone())).collect(),
        )
    }

    fn entry(&mut self, label: &str) -> &mut (String, u64, Bins) {
        let place = match self.places.get(label) {
            Some(place) => *place,
            None => {
                self.places.insert(label.to_owned(), self.labels.len());
                self.labels.push((label.to_owned(), 0, Bins::new(0.0, 1.0, BINS)));
                self.labels.len() - 1
            }
        };
        &mut self.labels[place]
    }
}

impl<'a> Extend<&'a str> for Breakdown {
    fn extend<I: IntoIterator<Item = &'a str>>(&mut self, labels: I) {
        for label in labels {
            self.add(label);
        }
    }
}
