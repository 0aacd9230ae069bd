//! DuckDB's own profile of the statement that ran last, whichever generation of names it comes in.
//!
//! DuckDB 1.x hangs the query's metrics on the root (`ROWS_RETURNED`, `OPERATOR_TYPE`); 2.0 leaves the root empty and hangs groups of
//! metrics beside the tree of operators (`total_rows_scanned`, `type`). So the whole tree is searched, and a metric that is not
//! found is unknown rather than zero.

use crate::duckdb::sampling;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

/// What is known of a run. Unknown is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Profile {
    pub(crate) rows_scanned: Option<u64>,
    pub(crate) result_bytes: Option<u64>,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) peak_temp_bytes: Option<u64>,
    pub(crate) read_bytes: Option<u64>,
    pub(crate) written_bytes: Option<u64>,
    /// How long DuckDB's threads waited.
    pub(crate) blocked: Option<Duration>,
    /// Binding, optimizing and making the plan.
    pub(crate) planning: Option<Duration>,
    /// In the order of the tree, parents first.
    pub(crate) operators: Vec<Operator>,
}

/// A node of the plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operator {
    pub(crate) name: String,
    pub(crate) depth: usize,
    /// Its own, callees excluded, added up over DuckDB's threads.
    pub(crate) time: Option<Duration>,
    pub(crate) rows: Option<u64>,
}

/// A node of a profile, apart from DuckDB's types.
pub(crate) trait Node {
    fn metrics(&self) -> &HashMap<String, String>;
    fn children(&self) -> &[Self]
    where
        Self: Sized;
}

impl Node for ::duckdb::profiling::ProfilingInfo {
    fn metrics(&self) -> &HashMap<String, String> {
        &self.metrics
    }

    fn children(&self) -> &[Self] {
        &self.children
    }
}

impl Profile {
    /// The profile of this statement; `None` where it is another one's, or none.
    pub(crate) fn of<N: Node>(root: &N, sql: &str) -> Option<Profile> {
        let mut found = Search::default();
        found.visit(root, 0);
        let Search { profile, sql: profiled } = found;
        // Where the text is given, it tells whose profile it is. What is not given cannot be wrong.
        if profiled.is_some_and(|profiled| bare(&profiled) != bare(sql)) || profile.operators.is_empty() {
            return None;
        }
        Some(profile)
    }

    /// What the operators took, added up over DuckDB's threads; `None` where none of them tells. (DuckDB 2.0 calls this sum `cpu_time`, which it is not: threads that
    /// wait for each other count too.)
    pub(crate) fn operators_time(&self) -> Option<Duration> {
        self.operators.iter().filter_map(|operator| operator.time).reduce(|sum, time| sum.saturating_add(time))
    }

    /// What making it has cost DuckDB, in seconds.
    pub(crate) fn cost(&self) -> f64 {
        sampling::engine_cost(self.operators.iter().filter_map(|operator| operator.rows))
    }

    /// The tree for people: an operator a line, with its time and rows. Holds no literal, since conditions are left out.
    pub(crate) fn plan(&self) -> String {
        let width = self.operators.iter().map(|operator| operator.depth * 2 + operator.name.len()).max().unwrap_or(0);
        let mut plan = String::new();
        for operator in &self.operators {
            let name = format!("{:indent$}{}", "", operator.name, indent = operator.depth * 2);
            let time = operator.time.map_or_else(String::new, |time| format!("{:.3} ms", time.as_secs_f64() * 1e3));
            let rows = operator.rows.map_or_else(String::new, |rows| format!("{rows} rows"));
            let line = format!("{name:width$}  {time:>12}  {rows}");
            // Writing to a text cannot fail.
            let _ = writeln!(plan, "{}", line.trim_end());
        }
        plan.truncate(plan.trim_end().len());
        plan
    }
}

/// A metric of the planner, of the optimizer, and of the physical planner.
const PLANNING: [&str; 3] = ["binding_time", "filter_pushdown", "create_plan"];

/// The statement without what DuckDB may or may not keep of it.
fn bare(sql: &str) -> &str {
    sql.trim_matches(|c: char| c.is_whitespace() || c == ';')
}

#[derive(Default)]
struct Search {
    profile: Profile,
    sql: Option<String>,
}

