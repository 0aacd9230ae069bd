//! What stands in for atomics, locks and thread locals while a model checker runs the code (`--cfg loom`).
//!
//! loom's own cannot be made in a constant, and live for one execution of a model, of which there are thousands; our statics live for all of
//! them. So these hold no more than their first value, and meet one of loom's at their first use in an execution:
//!
//! - An **atomic** takes one of a pool that the model's first thread made before there was another. It keeps the difference to the first
//!   value, so that the pool's zeros serve all.
//! - A **lock** gives its value anew to each execution, as it was in the constant, which owned nothing then.
//! - A **thread local** is kept by loom's number of the thread, and destroyed, where it has a destructor, by [`spawn`] at the thread's end.
//! - What is **leaked** ([`leak`]) is a place that its maker wrote to; who loads a pointer to it must come after that, else the model fails: it
//!   was published without `Release`, or read without `Acquire`.
//!
//! All threads of a model run on one thread of the system, which changes between them at operations on loom's objects alone. So the
//! plain cells below are not raced for.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{BTreeMap, HashMap};
use std::mem::{ManuallyDrop, MaybeUninit, needs_drop};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::sync::{LockResult, TryLockError, TryLockResult};

pub(crate) use loom::hint::spin_loop;
use loom::sync::Condvar;
use loom::sync::atomic::AtomicU64 as Checked;
pub(crate) use loom::sync::atomic::fence;

/// What the objects of one execution of a model are.
#[derive(Default)]
struct Execution {
    /// Tells executions apart. 0 is none.
    number: u64,
    /// Each with what nobody waits for: see [`Bits::load`].
    pool: Vec<(Checked, Condvar)>,
    taken: usize,
    #[expect(clippy::vec_box, reason = "they stay where they are while the list grows")]
    locks: Vec<Box<loom::sync::Mutex<()>>>,
    /// By address: the length, and whose making is to come before any use.
    leaked: BTreeMap<usize, (usize, Box<loom::cell::UnsafeCell<()>>)>,
    locals: HashMap<(loom::thread::ThreadId, usize), Local>,
    /// Thread locals with a destructor, in the order in which they were made.
    to_drop: Vec<(loom::thread::ThreadId, usize)>,
}

enum Local {
    Alive(*mut (), unsafe fn(*mut ())),
    Destroyed,
}

std::thread_local!(static EXECUTION: RefCell<Execution> = RefCell::default());

/// So many atomics an execution may use beyond what any before it used: a few KiB each in loom, made thousands of times.
const SLACK: usize = 32;
const FIRST_POOL: usize = 2_000;

/// Checks a model: runs it in each order of its threads, and with each value that a load may give. Where preemptions are bounded, by so many
/// fewer.
pub(crate) fn check(fewer: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.map(|bound| bound.saturating_sub(fewer));
    // A snapshot alone is some hundred operations.
    builder.max_branches = 20_000;
    let executions = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = executions.clone();
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        begin();
        model();
    });
    println!("{} executions", executions.load(Ordering::Relaxed));
}

fn begin() {
    EXECUTION.with_borrow_mut(|execution| {
        let size = if execution.number == 0 { FIRST_POOL } else { execution.most().max(execution.taken) + SLACK };
        let number = execution.number + 1;
        let pool = (0..size).map(|_| (Checked::new(0), Condvar::new())).collect();
        *execution = Execution { number, pool, ..Execution::default() };
    });
}

impl Execution {
    /// How many atomics an execution has used at most, as told by the size of the pool that followed.
    fn most(&self) -> usize {
        if self.number == 1 { 0 } else { self.pool.len() - SLACK }
    }
}

/// A thread of a model. Destroys the thread's locals before it has ended, as a thread of the standard library does.
pub(crate) fn spawn<T: 'static>(work: impl FnOnce() -> T + 'static) -> loom::thread::JoinHandle<T> {
    loom::thread::spawn(|| {
        let result = work();
        end_of_thread();
        result
    })
}

