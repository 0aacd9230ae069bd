//! A growing array of pointers with one writer and any number of readers.

use crate::sync::{Acquire, AtomicPtr, AtomicUsize, IS_SMALL, Mutex, Relaxed, Release, leak, leak_all, lock};

/// 16: what a small program has call sites.
const SMALLEST: usize = if IS_SMALL { 1 } else { 16 };

/// Written by one thread at a time (its owner's, or under a lock); read by any. Entries appear once and stay.
pub(crate) struct Table<T: 'static> {
    /// `len` pointers. Published before `len`, so that a reader who saw a length sees an array of at least that length.
    entries: AtomicPtr<AtomicPtr<T>>,
    len: AtomicUsize,
    /// Arrays that were outgrown, which a reader may still walk. Together they are smaller than the current one.
    outgrown: Mutex<Vec<&'static [AtomicPtr<T>]>>,
}

impl<T> Table<T> {
    pub(crate) const fn new() -> Table<T> {
        Table {
            entries: AtomicPtr::new(std::ptr::null_mut()),
            len: AtomicUsize::new(0),
            outgrown: Mutex::new(Vec::new()),
        }
    }

    /// The entry at `index`, if it was made.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&'static T> {
        if index >= self.len.load(Acquire) {
            return None;
        }
        // SAFETY: an array of at least `len` entries was published before `len` was, and arrays are never freed.
        let entry = unsafe { &*self.entries.load(Acquire).add(index) };
        // SAFETY: an entry is null or a leaked value, published with release.
        unsafe { entry.load(Acquire).as_ref() }
    }

    /// Makes the entry at `index`. To be called by the table's one writer.
    #[cold]
    pub(crate) fn make(&self, index: usize, value: T) -> &'static T {
        if index >= self.len.load(Relaxed) {
            self.grow(index);
        }
        let value = leak(value);
        // SAFETY: as in `get`; `grow` has made room.
        let entry = unsafe { &*self.entries.load(Relaxed).add(index) };
        entry.store(std::ptr::from_ref(value).cast_mut(), Release);
        value
    }

    fn grow(&self, index: usize) {
        // Doubling keeps the outgrown arrays below the current one.
        let len = (index + 1).next_power_of_two().max(SMALLEST);
        let old_len = self.len.load(Relaxed);
        let larger: Vec<AtomicPtr<T>> = (0..len).map(|i| AtomicPtr::new(self.entry_or_null(i, old_len))).collect();
        let larger = leak_all(larger);
        lock(&self.outgrown).push(larger);
        self.entries.store(larger.as_ptr().cast_mut(), Release);
        self.len.store(len, Release);
    }

    fn entry_or_null(&self, index: usize, len: usize) -> *mut T {
        if index >= len {
            return std::ptr::null_mut();
        }
        // SAFETY: the current array has `len` entries.
        unsafe { &*self.entries.load(Relaxed).add(index) }.load(Relaxed)
    }

    /// Every entry that was made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> {
        (0..self.len.load(Acquire)).filter_map(|index| self.get(index))
    }
}
