//! What each form of query asks: one line for each demand, `!` before a mistake.

use super::*;

fn sources() -> Sources {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Sources {
        foreign: list(&["node_", "up"]),
        target_labels: list(&["job", "instance"]),
        function_labels: list(&["carrier"]),
        ..Sources::default()
    }
}

fn query(role: Role, text: &str, reads: &[&str]) -> Query {
    let place = Place { file: String::from("f"), part: String::from("p"), query: text.to_owned() };
    let reads = reads.iter().map(|label| ((*label).to_owned(), format!("{{{{{label}}}}}"))).collect();
    Query { place, role, reads, variables: BTreeMap::new() }
}

fn record(name: &str, text: &str, labels: &[&str]) -> Query {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    query(Role::Record { name: name.to_owned(), labels }, text, &[])
}

fn lines(queries: &[Query]) -> Vec<String> {
    let (demands, mistakes) = analyse(queries, &sources());
    let demands = demands.into_iter().map(|demand| match demand.ask {
        Ask::Series(sample) => format!("series {}", sample.name),
        Ask::Prefix(prefix) => format!("prefix {prefix}"),
        Ask::Label { label, of, reads } => {
            let of: Vec<_> = of.iter().map(|sample| sample.name.as_str()).collect();
            format!("label {label} of {} ({reads:?})", of.join(" or "))
        }
        Ask::Counts { sample, function } => format!("counts {} ({function})", sample.name),
        Ask::Shown(sample) => format!("shown {}", sample.name),
        Ask::Buckets(sample) => format!("buckets {}", sample.name),
        Ask::Threshold { sample, comparison, value } => format!("threshold {} {comparison:?} {value}", sample.name),
        Ask::Bound { sample, le } => format!("bound {} {le}", sample.name),
    });
    let mut lines: Vec<String> = demands.chain(mistakes.into_iter().map(|it| format!("! {}", it.message))).collect();
    lines.sort();
    lines
}

#[track_caller]
fn panel(text: &str, expected: &[&str]) {
    assert_eq!(lines(&[query(Role::Panel, text, &[])]), expected, "{text}");
}

#[track_caller]
fn alert(text: &str, expected: &[&str]) {
    assert_eq!(lines(&[query(Role::Alert, text, &[])]), expected, "{text}");
}

