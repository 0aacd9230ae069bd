//! The families of the process, from the system.
//!
//! A reading is taken by the sampler's thread; where none runs, when a snapshot is taken. CPU usage is the CPU time between two readings over the
//! time between them; at the first reading the process' start stands for the one before, so that no reading shows a zero that nobody measured.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod usage;

use crate::builtin::process as families;
use crate::metric::Descriptor;
use crate::record::fork;
use crate::registry::{Collection, Collector};
use crate::sync::{Mutex, lock};
use std::time::{Duration, Instant, SystemTime};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// CPU time comes in steps of 10 ms from some systems; over less time than this the ratio would be noise.
const SHORTEST: Duration = Duration::from_millis(100);

/// The process at one moment. What the system does not tell is `None`.
#[derive(Clone, Debug, Default)]
struct Reading {
    cpu: Option<Duration>,
    resident_bytes: Option<u64>,
    resident_peak_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    virtual_max_bytes: Option<u64>,
    open_fds: Option<u64>,
    max_fds: Option<u64>,
    threads: Option<u64>,
    /// When the process started, in seconds since 1970.
    started: Option<f64>,
    io: Option<Io>,
    faults: Option<[u64; 2]>,
    switches: Option<[u64; 2]>,
}

/// Bytes that the process read and wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Io {
    read: u64,
    written: u64,
    storage_read: u64,
    storage_written: u64,
}

/// The last reading, and what the CPU usage follows from.
struct Last {
    process: fork::Process,
    at: Instant,
    reading: Reading,
    usage: Usage,
}

/// CPU usage from one reading to the next.
#[derive(Clone, Copy, Debug)]
struct Usage {
    /// The CPU time at some moment before; the process' start is the first.
    since: Instant,
    cpu: Duration,
    ratio: Option<f64>,
}

static LAST: Mutex<Option<Last>> = Mutex::new(None);

/// The sampler's period while it runs.
static PERIOD: Mutex<Option<Duration>> = Mutex::new(None);

/// Says that readings come at intervals from now on, or no more.
pub(crate) fn sampled(period: Option<Duration>) {
    *lock(&PERIOD) = period;
}

/// Whether what was read then is what the sampler would show: not where it does not run, where a round is due long since, or
/// in a child, which has no thread of its parent.
pub(super) fn is_fresh(at: Instant, process: fork::Process) -> bool {
    let period = *lock(&PERIOD);
    process == fork::Process::current() && period.is_some_and(|period| at.elapsed() < period.saturating_mul(2))
}

/// Takes a reading.
pub(crate) fn sample() {
    // Not under the lock, which a fork would wait for.
    let (at, reading) = (Instant::now(), read());
    let process = fork::Process::current();
    let mut last = lock(&LAST);
    let before = last.as_ref().filter(|last| last.process == process).map(|last| last.usage);
    let usage = Usage::next(before, at, SystemTime::now(), &reading);
    *last = Some(Last { process, at, reading, usage });
}

impl Usage {
    fn next(before: Option<Usage>, at: Instant, now: SystemTime, reading: &Reading) -> Usage {
        let cpu = reading.cpu.unwrap_or_default();
        let before = before.unwrap_or_else(|| {
            let age = reading.started.and_then(|started| {
                let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
                Duration::try_from_secs_f64(now - started).ok()
            });
            // Where the start is not known, there is no ratio before the second reading.
            let started = age.and_then(|age| at.checked_sub(age));
            let cpu = if started.is_some() { Duration::ZERO } else { cpu };
            Usage { since: started.unwrap_or(at), cpu, ratio: None }
        });
        let passed = at.saturating_duration_since(before.since);
        if reading.cpu.is_none() {
            return Usage { ratio: None, ..before };
        }
        // Two readings in a row: what the last ones told still holds.
        if passed < SHORTEST {
            let first = before.ratio.is_none() && !passed.is_zero() && before.cpu.is_zero();
            let ratio = first.then(|| cpu.as_secs_f64() / passed.as_secs_f64()).or(before.ratio);
            return Usage { ratio, ..before };
        }
        let ratio = cpu.saturating_sub(before.cpu).as_secs_f64() / passed.as_secs_f64();
        Usage { since: at, cpu, ratio: Some(ratio) }
    }
}

fn read() -> Reading {
    let mut reading = portable();
    #[cfg(unix)]
    usage::read(&mut reading);
    #[cfg(target_os = "linux")]
    linux::read(&mut reading, std::path::Path::new("/proc/self"));
    reading
}

/// What `sysinfo` tells on every system: some 50 µs.
#[expect(clippy::cast_precision_loss, reason = "seconds of this century fit")]
fn portable() -> Reading {
    static SYSTEM: Mutex<Option<System>> = Mutex::new(None);
    let mut system = lock(&SYSTEM);
    if system.is_none() {
        *system = System::new().ok();
    }
    // Absent where the system does not tell.
    let Some(system) = system.as_mut() else { return Reading::default() };
    let pid = Pid::from_u32(std::process::id());
    let kind = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
    let Some(process) = system.process(pid) else { return Reading::default() };
    Reading {
        cpu: Some(Duration::from_millis(process.accumulated_cpu_time())),
        resident_bytes: Some(process.memory()),
        virtual_bytes: Some(process.virtual_memory()),
        started: Some(process.start_time() as f64),
        ..Reading::default()
    }
}

