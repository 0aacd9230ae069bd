//! Which job the calling thread is working for.

use crate::job::Job;
use std::cell::RefCell;

thread_local! {
    static CURRENT: RefCell<Option<Job>> = const { RefCell::new(None) };
}

/// The job whose function, or whose future's poll, is running on this thread; the innermost one.
pub(crate) fn get() -> Option<Job> {
    // Fails where the thread is ending, and never finds the cell borrowed: nothing is called while it is.
    CURRENT.try_with(|current| current.try_borrow().ok().and_then(|job| job.clone())).ok().flatten()
}

/// Puts `job` in the place of the current one, which is then in `job`. Done twice, nothing has changed.
pub(crate) fn exchange(job: &mut Option<Job>) {
    let _ = CURRENT.try_with(|current| {
        if let Ok(mut current) = current.try_borrow_mut() {
            std::mem::swap(&mut *current, job);
        }
    });
}
