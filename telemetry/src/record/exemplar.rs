//! Exemplars: some of the observed values, each with the trace within which it was observed.
//!
//! Until somebody says where traces come from, nothing here runs: measured calls look at one flag that they look at anyway, an observation at one
//! more. From then on each end of a call asks whether its octave, and each observation whether its bucket, has had an exemplar lately; who finds that it has not
//! asks for the trace. What is kept is one exemplar a bucket and thread, of which a snapshot takes the newest.

use crate::record::outcome::Outcome;
use crate::record::shard::{self, SiteCell};
use crate::record::{clock, exponential, thread};
use crate::sync::{Acquire, AtomicU64, Mutex, Relaxed, Release, lock, try_lock};
use std::fmt;
// A source is rarely set: nothing for a model checker.
use std::sync::atomic::{AtomicBool, AtomicPtr};
use std::time::SystemTime;

/// How long a bucket keeps its exemplar on a thread before another takes its place, in seconds. A scraper comes every few seconds and
/// takes one: ten to choose from are enough, and asking for the trace costs next to nothing of a tenth of a second.
const KEPT_SECONDS: f64 = 0.1;

/// Which span is running, of which trace: the ids of W3C's Trace Context, <https://www.w3.org/TR/trace-context/#traceparent-header>.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SpanContext {
    /// Identifies the trace; not all zero.
    pub trace_id: [u8; 16],
    /// Identifies the span within it; not all zero.
    pub span_id: [u8; 8],
}

impl fmt::Debug for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanContext({}-{})", Hex(&self.trace_id), Hex(&self.span_id))
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Tells the span that is running on this thread, where it is part of a trace that somebody will be able to look up.
type Source = fn() -> Option<SpanContext>;

static IS_ON: AtomicBool = AtomicBool::new(false);
/// Null, or a leaked source.
static SOURCE: AtomicPtr<Source> = AtomicPtr::new(std::ptr::null_mut());

/// Says where traces come from: from now on, durations of measured functions and values of histograms have exemplars, in the formats that can
/// show them (OpenMetrics, protobuf). A later source takes the place of an earlier one.
///
/// `source` is called where a call ends or a value is observed, on that thread, at most ten times a second for each thread, series and bucket; more often
/// only where it answers `None`, which is for a thread on which no span runs, or one that is not sampled. It should be quick, and must not
/// observe anything itself.
///
/// ```
/// use telemetry::exemplar::{self, SpanContext};
///
/// fn running_span() -> Option<SpanContext> {
///     Some(SpanContext { trace_id: *b"0123456789abcdef", span_id: *b"01234567" }) // ask your tracer
/// }
///
/// exemplar::set_source(running_span);
/// telemetry::metric! { /** Size of a page. */ histogram shown_page_records() [10, 100]; }
/// shown_page_records().observe(7.0);
/// # if telemetry::__private::RECORDS {
/// let snapshot = telemetry::snapshot();
/// let series = snapshot.series("shown_page_records", &[]).unwrap();
/// let telemetry::snapshot::Value::Histogram(histogram) = &series.value else { unreachable!() };
/// assert_eq!(histogram.exemplars[0].value, 7.0);
/// assert_eq!(&*histogram.exemplars[0].labels[1].1, "3031323334353637");
/// # }
/// ```
pub fn set_source(source: fn() -> Option<SpanContext>) {
    // Not freed: a thread may be calling it.
    let source = thread::uncounted(|_| Box::into_raw(Box::new(source)));
    SOURCE.store(source, Release);
    clock::clock();
    IS_ON.store(true, Relaxed);
    clock::choose_way();
}

/// Whether there is a source.
#[inline]
pub(crate) fn is_on() -> bool {
    IS_ON.load(Relaxed)
}

fn span() -> Option<SpanContext> {
    // SAFETY: null, or a leaked source.
    unsafe { SOURCE.load(Acquire).as_ref() }.and_then(|source| source())
}

/// One observation that led somewhere.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// An octave, or a bucket.
    bucket: usize,
    pub(crate) value: f64,
    pub(crate) at: SystemTime,
    pub(crate) span: SpanContext,
}

