//! The rate limit: a bucket of tokens, one of which each request takes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A bucket that holds at most a burst of tokens and is filled at a steady rate.
#[derive(Debug)]
pub(super) struct TokenBucket {
    per_second: f64,
    burst: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub(super) fn new(per_second: f64, burst: f64, now: Instant) -> TokenBucket {
        TokenBucket { per_second, burst, state: Mutex::new(State { tokens: burst, at: now }) }
    }

    /// Takes a token: how many are left, or after what time there will be one.
    pub(super) fn take(&self, now: Instant) -> Result<u32, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(state.at).as_secs_f64();
        state.tokens = (state.tokens + passed * self.per_second).min(self.burst);
        state.at = now;
        if state.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - state.tokens) / self.per_second));
        }
        state.tokens -= 1.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the burst")]
        Ok(state.tokens as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_served_and_then_the_rate() {
        let start = Instant::now();
        let bucket = TokenBucket::new(10.0, 3.0, start);
        assert_eq!([bucket.take(start), bucket.take(start), bucket.take(start)], [Ok(2), Ok(1), Ok(0)]);
        assert_eq!(bucket.take(start), Err(Duration::from_millis(100)));
        let later = start + Duration::from_millis(150);
        assert_eq!(bucket.take(later), Ok(0));
        assert!(bucket.take(later).is_err());
    }

    #[test]
    fn a_rest_fills_the_bucket_to_its_burst_and_no_more() {
        let start = Instant::now();
        let bucket = TokenBucket::new(10.0, 3.0, start);
        assert_eq!(bucket.take(start + Duration::from_secs(3600)), Ok(2));
    }
}