impl Search {
    fn visit<N: Node>(&mut self, node: &N, depth: usize) {
        let metrics = node.metrics();
        let metric = |names: &[&str]| {
            names
                .iter()
                .find_map(|wanted| metrics.iter().find(|(name, _)| is_name(name, wanted)))
                .map(|(_, value)| &**value)
        };
        let number = |names: &[&str]| metric(names).and_then(whole);
        let name = metric(&["type", "operator_type", "operator_name"]);
        let profile = &mut self.profile;
        let mut below = depth;
        if let Some(name) = name.and_then(operator_name) {
            let operator = Operator {
                name,
                depth,
                time: metric(&["timing", "operator_timing"]).and_then(seconds),
                rows: number(&["intermediate_rows", "operator_cardinality"]),
            };
            // What runs a prepared statement shows itself above its plan, and does nothing of its own.
            let is_wrapper = operator.name == "EXECUTE"
                && operator.rows == Some(0)
                && operator.time.is_none_or(|time| time.is_zero());
            if !is_wrapper {
                profile.operators.push(operator);
                below += 1;
            }
        } else {
            // First come, first kept: the root of 1.x, the group of 2.0.
            let keep = |known: &mut Option<u64>, names: &[&str]| *known = known.or_else(|| number(names));
            keep(&mut profile.rows_scanned, &["total_rows_scanned", "cumulative_rows_scanned"]);
            keep(&mut profile.result_bytes, &["result_set_size"]);
            keep(&mut profile.peak_memory_bytes, &["peak_buffer_memory", "system_peak_buffer_memory"]);
            keep(&mut profile.peak_temp_bytes, &["peak_temp_dir_size", "system_peak_temp_dir_size"]);
            keep(&mut profile.read_bytes, &["total_bytes_read"]);
            keep(&mut profile.written_bytes, &["total_bytes_written"]);
            let blocked = metric(&["blocked_thread_time"]).and_then(seconds);
            profile.blocked = profile.blocked.or(blocked);
            // Three groups of 2.0 have a time of their own under the same name, and are known by what else is in them.
            if PLANNING.iter().any(|known| metric(&[known]).is_some()) {
                if let Some(time) = metric(&["total_time"]).and_then(seconds) {
                    profile.planning = Some(profile.planning.unwrap_or_default().saturating_add(time));
                }
            }
            let sql = metric(&["sql", "query_name"]).filter(|sql| !sql.is_empty());
            self.sql = self.sql.take().or_else(|| sql.map(str::to_owned));
        }
        for child in node.children() {
            self.visit(child, below);
        }
    }
}

/// `query.total_time`, `total_time` and `TOTAL_TIME` are one name.
fn is_name(name: &str, wanted: &str) -> bool {
    let Some(before) = name.len().checked_sub(wanted.len()) else { return false };
    let name = name.as_bytes();
    name[before..].eq_ignore_ascii_case(wanted.as_bytes()) && (before == 0 || name[before - 1] == b'.')
}

/// The operator's type where it is one: it becomes a label.
fn operator_name(name: &str) -> Option<String> {
    let name = name.trim().to_ascii_uppercase().replace(' ', "_");
    let right =
        name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    (right && !name.is_empty() && name != "INVALID").then_some(name)
}

fn whole(value: &str) -> Option<u64> {
    value.trim().parse().ok()
}

