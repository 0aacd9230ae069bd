//! The recording path under a model checker: `bash ci/loom`.
//!
//! A model is a small program of two or three threads that runs the shipped code, in each order of their steps and with each value that a load may
//! give. What stands in for the standard library is `sync::modelled`; capacities are small, so that tables grow after one or two entries.
//! Forks are not modelled. That models can fail was seen by weakening the code's orderings, locks and second looks, one at a time.

use super::histograms::CellReading;
use super::sites::SiteCell;
use super::*;
use crate::alloc::Tracking;
use crate::collect::functions::seen::{self, Seen};
use crate::metric;
use crate::metric::LabelArg;
use crate::record::ages::Ages;
use crate::record::outcome::{Ending, Outcome};
use crate::record::variants::Variants;
use crate::record::{Asked, CallSite, budget, callsite, clock, current, enter, measured_future};
use crate::sync::{check, spawn, thread_local};
use loom::thread::JoinHandle;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A model whose clock stands, and whose probes are off: those have no protocol between threads, and many cells.
fn model(threads: impl Fn() + Send + Sync + 'static) {
    model_of(0, threads);
}

/// A model of three threads one of which takes a snapshot: minutes, were it preempted as often as the others.
fn large_model(threads: impl Fn() + Send + Sync + 'static) {
    model_of(1, threads);
}

fn model_of(fewer: usize, threads: impl Fn() + Send + Sync + 'static) {
    check(fewer, move || {
        clock::fake::begin();
        budget::set_share(0.0);
        threads();
    });
}

const OK: Ending = Ending { outcome: Outcome::Ok, fallible: false };

fn call(site: &'static CallSite) {
    enter(site, false).end(OK);
}

static SITE: CallSite = CallSite::new("modelled", || "", "", "", 0);

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A call that waits once.
fn task() -> Task {
    let mut waited = false;
    let waits = poll_fn(move |_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending });
    Box::pin(measured_future(&SITE, false, waits, |_| OK))
}

fn poll(task: &mut Task) -> bool {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn join<T, const N: usize>(threads: [JoinHandle<T>; N]) -> [T; N] {
    threads.map(|thread| thread.join().unwrap())
}

/// Does something before the model begins, on a thread that ends: see `sync::modelled`.
fn before<T: 'static>(work: impl FnOnce() -> T + 'static) -> T {
    spawn(work).join().unwrap()
}

/// Reads twice, and sees that nothing fell.
fn read_twice(most: u64, read: impl Fn() -> u64) {
    let first = read();
    let second = read();
    assert!(first <= second && second <= most, "{first}, then {second}, of {most}");
}

// ---- one writer and a reader --------------------------------------------------------------------------------------

#[test]
fn a_counter_never_falls_while_its_thread_makes_new_cells() {
    model(|| {
        let writer = spawn(|| {
            add(0, 1);
            add(4, 1); // the table of chunks grows
            add(0, 1);
        });
        read_twice(2, || sum(0));
        writer.join().unwrap();
        assert_eq!((sum(0), sum(4)), (2, 1));
    });
}

#[test]
fn sum_and_buckets_of_a_histogram_belong_together() {
    const BOUNDS: &[f64] = &[2.0];
    model(|| {
        let writer = spawn(|| {
            observe(0, BOUNDS, 1.0);
            observe(0, BOUNDS, 10.0);
        });
        let mut reading = CellReading { far: vec![0; 1], ..CellReading::default() };
        for cell in all().into_iter().filter_map(|shard| shard.histograms.get(0)) {
            if cell.read(&mut reading) {
                let ([low], [high]) = (reading.near, &reading.far[..]) else { panic!("two buckets") };
                assert_eq!(reading.sum, low as f64 + 10.0 * *high as f64);
            }
        }
        writer.join().unwrap();
        assert_eq!(read_histogram(0, 1), HistogramReading { buckets: vec![1, 1], sum: 11.0, exemplars: Vec::new() });
    });
}

#[test]
fn time_and_durations_of_a_result_belong_together_and_do_not_fall() {
    model(|| {
        let cell = leak(SiteCell::new(&SITE, false));
        let writer = spawn(move || {
            cell.end::<false>(Outcome::Ok, 1);
            cell.end::<false>(Outcome::Ok, 1_000);
        });
        let mut last = 0;
        for _ in 0..2 {
            // SAFETY: null, or a leaked cell.
            let Some(result) = (unsafe { cell.results[Outcome::Ok as usize].load(Acquire).as_ref() }) else { continue };
            let mut reading = ResultReading::default();
            let is_whole = result.read(&mut reading);
            let (low, high) = (reading.buckets[0], reading.ended() - reading.buckets[0]);
            assert!(!is_whole || reading.ticks == low + 1_000 * high, "{reading:?}");
            assert!(reading.ended() >= last, "{} after {last}", reading.ended());
            last = reading.ended();
        }
        writer.join().unwrap();
        assert_eq!(cell.read(Outcome::Ok).map(|reading| (reading.ended(), reading.ticks)), Some((2, 1_001)));
    });
}

