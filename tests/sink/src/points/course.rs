use super::{Point, Temporality, Value};

/// What is wrong in a point that follows another of its series.
pub(super) fn between(before: &Point, point: &Point) -> Option<String> {
    if point.time <= before.time {
        return Some(format!("the time {} does not come after {}", point.time, before.time));
    }
    if before.value.kind() != point.value.kind() {
        return Some(format!("a {} after a {}", point.value.kind(), before.value.kind()));
    }
    match point.value.temporality()? {
        Temporality::Unspecified => None,
        Temporality::Delta if point.start == before.time => None,
        Temporality::Delta => Some(format!("begins at {}, not where the last one ended, {}", point.start, before.time)),
        // A new beginning.
        Temporality::Cumulative if point.start >= before.time => None,
        Temporality::Cumulative if point.start != before.start => {
            Some(format!("the start went from {} to {} without a gap", before.start, point.start))
        }
        Temporality::Cumulative => {
            let grows = !matches!(point.value, Value::Sum { monotonic: false, .. });
            // The sum of a histogram may fall, where negative values are observed.
            let (was, is) = match (before.value.count(), point.value.count()) {
                (Some(was), Some(is)) => (was as f64, is as f64),
                _ => (before.value.as_f64(), point.value.as_f64()),
            };
            (grows && is < was).then(|| format!("fell from {was} to {is}"))
        }
    }
}
