use super::*;
use crate::builtin::jobs::recorded;
use crate::job::run::Run;
use crate::job::wait::Why;
use crate::testing::value;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::thread;

const SECOND: Duration = Duration::from_secs(1);

fn job(name: &str) -> Job {
    Job::of(Run::new(0, name, "days", None, None))
}

/// A bucket, and the time at which it was made.
fn bucket(name: &str, rate: Rate) -> (Arc<Bucket>, Instant) {
    let now = Instant::now();
    (Arc::new(Bucket::new(rate, recorded::backfill_rate_limit_tokens("buckets", name), now)), now)
}

fn left(taken: &Taken, now: Instant) -> Duration {
    taken.left(now).map_or(Duration::ZERO, |(left, _)| left)
}

fn about(a: Duration, b: Duration) {
    // What is given back is given back now, which is a little later than the time that the test passes in.
    assert!(a.abs_diff(b) < Duration::from_millis(50), "{a:?} is not {b:?}");
}

#[test]
fn who_comes_first_goes_first_in_even_steps_after_the_burst() {
    let (bucket, now) = bucket("steps", Rate::per_second(10).burst(3));
    let taken: Vec<_> = (0..8).map(|_| Bucket::take(&bucket, 1, now)).collect();
    for (taken, millis) in taken.iter().zip([0, 0, 0, 100, 200, 300, 400, 500]) {
        about(left(taken, now), Duration::from_millis(millis));
    }
    taken.into_iter().for_each(Taken::keep);
    assert_eq!(bucket.tokens(now), 0);
    // Five were borrowed of what comes.
    assert_eq!(bucket.tokens(now + Duration::from_millis(650)), 1);
    assert_eq!(bucket.tokens(now + 60 * SECOND), 3);
}

#[test]
fn no_span_of_time_has_more_than_the_burst_and_what_its_length_allows() {
    let (bucket, start) = bucket("spans", Rate::per_second(50).burst(5));
    let (mut now, mut seed, mut goes) = (start, 1_u64, Vec::new());
    for _ in 0..2_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        now += Duration::from_millis(seed >> 33 & 63);
        let (taken, tokens) = (Bucket::take(&bucket, 1 + (seed >> 60 & 1), now), 1 + (seed >> 60 & 1));
        if seed >> 40 & 7 == 0 {
            continue; // gives up, and gives back
        }
        goes.push((now + left(&taken, now), tokens));
        taken.keep();
        if seed >> 50 & 63 == 0 {
            bucket.pause(Duration::from_millis(700), now);
        }
    }
    goes.sort();
    for (index, (from, _)) in goes.iter().enumerate() {
        let mut tokens = 0;
        for (to, more) in &goes[index..] {
            tokens += more;
            #[expect(clippy::cast_precision_loss, reason = "thousands")]
            let (tokens, allowed) = (tokens as f64, 5.0 + to.duration_since(*from).as_secs_f64() * 50.0);
            assert!(tokens <= allowed + 0.01, "{tokens} where {allowed} are allowed");
        }
    }
}

#[test]
fn what_costs_more_than_the_burst_waits_for_the_rest() {
    let (bucket, now) = bucket("dear", Rate::per_second(1).burst(2));
    let dear = Bucket::take(&bucket, 5, now);
    about(left(&dear, now), 3 * SECOND);
    let next = Bucket::take(&bucket, 1, now);
    about(left(&next, now), 4 * SECOND);
}

#[test]
fn a_pause_makes_all_later_and_leaves_nothing_for_a_burst() {
    let (bucket, now) = bucket("pause", Rate::per_second(10).burst(4));
    let went: Vec<_> = (0..4).map(|_| Bucket::take(&bucket, 1, now)).collect();
    went.into_iter().for_each(Taken::keep);
    let (first, second) = (Bucket::take(&bucket, 1, now), Bucket::take(&bucket, 1, now));
    bucket.pause(5 * SECOND, now);
    about(left(&first, now), 5 * SECOND + Duration::from_millis(100));
    assert_eq!(first.left(now).map(|(_, why)| why), Some(Why::Paused));
    let end = now + 5 * SECOND;
    about(left(&first, end), Duration::from_millis(100));
    assert_eq!(first.left(end).map(|(_, why)| why), Some(Why::Limiter));
    about(left(&second, end), Duration::from_millis(200));
    // A shorter pause within a longer one changes nothing; a longer one lasts on.
    bucket.pause(SECOND, now + SECOND);
    about(left(&first, end), Duration::from_millis(100));
    bucket.pause(9 * SECOND, now + SECOND);
    about(left(&first, end), 5 * SECOND + Duration::from_millis(100));

    let (full, now) = self::bucket("pause_full", Rate::per_second(10).burst(4));
    full.pause(SECOND, now);
    assert!(!full.try_take(1, now));
    assert_eq!((full.tokens(now), full.tokens(now + SECOND)), (0, 0));
    assert_eq!(full.tokens(now + SECOND + Duration::from_millis(250)), 2);
    assert!(full.try_take(2, now + SECOND + Duration::from_millis(250)));
}

