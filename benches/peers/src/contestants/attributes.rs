//! Attributes that give metrics: `hotpath` and `autometrics`.

use super::names::{BARE, BARE_ASYNC, BARE_PENDING};
use super::{PendingOnce, poll_to_end, work};
use crate::contestant::{Contestant, Drain, Seen};
use std::thread;
use std::time::Duration;

#[inline(never)]
#[hotpath::measure]
fn hotpath_value(x: u64) -> u64 {
    work(x)
}

#[hotpath::measure]
async fn hotpath_future(x: u64) -> u64 {
    work(x)
}

#[hotpath::measure]
async fn hotpath_pending(x: u64) -> u64 {
    PendingOnce::default().await;
    work(x)
}

#[inline(never)]
fn poll_hotpath(x: u64) -> u64 {
    poll_to_end(hotpath_future(x))
}

#[inline(never)]
fn poll_hotpath_pending(x: u64) -> u64 {
    poll_to_end(hotpath_pending(x))
}

#[inline(never)]
#[autometrics::autometrics]
fn autometrics_value(x: u64) -> u64 {
    work(x)
}

/// The name of autometrics' backend in this build.
const AUTOMETRICS: &str = if cfg!(feature = "autometrics-prometheus") {
    "`autometrics`, on `prometheus` 0.14"
} else {
    "`autometrics`, on its default, `prometheus-client` 0.22"
};

fn autometrics_calls() -> u64 {
    let text = autometrics::prometheus_exporter::encode_to_string().unwrap_or_default();
    let calls = |line: &str| {
        let mine = line.starts_with("function_calls") && line.contains("function=\"autometrics_value\"");
        let is_count = mine && !line.contains("_bucket{") && !line.contains("_sum{") && !line.contains("_count{");
        is_count.then(|| line.rsplit(' ').next()?.parse::<u64>().ok()).flatten()
    };
    text.lines().filter_map(calls).sum()
}

/// hotpath's worker looks for events every 50 ms: after two such times the last turn's are worked off. It takes 65,536 in one sweep, so
/// fewer do not make its queue grow.
const SWEPT: Drain = Drain { most: 32_000, work_off: || thread::sleep(Duration::from_millis(110)) };

/// Functions.
pub(super) fn timed() -> Vec<Contestant> {
    use Seen::{Ask, Hotpath};
    vec![
        Contestant::new("`hotpath::measure`", BARE, Hotpath("hotpath_value"), hotpath_value).drained(SWEPT),
        Contestant::new(AUTOMETRICS, BARE, Ask(autometrics_calls), autometrics_value),
    ]
}

/// Futures.
pub(super) fn asynchronous() -> Vec<Contestant> {
    use Seen::Hotpath;
    vec![
        Contestant::new("`hotpath::measure` `async fn`", BARE_ASYNC, Hotpath("hotpath_future"), poll_hotpath)
            .drained(SWEPT),
        Contestant::new(
            "`hotpath::measure` `async fn`, pending once",
            BARE_PENDING,
            Hotpath("hotpath_pending"),
            poll_hotpath_pending,
        )
        .drained(SWEPT),
    ]
}
