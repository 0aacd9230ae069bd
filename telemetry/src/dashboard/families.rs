//! The declared families, found by the hash of a name: sorted once for a macro's call, then halved for each of its checks.

use super::ask::{Sample, Suffix};
use super::text::{begins, same};
use crate::metric::{Descriptor, Kind};
use telemetry_dashboards::hash;

/// Families of several catalogs.
#[derive(Clone, Copy, Debug)]
pub struct Families<'a> {
    catalogs: &'a [&'a [Descriptor]],
    entries: &'a [Entry],
}

/// Where a family stands.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    hash: u64,
    catalog: usize,
    position: usize,
}

/// How a family gives a series.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given<'a> {
    /// Under its own name.
    Itself(&'a Descriptor),
    /// As one of its samples.
    Part(&'a Descriptor),
}

impl Entry {
    const NONE: Entry = Entry { hash: 0, catalog: 0, position: 0 };

    /// Whether this one stands before the other: by hash, and of equal names the first that is given.
    const fn before(self, other: Entry) -> bool {
        if self.hash != other.hash {
            return self.hash < other.hash;
        }
        if self.catalog != other.catalog {
            return self.catalog < other.catalog;
        }
        self.position < other.position
    }
}

/// How many families there are.
#[must_use]
pub const fn count(catalogs: &[&[Descriptor]]) -> usize {
    let (mut sum, mut at) = (0, 0);
    while at < catalogs.len() {
        sum += catalogs[at].len();
        at += 1;
    }
    sum
}

/// The families by hash; `N` is their [`count`].
#[must_use]
pub const fn entries<const N: usize>(catalogs: &[&[Descriptor]]) -> [Entry; N] {
    let mut entries = [Entry::NONE; N];
    fill(catalogs, &mut entries);
    entries
}

const fn fill(catalogs: &[&[Descriptor]], entries: &mut [Entry]) {
    let (mut catalog, mut next) = (0, 0);
    while catalog < catalogs.len() {
        let (families, mut position) = (catalogs[catalog], 0);
        let len = families.len();
        while position < len {
            entries[next] = Entry { hash: hash(families[position].name), catalog, position };
            next += 1;
            position += 1;
        }
        catalog += 1;
    }
    sort(entries);
}

/// As [`entries`], where their number is not known when compiling.
pub(super) fn sorted(catalogs: &[&[Descriptor]]) -> Vec<Entry> {
    let mut sorted = vec![Entry::NONE; count(catalogs)];
    fill(catalogs, &mut sorted);
    sorted
}

/// Shell's sort: short, in place, and near enough to n log n for some thousand families in a `const fn`.
const fn sort(entries: &mut [Entry]) {
    let len = entries.len();
    let mut gap = len / 2;
    while gap > 0 {
        let mut end = gap;
        while end < len {
            let moved = entries[end];
            let mut to = end;
            while to >= gap && moved.before(entries[to - gap]) {
                entries[to] = entries[to - gap];
                to -= gap;
            }
            entries[to] = moved;
            end += 1;
        }
        gap /= 2;
    }
}

impl<'a> Families<'a> {
    /// The families of these catalogs, whose [`entries`] these are.
    #[must_use]
    pub const fn new(catalogs: &'a [&'a [Descriptor]], entries: &'a [Entry]) -> Families<'a> {
        Families { catalogs, entries }
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// The family at a position of the catalogs, one behind the other.
    pub(super) const fn nth(&self, mut position: usize) -> &'a Descriptor {
        let mut catalog = 0;
        while position >= self.catalogs[catalog].len() {
            position -= self.catalogs[catalog].len();
            catalog += 1;
        }
        &self.catalogs[catalog][position]
    }

    /// The family of this name, whose hash this is.
    pub(super) const fn find(&self, name: &str, hash: u64) -> Option<&'a Descriptor> {
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entries[middle].hash < hash {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        while low < self.entries.len() && self.entries[low].hash == hash {
            let Entry { catalog, position, .. } = self.entries[low];
            let family = &self.catalogs[catalog][position];
            // Two names may share a hash.
            if same(family.name, name) {
                return Some(family);
            }
            low += 1;
        }
        None
    }

    /// The family of the name without its suffix, whatever its kind.
    pub(super) const fn stem(&self, sample: &Sample<'_>) -> Option<&'a Descriptor> {
        match sample.suffix {
            Suffix::None => None,
            _ => self.find(sample.stem(), sample.stem_hash),
        }
    }

    /// The family that gives a series.
    pub(super) const fn gives(&self, sample: &Sample<'_>) -> Option<Given<'a>> {
        if let Some(family) = self.find(sample.name, sample.hash) {
            return Some(Given::Itself(family));
        }
        match self.stem(sample) {
            Some(family) if has_part(family, sample.suffix) => Some(Given::Part(family)),
            _ => None,
        }
    }

    /// Whether some series' name begins so.
    pub(super) const fn begin(&self, prefix: &str) -> bool {
        let mut at = 0;
        while at < self.len() {
            if gives_prefix(self.nth(at), prefix) {
                return true;
            }
            at += 1;
        }
        false
    }
}

/// Whether one of a family's series has a name that begins so.
pub(super) const fn gives_prefix(family: &Descriptor, prefix: &str) -> bool {
    if begins(family.name, prefix) {
        return true;
    }
    let parts = [Suffix::Bucket, Suffix::Sum, Suffix::Count];
    let mut at = 0;
    while at < parts.len() {
        let part = Sample { name: "", suffix: parts[at], hash: 0, stem_hash: 0 };
        // The prefix reaches into the suffix: `x_buck` of `x`.
        if has_part(family, parts[at]) && begins(prefix, family.name) {
            let rest = prefix.split_at(family.name.len()).1;
            if begins(part.ending(), rest) {
                return true;
            }
        }
        at += 1;
    }
    false
}

/// Whether a family gives this sample besides its own name.
pub(super) const fn has_part(family: &Descriptor, suffix: Suffix) -> bool {
    match suffix {
        Suffix::None => false,
        Suffix::Bucket => matches!(family.kind, Kind::Histogram),
        Suffix::Sum | Suffix::Count => matches!(family.kind, Kind::Histogram | Kind::Summary),
    }
}

impl<'a> Given<'a> {
    pub(super) const fn family(&self) -> &'a Descriptor {
        match *self {
            Given::Itself(family) | Given::Part(family) => family,
        }
    }
}
