//! A declared family at run time: its series, found without a lock, added under one, and never more than allowed.

use crate::metric::catalog;
use crate::metric::expiry::Expiry;
use crate::metric::label::{self, Values};
use crate::metric::{Counter, Descriptor, DurationCounter, Gauge, Histogram, Info, Kind, LabelArg, LabelOwned};
use crate::record::{dropped, isolated, shard, thread};
use crate::snapshot::{Label, Labels};
use crate::sync::{
    Acquire, AtomicPtr, AtomicU64, AtomicUsize, IS_SMALL, Mutex, OnceLock, Relaxed, Release, leak, lock, unforked,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The most series that a family holds unless set otherwise: OpenTelemetry's default for a metric's cardinality.
/// <https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits>
pub(crate) const DEFAULT_MAX_SERIES: usize = 2_000;

static MAX_SERIES: AtomicUsize = AtomicUsize::new(DEFAULT_MAX_SERIES);

/// Sets the most series that a family may hold from now on; series that exist stay. Families over closed label sets are exempt: what
/// they may hold is said in the source, and checked when compiling.
pub(crate) fn set_max_series(max: usize) {
    MAX_SERIES.store(max.max(1), Relaxed);
}

/// The most series that a family may hold.
pub(crate) fn max_series() -> usize {
    MAX_SERIES.load(Relaxed)
}

/// One label set of a family. Never freed: handles point to it, or to the cell that it numbers.
pub(crate) struct Series {
    hash: u64,
    /// The values in the order of the descriptor's labels; empty in an overflow series.
    pub(crate) labels: Box<[LabelOwned]>,
    pub(crate) overflow: bool,
    /// Which cell of every shard is this series'; unused for gauges.
    pub(crate) slot: u32,
    /// The bits of a gauge's value.
    pub(crate) gauge: AtomicU64,
}

/// A series as snapshots show it.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) labels: Labels,
    /// Here as well, so that a series whose cells are the shards' need not be visited.
    pub(crate) slot: u32,
    pub(crate) series: &'static Series,
}

/// The series of a family for a snapshot.
#[derive(Clone, Default)]
pub(crate) struct ShownSeries {
    /// In the order in which they are shown.
    pub(crate) all: Arc<[Shown]>,
    /// The places of histograms among them, in the order of their slots, which is about the one in which their cells lie in memory.
    pub(crate) by_slot: Arc<[usize]>,
}

/// The series, sorted when there are new ones and not at each snapshot.
#[derive(Default)]
struct Sorted {
    /// How many of the series that have labels are among them.
    known: usize,
    overflow: bool,
    shown: ShownSeries,
}

/// The family behind one `metric!` declaration. Made by the macro; users meet its handles.
pub struct Family {
    descriptor: &'static Descriptor,
    /// The values of each label's type, where one of them may be closed; else empty.
    values: &'static [Values],
    /// An open-addressing table, replaced by a larger one when it is half full. Readers may still walk an old one, so
    /// old ones are kept: together they are smaller than the newest.
    table: AtomicPtr<Slots>,
    outgrown: Mutex<Vec<&'static Slots>>,
    series: Mutex<Vec<&'static Series>>,
    overflow: AtomicPtr<Series>,
    shown: Mutex<Option<Sorted>>,
    capped: AtomicU64,
    /// Who keeps the series, where the program has this declaration twice and this is not the first of them.
    first: OnceLock<Option<&'static Family>>,
    /// The descriptor with the prefix of its package, once that was asked for.
    pub(crate) prefixed: OnceLock<&'static Descriptor>,
    cut: AtomicU64,
    /// What is known of its series' ages, where they expire.
    expiry: Expiry,
}

/// 8: a family rarely has fewer than four series, and the tables double.
const SMALLEST: usize = if IS_SMALL { 2 } else { 8 };

