//! Who called whom, for flame graphs: folded stacks and speedscope's JSON, weighted by time, CPU time or allocated bytes.
//!
//! Folded stacks are one line for each way by which a function was called, `app::main;app::load 1234`: what `flamegraph.pl`, `inferno-flamegraph` and
//! speedscope read. Weights are whole numbers: microseconds, or bytes. Speedscope's file has a profile for each weight that the program knows, and is
//! opened at <https://www.speedscope.app> (which sends it nowhere); its shape is <https://www.speedscope.app/file-format-schema.json>.
//!
//! A function's own figures add up to what its families say; how they are shared among its callers is estimated, see
//! [`CallNode`].

use crate::export::json::{array, number, object, text};
use crate::snapshot::{CallNode, Snapshot};
use std::collections::BTreeMap;

/// What the width of a function in a flame graph stands for. All are its own, without measured callees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Weight {
    /// Busy time, in microseconds: on a thread, whether it computed or was blocked. Waiting at an `.await` is none.
    Time,
    /// CPU time, in microseconds. It is read of a call as a whole, so that a function's own is what is left when its callees' estimates are taken off; below
    /// zero it counts as zero.
    Cpu,
    /// Allocated bytes: with the tracking allocator.
    Bytes,
}

impl Weight {
    /// All of them.
    pub const ALL: [Weight; 3] = [Weight::Time, Weight::Cpu, Weight::Bytes];

    /// `time`, `cpu` or `bytes`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Weight::Time => "time",
            Weight::Cpu => "cpu",
            Weight::Bytes => "bytes",
        }
    }

    /// As speedscope calls it.
    const fn unit(self) -> &'static str {
        match self {
            Weight::Time | Weight::Cpu => "microseconds",
            Weight::Bytes => "bytes",
        }
    }

    /// What each node of a tree has of its own, in the unit; `None` where the program does not know any of it.
    #[must_use]
    pub fn of(self, tree: &[CallNode]) -> Option<Vec<f64>> {
        const MICROS: f64 = 1e6;
        match self {
            Weight::Time => Some(tree.iter().map(|node| node.self_seconds * MICROS).collect()),
            Weight::Bytes => tree.iter().map(|node| node.self_allocated_bytes).collect(),
            Weight::Cpu => {
                let mut own: Vec<f64> = tree.iter().map(|node| node.cpu_seconds).collect::<Option<_>>()?;
                for node in tree {
                    let caller = node.caller.and_then(|caller| own.get_mut(caller));
                    if let (Some(caller), Some(cpu)) = (caller, node.cpu_seconds) {
                        *caller -= cpu;
                    }
                }
                Some(own.into_iter().map(|seconds| seconds.max(0.0) * MICROS).collect())
            }
        }
    }
}

/// Folded stacks, the lines sorted; empty where nothing is known of the weight.
///
/// ```
/// use telemetry::export::flame::{self, Weight};
///
/// #[telemetry::measured(name = "flame_leaf")]
/// fn leaf() { std::thread::sleep(std::time::Duration::from_millis(2)); }
/// #[telemetry::measured(name = "flame_root")]
/// fn root() { leaf(); }
///
/// root();
/// let folded = flame::folded(&telemetry::snapshot(), Weight::Time);
/// assert!(folded.lines().any(|line| line.contains("flame_root;") && line.contains("flame_leaf ")), "{folded}");
/// ```
#[must_use]
pub fn folded(snapshot: &Snapshot, weight: Weight) -> String {
    let tree = &snapshot.call_tree;
    let Some(weights) = weight.of(tree) else { return String::new() };
    let mut lines = Vec::new();
    for (index, own) in weights.iter().enumerate() {
        let own = own.round();
        if own > 0.0 {
            let way: Vec<String> = way(tree, index).into_iter().map(|node| frame(node).replace(';', ":")).collect();
            lines.push(format!("{} {own}\n", way.join(";")));
        }
    }
    lines.sort_unstable();
    lines.concat()
}

