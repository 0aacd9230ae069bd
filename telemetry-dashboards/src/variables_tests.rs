use super::{MAX_READINGS, mentions, substitute};
use crate::labels::VARIABLE;
use crate::query::Variable;
use promql_parser::parser::parse;
use std::collections::BTreeMap;

fn texts(texts: &[&str]) -> Variable {
    Variable::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn variables(variables: &[(&str, Variable)]) -> BTreeMap<String, Variable> {
    variables.iter().map(|(name, variable)| ((*name).to_owned(), variable.clone())).collect()
}

/// What each reading comes to: its first candidate that parses.
fn chosen(text: &str, variables: &BTreeMap<String, Variable>) -> Vec<String> {
    let readings = substitute(text, variables).readings;
    let parsed =
        readings.iter().map(|candidates| candidates.iter().find(|candidate| parse(candidate).is_ok()).cloned());
    parsed
        .map(|candidate| candidate.unwrap_or_else(|| panic!("no reading of `{text}` parses: {readings:#?}")))
        .collect()
}

/// The one reading of a text whose variables only the server knows.
fn one(text: &str) -> String {
    let all = chosen(text, &BTreeMap::new());
    assert_eq!(all.len(), 1, "{text}");
    all.concat()
}

#[test]
fn a_text_without_variables_gives_itself() {
    let texts = [
        "",
        "sum by (le) (rate(x_bucket{a=~\"b|c$\"}[5m])) # 5 $ or so\n > 3",
        "label_replace(up, \"a\", \"$1\", \"b\", \"(.*)$\")",
        "label_replace(up, \"a\", \"${1}_x\", \"b\", '[[:alpha:]]+')",
        "this is ( no { PromQL [ \" at all",
        "ä{ö=\"ü\"} ≥ 5",
    ];
    for text in texts {
        assert_eq!(substitute(text, &BTreeMap::new()).readings, [[text]], "{text}");
    }
    // The same for anything that a small generator comes up with.
    let letters: Vec<char> = "ab1 {}[]()\"'`#\\=~:.,$\n".chars().collect();
    let mut state = 1_u64;
    for length in 0..2_000 {
        let mut text = String::new();
        for _ in 0..length % 40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push(letters[(state >> 33) as usize % letters.len()]);
        }
        let text = text.replace("[[", "[ [").replace("$a", "$ a").replace("$b", "$ b").replace("${", "$ {");
        assert_eq!(substitute(&text, &BTreeMap::new()).readings, [[text.clone()]], "{text}");
    }
}

#[test]
fn a_duration_stands_in_brackets_and_behind_offset() {
    assert_eq!(one("rate(x[$__rate_interval])"), "rate(x[5m])");
    assert_eq!(one("rate(x[[[step]]])"), "rate(x[5m])");
    assert_eq!(one("increase(x[${__range_s}s])"), "increase(x[5s])");
    assert_eq!(one("increase(x[${__range_ms}ms])"), "increase(x[5ms])");
    assert_eq!(one("rate(x[${step}m])"), "rate(x[5m])");
    assert_eq!(one("rate(x[5$unit])"), "rate(x[5m])");
    assert_eq!(one("rate(x[${n}${unit}])"), "rate(x[5m])");
    assert_eq!(one("max_over_time(rate(x[5m])[$__range:$__interval])"), "max_over_time(rate(x[5m])[5m:5m])");
    assert_eq!(one("max_over_time(rate(x[5m])[${__range}:])"), "max_over_time(rate(x[5m])[5m:])");
    assert_eq!(one("x offset $shift"), "x offset 5m");
    assert_eq!(one("x offset -${shift}"), "x offset -5m");
    assert_eq!(one("rate(x[$w] offset $shift) / 2"), "rate(x[5m] offset 5m) / 2");
}

#[test]
fn a_word_stands_in_strings_so_that_patterns_stay_patterns() {
    assert_eq!(one("x{a=~\"$a\"}"), "x{a=~\"grafana_variable_a\"}");
    assert_eq!(one("x{a=~\"(${a:regex}|b).*[[c]]\"}"), "x{a=~\"(grafana_variable_a|b).*grafana_variable_c\"}");
    assert_eq!(one("x{a=~'^$a$', b=`$b`}"), "x{a=~'^grafana_variable_a$', b=`grafana_variable_b`}");
    assert_eq!(one("{__name__=~\"${prefix}_.*\"}"), "{__name__=~\"grafana_variable_prefix_.*\"}");
    assert_eq!(
        one("x{a=\"$a\"} # of \"$b\n+ 1"),
        "x{a=\"grafana_variable_a\"} # of \"$b\n+ 1",
        "a comment is no query"
    );
}

#[test]
fn what_a_pattern_found_is_no_variable() {
    let named = "label_replace(up, \"a\", \"$host:${port}\", \"b\", \"(?P<host>.*):(?P<port>.*)\")";
    assert_eq!(one(named), named);
    assert!(mentions(named).is_empty());
    assert_eq!(
        one("label_replace(up, \"$a\", \"$1\", \"b\", \"(.*)\")"),
        "label_replace(up, \"grafana_variable_a\", \"$1\", \"b\", \"(.*)\")"
    );
}