impl Sorted {
    fn add(&mut self, new: Vec<&'static Series>, descriptor: &'static Descriptor) {
        let mut new: Vec<_> = new.into_iter().map(|series| (labels_of(series, descriptor.labels), series)).collect();
        new.sort_by(|a, b| a.0.cmp(&b.0));
        let (labels, series): (Vec<_>, Vec<_>) = new.into_iter().unzip();
        let new = Labels::kept(labels.into_iter()).zip(series);
        let new = new.map(|(labels, series)| Shown { labels, slot: series.slot, series });
        let mut all: Vec<Shown> = self.shown.all.iter().cloned().chain(new).collect();
        // Two sorted runs: merged in one pass.
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        // A value that is a number once and the same digits as a text another time is one label to whoever scrapes it.
        all.dedup_by(|later, earlier| {
            let twice = later.labels == earlier.labels;
            if twice {
                std::mem::swap(later, earlier);
                dropped::observation();
            }
            twice
        });
        let mut by_slot = Vec::new();
        if descriptor.kind == Kind::Histogram {
            by_slot.extend(0..all.len());
            by_slot.sort_by_key(|&place| all.get(place).map(|shown| shown.slot));
        }
        self.shown = ShownSeries { all: all.into(), by_slot: by_slot.into() };
    }
}

fn labels_of(series: &Series, names: &'static [&'static str]) -> Vec<Label> {
    if series.overflow {
        // The name is OpenTelemetry's attribute for it, as Prometheus would write it.
        return vec![("otel_metric_overflow".into(), "true".into())];
    }
    let pairs = names.iter().zip(&series.labels);
    pairs.map(|(&name, value)| (name.into(), value.to_string().into())).collect()
}

struct Slots {
    slots: Box<[AtomicPtr<Series>]>,
}

impl Slots {
    fn leak(capacity: usize) -> &'static Slots {
        let slots = (0..capacity).map(|_| AtomicPtr::default()).collect();
        leak(Slots { slots })
    }

    /// Where a hash's search begins, and which place comes after one.
    fn start(&self, hash: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "masked to the table's size")]
        let index = hash as usize;
        index & (self.slots.len() - 1)
    }

    fn after(&self, index: usize) -> usize {
        (index + 1) & (self.slots.len() - 1)
    }

    #[inline(always)]
    fn find(&self, hash: u64, labels: &[LabelArg<'_>]) -> Option<&'static Series> {
        let mut index = self.start(hash);
        while let Some(series) = self.get(index) {
            if series.hash == hash && matches(labels, &series.labels) {
                return Some(series);
            }
            index = self.after(index);
        }
        None
    }

    /// The series of closed values, where it is the first that a search meets: always, where all combinations have one.
    #[inline(always)]
    fn at(&self, place: u64) -> Option<&'static Series> {
        self.get(self.start(place)).filter(|series| series.hash == place)
    }

    #[inline(always)]
    fn get(&self, index: usize) -> Option<&'static Series> {
        // SAFETY: what is in a slot is a leaked series, published with release.
        unsafe { self.slots[index].load(Acquire).as_ref() }
    }

    fn insert(&self, series: &'static Series) {
        let mut index = self.start(series.hash);
        while !self.slots[index].load(Relaxed).is_null() {
            index = self.after(index);
        }
        self.slots[index].store(std::ptr::from_ref(series).cast_mut(), Release);
    }
}