/// Speedscope's JSON, with a profile for each weight of which something is known.
///
/// ```
/// let json = telemetry::export::flame::speedscope(&telemetry::snapshot());
/// assert!(json.starts_with(r#"{"$schema":"https://www.speedscope.app/file-format-schema.json""#));
/// ```
#[must_use]
pub fn speedscope(snapshot: &Snapshot) -> String {
    let tree = &snapshot.call_tree;
    let mut places = BTreeMap::<(&str, &str), usize>::new();
    let mut frames = Vec::new();
    for node in tree {
        places.entry((&*node.module, &*node.function)).or_insert_with(|| {
            frames.push(object([("name", text(&node.function)), ("file", text(&node.module))]));
            frames.len() - 1
        });
    }
    let stack = |index: usize| {
        let place = |node: &CallNode| places.get(&(&*node.module, &*node.function)).copied().unwrap_or_default();
        array(way(tree, index).into_iter().map(|node| place(node).to_string()))
    };
    let profile = |weight: Weight| {
        let weights = weight.of(tree)?;
        let shown: Vec<(usize, f64)> = weights.into_iter().enumerate().filter(|(_, own)| *own > 0.0).collect();
        Some(object([
            ("type", text("sampled")),
            ("name", text(weight.as_str())),
            ("unit", text(weight.unit())),
            ("startValue", number(0.0)),
            ("endValue", number(shown.iter().map(|(_, own)| own).sum())),
            ("samples", array(shown.iter().map(|(index, _)| stack(*index)))),
            ("weights", array(shown.iter().map(|(_, own)| number(*own)))),
        ]))
    };
    let service = snapshot.service();
    let document = object([
        ("$schema", text("https://www.speedscope.app/file-format-schema.json")),
        ("name", text(service)),
        ("exporter", text(concat!("telemetry ", env!("CARGO_PKG_VERSION")))),
        ("activeProfileIndex", number(0.0)),
        ("shared", object([("frames", array(frames.iter().cloned()))])),
        ("profiles", array(Weight::ALL.into_iter().filter_map(profile))),
    ]);
    document + "\n"
}

/// From the outermost caller to the node itself.
fn way(tree: &[CallNode], index: usize) -> Vec<&CallNode> {
    // Callers stand before whom they called; what does not is nobody's caller.
    let caller = |&index: &usize| tree.get(index).and_then(|node| node.caller).filter(|caller| *caller < index);
    let mut way: Vec<_> = std::iter::successors(Some(index), caller).filter_map(|index| tree.get(index)).collect();
    way.reverse();
    way
}

fn frame(node: &CallNode) -> String {
    let name = format!("{}::{}", node.module, node.function);
    name.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn node(function: &str, caller: Option<usize>, own: f64, cpu: f64, bytes: Option<f64>) -> CallNode {
        CallNode {
            function: function.into(),
            module: "app".into(),
            caller,
            visits: 1.0,
            self_seconds: own,
            self_allocated_bytes: bytes,
            cpu_seconds: Some(cpu),
        }
    }

    fn example() -> Snapshot {
        let mut snapshot = Snapshot::of_families(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH, Vec::new());
        snapshot.call_tree = vec![
            node("main", None, 0.5, 1.0, Some(10.0)),
            node("a;b\n", Some(0), 0.25, 0.75, Some(0.0)),
            node("leaf", Some(1), 1.0, 0.8, Some(2048.0)),
            node("leaf", Some(0), 0.000_000_1, 0.1, Some(1.0)),
        ];
        snapshot
    }

    #[test]
    fn a_line_is_a_way_and_what_its_end_took_itself() {
        let time = "app::main 500000\napp::main;app::a:b  250000\napp::main;app::a:b ;app::leaf 1000000\n";
        assert_eq!(folded(&example(), Weight::Time), time);
        // The callees of the second took more than it did, as far as anybody knows.
        let cpu = "app::main 150000\napp::main;app::a:b ;app::leaf 800000\napp::main;app::leaf 100000\n";
        assert_eq!(folded(&example(), Weight::Cpu), cpu);
        let bytes = "app::main 10\napp::main;app::a:b ;app::leaf 2048\napp::main;app::leaf 1\n";
        assert_eq!(folded(&example(), Weight::Bytes), bytes);
    }

    #[test]
    fn what_is_not_known_has_no_profile() {
        let mut snapshot = example();
        for node in &mut snapshot.call_tree {
            node.self_allocated_bytes = None;
        }
        assert_eq!(folded(&snapshot, Weight::Bytes), "");
        let json = speedscope(&snapshot);
        assert!(json.contains(r#""name":"cpu""#) && !json.contains(r#""name":"bytes""#), "{json}");
    }

    #[test]
    fn speedscope_has_each_function_once_and_a_stack_for_each_weight() {
        let json = speedscope(&example());
        for part in [
            r#""shared":{"frames":[{"name":"main","file":"app"},{"name":"a;b\u000a","file":"app"},{"name":"leaf","file":"app"}]}"#,
            r#""unit":"microseconds","startValue":0,"endValue":1750000.1,"samples":[[0],[0,1],[0,1,2],[0,2]],"weights":[500000,250000,1000000,0."#,
            r#""unit":"bytes","startValue":0,"endValue":2059,"samples":[[0],[0,1,2],[0,2]],"weights":[10,2048,1]"#,
        ] {
            assert!(json.contains(part), "{part}\nin {json}");
        }
    }

    #[test]
    fn a_tree_that_points_forward_ends() {
        let mut snapshot = example();
        snapshot.call_tree[0].caller = Some(2);
        snapshot.call_tree[1].caller = Some(99);
        assert!(folded(&snapshot, Weight::Time).contains("app::main 500000"));
        assert!(speedscope(&snapshot).contains("samples"));
    }
}