#[test]
fn a_label_stands_in_lists_and_before_a_matchers_operator() {
    assert_eq!(one("sum by ($a) (x)"), "sum by (grafana_variable_a) (x)");
    assert_eq!(one("sum(x) by (le, ${a:csv})"), "sum(x) by (le, grafana_variable_a)");
    assert_eq!(one("sum without (a, $b) (x)"), "sum without (a, grafana_variable_b) (x)");
    assert_eq!(one("x * on ($a) group_left ($b) y"), "x * on (grafana_variable_a) group_left (grafana_variable_b) y");
    assert_eq!(one("sum by $a (x)"), "sum by (grafana_variable_a) (x)");
    assert_eq!(one("sum $by (a) (x)"), "sum by (a) (x)");
    assert_eq!(one("x{$a=\"b\", ${c} =~ \"d\"}"), "x{grafana_variable_a=\"b\", grafana_variable_c =~ \"d\"}");
    let known = variables(&[("a", texts(&["job", "shard"]))]);
    assert_eq!(chosen("sum by ($a) (x)", &known), ["sum by (job) (x)"], "of a label the first text is enough");
}

#[test]
fn a_matcher_may_be_a_variable_whole() {
    assert_eq!(one("x{$filters}"), "x{grafana_variable_filters=~\".+\"}");
    assert_eq!(one("x{a=\"b\", $filters}"), "x{a=\"b\", grafana_variable_filters=~\".+\"}");
    assert_eq!(one("x{a=\"b\" $filters}"), "x{a=\"b\" }");
    assert_eq!(one("x{a=~${a:doublequote}}"), "x{a=~\"grafana_variable_a\"}");
    let known = variables(&[("filters", texts(&["job=\"a\", shard!=\"b\""]))]);
    assert_eq!(chosen("x{$filters}", &known), ["x{job=\"a\", shard!=\"b\"}"]);
}

#[test]
fn a_name_or_a_part_of_one_is_a_place_holder_if_nobody_knows_it() {
    assert_eq!(one("$metric"), "grafana_variable_metric");
    assert_eq!(one("rate($metric{a=\"b\"}[5m])"), "rate(grafana_variable_metric{a=\"b\"}[5m])");
    assert_eq!(one("rate(${prefix}_total[5m])"), "rate(grafana_variable_prefix_total[5m])");
    assert_eq!(one("job_${what}_seconds"), "job_grafana_variable_what_seconds");
    assert_eq!(one("job:${what}:rate5m"), "job:grafana_variable_what:rate5m");
}

#[test]
fn each_text_of_a_name_is_a_reading() {
    let known = variables(&[("metric", texts(&["a_total", "b_total"])), ("other", Variable::Unknown)]);
    assert_eq!(chosen("rate($metric[5m])", &known), ["rate(a_total[5m])", "rate(b_total[5m])"]);
    assert_eq!(chosen("$metric + $metric", &known), ["a_total + a_total", "b_total + b_total"]);
    assert_eq!(chosen("x{a=\"$metric\"}", &known).len(), 1, "a value of a label is not looked at");
    let known = variables(&[("a", texts(&["x", "y"])), ("b", texts(&["1", "2"]))]);
    assert_eq!(chosen("$a + ${a}_$b", &known), ["x + x_1", "y + y_1", "x + x_2", "y + y_2"]);
    let many: Vec<String> = (0..1_000).map(|number| format!("x{number}")).collect();
    let known = variables(&[("a", Variable::Texts(many.clone())), ("b", Variable::Texts(many))]);
    assert_eq!(chosen("$a / $b", &known).len(), MAX_READINGS);
}

#[test]
fn a_function_is_one_of_its_texts_or_one_that_asks_nothing() {
    let known = variables(&[("f", texts(&["rate", "increase"])), ("agg", texts(&["sum", "max"]))]);
    assert_eq!(chosen("$f(x[5m])", &known), ["rate(x[5m])", "increase(x[5m])"]);
    assert_eq!(chosen("$agg by (a) (x)", &known), ["sum by (a) (x)", "max by (a) (x)"]);
    assert_eq!(chosen("${agg}_over_time(x[5m])", &known), ["sum_over_time(x[5m])", "max_over_time(x[5m])"]);
    assert_eq!(one("$f(x[5m])"), "changes(x[5m])");
    assert_eq!(one("$f(rate(x[5m]))"), "timestamp(rate(x[5m]))");
    assert_eq!(one("$f(x) by (a)"), "count(x) by (a)");
    assert_eq!(one("$f by (a) (x)"), "count by (a) (x)");
    assert_eq!(one("${f}_over_time(x[5m])"), "count_over_time(x[5m])");
    assert_eq!(one("topk(3, $f(x))"), "topk(3, timestamp(x))");
    assert_eq!(one("$f($n, x)"), "topk(1, x)");
}

