//! Rows and columns.

use super::ChartError;
use std::fmt::Display;

/// A table that is logged as CSV (RFC 4180).
///
/// ```
/// use telemetry::comet::chart::Table;
///
/// let mut table = Table::new(["carrier", "late"]);
/// table.row(["AA", "0.21"])?;
/// table.row([&"B, 6" as &dyn std::fmt::Display, &0.34])?;
/// assert_eq!(table.csv(), "carrier,late\nAA,0.21\n\"B, 6\",0.34\n");
/// assert!(table.row(["one"]).is_err());
/// # Ok::<(), telemetry::comet::chart::ChartError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: usize,
    rows: usize,
    csv: String,
}

impl Table {
    /// One with these columns.
    pub fn new<C: Display>(columns: impl IntoIterator<Item = C>) -> Table {
        let columns: Vec<String> = columns.into_iter().map(|column| column.to_string()).collect();
        Table { columns: columns.len(), rows: 0, csv: line(&columns) }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// As many cells as there are columns are taken, and no other number.
    pub fn row<C: Display>(&mut self, cells: impl IntoIterator<Item = C>) -> Result<(), ChartError> {
        let cells: Vec<String> = cells.into_iter().map(|cell| cell.to_string()).collect();
        if cells.len() != self.columns {
            return Err(ChartError::Row { cells: cells.len(), columns: self.columns });
        }
        self.csv.push_str(&line(&cells));
        self.rows += 1;
        Ok(())
    }

    /// Rows so far, the header not counted.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The table as CSV, with its header.
    #[must_use]
    pub fn csv(&self) -> String {
        self.csv.clone()
    }
}

fn line(cells: &[String]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // What is written to memory does not fail, and text stays text.
    let _ = writer.write_record(cells);
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(rows in proptest::collection::vec(proptest::collection::vec(".*", 3), 0..8)) {
            let mut table = Table::new(["a", "b", "c"]);
            for row in &rows {
                table.row(row).unwrap();
            }
            let text = table.csv();
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let read: Vec<Vec<String>> = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
