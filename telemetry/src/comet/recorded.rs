//! What the program records by itself, as metrics of the run: functions, the program's own families, the process and the machine.
//!
//! | recorded | logged |
//! | :--- | :--- |
//! | a counter | by how much it rose since the run began |
//! | a gauge | its value |
//! | a histogram | `…/count`, `…/mean`, `…/p50`, `…/p99` of what was observed since the run began; quantiles of exponential ones alone |
//!
//! Names are `family/label=value/…`; a function's families name the function and, where there are several, the result. What did not change is not told again.

use super::experiment::Experiment;
use crate::builtin;
use crate::snapshot::{Exponential, Family, Series, Snapshot, Value};
use std::collections::HashMap;
use std::sync::Weak;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Ends the thread, after one last look.
pub(super) struct Recording {
    ends: Option<Sender<Sender<()>>>,
}

/// What was told of the series before, and what they were when the run began.
#[derive(Default)]
struct Before {
    base: HashMap<String, Value>,
    told: HashMap<String, u64>,
}

/// Starts to log what is recorded and what the system tells. `None` where neither is wanted, or no thread can be had.
pub(super) fn start(
    experiment: Weak<super::core::Core>,
    recorded_every: Option<Duration>,
    system_every: Option<Duration>,
) -> Option<Recording> {
    let system_every = system_every.filter(|_| cfg!(feature = "system"));
    recorded_every.or(system_every)?;
    let (ends, end) = channel();
    // What was recorded before is not the run's.
    let before =
        Before { base: recorded_every.map(|_| base(&crate::snapshot())).unwrap_or_default(), ..Before::default() };
    let run = move || watch(&experiment, recorded_every, system_every, before, &end);
    let thread = std::thread::Builder::new().name("telemetry-comet-recorded".to_owned()).spawn(run);
    thread.is_ok().then_some(Recording { ends: Some(ends) })
}

impl Recording {
    /// Has what was recorded last logged, and waits for that no longer than so.
    pub(super) fn end(&mut self, most: Duration) {
        let Some(ends) = self.ends.take() else { return };
        let (done, wait) = channel();
        if ends.send(done).is_ok() {
            // Late, it is not logged.
            let _ = wait.recv_timeout(most);
        }
    }
}