#[test]
fn no_limit_stands_still_too_when_the_source_asks() {
    let (bucket, now) = bucket("unlimited", Rate::new(1, Duration::ZERO));
    assert!((0..1_000).all(|_| bucket.try_take(1, now)));
    bucket.pause(SECOND, now);
    assert!(!bucket.try_take(1, now));
    about(left(&Bucket::take(&bucket, 1, now), now), SECOND);
    assert!(bucket.try_take(1, now + SECOND));
}

#[test]
fn tokens_that_are_given_back_are_for_who_comes_next() {
    let (bucket, now) = bucket("back", Rate::per_second(1));
    Bucket::take(&bucket, 1, now).keep();
    let gives_up = Bucket::take(&bucket, 1, now);
    about(left(&gives_up, now), SECOND);
    drop(gives_up);
    about(left(&Bucket::take(&bucket, 1, now), now), SECOND);
}

#[test]
fn turns_that_are_left_are_taken_one_by_one_and_none_twice() {
    let (bucket, now) = bucket("turns", Rate::per_second(1));
    Bucket::take(&bucket, 1, now).keep();
    let mut waiting: Vec<_> = (0..6).map(|_| Bucket::take(&bucket, 1, now)).collect();
    // The second, the fourth and the last give up; the last leaves no turn but the end.
    let (second, fourth, last) = (waiting.remove(1), waiting.remove(2), waiting.pop());
    drop((second, fourth, last));
    let newcomers: Vec<_> = (0..4).map(|_| Bucket::take(&bucket, 1, now)).collect();
    let mut turns: Vec<_> = waiting.iter().chain(&newcomers).map(|taken| left(taken, now)).collect();
    turns.sort();
    assert_eq!(turns.len(), 7);
    for (turn, seconds) in turns.into_iter().zip(1..) {
        about(turn, seconds * SECOND);
    }
}

#[test]
fn a_turn_that_is_over_is_given_to_nobody() {
    let (bucket, now) = bucket("over", Rate::per_second(1));
    Bucket::take(&bucket, 1, now).keep();
    let (unused, behind) = (Bucket::take(&bucket, 1, now), Bucket::take(&bucket, 1, now));
    // Nobody has polled it since it was ready; meanwhile time went on.
    let later = now + Duration::from_millis(1_500);
    assert_eq!(left(&unused, later), Duration::ZERO);
    drop(unused);
    assert!(!bucket.try_take(1, later));
    about(left(&behind, later), SECOND / 2);
    about(left(&Bucket::take(&bucket, 1, later), later), SECOND * 3 / 2);
}

#[test]
fn another_rate_changes_when_it_is_ones_turn_and_nobodys_place() {
    let (bucket, now) = bucket("places", Rate::per_hour(1));
    Bucket::take(&bucket, 1, now).keep();
    let (first, second) = (Bucket::take(&bucket, 1, now), Bucket::take(&bucket, 1, now));
    bucket.set_rate(Rate::per_minute(1), now);
    let third = Bucket::take(&bucket, 1, now);
    for (taken, minutes) in [(&first, 1), (&second, 2), (&third, 3)] {
        about(left(taken, now), minutes * 60 * SECOND);
    }
    // What is given back is tokens, of whatever rate: the third leaves its turn, and no more.
    bucket.set_rate(Rate::per_hour(1), now);
    drop(third);
    about(left(&Bucket::take(&bucket, 1, now), now), 3 * 3600 * SECOND);
    // Where the limit is lifted nobody waits.
    bucket.set_rate(Rate::new(1, Duration::ZERO), now);
    assert_eq!((left(&first, now), bucket.try_take(5, now)), (Duration::ZERO, true));
}

