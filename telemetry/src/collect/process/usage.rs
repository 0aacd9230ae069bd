//! What every Unix tells of the calling process: CPU time, page faults, context switches, limits.

use super::Reading;
use std::time::Duration;

/// The soft limit, which is the one that is kept; `None` where there is none. A macro, since the type of a resource's number differs between C
/// libraries.
macro_rules! limit {
    ($resource:expr) => {{
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: it is given a place of its own to write to.
        let told = unsafe { libc::getrlimit($resource, &mut limit) } == 0;
        (told && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
    }};
}

pub(super) fn read(reading: &mut Reading) {
    if let Some(cpu) = cpu() {
        reading.cpu = Some(cpu);
    }
    // SAFETY: all of it is numbers, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: it is given a place of its own to write to.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) } == 0 {
        let count = |count: libc::c_long| u64::try_from(count).unwrap_or(0);
        reading.faults = Some([count(usage.ru_minflt), count(usage.ru_majflt)]);
        reading.switches = Some([count(usage.ru_nvcsw), count(usage.ru_nivcsw)]);
    }
    reading.max_fds = limit!(libc::RLIMIT_NOFILE);
    reading.virtual_max_bytes = limit!(libc::RLIMIT_AS);
}

/// CPU time of all threads, in nanoseconds, where `/proc` has steps of 10 ms.
fn cpu() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it is given a place of its own to write to.
    if unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) } != 0 {
        return None;
    }
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}
