//! Values of metrics on their way: what the program calls, and what is thinned.
//!
//! A call finds its series by name and context under one of [`PLACES`] locks, which nobody holds for long, and leaves its value there or does not. Of each series all of the first [`WHOLE`] values are
//! kept, and then [`OCTAVE`] of each doubling, evenly: after ten million values some 14,000, about the 15,000 that Comet shows. The least, the greatest and the last value
//! are told at the end, if they were not. Memory is bounded by the number of series ([`limits::NAMES`]) and by what waits ([`MOST_WAITING`]).

use super::limits::{self, NAMES};
use super::message::MetricValue;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// More threads than log at once.
const PLACES: usize = 16;
/// So many values of a series are all kept.
const WHOLE: u64 = 10_000;
/// And so many of each doubling after that.
const OCTAVE: u64 = 400;
/// Values that may wait to be told, of all series: 40 bytes each.
const MOST_WAITING: usize = 200_000;
/// No step, no epoch: a float would not tell it from its neighbours either.
pub(super) const NONE: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    value: f64,
    step: u64,
    epoch: u64,
    at: u64,
}

struct Series {
    name: Arc<str>,
    context: Option<Arc<str>>,
    /// Values so far.
    seen: u64,
    /// The value after so many is kept.
    next: u64,
    pending: Vec<Point>,
    /// Of those that were not kept.
    last: Option<Point>,
    /// Of all; and whether it was kept.
    least: Option<(Point, bool)>,
    greatest: Option<(Point, bool)>,
}

#[derive(Default)]
struct Place {
    /// By hash, since the name and the context are looked up without being owned; few share one.
    series: HashMap<u64, Vec<Series>, BuildHasherDefault<AsItIs>>,
}

/// The metrics of a run.
pub(super) struct Metrics {
    places: [Mutex<Place>; PLACES],
    /// Values that wait.
    pending: AtomicUsize,
    names: AtomicUsize,
    pub(super) logged: AtomicU64,
    pub(super) thinned: AtomicU64,
    /// For names beyond [`NAMES`].
    pub(super) dropped: AtomicU64,
}

/// A value as it is logged.
pub(super) struct Logged<'a> {
    pub(super) name: &'a str,
    pub(super) context: Option<&'a Arc<str>>,
    pub(super) value: f64,
    pub(super) step: u64,
    pub(super) epoch: u64,
    pub(super) at: u64,
}

