//! Whether runs got slower: of a function its own time a call, of a statement the time of a run, of a job the time of a unit.
//!
//! The run is the unit, not the call: calls of one run share its machine, its neighbours and its memory layout, and a million of them say no more about the next run
//! than one figure does. So each run gives one figure for each subject, its mean, of a function without the calls that took more than twice the median: on a machine that
//! others use too these are the calls that were interrupted, and a few of them weigh more than all else. The two lots of figures are compared by the Wilcoxon-Mann-Whitney test, and all p-values
//! of a comparison are adjusted by Holm's procedure, so that the chance of one false alarm among all subjects is at most `alpha`. A change counts if it is significant and
//! larger than the threshold. How large it is, is the Hodges-Lehmann estimate of the ratio.
//!
//! ```
//! use telemetry::history::compare::{Comparison, Options, Verdict};
//! let nothing = Comparison::of(&[], &[], &Options::default());
//! assert!(nothing.changes.is_empty() && !nothing.has(Verdict::Slower));
//! ```

use crate::export::json::{array, null, number, object, optional, text};
use crate::history::{Run, Sketch, statistic};
use std::collections::BTreeMap;
use std::fmt;

/// With fewer runs on a side no test is made: it could not tell anything.
const LEAST_RUNS: usize = 4;

/// What counts as a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The chance of at least one false alarm in the whole comparison; 0.05 by default.
    pub alpha: f64,
    /// How much larger or smaller a figure has to be, as a share; 0.05 by default.
    pub threshold: f64,
}

impl Default for Options {
    fn default() -> Options {
        Options { alpha: 0.05, threshold: 0.05 }
    }
}

/// What a figure is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// A function, by module and name: seconds of its own a call, without calls that were interrupted.
    Function(String, String),
    /// A function that is a future: seconds from start to end of a call, waiting included.
    Waiting(String, String),
    /// A statement, by database and name: seconds of a run.
    Statement(String, String),
    /// A job, by name and unit: seconds of a unit.
    Job(String, String),
}

impl Subject {
    /// `function`, `future`, `statement` or `job`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Subject::Function(..) => "function",
            Subject::Waiting(..) => "future",
            Subject::Statement(..) => "statement",
            Subject::Job(..) => "job",
        }
    }

    /// What the figure is, in words.
    #[must_use]
    pub const fn figure(&self) -> &'static str {
        match self {
            Subject::Function(..) => "self time a call",
            Subject::Waiting(..) => "duration of a call",
            Subject::Statement(..) => "time of a run",
            Subject::Job(..) => "time of a unit",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Function(module, name) | Subject::Waiting(module, name) => write!(f, "{module}::{name}"),
            Subject::Statement(database, name) => write!(f, "{database}: {name}"),
            Subject::Job(name, unit) => write!(f, "{name} ({unit})"),
        }
    }
}

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Larger, beyond chance and threshold.
    Slower,
    /// Smaller, beyond chance and threshold.
    Faster,
    /// Neither.
    Same,
    /// There are too few runs to tell.
    Untold,
    /// It is in the head's runs alone.
    New,
    /// It is in the baseline's runs alone.
    Gone,
}

impl Verdict {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Slower => "slower",
            Verdict::Faster => "faster",
            Verdict::Same => "same",
            Verdict::Untold => "untold",
            Verdict::New => "new",
            Verdict::Gone => "gone",
        }
    }
}

/// One subject in both lots of runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Of what.
    pub subject: Subject,
    /// What became of it.
    pub verdict: Verdict,
    /// The median of the baseline's figures, in seconds.
    pub baseline: Option<f64>,
    /// And of the head's.
    pub head: Option<f64>,
    /// Runs that have it, of each side.
    pub runs: (usize, usize),
    /// By what factor the head's is larger.
    pub ratio: Option<f64>,
    /// The interval of that factor, at `1 - alpha`, for this subject alone.
    pub interval: Option<(f64, f64)>,
    /// The adjusted p-value, where a test was made.
    pub p_value: Option<f64>,
}

/// Runs against runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// What counted as a change.
    pub options: Options,
    /// How many runs there were, of each side.
    pub runs: (usize, usize),
    /// All subjects: what became slower first, by how much.
    pub changes: Vec<Change>,
    /// What is to be known of the comparison as a whole: too few runs, for one.
    pub notes: Vec<String>,
}

