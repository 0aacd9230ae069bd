//! When a probe is read: often enough to tell, seldom enough to be paid for.
//!
//! # What is governed
//! Every call is counted and timed; that floor costs what it costs, and is shown. What is read besides (the thread's CPU clock, some 0.4 µs
//! a reading; `/proc/thread-self/io`, some µs) is read for some of the *visits*, a visit being a call, or one poll of a future. At each call
//! site a probe may spend its part of the budget of the site's *self busy* time: self, since the shares of nested calls add up to the whole
//! then; busy, since a future pays at each poll.
//!
//! # The estimator
//! Visit *i* is read with probability *p* = 2^-*k*, and what was read counts 2^*k* times:
//!
//! > estimate = Σ over the visits that were read of *x* · 2^*k*
//!
//! This is Horvitz and Thompson's estimator (D. G. Horvitz and D. J. Thompson, "A Generalization of Sampling Without Replacement From a
//! Finite Universe", Journal of the American Statistical Association 47 (260), 1952, pages 663–685,
//! <https://doi.org/10.1080/01621459.1952.10483446>), with a coin for each visit (Poisson sampling). Its mean is the true sum whatever the
//! visits are like, in whatever order: equal, alternating, periodic or wild, since the coin knows nothing of them. *k* may follow what earlier
//! visits took, as long as it is fixed before the visit begins: given the past, a visit's share of the estimate has the mean *x*, so the
//! differences from the truth are a martingale. Weights are powers of two, so that counters of whole nanoseconds and bytes stay whole.
//!
//! # One decrement instead of one coin
//! The number of coins up to and including the first that shows heads is geometrically distributed: P(G = g) = (1 - p)^(g - 1) p. So G is
//! drawn once (by inversion: 1 + ⌊ln U / ln(1 - p)⌋) and counted down, and that *is* tossing a coin at each visit. What was not
//! counted down may be thrown away and drawn anew at any moment that does not depend on it, since the distribution has no memory: P(G = j | G ≥ j) = p. That is
//! done when another probe's turn comes, and after [`HORIZON`] visits at the latest. *k* changes at these moments alone, so a countdown
//! always ends with the *k* with which it began.
//!
//! # What it cannot see
//! - The variance is Σ *x*² (1 - *p*) / *p*, estimated by Σ over what was read of *x*² (1 - *p*) / *p*², and shown as
//!   `function_probe_standard_error_ratio`, its root over the estimate. For *N* visits of one *p* with coefficient of variation *c* that is
//!   √((2^*k* - 1) (1 + *c*²) / *N*): functions of 10 µs are read every 16th time at a budget of 1 %, hence known to 0.4 % after a million visits that
//!   are equal, and to 1.3 % with *c* = 3. Functions of 100 ns are read every 2,048th time: 4.5 % after a million.
//! - What comes in rare lumps (one call in 10,000 that reads a whole file) is mostly not read, and once in a while counts 2^*k* times: the
//!   mean is right, a single figure is not, nor is the standard error before the first lump was read. A budget of 100 % reads everything.
//! - A counter jumps when a visit was read, by 2^*k* times of what it used. Rates over short windows show that.
//! - At the highest *k* a probe may cost more than its part: a function of 10 ns whose CPU is read every 4,096th time pays 0.2 ns for it.

use crate::record::clock;
use crate::sync::{AtomicU32, AtomicU64, Relaxed};
use std::cell::Cell;

/// What may be read besides count and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The thread's CPU clock.
    Cpu = 0,
    /// The thread's bytes read and written.
    Io = 1,
}

pub(crate) const PROBES: usize = 2;

impl Probe {
    pub(crate) const ALL: [Probe; PROBES] = [Probe::Cpu, Probe::Io];

    /// The value of the label `probe`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Probe::Cpu => "cpu",
            Probe::Io => "io",
        }
    }

    /// Its part of the budget. CPU has the larger one: it is what most functions use. A quarter is left for the call tree.
    const fn part(self) -> f64 {
        match self {
            Probe::Cpu => 0.5,
            Probe::Io => 0.25,
        }
    }

    /// The largest `k`. One reading of `/proc` costs as much as 8 to 16 of the CPU clock, hence four more.
    const fn highest(self) -> u32 {
        match self {
            Probe::Cpu => 12,
            Probe::Io => 16,
        }
    }
}

/// The share of self busy time that the probes may spend, unless set otherwise.
pub(crate) const DEFAULT_SHARE: f64 = 0.01;

/// The bits of the share.
static SHARE: AtomicU64 = AtomicU64::new(DEFAULT_SHARE.to_bits());

/// Sets the share, 0 to 1. Countdowns that run end as they began.
pub(crate) fn set_share(share: f64) {
    SHARE.store(share.to_bits(), Relaxed);
}

