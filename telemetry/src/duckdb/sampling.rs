//! Which runs are profiled: all whose profile is within the overhead budget, and of the others some.
//!
//! DuckDB profiles a connection's statements or it does not. So each connection has an account in seconds: a statement pays in its share of its time (the budget,
//! half of `TELEMETRY_OVERHEAD_BUDGET`), a profile takes out what it cost, and so does switching. What is left over of long statements pays for short ones between
//! them. When it is overdrawn, profiling is switched off; when there is enough for a switch there and back and [`IN_A_ROW`] profiles, it is switched on.
//! A statement that pays for itself, switches included, is profiled at any time.
//!
//! What switching and reading cost is measured as it is done. What DuckDB itself spends on a profile cannot be seen from outside: it reads a clock around each operator for each chunk of rows. So it is
//! put at [`ENGINE`] and [`CHUNK`] for each chunk that an operator gave, by the profile itself. (Measured with DuckDB 2.0.0, its release build and ours: 49 to 56 µs for a point lookup, 430 to 510 µs
//! for a scan of three million rows of 17 ms through four operators, 260 to 450 µs for one of 8 ms through three, none to be seen of a `count(distinct …)` of 130 ms.) Fast scans therefore
//! cost 3 % of their time to profile, whatever their length, and are sampled; what thinks more about each row is not.
//!
//! In a transaction nothing is switched, since a statement of ours has no place in it; nor is it after the user took the connection within, or DuckDB's own settings of profiles, in hand.

use crate::duckdb::fingerprint::Fingerprint;
use crate::record::budget;
use crate::sync::{AtomicU64, Relaxed};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The part of the budget that is spent. The other half is for what nobody can charge to a profile: the caches that it and the switch have displaced.
const PART: f64 = 0.5;
/// Seconds that a connection begins with: some hundred profiles, so that a short program has them all.
const BEGINS_WITH: f64 = 0.05;
/// Seconds that are kept at most, so that a long night does not pay for a whole morning.
const KEEPS: f64 = 0.1;
/// Profiles that are to come of one switch.
const IN_A_ROW: f64 = 16.0;
/// Seconds that DuckDB spends on a profile in any case.
const ENGINE: f64 = 5e-5;
/// And for each chunk that an operator gave.
const CHUNK: f64 = 1e-7;
/// Rows of a chunk: DuckDB's `STANDARD_VECTOR_SIZE`.
const CHUNK_ROWS: f64 = 2_048.0;
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
    /// DuckDB's part of that.
    engine_cost: Cell<f64>,
}

/// What is known of a statement's runs, in seconds on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Costs {
    pub(crate) time: f64,
    /// Where it was profiled.
    pub(crate) profile: Option<f64>,
}

/// What a text's own runs took lately, so that nobody has to look it up. Shared by whoever prepared it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Bits of seconds; 0 where nothing is known.
    time: AtomicU64,
    profile: AtomicU64,
}

impl Seen {
    pub(crate) fn costs(&self) -> Option<Costs> {
        let known = |of: &AtomicU64| Some(f64::from_bits(of.load(Relaxed))).filter(|seconds| *seconds > 0.0);
        Some(Costs { time: known(&self.time)?, profile: known(&self.profile) })
    }

    /// A run took so long, and its profile so many seconds, where it has one.
    pub(crate) fn add(&self, time: Duration, profile: Option<f64>) {
        let follow = |of: &AtomicU64, new: f64| {
            let known = f64::from_bits(of.load(Relaxed));
            let next = if known > 0.0 { known + FOLLOWS * (new - known) } else { new };
            of.store(next.to_bits(), Relaxed);
        };
        follow(&self.time, time.as_secs_f64());
        if let Some(profile) = profile {
            follow(&self.profile, profile);
        }
    }
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
            engine_cost: Cell::new(ENGINE),
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

