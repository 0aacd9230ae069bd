use super::{is_duration, queries};
use crate::demand::Mistake;
use crate::query::{Query, Role};

fn good(text: &str) -> Vec<Query> {
    let (queries, mistakes) = queries("r.yml", text);
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    queries
}

fn wrong(text: &str) -> Vec<Mistake> {
    queries("r.yml", text).1
}

fn messages(text: &str) -> Vec<String> {
    wrong(text).into_iter().map(|mistake| mistake.message).collect()
}

fn labels(query: &Query) -> Vec<&str> {
    query.reads.iter().map(|(label, _)| label.as_str()).collect()
}

/// A file with one rule, which is given indented by nothing.
fn rule(rule: &str) -> String {
    let lines: Vec<String> = rule.lines().map(|line| format!("      {line}")).collect();
    format!("groups:\n  - name: g\n    rules:\n      -\n  {}\n", lines.join("\n  "))
}

/// An alert in which only `without` is missing, and `with` is added.
fn alert(without: &str, with: &str) -> String {
    let lines =
        ["alert: Late", "expr: x > 1", "for: 5m", "labels: {severity: page}", "annotations: {summary: It is late}"];
    let kept: Vec<&str> = lines.into_iter().filter(|line| without.is_empty() || !line.starts_with(without)).collect();
    rule(&format!("{}\n{with}", kept.join("\n")))
}

