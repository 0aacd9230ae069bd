//! The bucket: when who has come may go. Time is passed in.

use crate::job::wait::Why;
use crate::metric::Gauge;
use crate::sync::{Mutex, lock};
use std::ops::DerefMut;
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

    /// Tokens that come in a second. `None` where there is no limit.
    fn speed(self) -> Option<f64> {
        let tokens = f64::from(self.requests.max(1)) / self.per.as_secs_f64();
        tokens.is_finite().then_some(tokens)
    }

    fn most(self) -> f64 {
        f64::from(self.burst.max(1))
    }
}

/// 30 days: whoever asks for more has sent nonsense.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 24 * 3600);

/// A millionth of a token: what sums of fractions are off by at most.
const ROUNDING: f64 = 1e-6;

/// So many tokens at once are as good as for ever, and still a number that others can be added to.
const MOST_AT_ONCE: u64 = 1 << 32;

pub(crate) struct Bucket {
    state: Mutex<State>,
    shown: Gauge,
}

/// All is in tokens: a rate that changes changes how fast they come, and nobody's place.
struct State {
    rate: Rate,
    /// Tokens that have come since the bucket was made, up to this moment. None come during a pause.
    come: f64,
    at: Instant,
    pause: Option<(Instant, Instant)>,
    /// Which of them is the next that nobody has taken. Before those that have come, as many as the bucket holds; behind them, where some wait.
    next: f64,
    /// Turns of those who gave up, by the token that they end with: who comes next has them. None is at the end, where `next` is.
    free: Vec<(f64, f64)>,
}

impl State {
    /// Counts the tokens that have come until now, and lets go of those that the bucket has no room for, and of turns that are over.
    fn advance(&mut self, now: Instant) {
        let mut time = seconds(self.at, now);
        if let Some((from, until)) = self.pause {
            time -= seconds(from.max(self.at), until.min(now));
            if until <= now {
                self.pause = None;
            }
        }
        self.at = self.at.max(now);
        self.come += time.max(0.0) * self.rate.speed().unwrap_or(0.0);
        self.next = self.next.max(self.come - self.rate.most());
        self.free.retain(|(turn, _)| *turn > self.come);
    }

    fn pause_left(&self, now: Instant) -> Duration {
        self.pause.map_or(Duration::ZERO, |(_, until)| until.saturating_duration_since(now))
    }

    /// How many tokens are there; fewer than none where some wait.
    fn tokens(&self) -> f64 {
        if self.rate.speed().is_some() { self.come - self.next } else { self.rate.most() }
    }

    /// Takes so many tokens; says with which of them its turn ends.
    fn take(&mut self, tokens: f64) -> f64 {
        if self.rate.speed().is_none() {
            return self.come;
        }
        match self.free.iter().position(|(_, room)| *room >= tokens) {
            Some(place) => {
                let (turn, room) = self.free[place];
                if room > tokens {
                    self.free[place] = (turn, room - tokens);
                } else {
                    self.free.remove(place);
                }
                turn - (room - tokens)
            }
            None => {
                self.next += tokens;
                self.next
            }
        }
    }

    /// A turn that nobody wants any more. What has come is gone: it would be used beside what comes now.
    fn give_back(&mut self, turn: f64, tokens: f64) {
        if turn <= self.come + ROUNDING {
            return;
        }
        let place = self.free.partition_point(|(other, _)| *other < turn);
        self.free.insert(place, (turn, tokens));
        // At the end nobody is behind it.
        while let Some((turn, tokens)) = self.free.last().copied().filter(|(turn, _)| *turn >= self.next) {
            self.next = turn - tokens;
            self.free.pop();
        }
    }

    fn pause(&mut self, time: Duration, now: Instant) {
        let until = now + time.min(LONGEST_PAUSE);
        self.pause = Some(match self.pause {
            Some((from, end)) if end > now => (from, end.max(until)),
            _ => (now, until),
        });
        // The source is not met by a burst afterwards.
        self.next = self.next.max(self.come);
    }
}

fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "at most 2^32")]
fn counted(tokens: u64) -> f64 {
    tokens.min(MOST_AT_ONCE) as f64
}

impl Bucket {
    pub(crate) fn new(rate: Rate, shown: Gauge, now: Instant) -> Bucket {
        let state = State { rate, come: 0.0, at: now, pause: None, next: -rate.most(), free: Vec::new() };
        let bucket = Bucket { state: Mutex::new(state), shown };
        bucket.show(now);
        bucket
    }

    /// What the bucket is now.
    fn state(&self, now: Instant) -> impl DerefMut<Target = State> + use<'_> {
        let mut state = lock(&self.state);
        state.advance(now);
        state
    }

    /// Takes tokens that may not be there yet.
    pub(crate) fn take(bucket: &Arc<Bucket>, tokens: u64, now: Instant) -> Taken {
        let tokens = counted(tokens);
        let turn = bucket.state(now).take(tokens);
        bucket.show(now);
        Taken { bucket: bucket.clone(), turn, tokens, kept: false }
    }

    pub(crate) fn try_take(&self, tokens: u64, now: Instant) -> bool {
        let taken = {
            let mut state = self.state(now);
            let is_there = state.rate.speed().is_none() || state.tokens() + ROUNDING >= counted(tokens);
            let there = state.pause_left(now).is_zero() && is_there;
            if there && state.rate.speed().is_some() {
                state.next += counted(tokens);
            }
            there
        };
        self.show(now);
        taken
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not below zero, and at most a burst")]
    pub(crate) fn tokens(&self, now: Instant) -> u64 {
        let state = self.state(now);
        if state.pause_left(now).is_zero() { (state.tokens() + ROUNDING).max(0.0) as u64 } else { 0 }
    }

    pub(crate) fn pause(&self, time: Duration, now: Instant) {
        self.state(now).pause(time, now);
        self.show(now);
    }

    pub(crate) fn set_rate(&self, rate: Rate, now: Instant) {
        {
            let mut state = self.state(now);
            if state.rate == rate {
                return;
            }
            state.rate = rate;
            state.advance(now);
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
    /// The token that its turn ends with.
    turn: f64,
    tokens: f64,
    kept: bool,
}

impl Taken {
    /// How long until they are there, as things stand, and why; `None` where they are.
    pub(crate) fn left(&self, now: Instant) -> Option<(Duration, Why)> {
        let state = self.bucket.state(now);
        let left = self.turn - state.come;
        let pause = state.pause_left(now);
        if left <= ROUNDING && pause.is_zero() {
            return None;
        }
        // Where the limit was lifted meanwhile nobody waits for tokens.
        let left = state.rate.speed().map_or(0.0, |per_second| left.max(0.0) / per_second);
        if left <= 0.0 && pause.is_zero() {
            return None;
        }
        let left = Duration::try_from_secs_f64(left).unwrap_or(LONGEST_PAUSE).saturating_add(pause);
        Some((left, if pause.is_zero() { Why::Limiter } else { Why::Paused }))
    }

    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.kept {
            let now = Instant::now();
            self.bucket.state(now).give_back(self.turn, self.tokens);
            self.bucket.show(now);
        }
    }
}
