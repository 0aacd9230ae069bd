//! Which runs are profiled: all whose profile is within the overhead budget, and of the others some.
//!
//! DuckDB profiles a connection's statements or it does not. So each connection has an account in seconds: a statement pays in its share of its time (the budget,
//! `TELEMETRY_OVERHEAD_BUDGET`), a profile takes out what it cost, and so does switching. What is left over of long statements pays for short ones between
//! them. When it is overdrawn, profiling is switched off; when there is enough for a switch there and back and [`IN_A_ROW`] profiles, it is switched on.
//! A statement that pays for itself, switches included, is profiled at any time.
//!
//! What switching and reading cost is measured as it is done. What DuckDB itself spends on a profile cannot be seen from outside; it is put at
//! [`ENGINE`] of the reading (41 to 85 µs of 165 on a development build).
//!
//! In a transaction nothing is switched, since a statement of ours has no place in it; nor is it after the user took the connection within, or DuckDB's own settings of profiles, in hand.

use crate::duckdb::fingerprint::Fingerprint;
use crate::record::budget;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Seconds that a connection begins with: some fifty profiles, so that a short program has them all.
const BEGINS_WITH: f64 = 0.01;
/// Seconds that are kept at most, so that a long night does not pay for a whole morning.
const KEEPS: f64 = 0.1;
/// Profiles that are to come of one switch.
const IN_A_ROW: f64 = 16.0;
/// What DuckDB spends on a profile, as a part of what reading it takes.
const ENGINE: f64 = 0.5;
/// How fast measured costs follow: a quarter of each new one.
const FOLLOWS: f64 = 0.25;
/// Seconds, before anything was measured.
const FIRST_GUESS: f64 = 1e-4;

/// The statement of ours, and DuckDB's answer.
pub(crate) const ON: &str = "PRAGMA enable_profiling='no_output'";
pub(crate) const OFF: &str = "PRAGMA disable_profiling";

#[derive(Debug)]
pub(crate) struct Sampler {
    /// Whether the user wants profiles, and DuckDB gives them.
    wanted: Cell<bool>,
    /// Whether DuckDB profiles now.
    on: Cell<bool>,
    in_transaction: Cell<bool>,
    /// Whether somebody else may have begun a transaction or have switched profiles.
    in_other_hands: Cell<bool>,
    /// Seconds.
    account: Cell<f64>,
    switch_cost: Cell<f64>,
    profile_cost: Cell<f64>,
}

/// What to do before a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Default for Sampler {
    fn default() -> Sampler {
        Sampler {
            wanted: Cell::new(false),
            on: Cell::new(false),
            in_transaction: Cell::new(false),
            in_other_hands: Cell::new(false),
            account: Cell::new(BEGINS_WITH),
            switch_cost: Cell::new(FIRST_GUESS),
            profile_cost: Cell::new(FIRST_GUESS),
        }
    }
}

impl Sampler {
    /// The user's word, and what DuckDB made of it.
    pub(crate) fn set(&self, wanted: bool) {
        self.wanted.set(wanted);
        self.on.set(wanted);
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.get()
    }

    /// Somebody has the connection itself: what they do with it is not known.
    pub(crate) fn hand_over(&self) {
        self.in_other_hands.set(true);
    }

    /// What is to be done before a statement whose runs take so many seconds on average, where that is known.
    pub(crate) fn before(&self, print: &Fingerprint, mean: impl FnOnce() -> Option<f64>) -> Option<Switch> {
        if !self.wanted.get() || self.in_transaction.get() || self.in_other_hands.get() || !print.has_profile() {
            return None;
        }
        let (account, share) = (self.account.get(), budget::share());
        let there_and_back = 2.0 * self.switch_cost.get();
        let profile = self.profile_cost.get();
        let is_everything = share >= 1.0;
        if self.on.get() {
            let pays = || mean().is_some_and(|mean| mean * share >= profile);
            return (account < 0.0 && !is_everything && !pays()).then_some(Switch::Off);
        }
        let pays = || mean().is_some_and(|mean| mean * share >= profile + there_and_back);
        let is_enough = account >= there_and_back + IN_A_ROW * profile;
        (is_everything || is_enough || pays()).then_some(Switch::On)
    }

    /// A switch was tried.
    pub(crate) fn switched(&self, switch: Switch, worked: bool, took: Duration) {
        if worked {
            self.on.set(switch == Switch::On);
        }
        follow(&self.switch_cost, took.as_secs_f64());
        self.account.set(self.account.get() - took.as_secs_f64());
    }

    /// Whether the profile of a run that took so long is to be read; `None` where nobody wants any.
    pub(crate) fn reads(&self, time: Duration) -> Option<bool> {
        if !self.wanted.get() {
            return None;
        }
        let (share, profile) = (budget::share(), self.profile_cost.get());
        let pays = time.as_secs_f64() * share >= profile;
        Some(self.on.get() && (pays || self.account.get() >= 0.0 || share >= 1.0))
    }

