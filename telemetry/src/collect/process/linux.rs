//! What `/proc` tells of a process. <https://man7.org/linux/man-pages/man5/proc.5.html>

use super::{Io, Reading};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Reads what is there; `process` is `/proc/self`.
pub(super) fn read(reading: &mut Reading, process: &Path) {
    let text = |file: &str| fs::read_to_string(process.join(file)).ok();
    if let Some(status) = text("status") {
        reading.threads = field(&status, "Threads:");
        reading.resident_peak_bytes = field(&status, "VmHWM:").map(|kilobytes| kilobytes * 1_024);
    }
    reading.io = text("io").and_then(|io| self::io(&io));
    // One of them is the folder that is being read.
    reading.open_fds = fs::read_dir(process.join("fd")).ok().map(|files| files.count().saturating_sub(1) as u64);
    if let Some(age) = text("stat").and_then(|stat| age(start_ticks(&stat)?)) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // To whole hundredths, which the kernel's ticks are: else each reading would show another start.
        let started = (now.saturating_sub(age).as_secs_f64() * 100.0).round() / 100.0;
        reading.started = Some(steady(started));
    }
}

/// What was told the first time, unless it is off by more than the kernel's tick and what passes between two clocks: a clock that is set
/// changes when the process seems to have started, and slewing it should not.
fn steady(started: f64) -> f64 {
    use crate::sync::{AtomicU64, Relaxed};
    static TOLD: AtomicU64 = AtomicU64::new(0);
    let told = f64::from_bits(TOLD.load(Relaxed));
    if (told - started).abs() <= 1.0 {
        return told;
    }
    TOLD.store(started.to_bits(), Relaxed);
    started
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// `None` where one of them is missing, as where the kernel does not count them.
fn io(text: &str) -> Option<Io> {
    Some(Io {
        read: field(text, "rchar:")?,
        written: field(text, "wchar:")?,
        storage_read: field(text, "read_bytes:")?,
        storage_written: field(text, "write_bytes:")?,
    })
}

/// When the process started, in ticks since the machine did: field 22, counted from behind the name, in which anything may be.
fn start_ticks(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(22 - 3)?.parse().ok()
}

/// How long ago that was.
fn age(start_ticks: u64) -> Option<Duration> {
    // SAFETY: it only reads a number.
    let hertz = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).ok().filter(|hertz| *hertz > 0)?;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it is given a place of its own to write to.
    if unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) } != 0 {
        return None;
    }
    let since_boot = Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    let start = Duration::from_secs(start_ticks / hertz)
        + Duration::from_secs(start_ticks % hertz) / u32::try_from(hertz).ok()?;
    Some(since_boot.saturating_sub(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc_are_read_as_the_kernel_writes_them() {
        let status = "Name:\ta Threads: 9\nVmHWM:\t    6680 kB\nThreads:\t3\n";
        assert_eq!((field(status, "Threads:"), field(status, "VmHWM:")), (Some(3), Some(6_680)));
        let text = "rchar: 3\nwchar: 4\nsyscr: 1\nsyscw: 1\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 0\n";
        assert_eq!(io(text), Some(Io { read: 3, written: 4, storage_read: 5, storage_written: 6 }));
        assert_eq!(io("rchar: 3\n"), None);
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 123456 8000 200 18446744073709551615";
        assert_eq!(start_ticks(stat), Some(123_456));
        assert_eq!(start_ticks("nonsense"), None);
    }

    #[test]
    fn what_is_not_there_is_absent() {
        let mut reading = Reading::default();
        read(&mut reading, Path::new("/nowhere"));
        assert!(
            reading.threads.is_none()
                && reading.io.is_none()
                && reading.open_fds.is_none()
                && reading.started.is_none()
        );
    }

    #[test]
    fn this_process_started_a_moment_ago() {
        let mut reading = Reading::default();
        read(&mut reading, Path::new("/proc/self"));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - reading.started.unwrap();
        assert!((0.0..3_600.0).contains(&age), "{age}");
        assert!(
            reading.threads >= Some(1) && reading.open_fds >= Some(3) && reading.resident_peak_bytes > Some(1 << 20)
        );
    }
}
