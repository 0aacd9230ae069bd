//! Times as people read them, and as numbers.

use std::time::{Duration, SystemTime};

pub(super) use crate::date::text;

/// Seconds since 1970.
pub(super) fn seconds(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// The time so many seconds after 1970; `None` where that is no time.
pub(super) fn at(seconds: f64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_same_after_the_way_through_a_number() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_763_879_604_123_456);
        assert_eq!(at(seconds(time)).map(text), Some(text(time)));
        assert_eq!((at(f64::NAN), at(-1.0), at(f64::MAX)), (None, None, None));
    }
}
