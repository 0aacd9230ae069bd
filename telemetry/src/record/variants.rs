//! What a call site keeps one of for each label set: found without a lock, added under one, and never more than allowed.

use crate::metric::{LabelArg, LabelOwned};
use crate::record::thread;
use crate::sync::{Acquire, AtomicPtr, AtomicU64, IS_SMALL, Mutex, OnceLock, Relaxed, Release, leak, lock};

/// 64 chains: a labelled function has tens of label sets, so that most chains hold one, and 2,000 make chains of some 30.
const CHAINS: usize = if IS_SMALL { 2 } else { 64 };

/// A value for each label set. Never freed: call sites live as long as the program.
pub(crate) struct Variants<T: 'static> {
    /// Made with the first value: most call sites have none.
    chains: OnceLock<Box<[AtomicPtr<Variant<T>>; CHAINS]>>,
    /// How many there are, the overflow not counted.
    grows: Mutex<usize>,
    overflow: OnceLock<Variant<T>>,
}

/// How many lookups ended in an overflow, whosever.
static CAPPED: AtomicU64 = AtomicU64::new(0);

pub(crate) fn capped() -> u64 {
    CAPPED.load(Relaxed)
}

/// A label set and what is kept for it.
pub(crate) struct Variant<T: 'static> {
    hash: u64,
    /// Empty in the one that stands for all that were too many.
    pub(crate) labels: Box<[LabelOwned]>,
    pub(crate) value: T,
    /// Does not change after the variant was published.
    next: Option<&'static Variant<T>>,
}

impl<T> Variants<T> {
    pub(crate) const fn new() -> Variants<T> {
        Variants { chains: OnceLock::new(), grows: Mutex::new(0), overflow: OnceLock::new() }
    }

    /// The variant with these label values, made where it is new. Beyond `max` of them, the one that stands for all others.
    #[inline]
    pub(crate) fn of(
        &'static self,
        labels: &[LabelArg<'_>],
        max: usize,
        make: impl FnOnce(&[LabelOwned]) -> T,
    ) -> &'static Variant<T> {
        let hash = labels.iter().fold(1, |seed, label| label.hash(seed));
        match self.find(hash, labels) {
            Some(variant) => variant,
            None => thread::uncounted(|_| self.add(hash, labels, max, make)),
        }
    }

    fn find(&self, hash: u64, labels: &[LabelArg<'_>]) -> Option<&'static Variant<T>> {
        let mut next = first(self.chains.get()?, hash);
        while let Some(variant) = next {
            let same = |(label, kept): (&LabelArg<'_>, &LabelOwned)| label.equals(kept);
            if variant.hash == hash && labels.iter().zip(&variant.labels).all(same) {
                return Some(variant);
            }
            next = variant.next;
        }
        None
    }

    #[cold]
    fn add(
        &'static self,
        hash: u64,
        labels: &[LabelArg<'_>],
        max: usize,
        make: impl FnOnce(&[LabelOwned]) -> T,
    ) -> &'static Variant<T> {
        let mut count = lock(&self.grows);
        if let Some(variant) = self.find(hash, labels) {
            return variant; // another thread was faster
        }
        if *count >= max {
            CAPPED.fetch_add(1, Relaxed);
            let none = || Variant { hash: 0, labels: Box::default(), value: make(&[]), next: None };
            return self.overflow.get_or_init(none);
        }
        *count += 1;
        let chains = self.chains.get_or_init(|| Box::new([const { AtomicPtr::new(std::ptr::null_mut()) }; CHAINS]));
        let labels: Box<[LabelOwned]> = labels.iter().map(|label| label.keep()).collect();
        let value = make(&labels);
        let variant = leak(Variant { hash, labels, value, next: first(chains, hash) });
        chain(chains, hash).store(std::ptr::from_ref(variant).cast_mut(), Release);
        variant
    }

    /// Every variant, in no order; the one that stands for what was too many last.
    pub(crate) fn all(&'static self) -> Vec<&'static Variant<T>> {
        let mut all = Vec::new();
        for chain in self.chains.get().into_iter().flat_map(|chains| chains.iter()) {
            let mut next = head(chain);
            while let Some(variant) = next {
                all.push(variant);
                next = variant.next;
            }
        }
        all.extend(self.overflow.get());
        all
    }
}

fn chain<T>(chains: &[AtomicPtr<Variant<T>>; CHAINS], hash: u64) -> &AtomicPtr<Variant<T>> {
    #[expect(clippy::cast_possible_truncation, reason = "below the number of chains")]
    let index = (hash % CHAINS as u64) as usize;
    &chains[index]
}

fn first<T>(chains: &[AtomicPtr<Variant<T>>; CHAINS], hash: u64) -> Option<&'static Variant<T>> {
    head(chain(chains, hash))
}

fn head<T>(chain: &AtomicPtr<Variant<T>>) -> Option<&'static Variant<T>> {
    // SAFETY: null, or a leaked variant that was published with release.
    unsafe { chain.load(Acquire).as_ref() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leak() -> &'static Variants<usize> {
        Box::leak(Box::new(Variants::new()))
    }

    #[test]
    fn a_label_set_is_found_again_and_others_are_apart() {
        let variants = leak();
        for round in 0..2 {
            for index in 0..200u64 {
                let labels = [LabelArg::Unsigned(index), LabelArg::Str("x")];
                let value = variants.of(&labels, 1_000, |_| usize::try_from(index).unwrap()).value;
                assert_eq!(value as u64, index, "round {round}");
            }
        }
        assert_eq!(variants.all().len(), 200);
    }

    #[test]
    fn what_is_too_many_shares_one() {
        let variants = leak();
        for index in 0..10u64 {
            variants.of(&[LabelArg::Unsigned(index)], 3, |labels| labels.len());
        }
        let all = variants.all();
        assert_eq!(all.iter().map(|variant| variant.value).collect::<Vec<_>>()[3..], [0], "the overflow has no labels");
        assert_eq!((all.len(), capped()), (4, 7));
    }

    #[test]
    fn threads_that_meet_make_one() {
        let variants = leak();
        let made = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for index in 0..100u64 {
                        variants.of(&[LabelArg::Unsigned(index)], 1_000, |_| {
                            made.fetch_add(1, Relaxed);
                            0
                        });
                    }
                });
            }
        });
        assert_eq!(made.load(Relaxed), 100);
    }
}
