//! The figures of statements, by database and fingerprint: bounded, the one that ran least recently makes room.
//!
//! One table for the program: what a connection did is still in the report after the connection is gone, and connections of one name
//! share their figures.

use crate::builtin::duckdb::statements as families;
use crate::duckdb::errors;
use crate::duckdb::fingerprint::Fingerprint;
use crate::duckdb::profile::Profile;
use crate::duckdb::sampling::Costs;
use crate::duckdb::slow;
use crate::duckdb::times::Times;
use crate::snapshot::{SlowStatement, Statement, StatementProfile};
use crate::sync::{Mutex, lock};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

/// 500: more statements than a program has written down.
pub(crate) const CAPACITY: usize = 500;

/// A run that is over.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) result: RunResult,
    /// How long DuckDB had it.
    pub(crate) time: Duration,
    /// Rows that it returned or changed, where that is known.
    pub(crate) rows: Option<u64>,
    pub(crate) profile: Profiled,
}

/// What is known of a run's profile.
#[derive(Debug)]
pub(crate) enum Profiled {
    /// It was read; what it cost, in seconds, DuckDB's part included.
    Known { profile: Profile, cost: f64 },
    /// It was left out for the budget's sake: the next one stands for it.
    LeftOut,
    /// There was none: the run failed, or profiles are switched off.
    Unknown,
}

/// What adding a run has changed.
#[derive(Debug, PartialEq, Eq)]
struct Added {
    is_new: bool,
    evicted: bool,
    /// For how many runs the profile stands.
    stands_for: u64,
    /// The last plan before this run.
    earlier_plan: Option<Arc<str>>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunResult {
    Ok,
    /// By DuckDB's class of the error, one of [`errors`](super::errors)' words.
    Error(&'static str),
    /// Interrupted.
    Interrupted,
    /// A stream that was dropped before its end. Nothing failed.
    Abandoned,
}

impl RunResult {
    pub(crate) fn error_type(self) -> Option<&'static str> {
        match self {
            RunResult::Error(error_type) => Some(error_type),
            RunResult::Interrupted => Some(errors::INTERRUPT),
            RunResult::Ok | RunResult::Abandoned => None,
        }
    }

    fn label(self) -> &'static str {
        match self {
            RunResult::Ok => "ok",
            RunResult::Error(_) => "error",
            RunResult::Interrupted | RunResult::Abandoned => "cancelled",
        }
    }
}

struct Entry {
    print: Arc<Fingerprint>,
    calls: u64,
    errors: u64,
    error_types: BTreeMap<&'static str, u64>,
    times: Times,
    rows: u64,
    profile: StatementProfile,
    /// Seconds that its profiles have cost.
    profile_cost: f64,
    /// Runs since the last profile whose own was left out.
    left_out: u64,
    last_plan: Option<Arc<str>>,
    /// The number of the table's run that was its last.
    last_run: u64,
}

struct Table {
    entries: HashMap<(Arc<str>, u64), Entry>,
    runs: u64,
    capacity: usize,
}

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(|| Mutex::new(Table::new(CAPACITY)));

impl Table {
    fn new(capacity: usize) -> Table {
        Table { entries: HashMap::new(), runs: 0, capacity }
    }

    /// Adds a run.
    fn add(&mut self, database: &Arc<str>, print: &Arc<Fingerprint>, run: &Run, plan: Option<&Arc<str>>) -> Added {
        let key = (Arc::clone(database), print.hash);
        let is_new = !self.entries.contains_key(&key);
        let evicted = is_new && self.entries.len() >= self.capacity && self.evict();
        self.runs += 1;
        let entry = self.entries.entry(key).or_insert_with(|| Entry::new(Arc::clone(print)));
        entry.last_run = self.runs;
        match run.result {
            RunResult::Ok | RunResult::Abandoned => entry.calls += 1,
            RunResult::Error(_) | RunResult::Interrupted => entry.errors += 1,
        }
        if let Some(error_type) = run.result.error_type() {
            *entry.error_types.entry(error_type).or_default() += 1;
        }
        entry.times.add(run.time);
        entry.rows += run.rows.unwrap_or(0);
        let stands_for = match &run.profile {
            Profiled::Known { profile, cost } => {
                let stands_for = 1 + std::mem::take(&mut entry.left_out);
                entry.profile_cost += cost;
                add_profile(&mut entry.profile, profile, stands_for);
                stands_for
            }
            Profiled::LeftOut => {
                entry.left_out += 1;
                0
            }
            Profiled::Unknown => 0,
        };
        let earlier_plan = entry.last_plan.clone();
        if let Some(plan) = plan {
            entry.last_plan = Some(Arc::clone(plan));
        }
        Added { is_new, evicted, stands_for, earlier_plan }
    }

