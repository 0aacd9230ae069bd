//! How long until the next attempt: twice as long each time, and never the same for two programs that failed together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Before the second attempt, on average three quarters of it.
const FIRST: Duration = Duration::from_millis(200);
/// A receiver that is back is noticed within this time.
const LONGEST: Duration = Duration::from_secs(30);
/// However long a receiver says that one should wait: what waits longer than a while is too old to be taken.
pub(crate) const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// The attempts so far.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failed: u32,
}

impl Backoff {
    pub(crate) fn succeeded(&mut self) {
        self.failed = 0;
    }

    /// How long to wait after one more failure: half of the doubled time is certain, the other half chance.
    pub(crate) fn failed(&mut self) -> Duration {
        // 2^10 is beyond the longest.
        let doubled = FIRST.saturating_mul(1 << self.failed.min(10)).min(LONGEST);
        self.failed = self.failed.saturating_add(1);
        doubled.mul_f64(0.5 + 0.5 * chance())
    }
}

/// A number from 0 to 1. The standard library's hash keys differ from process to process and from call to call.
#[expect(clippy::cast_precision_loss, reason = "32 bits fit")]
fn chance() -> f64 {
    (RandomState::new().hash_one(0u8) >> 32) as f64 / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let mut full = FIRST;
        for _ in 0..20 {
            let wait = backoff.failed();
            assert!(wait >= full / 2 && wait <= full, "{wait:?} of {full:?}");
            full = (full * 2).min(LONGEST);
        }
        backoff.succeeded();
        assert!(backoff.failed() <= FIRST);
    }

    #[test]
    fn no_two_programs_wait_alike() {
        let waits: std::collections::BTreeSet<_> = (0..100).map(|_| Backoff::default().failed()).collect();
        assert!(waits.len() > 50, "{waits:?}");
    }
}