#[test]
fn alerts_and_records_become_queries() {
    let read = good(
        "groups:
  - name: g
    interval: 30s
    labels: {team: a}
    rules:
      - alert: Late
        expr: |
          x > 1
        for: 5m
        keep_firing_for: 1h30m
        labels:
          severity: page
          queue: '{{ $labels.queue }}'
        annotations:
          summary: Job {{ $labels.job }} of {{ .Labels.shard }} is late
          description: '{{ index $labels \"code\" }}'
      - record: job:x:rate5m
        expr: rate(x[5m])
        labels: {kind: b}
      - record: seven
        expr: 7
",
    );
    assert_eq!(read.len(), 3);
    assert_eq!(
        (read[0].place.part.as_str(), read[0].place.query.as_str(), &read[0].role),
        ("alert \"Late\"", "x > 1\n", &Role::Alert)
    );
    assert_eq!(labels(&read[0]), ["queue", "code", "job", "shard"]);
    let record = |name: &str, labels: &[&str]| Role::Record {
        name: name.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    assert_eq!(
        (read[1].place.part.as_str(), &read[1].role),
        ("record \"job:x:rate5m\"", &record("job:x:rate5m", &["team", "kind"]))
    );
    assert_eq!((read[2].place.query.as_str(), &read[2].role), ("7", &record("seven", &["team"])));
}

#[test]
fn what_an_alert_lacks_is_told() {
    assert_eq!(messages(&alert("", "")), Vec::<String>::new());
    assert_eq!(
        messages(&alert("for", "")),
        ["the alert has no `for`; write how long it must hold, such as `for: 5m`, or `for: 0s` if it fires at once"]
    );
    let severity = "the alert has no label `severity`; write one under `labels`, such as `severity: warning`";
    assert_eq!(messages(&alert("labels", "")), [severity]);
    assert_eq!(messages(&alert("labels", "labels: {severity: ''}")), [severity]);
    assert_eq!(messages(&alert("labels", "labels: {team: a}")), [severity]);
    let summary =
        "the alert has no annotation `summary`; write under `annotations` what whoever is called should read first";
    assert_eq!(messages(&alert("annotations", "")), [summary]);
    assert_eq!(messages(&alert("annotations", "annotations: {summary: ' '}")), [summary]);
    assert_eq!(messages(&alert("annotations", "annotations: {description: x}")), [summary]);
    assert_eq!(messages(&alert("for", "for: 0s")), Vec::<String>::new());
    assert_eq!(
        messages(&alert("for", "for: five")),
        ["`for` `five` is no duration; write one such as `5m` or `1h30m`"]
    );
    assert_eq!(
        messages(&alert("", "keep_firing_for: 5")),
        ["`keep_firing_for` `5` is no duration; write one such as `5m` or `1h30m`"]
    );
    let mistake = wrong(&alert("for", "")).remove(0);
    assert_eq!(
        (mistake.place.file.as_str(), mistake.place.part.as_str(), mistake.place.query.as_str()),
        ("r.yml", "alert \"Late\"", "x > 1")
    );
}

#[test]
fn a_severity_of_the_whole_group_is_one() {
    let text = "groups: [{name: g, labels: {severity: page}, rules: [{alert: A, expr: x, for: 1m, annotations: {summary: y}}]}]";
    assert_eq!(messages(text), Vec::<String>::new());
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    assert_eq!(messages("groups: [{name: g, rules: [{alert: A, expr: x}, {expr: y}]}]").len(), 4);
}

#[test]
fn unknown_keys_are_told_with_the_known_ones() {
    assert_eq!(messages(&alert("expr", "exp: x > 1")), ["unknown key `exp`; did you mean `expr`?"]);
    assert_eq!(
        messages(&alert("", "severity: page")),
        [
            "unknown key `severity`; a rule has `alert`, `record`, `expr`, `for`, `keep_firing_for`, `labels`, `annotations`"
        ]
    );
    assert_eq!(messages("groups: [{name: g, rule: []}]"), ["unknown key `rule`; did you mean `rules`?"]);
    assert_eq!(
        messages(
            "groups: [{name: g, interval: 5m, query_offset: 1m, limit: 5, partial_response_strategy: warn, rules: []}]"
        ),
        Vec::<String>::new()
    );
}

#[test]
fn a_rule_is_an_alert_or_a_record_and_has_an_expression() {
    assert_eq!(
        messages(&rule("expr: x")),
        [
            "the rule has neither `alert` nor `record`; write `alert:` with its name, or `record:` with that of the series"
        ]
    );
    assert_eq!(wrong(&rule("expr: x"))[0].place.part, "rule 1 of group \"g\"");
    assert_eq!(
        messages(&rule("alert: A\nrecord: b\nexpr: x")),
        ["the rule has both `alert: A` and `record: b`; leave one out"]
    );
    assert_eq!(messages(&rule("record: b")), ["the rule has no `expr`; write its PromQL there"]);
    assert_eq!(messages(&rule("record: b\nexpr: ''")), ["the rule has no `expr`; write its PromQL there"]);
    assert_eq!(
        messages(&rule("record: 1b-c\nexpr: x")),
        ["`1b-c` is no name of a series; it has letters, digits, `_` and `:`, and begins with no digit"]
    );
    let twice =
        "groups: [{name: g, rules: [{record: b, expr: x, labels: {a: '1'}}, {record: b, expr: y, labels: {a: '2'}}]}]";
    assert_eq!(good(twice).len(), 2, "one name may be recorded in parts");
}

#[test]
fn grafanas_variables_are_refused_in_a_file_of_prometheus() {
    assert_eq!(
        messages(&rule("record: b\nexpr: rate(x[$__rate_interval])")),
        ["`$__rate_interval` is Grafana's and Prometheus does not know it; write what it stands for, such as `5m`"]
    );
    assert!(messages(&rule("record: b\nexpr: 'label_replace(x, \"a\", \"$b\", \"c\", \"(?P<b>.*)$\")'")).is_empty());
}

#[test]
fn what_is_no_file_of_rules_is_told() {
    let message = "this is no file of rules: it has no `groups`; write `groups: [{name: …, rules: […]}]`";
    for text in
        ["", "# nothing", "scrape_configs: []", "5", "[a, b]", "apiVersion: v1\nkind: Service\nspec: {}", "groups:"]
    {
        assert_eq!(messages(text), [message], "{text}");
    }
    assert_eq!(messages("group: []"), [format!("{message}; did you mean `groups` by `group`?")]);
    assert_eq!(messages("groups: {name: g}"), ["`groups` is no list; write `groups: [{name: …, rules: […]}]`"]);
    assert!(messages("groups: []").is_empty());
    let tab = messages("groups:\n\t- name: g\n").concat();
    assert!(
        tab.starts_with("this is not YAML: ")
            && tab.contains("line 2")
            && tab.ends_with("a tab stands where spaces must"),
        "{tab}"
    );
}

#[test]
fn resources_of_kubernetes_are_read_one_document_after_the_other() {
    let rules = |kind: &str| {
        format!(
            "---\napiVersion: monitoring.coreos.com/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {{groups: [{{name: g, rules: [{{record: b, expr: x}}]}}]}}\n"
        )
    };
    let others = "---\napiVersion: v1\nkind: Service\nspec: {ports: []}\n";
    assert_eq!(good(&rules("PrometheusRule")).len(), 1);
    assert_eq!(good(&format!("{}{others}{}", rules("PrometheusRule"), rules("PrometheusRule"))).len(), 2);
    assert_eq!(good(&format!("{others}{}", rules("ClusterRules"))).len(), 1);
    let more = rules("VMRule").replace("expr: x", "expr: x, debug: true");
    assert_eq!(good(&more).len(), 1, "VictoriaMetrics has keys of its own");
    let list = "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: a, kind: PrometheusRule, spec: {groups: [{name: g, rules: [{record: b, expr: x}]}]}}\n";
    assert_eq!(good(list).len(), 1);
    assert_eq!(good("groups: [{name: g, rules: [{record: b, expr: x}]}]\n---\ngroups: [{name: h, rules: [{record: c, expr: x}]}]").len(), 2);
}

#[test]
fn anchors_and_json_are_yaml() {
    let text = "x-base: &base {for: 5m, labels: {severity: page}, annotations: {summary: y}}\ngroups: [{name: g, rules: [{alert: A, expr: x, <<: *base}, {<<: *base, alert: B, expr: y}]}]";
    assert_eq!(good(text).len(), 2);
    let json = "{\n\t\"groups\": [{\"name\": \"g\", \"rules\": [{\"record\": \"b\", \"expr\": \"x\"}]}]\n}";
    assert_eq!(good(json).len(), 1);
    assert_eq!(good(&format!("\u{feff}{json}")).len(), 1);
}

const MANAGED: &str = "apiVersion: 1
groups:
  - orgId: 1
    name: g
    folder: f
    interval: 1m
    rules:
      - uid: late
        title: Late
        condition: C
        data:
          - refId: A
            datasourceUid: prometheus
            model: {refId: A, expr: 'max by (job) (x[$__rate_interval])', instant: true}
          - refId: B
            datasourceUid: logs
            model: {refId: B, expr: '{job=\"x\"}', datasource: {type: loki, uid: logs}}
          - refId: C
            datasourceUid: __expr__
            model: {refId: C, type: threshold, expression: A}
        for: 5m
        noDataState: OK
        labels: {severity: page}
        annotations:
          summary: '{{ $$labels.job }} {{ $labels.alertname }} {{ $labels.__alert_rule_uid__ }} {{ $values.A.Labels.shard }}'
";

#[test]
fn alert_rules_of_grafana_are_read() {
    let read = good(MANAGED);
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].place.part.as_str(), &read[0].role), ("alert \"Late\"", &Role::Alert));
    assert_eq!(read[0].place.query, "max by (job) (x[$__rate_interval])");
    assert_eq!(labels(&read[0]), ["job"], "without what Grafana adds");
    assert_eq!(messages(&MANAGED.replace("        for: 5m\n", "")).len(), 1);
    assert_eq!(messages(&MANAGED.replace("severity", "team")).len(), 1);
    let record = MANAGED.replace("for: 5m", "record: {metric: job_x, from: A}");
    assert_eq!(
        good(&record)[0].role,
        Role::Record { name: String::from("job_x"), labels: vec![String::from("severity")] }
    );
}

