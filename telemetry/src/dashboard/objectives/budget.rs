//! One share that is to be kept, and the series that tell it.
//!
//! Both sides are rates of counters that exist at zero, of the same series, so that what goes well is never more than all. What is
//! bad is all less what is good, and not a sum of its own: a function that cannot fail has no series of errors.

use super::options::RuleOptions;
use super::write::quoted;
use crate::objective::{JobCounts, Objective, Subject};
use std::time::Duration;

/// A share to keep.
pub(super) struct Budget<'a> {
    pub(super) objective: &'a Objective,
    pub(super) kind: Kind,
    /// The share that is to be good.
    pub(super) share: f64,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Success,
    Latency(Duration),
}

impl Kind {
    /// The value of the label `objective`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Success => "success",
            Kind::Latency(_) => "latency",
        }
    }
}

/// The value of the label `telemetry_slo`: the function's path, or `job/` and the job's name. No path has a slash.
pub(super) fn id(objective: &Objective) -> String {
    match &objective.subject {
        Subject::Function { module, function } => format!("{module}::{function}"),
        Subject::Job { job_name, .. } => format!("job/{job_name}"),
    }
}

impl<'a> Budget<'a> {
    /// Those of an objective.
    pub(super) fn of(objective: &'a Objective) -> impl Iterator<Item = Budget<'a>> {
        let success = objective.success.map(|share| Budget { objective, kind: Kind::Success, share });
        let latency = objective.latency.map(|latency| {
            let kind = Kind::Latency(latency.within);
            Budget { objective, kind, share: latency.share }
        });
        success.into_iter().chain(latency)
    }

    /// What no other group of the file is called.
    pub(super) fn group_name(&self) -> String {
        format!("slo {} {}", id(self.objective), self.kind.name())
    }

    /// The labels that say whose it is, which the recorded series have from what they are made of.
    pub(super) fn subject_labels(&self) -> Vec<(&'static str, &str)> {
        match &self.objective.subject {
            Subject::Function { module, function } => vec![("function", function), ("module", module)],
            Subject::Job { job_name, .. } => vec![("job_name", job_name)],
        }
    }

    /// Their names, after `by`: one series a scrape job, whatever instances it has.
    fn by(&self) -> &'static str {
        match &self.objective.subject {
            Subject::Function { .. } => "job, function, module",
            Subject::Job { .. } => "job, job_name",
        }
    }

    /// What went well, a second, over a window.
    pub(super) fn good(&self, window: &str, options: &RuleOptions) -> String {
        match (&self.objective.subject, self.kind) {
            (_, Kind::Latency(within)) => {
                // As the library writes the label.
                let threshold = format!("threshold={}", quoted(&within.as_secs_f64().to_string()));
                self.rate("function_calls_within_total", &threshold, window, options)
            }
            (Subject::Function { .. }, _) => self.rate("function_calls_total", "result=\"ok\"", window, options),
            (Subject::Job { counts, .. }, _) => self.rate(family(*counts), "status=\"processed\"", window, options),
        }
    }

    /// All that counts.
    pub(super) fn all(&self, window: &str, options: &RuleOptions) -> String {
        match (&self.objective.subject, self.kind) {
            // What ended otherwise is the other objective's.
            (_, Kind::Latency(_)) => self.rate("function_calls_total", "result=\"ok\"", window, options),
            // Who gave up waiting says nothing of the function.
            (Subject::Function { .. }, _) => {
                self.rate("function_calls_total", "result!=\"cancelled\"", window, options)
            }
            // Nor does what needed not be done.
            (Subject::Job { counts, .. }, _) => self.rate(family(*counts), "status!=\"skipped\"", window, options),
        }
    }

    fn rate(&self, family: &str, matcher: &str, window: &str, options: &RuleOptions) -> String {
        let mut matchers: Vec<String> =
            self.subject_labels().iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        matchers.extend((!options.selector.is_empty()).then(|| options.selector.clone()));
        matchers.push(matcher.to_owned());
        format!("sum by ({}) (rate({family}{{{}}}[{window}]))", self.by(), matchers.join(","))
    }
}

fn family(counts: JobCounts) -> &'static str {
    match counts {
        JobCounts::Records => "backfill_records_total",
        JobCounts::Units => "backfill_units_total",
    }
}