#[test]
fn a_selector_asks_for_its_series_and_its_labels() {
    panel("depth", &["series depth", "shown depth"]);
    panel(
        r#"depth{queue="a",job="b",x!~"c"}"#,
        &["label queue of depth (Matcher)", "label x of depth (Matcher)", "series depth", "shown depth"],
    );
    panel(r#"{__name__="depth",queue="a"}"#, &["label queue of depth (Matcher)", "series depth", "shown depth"]);
    panel(r#"depth{queue=""}"#, &["series depth", "shown depth"]);
    panel(
        r#"depth{a="1" or b="2"}"#,
        &["label a of depth (Matcher)", "label b of depth (Matcher)", "series depth", "shown depth"],
    );
}

#[test]
fn names_of_others_ask_for_nothing() {
    panel(r#"up{job="x",anything="y"} * on (host) node_load1"#, &[]);
    panel(r#"ALERTS{alertstate="firing",severity="page"}"#, &[]);
    panel(r#"{__name__=~"node_.*"}"#, &[]);
    // `up` is no beginning of `uploads_total`, `node_` is of all that has it.
    panel("uploads", &["series uploads", "shown uploads"]);
    panel("node_anything_total", &[]);
}

#[test]
fn a_pattern_of_names_is_followed_as_far_as_it_is_plain() {
    panel(
        r#"{__name__=~"rows_total|depth"}"#,
        &["series depth", "series rows_total", "shown depth", "shown rows_total"],
    );
    panel(r#"count({__name__=~"^rows_total$"})"#, &["series rows_total"]);
    panel(
        r#"rate({__name__=~"rows_(a|b)_total"}[5m])"#,
        &["counts rows_a_total (rate)", "counts rows_b_total (rate)", "series rows_a_total", "series rows_b_total"],
    );
    panel(r#"count({__name__=~"(?:a|b)_total"})"#, &["series a_total", "series b_total"]);
    panel(r#"{__name__=~"rows_.*|depth"}"#, &["prefix rows_", "series depth", "shown depth"]);
    panel(r#"{__name__=~"^rows_(a|b)_(c|d)"}"#, &["prefix rows_"]);
    panel(r#"{__name__=~"rows?_total"}"#, &["prefix row"]);
    panel(r#"{__name__=~"(a|b).*_total"}"#, &[]);
    panel(r#"{__name__=~".+",job="x"}"#, &[]);
}

#[test]
fn rates_ask_that_it_counts() {
    panel("rate(rows_total[5m])", &["counts rows_total (rate)", "series rows_total"]);
    panel("sum(increase(rows_total[1h:1m]))", &["counts rows_total (increase)", "series rows_total"]);
    panel("deriv(depth[5m]) + delta(depth[5m])", &["series depth"]);
}

#[test]
fn a_panel_asks_that_what_it_shows_does_not_count() {
    panel(
        "sum by (queue) (rows_total) * 60",
        &["label queue of rows_total (By)", "series rows_total", "shown rows_total"],
    );
    panel("max_over_time(rows_total[1h])", &["series rows_total", "shown rows_total"]);
    panel(
        "errors_total / rows_total",
        &["series errors_total", "series rows_total", "shown errors_total", "shown rows_total"],
    );
    for text in ["count(rows_total)", "absent(rows_total)", "changes(rows_total[1h])", "timestamp(rows_total)"] {
        panel(text, &["series rows_total"]);
    }
    panel("depth and rows_total > 0", &["series depth", "series rows_total", "shown depth"]);
    panel("sum(started_total) - sum(ended_total)", &["series ended_total", "series started_total"]);
    // Only panels show.
    alert("rows_total > 5", &["series rows_total"]);
}

#[test]
fn a_rate_reaches_what_it_is_of() {
    let counts = ["counts depth (rate)", "series depth"];
    for text in [
        "rate((depth)[5m:])",
        "rate(sum by (job) (depth)[5m:1m])",
        "rate((depth > 0)[5m:])",
        "rate((60 * -depth)[5m:])",
        "rate(label_replace(abs(depth), \"a\", \"b\", \"\", \"\")[5m:])",
        "rate(max_over_time(depth[5m])[1h:])",
        "rate({__name__=~\"depth\"}[5m])",
    ] {
        panel(text, &counts);
    }
    panel("rate((depth or size)[5m:])", &["counts depth (rate)", "counts size (rate)", "series depth", "series size"]);
    // How many there are, and whether, is another thing.
    for text in ["rate(count(depth)[5m:])", "increase((depth > bool 5)[1h:])"] {
        panel(text, &["series depth"]);
    }
    assert_eq!(
        lines(&[record("job:depth", "sum by (job) (depth)", &[]), query(Role::Panel, "rate(job:depth[5m])", &[])]),
        ["counts depth (rate)", "series depth"]
    );
}

#[test]
fn a_counter_is_bare_wherever_it_is_shown() {
    let shown = ["series rows_total", "shown rows_total"];
    for text in [
        "max_over_time(sum(rows_total)[1h:5m])",
        "last_over_time((rows_total * 2)[1h:5m])",
        "vector(0) or sort_desc(sum(rows_total))",
        "rows_total > 0",
        "rows_total unless rows_total",
    ] {
        panel(text, &shown);
    }
    assert_eq!(
        lines(&[record("job:rows", "sum(rows_total)", &[]), query(Role::Panel, "max(job:rows)", &[])]),
        ["series rows_total", "shown rows_total"]
    );
}

#[test]
fn a_counter_that_is_only_asked_whether_it_is_there_is_not_bare() {
    for text in [
        "rows_total * 0",
        "0 * sum(rows_total)",
        "rows_total > bool 0",
        "sgn(rows_total)",
        "count_values(\"v\", rows_total)",
        "rows_total unless rows_total offset 5m",
    ] {
        panel(text, &["series rows_total"]);
    }
}

#[test]
fn rules_that_read_each_other_many_times_come_to_an_end() {
    let mut queries = vec![record("a:0", "sum by (job) (depth)", &[])];
    for n in 1..40 {
        let text = format!("rate((a:{0} or sum by (job) (a:{0} / a:{0}) > 1)[5m:])", n - 1);
        queries.push(record(&format!("a:{n}"), &text, &[]));
    }
    assert!(lines(&queries).contains(&String::from("series depth")));
}

#[test]
fn a_quantile_is_a_share_of_one() {
    let mistake = |text: &str| {
        lines(&[query(Role::Panel, text, &[])]).into_iter().filter(|line| line.starts_with('!')).collect::<Vec<_>>()
    };
    assert_eq!(
        mistake("histogram_quantile(95, sum by (le) (rate(x_bucket[5m])))"),
        ["! `histogram_quantile` takes a share from 0 to 1, and `95` is none; write one such as `0.95`"]
    );
    assert_eq!(mistake("quantile(-1, depth)").len(), 1);
    assert_eq!(mistake("quantile_over_time(99.9, depth[5m])").len(), 1);
    for text in ["quantile(0, depth)", "quantile(1, depth)", "quantile_over_time(95 / 100, depth[5m])"] {
        assert_eq!(mistake(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_rule_has_one_value_for_each_series() {
    let mistakes =
        |text: &str| lines(&[record("a:b", text, &[])]).into_iter().filter(|line| line.starts_with('!')).count();
    assert_eq!([mistakes("depth[5m]"), mistakes("\"x\""), mistakes("depth"), mistakes("1")], [1, 1, 0, 0]);
}

#[test]
fn what_is_absent_has_the_labels_that_were_asked_for() {
    let legend = |text: &str| lines(&[query(Role::Panel, text, &["queue"])]);
    assert_eq!(
        legend("absent(depth{queue=\"a\"})"),
        ["label queue of depth (Matcher)", "label queue of depth (Template)", "series depth"]
    );
    assert!(legend("absent(depth)").iter().any(|line| line.starts_with("! ")));
}

#[test]
fn sides_that_are_grouped_otherwise_never_meet() {
    let mistakes = |text: &str| {
        let lines = lines(&[query(Role::Panel, text, &[])]);
        lines.into_iter().filter(|line| line.starts_with('!')).collect::<Vec<_>>()
    };
    let never = |operator: &str, group: &str| {
        vec![format!(
            "! `{operator}` never finds two series with the same labels, since one side is grouped by `queue` and the other is not; \
             write `{operator} ignoring (queue) {group} ()`, or group both sides by the same"
        )]
    };
    assert_eq!(mistakes("sum by (queue) (depth) / sum(depth)"), never("/", "group_left"));
    assert_eq!(mistakes("sum(depth) / (60 * sum by (queue) (depth))"), never("/", "group_right"));
    assert_eq!(mistakes("max by (queue) (depth) and sum(size) > 5"), never("and", "group_left"));
    assert_eq!(
        mistakes("histogram_quantile(0.9, sum by (le, queue) (rate(x_bucket[5m]))) > sum(size)"),
        never(">", "group_left")
    );
    for text in [
        "sum by (queue) (depth) / sum by (queue) (size)",
        "sum by (queue) (depth) / ignoring (queue) group_left () sum(depth)",
        "sum by (queue) (depth) / on () group_left () sum(depth)",
        "sum by (queue) (depth) / scalar(sum(depth))",
        "sum by (queue) (depth) or sum(depth)",
        "sum by (queue) (depth) unless sum(depth)",
        "sum by (queue) (depth) / sum without (queue) (depth)",
        "sum by (queue) (depth) / 5",
        "sum by (grafana_variable_x) (depth) / sum(depth)",
        "sum by (cluster) (node_load1) / sum(node_load1)",
        "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m]))) / sum(size)",
        "label_replace(sum(depth), \"queue\", \"a\", \"\", \"\") / sum by (queue) (depth)",
    ] {
        assert_eq!(mistakes(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn groupings_ask_for_their_labels() {
    panel("sum without (a) (depth)", &["label a of depth (Without)", "series depth", "shown depth"]);
    panel("topk by (a) (3, depth)", &["label a of depth (By)", "series depth", "shown depth"]);
    panel(
        "sum by (a) (sum by (a, b) (depth))",
        &["label a of depth (By)", "label b of depth (By)", "series depth", "shown depth"],
    );
    panel(
        "sum by (c) (sum by (a) (depth))",
        &[
            "! `by` reads the label `c`, which the series there do not have any more; keep it in their `by (…)`, or leave it out here",
            "label a of depth (By)",
            "series depth",
            "shown depth",
        ],
    );
    panel("sum by (job, instance, otel_metric_overflow) (depth)", &["series depth", "shown depth"]);
    panel("sum by (grafana_variable_group) (depth)", &["series depth", "shown depth"]);
    panel(
        "sum by (a) (sum by (grafana_variable_group) (depth))",
        &["label a of depth (By)", "series depth", "shown depth"],
    );
}

#[test]
fn matchings_ask_for_their_labels_on_the_side_that_has_them() {
    panel(
        "depth * on (queue) group_left (owner) queue_info",
        &[
            "label owner of queue_info (Group)",
            "label queue of depth (On)",
            "label queue of queue_info (On)",
            "series depth",
            "series queue_info",
            "shown depth",
            "shown queue_info",
        ],
    );
    panel(
        "sum by (owner) (depth * on (queue) group_left (owner) queue_info)",
        &[
            "label owner of depth or queue_info (By)",
            "label owner of queue_info (Group)",
            "label queue of depth (On)",
            "label queue of queue_info (On)",
            "series depth",
            "series queue_info",
            "shown depth",
            "shown queue_info",
        ],
    );
    panel(
        "depth / ignoring (a) size",
        &["label a of depth or size (Ignoring)", "series depth", "series size", "shown depth", "shown size"],
    );
    panel("depth or on () vector(0)", &["series depth", "shown depth"]);
}

#[test]
fn labels_made_in_the_query_are_there() {
    panel(
        r#"sum by (short) (label_replace(depth, "short", "$1", "queue", "(.*)-x"))"#,
        &["label queue of depth (Argument)", "series depth", "shown depth"],
    );
    panel(
        r#"sum by (all) (label_join(depth, "all", "-", "a", "b"))"#,
        &["label a of depth (Argument)", "label b of depth (Argument)", "series depth", "shown depth"],
    );
    panel(r#"sum by (v) (count_values("v", depth))"#, &["series depth"]);
    panel(r#"sort_by_label(depth, "a")"#, &["label a of depth (Argument)", "series depth", "shown depth"]);
}

#[test]
fn the_labels_of_functions_are_those_of_two_families() {
    panel(
        "sum by (carrier) (rate(function_calls_total[5m]))",
        &["counts function_calls_total (rate)", "series function_calls_total"],
    );
    panel(
        "sum by (carrier, le) (rate(function_calls_duration_seconds_bucket[5m]))",
        &[
            "counts function_calls_duration_seconds_bucket (rate)",
            "label le of function_calls_duration_seconds_bucket (By)",
            "series function_calls_duration_seconds_bucket",
        ],
    );
    panel(
        "sum by (carrier) (rate(function_polls_total[5m]))",
        &[
            "counts function_polls_total (rate)",
            "label carrier of function_polls_total (By)",
            "series function_polls_total",
        ],
    );
}

#[test]
fn a_quantile_keeps_le_or_reads_the_histogram_itself() {
    panel(
        "histogram_quantile(0.9, sum by (le) (rate(wait_seconds_bucket[5m])))",
        &["counts wait_seconds_bucket (rate)", "label le of wait_seconds_bucket (By)", "series wait_seconds_bucket"],
    );
    panel(
        "histogram_quantile(0.9, rate(wait_seconds_bucket[5m]))",
        &["counts wait_seconds_bucket (rate)", "series wait_seconds_bucket"],
    );
    panel(
        "histogram_quantile(0.9, sum by (queue) (rate(wait_seconds_bucket[5m])))",
        &[
            "! `histogram_quantile` of `wait_seconds_bucket` without `le`, which tells the buckets apart; keep it: `sum by (le, …) (…)`",
            "counts wait_seconds_bucket (rate)",
            "label queue of wait_seconds_bucket (By)",
            "series wait_seconds_bucket",
        ],
    );
    panel(
        "histogram_quantile(0.9, sum without (le) (2 * rate(wait_seconds_bucket[5m])))",
        &[
            "! `histogram_quantile` of `wait_seconds_bucket` without `le`, which tells the buckets apart; keep it: `sum by (le, …) (…)`",
            "counts wait_seconds_bucket (rate)",
            "label le of wait_seconds_bucket (Without)",
            "series wait_seconds_bucket",
        ],
    );
    panel(
        "histogram_quantile(0.9, sum by (queue) (rate(wait_seconds[5m])))",
        &[
            "buckets wait_seconds",
            "counts wait_seconds (rate)",
            "label queue of wait_seconds (By)",
            "series wait_seconds",
        ],
    );
    panel(
        "histogram_quantile(0.9, rate(wait_seconds_sum[5m]))",
        &["buckets wait_seconds_sum", "counts wait_seconds_sum (rate)", "series wait_seconds_sum"],
    );
}

#[test]
fn bounds_are_asked_for_as_they_are_written() {
    alert(
        r#"rate(wait_seconds_bucket{le="0.5"}[5m])"#,
        &[
            "bound wait_seconds_bucket 0.5",
            "counts wait_seconds_bucket (rate)",
            "label le of wait_seconds_bucket (Matcher)",
            "series wait_seconds_bucket",
        ],
    );
    alert(
        r#"wait_seconds_bucket{le=~"0.5|\\+Inf"}"#,
        &[
            "bound wait_seconds_bucket +Inf",
            "bound wait_seconds_bucket 0.5",
            "label le of wait_seconds_bucket (Matcher)",
            "series wait_seconds_bucket",
        ],
    );
}

#[test]
fn thresholds_of_quantiles_are_within_the_bounds() {
    let rest = ["counts w_bucket (rate)", "series w_bucket"];
    let with = |line: &'static str| rest.iter().copied().chain([line]).collect::<Vec<_>>();
    let quantile = "histogram_quantile(0.9, rate(w_bucket[5m]))";
    alert(&format!("{quantile} > 2"), &with("threshold w_bucket Above 2"));
    for text in [
        "1000 * Q > 2000",
        "-Q < -2",
        "Q > vector(2)",
        "label_replace(Q, \"a\", \"b\", \"\", \"\") > 2",
        "max_over_time(Q[1h:]) > 2",
        "topk(3, Q) > 2",
        "(Q or vector(0)) > 2",
        "(Q and on () Q) > 2",
    ] {
        alert(&text.replace('Q', quantile), &with("threshold w_bucket Above 2"));
    }
    alert(&format!("{quantile} != 2"), &with("threshold w_bucket Unequal 2"));
    let recorded = |text: &str| lines(&[record("a:p95", quantile, &[]), query(Role::Alert, text, &[])]);
    for text in ["a:p95 > 2", "avg_over_time(a:p95[1h]) > 2", "max(a:p95) * 1000 > 2000"] {
        assert!(recorded(text).contains(&String::from("threshold w_bucket Above 2")), "{text}");
    }
    assert!(
        lines(&[record("a:slow", &format!("{quantile} > bool 2"), &[])])
            .contains(&String::from("threshold w_bucket Above 2"))
    );
    alert(&format!("2 > ({quantile})"), &with("threshold w_bucket Below 2"));
    alert(&format!("max({quantile}) * 1000 >= 2 * 1e3"), &with("threshold w_bucket AtLeast 2"));
    alert(&format!("{quantile} > 3 and on () up == 1"), &with("threshold w_bucket Above 3"));
    alert(&format!("sum({quantile}) > 3"), &rest);
    panel(&format!("{quantile} > 3"), &rest);
}

#[test]
fn recorded_names_have_the_labels_of_their_rules() {
    let rule = || record("queue:rows:rate5m", "sum by (queue) (rate(rows_total[5m]))", &["team"]);
    let of = |text: &str| {
        let mut all = lines(&[rule(), query(Role::Alert, text, &[])]);
        all.retain(|line| {
            !["counts rows_total (rate)", "series rows_total", "label queue of rows_total (By)"]
                .contains(&line.as_str())
        });
        all
    };
    assert!(of("sum by (team) (queue:rows:rate5m) > 1").is_empty());
    assert_eq!(of(r#"queue:rows:rate5m{queue="a"}"#), ["label queue of rows_total (Matcher)"]);
    assert_eq!(
        of(r#"queue:rows:rate5m{table="a"}"#),
        [
            "! a matcher reads the label `table`, which the series there do not have any more; keep it in their `by (…)`, or leave it out here",
        ]
    );
    assert_eq!(of("queue:rows:rate6m"), ["series queue:rows:rate6m"]);
    // A rule that reads itself ends.
    assert!(lines(&[record("a:b", "sum by (x) (a:b)", &[])]).is_empty());
}

#[test]
fn a_quantile_over_recorded_buckets_keeps_le() {
    let quantile = |by: &str| {
        lines(&[
            record("queue:wait_seconds_bucket:rate5m", &format!("sum by ({by}) (rate(wait_seconds_bucket[5m]))"), &[]),
            query(Role::Panel, "histogram_quantile(0.9, queue:wait_seconds_bucket:rate5m)", &[]),
        ])
    };
    assert!(quantile("le").iter().all(|line| !line.starts_with('!')));
    assert!(
        quantile("queue")
            .iter()
            .any(|line| line.starts_with("! `histogram_quantile` of `wait_seconds_bucket` without"))
    );
}

#[test]
fn legends_read_labels_of_the_result() {
    assert_eq!(
        lines(&[query(Role::Panel, "sum by (queue) (depth)", &["queue", "table", "__name__"])]),
        [
            "! `{{table}}` reads the label `table`, which the series there do not have any more; keep it in their `by (…)`, or leave it out here",
            "label queue of depth (By)",
            "label queue of depth (Template)",
            "series depth",
            "shown depth",
        ]
    );
    assert_eq!(lines(&[query(Role::Helper, "depth", &["queue"])]), ["label queue of depth (Variable)", "series depth"]);
    assert!(lines(&[query(Role::Panel, "up", &["host"])]).is_empty());
}

#[test]
fn what_does_not_parse_says_why() {
    let why = |text: &str| lines(&[query(Role::Panel, text, &[])]).join("\n");
    assert_eq!(why("rate(depth)"), "! this is not PromQL: expected type matrix in call to function 'rate', got vector");
    assert_eq!(
        why("sum by le (depth)"),
        "! this is not PromQL: the labels of `by` stand in parentheses; write `by (le)`"
    );
    assert_eq!(why("depth and"), "! this is not PromQL: nothing stands behind `and`");
    assert_eq!(
        why("topk(5 depth)"),
        "! this is not PromQL: an operator, a comma or an operand is missing, or stands where none can"
    );
    assert_eq!(why(""), "! this is not PromQL: no expression found in input");
}

#[test]
fn hostile_queries_end_in_a_mistake_or_not_at_all() {
    let deep = format!("{}depth{}", "(".repeat(9_000), ")".repeat(9_000));
    assert_eq!(lines(&[query(Role::Panel, &deep, &[])]), ["series depth", "shown depth"]);
    let long = vec!["depth"; 2_000].join("+");
    assert_eq!(lines(&[query(Role::Panel, &long, &[])]), ["series depth", "shown depth"]);
    let huge = "x".repeat(MAX_QUERY_BYTES + 1);
    assert_eq!(lines(&[query(Role::Panel, &huge, &[])]), ["! the query has 20001 bytes; at most 20000 are read"]);
}