#[test]
fn a_number_stands_where_only_a_number_can() {
    assert_eq!(one("topk($n, x)"), "topk(1, x)");
    assert_eq!(one("topk by (a) ($n, x)"), "topk by (a) (1, x)");
    assert_eq!(
        one("histogram_quantile($q, sum by (le) (rate(x_bucket[5m])))"),
        "histogram_quantile(1, sum by (le) (rate(x_bucket[5m])))"
    );
    assert_eq!(one("histogram_quantile(0.$q, x_bucket)"), "histogram_quantile(0.9, x_bucket)");
    assert_eq!(one("histogram_quantile($q / 100, $m)"), "histogram_quantile(1 / 100, grafana_variable_m)");
    assert_eq!(one("clamp_max(x, $most)"), "clamp_max(x, 1)");
    assert_eq!(one("predict_linear(x[1h], $hours * 3600)"), "predict_linear(x[1h], 1 * 3600)");
    assert_eq!(one("x * $__interval_ms / 1000"), "x * 1 / 1000");
    assert_eq!(one("x @ ${__to:date:seconds}"), "x @ 1");
    assert_eq!(one("vector($a)"), "vector(1)");
    let known = variables(&[("n", texts(&["5", "10"]))]);
    assert_eq!(chosen("topk($n, x)", &known), ["topk(5, x)"]);
    assert_eq!(chosen("x > $n", &known), ["x > 5", "x > 10"]);
}

#[test]
fn an_unknown_operand_is_no_number_that_a_threshold_could_be_judged_by() {
    assert_eq!(
        one("histogram_quantile(0.9, x_bucket) > $limit"),
        "histogram_quantile(0.9, x_bucket) > grafana_variable_limit"
    );
    assert_eq!(one("x > bool $limit"), "x > bool grafana_variable_limit");
    assert_eq!(one("x and $y"), "x and grafana_variable_y");
    assert_eq!(one("x * on (a) group_left $y"), "x * on (a) group_left grafana_variable_y");
}

#[test]
fn between_operands_stands_an_operator_and_behind_the_last_nothing() {
    assert_eq!(one("sum(x) $op sum(y)"), "sum(x) + sum(y)");
    assert_eq!(one("x $op 5"), "x + 5");
    assert_eq!(one("x{a=\"b\"} $op (y)"), "x{a=\"b\"} + (y)");
    assert_eq!(one("x{a=\"b\"} $shift"), "x{a=\"b\"} ");
    assert_eq!(one("rate(x[5m] $shift)"), "rate(x[5m] )");
    let known = variables(&[("shift", texts(&["offset 1d"])), ("op", texts(&[">", "<"]))]);
    assert_eq!(chosen("rate(x[5m] $shift)", &known), ["rate(x[5m] offset 1d)"]);
    assert_eq!(chosen("x $op 5", &known), ["x > 5", "x < 5"]);
}

#[test]
fn a_whole_expression_may_be_a_variable() {
    let known = variables(&[("query", texts(&["sum(rate(x[5m]))"]))]);
    assert_eq!(chosen("$query", &known), ["sum(rate(x[5m]))"]);
    assert_eq!(chosen("$query > 5", &known), ["sum(rate(x[5m])) > 5"]);
    assert_eq!(one("($query)"), "(grafana_variable_query)");
}

#[test]
fn a_text_that_does_not_fit_leaves_a_place_holder() {
    let known = variables(&[("metric", texts(&["not a name", "x"]))]);
    assert_eq!(
        chosen("rate($metric[5m])", &known),
        [format!("rate({VARIABLE}metric[5m])"), String::from("rate(x[5m])")]
    );
}

#[test]
fn what_is_written_wrongly_stays_wrong() {
    for text in ["rate($x[5m]", "sum by ($a (x)", "x{a=\"$a}", "$", "$f($x))"] {
        let readings = substitute(text, &BTreeMap::new()).readings;
        assert!(readings.iter().flatten().all(|candidate| parse(candidate).is_err()), "{text}: {readings:?}");
    }
}

#[test]
fn hostile_texts_end_soon_and_small() {
    let known = variables(&[("a", texts(&["x", "y"])), ("b", texts(&[&"z".repeat(2_000)]))]);
    for piece in ["$a ", "$a", "${a", "[[a", "[[a]]", "\"$a", "$a(", "{$a", "$b", "(?P<", "$f($n, "] {
        let text = piece.repeat(50_000 / piece.len());
        let readings = substitute(&text, &known).readings;
        let candidates: usize = readings.iter().map(Vec::len).sum();
        assert!(!readings.is_empty() && candidates <= 24 * 24, "{piece}: {candidates}");
    }
}

#[test]
fn uses_are_listed_with_what_can_excuse_them() {
    let uses = mentions("rate($a[$__range]) # $comment\n + x{a=\"\\\\$b$$c\"}");
    let listed: Vec<(&str, bool, bool)> =
        uses.iter().map(|mention| (mention.used.name, mention.in_string, mention.used.escaped)).collect();
    assert_eq!(listed, [("a", false, false), ("__range", false, false), ("b", true, true), ("c", true, true)]);
}
