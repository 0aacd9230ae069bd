use super::super::{BuiltIn, DataSource, Template};
use super::TemplateValue;
use serde_json::Value;

const SMALL: &str = r#"{
    "title": "<<title: text>>", "tags": "<<tags: list>>", "editable": "<<editable: bool>>", "refresh": "<<refresh>>",
    "panels": [{ "title": "P <<title>> <<limit>>", "type": "stat", "description": "<<!title>> 1 << 2",
        "fieldConfig": { "defaults": { "max": "<<limit: number>>" } },
        "targets": [{ "refId": "A", "expr": "x_total > <<limit>>" }] }]
}"#;

fn small() -> Template {
    Template::parse("small.json", SMALL).unwrap()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn values_keep_their_kind_where_they_stand_alone_and_are_written_out_in_text() {
    let tags: &[&str] = &["a", "b"];
    let made = small()
        .set("title", "A \"b\"\\")
        .set("tags", tags)
        .set("editable", false)
        .set("refresh", "5s")
        .set("limit", 2.5);
    let made = parsed(&made.render().unwrap());
    assert_eq!(made["title"], "A \"b\"\\", "what JSON would end is escaped");
    assert_eq!((&made["tags"], &made["editable"]), (&serde_json::json!(["a", "b"]), &Value::Bool(false)));
    let panel = &made["panels"][0];
    assert_eq!(panel["fieldConfig"]["defaults"]["max"], 2.5);
    assert_eq!((&panel["title"], &panel["description"]), (&"P A \"b\"\\ 2.5".into(), &"<<title>> 1 << 2".into()));
}

#[test]
fn what_is_wrong_is_said_at_once_with_what_there_is() {
    let error = small()
        .set("titel", "x")
        .set("tags", "x")
        .set("editable", 1)
        .set("refresh", true)
        .set("limit", f64::NAN)
        .render()
        .unwrap_err();
    assert_eq!(
        error.mistakes(),
        [
            "the variable `titel` is not known; did you mean `title`? it has `editable`, `limit`, `refresh`, `tags`, `title`",
            "`editable` takes a bool, and is the integer 1",
            "`limit` is NaN, which JSON cannot say",
            "`tags` takes a list, and is the text \"x\"",
            "`title` is missing, which title wants; it has `editable`, `limit`, `refresh`, `tags`, `title`",
        ]
    );
    let list = TemplateValue::List(vec![]);
    let template = Template::parse("t.json", r#"{"panels":[],"title":"a <<b>>"}"#).unwrap().set("b", list);
    assert_eq!(
        template.render().unwrap_err().mistakes(),
        ["`b` is a list, and title has text around it; a list takes the place of a whole text"]
    );
}

#[test]
fn a_template_that_is_none_is_refused_with_the_place() {
    for (text, expected) in [
        ("{", "this is not JSON"),
        (r#"{"panels":[{"title":"<<a"}]}"#, "panels[0].title: `<<a` has no `>>`"),
        (r#"{"title":"<<a: list>>","x":["<<a: bool>>"]}"#, "`a` is given two kinds: bool and list"),
    ] {
        let error = Template::parse("t.json", text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("t.json: {expected}")), "{error}");
    }
    assert!(
        Template::load("/nowhere/t.json")
            .unwrap_err()
            .to_string()
            .starts_with("/nowhere/t.json: the file cannot be read")
    );
    let none = Template::parse("t.json", r#"{"a":"<<b>>"}"#).unwrap().set("b", 1).render().unwrap_err();
    assert!(none.to_string().contains("this is no dashboard"), "{none}");
    let undefined =
        Template::parse("t.json", r#"{"panels":[{"title":"P","targets":[{"expr":"x{a=\"$<<b>>\"}"}]}]}"#).unwrap();
    let undefined = undefined.set("b", "nobody").render().unwrap_err();
    assert!(undefined.to_string().contains("nobody"), "{undefined}");
}

#[test]
fn text_of_a_command_line_is_read_as_the_gap_wants_it() {
    let template = small()
        .set_text("limit", "7")
        .unwrap()
        .set_text("tags", "a, b,")
        .unwrap()
        .set_text("editable", "true")
        .unwrap();
    let made = template.set_text("title", "7").unwrap().set_text("refresh", "").unwrap().render().unwrap();
    let made = parsed(&made);
    assert_eq!(made["panels"][0]["fieldConfig"]["defaults"]["max"], 7.0);
    assert_eq!(
        (&made["title"], &made["tags"], &made["editable"]),
        (&"7".into(), &serde_json::json!(["a", "b"]), &true.into())
    );
    let error = small().set_text("editable", "yes").unwrap_err();
    assert_eq!(error.to_string(), "small.json: `editable` takes a bool, and is the text \"yes\"");
}

#[test]
fn any_dashboard_is_a_template_and_can_be_bound_to_a_data_source() {
    let text = BuiltIn::Functions.json();
    let template = Template::parse("functions.json", &text).unwrap();
    assert_eq!(template.render().unwrap(), text, "without gaps it stays as it is");
    let by_uid = template.clone().data_source(DataSource::uid("P1")).render().unwrap();
    assert!(
        !by_uid.contains("${datasource}")
            && by_uid.contains(r#""uid": "P1""#)
            && !by_uid.contains(r#""name": "datasource""#)
    );
    assert!(!by_uid.contains("datasource:queryparam"), "a link hands on no variable that is gone");
    let by_name = parsed(&template.data_source(DataSource::name("Prom (a)")).render().unwrap());
    let variable = &by_name["templating"]["list"][0];
    assert_eq!((&variable["regex"], &variable["current"]["text"]), (&r"/^Prom \(a\)$/".into(), &"Prom (a)".into()));
}

#[test]
fn what_comes_out_is_what_grafana_and_promql_take() {
    let template = |text: &str| Template::parse("t.json", text).unwrap().set("n", "a\"b c");
    let query =
        template(r#"{"panels":[{"title":"P","type":"stat","targets":[{"refId":"A","expr":"up{job=\"<<n>>\"}"}]}]}"#);
    assert!(query.render().unwrap_err().to_string().contains("panel \"P\""), "a quote ends the string in the query");
    let uid = template(r#"{"uid":"u<<n>>","panels":[]}"#).render().unwrap_err();
    assert!(uid.to_string().contains("the uid is \"ua\\\"b c\"; Grafana takes 1 to 40"), "{uid}");
    let key = Template::parse("t.json", r#"{"<<n>>":"<<n>>","panels":[]}"#).unwrap_err();
    assert!(key.to_string().contains("the name `<<n>>` has a gap"), "{key}");
    let empty = template(r#"{"title":"<<n>>","panels":[]}"#).data_source(DataSource::uid(" ")).render().unwrap_err();
    assert!(empty.to_string().contains("the data source has no name"), "{empty}");
}

#[test]
fn however_the_variable_is_written_it_is_bound() {
    let text = r#"{"panels":[],"templating":{"list":[{"name":"datasource","type":"datasource"}]},
        "a":["$datasource","[[datasource]]","${datasource}","$datasources","/d/x?var-datasource=$datasource","/d/x?${datasource:queryparam}","/d/x?a=b&${datasource:queryparam}&c=d"]}"#;
    let made = Template::parse("t.json", text).unwrap().data_source(DataSource::uid("P1")).render().unwrap();
    let expected = serde_json::json!(["P1", "P1", "P1", "$datasources", "/d/x", "/d/x", "/d/x?a=b&c=d"]);
    assert_eq!(parsed(&made)["a"], expected);
}
