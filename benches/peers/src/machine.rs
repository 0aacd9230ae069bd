//! Where it ran, and who else was there: the machine's description, its CPU time and this process's.

use std::fs;
use std::time::Duration;

/// The CPU time that this process has used, all threads.
#[must_use]
pub fn process_cpu() -> Duration {
    cpu(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// The CPU time that the calling thread has used.
#[must_use]
pub fn thread_cpu() -> Duration {
    cpu(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// The CPU time that a thread has used, which has not been joined.
#[must_use]
pub fn cpu_of(thread: std::os::unix::thread::RawPthread) -> Duration {
    let mut clock = libc::CLOCK_THREAD_CPUTIME_ID;
    // SAFETY: a handle that was not joined keeps its thread's number valid; `clock` lives through the call.
    let failed = unsafe { libc::pthread_getcpuclockid(thread, &raw mut clock) } != 0;
    assert!(!failed, "the system has no CPU clock of another thread");
    cpu(clock)
}

fn cpu(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec that lives through the call.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) } != 0;
    assert!(!failed, "the system has no CPU clock {clock}");
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The bytes of memory that this process has in use, counted page by page: what other files say may be behind by a few pages a thread.
///
/// # Errors
/// Where the system does not tell.
pub fn resident() -> Result<u64, String> {
    kibibytes("/proc/self/smaps_rollup", "Rss:")
}

/// The most that it ever had.
///
/// # Errors
/// Where the system does not tell.
pub fn most_resident() -> Result<u64, String> {
    kibibytes("/proc/self/status", "VmHWM:")
}

fn kibibytes(path: &str, field: &str) -> Result<u64, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let found = text.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse::<u64>().ok());
    found.map(|kibibytes| kibibytes * 1024).ok_or(format!("{path} has no `{field}`"))
}

/// Keeps the calling thread on one processor. Says whether that could be done.
pub fn pin(processor: usize) -> bool {
    // SAFETY: a set of processors is plain bits, and all zeroes is the empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is a set; a number beyond it is ignored.
    unsafe { libc::CPU_SET(processor, &mut set) };
    // SAFETY: 0 is the calling thread; the set lives through the call.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) == 0 }
}

/// CPU time of the whole machine since it started.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// What programs and the kernel used.
    busy: Duration,
    /// What the hypervisor gave to others while we wanted it.
    stolen: Duration,
    own: Duration,
}

impl Used {
    /// As of now; zero where `/proc/stat` cannot be read.
    #[must_use]
    pub fn now() -> Used {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        let field = |index: usize| ticks.get(index).copied().unwrap_or(0);
        // USER_HZ is 100 wherever Linux runs: 10 ms a tick. See proc_stat(5) for the fields.
        let time = |ticks: u64| Duration::from_millis(ticks * 10);
        Used {
            busy: time(field(0) + field(1) + field(2) + field(5) + field(6)),
            stolen: time(field(7)),
            own: process_cpu(),
        }
    }

    /// The shares of one processor that others and the hypervisor took since `earlier`, which was `elapsed` ago.
    #[must_use]
    pub fn shares_since(&self, earlier: &Used, elapsed: Duration) -> (f64, f64) {
        let own = self.own.saturating_sub(earlier.own);
        let others = self.busy.saturating_sub(earlier.busy).saturating_sub(own);
        let stolen = self.stolen.saturating_sub(earlier.stolen);
        (others.div_duration_f64(elapsed), stolen.div_duration_f64(elapsed))
    }
}

/// Processor, system and compiler, a line each, as a Markdown list.
#[must_use]
pub fn description(clock: &str) -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown", |(_, model)| model.trim());
    // Not what this thread may run on: it may be kept on one.
    let processors = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let read =
        |path: &str| fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned());
    let kernel = read("/proc/sys/kernel/osrelease");
    let source = read("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    // Without the folder in which this copy happens to lie.
    let command: Vec<String> = ["peers".to_owned()].into_iter().chain(std::env::args().skip(1)).collect();
    format!(
        "- Processor: {model}, {processors} of them; kernel {kernel}, its clock source `{source}`\n\
         - Our clock: `{clock}` (`telemetry_clock_info`)\n\
         - Compiler: {}; release, thin LTO, one codegen unit\n\
         - Command: `{}`\n",
        env!("RUSTC_VERSION"),
        command.join(" "),
    )
}