/// Destroys the thread's locals, the latest first, those included that destructors make.
fn end_of_thread() {
    let thread = loom::thread::current().id();
    loop {
        let next = EXECUTION.with_borrow_mut(|execution| {
            let at = execution.to_drop.iter().rposition(|(owner, _)| *owner == thread)?;
            let key = execution.to_drop.remove(at);
            execution.locals.insert(key, Local::Destroyed)
        });
        let Some(Local::Alive(value, drop)) = next else { return };
        // SAFETY: made by `LocalKey::get` for this thread, which is its only user, and taken out of the map.
        unsafe { drop(value) };
    }
}

// ---- atomics ------------------------------------------------------------------------------------------------------

/// 64 bits as loom has them, less what they were at first.
struct Bits {
    first: u64,
    met: Cell<Met>,
}

/// What is known of an atomic in an execution.
#[derive(Clone, Copy)]
struct Met {
    execution: u64,
    /// In the pool.
    place: usize,
    writer: Writer,
    last: u64,
}

#[derive(Clone, Copy)]
enum Writer {
    None,
    One(loom::thread::ThreadId),
    Several,
}

impl Bits {
    const fn new(first: u64) -> Bits {
        Bits { first, met: Cell::new(Met { execution: 0, place: 0, writer: Writer::None, last: 0 }) }
    }

    fn met(&self) -> Met {
        EXECUTION.with_borrow_mut(|execution| {
            if self.met.get().execution != execution.number {
                let met = Met { execution: execution.number, place: execution.taken, writer: Writer::None, last: 0 };
                self.met.set(met);
                execution.taken += 1;
            }
        });
        self.met.get()
    }

    fn checked(&self) -> &(Checked, Condvar) {
        let place = self.met().place;
        let checked: *const (Checked, Condvar) = EXECUTION.with_borrow_mut(|execution| {
            let checked = execution.pool.get(place);
            std::ptr::from_ref(checked.expect("this execution uses many more atomics than those before: raise `SLACK`"))
        });
        // SAFETY: the pool neither grows nor goes before the execution has ended.
        unsafe { &*checked }
    }

    fn load(&self, order: Ordering) -> u64 {
        let met = self.met();
        if let Writer::One(writer) = met.writer
            && writer == loom::thread::current().id()
        {
            // What a thread alone writes it finds as it left it: nothing to try out. (So what another thread writes later is to be read by a third:
            // a model's first thread has what comes before done by one that ends.)
            return met.last;
        }
        let (checked, seen) = self.checked();
        // loom holds a load against the last store alone, and a store against the last access of all: it would not try this load after a store that
        // another thread makes after a load of its own. Nobody waits for this; it makes any two loads a pair whose order matters.
        seen.notify_one();
        self.first.wrapping_add(checked.load(order))
    }

    fn store(&self, value: u64, order: Ordering) {
        self.writes(value);
        self.checked().0.store(value.wrapping_sub(self.first), order);
    }

    /// Notes who writes what, just before that is done.
    fn writes(&self, value: u64) {
        let met = self.met();
        let thread = loom::thread::current().id();
        let writer = match met.writer {
            Writer::None => Writer::One(thread),
            Writer::One(writer) if writer == thread => met.writer,
            Writer::One(_) | Writer::Several => Writer::Several,
        };
        self.met.set(Met { writer, last: value, ..met });
    }

    fn update(&self, set: Ordering, fetch: Ordering, f: impl FnMut(u64) -> Option<u64>) -> Result<u64, u64> {
        let mut f = f;
        let mut now = self.load(fetch);
        while let Some(next) = f(now) {
            match self.exchange(now, next, set, fetch) {
                Ok(old) => return Ok(old),
                Err(other) => now = other,
            }
        }
        Err(now)
    }

    fn exchange(&self, current: u64, new: u64, set: Ordering, fetch: Ordering) -> Result<u64, u64> {
        self.writes_by_several();
        let less = |value: u64| value.wrapping_sub(self.first);
        let first = |now: u64| self.first.wrapping_add(now);
        self.checked().0.compare_exchange(less(current), less(new), set, fetch).map(first).map_err(first)
    }

    fn add(&self, n: u64, order: Ordering) -> u64 {
        self.writes_by_several();
        self.first.wrapping_add(self.checked().0.fetch_add(n, order))
    }

