//! The bucket: when who has come may go. Time is passed in.

use crate::job::wait::Why;
use crate::metric::Gauge;
use crate::sync::{Mutex, lock};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a source may be asked.
///
/// ```
/// use std::time::Duration;
/// use telemetry::job::Rate;
///
/// let evenly = Rate::per_second(10); // one each 100 ms
/// let at_once = Rate::per_minute(600).burst(50); // 50 at once, then one each 100 ms
/// let seldom = Rate::new(1, Duration::from_secs(10));
/// # let _ = (evenly, at_once, seldom);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Rate {
    requests: u32,
    per: Duration,
    burst: u32,
}

impl Rate {
    /// So many requests in this time, one after the other in even steps. 0 requests count as 1; no time is no limit.
    pub const fn new(requests: u32, per: Duration) -> Rate {
        Rate { requests, per, burst: 1 }
    }

    /// So many requests a second, in even steps.
    pub const fn per_second(requests: u32) -> Rate {
        Rate::new(requests, Duration::from_secs(1))
    }

    /// So many requests a minute, in even steps.
    pub const fn per_minute(requests: u32) -> Rate {
        Rate::new(requests, Duration::from_secs(60))
    }

    /// So many requests an hour, in even steps.
    pub const fn per_hour(requests: u32) -> Rate {
        Rate::new(requests, Duration::from_secs(3600))
    }

    /// How many requests may be sent at once after a time without any. 1 where it is not told: a source that counts by the minute sees twice
    /// the rate where a burst as large as the rate is followed by the rate. 0 counts as 1.
    pub const fn burst(mut self, requests: u32) -> Rate {
        self.burst = requests;
        self
    }

    /// Seconds until one more token is there.
    fn step(self) -> f64 {
        self.per.as_secs_f64() / f64::from(self.requests.max(1))
    }

    fn most(self) -> f64 {
        f64::from(self.burst.max(1))
    }
}

/// 30 days: whoever asks for more has sent nonsense.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 24 * 3600);

/// A millionth of a token, and of a second: what sums of fractions are off by at most.
const ROUNDING: f64 = 1e-6;

pub(crate) struct Bucket {
    state: Mutex<State>,
    shown: Gauge,
}

struct State {
    rate: Rate,
    started: Instant,
    /// Seconds of pauses that are over.
    paused: f64,
    pause: Option<(Instant, Instant)>,
    /// When the bucket would be full, in seconds of the clock that stands still during pauses.
    full_at: f64,
}

impl State {
    /// The bucket's clock: seconds since it was made, without pauses.
    fn clock(&self, now: Instant) -> f64 {
        let pausing = self.pause.map_or(0.0, |(from, until)| seconds(from, now.min(until)));
        seconds(self.started, now) - self.paused - pausing
    }

    fn pause_left(&self, now: Instant) -> Duration {
        self.pause.map_or(Duration::ZERO, |(_, until)| until.saturating_duration_since(now))
    }

    /// How many tokens are there; fewer than none where some wait.
    fn tokens(&self, now: Instant) -> f64 {
        let (step, missing) = (self.rate.step(), (self.full_at - self.clock(now)).max(0.0));
        if step > 0.0 { self.rate.most() - missing / step } else { self.rate.most() }
    }

    /// Takes so many tokens; says at what time of its clock they are there, and what they cost.
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 tokens")]
    fn take(&mut self, tokens: u64, now: Instant) -> (f64, f64) {
        let cost = tokens as f64 * self.rate.step();
        self.full_at = self.full_at.max(self.clock(now)) + cost;
        (self.full_at - self.rate.most() * self.rate.step(), cost)
    }

    fn pause(&mut self, time: Duration, now: Instant) {
        let clock = self.clock(now);
        let until = now + time.min(LONGEST_PAUSE);
        self.pause = Some(match self.pause {
            Some((from, end)) if end > now => (from, end.max(until)),
            over => {
                self.paused += over.map_or(0.0, |(from, until)| seconds(from, until));
                (now, until)
            }
        });
        self.full_at = self.full_at.max(clock + self.rate.most() * self.rate.step());
    }

    fn set_rate(&mut self, rate: Rate, now: Instant) {
        let tokens = self.tokens(now).min(rate.most());
        self.rate = rate;
        self.full_at = self.clock(now) + (rate.most() - tokens) * rate.step();
    }
}

fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64()
}

impl Bucket {
    pub(crate) fn new(rate: Rate, shown: Gauge, now: Instant) -> Bucket {
        let bucket =
            Bucket { state: Mutex::new(State { rate, started: now, paused: 0.0, pause: None, full_at: 0.0 }), shown };
        bucket.show(now);
        bucket
    }

    /// Takes tokens that may not be there yet.
    pub(crate) fn take(bucket: &Arc<Bucket>, tokens: u64, now: Instant) -> Taken {
        let (at, cost) = lock(&bucket.state).take(tokens, now);
        bucket.show(now);
        Taken { bucket: bucket.clone(), at, cost, kept: false }
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 tokens")]
    pub(crate) fn try_take(&self, tokens: u64, now: Instant) -> bool {
        let taken = {
            let mut state = lock(&self.state);
            let there = state.pause_left(now).is_zero() && state.tokens(now) + ROUNDING >= tokens as f64;
            if there {
                state.take(tokens, now);
            }
            there
        };
        self.show(now);
        taken
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not below zero, and at most a burst")]
    pub(crate) fn tokens(&self, now: Instant) -> u64 {
        let state = lock(&self.state);
        if state.pause_left(now).is_zero() { (state.tokens(now) + ROUNDING).max(0.0) as u64 } else { 0 }
    }

    pub(crate) fn pause(&self, time: Duration, now: Instant) {
        lock(&self.state).pause(time, now);
        self.show(now);
    }

    pub(crate) fn set_rate(&self, rate: Rate, now: Instant) {
        {
            let mut state = lock(&self.state);
            if state.rate == rate {
                return;
            }
            state.set_rate(rate, now);
        }
        self.show(now);
    }

    /// Tokens come without anybody's doing, so this is called from time to time too.
    #[expect(clippy::cast_precision_loss, reason = "shown as a gauge")]
    pub(crate) fn show(&self, now: Instant) {
        self.shown.set(self.tokens(now) as f64);
    }
}

/// Tokens that were taken; given back where they are not kept.
pub(crate) struct Taken {
    bucket: Arc<Bucket>,
    at: f64,
    cost: f64,
    kept: bool,
}

impl Taken {
    /// How long until they are there, as things stand, and why; `None` where they are.
    pub(crate) fn left(&self, now: Instant) -> Option<(Duration, Why)> {
        let state = lock(&self.bucket.state);
        let left = self.at - state.clock(now);
        let pause = state.pause_left(now);
        if left <= ROUNDING && pause.is_zero() {
            return None;
        }
        let left = Duration::try_from_secs_f64(left.max(0.0)).unwrap_or(LONGEST_PAUSE).saturating_add(pause);
        Some((left, if pause.is_zero() { Why::Limiter } else { Why::Paused }))
    }

    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.kept {
            lock(&self.bucket.state).full_at -= self.cost;
            self.bucket.show(Instant::now());
        }
    }
}
