//! Spans of calls, where somebody makes them: OpenTelemetry's tracer, or a subscriber of `tracing`.
//!
//! Until a maker is added nothing here runs. From then on calls go their rare way ([`clock::choose_way`](super::clock::choose_way)) and ask every maker.
//!
//! What makers do is nobody's work: it is outside the call's own time, its caller's self time and CPU time, and its allocations are not counted
//! ([`making`]). What they call that is measured has no span. A panic of theirs costs the span, and goes no further.

mod annotate; // what `span(…)` asks for
mod note; // an error on its way to the span of the call that it ended
mod running; // a call that has spans
mod shown; // how an error is shown
mod text; // as much of it as a span takes
mod values; // what can stand on a span
mod work; // a span that is no call's

use crate::record::callsite::CallSite;
use crate::record::clock;
use crate::record::outcome::Outcome;
use crate::record::thread::{self, Thread};
use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
// Makers are added once: nothing for a model checker.
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub use annotate::annotate;
pub use note::note_output;
pub(crate) use note::{name_error, note_debug, note_display, note_type, take_noted};
pub(crate) use running::{Made, Running, Slot, annotated, begin, finish, forget_made, made};
pub use shown::{Show, Shown, ShownLess, ShownNot};
#[cfg(feature = "tracing")]
pub(crate) use text::cut;
pub(crate) use text::text;
pub use values::{Annotations, SpanValue};
pub(crate) use work::Work;

/// What runs on a thread, in the words of the maker that gave it.
pub(crate) type Parent = Arc<dyn Any + Send + Sync>;

/// Holds something as what runs on this thread, until it is dropped, on this thread.
pub(crate) type Entered = Box<dyn Any>;

/// Who makes spans of calls.
pub(crate) trait Spans: Send + Sync {
    /// What runs on this thread, for work that begins later or elsewhere.
    fn running(&self) -> Option<Parent>;

    /// Makes this what runs on this thread.
    fn resume(&self, parent: &Parent) -> Option<Entered>;

    /// A call begins, on this thread; `None` where nobody wants its span.
    fn begin(&self, call: &Call<'_>) -> Option<Box<dyn Span>>;
}

/// A call that begins.
pub(crate) struct Call<'a> {
    pub(crate) site: &'static CallSite,
    /// In ticks.
    pub(crate) start: u64,
    /// Where the call was made; else what runs on this thread is its parent.
    pub(crate) parent: Option<&'a Parent>,
    /// It has no parent, whatever runs.
    pub(crate) is_root: bool,
}

/// The span of a running call, which a thread after the other may work on.
pub(crate) trait Span: Send {
    /// Whether anybody will see it. One that nobody will see is there for what runs within it, and is told nothing.
    fn is_recorded(&self) -> bool {
        true
    }

    /// The call runs on this thread.
    fn enter(&mut self) -> Entered;

    fn attribute(&mut self, name: &'static str, value: Value<'_>);

    /// The call ends as an error, of this type; `message` where the error can be shown.
    fn error(&mut self, error_type: &str, message: Option<&str>);

    /// On whatever thread.
    fn end(self: Box<Self>, end: &End);
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
}

/// How a call ended, and what it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    /// From its start, in ticks.
    pub(crate) ticks: u64,
    /// In ticks; less than `ticks` where it waited.
    pub(crate) busy_ticks: u64,
    /// Of its callees too; `None` where nothing counts it.
    pub(crate) allocated_bytes: Option<u64>,
    pub(crate) allocations: Option<u64>,
    /// `None` where it was not read.
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) read_bytes: Option<u64>,
    pub(crate) written_bytes: Option<u64>,
}

/// OpenTelemetry, `tracing`, and one more.
const MOST_MAKERS: usize = 3;

