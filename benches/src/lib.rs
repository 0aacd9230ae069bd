//! What a call, a series and a scrape cost.
//!
//! Two kinds of benches stand here:
//!
//! - `benches/record.rs` and `benches/scrape.rs` time our own paths with criterion, one at a time, to see whether a change made one
//!   dearer: `cargo bench -p telemetry-benches`.
//! - `peers/`, a workspace of its own, runs ours and other crates on the same function in one process, in turns, so that the figures can
//!   be compared: `ci/long/peers.sh`. Its tables are `RESULTS.md`.
//!
//! This library holds what both benches of the first kind need.

use std::hint::black_box;

/// What is measured: four dependent steps of xor, shift and multiply, some 7 ns. The same as the peers' function.
///
/// `black_box` at both ends, or the compiler moves the work, which has no effect but its result, behind the second reading of the clock.
#[inline(always)]
#[must_use]
pub fn work(x: u64) -> u64 {
    let mut x = black_box(x);
    for _ in 0..4 {
        x ^= x << 13;
        x ^= x >> 7;
        x = x.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    black_box(x)
}

/// [`work`] in a function of its own, which is never inlined: what a measured call is compared with.
#[inline(never)]
#[must_use]
pub fn bare(x: u64) -> u64 {
    work(x)
}
