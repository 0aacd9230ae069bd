//! A call that has spans: what was read of it so far, and what of it runs on a thread.

use super::{
    Call, End, Entered, MAY_BE, MOST_MAKERS, Parents, Span, Value, caught, is_on, leave_all, makers, making, running,
    take_noted,
};
use crate::record::budget::Probe;
use crate::record::callsite::CallSite;
use crate::record::guard::Visit;
use crate::record::outcome::Outcome;
use crate::record::thread::{self, Thread};
use crate::record::{clock, probe};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;

/// A pointer's room in a call, for what is there only where somebody makes spans. Nothing is dropped with it: who owns a slot takes out what is in
/// it, so that calls without spans have no code for that.
#[repr(transparent)]
pub(crate) struct Slot<T>(Option<NonNull<T>>);

// SAFETY: it owns what it points to. What is `!Send` in there, how a span is entered, is there only while the call runs on a thread, and taken out
// on that thread.
unsafe impl<T> Send for Slot<T> {}
// SAFETY: what is in there is reached by `&mut Slot` alone.
unsafe impl<T> Sync for Slot<T> {}
impl<T> UnwindSafe for Slot<T> {}
impl<T> RefUnwindSafe for Slot<T> {}

impl<T> Slot<T> {
    pub(crate) const EMPTY: Slot<T> = Slot(None);

    pub(crate) fn of(value: Option<Box<T>>) -> Slot<T> {
        Slot(value.map(|value| NonNull::from(Box::leak(value))))
    }

    /// The slot of what has ended and is not asked again: without being written to, it need not be copied to where it may be.
    pub(crate) fn of_the_ended(&self) -> Slot<T> {
        Slot(self.0)
    }

    #[inline]
    pub(crate) fn is_some(&self) -> bool {
        MAY_BE && self.0.is_some()
    }

    pub(crate) fn get(&mut self) -> Option<&mut T> {
        // SAFETY: it came out of a box, and is this slot's alone. `annotated` reaches it besides, while no reference that this gave is used.
        self.0.map(|mut value| unsafe { value.as_mut() })
    }

    pub(crate) fn take(&mut self) -> Option<Box<T>> {
        if !MAY_BE {
            return None;
        }
        // SAFETY: it came out of a box, and nobody will find it here again.
        self.0.take().map(|value| unsafe { Box::from_raw(value.as_ptr()) })
    }
}

/// What a future keeps of spans.
pub(crate) enum Made {
    /// Not polled yet: what ran where it was made.
    Waits(Parents),
    Runs(Running),
}

/// For a future that is made now. To be asked where [`is_on`].
///
/// `extern "C"`, which does not unwind: else each measured function would have code that drops its future meanwhile. Nor would it: makers' panics are
/// caught.
#[cold]
#[inline(never)]
#[allow(improper_ctypes_definitions, reason = "called by Rust alone")]
pub(crate) extern "C" fn made() -> Slot<Made> {
    let made = running().map(|parents| thread::uncounted(|_| Box::new(Made::Waits(parents))));
    Slot::of(made)
}

/// For a future that was never polled.
#[cold]
#[inline(never)]
pub(crate) fn forget_made(slot: &mut Slot<Made>) {
    let made = slot.take();
    thread::with(|thread| making(thread, || drop(made)));
}

impl Slot<Made> {
    /// The call is polled on this thread: begins its spans at the first poll, and enters them.
    #[cold]
    #[inline(never)]
    pub(crate) fn enter(&mut self, thread: &Thread, site: &'static CallSite, is_first: bool) {
        if is_first {
            let begun = match self.take().map(|made| *made) {
                Some(Made::Waits(parents)) => Running::begin(thread, site, Some(&parents)),
                Some(Made::Runs(running)) => Some(running),
                None => Running::begin(thread, site, None),
            };
            *self = thread::uncounted(|_| Slot::of(begun.map(|running| Box::new(Made::Runs(running)))));
        }
        match self.running() {
            Some(running) => running.enter(thread),
            None => thread.span.set(None),
        }
    }

    pub(crate) fn running(&mut self) -> Option<&mut Running> {
        match self.get() {
            Some(Made::Runs(running)) => Some(running),
            _ => None,
        }
    }