/// The share that the probes may spend.
#[inline]
pub(crate) fn share() -> f64 {
    f64::from_bits(SHARE.load(Relaxed))
}

/// A budget by which everything is read.
const EVERYTHING: f64 = 1.0;

/// After so many visits `k` is thought over, whether or not a probe's turn came: a decision costs some 30 ns, a visit above 10.
pub(crate) const HORIZON: u32 = 256;

/// About so many visits back `k` looks for what a visit takes: enough that visits that differ by a hundred times average, few
/// enough to follow a program from one phase to the next.
const MEMORY: u64 = 1_024;

/// A reading that took more than so many times the usual was interrupted: what it cost beyond is not its own. Cold ones take twice the usual.
pub(crate) const INTERRUPTED: u64 = 4;

/// Which probes are read at a visit, each with the `k` of its draw.
pub(crate) type Due = [Option<u32>; PROBES];

/// What is decided at a visit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Decision {
    /// What is read at this visit.
    pub(crate) due: Due,
    /// At which visit from this one there is something to decide again.
    pub(crate) countdown: u32,
}

/// What one thread plans for one call site. Written by the cell's one writer.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Visits from the last decision to the next.
    drawn: AtomicU32,
    /// By probe a byte: `k`, and [`DUE`] where its turn comes at the end of the countdown.
    next: AtomicU32,
    /// Visits up to the last decision.
    pub(crate) visits: AtomicU64,
    /// How often each probe's turn came.
    pub(crate) turns: [AtomicU64; PROBES],
    /// Ticks that each probe cost.
    pub(crate) spent: [AtomicU64; PROBES],
    /// The site's self busy ticks at the last decision, and how many visits had ended.
    own: AtomicU64,
    ended: AtomicU64,
    recent_visits: AtomicU64,
    recent_own: AtomicU64,
}

const DUE: u32 = 0x80;
const BITS: u32 = 8;

fn add(cell: &AtomicU64, n: u64) -> u64 {
    let sum = cell.load(Relaxed).wrapping_add(n);
    cell.store(sum, Relaxed);
    sum
}

impl Plan {
    /// Decides at a visit, when the countdown has ended. `own` are the site's self busy ticks up to now, `running` how many of its visits run, this
    /// one and those around it, `costs` what readings cost where this site has not seen it yet, `elsewhere` what a visit took on other threads, or 0.
    /// The very first visit of a site is read by every probe: it may be the only one.
    pub(crate) fn decide(
        &self,
        own: u64,
        running: u64,
        costs: [u64; PROBES],
        elsewhere: u64,
        random: &Generator,
    ) -> Decision {
        let drawn = self.drawn.load(Relaxed);
        let next = self.next.load(Relaxed);
        let begun = add(&self.visits, u64::from(drawn.max(1)));
        self.learn(own, begun.saturating_sub(running));
        let due = if drawn > 0 {
            Probe::ALL.map(|probe| {
                let byte = next >> (BITS * probe as u32);
                (byte & DUE != 0).then_some(byte & (DUE - 1))
            })
        } else {
            if elsewhere > 0 {
                // As if one had been made here: a thread that lives for a few calls does not pay for more than those allow.
                add(&self.recent_visits, 1);
                add(&self.recent_own, elsewhere);
            }
            Probe::ALL.map(|probe| {
                let k = self.exponent(probe, own, costs[probe as usize]);
                (geometric(k, random) == 1).then_some(k)
            })
        };
        for (turns, due) in self.turns.iter().zip(due) {
            add(turns, u64::from(due.is_some()));
        }
        let exponents = Probe::ALL.map(|probe| self.exponent(probe, own, costs[probe as usize]));
        let turns = exponents.map(|k| geometric(k, random));
        let countdown = turns.into_iter().fold(HORIZON, u32::min);
        self.drawn.store(countdown, Relaxed);
        self.next.store(pack(exponents, turns.map(|turn| turn == countdown)), Relaxed);
        Decision { due, countdown }
    }

    /// What a visit took of late, in ticks of the site's own; 0 where that is not known.
    pub(crate) fn typical(&self) -> u64 {
        self.recent_own.load(Relaxed).checked_div(self.recent_visits.load(Relaxed)).unwrap_or(0)
    }

    fn learn(&self, own: u64, ended: u64) {
        let new = |last: &AtomicU64, now: u64| {
            let before = last.load(Relaxed);
            last.store(now, Relaxed);
            now.saturating_sub(before)
        };
        add(&self.recent_own, new(&self.own, own));
        if add(&self.recent_visits, new(&self.ended, ended)) > MEMORY {
            for recent in [&self.recent_visits, &self.recent_own] {
                recent.store(recent.load(Relaxed) / 2, Relaxed);
            }
        }
    }