impl Comparison {
    /// Compares.
    #[must_use]
    pub fn of(baseline: &[Run], head: &[Run], options: &Options) -> Comparison {
        let (before, after) = (figures(baseline), figures(head));
        let mut changes: Vec<Change> = Vec::new();
        let mut tested = Vec::new();
        let subjects: std::collections::BTreeSet<&Subject> = before.keys().chain(after.keys()).collect();
        for subject in subjects {
            let (a, b) =
                (before.get(subject).map_or(&[][..], Vec::as_slice), after.get(subject).map_or(&[][..], Vec::as_slice));
            let is_tested = a.len().min(b.len()) >= LEAST_RUNS;
            if is_tested {
                tested.push((changes.len(), statistic::p_value(a, b)));
            }
            let ratio = statistic::ratio(a, b, options.alpha);
            changes.push(Change {
                subject: subject.clone(),
                verdict: match (a.is_empty(), b.is_empty()) {
                    (true, _) => Verdict::New,
                    (_, true) => Verdict::Gone,
                    _ => Verdict::Untold,
                },
                baseline: median(a),
                head: median(b),
                runs: (a.len(), b.len()),
                ratio: ratio.map(|ratio| ratio.estimate),
                interval: ratio.filter(|_| is_tested).map(|ratio| (ratio.low, ratio.high)),
                p_value: None,
            });
        }
        let adjusted = statistic::holm(&tested.iter().map(|(_, p)| *p).collect::<Vec<_>>());
        for ((place, _), p) in tested.iter().zip(adjusted) {
            if let Some(change) = changes.get_mut(*place) {
                change.p_value = Some(p);
                change.verdict = verdict(change.ratio, p, options);
            }
        }
        let runs = (baseline.len(), head.len());
        let notes = notes(runs, tested.len(), &changes, options);
        changes.sort_by(|a, b| rank(a.verdict).cmp(&rank(b.verdict)).then(size(b).total_cmp(&size(a))));
        Comparison { options: *options, runs, changes, notes }
    }

    /// Whether any subject became so.
    #[must_use]
    pub fn has(&self, verdict: Verdict) -> bool {
        self.changes.iter().any(|change| change.verdict == verdict)
    }

    /// As JSON, with a line's end.
    #[must_use]
    pub fn json(&self) -> String {
        let change = |change: &Change| {
            object([
                ("kind", text(change.subject.kind())),
                ("subject", text(&change.subject.to_string())),
                ("figure", text(change.subject.figure())),
                ("verdict", text(change.verdict.as_str())),
                ("baseline_seconds", optional(change.baseline)),
                ("head_seconds", optional(change.head)),
                ("baseline_runs", change.runs.0.to_string()),
                ("head_runs", change.runs.1.to_string()),
                ("ratio", optional(change.ratio)),
                (
                    "ratio_interval",
                    change.interval.map_or_else(null, |(low, high)| array([number(low), number(high)].into_iter())),
                ),
                ("p_value", optional(change.p_value)),
            ])
        };
        let document = object([
            ("version", number(1.0)),
            ("alpha", number(self.options.alpha)),
            ("threshold", number(self.options.threshold)),
            ("baseline_runs", self.runs.0.to_string()),
            ("head_runs", self.runs.1.to_string()),
            ("notes", array(self.notes.iter().map(|note| text(note)))),
            ("changes", array(self.changes.iter().map(change))),
        ]);
        document + "\n"
    }
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Slower => 0,
        Verdict::Faster => 1,
        Verdict::Untold => 2,
        Verdict::New => 3,
        Verdict::Gone => 4,
        Verdict::Same => 5,
    }
}

fn size(change: &Change) -> f64 {
    change.ratio.map_or(0.0, |ratio| ratio.ln().abs())
}

fn verdict(ratio: Option<f64>, p: f64, options: &Options) -> Verdict {
    let Some(ratio) = ratio.filter(|_| p <= options.alpha) else { return Verdict::Same };
    if ratio >= 1.0 + options.threshold {
        Verdict::Slower
    } else if ratio <= 1.0 / (1.0 + options.threshold) {
        Verdict::Faster
    } else {
        Verdict::Same
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { f64::midpoint(upper, *sorted.get(middle.checked_sub(1)?)?) })
}

