//! What is kept of a run.

use crate::export::json::{array, null, number, object, optional, tally, text};
use crate::export::report;
use crate::snapshot::{Exponential, Histogram, Snapshot, Tally, Value};
use std::time::{Duration, SystemTime};

/// The version of a line's shape. Raised when something is taken away or changes its meaning.
pub(super) const VERSION: u32 = 1;

/// What a list of runs shows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunHead {
    /// Tells it from all others; sorts by time.
    pub id: String,
    /// The program's name.
    pub service: String,
    /// When recording began.
    pub started_at: SystemTime,
    /// Seconds until it ended.
    pub duration_seconds: f64,
    /// `ok`; `error` where a job ended so; `panic`; `interrupted` by a signal.
    pub result: String,
    /// The commit that its working directory was at, or CI said.
    pub git_commit: Option<String>,
    /// And the branch.
    pub git_branch: Option<String>,
    /// The machine's name.
    pub host: Option<String>,
    /// Names with versions: of this library, of the compiler, the target and the profile.
    pub versions: Vec<(String, String)>,
    /// Settings of this library that figures depend on.
    pub settings: Vec<(String, String)>,
}

/// A run, with what its functions, jobs and statements took.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Run {
    /// Which it is.
    pub head: RunHead,
    /// Measured functions.
    pub functions: Vec<FunctionRun>,
    /// Runs of jobs.
    pub jobs: Vec<JobRun>,
    /// Statements of DuckDB.
    pub statements: Vec<StatementRun>,
}

/// What a function took in a run. What was not known is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FunctionRun {
    /// Where it stands.
    pub module: String,
    /// Its name.
    pub function: String,
    /// Calls that ended, however they did.
    pub calls: f64,
    /// Calls that returned an error.
    pub errors: f64,
    /// Calls that panicked.
    pub panics: f64,
    /// Futures that were dropped before their end.
    pub cancelled: f64,
    /// Polls, where it is a future.
    pub polls: Option<f64>,
    /// Seconds on a thread, callees included.
    pub busy_seconds: Option<f64>,
    /// Seconds on a thread without measured callees.
    pub self_seconds: Option<f64>,
    /// Seconds on a processor, callees included; estimated.
    pub cpu_seconds: Option<f64>,
    /// Bytes allocated, callees included.
    pub allocated_bytes: Option<f64>,
    /// How often it allocated, callees included.
    pub allocations: Option<f64>,
    /// Bytes read; estimated.
    pub read_bytes: Option<f64>,
    /// Bytes written; estimated.
    pub written_bytes: Option<f64>,
    /// From start to end of its calls.
    pub durations: Sketch,
}

/// A job's run within a run.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct JobRun {
    /// Its name.
    pub job: String,
    /// What it counts.
    pub unit: String,
    /// How it ended; `None` where it still ran.
    pub result: Option<String>,
    /// Seconds.
    pub elapsed_seconds: f64,
    /// How many units were expected.
    pub total: Option<u64>,
    /// Units by what became of them.
    pub units: Tally,
    /// Records by what became of them.
    pub records: Tally,
}

/// A statement in a run.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StatementRun {
    /// The name of the connection.
    pub database: String,
    /// Its short name.
    pub statement: String,
    /// Its text, literals replaced.
    pub text: String,
    /// Runs that succeeded.
    pub calls: u64,
    /// Runs that failed.
    pub errors: u64,
    /// Seconds of all of them.
    pub total_seconds: f64,
    /// Rows returned or changed.
    pub rows: u64,
    /// How long they took.
    pub durations: Sketch,
}

/// A distribution: how many observations lie between one bound and the next. Those of two runs are merged by adding counts of equal bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    /// Upper bounds in seconds, ascending, with their counts, not cumulative; without buckets that are empty. The last may be infinite.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of what was observed, in seconds.
    pub sum: f64,
}

impl Sketch {
    /// How many observations there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// Both together.
    ///
    /// ```
    /// use telemetry::history::Sketch;
    /// let mut day = Sketch { buckets: vec![(0.5, 2), (1.0, 1)], sum: 1.6 };
    /// day.merge(&Sketch { buckets: vec![(1.0, 3), (2.0, 1)], sum: 4.0 });
    /// assert_eq!(day.buckets, [(0.5, 2), (1.0, 4), (2.0, 1)]);
    /// ```
    pub fn merge(&mut self, other: &Sketch) {
        self.sum += other.sum;
        for &(bound, count) in &other.buckets {
            match self.buckets.binary_search_by(|(mine, _)| mine.total_cmp(&bound)) {
                Ok(place) => self.buckets.iter_mut().skip(place).take(1).for_each(|bucket| bucket.1 += count),
                Err(place) => self.buckets.insert(place, (bound, count)),
            }
        }
    }

