//! The end of a program whose guard is not dropped: what is to be delivered is delivered, or said to be lost.
//!
//! | the program ends by | noticed by |
//! | :--- | :--- |
//! | `std::process::exit`, or a return from `main` with the guard forgotten | a function that the C library calls then (`atexit`) |
//! | SIGINT and SIGTERM | handlers, where nobody else has taken these signals; see `signals` |
//! | a panic that aborts (`panic = "abort"`) | a panic hook after those that are there |
//! | `abort`, `_exit`, SIGKILL, a fault | nothing: there is no place for anybody to act |
//!
//! All of them do the same: one thread delivers, and whoever ends the program waits for it, but not beyond the deadline. It happens at most once, and not
//! in a child of a fork, whose data are its parent's to send. A program that arms nothing has no thread, no handler and no hook.

#[cfg(unix)]
mod request; // SIGUSR1
#[cfg(unix)]
mod signals; // SIGINT and SIGTERM
#[cfg(unix)]
mod wire; // from a handler to a thread

#[cfg(unix)]
pub(crate) use request::{OnRequest, on_request};

use crate::notice::say;
use crate::record::fork::{self, Process};
use crate::sync::{Mutex, lock};
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// What is to be done before the program ends; there is one of each at a time.
static ARMED: Mutex<[Option<Arc<Delivery>>; 3]> = Mutex::new([None, None, None]);

/// Whose data are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// What pushes and exports.
    #[cfg_attr(
        not(any(feature = "push", feature = "otlp", feature = "grafana")),
        allow(dead_code, reason = "nothing is exported")
    )]
    Exporters,
    /// Runs of experiments.
    #[cfg_attr(not(feature = "comet"), allow(dead_code, reason = "Comet's runs are"))]
    Runs,
    /// The report.
    Report,
}

/// Why the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// By itself.
    Exit,
    /// A signal, by its number.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are none"))]
    Signal(i32),
    /// A panic that aborts.
    #[cfg_attr(not(panic = "abort"), allow(dead_code, reason = "panics unwind"))]
    Panic,
}

impl Cause {
    /// In words, unless it ends as it was to.
    #[cfg_attr(not(feature = "comet"), allow(dead_code, reason = "Comet's runs tell it"))]
    pub(crate) fn why(self) -> Option<&'static str> {
        match self {
            Cause::Exit => None,
            #[cfg(unix)]
            Cause::Signal(libc::SIGINT) => Some("interrupted (SIGINT)"),
            #[cfg(unix)]
            Cause::Signal(libc::SIGTERM) => Some("terminated (SIGTERM)"),
            Cause::Signal(_) => Some("ended by a signal"),
            Cause::Panic => Some("the program panicked"),
        }
    }
}

/// Numbers what was armed, so that one who disarms late does not disarm his successor.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// How much earlier than the program the delivery has to end, so that it is seen to have; and how long a last line may take to be written.
const MARGIN: Duration = Duration::from_millis(50);

thread_local! {
    /// Whether this thread is the one that delivers, which does not wait for itself.
    static DELIVERS: Cell<bool> = const { Cell::new(false) };
}

struct Delivery {
    number: u64,
    /// A child of a fork has this value, and nothing to deliver.
    process: (u32, Process),
    deadline: Duration,
    deliver: Box<dyn Fn(Cause, Duration) -> bool + Send + Sync>,
    state: std::sync::Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Waiting,
    /// Until when whoever ends the program waits.
    Runs(Instant),
    /// Not all was taken, which nobody has said yet.
    Failed,
    Done,
}

/// Has a program's last data delivered at its end, until this is dropped.
#[must_use = "nothing is delivered once it is dropped"]
pub(crate) struct Armed {
    of: Of,
    number: u64,
}

/// From now on `deliver` is called once if the program ends, on a thread of its own, with the time that it has. It says whether it could. `takes_signals`
/// says whether SIGINT and SIGTERM count, where nobody else has taken them.
///
/// What was armed before no longer is.
#[cfg_attr(
    not(any(feature = "push", feature = "otlp", feature = "grafana")),
    allow(dead_code, reason = "nothing is exported")
)]
pub(crate) fn arm(
    deliver: impl Fn(Duration) -> bool + Send + Sync + 'static,
    deadline: Duration,
    takes_signals: bool,
) -> Armed {
    arm_of(Of::Exporters, move |_, time| deliver(time), deadline, takes_signals)
}

/// The same for the report, besides what exports.
pub(crate) fn arm_report(
    print: impl Fn(Cause) -> bool + Send + Sync + 'static,
    deadline: Duration,
    takes_signals: bool,
) -> Armed {
    arm_of(Of::Report, move |cause, _| print(cause), deadline, takes_signals)
}

/// The same for runs of experiments, whose end says why; besides what exports.
#[cfg(feature = "comet")]
pub(crate) fn arm_runs(
    deliver: impl Fn(Cause, Duration) -> bool + Send + Sync + 'static,
    deadline: Duration,
    takes_signals: bool,
) -> Armed {
    arm_of(Of::Runs, deliver, deadline, takes_signals)
}

