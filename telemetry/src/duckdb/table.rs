//! The figures of statements, by database and fingerprint: bounded, the one that ran least recently makes room.
//!
//! One table for the program: what a connection did is still in the report after the connection is gone, and connections of one name
//! share their figures.

use crate::builtin::duckdb::statements as families;
use crate::duckdb::errors;
use crate::duckdb::fingerprint::Fingerprint;
use crate::duckdb::profile::Profile;
use crate::duckdb::times::Times;
use crate::snapshot::{Statement, StatementProfile};
use crate::sync::{Mutex, lock};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

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
    pub(crate) profile: Option<Profile>,
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

    /// Adds a run. Whether an entry is new, and whether another made room for it, is said.
    fn add(
        &mut self,
        database: &Arc<str>,
        print: &Arc<Fingerprint>,
        run: &Run,
        plan: Option<&Arc<str>>,
    ) -> (bool, bool) {
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
        if let Some(profile) = &run.profile {
            add_profile(&mut entry.profile, profile);
        }
        if let Some(plan) = plan {
            entry.last_plan = Some(Arc::clone(plan));
        }
        (is_new, evicted)
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

fn add_profile(known: &mut StatementProfile, of_run: &Profile) {
    fn sum<T: Copy + std::ops::Add<Output = T>>(known: &mut Option<T>, of_run: Option<T>) {
        *known = match (*known, of_run) {
            (Some(known), Some(of_run)) => Some(known + of_run),
            (known, of_run) => known.or(of_run),
        };
    }
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    known.runs += 1;
    sum(&mut known.rows_scanned, of_run.rows_scanned);
    sum(&mut known.operator_seconds, seconds(of_run.operators_time()));
    sum(&mut known.planning_seconds, seconds(of_run.planning));
    sum(&mut known.blocked_seconds, seconds(of_run.blocked));
    sum(&mut known.read_bytes, of_run.read_bytes);
    sum(&mut known.written_bytes, of_run.written_bytes);
    // `None` is less than anything that is known.
    known.peak_memory_bytes = known.peak_memory_bytes.max(of_run.peak_memory_bytes);
    known.peak_temp_bytes = known.peak_temp_bytes.max(of_run.peak_temp_bytes);
}

/// Whether such a statement has run, so that its names are known to be names.
pub(crate) fn knows(database: &Arc<str>, hash: u64) -> bool {
    lock(&TABLE).entries.contains_key(&(Arc::clone(database), hash))
}

/// Adds a run to the table and to the metrics. Over `slow`, it says so on standard error.
pub(crate) fn record(database: &Arc<str>, print: &Arc<Fingerprint>, run: &Run, slow: Option<Duration>) {
    if let Some(job) = crate::Job::current() {
        job.heartbeat();
    }
    let plan: Option<Arc<str>> = run.profile.as_ref().map(|profile| profile.plan().into());
    let (is_new, evicted) = lock(&TABLE).add(database, print, run, plan.as_ref());
    let label = &*print.label;
    if is_new {
        // At zero from the start, so that the first error is an increase.
        let _ = families::duckdb_queries_total(database, label, "ok");
        let _ = families::duckdb_queries_total(database, label, "error");
    }
    if evicted {
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
    if let Some(profile) = &run.profile {
        record_profile(database, label, profile);
    }
    if slow.is_some_and(|slow| run.time > slow) {
        say_slow(database, label, run.time, plan.as_deref());
    }
}

fn record_profile(database: &str, label: &str, profile: &Profile) {
    if let Some(rows) = profile.rows_scanned {
        families::duckdb_query_rows_scanned_total(database, label).add(rows);
    }
    if let Some(bytes) = profile.result_bytes {
        families::duckdb_query_result_bytes_total(database, label).add(bytes);
    }
    if let Some(bytes) = profile.peak_memory_bytes {
        raise(families::duckdb_query_peak_memory_bytes(database, label), bytes);
    }
    if let Some(bytes) = profile.peak_temp_bytes {
        raise(families::duckdb_query_peak_temp_bytes(database, label), bytes);
    }
    if let Some(bytes) = profile.read_bytes {
        families::duckdb_query_read_bytes_total(database, label).add(bytes);
    }
    if let Some(bytes) = profile.written_bytes {
        families::duckdb_query_written_bytes_total(database, label).add(bytes);
    }
    if let Some(time) = profile.planning {
        families::duckdb_query_planning_seconds_total(database, label).add(time);
    }
    if let Some(time) = profile.blocked {
        families::duckdb_query_blocked_seconds_total(database, label).add(time);
    }
    for operator in &profile.operators {
        if let Some(time) = operator.time {
            families::duckdb_operator_seconds_total(database, &operator.name).add(time);
        }
        if let Some(rows) = operator.rows {
            families::duckdb_operator_rows_total(database, &operator.name).add(rows);
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

/// One line, and the plan's behind it.
#[cold]
fn say_slow(database: &str, label: &str, time: Duration, plan: Option<&str>) {
    let mut text = format!("telemetry: slow statement {label} in {database} took {:.3} s", time.as_secs_f64());
    for line in plan.unwrap_or_default().lines() {
        text.push_str("\n  ");
        text.push_str(line);
    }
    crate::job::above_bars(|| eprintln!("{text}"));
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
        Run { result, time: Duration::from_millis(milliseconds), rows: Some(2), profile: None }
    }

    #[test]
    fn the_statement_that_ran_least_recently_makes_room() {
        let mut table = Table::new(2);
        let database: Arc<str> = "bounded".into();
        let print = |sql: &str| Arc::new(Fingerprint::of(sql, Quotes::Name));
        let (a, b, c) = (print("select a"), print("select b"), print("select c"));
        let ok = run(RunResult::Ok, 1);
        assert_eq!(table.add(&database, &a, &ok, None), (true, false));
        assert_eq!(table.add(&database, &b, &ok, None), (true, false));
        assert_eq!(table.add(&database, &a, &ok, None), (false, false));
        assert_eq!(table.add(&database, &c, &ok, None), (true, true));
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
    fn profiles_add_up_and_what_none_told_is_not_known() {
        let mut known = StatementProfile::default();
        let profile = |rows, memory| Profile {
            rows_scanned: rows,
            peak_memory_bytes: memory,
            planning: Some(Duration::from_millis(2)),
            ..Profile::default()
        };
        add_profile(&mut known, &profile(Some(10), Some(700)));
        add_profile(&mut known, &profile(None, Some(300)));
        add_profile(&mut known, &profile(Some(5), None));
        assert_eq!((known.runs, known.rows_scanned, known.peak_memory_bytes), (3, Some(15), Some(700)));
        assert!((known.planning_seconds.unwrap() - 0.006).abs() < 1e-9);
        assert_eq!((known.read_bytes, known.blocked_seconds), (None, None));
    }
}