    /// The bound of the bucket in which the share `quantile` of the observations is reached: at most a bucket's width too large, 19 % for functions.
    /// `None` where nothing was observed, or it lies beyond the last finite bound.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rank")]
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let rank = (quantile.clamp(0.0, 1.0) * self.count() as f64).max(1.0);
        let mut seen = 0;
        let reached = self.buckets.iter().find(|(_, count)| {
            seen += count;
            seen as f64 >= rank
        });
        reached.map(|(bound, _)| *bound).filter(|bound| bound.is_finite())
    }

    fn of_exponential(exponential: &Exponential) -> Sketch {
        let bound = |index: i64| {
            #[expect(clippy::cast_precision_loss, reason = "some hundred buckets")]
            let octaves = index as f64 / 2f64.powi(exponential.scale);
            octaves.exp2()
        };
        let first = i64::from(exponential.offset);
        let mut buckets = vec![(bound(first), exponential.below)];
        buckets.extend((first + 1..).zip(&exponential.buckets).map(|(index, &count)| (bound(index), count)));
        buckets.push((f64::INFINITY, exponential.above));
        buckets.retain(|(_, count)| *count > 0);
        Sketch { buckets, sum: exponential.sum }
    }

    fn add_histogram(&mut self, histogram: &Histogram) {
        let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
        let mut buckets: Vec<(f64, u64)> = bounds.zip(histogram.buckets.iter().copied()).collect();
        buckets.retain(|(_, count)| *count > 0);
        self.merge(&Sketch { buckets, sum: histogram.sum });
    }
}

/// How a program ended, as far as the library saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    ByItself,
    Panicked,
    #[cfg_attr(not(feature = "__send"), allow(dead_code, reason = "only what sends takes signals"))]
    Interrupted,
}

impl Run {
    pub(crate) fn of(snapshot: &Snapshot, ended: Ended, settings: Vec<(String, String)>) -> Run {
        let failed = |job: &crate::snapshot::Job| matches!(job.result, Some("error" | "panic" | "cancelled"));
        let result = match ended {
            Ended::Panicked => "panic",
            Ended::Interrupted => "interrupted",
            Ended::ByItself if snapshot.jobs.iter().any(|job| job.result == Some("interrupted")) => "interrupted",
            Ended::ByItself if snapshot.jobs.iter().any(failed) => "error",
            Ended::ByItself => "ok",
        };
        let git = super::git::here();
        // By name, as all that keeps them gives them back.
        let versions = [
            ("profile", env!("TELEMETRY_PROFILE")),
            ("rustc", env!("TELEMETRY_RUSTC")),
            ("target", env!("TELEMETRY_TARGET")),
            ("telemetry", env!("CARGO_PKG_VERSION")),
        ];
        Run {
            head: RunHead {
                id: id(snapshot.started_at),
                service: snapshot.service().to_owned(),
                started_at: whole_micros(snapshot.started_at),
                duration_seconds: snapshot
                    .taken_at
                    .duration_since(snapshot.started_at)
                    .unwrap_or_default()
                    .as_secs_f64(),
                result: result.to_owned(),
                git_commit: git.commit,
                git_branch: git.branch,
                host: crate::host::name(),
                versions: versions.map(|(name, version)| (name.to_owned(), version.to_owned())).to_vec(),
                settings,
            },
            functions: report::functions(snapshot).iter().map(function).collect(),
            jobs: snapshot.jobs.iter().map(job).collect(),
            statements: snapshot.statements.iter().map(|of| statement(of, snapshot)).collect(),
        }
    }

    /// A line of JSON, with its end.
    pub(crate) fn line(&self) -> String {
        let RunHead {
            id,
            service,
            started_at,
            duration_seconds,
            result,
            git_commit,
            git_branch,
            host,
            versions,
            settings,
        } = &self.head;
        let maybe = |value: &Option<String>| value.as_deref().map_or_else(null, text);
        let pairs = |pairs: &[(String, String)]| object(pairs.iter().map(|(name, value)| (&**name, text(value))));
        let line = object([
            ("version", VERSION.to_string()),
            ("run_id", text(id)),
            ("service", text(service)),
            ("started_at", crate::export::json::seconds_since_epoch(*started_at)),
            ("duration_seconds", number(*duration_seconds)),
            ("result", text(result)),
            ("git_commit", maybe(git_commit)),
            ("git_branch", maybe(git_branch)),
            ("host", maybe(host)),
            ("versions", pairs(versions)),
            ("settings", pairs(settings)),
            // From here on what a list of runs does not show: it reads a line up to this name.
            ("functions", array(self.functions.iter().map(function_json))),
            ("jobs", array(self.jobs.iter().map(job_json))),
            ("statements", array(self.statements.iter().map(statement_json))),
        ]);
        line + "\n"
    }
}