impl Metrics {
    pub(super) fn new() -> Metrics {
        Metrics {
            places: std::array::from_fn(|_| Mutex::default()),
            pending: AtomicUsize::new(0),
            names: AtomicUsize::new(0),
            logged: AtomicU64::new(0),
            thinned: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Takes a value. Whether as many wait now as make a request.
    pub(super) fn log(&self, logged: &Logged<'_>) -> bool {
        let hash = hash(logged.name, logged.context.map_or("", |context| context));
        let point = Point { value: logged.value, step: logged.step, epoch: logged.epoch, at: logged.at };
        // The upper bits, since a map takes the lower ones.
        let mut place = lock(&self.places[(hash >> 60) as usize % PLACES]);
        let same = place.series.entry(hash).or_default();
        let found = same.iter_mut().find(|series| {
            *series.name == *logged.name && series.context.as_deref() == logged.context.map(|context| &**context)
        });
        let series = match found {
            Some(series) => series,
            None => match self.begin(same, logged) {
                Some(series) => series,
                None => return false,
            },
        };
        let has_room = self.pending.load(Relaxed) < MOST_WAITING;
        let is_kept = series.take(point, has_room);
        // Under the lock: whoever takes it counts it down.
        let is_full = is_kept && self.pending.fetch_add(1, Relaxed) + 1 == limits::BATCH;
        drop(place);
        self.logged.fetch_add(1, Relaxed);
        if !is_kept {
            self.thinned.fetch_add(1, Relaxed);
        }
        is_full
    }

    #[cold]
    fn begin<'a>(&self, same: &'a mut Vec<Series>, logged: &Logged<'_>) -> Option<&'a mut Series> {
        if self.names.load(Relaxed) >= NAMES {
            self.dropped.fetch_add(1, Relaxed);
            return None;
        }
        self.names.fetch_add(1, Relaxed);
        same.push(Series {
            name: logged.name.into(),
            context: logged.context.cloned(),
            seen: 0,
            next: 0,
            pending: Vec::new(),
            last: None,
            least: None,
            greatest: None,
        });
        same.last_mut()
    }

    pub(super) fn pending(&self) -> usize {
        self.pending.load(Relaxed)
    }

    /// What is to be told now, in the order of time: at most so many, the oldest first. What is beyond `backlog` is thinned to half of it, evenly; at the end nothing is left, and
    /// of what does not fit evenly chosen values and the extremes are told.
    pub(super) fn take(&self, most: usize, backlog: usize, is_end: bool) -> Vec<MetricValue> {
        let waiting = self.pending();
        let mut taken = Vec::with_capacity(waiting.min(most));
        let thins = is_end || waiting > most.saturating_add(backlog);
        // As many of each series as it has part in what waits.
        let share = |before: usize, of: usize| if waiting <= of { before } else { (before * of).div_ceil(waiting) };
        for place in &self.places {
            let mut place = lock(place);
            for series in place.series.values_mut().flatten() {
                let before = series.pending.len();
                let mut told = share(before, most);
                if thins {
                    let kept = if is_end { told.max(1) } else { share(before, most.saturating_add(backlog / 2)) };
                    self.thinned.fetch_add(series.thin(kept), Relaxed);
                    told = if is_end { before } else { told };
                }
                let told = series.pending.drain(..told.min(series.pending.len()));
                taken.extend(told.map(|point| point.of(&series.name, series.context.as_ref())));
                self.pending.fetch_sub(before - series.pending.len(), Relaxed);
                if is_end {
                    taken.extend(series.finish().map(|point| point.of(&series.name, series.context.as_ref())));
                }
            }
        }
        // A stable sort: values of one millisecond stay in the order in which they came.
        taken.sort_by_key(|value| value.at);
        taken
    }
}

impl Series {
    /// Whether it is kept.
    fn take(&mut self, point: Point, has_room: bool) -> bool {
        let is_kept = self.seen == self.next && has_room;
        if self.seen == self.next {
            self.next += stride(self.seen);
        }
        self.seen += 1;
        // Not a number is no extreme.
        if self.least.is_none_or(|(least, _)| point.value < least.value) && !point.value.is_nan() {
            self.least = Some((point, is_kept));
        }
        if self.greatest.is_none_or(|(greatest, _)| point.value > greatest.value) && !point.value.is_nan() {
            self.greatest = Some((point, is_kept));
        }
        if is_kept {
            self.last = None;
            self.pending.push(point);
        } else {
            self.last = Some(point);
        }
        is_kept
    }

    /// Leaves so many of what waits, evenly, with the last; how many are gone.
    fn thin(&mut self, to: usize) -> u64 {
        let from = self.pending.len();
        if to >= from {
            return 0;
        }
        let to = to.max(1);
        // The last one of each of `to` equal parts.
        let kept: Vec<Point> = (1..=to).map(|part| self.pending[part * from / to - 1]).collect();
        let is_there =
            |point: Point| kept.iter().any(|kept| kept.at == point.at && kept.value.to_bits() == point.value.to_bits());
        for extreme in [&mut self.least, &mut self.greatest] {
            // Those of earlier lots have been told, unless they were not kept then.
            if let Some((point, is_kept)) = extreme
                && *is_kept
                && self.pending.contains(point)
            {
                *is_kept = is_there(*point);
            }
        }
        self.pending = kept;
        (from - self.pending.len()) as u64
    }

    /// What is told at the end besides, by time.
    fn finish(&mut self) -> impl Iterator<Item = Point> + use<> {
        let mut left: Vec<Point> = Vec::new();
        for extreme in [self.least.take(), self.greatest.take()] {
            left.extend(extreme.filter(|(_, is_kept)| !is_kept).map(|(point, _)| point));
        }
        left.extend(self.last.take());
        left.dedup();
        if left.len() == 3 && left[0] == left[2] {
            left.pop();
        }
        left.into_iter()
    }
}

/// Every so many values one is kept, after so many.
fn stride(seen: u64) -> u64 {
    // 40 doublings are more than anybody logs.
    if seen < WHOLE - 1 { 1 } else { (WHOLE / OCTAVE) << ((seen + 1) / WHOLE).ilog2().min(40) }
}

impl Point {
    fn of(self, name: &Arc<str>, context: Option<&Arc<str>>) -> MetricValue {
        let some = |number: u64| Some(number).filter(|number| *number != NONE);
        MetricValue {
            name: Arc::clone(name),
            context: context.cloned(),
            value: self.value,
            step: some(self.step),
            epoch: some(self.epoch),
            at: self.at,
        }
    }
}

fn lock(place: &Mutex<Place>) -> MutexGuard<'_, Place> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

/// FNV-1a over words of eight bytes: names are the program's own, so nobody makes them collide on purpose. <http://www.isthe.com/chongo/tech/comp/fnv/>
fn hash(name: &str, context: &str) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for text in [name, context] {
        let mut words = text.as_bytes().chunks_exact(8);
        for word in &mut words {
            let word = word.try_into().map_or(0, u64::from_le_bytes);
            hash = (hash ^ word).wrapping_mul(PRIME).rotate_left(29);
        }
        for byte in words.remainder() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
        hash = (hash ^ text.len() as u64).wrapping_mul(PRIME);
    }
    // The last bytes reach all bits.
    hash ^= hash >> 32;
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The key is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(metrics: &Metrics, name: &str, value: f64, at: u64) {
        metrics.log(&Logged { name, context: None, value, step: at, epoch: NONE, at });
    }

    fn drain(metrics: &Metrics, is_end: bool) -> Vec<f64> {
        metrics.take(usize::MAX, 0, is_end).into_iter().map(|value| value.value).collect()
    }

    #[test]
    fn the_first_values_are_all_there_and_then_as_many_of_each_doubling() {
        let metrics = Metrics::new();
        let mut kept = Vec::new();
        for number in 0..WHOLE * 8 {
            log(&metrics, "loss", number as f64, number);
            if number % 1_000 == 0 {
                kept.extend(drain(&metrics, false));
            }
        }
        kept.extend(drain(&metrics, true));
        assert!(kept[..WHOLE as usize].iter().enumerate().all(|(place, value)| *value == place as f64));
        for octave in 0..3 {
            let range = (WHOLE << octave) as f64..(WHOLE << (octave + 1)) as f64;
            let there = kept.iter().filter(|value| range.contains(value)).count();
            assert!((OCTAVE as usize - 1..=OCTAVE as usize + 2).contains(&there), "{there} in {range:?}");
        }
        assert_eq!(kept.last(), Some(&((WHOLE * 8 - 1) as f64)), "the last one");
        assert_eq!(metrics.logged.load(Relaxed), WHOLE * 8);
        assert_eq!(metrics.pending(), 0);
    }

    #[test]
    fn the_least_and_the_greatest_are_told_although_they_were_thinned() {
        let metrics = Metrics::new();
        for number in 0..WHOLE * 4 {
            let value = match number {
                number if number == WHOLE + 7 => -1.0,
                number if number == WHOLE * 2 + 9 => 2.0,
                _ => 0.5,
            };
            log(&metrics, "loss", value, number);
        }
        let all = drain(&metrics, true);
        assert_eq!(all.iter().filter(|value| **value == -1.0).count(), 1);
        assert_eq!(all.iter().filter(|value| **value == 2.0).count(), 1);
    }

    #[test]
    fn what_is_beyond_the_rate_waits_and_what_is_beyond_the_backlog_is_thinned_evenly() {
        let metrics = Metrics::new();
        for number in 0..3_000 {
            log(&metrics, "a", f64::from(number), number as u64);
        }
        for number in 0..1_000 {
            log(&metrics, "b", f64::from(number), number as u64);
        }
        let first = metrics.take(400, 10_000, false);
        assert_eq!(first.iter().filter(|value| &*value.name == "a").count(), 300);
        assert_eq!(first.len(), 400);
        assert_eq!(
            first.iter().find(|value| &*value.name == "a").map(|value| value.value),
            Some(0.0),
            "the oldest first"
        );
        assert_eq!(metrics.pending(), 3_600);
        let second = metrics.take(400, 100, false);
        assert_eq!(second.len(), 400);
        assert!((50..=52).contains(&metrics.pending()), "{}", metrics.pending());
        let mut of_a: Vec<f64> = second.iter().filter(|value| &*value.name == "a").map(|value| value.value).collect();
        let gap = of_a.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        assert!((7.0..=10.0).contains(&gap), "evenly: {gap}");
        let nothing = metrics.take(0, 100, false);
        assert!(nothing.is_empty() && metrics.pending() >= 50, "who may not be told yet waits");
        let end = metrics.take(400, 100, true);
        of_a.extend(end.iter().filter(|value| &*value.name == "a").map(|value| value.value));
        assert_eq!((of_a.last(), metrics.pending()), (Some(&2_999.0), 0));
        assert_eq!(metrics.thinned.load(Relaxed) as usize, 4_000 - 400 - 400 - end.len());
    }

    #[test]
    fn contexts_are_series_of_their_own_and_names_have_an_end() {
        let metrics = Metrics::new();
        let train: Arc<str> = "train".into();
        for context in [None, Some(&train)] {
            metrics.log(&Logged { name: "loss", context, value: 1.0, step: NONE, epoch: 3, at: 5 });
        }
        let told = metrics.take(10, 0, true);
        let contexts: Vec<_> = told.iter().map(|value| (value.context.as_deref(), value.step, value.epoch)).collect();
        assert!(
            contexts.contains(&(None, None, Some(3))) && contexts.contains(&(Some("train"), None, Some(3))),
            "{contexts:?}"
        );
        for number in 0..NAMES + 10 {
            log(&metrics, &format!("name {number}"), 0.0, 0);
        }
        assert_eq!(metrics.dropped.load(Relaxed), 12);
    }

    #[test]
    fn memory_is_flat_when_nobody_takes() {
        let metrics = Metrics::new();
        for name in 0..100 {
            for number in 0..5_000 {
                log(&metrics, &format!("metric {name}"), f64::from(number), 0);
            }
        }
        assert_eq!(metrics.pending(), MOST_WAITING);
        let told = metrics.take(usize::MAX, 0, true);
        assert!(
            told.iter().filter(|value| &*value.name == "metric 99").any(|value| value.value == 4_999.0),
            "the last of the last"
        );
    }
}
