//! What each process has for itself.

use crate::record::fork::Process;
use std::sync::OnceLock;

/// A value that belongs to the process that made it. A child of a fork has a copy of its parent's, does not use it, and may make its own.
///
/// No lock, which a fork might catch while another thread holds it.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    process: Process,
    value: T,
    /// The child's; each fork of a fork is one further.
    next: OnceLock<Box<PerProcess<T>>>,
}

impl<T> PerProcess<T> {
    pub(crate) fn new(value: T) -> PerProcess<T> {
        PerProcess { process: Process::current(), value, next: OnceLock::new() }
    }

    /// This process' own, if it has one.
    pub(crate) fn get(&self) -> Option<&T> {
        self.of(Process::current())
    }

    /// This process' own, which becomes this one where it has none. The second is whether it did.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> (&T, bool) {
        self.get_or_make_of(Process::current(), make)
    }

    fn of(&self, process: Process) -> Option<&T> {
        let mut each = self;
        while each.process != process {
            each = each.next.get()?;
        }
        Some(&each.value)
    }

    fn get_or_make_of(&self, process: Process, make: impl FnOnce() -> T) -> (&T, bool) {
        let mut each = self;
        while each.process != process {
            let Some(next) = each.next.get() else {
                let made = PerProcess { process, value: make(), next: OnceLock::new() };
                // Where another thread was quicker, its is the process' own.
                let is_ours = each.next.set(Box::new(made)).is_ok();
                return match each.next.get() {
                    Some(next) => (&next.value, is_ours),
                    None => (&each.value, false),
                };
            };
            each = next;
        }
        (&each.value, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_child_makes_its_own_and_leaves_its_parents_alone() {
        let child = |seconds| Process::forked(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let each = PerProcess::new(1);
        assert_eq!(each.get_or_make(|| 2), (&1, false), "the first is there");
        assert_eq!(each.of(child(5)), None);
        assert_eq!(each.get_or_make_of(child(5), || 2), (&2, true));
        assert_eq!(each.get_or_make_of(child(5), || 3), (&2, false));
        assert_eq!(each.get_or_make_of(child(9), || 4), (&4, true), "a child of the child");
        assert_eq!((each.get(), each.of(child(5))), (Some(&1), Some(&2)));
    }
}
