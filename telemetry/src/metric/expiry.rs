//! Series that vanish when nothing has touched them for a while.
//!
//! Recording knows nothing of it: that a series was touched is seen by its value, which has changed since it was last looked at. Counters and
//! histograms only grow, so a change cannot be missed. What has not changed for long enough is not shown; its cell stays its own, so
//! that a handle that was kept never counts for other labels, and when it changes it is shown again with its whole total.

use crate::metric::Shown;
use crate::snapshot::{Series, Value};
use crate::sync::{AtomicUsize, Mutex, Relaxed, lock};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How many series a family remembers for each that it may show. A cell and a label set are some 200 bytes, so with 2,000 shown that is at
/// most some 6 MB.
const REMEMBERED: usize = 16;

/// What is known of the ages of a family's series.
pub(crate) struct Expiry {
    /// Zero where they do not expire.
    pub(super) after: Duration,
    /// By slot.
    seen: Mutex<BTreeMap<u32, Seen>>,
    /// How many of the series are not shown.
    hidden: AtomicUsize,
}

/// A series as it was when it was first seen with its present value.
struct Seen {
    value: u64,
    since: Instant,
}

impl Expiry {
    pub(crate) const fn never() -> Expiry {
        Expiry { after: Duration::ZERO, seen: Mutex::new(BTreeMap::new()), hidden: AtomicUsize::new(0) }
    }

    pub(crate) fn is_on(&self) -> bool {
        !self.after.is_zero()
    }

    /// Whether there may be one series more, besides those that are remembered. Those that are not shown make room.
    pub(crate) fn has_room(&self, series: usize, max: usize) -> bool {
        let shown = series.saturating_sub(self.hidden.load(Relaxed));
        shown < max && series < max.saturating_mul(REMEMBERED)
    }

    /// Takes out those that have expired. `all` are the series that `series` has the values of.
    pub(crate) fn hide(&self, now: Instant, all: &[Shown], series: &mut Vec<Series>) {
        let mut seen = lock(&self.seen);
        let mut place = 0;
        let before = series.len();
        series.retain(|series| {
            let shown = all.get(place);
            place += 1;
            // What was too much belongs to nobody whose time could be up.
            shown.is_none_or(|shown| shown.series.overflow || is_alive(&mut seen, shown.slot, series, now, self.after))
        });
        self.hidden.store(before - series.len(), Relaxed);
    }
}

fn is_alive(seen: &mut BTreeMap<u32, Seen>, slot: u32, series: &Series, now: Instant, after: Duration) -> bool {
    let value = match &series.value {
        Value::Integer(total) | Value::Nanoseconds(total) => *total,
        Value::Histogram(histogram) => histogram.count(),
        // No other instrument expires.
        _ => return true,
    };
    let last = seen.entry(slot).or_insert(Seen { value, since: now });
    if last.value != value {
        *last = Seen { value, since: now };
    }
    now.saturating_duration_since(last.since) < after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Labels;

    #[test]
    fn a_series_lives_as_long_as_it_changes() {
        let mut seen = BTreeMap::new();
        let begin = Instant::now();
        let after = Duration::from_secs(600);
        let mut alive = |seconds, total| {
            let series = Series { labels: Labels::none(), value: Value::Integer(total) };
            is_alive(&mut seen, 7, &series, begin + Duration::from_secs(seconds), after)
        };
        assert!(alive(0, 1) && alive(599, 1));
        assert!(!alive(600, 1) && !alive(9_000, 1), "not touched");
        assert!(alive(9_001, 2), "back");
        // Nobody looked for an hour, in which it changed: when is not known, so it counts from here.
        assert!(alive(12_601, 3) && alive(13_200, 3) && !alive(13_201, 3));
    }

    #[test]
    fn what_is_hidden_makes_room_up_to_what_is_remembered() {
        let expiry = Expiry::never();
        assert!(expiry.has_room(9, 10) && !expiry.has_room(10, 10));
        expiry.hidden.store(150, Relaxed);
        assert!(expiry.has_room(159, 10) && !expiry.has_room(160, 10));
    }
}
