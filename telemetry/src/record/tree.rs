//! Who called whom: the ways by which the visits came that the CPU probe reads.
//!
//! A cell knows from which cell its outermost visit came, so the running visits of a thread are a chain, and a recursion is on it once. A visit
//! that is read adds what it used itself to the node of its chain, 2^*k* times, as [`budget`](crate::record::budget) says; those that are not read pay
//! one store. What functions took in all is counted exactly elsewhere, and a snapshot scales the nodes of each to that, so that only the shares of
//! a function's callers are estimates.
//!
//! A node's figures are those of the visit itself, so that callers have what their callees used by adding up, whatever was read of whom.

use crate::record::callsite::CallSite;
use crate::record::shard::SiteCell;
use crate::record::thread::{self, Thread};
use crate::sync::{Acquire, AtomicPtr, AtomicU64, AtomicUsize, Relaxed, Release, leak_raw};
use std::ptr;

/// Nodes of all threads together: some 8 MiB. What is called by ways beyond that counts as its caller's.
const MAX_NODES: usize = 65_536;

/// Nodes above each other. What is called from deeper counts as that of the last.
const MAX_DEPTH: usize = 128;

/// A chain is no longer than this. Guards that ended in another order than they began in may leave a ring.
const MAX_CHAIN: usize = 4_096;

static NODES: AtomicUsize = AtomicUsize::new(0);

/// The ways by which one thread's visits came. Written by that thread alone; what is in it stays.
pub(crate) struct Tree {
    roots: AtomicPtr<Node>,
}

/// A call site, called by one way.
pub(crate) struct Node {
    pub(crate) site: &'static CallSite,
    parent: *const Node,
    callees: AtomicPtr<Node>,
    /// Of the same caller.
    next: AtomicPtr<Node>,
    /// Visits, and what they used themselves, all estimated.
    pub(crate) visits: AtomicU64,
    pub(crate) own_ticks: AtomicU64,
    pub(crate) own_bytes: AtomicU64,
    /// Nanoseconds, callees included: the clock is read of a visit as a whole.
    pub(crate) cpu: AtomicU64,
}

// SAFETY: `parent` points to a leaked node, and is compared, never followed.
unsafe impl Sync for Node {}
// SAFETY: as above.
unsafe impl Send for Node {}

/// What a visit used that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) own_ticks: u64,
    pub(crate) own_bytes: u64,
    pub(crate) cpu: u64,
    /// It counts 2^k times.
    pub(crate) k: u32,
}