    fn evict(&mut self) -> bool {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last_run).map(|(key, _)| key.clone());
        oldest.is_some_and(|key| self.entries.remove(&key).is_some())
    }
}

impl Entry {
    fn new(print: Arc<Fingerprint>) -> Entry {
        Entry {
            print,
            calls: 0,
            errors: 0,
            error_types: BTreeMap::new(),
            times: Times::default(),
            rows: 0,
            profile: StatementProfile::default(),
            profile_cost: 0.0,
            left_out: 0,
            last_plan: None,
            last_run: 0,
        }
    }

    fn statement(&self, database: &Arc<str>) -> Statement {
        let times = &self.times;
        Statement {
            database: Arc::clone(database),
            label: Arc::from(&*self.print.label),
            text: Arc::from(&*self.print.text),
            calls: self.calls,
            errors: self.errors,
            error_types: self.error_types.iter().map(|(name, count)| (Arc::from(*name), *count)).collect(),
            total_seconds: times.total(),
            min_seconds: times.min(),
            max_seconds: times.max(),
            deviation_seconds: times.deviation(),
            p50_seconds: times.quantile(0.5),
            p95_seconds: times.quantile(0.95),
            p99_seconds: times.quantile(0.99),
            rows: self.rows,
            profile: self.profile.clone(),
            last_plan: self.last_plan.clone(),
        }
    }
}

/// Adds a profile that stands for so many runs: sums as often, while the most is the most.
fn add_profile(known: &mut StatementProfile, of_run: &Profile, stands_for: u64) {
    fn sum<T: Copy + std::ops::Add<Output = T>>(known: &mut Option<T>, of_run: Option<T>, times: impl Fn(T) -> T) {
        *known = match (*known, of_run.map(times)) {
            (Some(known), Some(of_run)) => Some(known + of_run),
            (known, of_run) => known.or(of_run),
        };
    }
    #[expect(clippy::cast_precision_loss, reason = "a factor")]
    let longer = |seconds: f64| seconds * stands_for as f64;
    let more = |count: u64| count.saturating_mul(stands_for);
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    known.runs += 1;
    known.stands_for += stands_for;
    sum(&mut known.rows_scanned, of_run.rows_scanned, more);
    sum(&mut known.operator_seconds, seconds(of_run.operators_time()), longer);
    sum(&mut known.planning_seconds, seconds(of_run.planning), longer);
    sum(&mut known.blocked_seconds, seconds(of_run.blocked), longer);
    sum(&mut known.read_bytes, of_run.read_bytes, more);
    sum(&mut known.written_bytes, of_run.written_bytes, more);
    // `None` is less than anything that is known.
    known.peak_memory_bytes = known.peak_memory_bytes.max(of_run.peak_memory_bytes);
    known.peak_temp_bytes = known.peak_temp_bytes.max(of_run.peak_temp_bytes);
}

/// What a run of this statement takes on average, and its profile, where it has run.
pub(crate) fn costs(database: &Arc<str>, hash: u64) -> Option<Costs> {
    let table = lock(&TABLE);
    let entry = table.entries.get(&(Arc::clone(database), hash))?;
    let runs = entry.calls + entry.errors;
    let profiles = entry.profile.runs;
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    (runs > 0).then(|| Costs {
        time: entry.times.total() / runs as f64,
        profile: (profiles > 0).then(|| entry.profile_cost / profiles as f64),
    })
}

/// Whether such a statement has run, so that its names are known to be names.
pub(crate) fn knows(database: &Arc<str>, hash: u64) -> bool {
    lock(&TABLE).entries.contains_key(&(Arc::clone(database), hash))
}

/// When a run is slow, and what is shown of it then.
pub(crate) struct Slow<'a> {
    pub(crate) slow: Option<Duration>,
    /// The text with its literals, where the user wants it shown.
    pub(crate) text: Option<&'a str>,
}

