//! Collectors of the library itself: what is known elsewhere than in a family's series.

pub(crate) mod allocator;
mod call_tree; // who called whom
#[cfg(feature = "system")]
pub(crate) mod cgroup;
pub(crate) mod functions;
#[cfg(feature = "otel")]
pub mod otel;
pub(crate) mod own;
#[cfg(feature = "system")]
pub(crate) mod process;
pub(crate) mod sampler;
pub(crate) mod target;
#[cfg(feature = "tokio")]
pub mod tokio;

use crate::job::collector::Jobs;
use crate::registry::Collector;
use std::sync::Arc;

/// The collectors that every registry begins with.
pub(crate) fn built_in() -> Vec<Arc<dyn Collector>> {
    vec![
        Arc::new(functions::Functions),
        Arc::new(own::Own),
        Arc::new(allocator::Allocator),
        Arc::new(Jobs),
        #[cfg(feature = "system")]
        Arc::new(process::Process),
        #[cfg(feature = "system")]
        Arc::new(cgroup::Limits),
        #[cfg(feature = "tokio")]
        Arc::new(tokio::Runtimes),
        #[cfg(all(feature = "tokio", tokio_unstable))]
        Arc::new(tokio::unstable::Described),
    ]
}
