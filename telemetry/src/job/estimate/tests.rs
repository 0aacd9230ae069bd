use super::*;
use proptest::prelude::*;

/// Reads a trace every 100 ms up to `end`; `done` tells the units at each time.
fn after(end: f64, done: impl Fn(f64) -> f64) -> Estimator {
    let mut estimator = Estimator::default();
    for step in 1..=(end * 10.0) as u64 {
        let at = step as f64 / 10.0;
        estimator.read(at, done(at) as u64, 0);
    }
    estimator
}

fn error_at_half_time(seconds: f64, done: impl Fn(f64) -> f64) -> f64 {
    let estimator = after(seconds / 2.0, &done);
    let left = done(seconds) as u64 - done(seconds / 2.0) as u64;
    (estimator.estimate(left).unwrap().seconds - seconds / 2.0).abs() / seconds
}

#[test]
fn a_steady_rate_is_told_exactly() {
    let estimator = after(100.0, |at| at * 4.0);
    assert!((estimator.lately().unwrap() - 4.0).abs() < 0.1, "{estimator:?}");
    assert!((estimator.overall().unwrap() - 4.0).abs() < 0.01, "{estimator:?}");
    assert!((estimator.estimate(400).unwrap().seconds - 100.0).abs() < 2.0, "{estimator:?}");
}

#[test]
fn half_way_through_the_error_is_below_a_tenth() {
    assert!(error_at_half_time(600.0, |at| at * 5.0) < 0.01);
    // Slows by a third over the run.
    assert!(error_at_half_time(600.0, |at| at * (6.0 - at / 600.0)) < 0.1);
    // A batch of a hundred every ten seconds.
    assert!(error_at_half_time(600.0, |at| (at / 10.0).floor() * 100.0) < 0.1);
    // A tenth of every minute is a pause.
    assert!(error_at_half_time(600.0, |at| (at / 60.0).floor() * 540.0 + (at % 60.0).min(54.0) * 10.0) < 0.1);
}

#[test]
fn nothing_done_is_no_estimate() {
    let estimator = after(100.0, |_| 0.0);
    assert_eq!((estimator.lately(), estimator.overall(), estimator.estimate(5)), (None, None, None));
}

#[test]
fn an_estimate_is_withdrawn_when_nothing_moves_and_comes_back() {
    let trace = |at: f64| if at < 100.0 { at } else { 100.0 + (at - 300.0).max(0.0) };
    assert!(after(120.0, trace).estimate(100).is_some());
    assert_eq!(after(299.0, trace).estimate(100).map(|_| ()), Some(()), "three memories of 75 s are not over");
    let stopped = |at: f64| at.min(10.0);
    assert_eq!(after(60.0, stopped).estimate(100), None);
    assert!(after(320.0, trace).estimate(100).is_some());
}

#[test]
fn a_job_that_became_slower_is_told_by_its_late_rate() {
    let estimator = after(400.0, |at| if at < 200.0 { at * 10.0 } else { 2000.0 + (at - 200.0) });
    // Overall 5.5 a second, lately some 1.6: half a minute for 100 units rather than 18 seconds.
    let seconds = estimator.estimate(100).unwrap().seconds;
    assert!((25.0..60.0).contains(&seconds), "{seconds}");
}

#[test]
fn of_records_that_are_skipped_throughout_as_many_are_expected_to_be() {
    // Ten a second, of which every second one takes no time.
    let mut estimator = Estimator::default();
    for step in 1..=1_000_u64 {
        estimator.read(step as f64 / 10.0, step / 2, step / 2);
    }
    let seconds = estimator.estimate(1_000).unwrap().seconds;
    assert!((seconds - 100.0).abs() < 3.0, "{seconds}");
}

#[test]
fn what_a_resumed_run_skips_at_first_is_not_expected_again() {
    for skipped_at in [0, 1] {
        let mut estimator = Estimator::default();
        for step in 1..=1_000_u64 {
            estimator.read(step as f64 / 10.0, step - 1, if step > skipped_at { 5_000 } else { 0 });
        }
        let seconds = estimator.estimate(1_000).unwrap().seconds;
        assert!((seconds - 100.0).abs() < 3.0, "{seconds}");
    }
}

#[test]
fn readings_at_one_moment_are_one() {
    let mut estimator = after(10.0, |at| at);
    let before = estimator.lately();
    estimator.read(10.0, 1_000, 0);
    estimator.read(10.0001, 1_000, 0);
    assert_eq!(estimator.lately(), before);
}

proptest! {
    #[test]
    fn whatever_is_read_nothing_is_infinite_or_not_a_number(
        readings in proptest::collection::vec((0..6_usize, 0..6_usize, 0..20_u8, 0..3_usize), 1..200),
        left in prop_oneof![Just(0), Just(1), Just(1_000), Just(u64::MAX), any::<u64>()],
    ) {
        let (mut estimator, mut at, mut done, mut skipped) = (Estimator::default(), 0.0, 0_u64, 0_u64);
        for (step, more, back, left_out) in readings {
            skipped = skipped.saturating_add([0, 1, u64::MAX / 5][left_out]);
            at += [0.0, 0.05, 0.1, 1.0, 100.0, 1e6][step];
            done = done.saturating_add([0, 0, 1, 1, 1_000, u64::MAX / 3][more]);
            if back == 0 {
                done /= 2;
            }
            estimator.read(at, done, skipped);
            if let Some(told) = estimator.estimate(left) {
                prop_assert!(0.0 <= told.low && told.low <= told.seconds, "{told:?}");
                prop_assert!(told.seconds <= told.high && told.high.is_finite(), "{told:?}");
            }
            let rates = [estimator.lately(), estimator.overall()];
            prop_assert!(rates.iter().flatten().all(|rate| rate.is_finite() && *rate >= 0.0), "{rates:?}");
        }
    }
}