#[inline(always)]
fn matches(labels: &[LabelArg<'_>], kept: &[LabelOwned]) -> bool {
    labels.len() == kept.len() && labels.iter().zip(kept).all(|(label, kept)| label.equals(kept))
}

/// Values that are all closed are searched by their place among the combinations, of which there are not too many (`combinations`), and others
/// by a hash. In a family it is always the one or always the other: of which type its labels are is fixed by the declaration.
#[inline]
fn hash_of(labels: &[LabelArg<'_>]) -> u64 {
    place_of(labels).unwrap_or_else(|| hash_of_values(labels))
}

#[inline(always)]
fn hash_of_values(labels: &[LabelArg<'_>]) -> u64 {
    labels.iter().fold(1, |seed, label| label.hash(seed))
}

/// The place of closed values among all combinations.
#[inline(always)]
fn place_of(labels: &[LabelArg<'_>]) -> Option<u64> {
    labels.iter().try_fold(0u64, |place, label| match label {
        LabelArg::Closed { index, values } => {
            Some(place.wrapping_mul(values.len() as u64).wrapping_add(u64::from(*index)))
        }
        _ => None,
    })
}

impl Family {
    /// A family without series.
    #[must_use]
    pub const fn new(descriptor: &'static Descriptor) -> Family {
        Family {
            descriptor,
            values: &[],
            table: AtomicPtr::new(std::ptr::null_mut()),
            outgrown: Mutex::new(Vec::new()),
            series: Mutex::new(Vec::new()),
            overflow: AtomicPtr::new(std::ptr::null_mut()),
            shown: Mutex::new(None),
            capped: AtomicU64::new(0),
            first: OnceLock::new(),
            prefixed: OnceLock::new(),
            cut: AtomicU64::new(0),
            expiry: Expiry::never(),
        }
    }

    /// The family with series that vanish once they have not changed for so long.
    #[must_use]
    pub const fn expiring(mut self, after: Duration) -> Family {
        self.expiry.after = after;
        self
    }

    /// What is known of its series' ages, where they expire.
    pub(crate) fn expiry(&self) -> Option<&Expiry> {
        self.expiry.is_on().then_some(&self.expiry)
    }

    /// The family with the values of its labels' types, in the order of the labels.
    #[must_use]
    pub const fn over(mut self, values: &'static [Values]) -> Family {
        self.values = values;
        self
    }

    /// What was declared.
    #[must_use]
    pub fn descriptor(&self) -> &'static Descriptor {
        self.descriptor
    }

    /// The counter with these label values, made at zero where it is new.
    #[inline]
    #[must_use]
    pub fn counter(&self, labels: &[LabelArg<'_>]) -> Counter {
        Counter::new(self.series(labels).slot)
    }

    /// The counter of time with these label values, made at zero where it is new.
    #[inline]
    #[must_use]
    pub fn duration_counter(&self, labels: &[LabelArg<'_>]) -> DurationCounter {
        DurationCounter::new(self.series(labels).slot)
    }

    /// The gauge with these label values, made at zero where it is new.
    #[inline]
    #[must_use]
    pub fn gauge(&self, labels: &[LabelArg<'_>]) -> Gauge {
        Gauge::new(self.series(labels))
    }

    /// The histogram with these label values, made empty where it is new.
    #[inline]
    #[must_use]
    pub fn histogram(&self, labels: &[LabelArg<'_>]) -> Histogram {
        Histogram::new(self.series(labels).slot, self.descriptor.bounds)
    }

    /// Makes the series with these label values; its value is 1.
    #[inline]
    pub fn info(&self, labels: &[LabelArg<'_>]) -> Info {
        self.series(labels);
        Info
    }

    /// Closed values are found in the caller, in a few steps; there the compiler knows which they are.
    #[inline]
    fn series(&self, labels: &[LabelArg<'_>]) -> &'static Series {
        // SAFETY: a table is leaked before it is published.
        let table = || unsafe { self.table.load(Acquire).as_ref() };
        let series = match place_of(labels) {
            Some(place) => {
                table().and_then(|table| table.at(place)).unwrap_or_else(|| self.search_place(place, labels))
            }
            None => self.search_values(labels),
        };
        if isolated::is_any() {
            self.ask_for(series);
        }
        series
    }

    /// In a scope a series exists from here on.
    #[cold]
    #[inline(never)]
    fn ask_for(&self, series: &'static Series) {
        if let Some(scope) = isolated::current() {
            scope.series(series, self.first_bits());
        }
    }

    /// A gauge begins at 0; an info is 1.
    fn first_bits(&self) -> u64 {
        let first: f64 = if self.descriptor.kind == Kind::Info { 1.0 } else { 0.0 };
        first.to_bits()
    }

    #[cold]
    #[inline(never)]
    fn search_place(&self, place: u64, labels: &[LabelArg<'_>]) -> &'static Series {
        self.search(place, labels)
    }

    #[inline(never)]
    fn search_values(&self, labels: &[LabelArg<'_>]) -> &'static Series {
        self.search(hash_of_values(labels), labels)
    }

    #[inline(always)]
    fn search(&self, hash: u64, labels: &[LabelArg<'_>]) -> &'static Series {
        let table = self.table.load(Acquire);
        if !table.is_null() {
            // SAFETY: a table is leaked before it is published.
            if let Some(series) = unsafe { &*table }.find(hash, labels) {
                return series;
            }
        }
        self.add(hash, labels)
    }

    /// The series if it exists. Reading does not create.
    pub(crate) fn existing(&self, labels: &[LabelArg<'_>]) -> Option<&'static Series> {
        let table = self.table.load(Acquire);
        // SAFETY: a table is leaked before it is published.
        (!table.is_null()).then(|| unsafe { &*table }.find(hash_of(labels), labels))?
    }

    #[cold]
    fn add(&self, hash: u64, labels: &[LabelArg<'_>]) -> &'static Series {
        thread::uncounted(|_| {
            if labels.iter().any(LabelArg::is_too_long) {
                self.cut.fetch_add(1, Relaxed);
                return self.cut_series(labels);
            }
            self.add_uncounted(hash, labels)
        })
    }

    /// The series whose values are those given, cut to the length that is kept. A value that is too long is never in the table, so each
    /// lookup of it comes here; the usual lookup pays nothing for that.
    fn cut_series(&self, labels: &[LabelArg<'_>]) -> &'static Series {
        let texts: Vec<String> = labels
            .iter()
            .map(|label| if let LabelArg::Str(value) = label { label::cut(value) } else { String::new() })
            .collect();
        let cut: Vec<LabelArg<'_>> = labels
            .iter()
            .zip(&texts)
            .map(|(label, text)| if let LabelArg::Str(_) = label { LabelArg::Str(text) } else { *label })
            .collect();
        self.search(hash_of(&cut), &cut)
    }

    fn add_uncounted(&self, hash: u64, labels: &[LabelArg<'_>]) -> &'static Series {
        // A child of a fork would wait for a first use that another thread was in the middle of.
        let first = self.first.get().copied();
        let first = first.unwrap_or_else(|| unforked(|| *self.first.get_or_init(|| catalog::first_of(self))));
        let shared = first.map(|first| first.series(labels));
        let mut all = lock(&self.series);
        if let Some(series) = self.existing(labels) {
            return series; // another thread was faster
        }
        if let Some(series) = shared {
            // Kept here as well, so that the next lookup finds it at once. The overflow series has no labels to be found by.
            if !series.overflow {
                all.push(series);
                self.publish(series, &all);
            }
            return series;
        }
        if !self.has_room(all.len()) && self.closed().is_none() {
            self.capped.fetch_add(1, Relaxed);
            return self.overflow_series();
        }
        let series = self.leak_series(hash, labels, false);
        all.push(series);
        self.publish(series, &all);
        series
    }

    /// Whether there may be one series more.
    fn has_room(&self, series: usize) -> bool {
        let max = max_series();
        self.expiry().map_or(series < max, |expiry| expiry.has_room(series, max))
    }

    fn publish(&self, series: &'static Series, all: &[&'static Series]) {
        let table = self.table.load(Relaxed);
        // SAFETY: a table is leaked before it is published; the family's lock is held, so nobody else replaces it.
        let table: Option<&'static Slots> = unsafe { table.as_ref() };
        if let Some(table) = table.filter(|table| all.len() * 2 <= table.slots.len()) {
            table.insert(series);
        } else {
            lock(&self.outgrown).extend(table);
            let larger = Slots::leak((all.len() * 4).next_power_of_two().max(SMALLEST));
            for &series in all {
                larger.insert(series);
            }
            self.table.store(std::ptr::from_ref(larger).cast_mut(), Release);
        }
    }

    fn overflow_series(&self) -> &'static Series {
        let series = self.overflow.load(Relaxed);
        if !series.is_null() {
            // SAFETY: leaked below, and never changed again.
            return unsafe { &*series };
        }
        let series = self.leak_series(0, &[], true);
        self.overflow.store(std::ptr::from_ref(series).cast_mut(), Release);
        series
    }

    fn leak_series(&self, hash: u64, labels: &[LabelArg<'_>], overflow: bool) -> &'static Series {
        let slot = match self.descriptor.kind {
            Kind::Counter => shard::new_counter_slot(),
            Kind::Histogram => shard::new_histogram_slot(),
            _ => 0,
        };
        let labels = labels.iter().map(|label| label.keep()).collect();
        let gauge = AtomicU64::new(self.first_bits());
        leak(Series { hash, labels, overflow, slot, gauge })
    }

    /// The values of each label, where all are closed; no values where there are no labels.
    fn closed(&self) -> Option<Vec<&'static [&'static str]>> {
        if self.descriptor.labels.is_empty() {
            return Some(Vec::new());
        }
        let closed: Vec<_> = self.values.iter().copied().collect::<Option<_>>()?;
        (closed.len() == self.descriptor.labels.len()).then_some(closed)
    }

    /// Makes the series that are known before their first use, so that they exist at zero: the one of a family without labels, and of
    /// counters and histograms each one over a closed label set. A zero that nobody set would be a wrong value of a gauge, and an info
    /// that nobody gave a wrong statement.
    pub(crate) fn start_at_zero(&self) {
        let starts = match self.descriptor.kind {
            Kind::Counter | Kind::Histogram => true,
            Kind::Gauge => self.descriptor.labels.is_empty(),
            _ => false,
        };
        if let Some(closed) = starts.then(|| self.closed()).flatten() {
            self.start_each(&closed, &mut Vec::with_capacity(closed.len()));
        }
    }

    /// Makes a series for each combination of the values that are left with those chosen.
    fn start_each(&self, left: &[&'static [&'static str]], chosen: &mut Vec<LabelArg<'static>>) {
        let Some((&values, left)) = left.split_first() else {
            self.series(chosen);
            return;
        };
        for index in 0..u32::try_from(values.len()).unwrap_or(u32::MAX) {
            chosen.push(LabelArg::Closed { index, values });
            self.start_each(left, chosen);
            chosen.pop();
        }
    }

    /// Every series, sorted by the labels' values.
    pub(crate) fn shown_series(&self) -> Option<ShownSeries> {
        // SAFETY: null, or a leaked series that was published with release by `overflow_series`.
        let overflow: Option<&'static Series> = unsafe { self.overflow.load(Acquire).as_ref() };
        if overflow.is_none() && self.table.load(Acquire).is_null() {
            return None;
        }
        let mut shown = lock(&self.shown);
        let sorted = shown.get_or_insert_default();
        // Copied, so that a call that makes a series does not wait for the sorting.
        let mut new = lock(&self.series).get(sorted.known..).unwrap_or_default().to_vec();
        sorted.known += new.len();
        new.extend(overflow.filter(|_| !sorted.overflow));
        sorted.overflow = overflow.is_some();
        if !new.is_empty() {
            thread::uncounted(|_| sorted.add(new, self.descriptor));
        }
        Some(sorted.shown.clone())
    }

    /// How many lookups ended in the overflow series because the family was full.
    pub(crate) fn capped(&self) -> u64 {
        self.capped.load(Relaxed)
    }

    /// How many lookups had a label value that was cut.
    pub(crate) fn cut(&self) -> u64 {
        self.cut.load(Relaxed)
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family").field("name", &self.descriptor.name).finish_non_exhaustive()
    }
}

/// A link-time entry: how `init` finds each declared family of each linked crate without a call.
pub struct Registration(pub &'static Family);

inventory::collect!(Registration);

/// Every declaration that is linked into the program, in no particular order.
pub(crate) fn registered() -> impl Iterator<Item = &'static Family> {
    inventory::iter::<Registration>.into_iter().map(|registration| registration.0)
}
