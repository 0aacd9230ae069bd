//! Ticks: the time-stamp counter where it may be trusted, else the system's monotonic clock in nanoseconds.
//!
//! Durations are kept in ticks and converted when read. The ratio is fixed at first use: were it refined later, totals
//! that are converted at each snapshot could fall.

use crate::record::{dropped, exemplar, span};
use crate::sync::{Relaxed, unforked};
use std::sync::OnceLock;
// Set once, before anything is timed: nothing for a model checker.
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

/// True once the counter was found to be trustworthy. Until then, and elsewhere, ticks are nanoseconds since `epoch`.
static COUNTER: AtomicBool = AtomicBool::new(false);
/// True where ticks are those of the counter, and nobody wants more of a call than to count and to time it.
static PLAIN: AtomicBool = AtomicBool::new(false);
static CLOCK: OnceLock<Clock> = OnceLock::new();
/// Ticks times this, shifted right by [`UNIT_SHIFT`], are units of 2^-34 s. The clock's, at hand; 0 before there is one.
static UNIT_FACTOR: AtomicU64 = AtomicU64::new(0);

/// Which clock is in use and how fast it ticks.
#[derive(Debug)]
pub(crate) struct Clock {
    pub(crate) source: &'static str,
    pub(crate) ticks_per_second: f64,
    unit_factor: u64,
    epoch: Instant,
}

/// Histograms count in units of 2^-34 s (58 ps): powers of two of a second are whole numbers of them, so that their
/// boundaries are exact, and 2^17 s, the last boundary, fits with room.
pub(crate) const UNITS_PER_SECOND_LOG2: u32 = 34;
/// 32: the factor keeps some 34 significant bits for a counter of 2 to 5 GHz, an error below 1e-9.
const UNIT_SHIFT: u32 = 32;

/// How long the counter is compared with the system's clock: an error of 100 ns at both ends is 50 ppm of it.
const CALIBRATION: Duration = Duration::from_millis(4);

/// The clock, calibrated at first use.
pub(crate) fn clock() -> &'static Clock {
    CLOCK.get().unwrap_or_else(|| {
        unforked(|| {
            CLOCK.get_or_init(|| {
                let epoch = Instant::now();
                let clock = if counter::is_trustworthy() { calibrated(epoch) } else { None };
                COUNTER.store(clock.is_some(), Relaxed);
                choose_way();
                let clock = clock.unwrap_or_else(|| Clock::new("monotonic", 1e9, epoch));
                UNIT_FACTOR.store(clock.unit_factor, Relaxed);
                clock
            })
        })
    })
}

impl Clock {
    fn new(source: &'static str, ticks_per_second: f64, epoch: Instant) -> Clock {
        let units_per_tick = f64::from(2u32.pow(17)) * f64::from(2u32.pow(17)) / ticks_per_second;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, below 2^64 above 4 Hz")]
        let unit_factor = (units_per_tick * 2f64.powi(UNIT_SHIFT as i32)).round() as u64;
        Clock { source, ticks_per_second, unit_factor, epoch }
    }
}

/// Compares the counter with the system's clock, each end read in the tightest of a few brackets.
fn calibrated(epoch: Instant) -> Option<Clock> {
    let (first_ticks, first_time) = bracketed();
    while first_time.elapsed() < CALIBRATION {
        std::hint::spin_loop();
    }
    let (last_ticks, last_time) = bracketed();
    let ticks = last_ticks.checked_sub(first_ticks)?;
    let seconds = last_time.duration_since(first_time).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "some 10^7 ticks")]
    let ticks_per_second = ticks as f64 / seconds;
    // Slower than a microsecond a tick would be no better than the system's clock.
    (ticks_per_second > 1e6).then(|| Clock::new("tsc", ticks_per_second, epoch))
}

fn bracketed() -> (u64, Instant) {
    let read = || {
        let before = Instant::now();
        let ticks = counter::read();
        (before.elapsed(), ticks, before)
    };
    // 16: enough that one of them is neither interrupted nor cold.
    let (width, ticks, before) = (0..16).map(|_| read()).min_by_key(|(width, ..)| *width).unwrap_or_else(read);
    (ticks, before + width / 2)
}

/// The time in ticks. Call [`clock`] once before the first use; [`super::callsite`] does when a call site is registered.
#[inline]
pub(crate) fn now() -> u64 {
    #[cfg(test)]
    if let Some(ticks) = fake::NOW.get() {
        return ticks;
    }
    if COUNTER.load(Relaxed) { counter::read() } else { system() }
}

/// Decides whether calls may go the plain way.
pub(crate) fn choose_way() {
    PLAIN.store(COUNTER.load(Relaxed) && !exemplar::is_on() && !span::is_on(), Relaxed);
}

/// Whether calls may go the plain way, and [`counter`] be asked.
#[inline]
pub(crate) fn is_plain() -> bool {
    PLAIN.load(Relaxed)
}

/// The time in ticks, where [`is_plain`] was true.
#[inline]
pub(crate) fn counter() -> u64 {
    #[cfg(test)]
    if let Some(ticks) = fake::NOW.get() {
        return ticks;
    }
    counter::read()
}