/// To the microsecond, which is what all that keeps it can hold.
fn whole_micros(at: SystemTime) -> SystemTime {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(since.as_micros()).unwrap_or(0))
}

/// Nanoseconds since 1970, the process, and how many runs this process has written: hexadecimal, so that ids sort by time.
fn id(started_at: SystemTime) -> String {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let nanos = started_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos();
    let chance = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), RUNS.fetch_add(1, Relaxed));
    format!("{nanos:016x}-{:08x}", (chance as u32) ^ std::process::id().rotate_left(16))
}

fn function(of: &report::Function<'_>) -> FunctionRun {
    FunctionRun {
        module: of.module.to_owned(),
        function: of.name.to_owned(),
        calls: of.calls,
        errors: of.errors,
        panics: of.panics,
        cancelled: of.cancelled,
        polls: of.polls,
        busy_seconds: of.busy,
        self_seconds: of.own,
        cpu_seconds: of.cpu,
        allocated_bytes: of.allocated,
        allocations: of.allocations,
        read_bytes: of.read,
        written_bytes: of.written,
        durations: of.durations.as_ref().map(Sketch::of_exponential).unwrap_or_default(),
    }
}

fn job(of: &crate::snapshot::Job) -> JobRun {
    JobRun {
        job: of.name.to_string(),
        unit: of.unit.to_string(),
        result: of.result.map(str::to_owned),
        elapsed_seconds: of.elapsed_seconds,
        total: of.total,
        units: of.units,
        records: of.records,
    }
}

fn statement(of: &crate::snapshot::Statement, snapshot: &Snapshot) -> StatementRun {
    let mut durations = Sketch::default();
    let labels = [("database", &*of.database), ("statement", &*of.label)];
    let series = snapshot.family("duckdb_query_duration_seconds").map_or(&[][..], |family| &family.series);
    for series in series.iter().filter(|series| series.has(&labels)) {
        match &series.value {
            Value::Histogram(histogram) => durations.add_histogram(histogram),
            Value::Exponential(exponential) => durations.merge(&Sketch::of_exponential(exponential)),
            _ => {}
        }
    }
    StatementRun {
        database: of.database.to_string(),
        statement: of.label.to_string(),
        text: of.text.to_string(),
        calls: of.calls,
        errors: of.errors,
        total_seconds: of.total_seconds,
        rows: of.rows,
        durations,
    }
}

fn sketch_json(sketch: &Sketch) -> String {
    // An infinite bound is `null`, which is what JSON has for it.
    let bucket = |(bound, count): &(f64, u64)| array([number(*bound), count.to_string()].into_iter());
    object([("sum", number(sketch.sum)), ("buckets", array(sketch.buckets.iter().map(bucket)))])
}

fn function_json(of: &FunctionRun) -> String {
    object([
        ("module", text(&of.module)),
        ("function", text(&of.function)),
        ("calls", number(of.calls)),
        ("errors", number(of.errors)),
        ("panics", number(of.panics)),
        ("cancelled", number(of.cancelled)),
        ("polls", optional(of.polls)),
        ("busy_seconds", optional(of.busy_seconds)),
        ("self_seconds", optional(of.self_seconds)),
        ("cpu_seconds", optional(of.cpu_seconds)),
        ("allocated_bytes", optional(of.allocated_bytes)),
        ("allocations", optional(of.allocations)),
        ("read_bytes", optional(of.read_bytes)),
        ("written_bytes", optional(of.written_bytes)),
        ("durations", sketch_json(&of.durations)),
    ])
}

fn job_json(of: &JobRun) -> String {
    object([
        ("job", text(&of.job)),
        ("unit", text(&of.unit)),
        ("result", of.result.as_deref().map_or_else(null, text)),
        ("elapsed_seconds", number(of.elapsed_seconds)),
        ("total", of.total.map_or_else(null, |total| total.to_string())),
        ("units", tally(&of.units)),
        ("records", tally(&of.records)),
    ])
}

fn statement_json(of: &StatementRun) -> String {
    object([
        ("database", text(&of.database)),
        ("statement", text(&of.statement)),
        ("text", text(&of.text)),
        ("calls", of.calls.to_string()),
        ("errors", of.errors.to_string()),
        ("total_seconds", number(of.total_seconds)),
        ("rows", of.rows.to_string()),
        ("durations", sketch_json(&of.durations)),
    ])
}
