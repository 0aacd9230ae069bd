//! A snapshot from its document.

use super::VERSION;
use super::ordered::Json;
use crate::metric::Kind;
use crate::snapshot::{
    CallNode, Exponential, Family, Histogram, Job, Labels, Series, SlowStatement, Snapshot, Statement,
    StatementProfile, Summary, Tally, Value, Worker,
};
use crate::sync::{Mutex, lock};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Scales that OpenTelemetry knows.
const SCALES: std::ops::RangeInclusive<i64> = -10..=20;
/// Powers of two beyond what a floating-point number has.
const OCTAVES: i64 = 1_100;
/// Calls within calls; programs keep 128.
const DEEPEST: usize = 1_000;
/// How many different results and types of errors are told apart in one process.
const MAX_WORDS: usize = 1_000;

/// Why a text is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotDocumentError(String);

impl fmt::Display for SnapshotDocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; a snapshot is what a program serves at /api/snapshot or `telemetry::export::snapshot_json::encode` wrote",
            self.0
        )
    }
}

impl std::error::Error for SnapshotDocumentError {}

type Result<T> = std::result::Result<T, SnapshotDocumentError>;

/// The snapshot of such a document. Members that it does not know are passed over.
///
/// What the document does not have is not in it either: exemplars, and which totals are counted in nanoseconds (those whose unit is `seconds` are taken for such). What is
/// `null` among numbers is NaN.
///
/// # Errors
/// The text is no JSON, of a later version than this library reads, lacks what a snapshot has, or holds what cannot be (a call whose caller comes after it, counts beyond
/// 64 bits); the message names the member.
///
/// ```
/// use telemetry::export::snapshot_json::{decode, encode};
///
/// telemetry::metric! { /** Rows kept. */ counter rows_kept_total(table: &str); }
/// rows_kept_total("flights").add(3);
/// let read = decode(&encode(&telemetry::snapshot()))?;
/// assert_eq!(read.sum("rows_kept_total", &[("table", "flights")]), 3.0);
/// assert_eq!(
///     decode("{}").unwrap_err().to_string(),
///     "`version` is missing; a snapshot is what a program serves at /api/snapshot or `telemetry::export::snapshot_json::encode` wrote"
/// );
/// # Ok::<(), telemetry::export::snapshot_json::SnapshotDocumentError>(())
/// ```
pub fn decode(text: &str) -> Result<Snapshot> {
    let document: Json = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| SnapshotDocumentError(format!("this is not JSON: {error}")))?;
    let at = Member { value: &document, path: String::new() };
    if at.member("functions").is_ok() && at.member("families").is_err() {
        return Err(SnapshotDocumentError(String::from("this is a report, which lacks most of a snapshot")));
    }
    let version = at.member("version")?;
    let version = version.value.as_u64().ok_or_else(|| version.wrong("a whole number"))?;
    if version > u64::from(VERSION) {
        let message = format!("`version` is {version}, and this library reads {VERSION}: use a later one");
        return Err(SnapshotDocumentError(message));
    }
    let mut families = at.each("families", family)?;
    families.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(twice) = families.windows(2).find(|two| two[0].name == two[1].name) {
        return Err(SnapshotDocumentError(format!("the family `{}` is there twice", twice[0].name)));
    }
    let call_tree = at.each("call_tree", call_node)?;
    if let Some(index) = (0..call_tree.len()).find(|&index| call_tree[index].caller.is_some_and(|of| of >= index)) {
        let message = format!("`call_tree[{index}].caller` takes the place of one before it");
        return Err(SnapshotDocumentError(message));
    }
    let mut depths = Vec::<usize>::with_capacity(call_tree.len());
    for node in &call_tree {
        depths.push(node.caller.map_or(0, |caller| depths[caller] + 1));
    }
    if let Some(index) = depths.iter().position(|&depth| depth >= DEEPEST) {
        return Err(SnapshotDocumentError(format!("`call_tree[{index}]` is more than {DEEPEST} calls deep")));
    }
    Ok(Snapshot {
        taken_at: at.time("taken_at")?,
        started_at: at.time("started_at")?,
        families,
        jobs: at.each("jobs", job)?,
        statements: at.each("statements", statement)?,
        slow_statements: at.each("slow_statements", slow_statement)?,
        call_tree,
    })
}

