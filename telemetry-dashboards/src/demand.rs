//! What is asked of the declared families, and by whom.

/// Where a query stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the folder that the globs begin in, with `/` on every system.
    pub file: String,
    /// What in the file: `panel "Requests"`, `alert "JobLate"`, `record "job:rows:rate5m"`, `variable "job"`, `annotation "Runs"`. Empty where
    /// the file as a whole is meant.
    pub part: String,
    /// The query as it is written in the file, with its variables; the whole legend or template where that is meant. May be empty.
    pub query: String,
}

/// Something that is wrong whatever is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// What is wrong and what to write: one sentence, without the place and the query.
    pub message: String,
}

/// Something that must be true of the declared families.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// Who asks.
    pub place: Place,
    /// What is asked.
    pub ask: Ask,
}

/// What must be true.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// A declared family gives this series.
    Series(Sample),
    /// A declared family gives a series whose name begins so: the literal beginning of a pattern for `__name__`.
    Prefix(String),
    /// One of the families has the label. Where one of them is not declared, that is said by its own [`Ask::Series`].
    Label {
        /// The label.
        label: String,
        /// Where it could come from, without repetition.
        of: Vec<Sample>,
        /// Where it is written.
        reads: Reads,
    },
    /// It counts: not a gauge, not an info. The function is `rate`, `irate` or `increase`.
    Counts {
        /// What it is called with.
        sample: Sample,
        /// The function.
        function: String,
    },
    /// A panel shows it as it is, so it does not count: not a counter, and not a histogram's buckets, sum or count.
    Shown(Sample),
    /// `histogram_quantile` is asked of it: it is a histogram's buckets, or the histogram itself.
    Buckets(Sample),
    /// A quantile of it is compared with a number, which must be within the bounds.
    Threshold {
        /// The buckets.
        sample: Sample,
        /// How.
        comparison: Comparison,
        /// With what.
        value: f64,
    },
    /// A matcher wants `le` to be this text, which must be a bound as it is exposed, such as `0.5`, `1.0` or `+Inf`.
    Bound {
        /// The buckets.
        sample: Sample,
        /// The text.
        le: String,
    },
}

/// The name of a series in a query.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sample {
    /// The name as it is written.
    pub name: String,
    /// Which sample of a histogram it is, if its name ends so.
    pub suffix: Suffix,
}

/// The end of a name that only a histogram's samples have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Suffix {
    /// Another.
    None,
    /// `_bucket`.
    Bucket,
    /// `_sum`.
    Sum,
    /// `_count`.
    Count,
}

/// How a quantile is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}

/// Where a label is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// In the braces of a selector.
    Matcher,
    /// In `by (…)`.
    By,
    /// In `without (…)`.
    Without,
    /// In `on (…)`.
    On,
    /// In `ignoring (…)`.
    Ignoring,
    /// In `group_left (…)` or `group_right (…)`.
    Group,
    /// In a function's argument, such as that of `label_replace`.
    Argument,
    /// In `{{…}}` of a legend, or `$labels.…` of an alert's annotation.
    Template,
    /// In `label_values(…)`.
    Variable,
}

impl Sample {
    /// The sample of this name.
    #[must_use]
    pub fn new(name: &str) -> Sample {
        let ends = [("_bucket", Suffix::Bucket), ("_sum", Suffix::Sum), ("_count", Suffix::Count)];
        let suffix = ends.iter().find(|(end, _)| name.len() > end.len() && name.ends_with(end));
        Sample { name: name.to_owned(), suffix: suffix.map_or(Suffix::None, |(_, suffix)| *suffix) }
    }

    /// The name without the suffix: that of the histogram, if there is one.
    #[must_use]
    pub fn stem(&self) -> &str {
        let cut = match self.suffix {
            Suffix::None => 0,
            Suffix::Bucket => "_bucket".len(),
            Suffix::Sum => "_sum".len(),
            Suffix::Count => "_count".len(),
        };
        &self.name[..self.name.len() - cut]
    }
}