    /// Ends the call.
    #[cold]
    #[inline(never)]
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        match self.take().map(|made| *made) {
            Some(Made::Runs(running)) => thread::with(|thread| running.finish(thread, outcome)),
            Some(Made::Waits(_)) => {}
            None => forget_noted(outcome),
        }
    }
}

/// A call without spans ended: what was noted of it is not to be told of another one.
fn forget_noted(outcome: Outcome) {
    if outcome == Outcome::Error && is_on() {
        drop(take_noted());
    }
}

/// Begins the spans of a call that runs on this thread until its end.
pub(crate) fn begin(thread: &Thread, site: &'static CallSite) -> Slot<Running> {
    if !is_on() {
        return Slot::EMPTY;
    }
    let begun = Running::begin(thread, site, None);
    let mut slot = thread::uncounted(|_| Slot::of(begun.map(Box::new)));
    match slot.get() {
        Some(running) => running.enter(thread),
        // Not its caller's.
        None => thread.span.set(None),
    }
    slot
}

/// Ends such a call.
pub(crate) fn finish(slot: &mut Slot<Running>, outcome: Outcome) {
    match slot.take() {
        Some(running) => thread::with(|thread| running.finish(thread, outcome)),
        None => forget_noted(outcome),
    }
}

/// A call that has spans.
pub(crate) struct Running {
    spans: [Option<Box<dyn Span>>; MOST_MAKERS],
    /// While it runs on a thread.
    entered: [Option<Entered>; MOST_MAKERS],
    is_entered: bool,
    /// Whether anybody will see one of its spans: else nothing is read for it.
    is_recorded: bool,
    start: u64,
    /// When it left a thread last.
    stopped: Option<u64>,
    busy: u64,
    /// Bytes and allocations; none once a visit did not tell.
    memory: Option<(u64, u64)>,
    /// Nanoseconds; none once a visit could not be read.
    cpu: Option<u64>,
    /// The thread's clock and the ticks of readings on it, when the visit began.
    cpu_since: Option<(u64, u64)>,
    /// Bytes read and written; none once a visit was not read.
    io: Option<(u64, u64)>,
}

impl Running {
    /// `None` where nobody wants a span.
    pub(crate) fn begin(thread: &Thread, site: &'static CallSite, parents: Option<&Parents>) -> Option<Running> {
        // Who makes spans may ask for locals of the thread that are no more.
        if thread.is_ended() {
            return None;
        }
        let start = clock::now();
        let mut spans = [const { None }; MOST_MAKERS];
        making(thread, || {
            for (index, maker) in makers() {
                let parent = parents.and_then(|parents| parents.0[index].as_ref());
                spans[index] = caught(|| maker.begin(&Call { site, start, parent, is_root: false })).flatten();
            }
        });
        let mut begun = spans.iter().flatten().peekable();
        begun.peek()?;
        let is_recorded = begun.any(|span| span.is_recorded());
        Some(Running {
            spans,
            entered: [const { None }; MOST_MAKERS],
            is_entered: false,
            is_recorded,
            start,
            stopped: None,
            busy: 0,
            memory: Some((0, 0)),
            cpu: probe::exists(Probe::Cpu).then_some(0),
            cpu_since: None,
            io: Some((0, 0)),
        })
    }

    /// The call runs on this thread from now on.
    pub(crate) fn enter(&mut self, thread: &Thread) {
        let (spans, entered) = (&mut self.spans, &mut self.entered);
        making(thread, || {
            for (span, entered) in spans.iter_mut().zip(entered) {
                *entered = span.as_mut().and_then(|span| caught(|| span.enter()));
            }
        });
        self.is_entered = true;
        thread.span.set(Some(NonNull::from(&mut *self)));
        if self.is_recorded {
            thread.recorded.set(thread.recorded.get().wrapping_add(1));
            // Last, so that what was done here is not the call's.
            self.cpu_since = self.cpu.and_then(|_| probe::cpu(thread)).map(|cpu| (cpu, thread.probe_ticks.get()));
        }
    }

