//! What is computed of the jobs when a snapshot is taken.
//!
//! A series' labels know a job's name, not its runs. Of the runs of one name those count that are running, or where none is,
//! the one that began last: units add up, the time left is that of the longest, and one that stalls makes the job stall.

use crate::builtin::jobs::computed as families;
use crate::job::estimate::Estimate;
use crate::job::queue::Reading;
use crate::job::run::{Run, RunResult, Standing};
use crate::job::runs;
use crate::metric::Descriptor;
use crate::registry::{Collection, Collector};
use crate::snapshot;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Gives the jobs, and the families of [`families`].
pub(crate) struct Jobs;

impl Collector for Jobs {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        let now = Instant::now();
        let mut by_name = BTreeMap::<Arc<str>, Vec<(Arc<Run>, Standing)>>::new();
        for run in runs::all() {
            if run.is_running() {
                run.read(now);
            }
            let standing = run.standing(now);
            out.job(job(&run, &standing, now));
            by_name.entry(run.name.clone()).or_default().push((run, standing));
        }
        for (name, runs) in by_name {
            give(&name, &runs, now, out);
        }
    }
}

fn job(run: &Run, standing: &Standing, now: Instant) -> snapshot::Job {
    snapshot::Job {
        name: run.name.clone(),
        run_id: run.id,
        unit: run.unit.clone(),
        started_at: run.started_at,
        elapsed_seconds: standing.elapsed.as_secs_f64(),
        total: standing.total,
        units: standing.units,
        records: standing.records,
        progress: standing.progress,
        rate: if standing.result.is_some() { standing.overall } else { standing.lately },
        overall_rate: standing.overall,
        eta_seconds: standing.eta.map(|eta| eta.seconds),
        eta_low_seconds: standing.eta.map(|eta| eta.low),
        eta_high_seconds: standing.eta.map(|eta| eta.high),
        deadline: run.deadline().and_then(|after_start| run.started_at.checked_add(after_start)),
        stalled: standing.stalled,
        quiet_seconds: run.quiet(now),
        workers: run.workers(now),
        resumed: run.is_resumed(),
        result: standing.result.map(RunResult::as_str),
    }
}

fn give(name: &str, runs: &[(Arc<Run>, Standing)], now: Instant, out: &mut Collection) {
    let running = || runs.iter().filter(|(_, standing)| standing.result.is_none());
    let of_now =
        if running().next().is_some() { running().collect() } else { runs.iter().rev().take(1).collect::<Vec<_>>() };
    let standings = || of_now.iter().map(|(_, standing)| standing);

    let mut expected = BTreeMap::<&str, u64>::new();
    for (run, standing) in &of_now {
        if let Some(total) = standing.total {
            let sum = expected.entry(&run.unit).or_default();
            *sum = sum.saturating_add(total);
        }
    }
    for (unit, total) in expected {
        out.gauge(&families::backfill_expected_units::DESCRIPTOR, &[name, unit], approximate(total));
    }
    if let Some(progress) = progress(standings()) {
        out.gauge(&families::backfill_progress_ratio::DESCRIPTOR, &[name], progress);
    }
    // Absent as soon as one of them cannot tell.
    let etas: Option<Vec<Estimate>> = running().map(|(_, standing)| standing.eta).collect();
    if let Some(longest) = etas.and_then(|etas| etas.into_iter().reduce(later)) {
        out.gauge(&families::backfill_eta_seconds::DESCRIPTOR, &[name], longest.seconds);
        out.gauge(&families::backfill_eta_low_seconds::DESCRIPTOR, &[name], longest.low);
        out.gauge(&families::backfill_eta_high_seconds::DESCRIPTOR, &[name], longest.high);
    }
    let deadlines = running().filter_map(|(run, _)| run.started_at.checked_add(run.deadline()?));
    if let Some(first) = deadlines.min() {
        out.gauge(&families::backfill_deadline_timestamp_seconds::DESCRIPTOR, &[name], unix_seconds(first));
    }
    if let Some(at) = runs.iter().filter_map(|(_, standing)| standing.last_progress).max() {
        out.gauge(&families::backfill_last_progress_timestamp_seconds::DESCRIPTOR, &[name], unix_seconds(at));
    }
    let stalled = standings().any(|standing| standing.stalled);
    out.gauge(&families::backfill_stalled::DESCRIPTOR, &[name], f64::from(u8::from(stalled)));
    let workers: Vec<_> = running().flat_map(|(run, _)| run.workers(now)).collect();
    if !workers.is_empty() {
        let stalled = workers.iter().filter(|worker| worker.stalled).count();
        out.gauge(&families::backfill_workers::DESCRIPTOR, &[name], approximate(workers.len() as u64));
        out.gauge(&families::backfill_stalled_workers::DESCRIPTOR, &[name], approximate(stalled as u64));
    }
    for (queue, reading) in queues(running().map(|(run, _)| &**run), now) {
        give_queue(&[name, &queue], &reading, out);
    }
}

fn unix_seconds(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// When both have ended.
fn later(one: Estimate, other: Estimate) -> Estimate {
    Estimate { seconds: one.seconds.max(other.seconds), low: one.low.max(other.low), high: one.high.max(other.high) }
}

/// The share of all their units that all of them have done.
fn progress<'a>(standings: impl Iterator<Item = &'a Standing>) -> Option<f64> {
    let (mut done, mut total) = (0.0, 0.0);
    for standing in standings {
        let weight = approximate(standing.total?.max(1));
        done += standing.progress? * weight;
        total += weight;
    }
    (total > 0.0).then(|| (done / total).min(1.0))
}

/// The queues of running jobs, by name: after the end there is none.
fn queues<'a>(runs: impl Iterator<Item = &'a Run>, now: Instant) -> BTreeMap<Box<str>, Reading> {
    let mut by_name = BTreeMap::<Box<str>, Reading>::new();
    for run in runs {
        for (name, queue) in &*lock(&run.queues) {
            let reading = queue.read(now);
            let sum = by_name.entry(name.clone()).or_insert(Reading { len: 0, capacity: None, oldest: Duration::ZERO });
            sum.len += reading.len;
            sum.oldest = sum.oldest.max(reading.oldest);
            sum.capacity = match (sum.capacity, reading.capacity) {
                (Some(a), Some(b)) => Some(a.saturating_add(b)),
                (a, b) => a.or(b),
            };
        }
    }
    by_name
}

fn give_queue(labels: &[&str], reading: &Reading, out: &mut Collection) {
    out.gauge(&families::backfill_queue_records::DESCRIPTOR, labels, approximate(reading.len));
    out.gauge(&families::backfill_queue_oldest_age_seconds::DESCRIPTOR, labels, reading.oldest.as_secs_f64());
    if let Some(capacity) = reading.capacity {
        out.gauge(&families::backfill_queue_capacity_records::DESCRIPTOR, labels, approximate(capacity));
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown as a gauge")]
fn approximate(n: u64) -> f64 {
    n as f64
}
