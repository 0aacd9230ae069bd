//! Objectives: what share of a function's calls, or of a job's units, is to go well, and to go quickly.
//!
//! They stand at the function, `#[measured(objective(success = "99.9%", latency = "250ms", at = "99%"))]` or
//! `#[backfill_job(objective(success = "99%"))]`, and the program knows them without a call: [`objectives`]. Of them
//! `telemetry::dashboard::rules` (feature `dashboards`) makes recording and alerting rules for Prometheus.
//!
//! ```
//! use std::time::Duration;
//!
//! struct Cursor<T>(T);
//!
//! impl<T> Cursor<T> {
//!     #[telemetry::measured(objective(success = "99.9%", latency = "250ms"))]
//!     fn next(&self) -> Result<u32, std::io::Error> {
//!         Ok(7)
//!     }
//! }
//!
//! fn main() {
//!     let made = telemetry::Objective::function(module_path!(), "Cursor::next").success(0.999).latency(Duration::from_millis(250), 0.99);
//!     let declared = telemetry::objectives().into_iter().find(|objective| objective.subject == made.subject);
//! #   // Nothing is known of them with `--cfg telemetry_off`.
//! #   if telemetry::objectives().is_empty() { return }
//!     let declared = declared.unwrap();
//!     assert_eq!(declared, made.declared_at(declared.file.clone(), declared.line));
//! }
//! ```

#[cfg(not(telemetry_off))]
pub(crate) mod declared; // what the attributes leave behind

use crate::export::json::{array, number, object, text};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Days, where an objective does not tell its window.
const WINDOW_DAYS: u32 = 30;
/// Days that a window may have. Below a week, the three days of the slowest alert are half of it; above a quarter of a year, few servers keep the series.
const WINDOWS: std::ops::RangeInclusive<u32> = 7..=90;

/// What share of the calls of a function, or of the units of a job, is to go well, and to go quickly, over a window of some days.
///
/// A program's own are [`objectives()`]. One that is made by hand is for tools that read them elsewhere, and for names that only the running program knows.
/// Equal ones agree in their place too.
///
/// ```
/// use std::time::Duration;
/// use telemetry::Objective;
///
/// let objective = Objective::function("app::io", "Reader::next").success(0.999).latency(Duration::from_millis(250), 0.99);
/// assert_eq!(objective.mistake(), None);
/// assert_eq!(Objective::job("flights").mistake().unwrap(), "job `flights` has no objective: tell `success`, `latency` or both");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Objective {
    /// Whose it is.
    pub subject: Subject,
    /// The share that is to go well, above 0 and below 1: of a function's calls those that end as `ok` (cancelled ones are left out), of a job's units those
    /// that do not fail and are not dead-lettered (skipped ones are left out).
    pub success: Option<f64>,
    /// How many of a function's calls that end as `ok` are to be how quick.
    pub latency: Option<Latency>,
    /// The days over which the shares are to hold, from 7 to 90.
    pub window_days: u32,
    /// Where it is declared; empty where it is not known.
    pub file: Cow<'static, str>,
    /// The line in that file; 0 where it is not known.
    pub line: u32,
}

/// What has an objective.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A measured function, by the labels of its series.
    Function {
        /// The label `module`.
        module: Cow<'static, str>,
        /// The label `function`.
        function: Cow<'static, str>,
    },
    /// A job, by the label of its series.
    Job {
        /// The label `job_name`.
        job_name: Cow<'static, str>,
        /// Which of its counts is meant.
        counts: JobCounts,
    },
}

/// What a job's objective counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobCounts {
    /// `backfill_records_total`.
    Records,
    /// `backfill_units_total`.
    Units,
}

/// What share of the calls is to be how quick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// No call is to take longer. `function_calls_within_total` must count with this threshold, which the declaration sees to.
    pub within: Duration,
    /// The share of the calls that is to be within it, above 0 and below 1.
    pub share: f64,
}

impl Objective {
    fn of(subject: Subject) -> Objective {
        Objective { subject, success: None, latency: None, window_days: WINDOW_DAYS, file: Cow::Borrowed(""), line: 0 }
    }

    /// None yet, of the function with these labels.
    #[must_use]
    pub fn function(module: impl Into<Cow<'static, str>>, function: impl Into<Cow<'static, str>>) -> Objective {
        Objective::of(Subject::Function { module: module.into(), function: function.into() })
    }

    /// None yet, of the job with this label. Records are counted, unless [`of_units`](Objective::of_units) says otherwise.
    #[must_use]
    pub fn job(job_name: impl Into<Cow<'static, str>>) -> Objective {
        Objective::of(Subject::Job { job_name: job_name.into(), counts: JobCounts::Records })
    }

    /// Counts a job's units, and not its records. Of a function's objective nothing changes.
    #[must_use]
    pub fn of_units(mut self) -> Objective {
        if let Subject::Job { counts, .. } = &mut self.subject {
            *counts = JobCounts::Units;
        }
        self
    }

    /// The share that is to go well, such as `0.999`.
    #[must_use]
    pub fn success(mut self, share: f64) -> Objective {
        self.success = Some(share);
        self
    }

    /// The share of the calls that is to take no longer than `within`.
    #[must_use]
    pub fn latency(mut self, within: Duration, share: f64) -> Objective {
        self.latency = Some(Latency { within, share });
        self
    }