    /// A run is over; reading its profile took so long, where it was read.
    pub(crate) fn after(&self, print: &Fingerprint, ended_well: bool, time: Duration, reading: Option<Duration>) {
        let earned = time.as_secs_f64() * budget::share();
        let cost = match reading {
            Some(reading) => {
                let cost = reading.as_secs_f64() * (1.0 + ENGINE);
                follow(&self.profile_cost, cost);
                cost
            }
            None if self.on.get() && print.has_profile() => self.profile_cost.get() * ENGINE / (1.0 + ENGINE),
            None => 0.0,
        };
        self.account.set((self.account.get() + earned - cost).min(KEEPS));
        if ended_well {
            self.note(print);
        }
    }

    /// What a statement that ran does to transactions and profiles.
    fn note(&self, print: &Fingerprint) {
        match print.operation {
            "begin" | "start" => self.in_transaction.set(true),
            "commit" | "end" | "rollback" | "abort" => self.in_transaction.set(false),
            "set" | "reset" | "pragma" | "call" if print.text.contains("profil") => self.hand_over(),
            _ => {}
        }
    }
}

fn follow(known: &Cell<f64>, new: f64) {
    known.set(known.get() + FOLLOWS * (new - known.get()));
}

/// How long something took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duckdb::fingerprint::Quotes;

    const SWITCH: Duration = Duration::from_micros(80);
    const READING: Duration = Duration::from_micros(100);

    /// Runs a statement so often; how many were profiled, and how often it was switched.
    fn run(sampler: &Sampler, sql: &str, time: Duration, runs: u32) -> (u32, u32) {
        let print = Fingerprint::of(sql, Quotes::Name);
        let (mut profiled, mut switched) = (0, 0);
        for _ in 0..runs {
            if let Some(switch) = sampler.before(&print, || Some(time.as_secs_f64())) {
                sampler.switched(switch, true, SWITCH);
                switched += 1;
            }
            let reading = sampler.reads(time).unwrap_or(false).then_some(READING);
            profiled += u32::from(reading.is_some());
            sampler.after(&print, true, time, reading);
        }
        (profiled, switched)
    }

    fn wanted() -> Sampler {
        let sampler = Sampler::default();
        sampler.set(true);
        sampler
    }

    #[test]
    fn long_statements_are_all_profiled_and_nothing_is_switched() {
        assert_eq!(run(&wanted(), "select a", Duration::from_millis(50), 1_000), (1_000, 0));
    }

    #[test]
    fn of_short_statements_so_many_are_profiled_as_the_budget_pays_for() {
        let (sampler, time, runs) = (wanted(), Duration::from_micros(100), 1_000_000);
        let (profiled, switched) = run(&sampler, "select a", time, runs);
        let total = time.as_secs_f64() * f64::from(runs);
        let spent =
            f64::from(profiled) * READING.as_secs_f64() * (1.0 + ENGINE) + f64::from(switched) * SWITCH.as_secs_f64();
        assert!(
            spent <= budget::DEFAULT_SHARE * total + BEGINS_WITH + 0.001,
            "{spent} of {total}, {profiled} profiled"
        );
        assert!(spent >= 0.9 * budget::DEFAULT_SHARE * total, "{spent} of {total}, {profiled} profiled");
        assert!(profiled / switched >= 7, "{profiled} profiles by {switched} switches");
    }

    #[test]
    fn a_short_program_has_all_of_its_profiles() {
        assert_eq!(run(&wanted(), "select a", Duration::from_micros(100), 40), (40, 0));
    }

    #[test]
    fn a_long_statement_among_short_ones_is_profiled_each_time() {
        let sampler = wanted();
        run(&sampler, "select a", Duration::from_micros(100), 10_000);
        for _ in 0..100 {
            assert_eq!(run(&sampler, "select b", Duration::from_millis(60), 1).0, 1);
            run(&sampler, "select a", Duration::from_micros(100), 500);
        }
    }

    #[test]
    fn in_a_transaction_nothing_is_switched() {
        let sampler = wanted();
        let time = Duration::from_micros(100);
        run(&sampler, "begin transaction", time, 1);
        assert_eq!(run(&sampler, "select a", time, 10_000).1, 0);
        run(&sampler, "commit", time, 1);
        assert!(run(&sampler, "select a", time, 10).1 > 0);
    }

    #[test]
    fn whoever_has_profiles_in_hand_keeps_them() {
        let time = Duration::from_micros(100);
        for sql in ["pragma enable_profiling='json'", "set profiling_mode='detailed'"] {
            let sampler = wanted();
            run(&sampler, sql, time, 1);
            assert_eq!(run(&sampler, "select a", time, 10_000).1, 0, "{sql}");
        }
        let sampler = wanted();
        sampler.hand_over();
        assert_eq!(run(&sampler, "select a", time, 10_000).1, 0);
    }

    #[test]
    fn whoever_wants_none_gets_none() {
        assert_eq!(run(&Sampler::default(), "select a", Duration::from_secs(1), 10), (0, 0));
    }
}