#[test]
fn other_files_of_grafanas_alerting_are_let_be() {
    assert!(good("apiVersion: 1\ncontactPoints: [{orgId: 1, name: x}]\n").is_empty());
    assert!(good("apiVersion: 1\npolicies: [{receiver: x}]\n").is_empty());
}

#[test]
fn durations_are_those_of_prometheus() {
    for yes in ["0", "0s", "5m", "1h30m", "1d", "2w", "1y", "500ms", "1m500ms", "90s", "1h0m5s"] {
        assert!(is_duration(yes), "{yes}");
    }
    for no in [
        "",
        "5",
        "m",
        "5min",
        "5 m",
        "1.5h",
        "30m1h",
        "-5m",
        "5M",
        "5ms1s",
        "five",
        "1m1m",
        "9999999999999999999m",
        "ä",
    ] {
        assert!(!is_duration(no), "{no}");
    }
}

#[test]
fn wrong_types_anywhere_do_no_harm() {
    let odd = ["null", "5", "x", "[]", "{}", "[[1]]", "{x: {y: []}}", "[x, null, 1]", "true"];
    for value in odd {
        for key in ["alert", "record", "expr", "for", "labels", "annotations", "title", "data", "keep_firing_for"] {
            queries("r.yml", &format!("groups: [{{name: g, rules: [{{{key}: {value}}}]}}]"));
            queries("r.yml", &rule(&format!("{key}: {value}\nx: y")));
        }
        queries("r.yml", &format!("groups: {value}"));
        queries("r.yml", &format!("groups: [{value}]"));
        queries("r.yml", &format!("groups: [{{rules: {value}, name: {value}, labels: {value}}}]"));
        queries("r.yml", &format!("groups: [{{rules: [{value}]}}]"));
        queries("r.yml", &format!("groups: [{{rules: [{{data: [{{model: {value}, datasourceUid: {value}}}]}}]}}]"));
        queries("r.yml", &format!("kind: List\nitems: {value}"));
        queries("r.yml", &format!("apiVersion: 1\nkind: {value}\nspec: {value}"));
    }
    let nested = format!("{}x", "{kind: List, items: [".repeat(60));
    assert!(messages(&nested).concat().contains("nested deeper"));
    let nested = format!("{}{}", "{kind: List, items: [".repeat(45), "]}".repeat(45));
    assert_eq!(messages(&nested).len(), 1);
}

