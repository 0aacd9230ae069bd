//! Times of spans that nest: ticks, with one point at which the system's clock was read.
//!
//! The system's clock may be set while a trace runs, and two readings of it need not be in the order in which they were made on two threads. So it is read once in a
//! program's part of a trace, at its first span; all spans within take that point along, on whatever thread they run.

use crate::record::clock;
use std::time::{Duration, SystemTime};

/// The point. Kept in the `Context` of the span that made it, and handed on by it to those within.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    ticks: u64,
    time: SystemTime,
}

impl Anchor {
    /// Now. The later reading is the system's: a span that begins within one which was timed by that clock alone does not seem to begin before it.
    pub(super) fn new() -> Anchor {
        let ticks = clock::now();
        Anchor { ticks, time: SystemTime::now() }
    }

    /// The time of a tick.
    pub(super) fn time(&self, ticks: u64) -> SystemTime {
        let apart = Duration::from_nanos(clock::nanoseconds(ticks.abs_diff(self.ticks)));
        let time = if ticks < self.ticks { self.time.checked_sub(apart) } else { self.time.checked_add(apart) };
        time.unwrap_or(self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_the_order_of_ticks() {
        let anchor = Anchor::new();
        let second = clock::ticks(1.0);
        let times: Vec<_> = (0..100).map(|n| anchor.time(anchor.ticks - second + n * second / 50)).collect();
        assert!(times.is_sorted());
        let apart = times[99].duration_since(times[0]).unwrap().as_secs_f64();
        assert!((apart - 99.0 / 50.0).abs() < 1e-6, "{apart}");
    }
}