#[test]
fn more_tokens_than_anybody_has_are_given_back_whole() {
    let (bucket, now) = bucket("huge", Rate::per_second(1));
    let debts: Vec<_> = (0..5).map(|_| Bucket::take(&bucket, 1, now)).collect();
    drop(Bucket::take(&bucket, u64::MAX, now));
    about(left(&Bucket::take(&bucket, 1, now), now), 5 * SECOND);
    debts.into_iter().for_each(Taken::keep);
}

#[test]
fn limiters_of_more_names_than_are_counted_are_still_limiters_of_their_own() {
    let job = job("limit_names");
    for name in 0..250 {
        let _ = job.limiter(&format!("host-{name}"), Rate::per_second(1));
    }
    let (slow, fast) = (job.limiter("slow", Rate::per_hour(1)), job.limiter("fast", Rate::per_second(1).burst(100)));
    assert_eq!((slow.try_take(1), slow.try_take(1)), (true, false));
    assert!((0..100).all(|_| fast.try_take(1)));
    assert!(!job.limiter("slow", Rate::per_hour(1)).try_take(1), "the same one each time");
}

#[test]
fn another_rate_keeps_what_is_there() {
    let (bucket, now) = bucket("rate", Rate::per_second(1).burst(10));
    assert!(bucket.try_take(4, now));
    bucket.set_rate(Rate::per_second(100).burst(8), now);
    assert_eq!(bucket.tokens(now), 6);
    bucket.set_rate(Rate::per_second(100).burst(2), now);
    assert_eq!(bucket.tokens(now), 2);
    bucket.set_rate(Rate::per_hour(1).burst(2), now);
    assert!(bucket.try_take(2, now));
    about(left(&Bucket::take(&bucket, 1, now), now), 3600 * SECOND);
}

#[cfg(not(telemetry_off))]
#[test]
fn threads_share_a_limiter_and_what_they_wait_is_counted() {
    let job = job("limiter_threads");
    let (limiter, start) = (job.limiter("flights", Rate::per_second(200).burst(2)), Instant::now());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10).for_each(|_| assert!(limiter.until_ready_blocking())));
        }
    });
    // 2 at once and 38 more, one each 5 ms.
    assert!(start.elapsed() >= Duration::from_millis(190), "{:?}", start.elapsed());
    let of = |family, reason| {
        value(family, &[("job_name", "limiter_threads"), ("endpoint_name", "flights"), ("reason", reason)])
    };
    assert!(of("backfill_waits_total", "limiter").unwrap() <= 40.0);
    assert!(of("backfill_waits_total", "limiter").unwrap() >= 4.0);
    assert!(of("backfill_wait_seconds_total", "limiter").unwrap() > 0.0);
    assert_eq!(of("backfill_waits_total", "paused"), None);
}

#[test]
fn a_job_that_is_asked_to_stop_waits_no_longer_and_takes_nothing() {
    let job = job("limiter_stop");
    let limiter = job.limiter("flights", Rate::per_hour(1));
    assert!(limiter.try_take(1));
    let woken = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(!limiter.until_ready_blocking());
            woken.fetch_add(1, SeqCst);
        });
        let mut waits = pin!(limiter.until_ready());
        let mut context = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        job.run.cancel.ask();
        assert_eq!(waits.as_mut().poll(&mut context), std::task::Poll::Ready(false));
    });
    assert_eq!(woken.load(SeqCst), 1);
    assert!(!limiter.until_ready_blocking());
    // What they had asked for was given back: the next comes after an hour, not after three.
    let taken = Bucket::take(&limiter.bucket, 1, Instant::now());
    assert!(left(&taken, Instant::now()) <= 3600 * SECOND);
}

#[cfg(not(telemetry_off))]
#[test]
fn the_limiter_of_a_name_is_one_and_shows_what_is_left() {
    let job = job("limiter_one");
    let limiter = job.limiter("flights", Rate::per_hour(1).burst(10));
    assert!(job.limiter("flights", Rate::per_hour(1).burst(10)).try_take(3));
    assert_eq!(limiter.tokens(), 7);
    let shown = || value("backfill_rate_limit_tokens", &[("job_name", "limiter_one"), ("endpoint_name", "flights")]);
    assert_eq!(shown(), Some(7.0));
    limiter.pause(SECOND);
    assert_eq!(shown(), Some(0.0));
}
