//! Who takes part: the same function, bare and wrapped.
//!
//! The function is four dependent steps of xor, shift and multiply, some 7 ns. Each wrapper is its own function that is never inlined. What
//! counts without timing takes part a second time, with an empty function: it would hide behind the other.

mod attributes;
mod by_hand;
mod floor;
mod ours;
mod spans;

use crate::contestant::{Contestant, Seen};
pub use spans::subscribe;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// The names that the tables and the bars refer to.
pub mod names {
    /// The function by itself.
    pub const BARE: &str = "bare function";
    /// The function by itself, returning a `Result`.
    pub const BARE_RESULT: &str = "bare function, `Result`";
    /// The function by itself, asynchronous.
    pub const BARE_ASYNC: &str = "bare `async fn`, ready at once";
    /// The same, which waits for one poll.
    pub const BARE_PENDING: &str = "bare `async fn`, pending once";
    /// A function that does nothing.
    pub const EMPTY: &str = "empty function";
    /// What all others are compared with.
    #[cfg(target_arch = "x86_64")]
    pub const FLOOR: &str = "two reads of the time-stamp counter";
    /// What all others are compared with.
    #[cfg(not(target_arch = "x86_64"))]
    pub const FLOOR: &str = INSTANTS;
    /// The standard library's clock.
    pub const INSTANTS: &str = "two `Instant::now`";
    /// Ours.
    pub const MEASURED: &str = "**`#[measured]`**";
    /// Ours.
    pub const MEASURED_RESULT: &str = "**`#[measured]`, `Result`**";
    /// Ours.
    pub const COUNTED: &str = "**`#[measured(count)]`**";
    /// Ours.
    pub const ASYNC: &str = "**`#[measured]` `async fn`**";
    /// Ours.
    pub const PENDING: &str = "**`#[measured]` `async fn`, pending once**";
    /// Ours.
    pub const COUNTER: &str = "**`metric!` counter, handle kept**";
    /// Ours.
    pub const CLOSED: &str = "**`metric!` counter, two enum labels**";
    /// Ours.
    pub const LABELS: &str = "**`metric!` counter, two `&str` labels looked up**";
    /// Ours.
    pub const HISTOGRAM: &str = "**`metric!` histogram, 12 bounds, handle kept**";
}
use names::{BARE, BARE_ASYNC, BARE_PENDING, BARE_RESULT, EMPTY};

/// `black_box` at both ends, or the compiler moves the work, which has no effect but its result, behind the wrapper's second reading
/// of the clock.
#[inline(always)]
pub(crate) fn work(x: u64) -> u64 {
    let mut x = black_box(x);
    for _ in 0..4 {
        x ^= x << 13;
        x ^= x >> 7;
        x = x.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    black_box(x)
}

/// The bounds of every histogram, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Labels out of a closed set, for those who know such.
#[derive(Clone, Copy, Debug, PartialEq, telemetry::Label, measured::FixedCardinalityLabel)]
enum Source {
    Flights,
    Airports,
    Planes,
    Weather,
}

#[derive(Clone, Copy, Debug, PartialEq, telemetry::Label, measured::FixedCardinalityLabel)]
enum Code {
    Done,
    Missing,
    Failed,
}

#[inline(never)]
fn bare(x: u64) -> u64 {
    work(x)
}

#[inline(never)]
fn empty(x: u64) -> u64 {
    black_box(x)
}

#[inline(never)]
fn bare_result(x: u64) -> Result<u64, String> {
    Ok(work(x))
}

// ---- asynchronous -------------------------------------------------------------------------------------------------

/// A future that is pending at its first poll.
#[derive(Debug, Default)]
struct PendingOnce {
    was_polled: bool,
}

impl Future for PendingOnce {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.was_polled, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

async fn bare_future(x: u64) -> u64 {
    work(x)
}

async fn bare_pending(x: u64) -> u64 {
    PendingOnce::default().await;
    work(x)
}

/// An executor that never waits.
#[inline(always)]
fn poll_to_end<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

#[inline(never)]
fn poll_bare(x: u64) -> u64 {
    poll_to_end(bare_future(x))
}

#[inline(never)]
fn poll_bare_pending(x: u64) -> u64 {
    poll_to_end(bare_pending(x))
}

// ---- the lists ----------------------------------------------------------------------------------------------------

/// Starts what the contestants have on other threads. To be called once, before the calling thread is kept on one processor.
pub fn start() {
    by_hand::start();
    spans::start();
}

/// Who runs before there is a subscriber: once there is one, "no subscriber" cannot be had again.
#[must_use]
pub fn without_subscriber() -> &'static [Contestant] {
    Vec::leak(vec![Contestant::new(BARE, BARE, Seen::Nothing, bare), spans::unheard()])
}

/// Everybody else.
#[must_use]
pub fn all() -> &'static [Contestant] {
    use Seen::Nothing;
    let mut all = vec![Contestant::new(BARE, BARE, Nothing, bare)];
    all.extend(floor::timed());
    all.push(Contestant::new(BARE_RESULT, BARE_RESULT, Nothing, |x| bare_result(x).unwrap_or(0)));
    all.extend(ours::timed());
    all.extend(attributes::timed());
    all.extend(spans::timed());
    all.extend(by_hand::timed());
    all.push(Contestant::new(BARE_ASYNC, BARE_ASYNC, Nothing, poll_bare));
    all.push(Contestant::new(BARE_PENDING, BARE_PENDING, Nothing, poll_bare_pending));
    all.extend(ours::asynchronous());
    all.extend(attributes::asynchronous());
    all.extend(spans::asynchronous());
    all.push(Contestant::new(EMPTY, EMPTY, Nothing, empty));
    all.extend(ours::instruments());
    all.extend(floor::instruments());
    all.extend(by_hand::instruments());
    Vec::leak(all)
}