/// Shows the last reading, or takes one.
pub(crate) struct Process;

impl Collector for Process {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        let shown = |last: &Last| (last.reading.clone(), last.usage.ratio);
        let fresh = |last: &&Last| is_fresh(last.at, last.process);
        let current = lock(&LAST).as_ref().filter(fresh).map(shown);
        let current = current.or_else(|| {
            sample();
            lock(&LAST).as_ref().map(shown)
        });
        if let Some((reading, ratio)) = current {
            give(&reading, ratio, out);
        }
    }
}

fn give(reading: &Reading, ratio: Option<f64>, out: &mut Collection) {
    if let Some(cpu) = reading.cpu {
        out.seconds(&families::process_cpu_seconds_total::DESCRIPTOR, &[], cpu);
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory and numbers of files fit")]
    let whole = |value: Option<u64>| value.map(|value| value as f64);
    for (descriptor, value) in [
        (families::process_cpu_usage_ratio::DESCRIPTOR, ratio),
        (families::process_resident_memory_bytes::DESCRIPTOR, whole(reading.resident_bytes)),
        (families::process_resident_memory_peak_bytes::DESCRIPTOR, whole(reading.resident_peak_bytes)),
        (families::process_virtual_memory_bytes::DESCRIPTOR, whole(reading.virtual_bytes)),
        (families::process_virtual_memory_max_bytes::DESCRIPTOR, whole(reading.virtual_max_bytes)),
        (families::process_open_fds::DESCRIPTOR, whole(reading.open_fds)),
        (families::process_max_fds::DESCRIPTOR, whole(reading.max_fds)),
        (families::process_threads::DESCRIPTOR, whole(reading.threads)),
        (families::process_start_time_seconds::DESCRIPTOR, reading.started),
    ] {
        if let Some(value) = value {
            out.gauge(&descriptor, &[], value);
        }
    }
    if let Some(io) = reading.io {
        out.counter(&families::process_io_read_bytes_total::DESCRIPTOR, &[], io.read);
        out.counter(&families::process_io_written_bytes_total::DESCRIPTOR, &[], io.written);
        out.counter(&families::process_storage_read_bytes_total::DESCRIPTOR, &[], io.storage_read);
        out.counter(&families::process_storage_written_bytes_total::DESCRIPTOR, &[], io.storage_written);
    }
    if let Some([minor, major]) = reading.faults {
        let descriptor = &families::process_page_faults_total::DESCRIPTOR;
        out.counter(descriptor, &["major"], major);
        out.counter(descriptor, &["minor"], minor);
    }
    if let Some([voluntary, involuntary]) = reading.switches {
        let descriptor = &families::process_context_switches_total::DESCRIPTOR;
        out.counter(descriptor, &["involuntary"], involuntary);
        out.counter(descriptor, &["voluntary"], voluntary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(cpu: f64, started: Option<f64>) -> Reading {
        Reading { cpu: Some(Duration::from_secs_f64(cpu)), started, ..Reading::default() }
    }

    /// The ratios of readings so many seconds apart, of a process that started at 1,000.
    fn ratios(started: Option<f64>, readings: &[(f64, f64)]) -> Vec<Option<f64>> {
        let begin = Instant::now() + Duration::from_secs(1_000);
        let mut usage = None;
        let ratio = |&(at, cpu): &(f64, f64)| {
            let at = Duration::from_secs_f64(at);
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000) + at;
            let next = Usage::next(usage, begin + at, now, &reading(cpu, started));
            usage = Some(next);
            next.ratio.map(|ratio| (ratio * 1e6).round() / 1e6)
        };
        readings.iter().map(ratio).collect()
    }

    #[test]
    fn the_first_reading_tells_the_usage_since_the_start_and_the_next_ones_that_since_the_last() {
        assert_eq!(ratios(Some(1_000.0), &[(10.0, 5.0), (12.0, 9.0), (14.0, 9.0)]), [Some(0.5), Some(2.0), Some(0.0)]);
        assert_eq!(ratios(Some(1_000.0), &[(0.05, 0.05)]), [Some(1.0)], "a young process too");
    }

    #[test]
    fn readings_in_a_row_do_not_tell_nonsense() {
        // The second is 1 ms behind the first, in which no CPU time seems to have passed.
        assert_eq!(
            ratios(Some(1_000.0), &[(10.0, 5.0), (10.001, 5.0), (12.0, 6.0)]),
            [Some(0.5), Some(0.5), Some(0.5)]
        );
    }

    #[test]
    fn without_a_start_there_is_a_usage_from_the_second_reading_on() {
        assert_eq!(ratios(None, &[(10.0, 5.0), (10.05, 5.0), (12.0, 6.0)]), [None, None, Some(0.5)]);
        assert_eq!(ratios(Some(5_000.0), &[(10.0, 5.0), (12.0, 6.0)]), [None, Some(0.5)], "a clock that was set back");
    }
}
