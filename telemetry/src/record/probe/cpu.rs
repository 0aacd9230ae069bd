//! The CPU clock of the calling thread.
//!
//! `clock_gettime(CLOCK_THREAD_CPUTIME_ID)`, in nanoseconds: a system call, some 420 ns. `getrusage(RUSAGE_THREAD)` is cheaper and of no use:
//! what it tells moves by the scheduler's ticks of some ms. Read on Linux alone, where this was measured.

/// Nanoseconds that the calling thread has used; none where the system does not tell.
#[cfg(target_os = "linux")]
pub(super) fn now() -> Option<u64> {
    #[cfg(test)]
    if let Some(nanoseconds) = super::fake::CPU.get() {
        super::fake::work(super::fake::CPU_COST);
        return Some(nanoseconds);
    }
    // An interpreter has no such clock.
    if cfg!(miri) {
        return None;
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to the timespec that it is given, which lives.
    let told = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
    (told == 0).then_some(seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn now() -> Option<u64> {
    None
}
