//! A snapshot's samples, one by one, with the labels that the receiver is to see: the series of a scrape, under the same names.

use super::{About, Batch, STALE, Value};
use crate::export::{Bound, Encoder, Number, Sample};
use crate::metric::Kind;
use crate::push::exported;
use crate::snapshot::{Exponential, Family, Labels, Series};
use std::borrow::Cow;
use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};

pub(super) struct Points<'a> {
    /// Labels of every series.
    common: &'a [(String, String)],
    /// The most samples in a message.
    limit: usize,
    native: bool,
    batch: Box<dyn Batch>,
    in_batch: usize,
    full: Vec<(Vec<u8>, usize)>,
    at: i64,
    created: i64,
    /// The family of the samples that come, without its series.
    family: Family,
    /// The series that there were; where they are to be ended, those that go on.
    seen: HashSet<u64>,
    ends: bool,
}

impl<'a> Points<'a> {
    pub(super) fn new(
        common: &'a [(String, String)],
        limit: usize,
        native: bool,
        batch: Box<dyn Batch>,
        at: i64,
        created: i64,
    ) -> Points<'a> {
        let family = Family {
            name: Cow::Borrowed(""),
            help: Cow::Borrowed(""),
            kind: Kind::Unknown,
            unit: Cow::Borrowed(""),
            series: Vec::new(),
        };
        let (full, seen) = (Vec::new(), HashSet::new());
        Points { common, limit, native, batch, in_batch: 0, full, at, created, family, seen, ends: false }
    }

    /// From now on series come whose end is to be told, unless they go on: the end is a sample too.
    pub(super) fn end_unless(&mut self, seen: HashSet<u64>) {
        (self.seen, self.ends) = (seen, true);
    }

    /// The messages, with how many samples are in each, and the series that there were.
    pub(super) fn finish(mut self) -> (Vec<(Vec<u8>, usize)>, HashSet<u64>) {
        self.close();
        (self.full, self.seen)
    }

    fn close(&mut self) {
        if self.in_batch > 0 {
            self.full.push((self.batch.take(), self.in_batch));
            self.in_batch = 0;
        }
    }

    fn add(&mut self, name: &str, labels: &Labels, limit: Option<(&str, f64)>, value: Value<'_>, created: i64) {
        let limit = limit.map(|(name, bound)| (name, Bound(bound).to_string()));
        let is_common = |name: &str| self.common.iter().any(|(common, _)| common == name);
        let is_own = |name: &str| labels.iter().any(|(own, _)| own == name);
        let own = labels.iter().map(|(name, value)| {
            // The receiver's `job` is this program's; ours gives way as at a scrape.
            let taken = is_common(name);
            let name = if taken {
                Cow::Owned(exported(name, |name| is_common(name) || is_own(name)))
            } else {
                Cow::Borrowed(&**name)
            };
            (name, &**value)
        });
        let mut all: Vec<(Cow<'_, str>, &str)> = own.collect();
        all.push((Cow::Borrowed("__name__"), name));
        all.extend(self.common.iter().map(|(name, value)| (Cow::Borrowed(&**name), &**value)));
        all.extend(limit.iter().map(|(name, bound)| (Cow::Borrowed(*name), &**bound)));
        // A label without a value is none.
        let mut all: Vec<(&str, &str)> =
            all.iter().map(|(name, value)| (&**name, *value)).filter(|(_, value)| !value.is_empty()).collect();
        all.sort_unstable_by(|a, b| a.0.cmp(b.0));
        let mut hasher = DefaultHasher::new();
        all.hash(&mut hasher);
        // The same hash for two of a million series is less likely than one in a million million; then an end is not told.
        let hash = hasher.finish();
        let value = if self.ends {
            if self.seen.contains(&hash) {
                return;
            }
            match value {
                Value::Number(_) => Value::Number(f64::from_bits(STALE)),
                Value::Native(_) | Value::NativeStale => Value::NativeStale,
            }
        } else {
            // Twice the same series in a message is an error of the whole message; the first one stays, as at a scrape.
            if !self.seen.insert(hash) {
                return crate::record::dropped::observation();
            }
            value
        };
        self.batch.add(&all, value, &About { family: &self.family, at: self.at, created });
        self.in_batch += 1;
        if self.in_batch >= self.limit {
            self.close();
        }
    }
}

impl Encoder for Points<'_> {
    type Error = Infallible;

    fn family(&mut self, family: &Family) -> Result<(), Infallible> {
        let Family { name, help, kind, unit, .. } = family;
        let (name, help, unit) = (name.clone(), help.clone(), unit.clone());
        self.family = Family { name, help, kind: *kind, unit, series: Vec::new() };
        Ok(())
    }

    fn sample(&mut self, sample: &Sample<'_>) -> Result<(), Infallible> {
        let name = match sample.suffix {
            "" => Cow::Borrowed(sample.name),
            suffix => Cow::Owned(format!("{}{suffix}", sample.name)),
        };
        // Totals that are not whole numbers, and summaries, are another registry's, which alone knows since when it counts.
        let created = match (self.family.kind, sample.value) {
            (Kind::Counter, Number::Integer(_) | Number::Nanoseconds(_)) | (Kind::Histogram, _) => self.created,
            _ => 0,
        };
        self.add(&name, sample.labels, sample.limit, Value::Number(as_f64(sample.value)), created);
        Ok(())
    }

    fn exponential(&mut self, family: &Family, series: &Series, value: &Exponential) -> Result<(), Infallible> {
        if !self.native {
            return self.histogram(family, series, &value.to_powers_of_two());
        }
        self.add(&family.name, &series.labels, None, Value::Native(value), self.created);
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "the protocol has floating point alone")]
fn as_f64(value: Number) -> f64 {
    match value {
        Number::Integer(value) => value as f64,
        Number::Nanoseconds(value) => value as f64 / 1e9,
        Number::Float(value) => value,
    }
}
