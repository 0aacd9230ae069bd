//! The whole program's declarations.
//!
//! A declaration that is in the program several times, as two versions of a crate, its doctests, or a module that belongs to a library
//! and to a binary make it, is one family: the first of them in the order of their places keeps the series, and the others hand out
//! the same ones. Which declarations may not be in one program is said in [`clash`](super::clash).

use crate::metric::{Descriptor, Family, registered};
use crate::sync::{Mutex, lock};
use std::collections::HashMap;
use std::ptr;
use std::sync::{Arc, OnceLock};

/// Every declared family, by name: what [`catalog()`](fn@crate::catalog) begins with.
pub(crate) fn catalog() -> Vec<&'static Descriptor> {
    let mut all: Vec<_> = families().iter().map(|family| family.shown()).collect();
    all.sort_by_key(|descriptor| (descriptor.name, place(descriptor)));
    // Two packages' equal declarations: `init` refuses such a program, but need not be called.
    all.dedup_by(|a, b| a.agrees_with(b));
    all
}

/// Every family once, however often its declaration is in the program; in no particular order.
pub(crate) fn families() -> Arc<[&'static Family]> {
    type Families = Arc<[&'static Family]>;
    /// How many declarations there were, and those of them that are the first.
    static KNOWN: Mutex<Option<(usize, Families)>> = Mutex::new(None);
    // A library that is loaded at run time may bring more.
    let count = registered().count();
    let mut known = lock(&KNOWN);
    match &*known {
        Some((of, families)) if *of == count => Arc::clone(families),
        _ => {
            let families: Families = registered().filter(|family| first_of(family).is_none()).collect();
            *known = Some((count, Arc::clone(&families)));
            families
        }
    }
}

/// Which family keeps the series of this one's declaration, where it is another. Cold: asked once by each family.
pub(crate) fn first_of(family: &Family) -> Option<&'static Family> {
    type Key = (&'static str, &'static str);
    static BY_NAME: OnceLock<HashMap<Key, Vec<&'static Family>>> = OnceLock::new();
    let key = |family: &Family| (family.descriptor().name, family.descriptor().origin.package);
    let by_name = BY_NAME.get_or_init(|| {
        let mut by_name = HashMap::<Key, Vec<_>>::new();
        for family in registered() {
            by_name.entry(key(family)).or_default().push(family);
        }
        by_name
    });
    let equal = by_name.get(&key(family))?.iter().filter(|other| other.descriptor().agrees_with(family.descriptor()));
    let first = equal.min_by_key(|other| place(other.descriptor()))?;
    (!ptr::eq(*first, family)).then_some(*first)
}

/// What declarations of one name are ordered by.
pub(crate) fn place(descriptor: &Descriptor) -> (&'static str, &'static str, &'static str, u32, &'static str) {
    let origin = descriptor.origin;
    (origin.package, origin.version, origin.file, origin.line, origin.module)
}