    /// The days over which the shares are to hold, from 7 to 90. Default: 30.
    #[must_use]
    pub fn window_days(mut self, days: u32) -> Objective {
        self.window_days = days;
        self
    }

    /// Where it is declared.
    #[must_use]
    pub fn declared_at(mut self, file: impl Into<Cow<'static, str>>, line: u32) -> Objective {
        (self.file, self.line) = (file.into(), line);
        self
    }

    /// What is wrong with it, and what to write; `None` where nothing is. Those that are declared have been checked by the compiler.
    #[must_use]
    pub fn mistake(&self) -> Option<String> {
        let subject = &self.subject;
        let (first, last) = (WINDOWS.start(), WINDOWS.end());
        let shares = [("success", self.success), ("latency", self.latency.map(|latency| latency.share))];
        for (what, share) in shares {
            if let Some(share) = share.filter(|share| !(*share > 0.0 && *share < 1.0)) {
                return Some(format!(
                    "{subject}: the share of `{what}` is {share}; write one above 0 and below 1, such as 0.999"
                ));
            }
        }
        match (&self.subject, self.latency) {
            (Subject::Job { .. }, Some(_)) => {
                return Some(format!("{subject}: `latency` is about calls; a job has `success` alone"));
            }
            (_, Some(latency)) if latency.within.is_zero() => {
                return Some(format!("{subject}: no call takes no time; tell a longer `latency`"));
            }
            _ => {}
        }
        if !WINDOWS.contains(&self.window_days) {
            return Some(format!(
                "{subject}: the window has {} days; write from {first} to {last}, such as 30",
                self.window_days
            ));
        }
        let is_empty = self.success.is_none() && self.latency.is_none();
        is_empty.then(|| format!("{subject} has no objective: tell `success`, `latency` or both"))
    }

    /// Whether two say the same, wherever they stand.
    pub(crate) fn agrees_with(&self, other: &Objective) -> bool {
        let told = |objective: &Objective| (objective.success, objective.latency, objective.window_days);
        self.subject == other.subject && told(self) == told(other)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Function { module, function } => write!(f, "function `{module}::{function}`"),
            Subject::Job { job_name, .. } => write!(f, "job `{job_name}`"),
        }
    }
}

/// Every objective that is declared in the program, whether or not its function was called, by function and job, each once.
///
/// What is linked is in it, as in [`catalog()`](fn@crate::catalog()). A function that stands in the program several times, as a method of `impl Reader<u8>` and
/// of `impl Reader<u16>` does, has one objective; two that differ stay two here, and the first one counts for
/// `telemetry::dashboard::rules`. Empty with `--cfg telemetry_off`.
#[must_use]
pub fn objectives() -> Vec<Objective> {
    #[cfg(not(telemetry_off))]
    let mut objectives: Vec<Objective> = declared::all().map(declared::Declared::objective).collect();
    #[cfg(telemetry_off)]
    let mut objectives = Vec::new();
    in_order(&mut objectives);
    objectives
}

/// Sorts them, and leaves each once.
pub(crate) fn in_order(objectives: &mut Vec<Objective>) {
    objectives.sort_by(|a, b| (&a.subject, &a.file, a.line).cmp(&(&b.subject, &b.file, b.line)));
    let mut known: Vec<Objective> = Vec::new();
    objectives.retain(|objective| {
        known.retain(|other| other.subject == objective.subject);
        let is_new = !known.iter().any(|other| other.agrees_with(objective));
        known.push(objective.clone());
        is_new
    });
}

/// An array in JSON, one line an objective, in the order in which they are given.
///
/// `kind` is `function`, with `module` and `function`, or `job`, with `job_name` and `counts` (`records` or `units`). `success`, `latency_seconds` and
/// `at` are there where they are told; then `window_days`, `file` and `line`.
///
/// ```
/// use telemetry::objective::{self, Objective};
///
/// assert_eq!(
///     objective::json(&[Objective::job("flights").success(0.99)]),
///     "[\n{\"kind\":\"job\",\"job_name\":\"flights\",\"counts\":\"records\",\"success\":0.99,\"window_days\":30,\"file\":\"\",\"line\":0}\n]\n"
/// );
/// ```
#[must_use]
pub fn json<'a>(objectives: impl IntoIterator<Item = &'a Objective>) -> String {
    let objectives: Vec<_> = objectives.into_iter().map(as_json).collect();
    if objectives.is_empty() { array(std::iter::empty()) + "\n" } else { format!("[\n{}\n]\n", objectives.join(",\n")) }
}

pub(crate) fn as_json(objective: &Objective) -> String {
    let mut members = match &objective.subject {
        Subject::Function { module, function } => {
            vec![("kind", text("function")), ("module", text(module)), ("function", text(function))]
        }
        Subject::Job { job_name, counts } => {
            let counts = match counts {
                JobCounts::Records => "records",
                JobCounts::Units => "units",
            };
            vec![("kind", text("job")), ("job_name", text(job_name)), ("counts", text(counts))]
        }
    };
    members.extend(objective.success.map(|share| ("success", number(share))));
    if let Some(Latency { within, share }) = objective.latency {
        members.extend([("latency_seconds", number(within.as_secs_f64())), ("at", number(share))]);
    }
    members.extend([
        ("window_days", objective.window_days.to_string()),
        ("file", text(&objective.file)),
        ("line", objective.line.to_string()),
    ]);
    object(members)
}

#[cfg(test)]
mod tests;