/// Calls that took more than so many times the median are left out of a function's figure.
const INTERRUPTED: f64 = 2.0;

/// What the mean duration without interrupted calls is of the mean of all. In a bucket durations are taken to be at its middle, which is at most 9 % off for these
/// calls, and they are then what is left out.
#[expect(clippy::cast_precision_loss, reason = "means")]
fn undisturbed(durations: &Sketch) -> f64 {
    let (count, Some(median)) = (durations.count(), durations.quantile(0.5)) else { return 1.0 };
    let beyond = |(bound, _): &&(f64, u64)| *bound > INTERRUPTED * median;
    let (mut left_out, mut seconds) = (0, 0.0);
    for (bound, calls) in durations.buckets.iter().filter(beyond) {
        // What is beyond the last bound cannot be told.
        if !bound.is_finite() {
            return 1.0;
        }
        left_out += calls;
        seconds += *calls as f64 * bound * MIDDLE;
    }
    let (rest, all) = ((durations.sum - seconds) / (count - left_out) as f64, durations.sum / count as f64);
    let share = rest / all;
    if left_out > 0 && share > 0.0 && share <= 1.0 { share } else { 1.0 }
}

/// From a bucket's upper bound to its middle: an eighth of an octave.
const MIDDLE: f64 = 0.917_004_043_204_671_2;

/// One figure of each run for each subject. What did nothing in a run has none in it.
fn figures(runs: &[Run]) -> BTreeMap<Subject, Vec<f64>> {
    let mut all = BTreeMap::<Subject, Vec<f64>>::new();
    for run in runs {
        for (subject, figure) in figures_of(run) {
            if figure.is_finite() && figure > 0.0 {
                all.entry(subject).or_default().push(figure);
            }
        }
    }
    all
}

#[expect(clippy::cast_precision_loss, reason = "means")]
fn figures_of(run: &Run) -> Vec<(Subject, f64)> {
    let mut figures = Vec::new();
    for function in &run.functions {
        let name = || (function.module.clone(), function.function.clone());
        if let Some(own) = function.self_seconds {
            let (module, name) = name();
            figures.push((Subject::Function(module, name), own / function.calls * undisturbed(&function.durations)));
        }
        if function.polls.is_some() {
            let (module, name) = name();
            figures.push((Subject::Waiting(module, name), function.durations.sum / function.durations.count() as f64));
        }
    }
    for statement in &run.statements {
        let subject = Subject::Statement(statement.database.clone(), statement.statement.clone());
        figures.push((subject, statement.total_seconds / (statement.calls + statement.errors) as f64));
    }
    // Of a job that ran several times in a run, all together.
    let mut jobs = BTreeMap::<Subject, (f64, f64)>::new();
    for job in run.jobs.iter().filter(|job| job.result.as_deref() == Some("ok")) {
        let sums = jobs.entry(Subject::Job(job.job.clone(), job.unit.clone())).or_default();
        sums.0 += job.elapsed_seconds;
        sums.1 += job.units.sum() as f64;
    }
    figures.extend(jobs.into_iter().map(|(subject, (seconds, units))| (subject, seconds / units)));
    figures
}

fn notes(runs: (usize, usize), tests: usize, changes: &[Change], options: &Options) -> Vec<String> {
    let mut notes = Vec::new();
    let both = changes.iter().filter(|change| !matches!(change.verdict, Verdict::New | Verdict::Gone)).count();
    let needed = statistic::runs_needed(both, options.alpha).max(LEAST_RUNS);
    let (before, after) = runs;
    if before == 0 || after == 0 {
        notes.push(format!("there is nothing to compare: {before} runs against {after}"));
    } else if both > tests || (tests > 0 && statistic::least_p_value(before, after) > options.alpha / count(tests)) {
        notes.push(format!(
            "too few runs to tell a change from noise: {before} against {after}; for {both} comparisons at alpha {} it takes {needed} against {needed}",
            options.alpha
        ));
    }
    notes
}

#[expect(clippy::cast_precision_loss, reason = "a number of comparisons")]
fn count(n: usize) -> f64 {
    n as f64
}
