//! Whether something that works still does: from signs of life, which are counted where they happen and compared ten times a second.

use std::time::Duration;

/// Without `stalled_after`: the longest pause so far times this, and never less than the time beneath.
const STALLED_PAUSES: f64 = 5.0;
const STALLED_LEAST: f64 = 60.0;
/// Before the first sign nothing is known of the pace.
const STALLED_AT_START: f64 = 600.0;

/// When something last gave a sign of life, and how long it paused at most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pulse {
    signs: u64,
    /// When the last sign was seen, in seconds of the run; at first, when it began.
    at: f64,
    /// None before the first sign.
    longest_pause: Option<f64>,
}

impl Pulse {
    /// Of something that begins at this second of the run.
    pub(crate) fn begin(at: f64) -> Pulse {
        Pulse { at, ..Pulse::default() }
    }

    /// `signs` is a count that grows with each sign. Says whether there were any since the last time.
    pub(crate) fn read(&mut self, at: f64, signs: u64, allowed: f64) -> bool {
        if signs == self.signs {
            return false;
        }
        // What was longer than is allowed was a stall, from which only so much is learned: else one night that stood still would keep the next stall
        // from being seen for days. Work that is slower than was known is so learned in steps.
        let pause = self.quiet(at).min(allowed);
        self.longest_pause = Some(self.longest_pause.unwrap_or(0.0).max(pause));
        self.signs = signs;
        self.at = at;
        true
    }

    /// Nothing was to be expected until now.
    pub(crate) fn rest(&mut self, at: f64) {
        self.at = at;
    }

    /// Seconds without a sign after which it counts as stalled.
    pub(crate) fn allowed(&self, told: Option<Duration>) -> f64 {
        match (told, self.longest_pause) {
            (Some(told), _) => told.as_secs_f64(),
            (None, None) => STALLED_AT_START,
            (None, Some(pause)) => (pause * STALLED_PAUSES).max(STALLED_LEAST),
        }
    }

    /// Whether there was a sign since it began.
    pub(crate) fn has_begun(&self) -> bool {
        self.longest_pause.is_some()
    }

    /// Seconds since the last sign.
    pub(crate) fn quiet(&self, at: f64) -> f64 {
        (at - self.at).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allowed after signs at these seconds.
    fn allowed_after(signs: &[f64]) -> f64 {
        let mut pulse = Pulse::begin(0.0);
        for (count, at) in signs.iter().enumerate() {
            let allowed = pulse.allowed(None);
            pulse.read(*at, count as u64 + 1, allowed);
        }
        pulse.allowed(None)
    }

    #[test]
    fn what_is_allowed_follows_the_longest_pause() {
        assert_eq!(allowed_after(&[]), 600.0);
        assert_eq!(allowed_after(&[0.1, 0.2, 0.3]), 60.0, "never less than a minute");
        assert_eq!(allowed_after(&[20.0, 21.0, 22.0]), 100.0);
    }

    #[test]
    fn one_long_stall_does_not_hide_the_next() {
        // A minute is allowed, and it stood still for eight hours.
        assert_eq!(allowed_after(&[1.0, 28_800.0]), 300.0);
    }

    #[test]
    fn work_that_became_slow_is_learned_in_steps() {
        let units = [1.0, 1_001.0, 2_001.0, 3_001.0];
        assert_eq!(allowed_after(&units[..2]), 300.0);
        assert_eq!(allowed_after(&units[..3]), 1_500.0);
        assert_eq!(allowed_after(&units), 5_000.0);
    }

    #[test]
    fn what_was_told_counts() {
        let mut pulse = Pulse::begin(0.0);
        pulse.read(20.0, 1, 5.0);
        assert_eq!(pulse.allowed(Some(Duration::from_secs(5))), 5.0);
    }
}