    /// What is to be done before a statement of which so much is known, where anything is.
    pub(crate) fn before(&self, print: &Fingerprint, known: impl FnOnce() -> Option<Costs>) -> Option<Switch> {
        if !self.wanted.get() || self.in_transaction.get() || self.in_other_hands.get() || !print.has_profile() {
            return None;
        }
        let (account, share) = (self.account.get(), share());
        let there_and_back = 2.0 * self.switch_cost.get();
        let profile = self.profile_cost.get();
        let is_everything = share >= 1.0;
        if share <= 0.0 {
            return self.on.get().then_some(Switch::Off);
        }
        if self.on.get() {
            let pays = || known().is_some_and(|known| known.time * share >= known.profile.unwrap_or(profile));
            return (account < 0.0 && !is_everything && !pays()).then_some(Switch::Off);
        }
        let pays =
            || known().is_some_and(|known| known.time * share >= known.profile.unwrap_or(profile) + there_and_back);
        // Profiles that are dear come by fewer.
        let is_enough = account >= there_and_back + (IN_A_ROW * profile).min(KEEPS / 2.0);
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
        let (share, profile) = (share(), self.profile_cost.get());
        if !self.wanted.get() || share <= 0.0 {
            return None;
        }
        // What DuckDB has spent is spent; left is the reading.
        let pays = time.as_secs_f64() * share >= profile;
        Some(self.on.get() && (pays || self.account.get() >= 0.0 || share >= 1.0))
    }

    /// A run is over. `read` is how long reading its profile took and what the profile cost DuckDB, in seconds, where it was read.
    pub(crate) fn after(&self, print: &Fingerprint, ended_well: bool, time: Duration, read: Option<(Duration, f64)>) {
        let earned = time.as_secs_f64() * share();
        let cost = match read {
            Some((reading, engine)) => {
                let cost = reading.as_secs_f64() + engine;
                follow(&self.profile_cost, cost);
                follow(&self.engine_cost, engine);
                cost
            }
            None if self.on.get() && print.has_profile() => self.engine_cost.get(),
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

/// The share of their time that statements pay in; 1 has everything profiled.
fn share() -> f64 {
    match budget::share() {
        all if all >= 1.0 => 1.0,
        share => share * PART,
    }
}

/// Seconds that DuckDB has spent on a profile whose operators gave so many rows each.
pub(crate) fn engine_cost(rows: impl Iterator<Item = u64>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let chunks: f64 = rows.map(|rows| (rows as f64 / CHUNK_ROWS).ceil()).sum();
    ENGINE + CHUNK * chunks
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
    const ALL: f64 = 1e-4 + ENGINE;

    /// Runs a statement so often; how many were profiled, and how often it was switched.
    fn run(sampler: &Sampler, sql: &str, time: Duration, runs: u32) -> (u32, u32) {
        let print = Fingerprint::of(sql, Quotes::Name);
        let (mut profiled, mut switched) = (0, 0);
        for _ in 0..runs {
            let known = Costs { time: time.as_secs_f64(), profile: None };
            if let Some(switch) = sampler.before(&print, || Some(known)) {
                sampler.switched(switch, true, SWITCH);
                switched += 1;
            }
            let reading = sampler.reads(time).unwrap_or(false).then_some((READING, ENGINE));
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
        let spent = f64::from(profiled) * ALL + f64::from(switched) * SWITCH.as_secs_f64();
        assert!(
            spent <= PART * budget::DEFAULT_SHARE * total + BEGINS_WITH + 0.001,
            "{spent} of {total}, {profiled} profiled"
        );
        assert!(spent >= 0.9 * PART * budget::DEFAULT_SHARE * total, "{spent} of {total}, {profiled} profiled");
        assert!(profiled / switched >= 7, "{profiled} profiles by {switched} switches");
    }

    #[test]
    fn fast_scans_are_sampled_however_long_they_are() {
        // A second, of which a profile takes 30 ms.
        let (sampler, print) = (wanted(), Fingerprint::of("select a from big", Quotes::Name));
        let mut profiled = 0;
        for _ in 0..1_000 {
            let known = Costs { time: 1.0, profile: Some(0.03) };
            if let Some(switch) = sampler.before(&print, || Some(known)) {
                sampler.switched(switch, true, SWITCH);
            }
            let reads = sampler.reads(Duration::from_secs(1)).unwrap();
            profiled += u32::from(reads);
            sampler.after(&print, true, Duration::from_secs(1), reads.then_some((READING, 0.03)));
        }
        assert!((120..=170).contains(&profiled), "{profiled}");
    }

    #[test]
    fn what_duckdb_spends_follows_what_the_operators_gave() {
        assert!((engine_cost([1, 1].into_iter()) - 5.02e-5).abs() < 1e-9);
        let scan = engine_cost([100, 1_714_286, 1_714_286, 3_000_000].into_iter());
        assert!((3e-4..6e-4).contains(&scan), "{scan}");
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
            assert_eq!(run(&sampler, "select b", Duration::from_millis(120), 1).0, 1);
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
