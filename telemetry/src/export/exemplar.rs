//! Which exemplars a format shows, and on which bucket.

use crate::snapshot::{Exemplar, Histogram};

/// How many characters the names and values of an exemplar's labels may have together: `OpenMetrics` 1.0 and Prometheus both say so.
const MAX_LENGTH: usize = 128;

/// Whether it may be shown: what is longer is left out, and NaN lies in no bucket.
pub(super) fn can_be_shown(exemplar: &Exemplar) -> bool {
    let characters = |text: &str| text.chars().count();
    let length: usize = exemplar.labels.iter().map(|(name, value)| characters(name) + characters(value)).sum();
    length <= MAX_LENGTH && !exemplar.value.is_nan()
}

/// The exemplars by the bucket in which they lie, counted over the bounds; of several the latest.
pub(super) fn by_bucket(histogram: &Histogram) -> Vec<(usize, &Exemplar)> {
    let mut found = Vec::<(usize, &Exemplar)>::with_capacity(histogram.exemplars.len());
    for exemplar in histogram.exemplars.iter().filter(|exemplar| can_be_shown(exemplar)) {
        let bucket = histogram.bounds.partition_point(|&bound| bound < exemplar.value);
        match found.iter_mut().find(|(of, _)| *of == bucket) {
            Some((_, known)) if known.at >= exemplar.at => {}
            Some((_, known)) => *known = exemplar,
            None => found.push((bucket, exemplar)),
        }
    }
    found
}
