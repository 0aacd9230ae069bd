//! The whole program's declarations, and what may not be among them.

use crate::metric::{Descriptor, registered};
use std::fmt;

/// Every family that is declared anywhere in the program, other crates included, by name.
///
/// ```
/// telemetry::metric! {
///     /// Rows read.
///     counter catalog_rows_read_total();
/// }
/// assert!(telemetry::catalog().iter().any(|d| d.name == "catalog_rows_read_total"));
/// ```
#[must_use]
pub fn catalog() -> Vec<&'static Descriptor> {
    let mut all: Vec<_> = registered().map(|family| family.descriptor()).collect();
    all.sort_by_key(|descriptor| (descriptor.name, descriptor.origin.file, descriptor.origin.line));
    all.dedup_by(|a, b| a.agrees_with(b));
    all
}

/// Two declarations of one name that do not say the same.
#[derive(Debug, Clone, Copy)]
pub struct CatalogError {
    /// One of the two declarations.
    pub first: &'static Descriptor,
    /// The other.
    pub second: &'static Descriptor,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the metric `{}` is declared twice, in {} and in {}; give one of them another name",
            self.first.name, self.first.origin, self.second.origin
        )
    }
}

impl std::error::Error for CatalogError {}

/// Refuses a name that stands for two things. Equal declarations of one package, as two of its versions or of its doctests
/// make them, are one family.
pub(crate) fn check() -> Result<(), CatalogError> {
    let mut all: Vec<_> = registered().map(|family| family.descriptor()).collect();
    all.sort_by_key(|descriptor| descriptor.name);
    for pair in all.windows(2) {
        let [first, second] = [pair[0], pair[1]];
        let same = first.agrees_with(second) && first.origin.package == second.origin.package;
        if first.name == second.name && !same {
            return Err(CatalogError { first, second });
        }
    }
    Ok(())
}
