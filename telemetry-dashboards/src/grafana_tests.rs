use super::queries;
use crate::demand::Mistake;
use crate::query::{Query, Role, Variable};
use serde_json::{Value, json};

fn read(value: &Value) -> (Vec<Query>, Vec<Mistake>) {
    queries("d.json", &value.to_string())
}

/// The queries of a file in which nothing is wrong.
fn good(value: &Value) -> Vec<Query> {
    let (queries, mistakes) = read(value);
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    queries
}

fn texts(value: &Value) -> Vec<String> {
    good(value).into_iter().map(|query| query.place.query).collect()
}

fn messages(value: &Value) -> Vec<String> {
    read(value).1.into_iter().map(|mistake| mistake.message).collect()
}

fn labels(query: &Query) -> Vec<&str> {
    query.reads.iter().map(|(label, _)| label.as_str()).collect()
}

fn target(reference: &str, expression: &str) -> Value {
    json!({"refId": reference, "expr": expression})
}

/// A dashboard with one panel.
fn with(panel: Value) -> Value {
    json!({"panels": [panel]})
}

#[test]
fn every_form_of_a_dashboard_is_read() {
    let panel = json!({"type": "stat", "title": "P", "targets": [target("A", "up")]});
    let classic = with(panel.clone());
    for form in [
        classic.clone(),
        json!({"dashboard": classic, "meta": {"slug": "x"}}),
        json!({"apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "metadata": {"name": "x"}, "spec": classic}),
        json!({"name": "x", "kind": 1, "model": panel}),
        json!({"result": {"name": "x", "kind": 1, "model": panel}}),
        json!({"schemaVersion": 14, "rows": [{"panels": [panel]}]}),
        json!({"panels": [], "__elements": {"x": {"name": "x", "kind": 1, "model": panel}}}),
        json!({"panels": [], "__elements": [{"name": "x", "kind": 1, "model": panel}]}),
        panel.clone(),
    ] {
        let read = good(&form);
        assert_eq!(read.len(), 1, "{form}");
        assert_eq!((read[0].place.part.as_str(), &read[0].role), ("panel \"P\"", &Role::Panel));
        assert_eq!((read[0].place.file.as_str(), read[0].place.query.as_str()), ("d.json", "up"));
    }
    assert!(good(&json!({"schemaVersion": 42, "title": "no panels yet"})).is_empty());
}

#[test]
fn panels_are_found_at_any_depth() {
    let panel = |expression: &str| json!({"type": "stat", "targets": [target("A", expression)]});
    let row = json!({"type": "row", "collapsed": true, "title": "R", "panels": [panel("b"), {"panels": [panel("c")]}]});
    let dashboard = json!({"panels": [panel("a"), row], "rows": [{"panels": [panel("d")]}]});
    let mut found = texts(&dashboard);
    found.sort();
    assert_eq!(found, ["a", "b", "c", "d"]);
}

#[test]
fn a_panel_is_called_by_its_title_else_its_number_else_its_type() {
    let part = |panel: Value| good(&with(panel))[0].place.part.clone();
    let targets = json!([target("A", "up")]);
    assert_eq!(part(json!({"type": "stat", "title": "T", "id": 3, "targets": targets})), "panel \"T\"");
    assert_eq!(part(json!({"type": "stat", "title": " ", "id": 3, "targets": targets})), "panel 3");
    assert_eq!(part(json!({"type": "stat", "targets": targets})), "panel without a title, of the type \"stat\"");
}

#[test]
fn only_queries_to_prometheus_are_read() {
    let asked = |panel: Value, target: Value| {
        let panel = json!({"type": "stat", "datasource": panel, "targets": [{"refId": "A", "expr": "up", "datasource": target}]});
        !texts(&json!({
            "panels": [panel],
            "templating": {"list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                {"name": "logs", "type": "datasource", "query": "loki"},
            ]},
            "__inputs": [{"name": "DS_LOKI", "type": "datasource", "pluginId": "loki"}],
        }))
        .is_empty()
    };
    let typed = |name: &str| json!({"type": name, "uid": "x"});
    for yes in [
        Value::Null,
        json!("Prometheus"),
        json!("${datasource}"),
        json!("$DS_PROMETHEUS"),
        json!({"uid": "x"}),
        json!({}),
        json!({"uid": "${datasource}"}),
        json!({"type": "${kind}", "uid": "x"}),
        typed("prometheus"),
        typed("grafana-amazonprometheus-datasource"),
    ] {
        assert!(asked(yes.clone(), Value::Null), "{yes}");
        assert!(asked(Value::Null, yes.clone()), "{yes}");
        assert!(asked(json!({"type": "datasource", "uid": "-- Mixed --"}), yes.clone()), "{yes}");
    }
    for no in [
        typed("loki"),
        typed("__expr__"),
        typed("cloudwatch"),
        json!("-- Dashboard --"),
        json!("Loki"),
        json!("__expr__"),
        json!({"uid": "__expr__"}),
        json!({"type": "datasource", "uid": "grafana"}),
        json!("${logs}"),
        json!({"uid": "${DS_LOKI}"}),
    ] {
        assert!(!asked(no.clone(), Value::Null), "{no}");
        assert!(!asked(typed("prometheus"), no.clone()), "{no}");
        assert!(!asked(json!("-- Mixed --"), no.clone()), "{no}");
        assert!(asked(no.clone(), typed("prometheus")), "a target knows better than its panel: {no}");
    }
}

#[test]
fn a_query_without_an_expression_is_refused_unless_it_is_hidden_or_of_another_source() {
    let prometheus = json!({"type": "prometheus", "uid": "x"});
    let refused = |target: Value| messages(&with(json!({"type": "stat", "title": "P", "targets": [target]})));
    let message = "the query `A` has no `expr`; write its PromQL there, or remove it from `targets`";
    assert_eq!(refused(json!({"refId": "A", "expr": ""})), [message]);
    assert_eq!(refused(json!({"refId": "A", "expr": " \n"})), [message]);
    assert_eq!(refused(json!({"refId": "A", "expr": 5})), [message]);
    assert_eq!(refused(json!({"refId": "A", "datasource": prometheus})), [message]);
    for fine in [
        json!({"refId": "A", "expr": "", "hide": true}),
        json!({"refId": "A", "rawSql": "SELECT 1"}),
        json!({"refId": "A", "target": "servers.*.cpu"}),
        json!({"refId": "A", "expr": "", "datasource": {"type": "loki"}}),
    ] {
        assert_eq!(refused(fine.clone()), Vec::<String>::new(), "{fine}");
    }
    let text = json!({"type": "text", "targets": [{"refId": "A", "datasource": prometheus}]});
    assert!(messages(&with(text)).is_empty(), "a panel of text asks nothing");
}

#[test]
fn what_is_hidden_is_read_but_not_shown() {
    let read = good(&with(json!({"type": "stat", "targets": [
        {"refId": "A", "expr": "up", "hide": true, "legendFormat": "{{job}}"},
        {"refId": "B", "expr": "down"},
    ]})));
    assert_eq!((&read[0].role, &read[1].role), (&Role::Helper, &Role::Panel));
    assert!(labels(&read[0]).is_empty(), "nobody sees its legend");
}

#[test]
fn two_queries_of_one_name_are_refused() {
    let panel = json!({"type": "stat", "title": "P", "targets": [target("A", "up"), target("A", "down")]});
    let (queries, mistakes) = read(&with(panel));
    assert_eq!(queries.len(), 2);
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].message, "two queries have the `refId` `A`, of which Grafana runs one; give each its own");
    assert_eq!(mistakes[0].place.query, "down");
    let other =
        json!({"type": "stat", "datasource": {"type": "loki"}, "targets": [target("A", "a"), target("A", "b")]});
    assert!(messages(&with(other)).is_empty(), "other sources are none of our business");
    assert!(
        messages(&with(json!({"type": "stat", "targets": [{"expr": "a"}, {"expr": "b"}]}))).is_empty(),
        "Grafana names them"
    );
}

