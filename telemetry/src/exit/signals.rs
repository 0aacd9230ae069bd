//! SIGINT and SIGTERM, taken where nobody has: the program ends by them as before, a delivery later.
//!
//! A handler may do next to nothing, so ours writes the signal's number to a socket, at the other end of which a thread waits. When that has delivered,
//! it puts the default action back and raises the signal again, so that the program ends with the same status.
//!
//! - A signal that is ignored, blocked, or that somebody handles is theirs, and is left alone.
//! - Whoever puts a handler before ours later has taken the signal too: ours, where theirs calls it, sees that it is not the one in place, and does nothing.
//!   `job::signal` is such a one, while a job runs: the first signal asks the job to stop.
//! - A second signal, while the first one's delivery is under way, ends the program at once.
//! - A child of a fork has our handler and none of our threads; there the signal does what it did by default.

use super::wire::Wire;
use crate::notice::say;
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

const SIGNALS: [libc::c_int; 2] = [libc::SIGINT, libc::SIGTERM];

/// One stroke may arrive twice: `timeout` signals its child and then the group that the child is in. A person needs longer.
const ONE_STROKE_NANOS: u64 = 50_000_000;

static WIRE: Wire = Wire::new();
/// When the first signal came, in nanoseconds of the monotonic clock; 0 before.
static CAME_AT: AtomicU64 = AtomicU64::new(0);

/// Takes the signals that nobody else has.
pub(super) fn take() {
    let free: Vec<_> = SIGNALS.into_iter().filter(|&signal| is_free(signal, ours())).collect();
    if free.is_empty() {
        return;
    }
    if let Err(error) = WIRE.listen("telemetry-signal", wait) {
        return say(format_args!("SIGINT and SIGTERM end the program before all is sent ({error})"));
    }
    CAME_AT.store(0, SeqCst);
    for signal in free {
        handle(signal, ours());
    }
}

/// Puts a handler of ours in place: a function with the signature of one without SA_SIGINFO that calls async-signal-safe functions only.
pub(super) fn handle(signal: libc::c_int, handler: libc::sighandler_t) {
    // SAFETY: all-zero is a valid `sigaction`: the default action, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    // Calls that wait in the system go on; a handler runs on the stack that was set aside for it, if any.
    action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: the handler is as it must be, see above.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

/// Gives back what is still ours. Where somebody has put a handler before it, theirs stays.
pub(super) fn give_back() {
    for signal in SIGNALS {
        // A delivery is under way: the signal still has to end the program, and its thread will see to that.
        if is_ours(signal) && CAME_AT.load(SeqCst) == 0 {
            default_action(signal);
        }
    }
}

/// The thread: delivers at the first signal, and ends the program by it.
fn wait(mut read: UnixStream) {
    let mut signal = [0];
    // Nobody closes the other end.
    while read.read_exact(&mut signal).is_ok() {
        super::deliver_now(super::Cause::Signal(signal[0].into()));
        act_by_default(signal[0].into());
    }
}

/// Whether a signal would end the program, and nobody waits for it by other means.
pub(super) fn is_free(signal: libc::c_int, ours: libc::sighandler_t) -> bool {
    let by_default =
        disposition(signal).is_some_and(|now| now.sa_sigaction == libc::SIG_DFL || now.sa_sigaction == ours);
    let mut blocked = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: asks only; there is room for the answer.
    let asked = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), blocked.as_mut_ptr()) } == 0;
    // SAFETY: the system has filled it in, and it was all-zero before, an empty set.
    let is_blocked = asked && unsafe { libc::sigismember(blocked.as_ptr(), signal) } == 1;
    by_default && !is_blocked
}

fn ours() -> libc::sighandler_t {
    on_signal as *const () as libc::sighandler_t
}

/// Async-signal-safe.
fn is_ours(signal: libc::c_int) -> bool {
    disposition(signal).is_some_and(|now| now.sa_sigaction == ours())
}

/// What the system does now at this signal. Async-signal-safe.
fn disposition(signal: libc::c_int) -> Option<libc::sigaction> {
    let mut now = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: asks only; `now` has room for the answer.
    let answered = unsafe { libc::sigaction(signal, ptr::null(), now.as_mut_ptr()) } == 0;
    // SAFETY: all-zero is a valid `sigaction`, and the system has filled it in.
    answered.then(|| unsafe { now.assume_init() })
}

extern "C" fn on_signal(signal: libc::c_int) {
    // Called by a handler that took the signal after us: it is theirs.
    if !is_ours(signal) {
        return;
    }
    if !WIRE.is_of_this_process() {
        return act_by_default(signal);
    }
    let now = monotonic_nanos().max(1);
    match CAME_AT.compare_exchange(0, now, SeqCst, SeqCst) {
        Ok(_) => {
            let number = u8::try_from(signal).unwrap_or(0);
            if !WIRE.send(number) {
                act_by_default(signal);
            }
        }
        Err(first) if now.saturating_sub(first) > ONE_STROKE_NANOS => act_by_default(signal),
        Err(_) => {}
    }
}

/// Ends the program as it would have ended without us: the status says by which signal. Async-signal-safe.
fn act_by_default(signal: libc::c_int) {
    default_action(signal);
    // SAFETY: async-signal-safe; in a handler the signal is blocked until that returns, and then ends the process.
    unsafe { libc::raise(signal) };
}

fn default_action(signal: libc::c_int) {
    // SAFETY: async-signal-safe, and takes the number of any signal.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

fn monotonic_nanos() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: async-signal-safe; `now` has room for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    #[allow(clippy::useless_conversion, reason = "both are i32 on some systems")]
    let (seconds, nanos) = (part(now.tv_sec.into()), part(now.tv_nsec.into()));
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