// ---- calls in flight ----------------------------------------------------------------------------------------------

/// What is always true of a function, whenever it is looked at.
fn look() -> Seen {
    let seen = seen::of(&SITE);
    assert!(seen.ended <= seen.started, "{seen:?}");
    seen
}

#[test]
fn calls_within_a_threshold_are_never_more_than_the_calls() {
    static ASKED: Asked = Asked::new().thresholds(&[1.0]);
    static TIMED: CallSite = CallSite::new("timed", || "", "", "", 0).asked(&ASKED);
    model(|| {
        let end = || TIMED.end(thread::with(|thread| site_cell(thread, &TIMED)), Outcome::Ok, 1);
        before(end); // has made what the next one writes to
        let caller = spawn(end);
        let seen = seen::of(&TIMED);
        assert!(seen.within <= seen.ended, "{seen:?}");
        caller.join().unwrap();
        assert_eq!(seen::of(&TIMED).within, 2);
    });
}

#[test]
fn a_call_on_one_thread_is_begun_before_it_has_ended() {
    model(|| {
        let caller = spawn(|| call(&SITE));
        let first = look();
        let second = look();
        assert!(first.started <= second.started && first.ended <= second.ended);
        caller.join().unwrap();
        let Seen { started, ended, .. } = look();
        assert_eq!((started, ended), (1, 1));
    });
}

#[test]
fn who_sees_an_end_sees_what_came_before_it() {
    for shared in [false, true] {
        model(move || {
            let began = leak(AtomicU64::new(0));
            let cell = leak(SiteCell::new(&SITE, shared));
            before(move || cell.end::<false>(Outcome::Ok, 1)); // has made what the next one writes to
            let caller = spawn(move || {
                began.store(1, Relaxed);
                cell.end::<false>(Outcome::Ok, 1);
            });
            let ended = cell.read(Outcome::Ok).map_or(0, |reading| reading.ended());
            assert!(ended == 1 || began.load(Relaxed) == 1, "an end is seen before the start, shared: {shared}");
            caller.join().unwrap();
        });
    }
}

#[test]
fn a_call_that_ends_on_another_thread_is_begun_before_it_has_ended() {
    large_model(|| {
        let begins = spawn(|| {
            let mut task = task();
            assert!(!poll(&mut task));
            spawn(move || assert!(poll(&mut task)))
        });
        look();
        begins.join().unwrap().join().unwrap();
        let Seen { started, ended, oldest, .. } = look();
        assert_eq!((started, ended, oldest), (1, 1, None));
    });
}

#[test]
fn a_call_that_begins_on_a_new_thread_and_ends_on_an_old_one_is_begun_before_it_has_ended() {
    large_model(|| {
        add(0, 1); // has a shard, which the reader knows of
        let reader = spawn(look);
        let begins = spawn(|| {
            let mut task = task();
            assert!(!poll(&mut task));
            task
        });
        assert!(poll(&mut begins.join().unwrap()));
        reader.join().unwrap();
    });
}

// ---- threads that end ---------------------------------------------------------------------------------------------

#[test]
fn what_an_ended_thread_counted_is_seen_once_whoever_has_its_shard() {
    model(|| {
        let threads = [spawn(|| add(0, 1)), spawn(|| add(0, 1))];
        read_twice(2, || sum(0));
        join(threads);
        assert_eq!(sum(0), 2);
        spawn(|| add(0, 1)).join().unwrap();
        assert_eq!(sum(0), 3);
        assert!(all().len() <= 3, "two threads at once and what is shared, not {}", all().len());
    });
}

#[test]
fn one_thread_alone_goes_on_where_an_ended_one_stopped() {
    model(|| {
        spawn(|| call(&SITE)).join().unwrap();
        join([spawn(|| call(&SITE)), spawn(|| call(&SITE))]); // one of them has its shard
        let Seen { started, ended, .. } = look();
        assert_eq!((started, ended), (3, 3));
    });
}

/// Works when it is destroyed; made before the first recording, that is after the thread's shard was handed on.
struct Last(Cell<Option<Box<dyn FnOnce()>>>);

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}

thread_local! {
    static LAST: Last = const { Last(Cell::new(None)) };
}

/// Gives this thread a shard, to be handed on before what was to be done at last is done.
fn begin_to_record() {
    thread::with(|thread| assert!(thread.take_shard().is_some()));
}

