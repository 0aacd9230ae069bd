//! Series of a family that is declared to expire vanish when nothing touches them, and come back with their totals.

use std::thread;
use std::time::{Duration, Instant};
use telemetry::{Report, metric, snapshot};

metric! {
    /// Requests.
    counter expiring_requests_total(user: &str) expires = "1s";
    /// Seconds.
    histogram expiring_wait_seconds(user: &str) [0.1, 1] expires = "1s";
    /// Seconds that were spent.
    counter expiring_busy_seconds_total(user: &str) expires = "1s";
    /// The same without a word on it.
    counter staying_requests_total(user: &str);
    /// Fills up.
    counter expiring_sessions_total(session: u32) expires = "1s";
}

fn is_shown(name: &str, user: &str) -> bool {
    snapshot().series(name, &[("user", user)]).is_some()
}

fn wait_until(condition: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited for too long");
        thread::sleep(Duration::from_millis(10));
    }
    began.elapsed()
}

#[test]
fn what_is_not_touched_vanishes_and_comes_back_with_its_total() {
    let kept = expiring_requests_total("kept");
    kept.add(5);
    expiring_wait_seconds("kept").observe(0.5);
    expiring_busy_seconds_total("kept").add(Duration::from_secs(3));
    staying_requests_total("kept").inc();
    assert!(is_shown("expiring_requests_total", "kept"));
    let gone = wait_until(|| !is_shown("expiring_requests_total", "kept"));
    assert!(gone >= Duration::from_millis(950), "{gone:?}");
    wait_until(|| !is_shown("expiring_wait_seconds", "kept") && !is_shown("expiring_busy_seconds_total", "kept"));
    assert!(snapshot().family("expiring_requests_total").is_none_or(|family| !family.series.is_empty()));
    assert!(is_shown("staying_requests_total", "kept"));

    kept.inc();
    expiring_wait_seconds("kept").observe(0.5);
    assert_eq!(snapshot().sum("expiring_requests_total", &[("user", "kept")]), 6.0, "counters never go back");
    assert_eq!(snapshot().sum("expiring_wait_seconds", &[("user", "kept")]), 2.0);
}

#[test]
fn what_is_touched_stays() {
    let busy = expiring_requests_total("busy");
    let end = Instant::now() + Duration::from_millis(2_500);
    while Instant::now() < end {
        busy.inc();
        assert!(is_shown("expiring_requests_total", "busy"));
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_has_vanished_makes_room_though_nobody_looks() {
    let builder = telemetry::builder().listen("off").report(Report::Off).max_series(10);
    let _telemetry = builder.sample_period(Some(Duration::from_millis(50))).init().unwrap();
    (0..10).for_each(|session| expiring_sessions_total(session).inc());
    expiring_sessions_total(10).inc();
    let overflow = [("otel_metric_overflow", "true")];
    assert_eq!(snapshot().sum("expiring_sessions_total", &overflow), 1.0, "full");
    // The sampler alone looks.
    thread::sleep(Duration::from_millis(1_500));
    expiring_sessions_total(11).inc();
    let seen = snapshot();
    assert_eq!(seen.sum("expiring_sessions_total", &[("session", "11")]), 1.0);
    assert_eq!(seen.family("expiring_sessions_total").unwrap().series.len(), 2, "that one, and what was too much");
}