fn arm_of(
    of: Of,
    deliver: impl Fn(Cause, Duration) -> bool + Send + Sync + 'static,
    deadline: Duration,
    takes_signals: bool,
) -> Armed {
    fork::watch();
    let number = NUMBERS.fetch_add(1, SeqCst);
    let delivery = Delivery {
        number,
        process: this_process(),
        deadline,
        deliver: Box::new(deliver),
        state: std::sync::Mutex::new(State::Waiting),
        changed: Condvar::new(),
    };
    let before = lock(&ARMED)[of as usize].replace(Arc::new(delivery));
    drop(before);
    #[cfg(unix)]
    at_exit();
    #[cfg(panic = "abort")]
    at_panic();
    #[cfg(unix)]
    if takes_signals {
        signals::take();
    }
    #[cfg(not(unix))]
    let _ = takes_signals;
    Armed { of, number }
}

impl Drop for Armed {
    fn drop(&mut self) {
        let mut armed = lock(&ARMED);
        let mine = armed[self.of as usize].take_if(|armed| armed.number == self.number);
        #[cfg(unix)]
        let is_last = armed.iter().flatten().all(|delivery| !delivery.is_of_this_process());
        drop(armed);
        #[cfg(unix)]
        if is_last && mine.as_ref().is_some_and(|delivery| delivery.is_of_this_process()) {
            signals::give_back();
        }
        // Not under the lock: what it holds may have a destructor that takes its time.
        drop(mine);
    }
}

impl fmt::Debug for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Armed").field("number", &self.number).finish()
    }
}

/// A process, by its number too: one that was forked by a bare system call is seen by that alone.
fn this_process() -> (u32, Process) {
    (std::process::id(), Process::current())
}

/// What the program's end does: delivers, or waits for whom has begun to. Returns at the deadline.
fn deliver_now(cause: Cause) {
    if DELIVERS.with(Cell::get) {
        return;
    }
    let armed: Vec<_> =
        lock(&ARMED).iter().flatten().filter(|delivery| delivery.is_of_this_process()).cloned().collect();
    // All at once, so that the one that takes longest is waited for alone.
    let begun: Vec<_> = armed.iter().map(|delivery| delivery.begin(cause)).collect();
    for (delivery, until) in armed.iter().zip(begun) {
        delivery.wait(until);
    }
}

impl Delivery {
    fn is_of_this_process(&self) -> bool {
        self.process == this_process()
    }

    /// Delivers on a thread, unless that is done. Until when it is to be waited for.
    fn begin(self: &Arc<Delivery>, cause: Cause) -> Instant {
        let now = Instant::now();
        // What the clock cannot hold is as good as a day, which nobody waits.
        let until = now.checked_add(self.deadline).unwrap_or(now + Duration::from_secs(86_400));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Runs(until) => until,
            State::Failed | State::Done => until,
            State::Waiting => {
                *state = State::Runs(until);
                let delivery = Arc::clone(self);
                let thread = std::thread::Builder::new().name("telemetry-exit".to_owned());
                if let Err(error) = thread.spawn(move || delivery.deliver(cause)) {
                    *state = State::Done;
                    say_briefly(format!("what was not sent yet is lost: no thread could be started for it ({error})"));
                }
                until
            }
        }
    }

    fn wait(&self, until: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match *state {
                State::Done => return,
                State::Failed => {
                    // Said once, by the first who sees it.
                    *state = State::Done;
                    return say_briefly("not all could be sent at the program's end; the rest is lost".to_owned());
                }
                _ if left.is_zero() => {
                    *state = State::Done;
                    let deadline = self.deadline;
                    return say_briefly(format!("what was not sent within {deadline:?} of the program's end is lost"));
                }
                State::Waiting | State::Runs(_) => {
                    let waited = self.changed.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// On a thread of its own.
    fn deliver(&self, cause: Cause) {
        DELIVERS.with(|delivers| delivers.set(true));
        let time = self.deadline - MARGIN.min(self.deadline / 10);
        // A panic must not leave whoever waits waiting.
        let deliver = std::panic::AssertUnwindSafe(|| (self.deliver)(cause, time));
        let is_delivered = std::panic::catch_unwind(deliver).unwrap_or(false);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Else whoever waited has left.
        if *state != State::Done {
            *state = if is_delivered { State::Done } else { State::Failed };
        }
        self.changed.notify_all();
    }
}

/// Says something, and does not wait for long: whoever reads standard error may have stopped to, and the program is to end.
fn say_briefly(message: String) {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::Builder::new().name("telemetry-exit".to_owned());
    let says = thread.spawn(move || {
        say(format_args!("{message}"));
        // Nobody waits any more.
        let _ = done.send(());
    });
    if says.is_ok() {
        let _ = wait.recv_timeout(MARGIN);
    }
}

/// Has the C library call us when the program exits.
#[cfg(unix)]
fn at_exit() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    extern "C" fn at_exit() {
        deliver_now(Cause::Exit);
    }
    ONCE.call_once(|| {
        // An interpreter does not exit by the C library.
        if cfg!(miri) {
            return;
        }
        // SAFETY: the function is there as long as the program, and unwinds nowhere: a panic in it aborts. Where the system has no room for it, the end of
        // the program goes unnoticed.
        unsafe { libc::atexit(at_exit) };
    });
}

/// Where a panic ends the program, the hook is the last that runs.
#[cfg(panic = "abort")]
fn at_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            deliver_now(Cause::Panic);
        }));
    });
}

#[cfg(all(test, unix))]
mod tests;