fn at_last(work: impl FnOnce() + 'static) {
    LAST.with(|last| last.0.set(Some(Box::new(work))));
}

#[test]
fn what_is_recorded_after_the_hand_over_does_not_meet_who_has_the_shard_now() {
    model(|| {
        let ends = spawn(|| {
            at_last(|| add(0, 1));
            add(0, 1);
        });
        let next = spawn(|| add(0, 1));
        read_twice(3, || sum(0));
        ends.join().unwrap();
        next.join().unwrap();
        assert_eq!(sum(0), 3);
    });
}

#[test]
fn a_call_that_ends_after_the_hand_over_does_not_meet_who_has_the_shard_now() {
    model(|| {
        let ends = spawn(|| {
            at_last(|| ());
            let guard = enter(&SITE, false);
            at_last(|| guard.end(OK)); // as a guard that is kept in a thread local
        });
        let next = spawn(|| call(&SITE));
        join([ends, next]);
        let Seen { started, ended, .. } = look();
        assert_eq!((started, ended), (2, 2));
    });
}

/// Two threads that do the same after their shards were handed on.
fn two_that_end(work: fn()) {
    let end = move || {
        at_last(work);
        begin_to_record();
    };
    join([spawn(end), spawn(end)]);
}

#[test]
fn counts_that_meet_in_the_shared_shard_are_not_lost() {
    model(|| {
        two_that_end(|| {
            add(0, 1);
            add(0, 1);
        });
        assert_eq!(sum(0), 4);
    });
}

#[test]
fn observations_that_meet_in_the_shared_shard_are_not_lost() {
    model(|| {
        two_that_end(|| observe(0, &[], 1.0));
        assert_eq!(read_histogram(0, 0), HistogramReading { buckets: vec![2], sum: 2.0, exemplars: Vec::new() });
    });
}

#[test]
fn calls_that_meet_in_the_shared_shard_are_not_lost() {
    model(|| {
        two_that_end(|| {
            let cell = thread::with(|thread| site_cell(thread, &SITE));
            cell.start::<true>();
            cell.end::<true>(Outcome::Ok, 1);
        });
        let Seen { started, ended, .. } = look();
        assert_eq!((started, ended), (2, 2));
    });
}

#[test]
fn a_call_that_ends_in_the_shared_shard_is_begun_before_it_has_ended() {
    large_model(|| {
        // An earlier one has made the cells: else the start is seen with their making.
        let earlier = || {
            at_last(|| call(&SITE));
            begin_to_record();
        };
        spawn(earlier).join().unwrap();
        // Its shard is older than the call, so that the list of shards tells nothing of it.
        let ends = spawn(|| {
            at_last(|| ());
            begin_to_record();
            let begins = spawn(|| {
                let mut task = task();
                assert!(!poll(&mut task));
                task
            });
            let mut task = begins.join().unwrap();
            at_last(move || assert!(poll(&mut task)));
        });
        look();
        ends.join().unwrap();
        let Seen { started, ended, .. } = look();
        assert_eq!((started, ended), (2, 2));
    });
}

#[test]
fn threads_that_meet_at_a_new_site_give_it_one_place() {
    model(|| {
        let threads = [spawn(|| call(&SITE)), spawn(|| call(&SITE))];
        join(threads);
        assert_eq!(callsite::all().len(), 1);
        let Seen { started, ended, .. } = look();
        assert_eq!((started, ended), (2, 2));
    });
}

// ---- allocations --------------------------------------------------------------------------------------------------

/// Allocates as a program does whose global allocator this is.
fn allocate(bytes: usize) {
    let (tracking, layout) = (Tracking::system(), Layout::from_size_align(bytes, 1).unwrap());
    // SAFETY: the layout is not empty, and what was allocated is freed once.
    unsafe { tracking.dealloc(tracking.alloc(layout), layout) };
}

#[test]
fn what_another_thread_allocates_for_a_call_is_the_call_s() {
    model(|| {
        TRACKING.store(true, Relaxed); // as it is before `main`
        let allocated = || {
            let cells = all().into_iter().filter_map(|shard| shard.sites.get(SITE.index()));
            cells.map(|cell| cell.allocated_bytes.load(Relaxed)).sum()
        };
        let guard = enter(&SITE, false);
        let credit = current();
        let helper = spawn(move || credit.scope(|| allocate(10)));
        let reader = spawn(move || read_twice(15, allocated));
        allocate(5);
        helper.join().unwrap();
        guard.end(OK);
        reader.join().unwrap();
        assert_eq!(look().allocated_bytes, 15);
    });
}

#[test]
fn what_no_call_allocated_is_counted_once_a_thread_has_ended() {
    model(|| {
        let threads = [spawn(|| (add(0, 1), allocate(7))), spawn(|| (add(0, 1), allocate(5)))];
        let first = thread::unattributed_bytes();
        assert!([0, 5, 7, 12].contains(&first), "{first}");
        join(threads);
        assert_eq!(thread::unattributed_bytes(), 12);
    });
}