fn watch(
    core: &Weak<super::core::Core>,
    recorded_every: Option<Duration>,
    system_every: Option<Duration>,
    mut before: Before,
    end: &Receiver<Sender<()>>,
) {
    let start = Instant::now();
    let far = Duration::from_secs(86_400);
    let later = |period: Option<Duration>| start.checked_add(period.unwrap_or(far)).unwrap_or(start + far);
    let mut next_recorded = later(recorded_every);
    // The first is told soon: a machine that is busy before the run is worth knowing.
    let mut next_system = later(system_every.map(|period| period.min(Duration::from_secs(1))));
    let mut system = Machine::default();
    loop {
        let wait = next_recorded.min(next_system).saturating_duration_since(Instant::now());
        let ended = match end.recv_timeout(wait) {
            Ok(done) => Some(done),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let Some(experiment) = core.upgrade().map(Experiment::of_core) else { return };
        let now = Instant::now();
        if recorded_every.is_some() && (ended.is_some() || now >= next_recorded) {
            before.log(&crate::snapshot(), &experiment);
        }
        if system_every.is_some() && (ended.is_some() || now >= next_system) {
            system.log(&experiment);
        }
        if let Some(done) = ended {
            // Whoever waited may have left.
            let _ = done.send(());
            return;
        }
        let next = |at: Instant, period: Option<Duration>| {
            if at > now { at } else { now.checked_add(period.unwrap_or(far)).unwrap_or(now + far) }
        };
        next_recorded = next(next_recorded, recorded_every);
        next_system = next(next_system, system_every);
    }
}

/// Families that the program has declared, and those of its functions.
fn wanted(snapshot: &Snapshot) -> impl Iterator<Item = (&Family, &Series)> {
    let is_builtin = |name: &str| builtin::CATALOG.iter().any(|family| family.name == name);
    // How well something was sampled is of no run.
    let is_sampling = |name: &str| name.starts_with("function_probe_");
    let is_functions = move |name: &str| name.starts_with("function_") && !is_sampling(name);
    let families =
        snapshot.families.iter().filter(move |family| is_functions(&family.name) || !is_builtin(&family.name));
    families.flat_map(|family| family.series.iter().map(move |series| (family, series)))
}

fn name(family: &Family, series: &Series) -> String {
    let mut name = family.name.to_string();
    let is_function = name.starts_with("function_");
    for (label, value) in &series.labels {
        match &**label {
            "module" if is_function => {}
            "function" | "result" if is_function => name.push_str(&format!("/{value}")),
            label => name.push_str(&format!("/{label}={value}")),
        }
    }
    name
}

fn base(snapshot: &Snapshot) -> HashMap<String, Value> {
    wanted(snapshot).map(|(family, series)| (name(family, series), series.value.clone())).collect()
}

impl Before {
    fn log(&mut self, snapshot: &Snapshot, experiment: &Experiment) {
        for (family, series) in wanted(snapshot) {
            let name = name(family, series);
            let base = self.base.get(&name);
            // A gauge of a function that did nothing in the run, such as its peak.
            if base == Some(&series.value)
                && matches!(series.value, Value::Float(_))
                && family.name.starts_with("function_")
            {
                continue;
            }
            for (suffix, value) in figures(&series.value, base) {
                let name = if suffix.is_empty() { name.clone() } else { format!("{name}/{suffix}") };
                let bits = value.to_bits();
                let is_news = match self.told.get(&name) {
                    Some(told) => *told != bits,
                    // What never happened in the run is not of it.
                    None => value != 0.0 || base.is_none(),
                };
                if is_news {
                    experiment.log_metric(&name, value);
                    self.told.insert(name, bits);
                }
            }
        }
    }
}

/// What is told of a value, since it was `base`.
#[expect(clippy::cast_precision_loss, reason = "a chart shows no more")]
fn figures(value: &Value, base: Option<&Value>) -> Vec<(&'static str, f64)> {
    let count_and_mean = |count: u64, sum: f64, base_count: u64, base_sum: f64| {
        let count = count.saturating_sub(base_count);
        let mut figures = vec![("count", count as f64)];
        if count > 0 {
            figures.push(("mean", (sum - base_sum) / count as f64));
        }
        figures
    };
    match (value, base) {
        (Value::Float(value), _) => vec![("", *value)],
        (Value::Integer(_) | Value::Nanoseconds(_), base) => {
            vec![("", value.as_f64() - base.map_or(0.0, Value::as_f64))]
        }
        (Value::Histogram(now), base) => {
            let (count, sum) =
                if let Some(Value::Histogram(base)) = base { (base.count(), base.sum) } else { (0, 0.0) };
            count_and_mean(now.count(), now.sum, count, sum)
        }
        (Value::Exponential(now), base) => {
            let none = Exponential {
                scale: now.scale,
                offset: 0,
                buckets: Vec::new(),
                below: 0,
                above: 0,
                sum: 0.0,
                exemplars: Vec::new(),
            };
            let base = if let Some(Value::Exponential(base)) = base { base } else { &none };
            let mut figures = count_and_mean(now.count(), now.sum, base.count(), base.sum);
            let since = since(now, base);
            figures.extend(
                [("p50", 0.5), ("p99", 0.99)].iter().filter_map(|(name, share)| Some((*name, since.quantile(*share)?))),
            );
            figures
        }
        (Value::Summary(now), _) => vec![("count", now.count as f64)],
    }
}

/// What was observed since then. Buckets are at their places whatever the first one is.
fn since(now: &Exponential, base: &Exponential) -> Exponential {
    let mut since = now.clone();
    since.exemplars = Vec::new();
    since.below = now.below.saturating_sub(base.below);
    since.above = now.above.saturating_sub(base.above);
    for (place, count) in base.buckets.iter().enumerate() {
        let index = i64::from(base.offset) - i64::from(now.offset) + place as i64;
        if let Some(bucket) = usize::try_from(index).ok().and_then(|index| since.buckets.get_mut(index)) {
            *bucket = bucket.saturating_sub(*count);
        }
    }
    since
}

/// What the machine and the process do, under the names that the official client has for the machine.
#[derive(Default)]
struct Machine {
    #[cfg(feature = "system")]
    system: Option<sysinfo::System>,
    #[cfg(feature = "system")]
    cpu: Option<(Instant, f64)>,
}

impl Machine {
    #[cfg(not(feature = "system"))]
    fn log(&mut self, _: &Experiment) {}

    #[cfg(feature = "system")]
    #[expect(clippy::cast_precision_loss, reason = "a chart shows no more")]
    fn log(&mut self, experiment: &Experiment) {
        use sysinfo::System;
        let known = self.system.is_some();
        if self.system.is_none() {
            self.system = new_system();
        }
        if let Some(system) = &mut self.system {
            system.refresh_cpu_usage();
            system.refresh_memory();
            // A share takes two readings.
            if known {
                experiment.log_metric("sys.cpu.percent.avg", f64::from(system.global_cpu_usage()));
            }
            experiment.log_metric("sys.ram.total", system.total_memory() as f64);
            experiment.log_metric("sys.ram.used", system.used_memory() as f64);
            if let Ok(load) = System::load_average() {
                experiment.log_metric("sys.load.avg", load.one);
            }
        }
        // The process, from what samples it for the exposition.
        let snapshot = crate::snapshot();
        let value = |name: &str| {
            snapshot.family(name).and_then(|family| family.series.first()).map(|series| series.value.as_f64())
        };
        if let Some(bytes) = value("process_resident_memory_bytes") {
            experiment.log_metric("sys.process.ram.used", bytes);
        }
        if let Some(seconds) = value("process_cpu_seconds_total") {
            let now = Instant::now();
            if let Some((at, before)) = self.cpu.replace((now, seconds)) {
                let passed = now.duration_since(at).as_secs_f64();
                if passed > 0.0 {
                    experiment.log_metric("sys.process.cpu.percent", 100.0 * (seconds - before) / passed);
                }
            }
        }
    }
}

#[cfg(feature = "system")]
fn new_system() -> Option<sysinfo::System> {
    sysinfo::System::new().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_since_the_run_began() {
        assert_eq!(figures(&Value::Integer(7), Some(&Value::Integer(5))), [("", 2.0)]);
        assert_eq!(figures(&Value::Nanoseconds(3_000_000_000), None), [("", 3.0)]);
        assert_eq!(figures(&Value::Float(-1.5), Some(&Value::Float(9.0))), [("", -1.5)]);
        let of = |offset, buckets: &[u64], sum| {
            Value::Exponential(Exponential {
                scale: 0,
                offset,
                buckets: buckets.to_vec(),
                below: 0,
                above: 0,
                sum,
                exemplars: Vec::new(),
            })
        };
        // Two values in (2, 4] before; then one in (1, 2] and two in (8, 16].
        let told = figures(&of(0, &[1, 2, 0, 2], 31.5), Some(&of(1, &[2], 6.0)));
        let value = |name: &str| told.iter().find(|(figure, _)| *figure == name).map(|(_, value)| *value);
        assert_eq!((value("count"), value("mean")), (Some(3.0), Some(8.5)));
        assert!(value("p99").is_some_and(|p99| p99 > 8.0 && p99 <= 16.0), "{told:?}");
        assert!(value("p50").is_some_and(|p50| p50 > 8.0), "{told:?}");
    }
}