static MAKERS: [OnceLock<&'static dyn Spans>; MOST_MAKERS] = [const { OnceLock::new() }; MOST_MAKERS];
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Adds a maker, for good; to be done once for each. Says whether there was room for it.
#[cfg(any(feature = "otel", test))]
pub(crate) fn add_maker(maker: &'static dyn Spans) -> bool {
    add_to(MAKERS.iter(), maker)
}

/// Adds one that is asked after all others, and left before them.
#[cfg(feature = "tracing")]
pub(crate) fn add_last_maker(maker: &'static dyn Spans) -> bool {
    add_to(MAKERS.iter().rev(), maker)
}

#[cfg(any(feature = "otel", feature = "tracing", test))]
fn add_to(mut places: impl Iterator<Item = &'static OnceLock<&'static dyn Spans>>, maker: &'static dyn Spans) -> bool {
    let is_added = places.any(|place| place.set(maker).is_ok());
    clock::clock();
    IS_ON.store(true, Relaxed);
    clock::choose_way();
    is_added
}

/// Whether there can be a maker: they come with features, and without those measured functions have no code for spans.
pub(crate) const MAY_BE: bool = cfg!(any(feature = "otel", feature = "tracing", test));

/// Whether there is a maker.
#[inline]
pub(crate) fn is_on() -> bool {
    MAY_BE && IS_ON.load(Relaxed)
}

pub(crate) fn makers() -> impl Iterator<Item = (usize, &'static dyn Spans)> {
    MAKERS.iter().enumerate().filter_map(|(index, maker)| Some((index, *maker.get()?)))
}

/// The most of a maker's work that is taken off the CPU time of who runs meanwhile, in seconds: a span takes some 2 µs, and who takes far longer
/// waits, which is no CPU time.
const MOST_CPU: f64 = 20e-6;

/// Lets one maker work: its panic costs what it was to make, and nothing of the others'. What it panicked with is not dropped, which might panic again.
fn caught<R>(work: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(work)).map_err(mem::forget).ok()
}

/// Leaves what was entered, the last one first, as they would be by themselves.
fn leave_all(entered: &mut [Option<Entered>]) {
    for entered in entered.iter_mut().rev().filter_map(Option::take) {
        let _ = caught(|| drop(entered));
    }
}

/// Lets makers work. `None` where one of them is at work on this thread already, or panicked.
pub(crate) fn making<R>(thread: &Thread, work: impl FnOnce() -> R) -> Option<R> {
    if thread.makes_spans.replace(true) {
        return None;
    }
    let since = clock::now();
    let made = thread::uncounted(|_| caught(work));
    let ticks = clock::now().saturating_sub(since);
    thread.makes_spans.set(false);
    thread.callee_ticks.set(thread.callee_ticks.get().wrapping_add(ticks));
    thread.probe_ticks.set(thread.probe_ticks.get().wrapping_add(ticks.min(clock::ticks(MOST_CPU))));
    made
}

/// What runs on a thread, in the words of each maker.
pub(crate) struct Parents([Option<Parent>; MOST_MAKERS]);

/// What runs on this thread; `None` where nothing does.
pub(crate) fn running() -> Option<Parents> {
    let mut parents = Parents([const { None }; MOST_MAKERS]);
    let all = &mut parents.0;
    let ask = || makers().for_each(|(index, maker)| all[index] = caught(|| maker.running()).flatten());
    thread::with(|thread| making(thread, ask))?;
    parents.0.iter().any(Option::is_some).then_some(parents)
}

/// Holds what was handed over as what runs on this thread.
pub(crate) struct Resumed([Option<Entered>; MOST_MAKERS]);

impl Parents {
    /// Makes this what runs on this thread, until what is returned is dropped.
    pub(crate) fn resume(&self) -> Resumed {
        let mut resumed = Resumed([const { None }; MOST_MAKERS]);
        let all = &mut resumed.0;
        let resume = || {
            for (index, maker) in makers() {
                all[index] = self.0[index].as_ref().and_then(|parent| caught(|| maker.resume(parent)).flatten());
            }
        };
        thread::with(|thread| making(thread, resume));
        resumed
    }
}

impl Drop for Parents {
    /// The last who holds a span closes it, of which a subscriber is told.
    fn drop(&mut self) {
        let parents = &mut self.0;
        thread::with(|thread| {
            making(thread, || {
                for parent in parents.iter_mut().filter_map(Option::take) {
                    let _ = caught(|| drop(parent));
                }
            })
        });
    }
}

impl Drop for Resumed {
    fn drop(&mut self) {
        thread::with(|thread| making(thread, || leave_all(&mut self.0)));
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