/// The exemplars of one series on one thread.
pub(crate) struct Kept {
    /// By bucket: when the last one was taken, in ticks.
    taken: Box<[AtomicU64]>,
    seen: Mutex<Vec<Seen>>,
}

impl Kept {
    pub(crate) fn new(buckets: usize) -> Kept {
        Kept { taken: (0..buckets).map(|_| AtomicU64::new(0)).collect(), seen: Mutex::new(Vec::new()) }
    }

    /// Keeps a value, where its bucket has had none lately and a trace is running.
    fn offer(&self, bucket: usize, value: f64) {
        let Some(taken) = self.taken.get(bucket) else { return };
        let (last, now) = (taken.load(Relaxed), clock::now());
        if last != 0 && clock::seconds(now.saturating_sub(last)) < KEPT_SECONDS {
            return;
        }
        let Some(span) = span() else { return };
        taken.store(now.max(1), Relaxed);
        // A snapshot that is reading is not waited for.
        let Some(mut seen) = try_lock(&self.seen) else { return };
        let new = Seen { bucket, value, at: SystemTime::now(), span };
        match seen.iter_mut().find(|seen| seen.bucket == bucket) {
            Some(old) => *old = new,
            None => thread::uncounted(|_| seen.push(new)),
        }
    }

    /// Adds what is kept to what other threads kept: the newest of each bucket.
    pub(crate) fn read(&self, into: &mut Vec<Seen>) {
        merge(into, &lock(&self.seen));
    }

    pub(crate) fn reset(&self) {
        lock(&self.seen).clear();
    }
}

/// The newest of each bucket of both.
pub(crate) fn merge(mine: &mut Vec<Seen>, theirs: &[Seen]) {
    for new in theirs {
        match mine.iter_mut().find(|old| old.bucket == new.bucket) {
            Some(old) if old.at < new.at => *old = new.clone(),
            Some(_) => {}
            None => mine.push(new.clone()),
        }
    }
}

/// The octaves of durations, with what is below and above them.
const OCTAVES: usize = octave(exponential::BUCKETS - 1) + 1;

/// Bucket 0 is what is below; after it come so many an octave.
const fn octave(bucket: usize) -> usize {
    bucket.div_ceil(1 << exponential::SCALE)
}

/// A call ended whose result is counted in this cell.
pub(crate) fn call(cell: &SiteCell, outcome: Outcome, ticks: u64) {
    if cell.is_shared() {
        return; // threads that are being destroyed
    }
    let kept = cell.result(outcome).exemplars(|| Kept::new(OCTAVES));
    kept.offer(octave(exponential::bucket(clock::units(ticks))), clock::seconds(ticks));
}

/// A value was observed in a declared histogram.
#[cold]
#[inline(never)]
pub(crate) fn observation(slot: u32, bounds: &[f64], value: f64) {
    if let Some(kept) = shard::exemplars_of_histogram(slot, || Kept::new(bounds.len() + 1)) {
        kept.offer(shard::bucket_of(bounds, value), value);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    fn seen(bucket: usize, seconds: u64) -> Seen {
        let span = SpanContext { trace_id: [1; 16], span_id: [2; 8] };
        Seen { bucket, value: 1.0, at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), span }
    }

    #[test]
    fn the_newest_of_each_bucket_is_taken() {
        let mut mine = vec![seen(0, 5), seen(1, 5)];
        merge(&mut mine, &[seen(1, 4), seen(0, 6), seen(2, 1)]);
        assert_eq!(mine, [seen(0, 6), seen(1, 5), seen(2, 1)]);
    }

    #[test]
    fn an_octave_ends_at_a_power_of_two() {
        // One bucket below, four an octave from 2^-24 s to 2^17 s, one above.
        assert_eq!([0, 1, 4, 5, 164, 165].map(octave), [0, 1, 1, 2, 41, 42]);
        assert_eq!((exponential::BUCKETS, OCTAVES), (166, 43));
    }
}
