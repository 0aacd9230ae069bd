//! What a snapshot says of a measured function: its families, put together.

use super::{or_nothing, table};
use crate::export::number::{human_seconds, human_share};
use crate::snapshot::{Exponential, Series, Snapshot, Value};
use std::collections::BTreeMap;

/// With fewer readings the spread of what was read says little of what was not: the usual rule of thumb for means.
const ENOUGH_READINGS: f64 = 30.0;

/// A measured function.
#[derive(Default)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) module: &'a str,
    pub(crate) calls: f64,
    pub(crate) errors: f64,
    pub(crate) panics: f64,
    pub(crate) cancelled: f64,
    pub(crate) running: f64,
    /// Seconds that the oldest running call has run; 0 where none runs.
    pub(crate) oldest: f64,
    pub(crate) started: f64,
    /// None where it is counted and not timed.
    pub(crate) busy: Option<f64>,
    pub(crate) own: Option<f64>,
    /// None where it is no future.
    pub(crate) polls: Option<f64>,
    /// Of all results together.
    pub(crate) durations: Option<Exponential>,
    pub(crate) cpu: Option<f64>,
    pub(crate) read: Option<f64>,
    pub(crate) written: Option<f64>,
    /// How the CPU time and the bytes of I/O are known.
    pub(crate) cpu_quality: Quality,
    pub(crate) io_quality: Quality,
    pub(crate) allocated: Option<f64>,
    pub(crate) own_allocated: Option<f64>,
    pub(crate) allocations: Option<f64>,
    pub(crate) peak: Option<f64>,
    /// By type, where the function tells it.
    pub(crate) error_types: BTreeMap<&'a str, f64>,
}

/// How well a probe knows its sum.
#[derive(Default)]
pub(crate) struct Quality {
    /// The share of the calls and polls that were read.
    pub(crate) sampled: Option<f64>,
    /// The standard error as a share of the sum.
    pub(crate) error: Option<f64>,
}

impl Quality {
    /// What stands behind a figure that is estimated. The standard error is that of all that the probe tells together (`sum`), hence at most
    /// that of a part of it. `visits` are calls and polls.
    pub(super) fn mark(&self, value: f64, sum: f64, visits: f64) -> String {
        let Some(sampled) = self.sampled.filter(|&sampled| sampled < 1.0 && value != 0.0) else { return String::new() };
        match self.error.map(|error| error * sum / value) {
            Some(error) if error > 0.0 && sampled * visits >= ENOUGH_READINGS => {
                format!(" {}{}", table::ESTIMATE, human_share(error))
            }
            _ => format!(" {}?", table::ESTIMATE),
        }
    }
}

impl Function<'_> {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub(super) fn mean(&self) -> Option<f64> {
        let durations = self.durations.as_ref()?;
        Some(durations.sum / durations.count() as f64).filter(|mean| mean.is_finite())
    }

    /// `2 (1.24 s)`: how many run, and the age of the oldest, where ages are known.
    pub(super) fn running(&self) -> String {
        let running = or_nothing(self.running);
        if running.is_empty() || self.oldest == 0.0 {
            running
        } else {
            format!("{running} ({})", human_seconds(self.oldest))
        }
    }

    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        self.durations.as_ref()?.quantile(quantile)
    }

    /// Seconds that its calls waited at an `.await`, of those that ended. None where it is no future, or where others worked for it besides.
    pub(super) fn idle(&self) -> Option<f64> {
        self.polls?;
        Some(self.durations.as_ref()?.sum - self.busy?).filter(|&idle| idle >= 0.0)
    }

    fn quality(&mut self, probe: Option<&str>) -> Option<&mut Quality> {
        match probe {
            Some("cpu") => Some(&mut self.cpu_quality),
            Some("io") => Some(&mut self.io_quality),
            _ => None,
        }
    }

    /// What is sampled: polls of futures, else calls.
    pub(super) fn visits(&self) -> f64 {
        self.polls.unwrap_or_default().max(self.started).max(self.calls)
    }

    /// Bytes read and written.
    pub(super) fn io(&self) -> f64 {
        self.read.unwrap_or(0.0) + self.written.unwrap_or(0.0)
    }

    fn add_durations(&mut self, more: &Exponential) {
        match &mut self.durations {
            None => self.durations = Some(more.clone()),
            // All results of a function have the same buckets.
            Some(all) => {
                all.sum += more.sum;
                all.below += more.below;
                all.above += more.above;
                for (all, more) in all.buckets.iter_mut().zip(&more.buckets) {
                    *all += more;
                }
            }
        }
    }
}