#[test]
fn a_group_is_one_that_prometheus_loads() {
    let of = |head: &str, rules: &str| messages(&format!("groups:\n- {head}\n  rules:{rules}\n"));
    let one = "\n  - {record: a:b, expr: up}";
    assert_eq!(of("name: g\n  interval: 1m\n  limit: 5\n  query_offset: 30s\n  source_tenants: [a]", one), [""; 0]);
    assert_eq!(
        of("name: g", " {record: a:b, expr: up}"),
        ["`rules` is no list, so none of them is read; write `rules:` and each rule below it behind `- `"]
    );
    assert_eq!(of("interval: 1m", one), ["the group has no `name`, and Prometheus refuses the file; write one"]);
    assert_eq!(of("name: g\n  intervall: 1m", one), ["unknown key `intervall`; did you mean `interval`?"]);
    assert_eq!(of("name: g\n  interval: often", one), ["`interval` `often` is no duration; write one such as `1m`"]);
    let twice = "groups:\n- {name: g, rules: []}\n- {name: g, rules: []}";
    assert_eq!(messages(twice), ["a second group has this name, and Prometheus refuses the file; give it another"]);
    let in_folders = "groups:\n- {name: g, folder: a, rules: []}\n- {name: g, folder: b, rules: []}";
    assert_eq!(messages(in_folders), [""; 0]);
}

#[test]
fn a_recording_rule_has_nothing_of_an_alert() {
    assert_eq!(
        messages(&rule("record: a:b\nexpr: up\nfor: 5m")),
        ["a recording rule has no `for`, and Prometheus refuses the file; leave it out"]
    );
    assert_eq!(messages(&rule("record: a:b\nexpr: up\nannotations: {summary: x}")).len(), 1);
}