impl Tree {
    pub(crate) const fn new() -> Tree {
        Tree { roots: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The nodes that nobody measured called, the latest first.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &'static Node> {
        list(&self.roots)
    }

    /// Adds what a visit used whose chain ends in `cell`. By the thread whose tree it is.
    pub(crate) fn add(&self, cell: &'static SiteCell, seen: Seen) {
        let Some(node) = self.node(cell) else { return };
        let weighted = |cell: &AtomicU64, n: u64| {
            // One writer: what is loaded is what this thread stored.
            cell.store(cell.load(Relaxed).saturating_add(n.saturating_mul(1 << seen.k)), Relaxed);
        };
        weighted(&node.visits, 1);
        weighted(&node.own_ticks, seen.own_ticks);
        weighted(&node.own_bytes, seen.own_bytes);
        weighted(&node.cpu, seen.cpu);
    }

    /// The node of a chain, made where it is new; the caller's where there is no room.
    fn node(&self, cell: &'static SiteCell) -> Option<&'static Node> {
        let chain = || std::iter::successors(Some(cell), |cell| cell.caller()).take(MAX_CHAIN);
        let deepest = chain().count().saturating_sub(MAX_DEPTH);
        let mut path = [cell; MAX_DEPTH];
        let mut len = 0;
        for (place, cell) in path.iter_mut().zip(chain().skip(deepest)) {
            *place = cell;
            len += 1;
        }
        let mut node: Option<&'static Node> = None;
        for cell in path.iter().take(len).rev() {
            let Some(callee) = self.callee(node, cell) else { return node };
            node = Some(callee);
        }
        node
    }

    fn callee(&self, node: Option<&'static Node>, cell: &SiteCell) -> Option<&'static Node> {
        let parent = node.map_or(ptr::null(), ptr::from_ref);
        // Mostly it is called by the way by which it was called last.
        if let Some(known) = cell.node().filter(|known| known.parent == parent) {
            return Some(known);
        }
        let first = node.map_or(&self.roots, |node| &node.callees);
        let found = list(first).find(|node| ptr::eq(node.site, cell.site));
        let found = found.or_else(|| make(cell.site, parent, first))?;
        cell.set_node(found);
        Some(found)
    }

    /// Sets what a child of this process begins with.
    pub(crate) fn reset(&self) {
        let mut left: Vec<&Node> = self.roots().collect();
        while let Some(node) = left.pop() {
            [&node.visits, &node.own_ticks, &node.own_bytes, &node.cpu]
                .into_iter()
                .for_each(|sum| sum.store(0, Relaxed));
            left.extend(node.callees());
        }
    }
}

impl Node {
    /// Those that it called, the latest first.
    pub(crate) fn callees(&self) -> impl Iterator<Item = &'static Node> {
        list(&self.callees)
    }
}

fn list(first: &AtomicPtr<Node>) -> impl Iterator<Item = &'static Node> {
    // SAFETY: null, or a leaked node.
    let at = |place: &AtomicPtr<Node>| unsafe { place.load(Acquire).as_ref() };
    std::iter::successors(at(first), move |node: &&'static Node| at(&node.next))
}

#[cold]
fn make(site: &'static CallSite, parent: *const Node, first: &AtomicPtr<Node>) -> Option<&'static Node> {
    if NODES.fetch_add(1, Relaxed) >= MAX_NODES {
        NODES.fetch_sub(1, Relaxed);
        return None;
    }
    let node = thread::uncounted(|_| {
        leak_raw(Node {
            site,
            parent,
            callees: AtomicPtr::new(ptr::null_mut()),
            next: AtomicPtr::new(first.load(Relaxed)),
            visits: AtomicU64::new(0),
            own_ticks: AtomicU64::new(0),
            own_bytes: AtomicU64::new(0),
            cpu: AtomicU64::new(0),
        })
    });
    // A reader that sees it sees what is in it.
    first.store(node, Release);
    // SAFETY: just made, and never freed.
    Some(unsafe { &*node })
}

/// Adds a visit to its thread's tree.
pub(crate) fn add(thread: &Thread, cell: &'static SiteCell, seen: Seen) {
    if let Some(shard) = thread.shard().filter(|_| !cell.is_shared()) {
        shard.tree.add(cell, seen);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn cell(name: &'static str) -> &'static SiteCell {
        let site = Box::leak(Box::new(CallSite::new(name, || "", "app", "", 0)));
        Box::leak(Box::new(SiteCell::new(site, false)))
    }

    const ONE: Seen = Seen { own_ticks: 10, own_bytes: 3, cpu: 7, k: 0 };

    #[test]
    fn a_function_has_a_node_for_each_way_to_it() {
        let (tree, [main, left, right, leaf]) = (Tree::new(), ["main", "left", "right", "leaf"].map(cell));
        for (caller, k) in [(left, 0), (right, 2), (left, 0)] {
            caller.set_caller(Some(main));
            leaf.set_caller(Some(caller));
            tree.add(leaf, Seen { k, ..ONE });
        }
        let roots: Vec<_> = tree.roots().collect();
        assert_eq!(roots.len(), 1);
        let callees: Vec<_> = roots[0].callees().collect();
        assert_eq!(callees.len(), 2, "the latest first");
        let leaf_of = |caller: &Node| {
            let leaf = caller.callees().next().unwrap();
            [&leaf.visits, &leaf.own_ticks, &leaf.own_bytes, &leaf.cpu].map(|sum| sum.load(Relaxed))
        };
        assert_eq!((leaf_of(callees[0]), leaf_of(callees[1])), ([4, 40, 12, 28], [2, 20, 6, 14]));
        assert_eq!(roots[0].visits.load(Relaxed), 0, "nobody read it");
        tree.reset();
        assert_eq!(leaf_of(callees[0]), [0; 4]);
    }

    #[test]
    fn a_ring_of_callers_and_a_deep_chain_end() {
        let (tree, [a, b]) = (Tree::new(), ["a", "b"].map(cell));
        a.set_caller(Some(b));
        b.set_caller(Some(a));
        tree.add(a, ONE);
        let tree = Tree::new();
        let mut last = None;
        for _ in 0..MAX_DEPTH + 5 {
            let next = cell("deep");
            next.set_caller(last);
            last = Some(next);
        }
        tree.add(last.unwrap(), ONE);
        let mut depth = 0;
        let mut node = tree.roots().next();
        while let Some(here) = node {
            depth += 1;
            let callee = here.callees().next();
            assert_eq!(
                here.visits.load(Relaxed),
                u64::from(callee.is_none()),
                "what is too deep counts for the deepest"
            );
            node = callee;
        }
        assert_eq!(depth, MAX_DEPTH);
    }
}
