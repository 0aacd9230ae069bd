//! Which functions the spans of others are: one for each place in a program that makes spans, up to a number.

use crate::metric::LabelArg;
use crate::record::CallSite;
use crate::record::variants::Variants;
use crate::sync::{AtomicUsize, Relaxed};
use std::ptr;
use tracing_core::Metadata;

/// 1,000: a large service and its dependencies have some hundreds of places that make spans, and each function has some 100 series.
const MOST: usize = 1_000;

/// What spans are called whose places were too many.
const OTHER: &str = "_OTHER";

/// By the address of a span's metadata, of which each place in the source has its own.
pub(super) struct Sites {
    known: Variants<Option<CallSite>>,
    most: usize,
    /// How many of the known are measured calls already.
    ours: AtomicUsize,
}

/// Of the program.
pub(super) static SITES: Sites = Sites::new(MOST);

impl Sites {
    pub(super) const fn new(most: usize) -> Sites {
        Sites { known: Variants::new(), most, ours: AtomicUsize::new(0) }
    }

    /// The function that a span is; none where it is a measured call already.
    pub(super) fn of(&'static self, span: &'static Metadata<'static>) -> Option<&'static CallSite> {
        let most = self.most.saturating_add(self.ours.load(Relaxed));
        let site = self.known.of(&[key(span)], most, |kept| Some(function(span, kept.is_empty())));
        site.value.as_ref()
    }

    /// A span is a measured call.
    pub(super) fn is_ours(&'static self, span: &'static Metadata<'static>) {
        self.ours.fetch_add(1, Relaxed);
        self.known.of(&[key(span)], usize::MAX, |_| None);
    }
}

fn key(span: &'static Metadata<'static>) -> LabelArg<'static> {
    LabelArg::Unsigned(ptr::from_ref(span).addr() as u64)
}

/// The path of the function is its target and name: other than that of a function which is measured besides, as one with both attributes is.
fn function(span: &'static Metadata<'static>, is_other: bool) -> CallSite {
    if is_other {
        return CallSite::new(OTHER, || "", "tracing", "", 0);
    }
    let name = match span.target() {
        "" => span.name(),
        target => format!("{target}::{}", span.name()).leak(),
    };
    CallSite::new(name, || "", span.target(), span.file().unwrap_or_default(), span.line().unwrap_or_default())
}
