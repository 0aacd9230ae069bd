//! A series' labels: made once, and shared by every snapshot that shows the series.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::ptr;
use std::sync::{Arc, OnceLock};

/// A label's name and value. The value is unescaped and may be any text.
pub type Label = (Cow<'static, str>, Arc<str>);

/// Label names and values, in the order of the declaration. A clone shares them.
///
/// ```
/// use telemetry::snapshot::Labels;
///
/// let labels = Labels::from([("table", "flights"), ("day", "monday")]);
/// for (name, value) in &labels {
///     println!("{name}={value}");
/// }
/// assert_eq!(labels.len(), 2);
/// assert_eq!(&*labels[0].1, "flights");
/// ```
#[derive(Clone)]
pub struct Labels(Shared);

#[derive(Clone)]
enum Shared {
    /// Of a series that lives as long as the program: a snapshot of 100,000 of them touches no count of references.
    Kept(&'static Set),
    Counted(Arc<Set>),
}

struct Set {
    labels: Vec<Label>,
    /// What the first text format that wrote them made of them.
    written: OnceLock<Box<str>>,
}

impl Set {
    const fn new(labels: Vec<Label>) -> Set {
        Set { labels, written: OnceLock::new() }
    }
}

static NONE: Set = Set::new(Vec::new());

impl Labels {
    /// No labels.
    #[must_use]
    pub const fn none() -> Labels {
        Labels(Shared::Kept(&NONE))
    }

    /// Labels that are never freed, for series that never are. They lie beside each other in the order in which they are given, which is
    /// the one in which snapshots should walk them.
    pub(crate) fn kept(all: impl Iterator<Item = Vec<Label>>) -> impl Iterator<Item = Labels> {
        let sets: &'static [Set] = all.map(Set::new).collect::<Vec<_>>().leak();
        sets.iter().map(|set| Labels(Shared::Kept(set)))
    }

    fn set(&self) -> &Set {
        match &self.0 {
            Shared::Kept(set) => set,
            Shared::Counted(set) => set,
        }
    }

    /// What text formats make of these labels, made once. All that ask must write them alike.
    pub(crate) fn written(&self, write: impl FnOnce(&[Label]) -> String) -> &str {
        let set = self.set();
        set.written.get_or_init(|| crate::record::thread::uncounted(|_| write(&set.labels).into()))
    }
}

impl Deref for Labels {
    type Target = [Label];

    fn deref(&self) -> &[Label] {
        &self.set().labels
    }
}

impl From<Vec<Label>> for Labels {
    fn from(labels: Vec<Label>) -> Labels {
        if labels.is_empty() { Labels::none() } else { Labels(Shared::Counted(Arc::new(Set::new(labels)))) }
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Labels {
        labels.into_iter().collect::<Vec<_>>().into()
    }
}

impl<const N: usize> From<[(&'static str, &str); N]> for Labels {
    fn from(labels: [(&'static str, &str); N]) -> Labels {
        labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = &'a Label;
    type IntoIter = std::slice::Iter<'a, Label>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Default for Labels {
    fn default() -> Labels {
        Labels::none()
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Labels) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Labels {}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Labels) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Labels) -> Ordering {
        if ptr::eq(self.set(), other.set()) { Ordering::Equal } else { (**self).cmp(&**other) }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, value))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_equal_and_ordered_by_what_they_say() {
        let counted = |value| Labels::from([("a", value)]);
        let kept = Labels::kept([vec![("a".into(), "x".into())]].into_iter()).next().unwrap();
        assert_eq!(kept, counted("x"));
        assert!(kept < counted("y") && Labels::none() < kept);
        assert_eq!(Labels::from(Vec::new()), Labels::none());
        assert_eq!(format!("{kept:?}"), r#"{"a": "x"}"#);
    }

    #[test]
    fn clones_share_what_was_written() {
        let labels = Labels::from([("a", "x")]);
        assert_eq!(labels.clone().written(|labels| format!("{} label", labels.len())), "1 label");
        assert_eq!(labels.written(|_| unreachable!()), "1 label");
    }
}