fn seconds(value: &str) -> Option<Duration> {
    value.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(HashMap<String, String>, Vec<Tree>);

    impl Node for Tree {
        fn metrics(&self) -> &HashMap<String, String> {
            &self.0
        }
        fn children(&self) -> &[Self] {
            &self.1
        }
    }

    fn tree(metrics: &[(&str, &str)], children: Vec<Tree>) -> Tree {
        Tree(metrics.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(), children)
    }

    /// What DuckDB 2.0 gave for a count over a table.
    fn second_generation() -> Tree {
        let scan = tree(&[("intermediate_rows", "994"), ("timing", "2.5e-05"), ("type", "TABLE_SCAN")], vec![]);
        let count =
            tree(&[("intermediate_rows", "1"), ("timing", "3.9e-06"), ("type", "UNGROUPED_AGGREGATE")], vec![scan]);
        let execute = tree(&[("intermediate_rows", "0"), ("timing", "0.0"), ("type", "EXECUTE")], vec![count]);
        let collector =
            tree(&[("intermediate_rows", "0"), ("timing", "9e-06"), ("type", "RESULT_COLLECTOR")], vec![execute]);
        let system = tree(
            &[("peak_buffer_memory", "299008"), ("peak_temp_dir_size", "0"), ("blocked_thread_time", "7e-05")],
            vec![],
        );
        let query = tree(
            &[("sql", "select count(*) from t where a > 5;"), ("total_rows_scanned", "1000"), ("total_time", "0.004")],
            vec![],
        );
        let io = tree(&[("total_bytes_read", "262144"), ("total_bytes_written", "0")], vec![]);
        let planner = tree(&[("binding_time", "0.0005"), ("total_time", "0.001")], vec![]);
        let optimizer = tree(&[("filter_pushdown", "3e-05"), ("total_time", "0.0004")], vec![]);
        let physical = tree(&[("create_plan", "2e-05"), ("total_time", "0.0001")], vec![]);
        tree(&[], vec![collector, io, planner, optimizer, physical, system, query])
    }

    #[test]
    fn the_groups_of_2_0_are_found_by_their_keys() {
        let profile = Profile::of(&second_generation(), " select count(*) from t where a > 5").unwrap();
        assert_eq!(profile.rows_scanned, Some(1000));
        assert_eq!((profile.peak_memory_bytes, profile.peak_temp_bytes), (Some(299_008), Some(0)));
        assert_eq!(profile.result_bytes, None);
        assert_eq!((profile.read_bytes, profile.written_bytes), (Some(262_144), Some(0)));
        assert_eq!(profile.blocked, Some(Duration::from_micros(70)));
        assert_eq!(
            profile.planning,
            Some(Duration::from_micros(1_500)),
            "the three that plan, and not the query's own"
        );
        assert_eq!(profile.operators_time(), Some(Duration::from_nanos(37_900)));
        let names: Vec<_> = profile.operators.iter().map(|operator| &*operator.name).collect();
        assert_eq!(names, ["RESULT_COLLECTOR", "UNGROUPED_AGGREGATE", "TABLE_SCAN"]);
    }

    #[test]
    fn the_names_of_1_x_are_found_at_the_root() {
        let scan = tree(
            &[
                ("OPERATOR_TYPE", "TABLE_SCAN"),
                ("OPERATOR_NAME", "SEQ_SCAN "),
                ("OPERATOR_TIMING", "0.5"),
                ("OPERATOR_CARDINALITY", "7"),
            ],
            vec![],
        );
        let root = tree(
            &[
                ("QUERY_NAME", "select 1"),
                ("CUMULATIVE_ROWS_SCANNED", "9"),
                ("RESULT_SET_SIZE", "56"),
                ("SYSTEM_PEAK_BUFFER_MEMORY", "5"),
            ],
            vec![scan],
        );
        let profile = Profile::of(&root, "select 1").unwrap();
        assert_eq!(
            (profile.rows_scanned, profile.result_bytes, profile.peak_memory_bytes),
            (Some(9), Some(56), Some(5))
        );
        assert_eq!(profile.operators[0].time, Some(Duration::from_millis(500)));
        assert_eq!(profile.operators[0].rows, Some(7));
    }

    #[test]
    fn a_profile_of_another_statement_is_none() {
        assert_eq!(Profile::of(&second_generation(), "select 1"), None);
        assert_eq!(Profile::of(&tree(&[("result", "error")], vec![]), "select 1"), None);
    }

    #[test]
    fn the_plan_shows_time_and_rows_by_operator() {
        let profile = Profile::of(&second_generation(), "select count(*) from t where a > 5").unwrap();
        let expected = "\
RESULT_COLLECTOR           0.009 ms  0 rows
  UNGROUPED_AGGREGATE      0.004 ms  1 rows
    TABLE_SCAN             0.025 ms  994 rows";
        assert_eq!(profile.plan(), expected);
    }

    #[test]
    fn what_is_no_type_is_no_operator() {
        assert_eq!(operator_name("hunter2's"), None);
        assert_eq!(operator_name("Seq Scan ").as_deref(), Some("SEQ_SCAN"));
    }
}