/// Adds a run to the table and to the metrics. One that is slow is told.
pub(crate) fn record(database: &Arc<str>, print: &Arc<Fingerprint>, run: &Run, of: &Slow<'_>) {
    if let Some(job) = crate::Job::current() {
        job.heartbeat();
    }
    let profile = match &run.profile {
        Profiled::Known { profile, .. } => Some(profile),
        Profiled::LeftOut | Profiled::Unknown => None,
    };
    let plan: Option<Arc<str>> = profile.map(|profile| profile.plan().into());
    let added = lock(&TABLE).add(database, print, run, plan.as_ref());
    let label = &*print.label;
    if added.is_new {
        // At zero from the start, so that the first error is an increase.
        let _ = families::duckdb_queries_total(database, label, "ok");
        let _ = families::duckdb_queries_total(database, label, "error");
    }
    if added.evicted {
        families::duckdb_statements_evicted_total().inc();
    }
    families::duckdb_queries_total(database, label, run.result.label()).inc();
    if let Some(error_type) = run.result.error_type() {
        families::duckdb_query_errors_total(database, label, error_type).inc();
    }
    families::duckdb_query_duration_seconds(database, label).observe_duration(run.time);
    if let Some(rows) = run.rows {
        families::duckdb_query_rows_returned_total(database, label).add(rows);
    }
    if let Some(profile) = profile {
        record_profile(database, label, profile, added.stands_for);
    }
    if of.slow.is_some_and(|slow| run.time > slow) {
        let plan_is_earlier = plan.is_none();
        slow::tell(SlowStatement {
            database: Arc::clone(database),
            label: label.into(),
            text: of.text.map_or_else(|| print.text.as_ref().into(), Arc::from),
            at: SystemTime::now(),
            seconds: run.time.as_secs_f64(),
            rows: run.rows,
            error_type: run.result.error_type(),
            plan: plan.or(added.earlier_plan),
            plan_is_earlier,
        });
    }
}

/// Counters take a profile as often as there are runs that it stands for.
fn record_profile(database: &str, label: &str, profile: &Profile, stands_for: u64) {
    let more = |count: u64| count.saturating_mul(stands_for);
    let longer = |time: Duration| time.saturating_mul(u32::try_from(stands_for).unwrap_or(u32::MAX));
    families::duckdb_query_profiles_total(database, label).inc();
    if let Some(rows) = profile.rows_scanned {
        families::duckdb_query_rows_scanned_total(database, label).add(more(rows));
    }
    if let Some(bytes) = profile.result_bytes {
        families::duckdb_query_result_bytes_total(database, label).add(more(bytes));
    }
    if let Some(bytes) = profile.peak_memory_bytes {
        raise(families::duckdb_query_peak_memory_bytes(database, label), bytes);
    }
    if let Some(bytes) = profile.peak_temp_bytes {
        raise(families::duckdb_query_peak_temp_bytes(database, label), bytes);
    }
    if let Some(bytes) = profile.read_bytes {
        families::duckdb_query_read_bytes_total(database, label).add(more(bytes));
    }
    if let Some(bytes) = profile.written_bytes {
        families::duckdb_query_written_bytes_total(database, label).add(more(bytes));
    }
    if let Some(time) = profile.planning {
        families::duckdb_query_planning_seconds_total(database, label).add(longer(time));
    }
    if let Some(time) = profile.blocked {
        families::duckdb_query_blocked_seconds_total(database, label).add(longer(time));
    }
    for operator in &profile.operators {
        if let Some(time) = operator.time {
            families::duckdb_operator_seconds_total(database, &operator.name).add(longer(time));
        }
        if let Some(rows) = operator.rows {
            families::duckdb_operator_rows_total(database, &operator.name).add(more(rows));
        }
    }
}

/// Sets a gauge to a value that is above it.
#[expect(clippy::cast_precision_loss, reason = "bytes of memory and of files fit")]
fn raise(gauge: crate::metric::Gauge, value: u64) {
    let value = value as f64;
    if value > gauge.get() {
        gauge.set(value);
    }
}

/// Forgets the figures of every database, or of one. Metrics stay: counters do not go back.
pub(crate) fn reset(database: Option<&str>) {
    lock(&TABLE).entries.retain(|(name, _), _| database.is_some_and(|database| **name != *database));
}