/// Those that have been called, the one that took most time itself first.
pub(crate) fn functions(snapshot: &Snapshot) -> Vec<Function<'_>> {
    let mut functions = BTreeMap::<(&str, &str), Function<'_>>::new();
    {
        let mut each = |family: &str, fill: for<'a> fn(&mut Function<'a>, &'a Series)| {
            for series in snapshot.family(family).map_or(&[][..], |family| &family.series) {
                let (Some(module), Some(name)) = (series.label("module"), series.label("function")) else { continue };
                let new = || Function { name, module, ..Function::default() };
                fill(functions.entry((module, name)).or_insert_with(new), series);
            }
        };
        each("function_calls_total", |function, series| {
            let count = series.value.as_f64();
            function.calls += count;
            match series.label("result") {
                Some("error") => function.errors += count,
                Some("panic") => function.panics += count,
                Some("cancelled") => function.cancelled += count,
                _ => {}
            }
        });
        each("function_calls_duration_seconds", |function, series| {
            if let Value::Exponential(durations) = &series.value {
                function.add_durations(durations);
            }
        });
        each("function_errors_total", |function, series| {
            let name = series.label("error_type").unwrap_or("others");
            *function.error_types.entry(name).or_default() += series.value.as_f64();
        });
        each("function_probe_sampling_ratio", |function, series| {
            if let Some(quality) = function.quality(series.label("probe")) {
                quality.sampled = Some(series.value.as_f64());
            }
        });
        each("function_probe_standard_error_ratio", |function, series| {
            if let Some(quality) = function.quality(series.label("probe")) {
                quality.error = Some(series.value.as_f64());
            }
        });
        each("function_calls_concurrent", |function, series| function.running = series.value.as_f64());
        each("function_oldest_call_age_seconds", |function, series| function.oldest = series.value.as_f64());
        each("function_calls_started_total", |function, series| function.started = series.value.as_f64());
        each("function_polls_total", |function, series| function.polls = Some(series.value.as_f64()));
        each("function_busy_seconds_total", |function, series| function.busy = Some(series.value.as_f64()));
        each("function_self_seconds_total", |function, series| function.own = Some(series.value.as_f64()));
        each("function_cpu_seconds_total", |function, series| function.cpu = Some(series.value.as_f64()));
        each("function_io_read_bytes_total", |function, series| function.read = Some(series.value.as_f64()));
        each("function_io_written_bytes_total", |function, series| function.written = Some(series.value.as_f64()));
        each("function_allocated_bytes_total", |function, series| function.allocated = Some(series.value.as_f64()));
        each("function_self_allocated_bytes_total", |function, series| {
            function.own_allocated = Some(series.value.as_f64());
        });
        each("function_allocations_total", |function, series| function.allocations = Some(series.value.as_f64()));
        each("function_peak_allocated_bytes", |function, series| function.peak = Some(series.value.as_f64()));
    }
    // One that has an objective is in the snapshot without a call.
    let mut functions: Vec<_> = functions.into_values().filter(|function| function.visits() > 0.0).collect();
    functions.sort_by(|a, b| time(b.own).total_cmp(&time(a.own)).then(time(b.busy).total_cmp(&time(a.busy))));
    functions
}

fn time(seconds: Option<f64>) -> f64 {
    seconds.unwrap_or(0.0)
}