#[test]
fn a_legend_reads_labels() {
    let of = |target: Value| {
        let read = good(&with(json!({"type": "stat", "targets": [target]})));
        read[0].reads.clone()
    };
    let both = |label: &str, text: &str| (label.to_owned(), text.to_owned());
    let legend = "{{ job }}/{{code}}";
    assert_eq!(
        of(json!({"refId": "A", "expr": "up", "legendFormat": legend})),
        [both("job", legend), both("code", legend)]
    );
    assert_eq!(of(json!({"refId": "A", "expr": "up", "legendFormat": "__auto"})), []);
    assert_eq!(
        of(json!({"refId": "A", "expr": "up", "legendFormat": legend, "format": "table"})),
        [],
        "a table has columns"
    );
}

#[test]
fn texts_of_fields_read_labels_of_the_query_that_they_belong_to() {
    let fields = json!({
        "defaults": {"displayName": "${__field.labels.a}"},
        "overrides": [
            {"matcher": {"id": "byName", "options": "x"}, "properties": [{"id": "links", "value": [{"url": "/d?x=${__field.labels.b}"}]}]},
            {"matcher": {"id": "byFrameRefID", "options": "B"}, "properties": [{"id": "displayName", "value": "${__field.labels.c}"}]},
        ],
    });
    let panel = |targets: Value| json!({"type": "stat", "targets": targets, "fieldConfig": fields});
    let one = good(&with(panel(json!([target("A", "up")]))));
    assert_eq!(labels(&one[0]), ["a", "b"]);
    let two = good(&with(panel(json!([target("A", "up"), target("B", "down")]))));
    assert_eq!(labels(&two[0]), Vec::<&str>::new(), "it is not known whose");
    assert_eq!(labels(&two[1]), ["c"]);
    let mut changed = panel(json!([target("A", "up")]));
    changed["transformations"] = json!([{"id": "reduce", "options": {}}]);
    assert_eq!(labels(&good(&with(changed))[0]), Vec::<&str>::new(), "a transformation makes other fields");
}

