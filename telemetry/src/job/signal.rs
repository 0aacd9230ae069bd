//! SIGINT and SIGTERM, taken while a job runs and given back afterwards.
//!
//! The first one asks the running jobs to stop and is passed on to the program's own handler, if it has one. The second one
//! puts the default action back and raises the signal again, so that a job that does not listen can still be ended. When the
//! last job has ended, what was there before is put back, unless somebody has since put a handler of theirs before ours:
//! theirs is then left alone, and ours passes on.
//!
//! Not by way of a crate: those keep their handler when the last action is taken away, and the signal would then do nothing.

#[cfg(unix)]
pub(crate) use unix::{asked, begin, end};

/// Elsewhere no signal is taken.
#[cfg(not(unix))]
mod elsewhere {
    pub(crate) fn asked() -> Option<&'static str> {
        None
    }

    pub(crate) fn begin() {}

    pub(crate) fn end() {}
}
#[cfg(not(unix))]
pub(crate) use elsewhere::{asked, begin, end};

#[cfg(unix)]
mod unix {
    use crate::sync::{Mutex, lock};
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering::SeqCst};

    const SIGNALS: [libc::c_int; 2] = [libc::SIGINT, libc::SIGTERM];

    /// One stroke may arrive twice: `timeout` signals its child and then the group that the child is in. A person needs longer.
    const ONE_STROKE_NANOS: u64 = 50_000_000;

    /// How many jobs run. The handler asks nobody to stop while it is zero.
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    /// The signal that asked the running jobs to stop, or 0.
    static ASKED: AtomicI32 = AtomicI32::new(0);
    /// When it did, in nanoseconds of the monotonic clock.
    static ASKED_AT: AtomicU64 = AtomicU64::new(0);
    /// The handlers before ours and their flags, where the handler can read them.
    static BEFORE: [Before; 2] =
        [const { Before { handler: AtomicUsize::new(libc::SIG_DFL), flags: AtomicI32::new(0) } }; 2];
    /// The dispositions to put back, while ours is in place.
    static TAKEN: Mutex<[Option<libc::sigaction>; 2]> = Mutex::new([None; 2]);

    struct Before {
        handler: AtomicUsize,
        flags: AtomicI32,
    }

    /// The signal that asked the running jobs to stop.
    pub(crate) fn asked() -> Option<&'static str> {
        match ASKED.load(SeqCst) {
            0 => None,
            libc::SIGINT => Some("SIGINT"),
            _ => Some("SIGTERM"),
        }
    }

    /// A job begins; the first takes the signals. A program that was started with a signal ignored has it taken too: whoever
    /// sends it means the job.
    pub(crate) fn begin() {
        let mut taken = lock(&TAKEN);
        if RUNNING.load(SeqCst) == 0 {
            // A signal may have come in while the last job ended; it was not meant for this one.
            ASKED.store(0, SeqCst);
        }
        if RUNNING.fetch_add(1, SeqCst) > 0 {
            return;
        }
        for index in 0..SIGNALS.len() {
            let Some(now) = disposition(SIGNALS[index]) else { continue };
            // Still there, or somebody else's before ours, which then is called by theirs.
            let in_place = now.sa_sigaction == ours() || (taken[index].is_some() && now.sa_sigaction != libc::SIG_DFL);
            if !in_place {
                take(index, &now);
                taken[index] = Some(now);
            }
        }
    }

    /// A job has ended; the last one gives the signals back.
    pub(crate) fn end() {
        let mut taken = lock(&TAKEN);
        if RUNNING.fetch_sub(1, SeqCst) > 1 {
            return;
        }
        for index in 0..SIGNALS.len() {
            let is_ours = disposition(SIGNALS[index]).is_some_and(|now| now.sa_sigaction == ours());
            if let Some(before) = taken[index].take_if(|_| is_ours) {
                // SAFETY: `before` is what the system said was there.
                unsafe { libc::sigaction(SIGNALS[index], &raw const before, ptr::null_mut()) };
            }
        }
        ASKED.store(0, SeqCst);
    }

    fn ours() -> libc::sighandler_t {
        on_signal as *const () as libc::sighandler_t
    }

    /// What the system does now at this signal. Async-signal-safe.
    fn disposition(signal: libc::c_int) -> Option<libc::sigaction> {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: asks only; `now` has room for the answer.
        let answered = unsafe { libc::sigaction(signal, ptr::null(), now.as_mut_ptr()) } == 0;
        // SAFETY: all-zero is a valid `sigaction`, and the system has filled it in.
        answered.then(|| unsafe { now.assume_init() })
    }

    fn take(index: usize, before: &libc::sigaction) {
        BEFORE[index].handler.store(before.sa_sigaction, SeqCst);
        BEFORE[index].flags.store(before.sa_flags, SeqCst);
        // SAFETY: all-zero is a valid `sigaction`: the default action, no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = ours();
        // Calls that wait in the system go on; a handler runs on the stack that was set aside for it, if any.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
        // SAFETY: `on_signal` has the signature that SA_SIGINFO asks for and calls async-signal-safe functions only.
        unsafe { libc::sigaction(SIGNALS[index], &raw const action, ptr::null_mut()) };
    }

    extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        let index = usize::from(signal != libc::SIGINT);
        if RUNNING.load(SeqCst) == 0 {
            return pass_on(index, signal, info, context, true);
        }
        let now = monotonic_nanos();
        if ASKED.compare_exchange(0, signal, SeqCst, SeqCst).is_ok() {
            ASKED_AT.store(now, SeqCst);
            pass_on(index, signal, info, context, false);
        } else if now.saturating_sub(ASKED_AT.load(SeqCst)) > ONE_STROKE_NANOS {
            act_by_default(signal);
        }
    }

    /// Calls the handler that was there before. Where there was none, `alone` says that nobody else has taken the signal.
    fn pass_on(index: usize, signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void, alone: bool) {
        let handler = BEFORE[index].handler.load(SeqCst);
        if handler == libc::SIG_DFL {
            if alone && disposition(signal).is_some_and(|now| now.sa_sigaction == ours()) {
                act_by_default(signal);
            }
        } else if handler == libc::SIG_IGN {
            // The program wants nothing to happen.
        } else if BEFORE[index].flags.load(SeqCst) & libc::SA_SIGINFO != 0 {
            type WithInfo = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
            // SAFETY: the program gave this handler with SA_SIGINFO, hence with this signature.
            let handler = unsafe { std::mem::transmute::<usize, WithInfo>(handler) };
            handler(signal, info, context);
        } else {
            // SAFETY: the program gave this handler without SA_SIGINFO, hence with this signature.
            let handler = unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(handler) };
            handler(signal);
        }
    }

    /// Ends the program as it would have ended without us: the status says by which signal.
    fn act_by_default(signal: libc::c_int) {
        let clearing = crate::job::clearing();
        // SAFETY: async-signal-safe; the bytes are there, and as many as is said.
        unsafe { libc::write(libc::STDERR_FILENO, clearing.as_ptr().cast(), clearing.len()) };
        // SAFETY: both are async-signal-safe; the signal is blocked until the handler returns and then ends the process.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
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
}
