//! All threads' trees of calls as one, by function.

use crate::collect::functions::Totals;
use crate::record::budget::Probe;
use crate::record::clock;
use crate::record::probe;
use crate::record::shard::{Shard, TRACKING};
use crate::record::tree::Node;
use crate::snapshot::CallNode;
use crate::sync::{AtomicU64, Relaxed};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A function's sums over its nodes, by which these share what it took in all.
#[derive(Clone, Copy, Default)]
struct Sums {
    visits: u64,
    own: u64,
    bytes: u64,
    cpu: u64,
}

impl Sums {
    fn add(&mut self, node: &Node) {
        let add = |sum: &mut u64, n: &AtomicU64| *sum = sum.saturating_add(n.load(Relaxed));
        add(&mut self.visits, &node.visits);
        add(&mut self.own, &node.own_ticks);
        add(&mut self.bytes, &node.own_bytes);
        add(&mut self.cpu, &node.cpu);
    }

    fn merge(&mut self, other: Sums) {
        self.visits = self.visits.saturating_add(other.visits);
        self.own = self.own.saturating_add(other.own);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.cpu = self.cpu.saturating_add(other.cpu);
    }
}

/// The place of a function in the tree that is made: its caller's, and its own name.
type Way = (Option<usize>, Arc<str>, &'static str);

#[derive(Default)]
struct Merged {
    places: HashMap<Way, usize>,
    nodes: Vec<(Way, Sums)>,
}

impl Merged {
    fn add(&mut self, shard: &Shard, names: &mut Names) {
        let mut left: Vec<(Option<usize>, &'static Node)> = shard.tree.roots().map(|node| (None, node)).collect();
        while let Some((caller, node)) = left.pop() {
            let (function, module) = names.of(node);
            let way = (caller, function, module);
            let place = *self.places.entry(way.clone()).or_insert_with(|| {
                self.nodes.push((way, Sums::default()));
                self.nodes.len() - 1
            });
            self.nodes[place].1.add(node);
            left.extend(node.callees().map(|callee| (Some(place), callee)));
        }
    }
}

/// A function's name is long to make; its call site's address is not.
#[derive(Default)]
struct Names(HashMap<usize, (Arc<str>, &'static str)>);

impl Names {
    fn of(&mut self, node: &Node) -> (Arc<str>, &'static str) {
        let site = node.site;
        let new = || (site.function().into(), site.module());
        self.0.entry(std::ptr::from_ref(site).addr()).or_insert_with(new).clone()
    }
}

/// The tree, callers before whom they called. What a function took by each way adds up to its totals.
pub(super) fn of(shards: &[&'static Shard], totals: &BTreeMap<(String, &'static str), Totals>) -> Vec<CallNode> {
    let (mut merged, mut names) = (Merged::default(), Names::default());
    shards.iter().for_each(|shard| merged.add(shard, &mut names));
    let mut seen = HashMap::<(&str, &str), Sums>::new();
    for ((_, function, module), sums) in &merged.nodes {
        seen.entry((function, module)).or_default().merge(*sums);
    }
    let (has_memory, has_cpu) = (TRACKING.load(Relaxed), probe::exists(Probe::Cpu));
    let node = |(way, sums): &(Way, Sums)| {
        let (caller, function, module) = way;
        let all = seen.get(&(&**function, *module)).copied().unwrap_or_default();
        let totals = totals.get(&(function.to_string(), *module))?;
        let visits = share(sums.visits, all.visits);
        // Where all that was read took no time to tell, visits have to do.
        let of = |part: u64, all: u64| if all > 0 { share(part, all) } else { visits };
        Some(CallNode {
            function: Arc::clone(function),
            module: (*module).into(),
            caller: *caller,
            visits: visits * float(totals.visits()),
            self_seconds: of(sums.own, all.own) * clock::seconds(totals.own()),
            self_allocated_bytes: has_memory.then(|| of(sums.bytes, all.bytes) * float(totals.own_bytes())),
            cpu_seconds: has_cpu.then(|| of(sums.cpu, all.cpu) * float(totals.cpu()) / 1e9),
        })
    };
    // A function that is in the tree has a cell, and so is among the totals; if one were not, no place could be trusted.
    merged.nodes.iter().map(node).collect::<Option<Vec<_>>>().unwrap_or_default()
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { float(part) / float(all) }
}

#[expect(clippy::cast_precision_loss, reason = "shares, and figures for people")]
fn float(n: u64) -> f64 {
    n as f64
}
