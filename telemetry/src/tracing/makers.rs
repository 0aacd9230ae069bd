//! The makers of spans that calls ask: ours among them, and others that spans of `tracing` are shown to.

use super::maker::MAKER;
use crate::record::span::{self, Spans};
use std::ptr;

/// Has measured calls ask our maker, after others: what they made of a call is there when a subscriber is told of it. Says whether they do.
pub(super) fn install() -> bool {
    span::add_last_maker(&MAKER)
}

/// The makers that calls ask, but for ours: what is a span of `tracing` already does not become one again.
pub(super) fn others() -> Vec<&'static dyn Spans> {
    let all = span::makers().map(|(_, maker)| maker);
    #[cfg(test)]
    let all = { all.chain(super::tests::MADE_UP.with_borrow(Clone::clone)) };
    all.filter(|maker| !ptr::addr_eq(ptr::from_ref(*maker), ptr::from_ref(&MAKER))).collect()
}
