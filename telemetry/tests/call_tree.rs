//! Who called whom, as a program with the usual overhead budget sees it.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use telemetry::alloc::Tracking;
use telemetry::measured;
use telemetry::snapshot::{CallNode, Snapshot};

#[global_allocator]
static ALLOCATOR: Tracking = Tracking::system();

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[measured]
fn leaf(time: Duration) -> Vec<u8> {
    spin(time);
    black_box(vec![0; 1_000])
}

#[measured]
fn often() {
    for _ in 0..3 {
        leaf(Duration::from_micros(4));
    }
}

#[measured]
fn seldom() {
    leaf(Duration::from_micros(4));
}

#[measured]
fn root(rounds: usize) {
    for _ in 0..rounds {
        often();
        seldom();
    }
}

/// The nodes of a function, each with its callers' names, the nearest first.
fn nodes<'a>(snapshot: &'a Snapshot, function: &str) -> Vec<(Vec<&'a str>, &'a CallNode)> {
    let callers = |node: &'a CallNode| {
        let next = |node: &&'a CallNode| node.caller.map(|caller| &snapshot.call_tree[caller]);
        std::iter::successors(Some(node), next).skip(1).map(|node| &*node.function).collect()
    };
    let nodes = snapshot.call_tree.iter().filter(|node| &*node.function == function);
    nodes.map(|node| (callers(node), node)).collect()
}

fn by_caller<'a>(snapshot: &'a Snapshot, function: &str, caller: &str) -> &'a CallNode {
    let nodes = nodes(snapshot, function);
    let found = nodes.into_iter().find(|(callers, _)| callers.first() == Some(&caller));
    found.unwrap_or_else(|| panic!("{function} by {caller}: {:?}", snapshot.call_tree)).1
}

fn about(estimate: f64, truth: f64, share: f64) {
    assert!((estimate - truth).abs() <= truth * share, "{estimate} is not {truth}");
}

#[test]
fn what_a_function_took_is_shared_among_its_callers() {
    const ROUNDS: u32 = 5_000;
    root(ROUNDS as usize);
    let snapshot = telemetry::snapshot();
    let total = |family: &str| snapshot.sum(family, &[("function", "leaf")]);
    let (three, one) = (by_caller(&snapshot, "leaf", "often"), by_caller(&snapshot, "leaf", "seldom"));
    assert_eq!(nodes(&snapshot, "leaf").len(), 2, "{:?}", snapshot.call_tree);
    assert_eq!(nodes(&snapshot, "leaf")[0].0[1..], ["root"]);
    // Exact in sum.
    about(three.self_seconds + one.self_seconds, total("function_self_seconds_total"), 1e-6);
    about(three.visits + one.visits, f64::from(4 * ROUNDS), 1e-6);
    let bytes = three.self_allocated_bytes.unwrap() + one.self_allocated_bytes.unwrap();
    about(bytes, total("function_self_allocated_bytes_total"), 1e-6);
    if let (Some(three), Some(one)) = (three.cpu_seconds, one.cpu_seconds) {
        about(three + one, total("function_cpu_seconds_total"), 1e-6);
    }
    // Of 20,000 calls some one in 20 is read: three quarters of a thousand have a standard error of 1.8 %. Twelve of them are allowed for.
    about(three.visits, f64::from(3 * ROUNDS), 0.22);
    about(three.self_allocated_bytes.unwrap(), 3_000.0 * f64::from(ROUNDS), 0.22);
}

#[measured]
fn down(levels: u32) {
    spin(Duration::from_micros(20));
    if levels > 0 {
        down(levels - 1);
    } else {
        bottom();
    }
}

#[measured]
fn bottom() {
    spin(Duration::from_micros(50));
}

#[test]
fn a_recursion_has_one_node_and_what_it_calls_is_below_it() {
    for _ in 0..20 {
        down(10);
    }
    let snapshot = telemetry::snapshot();
    let down = nodes(&snapshot, "down");
    assert_eq!(down.len(), 1, "{down:?}");
    about(down[0].1.self_seconds, snapshot.sum("function_self_seconds_total", &[("function", "down")]), 1e-6);
    assert_eq!(nodes(&snapshot, "bottom")[0].0, ["down"]);
}

#[measured]
async fn outer() {
    inner().await;
    inner().await;
}

#[measured]
async fn inner() {
    let mut is_first = true;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        spin(Duration::from_micros(30));
        if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

#[test]
fn a_future_is_below_the_one_that_awaits_it_in_each_poll() {
    for _ in 0..50 {
        let mut future = pin!(outer());
        while future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
    }
    let snapshot = telemetry::snapshot();
    let inner = nodes(&snapshot, "inner");
    assert_eq!(inner.len(), 1, "{inner:?}");
    assert_eq!(inner[0].0, ["outer"]);
    about(inner[0].1.visits, 200.0, 1e-6);
}

#[measured]
fn on_a_thread() {
    spin(Duration::from_micros(100));
}

#[test]
fn threads_that_ended_are_in_it() {
    for _ in 0..4 {
        std::thread::spawn(on_a_thread).join().unwrap();
    }
    let snapshot = telemetry::snapshot();
    let nodes = nodes(&snapshot, "on_a_thread");
    assert_eq!(nodes.len(), 1);
    about(nodes[0].1.visits, 4.0, 1e-6);
}

#[measured]
fn panics() {
    below_a_panic();
    panic!("meant");
}

#[measured]
fn below_a_panic() {}

#[measured]
fn after_a_panic() {}

#[test]
fn a_panic_leaves_the_way_as_it_was() {
    let panicked = std::thread::spawn(|| {
        let caught = std::panic::catch_unwind(panics);
        after_a_panic();
        caught.is_err()
    });
    assert!(panicked.join().unwrap());
    let snapshot = telemetry::snapshot();
    assert_eq!(nodes(&snapshot, "below_a_panic")[0].0, ["panics"]);
    assert_eq!(nodes(&snapshot, "after_a_panic")[0].0, Vec::<&str>::new());
}
