//! What is asked, borrowed: the macro writes it down as constants, [`check`](super::check) lends what it read.

use telemetry_dashboards as read;
pub use telemetry_dashboards::{Comparison, Reads, Suffix};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The file and what in it: `dashboards/flights.json: panel "Requests"`.
    pub place: &'a str,
    /// The query, or nothing.
    pub query: &'a str,
}

/// The name of a series, with the hashes that families are found by.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The name as it is written.
    pub name: &'a str,
    /// Which sample of a histogram it is, if its name ends so.
    pub suffix: Suffix,
    /// The hash of the name.
    pub hash: u64,
    /// The hash of the name without the suffix.
    pub stem_hash: u64,
}

/// What must be true. The same as [`telemetry_dashboards::Ask`], which says what each means.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "said there")]
pub enum Ask<'a> {
    Series(Sample<'a>),
    Prefix(&'a str),
    Label {
        label: &'a str,
        of: &'a [Sample<'a>],
        reads: Reads,
    },
    Counts {
        sample: Sample<'a>,
        function: &'a str,
    },
    Shown(Sample<'a>),
    Buckets(Sample<'a>),
    /// `text` is the value as people write it: nothing formats numbers in a constant.
    Threshold {
        sample: Sample<'a>,
        comparison: Comparison,
        value: f64,
        text: &'a str,
    },
    /// `value` is what `le` says, NaN where that is no number, and `spelling` how that is exposed.
    Bound {
        sample: Sample<'a>,
        le: &'a str,
        value: f64,
        spelling: &'a str,
    },
}

impl<'a> Sample<'a> {
    /// The name without the suffix: that of the histogram, if there is one.
    pub(super) const fn stem(&self) -> &'a str {
        self.name.split_at(self.name.len() - self.ending().len()).0
    }

    /// The suffix as it is written.
    pub(super) const fn ending(&self) -> &'static str {
        match self.suffix {
            Suffix::None => "",
            Suffix::Bucket => "_bucket",
            Suffix::Sum => "_sum",
            Suffix::Count => "_count",
        }
    }

    pub(super) fn lend(sample: &'a read::Sample) -> Sample<'a> {
        Sample {
            name: &sample.name,
            suffix: sample.suffix,
            hash: read::hash(&sample.name),
            stem_hash: read::hash(sample.stem()),
        }
    }
}

/// What [`Ask::lend`] has to make first.
pub(super) struct Made<'a> {
    samples: Vec<Sample<'a>>,
    text: String,
    value: f64,
}

impl<'a> Made<'a> {
    pub(super) fn of(ask: &'a read::Ask) -> Made<'a> {
        let mut made = Made { samples: Vec::new(), text: String::new(), value: f64::NAN };
        match ask {
            read::Ask::Label { of, .. } => made.samples.extend(of.iter().map(Sample::lend)),
            read::Ask::Threshold { value, .. } => made.text = value.to_string(),
            read::Ask::Bound { le, .. } => {
                made.value = le.parse().unwrap_or(f64::NAN);
                made.text = read::Bound(made.value).to_string();
            }
            _ => {}
        }
        made
    }
}

impl<'a> Ask<'a> {
    pub(super) fn lend(ask: &'a read::Ask, made: &'a Made<'a>) -> Ask<'a> {
        match ask {
            read::Ask::Series(sample) => Ask::Series(Sample::lend(sample)),
            read::Ask::Prefix(prefix) => Ask::Prefix(prefix),
            read::Ask::Label { label, reads, .. } => Ask::Label { label, of: &made.samples, reads: *reads },
            read::Ask::Counts { sample, function } => Ask::Counts { sample: Sample::lend(sample), function },
            read::Ask::Shown(sample) => Ask::Shown(Sample::lend(sample)),
            read::Ask::Buckets(sample) => Ask::Buckets(Sample::lend(sample)),
            read::Ask::Threshold { sample, comparison, value } => Ask::Threshold {
                sample: Sample::lend(sample),
                comparison: *comparison,
                value: *value,
                text: &made.text,
            },
            read::Ask::Bound { sample, le } => {
                Ask::Bound { sample: Sample::lend(sample), le, value: made.value, spelling: &made.text }
            }
        }
    }
}