fn family(at: &Member<'_>) -> Result<Family> {
    let kind = at.text("type")?;
    let kind = Kind::named(kind)
        .ok_or_else(|| at.wrong_member("type", "counter, gauge, histogram, info, summary or unknown"))?;
    let unit = at.text("unit")?.to_owned();
    let series = at.each("series", |series| {
        let labels = series.object("labels", |value| value.text_itself().map(Arc::from))?;
        let labels: Labels = labels.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Ok(Series { labels, value: value(series, kind, &unit)? })
    })?;
    Ok(Family {
        name: at.text("name")?.to_owned().into(),
        help: at.text("help")?.to_owned().into(),
        kind,
        unit: unit.into(),
        series,
    })
}

fn value(at: &Member<'_>, kind: Kind, unit: &str) -> Result<Value> {
    if let Some(histogram) = at.optional("histogram") {
        let (bounds, buckets) = (histogram.each("bounds", Member::number)?, histogram.counts("buckets", &[])?);
        if buckets.len() != bounds.len() + 1 {
            return Err(histogram.wrong_member("buckets", "one number more than there are bounds"));
        }
        let sum = histogram.member("sum")?.number()?;
        return Ok(Value::Histogram(Histogram { bounds: bounds.into(), buckets, sum, exemplars: Vec::new() }));
    }
    if let Some(exponential) = at.optional("exponential") {
        return exponential_value(&exponential).map(Value::Exponential);
    }
    if let Some(summary) = at.optional("summary") {
        let of = summary.member("quantiles")?;
        let quantiles = summary.object("quantiles", Member::number)?.into_iter().map(|(quantile, value)| {
            let wrong = || of.wrong("numbers from 0 to 1 as names");
            Ok((quantile.parse().ok().filter(|at| (0.0..=1.0).contains(at)).ok_or_else(wrong)?, value))
        });
        let quantiles = quantiles.collect::<Result<_>>()?;
        let (sum, count) = (summary.member("sum")?.number()?, summary.whole("count")?);
        return Ok(Value::Summary(Summary { quantiles, sum, count }));
    }
    let value = at.member("value").map_err(|_| {
        SnapshotDocumentError(format!(
            "`{}` has none of `value`, `histogram`, `exponential` and `summary`",
            at.path.trim_end_matches('.')
        ))
    })?;
    Ok(match value.value.as_u64() {
        Some(total) if kind == Kind::Counter && unit != "seconds" => Value::Integer(total),
        _ => total(value.number()?, kind, unit),
    })
}

/// A total of seconds is counted in nanoseconds, if it has no more digits than these.
fn total(value: f64, kind: Kind, unit: &str) -> Value {
    let nanoseconds = || {
        let text = value.to_string();
        let (seconds, part) = text.split_once('.').unwrap_or((&text, ""));
        if part.len() > 9 { None } else { format!("{seconds}{part:0<9}").parse().ok() }
    };
    let whole = if kind == Kind::Counter && unit == "seconds" { nanoseconds() } else { None };
    whole.map_or(Value::Float(value), Value::Nanoseconds)
}

fn exponential_value(at: &Member<'_>) -> Result<Exponential> {
    let (scale, offset) = (at.integer("scale")?, at.integer("offset")?);
    if !SCALES.contains(&scale) {
        return Err(at.wrong_member("scale", "a whole number from -10 to 20"));
    }
    let (below, above) = (at.whole("below")?, at.whole("above")?);
    let buckets = at.counts("buckets", &[below, above])?;
    let per_octave = 2f64.powi(i32::try_from(scale).unwrap_or(0));
    #[expect(clippy::cast_precision_loss, reason = "a bound")]
    let most = OCTAVES as f64 * per_octave;
    #[expect(clippy::cast_precision_loss, reason = "compared with a bound")]
    let is_a_number = offset.unsigned_abs() as f64 <= most && buckets.len() as f64 <= 2.0 * most + 2.0;
    match (i32::try_from(scale), i32::try_from(offset)) {
        (Ok(scale), Ok(offset)) if is_a_number => {
            let sum = at.member("sum")?.number()?;
            Ok(Exponential { scale, offset, buckets, below, above, sum, exemplars: Vec::new() })
        }
        _ => Err(at.wrong_member("offset", "a bucket whose bounds are floating-point numbers")),
    }
}

fn call_node(at: &Member<'_>) -> Result<CallNode> {
    let caller = match at.some_whole("caller")? {
        Some(caller) => Some(usize::try_from(caller).map_err(|_| at.wrong_member("caller", "a place"))?),
        None => None,
    };
    Ok(CallNode {
        function: at.text("function")?.into(),
        module: at.text("module")?.to_owned().into(),
        caller,
        visits: at.member("visits")?.number()?,
        self_seconds: at.member("self_seconds")?.number()?,
        self_allocated_bytes: at.some_number("self_allocated_bytes")?,
        cpu_seconds: at.some_number("cpu_seconds")?,
    })
}

