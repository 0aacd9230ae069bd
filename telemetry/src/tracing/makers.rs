//! The makers of spans that calls ask: ours among them, and others that spans of `tracing` are shown to.

use super::maker::MAKER;
use crate::record::span::Spans;
use std::ptr;

/// Has measured calls ask our maker. The one place that does: with `record::span::add_maker(&MAKER)`, once calls ask at all.
pub(super) fn install() {
    let _maker: &'static dyn Spans = &MAKER;
}

/// The makers that calls ask, but for ours: what is a span of `tracing` already does not become one again. The one place that knows them: with
/// the list in `record::span`, once there is one.
pub(super) fn others() -> Vec<&'static dyn Spans> {
    let all: Vec<&'static dyn Spans> = Vec::new();
    #[cfg(test)]
    let all = { all.into_iter().chain(super::tests::MADE_UP.with_borrow(Clone::clone)).collect::<Vec<_>>() };
    all.into_iter().filter(|maker| !ptr::addr_eq(ptr::from_ref(*maker), ptr::from_ref(&MAKER))).collect()
}