    /// Ends a visit, by `end`, which says how many ticks it took.
    pub(crate) fn stop(&mut self, thread: &Thread, visit: &Visit, end: impl FnOnce() -> u64) -> u64 {
        if !self.is_recorded {
            let ticks = end();
            self.stopped = Some(visit.start().wrapping_add(ticks));
            return ticks;
        }
        let memory = visit.allocated(thread);
        thread.read_io.set(None);
        let ticks = end();
        self.cpu = self.cpu.zip(self.used_cpu(thread)).map(|(sum, used)| sum.saturating_add(used));
        self.io = add(self.io, thread.read_io.take());
        self.memory = add(self.memory, memory);
        self.busy = self.busy.wrapping_add(ticks);
        self.stopped = Some(visit.start().wrapping_add(ticks));
        ticks
    }

    /// Nanoseconds of CPU time since it was entered, without those of readings and of spans.
    fn used_cpu(&mut self, thread: &Thread) -> Option<u64> {
        let (since, ticks) = self.cpu_since.take()?;
        let now = probe::cpu(thread)?;
        let nested = clock::nanoseconds(thread.probe_ticks.get().wrapping_sub(ticks));
        Some(now.saturating_sub(since).saturating_sub(nested).saturating_sub(probe::empty_cpu(thread)))
    }

    /// The call no longer runs on this thread.
    pub(crate) fn leave(&mut self, thread: &Thread) {
        if !std::mem::replace(&mut self.is_entered, false) {
            return;
        }
        // What ended within it has left nothing here either.
        thread.span.set(None);
        if self.is_recorded {
            thread.recorded.set(thread.recorded.get().wrapping_sub(1));
        }
        let entered = &mut self.entered;
        making(thread, || leave_all(entered));
    }

    /// Tells the spans of an attribute.
    pub(crate) fn attribute(&mut self, thread: &Thread, name: &'static str, value: Value<'_>) {
        let spans = &mut self.spans;
        making(thread, || {
            for span in recorded(spans) {
                let _ = caught(|| span.attribute(name, value));
            }
        });
    }

    /// Tells the spans of an error that is on its way. Where none is recorded it is taken all the same: it is not another call's.
    pub(crate) fn error(&mut self, thread: &Thread) {
        let Some(noted) = take_noted() else { return };
        let spans = &mut self.spans;
        making(thread, || {
            let (error_type, message) = (&*noted.error_type, noted.message.as_deref());
            for span in recorded(spans) {
                let _ = caught(|| span.error(error_type, message));
            }
            drop(noted);
        });
    }

    pub(crate) fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    pub(crate) fn finish(mut self, thread: &Thread, outcome: Outcome) {
        if outcome == Outcome::Error {
            self.error(thread);
        }
        self.leave(thread);
        let stopped = self.stopped.filter(|_| outcome != Outcome::Cancelled);
        let end = End {
            outcome,
            ticks: stopped.unwrap_or_else(clock::now).saturating_sub(self.start),
            busy_ticks: self.busy,
            allocated_bytes: self.memory.map(|(bytes, _)| bytes),
            allocations: self.memory.map(|(_, allocations)| allocations),
            #[expect(clippy::cast_precision_loss, reason = "53 bits of nanoseconds are a hundred days")]
            cpu_seconds: self.cpu.map(|nanoseconds| nanoseconds as f64 * 1e-9),
            read_bytes: self.io.map(|(read, _)| read),
            written_bytes: self.io.map(|(_, written)| written),
        };
        let spans = self.spans;
        making(thread, || {
            for span in spans.into_iter().rev().flatten() {
                let _ = caught(|| span.end(&end));
            }
        });
    }
}

fn recorded(spans: &mut [Option<Box<dyn Span>>]) -> impl Iterator<Item = &mut Box<dyn Span>> {
    spans.iter_mut().flatten().filter(|span| span.is_recorded())
}

/// What was told of all visits, where each did tell.
fn add(sum: Option<(u64, u64)>, visit: Option<(u64, u64)>) -> Option<(u64, u64)> {
    let ((one, other), (first, second)) = (sum?, visit?);
    Some((one.saturating_add(first), other.saturating_add(second)))
}

/// Does something with the call that was entered last on this thread, while nothing else was: at the beginning of its body.
pub(crate) fn annotated(thread: &Thread, with: impl FnOnce(&mut Running)) {
    if let Some(mut running) = thread.span.get() {
        // SAFETY: it is there between a call's `enter` and its `leave`, so the call has not ended. Its owner's references end within those
        // two and `stop`, none of which is on the stack while the call's body runs.
        with(unsafe { running.as_mut() });
    }
}