    /// Read-modify-writes are for what several threads write.
    fn writes_by_several(&self) {
        self.met.set(Met { writer: Writer::Several, ..self.met() });
    }
}

macro_rules! atomics {
    ($($name:ident $type:ty;)*) => {$(
        pub(crate) struct $name(Bits);

        // SAFETY: see the head of this file.
        unsafe impl Sync for $name {}
        // SAFETY: as above.
        unsafe impl Send for $name {}

        #[allow(dead_code, clippy::allow_attributes, reason = "each has the methods of all")]
        #[allow(clippy::cast_sign_loss, clippy::cast_lossless, clippy::cast_possible_truncation, reason = "back and forth")]
        #[allow(trivial_numeric_casts, clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "one of them is u64")]
        impl $name {
            pub(crate) const fn new(first: $type) -> $name {
                $name(Bits::new(first as u64))
            }

            pub(crate) fn load(&self, order: Ordering) -> $type {
                self.0.load(order) as $type
            }

            pub(crate) fn store(&self, value: $type, order: Ordering) {
                self.0.store(value as u64, order);
            }

            pub(crate) fn fetch_add(&self, n: $type, order: Ordering) -> $type {
                self.0.add(n as u64, order) as $type
            }

            pub(crate) fn fetch_sub(&self, n: $type, order: Ordering) -> $type {
                self.0.add((n as u64).wrapping_neg(), order) as $type
            }

            pub(crate) fn fetch_max(&self, n: $type, order: Ordering) -> $type {
                self.fetch_update(order, Ordering::Relaxed, |now| Some(now.max(n))).unwrap_or_else(|now| now)
            }

            pub(crate) fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut f: impl FnMut($type) -> Option<$type>,
            ) -> Result<$type, $type> {
                let updated = self.0.update(set, fetch, |now| f(now as $type).map(|next| next as u64));
                updated.map(|old| old as $type).map_err(|old| old as $type)
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $type,
                new: $type,
                set: Ordering,
                fetch: Ordering,
            ) -> Result<$type, $type> {
                let exchanged = self.0.exchange(current as u64, new as u64, set, fetch);
                exchanged.map(|old| old as $type).map_err(|old| old as $type)
            }

            pub(crate) fn compare_exchange_weak(
                &self,
                current: $type,
                new: $type,
                set: Ordering,
                fetch: Ordering,
            ) -> Result<$type, $type> {
                self.compare_exchange(current, new, set, fetch)
            }

            pub(crate) fn swap(&self, new: $type, order: Ordering) -> $type {
                self.fetch_update(order, Ordering::Relaxed, |_| Some(new)).unwrap_or_else(|old| old)
            }
        }

        impl Default for $name {
            fn default() -> $name {
                $name::new(0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

atomics! {
    AtomicU64 u64;
    AtomicI64 i64;
    AtomicU32 u32;
    AtomicI32 i32;
    AtomicUsize usize;
}

#[derive(Debug, Default)]
pub(crate) struct AtomicBool(AtomicU64);

impl AtomicBool {
    pub(crate) const fn new(first: bool) -> AtomicBool {
        AtomicBool(AtomicU64::new(first as u64))
    }

    pub(crate) fn load(&self, order: Ordering) -> bool {
        self.0.load(order) != 0
    }

    pub(crate) fn store(&self, value: bool, order: Ordering) {
        self.0.store(u64::from(value), order);
    }
}

/// A pointer to what is leaked, or null.
pub(crate) struct AtomicPtr<T> {
    address: AtomicUsize,
    /// A pointer cannot be made a number in a constant.
    first: *mut T,
}

// SAFETY: as the standard library's: a pointer alone is harmless.
unsafe impl<T> Sync for AtomicPtr<T> {}
// SAFETY: as above.
unsafe impl<T> Send for AtomicPtr<T> {}

impl<T> AtomicPtr<T> {
    pub(crate) const fn new(first: *mut T) -> AtomicPtr<T> {
        AtomicPtr { address: AtomicUsize::new(0), first }
    }

    /// The address is kept as what it differs by from the first one.
    fn pointer(&self, difference: usize) -> *mut T {
        let pointer: *mut T =
            std::ptr::with_exposed_provenance_mut(self.first.expose_provenance().wrapping_add(difference));
        comes_after_its_making(pointer.addr());
        pointer
    }

    fn difference(&self, pointer: *mut T) -> usize {
        pointer.expose_provenance().wrapping_sub(self.first.addr())
    }

    pub(crate) fn load(&self, order: Ordering) -> *mut T {
        self.pointer(self.address.load(order))
    }

    pub(crate) fn store(&self, pointer: *const T, order: Ordering) {
        self.address.store(self.difference(pointer.cast_mut()), order);
    }

    pub(crate) fn compare_exchange(
        &self,
        current: *mut T,
        new: *mut T,
        set: Ordering,
        fetch: Ordering,
    ) -> Result<*mut T, *mut T> {
        let exchanged = self.address.compare_exchange(self.difference(current), self.difference(new), set, fetch);
        exchanged.map(|old| self.pointer(old)).map_err(|old| self.pointer(old))
    }
}

impl<T> Default for AtomicPtr<T> {
    fn default() -> AtomicPtr<T> {
        AtomicPtr::new(std::ptr::null_mut())
    }
}

// ---- what is leaked -----------------------------------------------------------------------------------------------

/// Leaks a value. Whoever loads a pointer to it has to come after this.
pub(crate) fn leak<T>(value: T) -> &'static T {
    let value = Box::leak(Box::new(value));
    made(std::ptr::from_ref(value).addr(), size_of::<T>());
    value
}

/// The same for the elements of a list.
pub(crate) fn leak_all<T>(values: Vec<T>) -> &'static [T] {
    let values = Vec::leak(values);
    made(values.as_ptr().addr(), size_of_val(values));
    values
}

/// The same for a value that [`unleak`] may be told of before anybody else is.
pub(crate) fn leak_raw<T>(value: T) -> *mut T {
    let value = Box::into_raw(Box::new(value));
    made(value.addr(), size_of::<T>());
    value
}

/// Takes back what was to be leaked.
///
/// # Safety
/// `value` came from [`leak_raw`], and nobody else knows it.
pub(crate) unsafe fn unleak<T>(value: *mut T) {
    EXECUTION.with_borrow_mut(|execution| execution.leaked.remove(&value.addr()));
    // SAFETY: it is in a box of its own, and nobody else's, says the caller.
    drop(unsafe { Box::from_raw(value) });
}

fn made(address: usize, length: usize) {
    let by = Box::new(loom::cell::UnsafeCell::new(()));
    // Counts as a write of its own, after all that its maker did before.
    by.with_mut(|_| ());
    EXECUTION.with_borrow_mut(|execution| execution.leaked.insert(address, (length, by)));
}

fn comes_after_its_making(address: usize) {
    let by: Option<*const loom::cell::UnsafeCell<()>> = EXECUTION.with_borrow(|execution| {
        let (start, (length, by)) = execution.leaked.range(..=address).next_back()?;
        (address - start < *length).then(|| std::ptr::from_ref(&**by))
    });
    if let Some(by) = by {
        // SAFETY: what an execution leaked goes with the execution.
        unsafe { &*by }.with(|_| ());
    }
}

// ---- locks --------------------------------------------------------------------------------------------------------

pub(crate) struct Mutex<T> {
    first: ManuallyDrop<T>,
    met: Cell<(u64, usize)>,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the lock is held by who uses the value; for the rest see the head of this file.
unsafe impl<T: Send> Sync for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Mutex<T> {}

pub(crate) struct MutexGuard<'a, T> {
    value: &'a UnsafeCell<MaybeUninit<T>>,
    _held: loom::sync::MutexGuard<'a, ()>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(first: T) -> Mutex<T> {
        Mutex { first: ManuallyDrop::new(first), met: Cell::new((0, 0)), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    fn lock_of_this_execution(&self) -> &loom::sync::Mutex<()> {
        let lock: *const loom::sync::Mutex<()> = EXECUTION.with_borrow_mut(|execution| {
            if self.met.get().0 != execution.number {
                self.met.set((execution.number, execution.locks.len()));
                execution.locks.push(Box::new(loom::sync::Mutex::new(())));
                // SAFETY: nobody uses the value before the lock was met. What was made in a constant owns nothing, so that it may be copied;
                // what was made within an execution is used in that one alone.
                unsafe { (*self.value.get()).write(std::ptr::read(&raw const *self.first)) };
            }
            &raw const *execution.locks[self.met.get().1]
        });
        // SAFETY: boxed, and gone with the execution.
        unsafe { &*lock }
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let held = self.lock_of_this_execution().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(MutexGuard { value: &self.value, _held: held })
    }

    pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let held = self.lock_of_this_execution().try_lock().map_err(|_| TryLockError::WouldBlock)?;
        Ok(MutexGuard { value: &self.value, _held: held })
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> std::fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is held, and the value was written when it was met.
        unsafe { (*self.value.get()).assume_init_ref() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { (*self.value.get()).assume_init_mut() }
    }
}

/// A value that is written once.
pub(crate) struct OnceLock<T> {
    is_set: AtomicBool,
    grows: Mutex<()>,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written under the lock and before `is_set`, and read after it.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

impl<T> OnceLock<T> {
    pub(crate) const fn new() -> OnceLock<T> {
        OnceLock { is_set: AtomicBool::new(false), grows: Mutex::new(()), value: UnsafeCell::new(None) }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        // SAFETY: what is set does not change within an execution.
        if self.is_set.load(Ordering::Acquire) { unsafe { (*self.value.get()).as_ref() } } else { None }
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _alone = self.grows.lock();
        if !self.is_set.load(Ordering::Acquire) {
            let value = make();
            // SAFETY: not set in this execution, and the lock is held. What another execution left may own what went with that one.
            std::mem::forget(unsafe { (*self.value.get()).replace(value) });
            self.is_set.store(true, Ordering::Release);
        }
        // SAFETY: set, and does not change any more.
        unsafe { (*self.value.get()).as_ref() }.expect("it is set")
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> OnceLock<T> {
        OnceLock { is_set: AtomicBool::new(true), grows: Mutex::new(()), value: UnsafeCell::new(Some(value)) }
    }
}

// ---- thread locals ------------------------------------------------------------------------------------------------

pub(crate) struct LocalKey<T: 'static> {
    pub(crate) first: fn() -> T,
}

impl<T> LocalKey<T> {
    pub(crate) fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.try_with(f).unwrap_or_else(|()| panic!("a thread local was used after it was destroyed"))
    }

    pub(crate) fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, ()> {
        let value = self.get().ok_or(())?;
        // SAFETY: the thread's own, and alive: destroyed at its end alone.
        Ok(f(unsafe { &*value }))
    }

    fn get(&'static self) -> Option<*const T> {
        /// Drops a value in its box.
        ///
        /// # Safety
        /// `value` is a box of a `T` that nobody else has.
        unsafe fn destroy<T>(value: *mut ()) {
            // SAFETY: said by the caller.
            drop(unsafe { Box::from_raw(value.cast::<T>()) });
        }
        let key = (loom::thread::current().id(), std::ptr::from_ref(self).addr());
        EXECUTION.with_borrow_mut(|execution| {
            let local = execution.locals.entry(key).or_insert_with(|| {
                if needs_drop::<T>() {
                    execution.to_drop.push(key);
                }
                Local::Alive(Box::into_raw(Box::new((self.first)())).cast(), destroy::<T>)
            });
            match local {
                Local::Alive(value, _) => Some(value.cast::<T>().cast_const()),
                Local::Destroyed => None,
            }
        })
    }
}

macro_rules! thread_local_of_a_model {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = const $first:block;)*) => {$(
        $(#[$attribute])*
        static $name: $crate::sync::modelled::LocalKey<$type> =
            $crate::sync::modelled::LocalKey { first: || -> $type { $first } };
    )*};
}
pub(crate) use thread_local_of_a_model as thread_local;