    /// Books what a probe cost, of which no more than [`INTERRUPTED`] times the usual is believed; says what was booked.
    pub(crate) fn spend(&self, probe: Probe, ticks: u64, usual: u64) -> u64 {
        let ticks = ticks.min(usual.saturating_mul(INTERRUPTED));
        add(&self.spent[probe as usize], ticks);
        ticks
    }

    /// The `k` from the next visit on: so that a reading's cost, once in 2^k visits, is the probe's part of what a visit took of late. Between
    /// two of them the higher one, unless the probe has not spent all that it might have so far.
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 2^20")]
    fn exponent(&self, probe: Probe, own: u64, usual: u64) -> u32 {
        let share = share();
        let visits = self.recent_visits.load(Relaxed);
        if share >= EVERYTHING || visits == 0 {
            return 0;
        }
        let allowed = share * probe.part();
        let spent = self.spent[probe as usize].load(Relaxed);
        let turns = self.turns[probe as usize].load(Relaxed);
        let cost = spent.checked_div(turns).unwrap_or(0).max(usual);
        let ratio = cost as f64 * visits as f64 / (allowed * self.recent_own.load(Relaxed) as f64);
        // A power of two above all `k`; a ratio that is infinite, or no number, is one too.
        let every = ratio.min(1_048_576.0).ceil().max(1.0) as u64;
        let k = every.next_power_of_two().trailing_zeros();
        let in_credit = spent as f64 <= allowed * own as f64;
        let k = if in_credit && !every.is_power_of_two() { k.saturating_sub(1) } else { k };
        k.min(probe.highest())
    }

    /// The share of the visits at which each probe's turn came.
    #[cfg(test)]
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    fn ratio(&self, probe: Probe) -> f64 {
        self.turns[probe as usize].load(Relaxed) as f64 / self.visits.load(Relaxed) as f64
    }
}

fn pack(exponents: [u32; PROBES], due: [bool; PROBES]) -> u32 {
    let bytes = exponents.iter().zip(due).enumerate();
    bytes.fold(0, |packed, (probe, (k, due))| {
        packed | (k | if due { DUE } else { 0 }) << (BITS * u32::try_from(probe).unwrap_or(0))
    })
}

/// Above the largest `k` of all probes.
const EXPONENTS: usize = 17;

/// ln(1 - 2^-k), by its series; the entry of 0 is not used.
const LN_TAILS: [f64; EXPONENTS] = {
    let mut logarithms = [0.0; EXPONENTS];
    let mut k = 1;
    while k < EXPONENTS {
        let p = 1.0 / (1u64 << k) as f64;
        let (mut power, mut term) = (p, 1.0);
        // 64: the series of the slowest, 1/2, has then passed the last bit.
        while term <= 64.0 {
            logarithms[k] -= power / term;
            power *= p;
            term += 1.0;
        }
        k += 1;
    }
    logarithms
};

/// (1 - 2^-k)^256: how likely it is that nobody's turn comes before the horizon.
const BEYOND_HORIZON: [f64; EXPONENTS] = {
    assert!(HORIZON == 256);
    let mut beyond = [0.0; EXPONENTS];
    let mut k = 1;
    while k < EXPONENTS {
        beyond[k] = 1.0 - 1.0 / (1u64 << k) as f64;
        let mut doubled = 0;
        while doubled < 8 {
            beyond[k] *= beyond[k];
            doubled += 1;
        }
        k += 1;
    }
    beyond
};

/// Which coin is the first to show heads, at 2^-k each; [`u32::MAX`] where it is none up to the horizon.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to the horizon")]
fn geometric(k: u32, random: &Generator) -> u32 {
    if k == 0 {
        return 1;
    }
    let uniform = random.uniform();
    if uniform < BEYOND_HORIZON[k as usize] {
        return u32::MAX;
    }
    // The two roundings need not meet at the horizon to the last bit.
    (1 + (uniform.ln() / LN_TAILS[k as usize]) as u32).min(HORIZON)
}

/// A thread's own generator: SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014, <https://doi.org/10.1145/2660193.2660195>). Nobody else may draw from it, else the program could influence the sample.
#[derive(Debug)]
pub(crate) struct Generator(Cell<u64>);

impl Generator {
    pub(crate) const fn new(seed: u64) -> Generator {
        Generator(Cell::new(seed))
    }

    /// Gives a thread a sequence of its own.
    #[cold]
    pub(crate) fn seed(&self) {
        static THREADS: AtomicU64 = AtomicU64::new(0);
        let thread = THREADS.fetch_add(1, Relaxed);
        self.0.set(clock::now().rotate_left(32) ^ thread.wrapping_mul(0xD134_2543_DE82_EF95));
        self.next();
    }

    #[cfg(test)]
    pub(crate) fn set(&self, seed: u64) {
        self.0.set(seed);
    }

    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Above 0, up to 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    fn uniform(&self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests;