/// The figures of every database, or of one; the statement that took most time first.
pub(crate) fn statements(database: Option<&str>) -> Vec<Statement> {
    let table = lock(&TABLE);
    let entries = table.entries.iter().filter(|((name, _), _)| database.is_none_or(|database| **name == *database));
    let mut statements: Vec<Statement> = entries.map(|((name, _), entry)| entry.statement(name)).collect();
    drop(table);
    statements.sort_by(|a, b| b.total_seconds.total_cmp(&a.total_seconds));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duckdb::fingerprint::Quotes;

    fn run(result: RunResult, milliseconds: u64) -> Run {
        Run { result, time: Duration::from_millis(milliseconds), rows: Some(2), profile: Profiled::Unknown }
    }

    #[test]
    fn the_statement_that_ran_least_recently_makes_room() {
        let mut table = Table::new(2);
        let database: Arc<str> = "bounded".into();
        let print = |sql: &str| Arc::new(Fingerprint::of(sql, Quotes::Name));
        let (a, b, c) = (print("select a"), print("select b"), print("select c"));
        let ok = run(RunResult::Ok, 1);
        let added = |is_new, evicted| Added { is_new, evicted, stands_for: 0, earlier_plan: None };
        assert_eq!(table.add(&database, &a, &ok, None), added(true, false));
        assert_eq!(table.add(&database, &b, &ok, None), added(true, false));
        assert_eq!(table.add(&database, &a, &ok, None), added(false, false));
        assert_eq!(table.add(&database, &c, &ok, None), added(true, true));
        assert_eq!(table.entries.len(), 2);
        assert!(table.entries.contains_key(&(Arc::clone(&database), a.hash)), "ran later than b");
    }

    #[test]
    fn figures_add_up() {
        let mut table = Table::new(2);
        let database: Arc<str> = "sums".into();
        let print = Arc::new(Fingerprint::of("select a", Quotes::Name));
        for (result, milliseconds) in [
            (RunResult::Ok, 10),
            (RunResult::Error("binder"), 30),
            (RunResult::Interrupted, 5),
            (RunResult::Abandoned, 5),
        ] {
            table.add(&database, &print, &run(result, milliseconds), None);
        }
        let statement = table.entries[&(Arc::clone(&database), print.hash)].statement(&database);
        assert_eq!((statement.calls, statement.errors, statement.rows), (2, 2, 8));
        assert!((statement.total_seconds - 0.05).abs() < 1e-9 && (statement.max_seconds - 0.03).abs() < 1e-9);
        assert!((statement.min_seconds - 0.005).abs() < 1e-9 && (statement.mean_seconds() - 0.0125).abs() < 1e-9);
        let types: Vec<_> = statement.error_types.iter().map(|(name, count)| (&**name, *count)).collect();
        assert_eq!(types, [("binder", 1), ("interrupt", 1)]);
        assert_eq!(
            statement.profile,
            StatementProfile::default(),
            "nobody profiled it: nothing is known, and nothing is zero"
        );
    }

    #[test]
    fn a_profile_stands_for_the_runs_before_it_that_had_none() {
        let mut table = Table::new(2);
        let database: Arc<str> = "sampled".into();
        let print = Arc::new(Fingerprint::of("select a", Quotes::Name));
        let mut add = |profile| {
            let run = Run { profile, ..run(RunResult::Ok, 1) };
            table.add(&database, &print, &run, None).stands_for
        };
        let known = || Profiled::Known { profile: Profile { rows_scanned: Some(10), ..Profile::default() }, cost: 0.0 };
        assert_eq!(add(known()), 1);
        assert_eq!([add(Profiled::LeftOut), add(Profiled::LeftOut), add(Profiled::Unknown)], [0; 3]);
        assert_eq!((add(known()), add(known())), (3, 1), "what was to have none is not stood for");
        let profile = &table.entries[&(Arc::clone(&database), print.hash)].profile;
        assert_eq!((profile.runs, profile.stands_for, profile.rows_scanned), (3, 5, Some(50)));
    }

    #[test]
    fn profiles_add_up_and_what_none_told_is_not_known() {
        let mut known = StatementProfile::default();
        let profile = |rows, memory| Profile {
            rows_scanned: rows,
            peak_memory_bytes: memory,
            planning: Some(Duration::from_millis(2)),
            ..Profile::default()
        };
        add_profile(&mut known, &profile(Some(10), Some(700)), 1);
        add_profile(&mut known, &profile(None, Some(300)), 1);
        add_profile(&mut known, &profile(Some(5), None), 4);
        assert_eq!(
            (known.runs, known.stands_for, known.rows_scanned, known.peak_memory_bytes),
            (3, 6, Some(30), Some(700))
        );
        assert!((known.planning_seconds.unwrap() - 0.012).abs() < 1e-9);
        assert_eq!((known.read_bytes, known.blocked_seconds), (None, None));
    }
}
