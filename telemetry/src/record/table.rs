//! A growing array of pointers with one writer and any number of readers.

use crate::sync::{Acquire, AtomicPtr, AtomicUsize, IS_SMALL, Mutex, Relaxed, Release, leak, leak_all, lock};
use std::mem::{self, MaybeUninit};
use std::ptr;

/// 16: what a small program has call sites.
const SMALLEST: usize = if IS_SMALL { 1 } else { 16 };

/// Written by one thread at a time (its owner's, or under a lock); read by any. Entries appear once and stay.
pub(crate) struct Table<T: 'static> {
    /// `len` pointers. Published before `len`, so that a reader who saw a length sees an array of at least that length.
    entries: AtomicPtr<AtomicPtr<T>>,
    len: AtomicUsize,
    /// Arrays that were outgrown, which a reader may still walk. Together they are smaller than the current one.
    outgrown: Mutex<Vec<&'static [AtomicPtr<T>]>>,
    room: Mutex<Room<T>>,
}

/// Room for the next values: values lie beside each other, so that who reads them all reads memory in its order.
struct Room<T: 'static> {
    made: usize,
    left: &'static mut [MaybeUninit<T>],
}

/// The most bytes of room that are made at once: a page.
const MOST_ROOM: usize = 4_096;

impl<T> Room<T> {
    fn put(&mut self, value: T) -> &'static T {
        // A quarter of what is there, so that at most that much is made in vain.
        let count = (self.made / 4).clamp(1, (MOST_ROOM / size_of::<T>().max(1)).max(1));
        self.made += 1;
        match mem::take(&mut self.left).split_first_mut() {
            Some((first, left)) => {
                self.left = left;
                first.write(value)
            }
            None if count == 1 => Box::leak(Box::new(value)),
            None => {
                let room = Box::leak(Box::<[T]>::new_uninit_slice(count));
                let (first, left) = room.split_at_mut(1);
                self.left = left;
                first[0].write(value)
            }
        }
    }
}

impl<T> Table<T> {
    pub(crate) const fn new() -> Table<T> {
        Table {
            entries: AtomicPtr::new(ptr::null_mut()),
            len: AtomicUsize::new(0),
            outgrown: Mutex::new(Vec::new()),
            room: Mutex::new(Room { made: 0, left: &mut [] }),
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
        // A model checker has to know of each.
        let value = if IS_SMALL { leak(value) } else { lock(&self.room).put(value) };
        // SAFETY: as in `get`; `grow` has made room.
        let entry = unsafe { &*self.entries.load(Relaxed).add(index) };
        entry.store(ptr::from_ref(value).cast_mut(), Release);
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
            return ptr::null_mut();
        }
        // SAFETY: the current array has `len` entries.
        unsafe { &*self.entries.load(Relaxed).add(index) }.load(Relaxed)
    }

    /// Every entry that was made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> {
        (0..self.len.load(Acquire)).filter_map(|index| self.get(index))
    }
}