// ---- ages ---------------------------------------------------------------------------------------------------------

const SECOND: u64 = 1 << 30;

#[test]
fn the_oldest_waiting_call_is_seen_while_others_come_and_go() {
    model(|| {
        let ages: &'static Ages = leak(Ages::new());
        let oldest = before(move || ages.suspend(SECOND));
        let owner = spawn(move || {
            let second = ages.suspend(2 * SECOND); // a slot of its own
            let ends = spawn(move || leak(Ages::new()).end(second)); // on another thread
            let third = ages.suspend(3 * SECOND); // may have the slot of the second
            ends.join().unwrap();
            ages.end(third);
        });
        assert_eq!(ages.oldest(), Some(SECOND));
        owner.join().unwrap();
        assert_eq!(ages.oldest(), Some(SECOND));
        ages.end(oldest);
        assert_eq!(ages.oldest(), None);
    });
}

#[test]
fn a_waiting_call_is_seen_while_others_of_its_second_come_and_go() {
    model(|| {
        let ages: &'static Ages = leak(Ages::new());
        before(move || ages.suspend(SECOND));
        let owner = spawn(move || {
            let second = ages.suspend(SECOND + 1);
            spawn(move || leak(Ages::new()).end(second)).join().unwrap(); // on another thread
            ages.end(ages.suspend(SECOND + 2));
        });
        assert_eq!(ages.oldest(), Some(SECOND));
        owner.join().unwrap();
        assert_eq!(ages.oldest(), Some(SECOND));
    });
}

#[test]
fn waiting_calls_that_end_at_once_on_two_threads_have_both_ended() {
    model(|| {
        let ages: &'static Ages = leak(Ages::new());
        let [first, second] = before(move || [ages.suspend(SECOND), ages.suspend(SECOND)]);
        join([spawn(move || ages.end(first)), spawn(move || leak(Ages::new()).end(second))]);
        assert_eq!(ages.oldest(), None);
    });
}

#[test]
fn a_second_that_is_over_is_not_seen_again_when_its_place_is_another_s() {
    model(|| {
        let ages: &'static Ages = leak(Ages::new());
        before(move || ages.end(ages.suspend(SECOND)));
        let owner = spawn(move || {
            ages.suspend(2 * SECOND);
        });
        let seen = ages.oldest();
        assert!([None, Some(2 * SECOND)].contains(&seen), "{seen:?}");
        owner.join().unwrap();
        assert_eq!(ages.oldest(), Some(2 * SECOND));
    });
}

// ---- label sets and series ----------------------------------------------------------------------------------------

#[test]
fn threads_that_meet_at_a_new_label_set_make_one() {
    static VARIANTS: Variants<CallSite> = Variants::new();
    fn find(label: &'static str) -> *const CallSite {
        let site = &VARIANTS.of(&[LabelArg::Str(label)], 2, |_| CallSite::variant_of(&SITE)).value;
        assert!(!site.is_fallible()); // what the other thread made is there
        site
    }
    model(|| {
        let [a, also_a] = join([spawn(|| find("a")), spawn(|| find("a"))]);
        assert_eq!((a, VARIANTS.all().len()), (also_a, 1));
    });
    model(|| {
        let [[a, b], [c, also_b]] = join([spawn(|| [find("a"), find("b")]), spawn(|| [find("c"), find("b")])]);
        assert!(a != c && b == also_b, "each found again, or all of them one too many");
        assert_eq!(VARIANTS.all().len(), 3, "two, and what stands for one that was too many");
    });
}

#[test]
fn threads_that_meet_at_a_new_series_make_one_while_the_table_grows() {
    metric! {
        /// Rows of a model.
        counter modelled_rows_total(table: &str);
    }
    model(|| {
        let first = spawn(|| {
            modelled_rows_total("a").inc();
            modelled_rows_total("b").inc();
        });
        let second = spawn(|| modelled_rows_total("b").inc());
        read_twice(1, || modelled_rows_total("a").get());
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!((modelled_rows_total("a").get(), modelled_rows_total("b").get()), (1, 2));
    });
}

#[test]
fn a_gauge_that_two_threads_add_to_loses_nothing() {
    metric! {
        /// Rows of a model that wait.
        gauge modelled_waiting_records();
    }
    model(|| {
        modelled_waiting_records().set(1.0);
        let threads = [spawn(|| modelled_waiting_records().inc()), spawn(|| modelled_waiting_records().sub(3.0))];
        join(threads);
        assert_eq!(modelled_waiting_records().get(), -1.0);
    });
}