/// A dashboard with these variables and one query.
fn using(variables: Value, expression: &str) -> Value {
    json!({"panels": [{"type": "stat", "title": "P", "targets": [target("A", expression)]}], "templating": {"list": variables}})
}

#[test]
fn a_variable_is_known_by_what_can_stand_in_its_place() {
    let of = |variable: Value| {
        let read = good(&using(json!([variable]), "$v"));
        read.iter().find(|query| query.role == Role::Panel).and_then(|query| query.variables.get("v").cloned())
    };
    let texts = |texts: &[&str]| Some(Variable::Texts(texts.iter().map(|text| (*text).to_owned()).collect()));
    assert_eq!(of(json!({"name": "v", "type": "interval", "query": "1m,5m"})), Some(Variable::Duration));
    assert_eq!(
        of(json!({"name": "v", "type": "custom", "query": "a, b : c"})),
        texts(&["a", "c"]).or(texts(&["a", "b : c"]))
    );
    assert_eq!(of(json!({"name": "v", "type": "custom", "query": "One : a,Two : b"})), texts(&["a", "b"]));
    assert_eq!(
        of(json!({"name": "v", "type": "custom", "options": [{"value": "a"}, {"value": "$__all"}, {"value": "b"}]})),
        texts(&["a", "b"])
    );
    assert_eq!(
        of(
            json!({"name": "v", "type": "custom", "valuesFormat": "json", "query": "[{\"text\": \"x\", \"value\": \"a\"}, \"b\"]"})
        ),
        texts(&["a", "b"])
    );
    assert_eq!(of(json!({"name": "v", "type": "constant", "query": "job_rows"})), texts(&["job_rows"]));
    assert_eq!(of(json!({"name": "v", "type": "textbox", "current": {"value": "x"}, "query": ""})), texts(&["x"]));
    assert_eq!(of(json!({"name": "v", "type": "textbox", "query": ""})), Some(Variable::Unknown));
    assert_eq!(of(json!({"name": "v", "type": "constant", "query": "${other}_x"})), Some(Variable::Unknown));
    assert_eq!(of(json!({"name": "v", "type": "query", "query": "label_values(job)"})), Some(Variable::Unknown));
    assert_eq!(of(json!({"name": "v", "type": "adhoc"})), Some(Variable::Unknown));
    assert_eq!(of(json!({"name": "v", "type": "datasource", "query": "prometheus"})), Some(Variable::Unknown));
}

