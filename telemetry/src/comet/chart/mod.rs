//! Histograms, confusion matrices, curves, tables and label breakdowns, and pictures of them.
//!
//! Everything here is data: nothing is sent, and what was counted takes memory by its bins, labels and cells, not by its values. A [`Figure`] is drawn when it is asked for,
//! as [SVG](Figure::svg) or [PNG](Figure::png).

mod breakdown; // labels and their probabilities
mod confusion; // what was taken for what
mod curve; // ROC, precision and recall, and others
mod draw; // how pictures are drawn
mod figure; // what a picture shows
mod histogram; // Comet's own
mod table; // CSV
#[cfg(test)]
mod tests; // the pictures of the page

pub use breakdown::Breakdown;
pub use confusion::ConfusionMatrix;
pub use curve::Curve;
pub use figure::Figure;
pub use histogram::Histogram;
pub use table::Table;

use std::fmt;

/// What could not be counted or drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChartError {
    /// A label that the matrix does not have.
    Label {
        /// The label, or its number.
        label: String,
        /// Those that it has.
        labels: Vec<String>,
    },
    /// A row of another length than the header.
    Row {
        /// Cells of the row.
        cells: usize,
        /// Columns of the table.
        columns: usize,
    },
    /// A curve without points, or with one that is no number.
    Points {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A picture that could not be drawn.
    Drawing {
        /// Its title.
        title: String,
        /// Why not.
        why: String,
    },
}

impl fmt::Display for ChartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChartError::Label { label, labels } => {
                write!(f, "the confusion matrix has no label {label:?}; it has {}", labels.join(", "))
            }
            ChartError::Row { cells, columns } => {
                write!(f, "the row has {cells} cells, and the table {columns} columns")
            }
            ChartError::Points { name, why } => write!(f, "curve {name:?}: {why}"),
            ChartError::Drawing { title, why } => write!(f, "{title:?} could not be drawn: {why}"),
        }
    }
}

impl std::error::Error for ChartError {}
