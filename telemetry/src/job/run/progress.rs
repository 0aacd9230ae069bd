//! The share that is shown: absent, or not less than what was shown before.

use super::tests::{after, run};
use super::*;
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

#[test]
fn progress_is_what_is_done_with_of_the_total() {
    let run = run("progress", Some(10));
    assert_eq!(after(&run, 1.0).progress, Some(0.0));
    run.count_units(Status::Processed, 2);
    run.count_units(Status::Failed, 1);
    run.count_units(Status::Skipped, 1);
    run.count_units(Status::DeadLettered, 1);
    assert_eq!(after(&run, 2.0).progress, Some(0.5));
    assert_eq!(after(&run, 2.0).units.sum(), 5);
}

#[test]
fn progress_is_never_above_one() {
    let run = run("too_many", Some(2));
    run.count_units(Status::Processed, 3);
    let standing = after(&run, 1.0);
    assert_eq!((standing.progress, standing.eta), (None, None));
    assert_eq!(after(&self::run("empty", Some(0)), 1.0).progress, Some(1.0));
}

#[test]
fn progress_is_withdrawn_while_a_grown_total_would_set_it_back() {
    let run = run("growing", Some(10));
    run.count_units(Status::Processed, 5);
    assert_eq!(after(&run, 0.5).progress, Some(0.5));
    run.set_total(20);
    assert_eq!(after(&run, 1.0).progress, None);
    run.count_units(Status::Processed, 5);
    assert_eq!(after(&run, 2.0).progress, Some(0.5));
}

#[derive(Clone, Debug)]
enum Operation {
    Count(Status, u64),
    SetTotal(u64),
    Look,
}

fn operation() -> impl Strategy<Value = Operation> {
    let status = prop_oneof![
        4 => Just(Status::Processed),
        1 => Just(Status::Failed),
        1 => Just(Status::Skipped),
        1 => Just(Status::DeadLettered),
    ];
    prop_oneof![
        4 => (status, prop_oneof![9 => 0..20_u64, 1 => any::<u64>()]).prop_map(|(status, n)| Operation::Count(status, n)),
        1 => prop_oneof![9 => 0..200_u64, 1 => any::<u64>()].prop_map(Operation::SetTotal),
        4 => Just(Operation::Look),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_progress_is_monotone_or_absent(
        total in proptest::option::of(0..50_u64),
        operations in proptest::collection::vec(operation(), 0..60),
    ) {
        let run = run("any_sequence", total);
        let (mut last, mut seconds) = (0.0, 0.0);
        for operation in operations {
            seconds += 0.1;
            match operation {
                Operation::Count(status, n) => run.count_units(status, n),
                Operation::SetTotal(total) => run.set_total(total),
                Operation::Look => {
                    let standing = after(&run, seconds);
                    if let Some(progress) = standing.progress {
                        prop_assert!((last..=1.0).contains(&progress), "{progress} after {last}");
                        prop_assert!(standing.total.is_some_and(|total| standing.units.sum() <= total), "{standing:?}");
                        last = progress;
                    }
                    if let Some(eta) = standing.eta {
                        prop_assert!(0.0 <= eta.low && eta.low <= eta.seconds && eta.seconds <= eta.high, "{eta:?}");
                        prop_assert!(eta.high.is_finite(), "{eta:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn with_a_steady_total_progress_is_shown_all_the_time() {
    let run = run("always", Some(100));
    for done in 1..=100 {
        run.count_units(Status::Processed, 1);
        assert_eq!(after(&run, f64::from(done)).progress, Some(f64::from(done) / 100.0));
    }
}

/// Threads that count and change the total, beside threads that look: none sees less than it saw before, and while the total stays none sees nothing.
#[test]
fn threads_that_count_and_look_at_once_see_it_grow() {
    const EACH: u64 = 200_000;
    for grows in [false, true] {
        let run = run("at_once", Some(2 * EACH));
        let counting = AtomicUsize::new(2);
        let count = || {
            for n in 0..EACH {
                if grows && n % 100 == 0 {
                    run.set_total(2 * EACH + n);
                }
                run.count_units(Status::Processed, 1);
            }
            counting.fetch_sub(1, SeqCst);
        };
        let look = || {
            let mut last = 0.0;
            while counting.load(SeqCst) > 0 {
                match run.standing(Instant::now()).progress {
                    Some(progress) => {
                        assert!((last..=1.0).contains(&progress), "{progress} after {last}");
                        last = progress;
                    }
                    None => assert!(grows, "withdrawn after {last} though the total stays"),
                }
            }
        };
        thread::scope(|threads| {
            (0..2).for_each(|_| drop(threads.spawn(count)));
            (0..4).for_each(|_| drop(threads.spawn(look)));
        });
    }
}