#[cold]
fn system() -> u64 {
    // The first reading of all decides which clock there is; who comes meanwhile waits for it.
    let clock = clock();
    if COUNTER.load(Relaxed) {
        return counter::read();
    }
    u64::try_from(clock.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Ticks since an earlier reading; none where the clock stepped back, which is counted.
#[inline]
pub(crate) fn since(earlier: u64) -> u64 {
    now().checked_sub(earlier).unwrap_or_else(stepped_back)
}

#[cold]
fn stepped_back() -> u64 {
    dropped::clock_step();
    0
}

/// Ticks as seconds.
#[expect(clippy::cast_precision_loss, reason = "53 bits of ticks are a month at 3 GHz to the tick")]
pub(crate) fn seconds(ticks: u64) -> f64 {
    ticks as f64 / clock().ticks_per_second
}

/// Ticks as whole nanoseconds.
pub(crate) fn nanoseconds(ticks: u64) -> u64 {
    let nanoseconds = (u128::from(units(ticks)) * 1_000_000_000) >> UNITS_PER_SECOND_LOG2;
    u64::try_from(nanoseconds).unwrap_or(u64::MAX)
}

/// Seconds as ticks, rounded down.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what does not fit is cut off")]
pub(crate) fn ticks(seconds: f64) -> u64 {
    (seconds * clock().ticks_per_second) as u64
}

/// Ticks as units of 2^-34 s.
#[inline]
pub(crate) fn units(ticks: u64) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "fits for 34 years")]
    let units = ((u128::from(ticks) * u128::from(UNIT_FACTOR.load(Relaxed))) >> UNIT_SHIFT) as u64;
    units
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod counter {
    use std::arch::x86_64::{__cpuid, _rdtsc};

    #[inline]
    pub(super) fn read() -> u64 {
        // SAFETY: every x86-64 processor has the instruction; that user code may run it was seen by `is_trustworthy`,
        // which the kernel would otherwise have ended.
        unsafe { _rdtsc() }
    }

    /// Whether the counter runs at one rate in all states of the processor and equally on all cores. The first is
    /// the processor's promise (CPUID 0x8000_0007, EDX bit 8), the second the kernel's: it takes a counter that fails its
    /// checks out of use. Hypervisors that hide the first may still run the kernel's clock on it.
    pub(super) fn is_trustworthy() -> bool {
        if cfg!(target_os = "linux") {
            let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
            return std::fs::read_to_string(path).is_ok_and(|name| name.trim() == "tsc");
        }
        if cfg!(target_os = "macos") {
            #[allow(unused_unsafe, reason = "in newer versions of Rust it is a safe function")]
            // SAFETY: every x86-64 processor has the instruction.
            let cpuid = |leaf| unsafe { __cpuid(leaf) };
            return cpuid(0x8000_0000).eax >= 0x8000_0007 && cpuid(0x8000_0007).edx & (1 << 8) != 0;
        }
        false
    }
}

#[cfg(any(not(target_arch = "x86_64"), miri))]
mod counter {
    pub(super) fn read() -> u64 {
        0
    }

    pub(super) fn is_trustworthy() -> bool {
        false
    }
}

/// A clock that tests set, on their thread.
#[cfg(test)]
pub(crate) mod fake {
    use std::cell::Cell;
    use std::time::Duration;

    thread_local!(pub(crate) static NOW: Cell<Option<u64>> = const { Cell::new(None) });

    /// A clock of nanoseconds that stands at one until it is put forward.
    #[cfg(loom)]
    pub(crate) fn begin() {
        let clock = super::CLOCK.get_or_init(|| super::Clock::new("test", 1e9, std::time::Instant::now()));
        super::UNIT_FACTOR.store(clock.unit_factor, super::Relaxed);
        // So that calls take their plain way.
        super::COUNTER.store(true, super::Relaxed);
        NOW.set(Some(1));
    }

    /// Stops the clock, if it runs, and puts it forward.
    pub(crate) fn advance(by: Duration) {
        NOW.set(Some(NOW.get().unwrap_or_else(super::now) + ticks(by)));
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a test")]
    pub(crate) fn ticks(time: Duration) -> u64 {
        (time.as_secs_f64() * super::clock().ticks_per_second).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_two_of_a_second_is_a_whole_number_of_units() {
        let clock = Clock::new("test", 1e9, Instant::now());
        // 2^-9 s = 1,953,125 ns exactly; the factor's rounding may miss by one unit in 2^25.
        let units = (u128::from(1_953_125u64) * u128::from(clock.unit_factor)) >> UNIT_SHIFT;
        let exact = 1u128 << (UNITS_PER_SECOND_LOG2 - 9);
        assert!(units.abs_diff(exact) <= 1, "{units} for {exact}");
    }

    #[test]
    fn ticks_agree_with_the_system_clock() {
        clock();
        let (ticks, time) = (now(), Instant::now());
        while time.elapsed() < Duration::from_millis(50) {}
        let (measured, elapsed) = (seconds(now() - ticks), time.elapsed().as_secs_f64());
        assert!((measured / elapsed - 1.0).abs() < 0.01, "{measured} s for {elapsed} s");
    }
}
