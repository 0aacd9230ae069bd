//! Collectors of the library itself: what is known elsewhere than in a family's series.

pub(crate) mod functions;
pub(crate) mod own;
#[cfg(feature = "system")]
pub(crate) mod process;
pub(crate) mod target;

use crate::job::collector::Jobs;
use crate::registry::Collector;
use std::sync::Arc;

/// The collectors that every registry begins with.
pub(crate) fn built_in() -> Vec<Arc<dyn Collector>> {
    vec![
        Arc::new(functions::Functions),
        Arc::new(own::Own),
        Arc::new(Jobs),
        #[cfg(feature = "system")]
        Arc::new(process::Process::new()),
    ]
}