#[test]
fn a_query_carries_the_variables_that_it_uses() {
    let read =
        good(&using(json!([{"name": "a", "type": "interval"}, {"name": "b", "type": "interval"}]), "rate(x[$a])"));
    assert_eq!(read[0].variables.keys().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_variables_own_query_is_read() {
    let of = |variable: Value| {
        let read = good(&json!({"panels": [], "templating": {"list": [variable]}}));
        assert!(read.iter().all(|query| query.role == Role::Helper && query.place.part == "variable \"v\""));
        read.iter().map(|query| (query.place.query.clone(), labels(query).join(","))).collect::<Vec<_>>()
    };
    let some = |expression: &str, label: &str| vec![(expression.to_owned(), label.to_owned())];
    let label_values = "label_values(up{x=\"y\"}, job)";
    assert_eq!(of(json!({"name": "v", "type": "query", "query": label_values})), some("up{x=\"y\"}", "job"));
    assert_eq!(
        of(json!({"name": "v", "type": "query", "query": {"query": label_values, "refId": "x", "qryType": 1}})),
        some("up{x=\"y\"}", "job")
    );
    assert_eq!(
        of(json!({"name": "v", "type": "query", "query": {}, "definition": label_values})),
        some("up{x=\"y\"}", "job")
    );
    assert_eq!(of(json!({"name": "v", "type": "query", "query": "query_result(sum(up))"})), some("sum(up)", ""));
    let prometheus = json!({"type": "prometheus", "uid": "x"});
    assert_eq!(of(json!({"name": "v", "type": "query", "query": "up", "datasource": prometheus})), some("up", ""));
    assert_eq!(
        of(json!({"name": "v", "type": "query", "query": "SHOW TAG VALUES"})),
        [],
        "who knows whose language that is"
    );
    assert_eq!(of(json!({"name": "v", "type": "query", "query": label_values, "datasource": {"type": "loki"}})), []);
    assert_eq!(of(json!({"name": "v", "type": "custom", "query": label_values})), []);
}

#[test]
fn an_annotations_query_is_read_with_its_labels() {
    let read = good(&json!({"panels": [], "annotations": {"list": [
        {"name": "Alerts", "builtIn": 1, "datasource": "-- Grafana --", "expr": "not ours"},
        {"name": "Runs", "expr": "changes(start[1m]) > 0", "titleFormat": "{{job}}", "textFormat": "{{ result }}", "tagKeys": "code, shard"},
        {"name": "New", "datasource": {"type": "prometheus", "uid": "x"}, "target": {"expr": "up == 0"}, "enable": false},
        {"name": "Logs", "datasource": {"type": "loki", "uid": "x"}, "expr": "{job=\"x\"}"},
    ]}}));
    assert_eq!(
        read.iter().map(|query| query.place.query.as_str()).collect::<Vec<_>>(),
        ["changes(start[1m]) > 0", "up == 0"]
    );
    assert_eq!((read[0].place.part.as_str(), &read[0].role), ("annotation \"Runs\"", &Role::Helper));
    assert_eq!(labels(&read[0]), ["job", "result", "code", "shard"]);
}

#[test]
fn a_variable_that_nobody_defines_is_refused() {
    let variables = json!([{"name": "instance", "type": "custom", "query": "a"}]);
    let refused = |expression: &str| messages(&using(variables.clone(), expression));
    assert_eq!(refused("up{x=\"$instanec\"}"), ["the dashboard has no variable `instanec`; did you mean `instance`?"]);
    assert_eq!(
        refused("up{x=\"[[zzz]]\"} / ${zzz}"),
        ["the dashboard has no variable `zzz`; define it under `templating`, or leave it out"]
    );
    assert_eq!(
        refused("rate(up[$__rate_intervall])"),
        ["the dashboard has no variable `__rate_intervall`; did you mean `__rate_interval`?"]
    );
    let own = json!([{"name": "v", "type": "query", "query": "label_values(up{x=\"$w\"}, job)"}]);
    let (_, mistakes) = read(&json!({"panels": [], "templating": {"list": own}}));
    assert_eq!(mistakes.len(), 1);
    assert_eq!(
        (mistakes[0].place.part.as_str(), mistakes[0].place.query.as_str()),
        ("variable \"v\"", "label_values(up{x=\"$w\"}, job)")
    );
}

#[test]
fn what_a_dollar_can_mean_besides_is_not_refused() {
    for fine in [
        "up{x=~\"a$|b$\"}",
        "label_replace(up, \"a\", \"$1-${2}\", \"b\", \"(.*):(.*)\")",
        "label_replace(up, \"a\", \"$host\", \"b\", \"(?P<host>.*)\")",
        "up{x=~\"a\\\\$b\", y=\"$$c\"}",
        "up # costs $five",
        "up{x=~\"[[:alpha:]]+\"}",
        "rate(up[$__rate_interval]) * $__interval_ms / ${__range_s} + ${__from:date:seconds} - $__range_ms",
        "up{x=\"${__user.login}\", y=\"$__dashboard\", z=\"${__org.name}\", a=\"$__timezone\", b=\"$__auto\", c=\"$__all_variables\"}",
        "up{x=\"$__url_time_range\", y=\"$__name\", z=\"$timeFilter\", a=\"$__searchFilter\", b=\"$__data\", c=\"$__value\", d=\"$__to\"}",
        "rate(up[$__auto_interval_step])",
    ] {
        assert_eq!(messages(&using(json!([]), fine)), Vec::<String>::new(), "{fine}");
    }
    let library = json!({"model": {"type": "stat", "targets": [target("A", "up{x=\"$anything\"}")]}});
    assert!(messages(&library).is_empty(), "a library panel defines no variables");
    let exported = json!({"panels": [{"targets": [target("A", "${VAR_NAME}_x")]}], "__inputs": [{"name": "VAR_NAME", "type": "constant", "value": "y"}]});
    assert_eq!(good(&exported)[0].variables.get("VAR_NAME"), Some(&Variable::Texts(vec![String::from("y")])));
}

#[test]
fn what_is_no_dashboard_is_told_what_was_expected() {
    for text in ["[]", "5", "\"panels\"", "{}", "{\"name\": \"x\"}", "null", "{\"spec\": {\"panels\": []}}"] {
        let (queries, mistakes) = queries("d.json", text);
        assert!(queries.is_empty());
        assert_eq!(mistakes.len(), 1, "{text}");
        assert!(mistakes[0].message.starts_with("this is no dashboard; write what Grafana exports"), "{text}");
        assert_eq!(mistakes[0].place.part, "");
    }
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    let message = |text: &str| queries("d.json", text).1.remove(0).message;
    assert_eq!(message("{\n  \"panels\": [,]\n}"), "this is not JSON: expected value at line 2 column 14");
    assert_eq!(message(""), "this is not JSON: EOF while parsing a value at line 1 column 0");
    assert!(message(&"[".repeat(1_000_000)).starts_with("this is not JSON: recursion limit exceeded"));
    assert!(message(&"{\"panels\":[".repeat(100_000)).starts_with("this is not JSON: recursion limit exceeded"));
    assert!(queries("d.json", "\u{feff}{\"panels\": []}").1.is_empty());
}

#[test]
fn wrong_types_anywhere_do_no_harm() {
    let odd = [
        json!(null),
        json!(5),
        json!("x"),
        json!([]),
        json!({}),
        json!([[1]]),
        json!({"x": {"y": []}}),
        json!(["x", null, 1]),
    ];
    for key in [
        "panels",
        "rows",
        "templating",
        "annotations",
        "__inputs",
        "__elements",
        "elements",
        "variables",
        "model",
        "dashboard",
        "spec",
    ] {
        for value in &odd {
            read(&json!({"panels": [], key: value}));
            read(&json!({key: value}));
            read(&json!({"templating": {"list": value}, "annotations": {"list": [value]}, "panels": [value]}));
        }
    }
    for key in ["targets", "datasource", "type", "title", "id", "fieldConfig", "transformations", "panels"] {
        for value in &odd {
            read(&with(json!({"targets": [target("A", "up")], key: value})));
        }
    }
    for key in ["refId", "expr", "datasource", "legendFormat", "hide", "format"] {
        for value in &odd {
            read(&with(json!({"targets": [{"expr": "up", key: value}]})));
        }
    }
    for key in ["name", "type", "query", "definition", "datasource", "options", "current", "valuesFormat"] {
        for value in &odd {
            for kind in ["query", "custom", "textbox", "datasource"] {
                read(&using(json!([{"name": "v", "type": kind, key: value}]), "$v"));
            }
        }
    }
}

/// A panel of the schema v2.
fn element(source: Value, queries: Value) -> Value {
    let queries: Vec<Value> = queries
        .as_array()
        .into_iter()
        .flatten()
        .map(|spec| {
            let mut query = source.clone();
            query["spec"] = json!({"expr": spec["expr"], "legendFormat": spec["legendFormat"]});
            json!({"kind": "PanelQuery", "spec": {"refId": spec["refId"], "hidden": spec["hide"], "query": query}})
        })
        .collect();
    json!({"kind": "Panel", "spec": {
        "id": 1,
        "title": "P",
        "data": {"kind": "QueryGroup", "spec": {"queries": queries, "transformations": []}},
        "vizConfig": {"kind": "VizConfig", "group": "stat", "spec": {"fieldConfig": {"defaults": {"displayName": "${__field.labels.field}"}}}},
    }})
}

#[test]
fn the_schema_v2_is_read() {
    let source =
        json!({"kind": "DataQuery", "group": "prometheus", "version": "v0", "datasource": {"name": "${datasource}"}});
    let loki = json!({"kind": "DataQuery", "group": "loki", "version": "v0"});
    let spec = json!({
        "title": "D",
        "elements": {
            "panel-1": element(source.clone(), json!([{"refId": "A", "expr": "rate(x[$step])", "legendFormat": "{{job}}", "hide": false}])),
            "panel-2": element(loki, json!([{"refId": "A", "expr": "{job=\"x\"}"}])),
            "panel-3": element(json!({"kind": "prometheus"}), json!([{"refId": "A", "expr": "old"}])),
            "library": {"kind": "LibraryPanel", "spec": {"id": 4, "title": "L"}},
        },
        "layout": {"kind": "TabsLayout", "spec": {"tabs": [{"kind": "TabsLayoutTab", "spec": {"variables": [
            {"kind": "IntervalVariable", "spec": {"name": "step", "query": "1m,5m"}},
        ]}}]}},
        "variables": [
            {"kind": "DatasourceVariable", "spec": {"name": "datasource", "pluginId": "prometheus"}},
            {"kind": "QueryVariable", "spec": {"name": "job", "query": {"kind": "DataQuery", "group": "prometheus", "spec": {"query": "label_values(up, job)"}}}},
            {"kind": "CustomVariable", "spec": {"name": "metric", "query": "a,b"}},
        ],
        "annotations": [
            {"kind": "AnnotationQuery", "spec": {"name": "Built in", "query": {"kind": "DataQuery", "group": "grafana", "spec": {}}}},
            {"kind": "AnnotationQuery", "spec": {"name": "Runs", "query": {"kind": "DataQuery", "group": "prometheus", "spec": {"expr": "changes(start[1m]) > 0"}}}},
        ],
    });
    let resource = json!({"apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "metadata": {"name": "x"}, "spec": spec.clone()});
    for form in [spec, resource] {
        let read = good(&form);
        let places: Vec<(&str, &str)> =
            read.iter().map(|query| (query.place.part.as_str(), query.place.query.as_str())).collect();
        assert_eq!(
            places,
            [
                ("variable \"job\"", "up"),
                ("annotation \"Runs\"", "changes(start[1m]) > 0"),
                ("panel \"P\"", "rate(x[$step])"),
                ("panel \"P\"", "old"),
            ]
        );
        assert_eq!(labels(&read[2]), ["job", "field"]);
        assert_eq!(read[2].variables.get("step"), Some(&Variable::Duration));
    }
    let wrong = json!({"elements": {"p": element(source, json!([{"refId": "A", "expr": ""}, {"refId": "A", "expr": "up{x=\"$y\"}"}]))}});
    assert_eq!(
        messages(&wrong),
        [
            "two queries have the `refId` `A`, of which Grafana runs one; give each its own",
            "the query `A` has no `expr`; write its PromQL there, or remove it from `targets`",
            "the dashboard has no variable `y`; define it under `templating`, or leave it out",
        ]
    );
}

#[test]
fn a_title_of_several_lines_is_one_line() {
    let (queries, _) =
        queries("d.json", r#"{"panels": [{"title": " Rows\n  by  table ", "targets": [{"expr": "x"}]}]}"#);
    assert_eq!(queries[0].place.part, "panel \"Rows by table\"");
}