fn job(at: &Member<'_>) -> Result<Job> {
    let deadline = at.optional("deadline").map(|deadline| deadline.time_itself()).transpose()?;
    Ok(Job {
        name: at.text("name")?.into(),
        run_id: at.whole("run_id")?,
        unit: at.text("unit")?.into(),
        started_at: at.time("started_at")?,
        elapsed_seconds: at.member("elapsed_seconds")?.number()?,
        total: at.some_whole("total")?,
        units: tally(&at.member("units")?)?,
        records: tally(&at.member("records")?)?,
        progress: at.some_number("progress")?,
        rate: at.some_number("units_per_second")?,
        overall_rate: at.some_number("overall_rate")?,
        eta_seconds: at.some_number("eta_seconds")?,
        eta_low_seconds: at.some_number("eta_low_seconds")?,
        eta_high_seconds: at.some_number("eta_high_seconds")?,
        deadline,
        stalled: at.truth("stalled")?,
        quiet_seconds: at.some_number("quiet_seconds")?,
        workers: at.each("workers", |worker| {
            Ok(Worker {
                name: worker.text("name")?.into(),
                quiet_seconds: worker.member("quiet_seconds")?.number()?,
                idle: worker.truth("idle")?,
                stalled: worker.truth("stalled")?,
            })
        })?,
        resumed: at.truth("resumed")?,
        result: at.some_text("result")?.map(word),
    })
}

fn tally(at: &Member<'_>) -> Result<Tally> {
    Ok(Tally {
        processed: at.whole("processed")?,
        failed: at.whole("failed")?,
        skipped: at.whole("skipped")?,
        dead_lettered: at.whole("dead_lettered")?,
    })
}

fn statement(at: &Member<'_>) -> Result<Statement> {
    let seconds = |key| at.member(key)?.number();
    let (calls, errors) = (at.whole("calls")?, at.whole("errors")?);
    calls.checked_add(errors).ok_or_else(|| at.wrong_member("calls", "what 64 bits hold together with `errors`"))?;
    let types = at.object("error_types", Member::whole_itself)?;
    Ok(Statement {
        database: at.text("database")?.into(),
        label: at.text("statement")?.into(),
        text: at.text("text")?.into(),
        calls,
        errors,
        error_types: types.into_iter().map(|(name, count)| (name.into(), count)).collect(),
        total_seconds: seconds("total_seconds")?,
        min_seconds: seconds("min_seconds")?,
        max_seconds: seconds("max_seconds")?,
        deviation_seconds: seconds("deviation_seconds")?,
        p50_seconds: seconds("p50_seconds")?,
        p95_seconds: seconds("p95_seconds")?,
        p99_seconds: seconds("p99_seconds")?,
        rows: at.whole("rows")?,
        profile: StatementProfile {
            runs: at.whole("profiled_runs")?,
            stands_for: at.whole("profiles_stand_for")?,
            rows_scanned: at.some_whole("rows_scanned")?,
            operator_seconds: at.some_number("operator_seconds")?,
            planning_seconds: at.some_number("planning_seconds")?,
            blocked_seconds: at.some_number("blocked_seconds")?,
            peak_memory_bytes: at.some_whole("peak_memory_bytes")?,
            peak_temp_bytes: at.some_whole("peak_temp_bytes")?,
            read_bytes: at.some_whole("read_bytes")?,
            written_bytes: at.some_whole("written_bytes")?,
        },
        last_plan: at.some_text("last_plan")?.map(Arc::from),
    })
}

fn slow_statement(at: &Member<'_>) -> Result<SlowStatement> {
    Ok(SlowStatement {
        database: at.text("database")?.into(),
        label: at.text("statement")?.into(),
        text: at.text("text")?.into(),
        at: at.time("at")?,
        seconds: at.member("seconds")?.number()?,
        rows: at.some_whole("rows")?,
        error_type: at.some_text("error_type")?.map(word),
        plan: at.some_text("plan")?.map(Arc::from),
        plan_is_earlier: at.truth("plan_is_earlier")?,
    })
}

