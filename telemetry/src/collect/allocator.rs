//! What the tracking allocator counts, in the whole program.

use crate::builtin::allocator as families;
use crate::metric::Descriptor;
use crate::record::shard::TRACKING;
use crate::record::thread;
use crate::registry::{Collection, Collector};
use crate::sync::Relaxed;

pub(crate) struct Allocator;

impl Collector for Allocator {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        if !TRACKING.load(Relaxed) {
            return;
        }
        let all = thread::allocator_totals();
        out.counter(&families::allocator_allocated_bytes_total::DESCRIPTOR, &[], all.bytes);
        out.counter(&families::allocator_allocations_total::DESCRIPTOR, &[], all.allocations);
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory fit")]
        out.gauge(&families::allocator_live_bytes::DESCRIPTOR, &[], all.live_bytes.max(0) as f64);
    }
}
