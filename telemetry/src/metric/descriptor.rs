//! The constant about a family: what it is called, what it counts, and where it was declared.

use std::fmt;

/// The kind of an instrument, hence of its family.
///
/// [`Kind::Summary`] and [`Kind::Unknown`] cannot be declared; they occur in families that come from another registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A total that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// A distribution over declared bounds, or over powers of two for measured functions.
    Histogram,
    /// A constant 1 whose labels say something.
    Info,
    /// Quantiles computed elsewhere.
    Summary,
    /// A family whose kind its source did not tell.
    Unknown,
}

impl Kind {
    /// The word of the exposition formats: `counter`, `gauge`, `histogram`, `info`, `summary`, `unknown`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
            Kind::Summary => "summary",
            Kind::Unknown => "unknown",
        }
    }
}

#[cfg(any(feature = "dashboards", feature = "history"))]
impl Kind {
    /// The kind that is called so.
    pub(crate) fn named(word: &str) -> Option<Kind> {
        let all = [Kind::Counter, Kind::Gauge, Kind::Histogram, Kind::Info, Kind::Summary, Kind::Unknown];
        all.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a family was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The package, as its manifest calls it.
    pub package: &'static str,
    /// The package's version.
    pub version: &'static str,
    /// The module's path.
    pub module: &'static str,
    /// The file, as the compiler was given it.
    pub file: &'static str,
    /// The line of the declaration.
    pub line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}:{})", self.package, self.version, self.file, self.line)
    }
}

/// All that is known of a family when compiling: what [`metric!`](crate::metric) was told, and where.
///
/// ```
/// telemetry::metric! {
///     /// Rows read.
///     counter rows_read_total(table: &str);
/// }
/// let descriptor = rows_read_total::DESCRIPTOR;
/// assert_eq!(descriptor.name, "rows_read_total");
/// assert_eq!(descriptor.labels, ["table"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descriptor {
    /// The name as it is scraped.
    pub name: &'static str,
    /// The kind of instrument.
    pub kind: Kind,
    /// The HELP text: the declaration's doc comment.
    pub help: &'static str,
    /// The base unit in the name (`seconds`, `bytes`, `records`, …), or empty.
    pub unit: &'static str,
    /// The labels' names, in the order of the declaration.
    pub labels: &'static [&'static str],
    /// The finite upper bounds of a histogram's buckets, ascending; empty for other kinds.
    pub bounds: &'static [f64],
    /// Where it was declared.
    pub origin: Origin,
}

impl Descriptor {
    /// Whether two declarations say the same, wherever they stand: name, kind, help, labels and bounds.
    #[must_use]
    pub fn agrees_with(&self, other: &Descriptor) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.help == other.help
            && self.labels == other.labels
            && self.bounds == other.bounds
    }

    /// Whether values are kept as whole nanoseconds and shown as seconds: counters that end in `_seconds_total`.
    #[must_use]
    pub fn counts_time(&self) -> bool {
        self.kind == Kind::Counter && self.unit == "seconds"
    }
}