/// A result or a type of error, which are constants of a program: kept for ever, once each.
fn word(text: &str) -> &'static str {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut words = lock(&WORDS);
    match words.get(text) {
        Some(word) => word,
        None if words.len() >= MAX_WORDS => "other",
        None => {
            let word: &'static str = Box::leak(text.into());
            words.insert(word);
            word
        }
    }
}

/// A part of the document, and the way to it.
struct Member<'a> {
    value: &'a Json,
    /// Empty, or with a point at its end.
    path: String,
}

impl<'a> Member<'a> {
    /// What is wrong about this part.
    fn wrong(&self, takes: &str) -> SnapshotDocumentError {
        SnapshotDocumentError(format!("`{}` takes {takes}", self.path.trim_end_matches('.')))
    }

    fn wrong_member(&self, key: &str, takes: &str) -> SnapshotDocumentError {
        SnapshotDocumentError(format!("`{}{key}` takes {takes}", self.path))
    }

    fn member(&self, key: &str) -> Result<Member<'a>> {
        let missing = || SnapshotDocumentError(format!("`{}{key}` is missing", self.path));
        Ok(Member { value: self.value.get(key).ok_or_else(missing)?, path: format!("{}{key}.", self.path) })
    }

    /// The member if it is there and not null.
    fn optional(&self, key: &str) -> Option<Member<'a>> {
        self.member(key).ok().filter(|member| !matches!(member.value, Json::Null))
    }

    fn text_itself(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.wrong("a text"))
    }

    fn text(&self, key: &str) -> Result<&'a str> {
        self.member(key)?.text_itself()
    }

    fn some_text(&self, key: &str) -> Result<Option<&'a str>> {
        self.optional(key).map(|member| member.text_itself()).transpose()
    }

    fn truth(&self, key: &str) -> Result<bool> {
        let member = self.member(key)?;
        if let Json::Truth(value) = member.value { Ok(*value) } else { Err(member.wrong("true or false")) }
    }

    /// A number, or NaN.
    fn number(&self) -> Result<f64> {
        let number = if matches!(self.value, Json::Null) { Some(f64::NAN) } else { self.value.as_f64() };
        number.ok_or_else(|| self.wrong("a number"))
    }

    fn some_number(&self, key: &str) -> Result<Option<f64>> {
        self.optional(key).map(|member| member.number()).transpose()
    }

    fn whole_itself(&self) -> Result<u64> {
        self.value.as_u64().ok_or_else(|| self.wrong("a whole number from 0 to 2^64 - 1"))
    }

    fn whole(&self, key: &str) -> Result<u64> {
        self.member(key)?.whole_itself()
    }

    fn some_whole(&self, key: &str) -> Result<Option<u64>> {
        self.optional(key).map(|member| member.whole_itself()).transpose()
    }

    fn integer(&self, key: &str) -> Result<i64> {
        let member = self.member(key)?;
        member.value.as_i64().ok_or_else(|| member.wrong("a whole number"))
    }

    /// Counts that together with `others` are no more than 64 bits hold.
    fn counts(&self, key: &str, others: &[u64]) -> Result<Vec<u64>> {
        let counts = self.each(key, Member::whole_itself)?;
        let sum = counts.iter().chain(others).try_fold(0u64, |sum, count| sum.checked_add(*count));
        sum.map(|_| counts).ok_or_else(|| self.wrong_member(key, "counts whose sum 64 bits hold"))
    }

    fn time_itself(&self) -> Result<SystemTime> {
        let moment = self.value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let moment = moment.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        moment.ok_or_else(|| self.wrong("seconds since 1970-01-01 UTC"))
    }

    fn time(&self, key: &str) -> Result<SystemTime> {
        self.member(key)?.time_itself()
    }

    /// Each item of a list.
    fn each<T>(&self, key: &str, read: impl Fn(&Member<'a>) -> Result<T>) -> Result<Vec<T>> {
        let list = self.member(key)?;
        let Json::List(items) = list.value else { return Err(list.wrong("a list")) };
        let item = |(index, value)| read(&Member { value, path: format!("{}{key}[{index}].", self.path) });
        items.iter().enumerate().map(item).collect()
    }

    /// Each member of an object, by its name.
    fn object<T>(&self, key: &str, read: impl Fn(&Member<'a>) -> Result<T>) -> Result<Vec<(String, T)>> {
        let object = self.member(key)?;
        let Json::Object(members) = object.value else { return Err(object.wrong("an object")) };
        let member = |(name, value): &'a (String, Json)| {
            Ok((name.clone(), read(&Member { value, path: format!("{}{name}.", object.path) })?))
        };
        members.iter().map(member).collect()
    }
}
