//! The client against a mock of Grafana's published OpenAPI document, which refuses requests that the document does not have. `ci/long/grafana-contract`
//! starts the mock and runs this.

use super::*;

const MOCK: &str = "TELEMETRY_GRAFANA_MOCK";

fn mock() -> ClientBuilder {
    let url = std::env::var(MOCK).expect("`ci/long/grafana-contract` says where the mock is");
    Client::builder(url).token("glsa_any").retries(0)
}

/// A client that gets this answer, whatever it asks.
fn answered(code: u16, example: &str) -> Client {
    let example = if example.is_empty() { String::new() } else { format!(", example={example}") };
    mock().header("Prefer", format!("code={code}{example}")).build().unwrap()
}

fn point() -> ContactPoint {
    let settings = json!({ "url": "http://127.0.0.1:9/" });
    ContactPoint { uid: "ops".into(), name: "Ops".into(), kind: "webhook".into(), settings, ..ContactPoint::default() }
}

#[test]
#[ignore = "needs the mock of `ci/long/grafana-contract`"]
fn what_is_sent_has_the_published_form_and_what_is_answered_is_understood() {
    let client = mock().build().unwrap();
    assert_eq!(client.health().unwrap().database, "ok");
    assert!(client.organization().unwrap().id > 0);
    let search = Search {
        query: Some("jobs".into()),
        tags: vec!["telemetry".into(), "b c".into()],
        folder_uids: vec!["f".into()],
        dashboard_uids: vec!["jobs".into()],
        kind: Some("dash-db".into()),
        limit: Some(10),
        page: Some(1),
    };
    assert!(!client.search(&search).unwrap()[0].uid.is_empty());

    assert!(!client.data_sources().unwrap().is_empty());
    let found = client.data_source("prom").unwrap().unwrap();
    assert_eq!((&*found.kind, &*found.access), ("prometheus", "proxy"));
    assert!(client.data_source_named("Prometheus / main").unwrap().is_some());
    let _ = client.data_source_health("prom").unwrap();
    let mut source = DataSource::prometheus("prom", "Another", "http://p");
    source.secrets.insert("httpHeaderValue1".into(), "word".into());
    assert!(matches!(client.ensure_data_source(&source).unwrap(), Change::Updated(_)));

    assert!(!client.folders().unwrap().is_empty());
    let folder = client.folder("f").unwrap().unwrap();
    assert!(matches!(folder.version, Some(Version::Number(_))));
    assert!(matches!(client.ensure_folder("f", "Another").unwrap(), Change::Updated(_)));

    let found = client.dashboard("jobs").unwrap().unwrap();
    assert!(!found.meta.is_provisioned && found.meta.version.is_some());
    let options = SaveOptions { overwrite_foreign: true, ..in_folder() };
    assert!(matches!(client.ensure_dashboard(&dashboard("Another"), &options).unwrap(), Change::Updated(_)));
    let saved = client.save_dashboard(&dashboard("Jobs"), &in_folder()).unwrap();
    assert!(saved.version.is_some() && saved.url.is_some());
    assert!(client.delete_dashboard("jobs").unwrap());

    assert!(!client.alert_rules().unwrap().is_empty());
    assert!(client.alert_rule("stalled").unwrap().is_some());
    assert!(client.rule_group("f", "jobs / all").unwrap().is_some());
    assert!(matches!(client.ensure_rule_group(&group("up")).unwrap(), Change::Updated(_)));
    assert!(client.delete_rule_group("f", "jobs / all").unwrap());

    assert!(!client.contact_points().unwrap().is_empty());
    assert_eq!(client.ensure_contact_point(&point()).unwrap(), Change::Created);
    assert!(client.delete_contact_point("ops").unwrap());

    let now = std::time::SystemTime::now();
    let annotation = Annotation {
        tags: vec!["run".into()],
        time: Some(now),
        time_end: Some(now),
        dashboard_uid: Some("jobs".into()),
        panel_id: Some(1),
        ..Annotation::new("a run")
    };
    let number = client.create_annotation(&annotation).unwrap();
    assert!(number > 0);
    let patch = AnnotationPatch { text: Some("b".into()), tags: Some(vec![]), time: Some(now), time_end: Some(now) };
    client.patch_annotation(number, &patch).unwrap();
}

#[test]
#[ignore = "needs the mock of `ci/long/grafana-contract`"]
fn what_is_created_has_the_published_form() {
    use crate::grafana::transport::{Ask, Method};
    let client = mock().build().unwrap();
    // Reading finds something in a mock; so what would be sent where it finds nothing is sent alone.
    for (path, body) in [
        ("/api/folders", json!({ "uid": "f", "title": "Jobs" })),
        (
            "/api/datasources",
            json!({ "uid": "p", "name": "P", "type": "prometheus", "url": "http://p", "access": "proxy", "jsonData": {} }),
        ),
    ] {
        client.write(&Ask::new(Method::Post, path.to_owned()).body(&body)).unwrap();
        // That the mock looks at what it gets.
        let mut wrong = body.clone();
        wrong["misspelt"] = 1.into();
        assert!(client.write(&Ask::new(Method::Post, path.to_owned()).body(&wrong)).is_err(), "{path}");
    }
    let wrong =
        RuleGroup { rules: vec![json!({ "uid": "a", "title": "A", "condition": 7, "data": [] })], ..group("up") };
    let error = client.ensure_rule_group(&wrong).unwrap_err();
    assert!(error.refusal().is_some_and(|refusal| [400, 422].contains(&refusal.code)), "{error:?}");
    let wrong = ContactPoint { kind: "pigeon".into(), ..point() };
    assert!(client.ensure_contact_point(&wrong).is_err());
    let wrong = Search { kind: Some("dashboard".into()), ..Search::default() };
    assert!(matches!(client.search(&wrong), Err(Error::Unprocessable(_) | Error::Refused(_))));
    let nobody = Client::builder(std::env::var(MOCK).unwrap()).retries(0).build().unwrap();
    assert!(nobody.health().is_ok());
    assert!(matches!(nobody.data_sources(), Err(Error::Unauthorized(_))));
}

#[test]
#[ignore = "needs the mock of `ci/long/grafana-contract`"]
fn published_refusals_are_told_apart() {
    let save = |client: &Client| client.save_dashboard(&dashboard("Jobs"), &in_folder()).map(drop);
    let over = |client: &Client| {
        let replaces = Some(Version::Number(3));
        client.save_dashboard(&dashboard("Jobs"), &SaveOptions { replaces, ..in_folder() }).map(drop)
    };
    let said = |error: &Error| !error.refusal().unwrap().message.is_empty();

    for (name, ask) in [
        ("a list", (|client: &Client| client.data_sources().map(drop)) as fn(&Client) -> Result<(), Error>),
        ("a search", |client: &Client| client.search(&Search::default()).map(drop)),
        ("a folder", |client: &Client| client.folder("f").map(drop)),
        ("an annotation", |client: &Client| client.create_annotation(&Annotation::new("a")).map(drop)),
    ] {
        let error = ask(&answered(401, "")).unwrap_err();
        assert!(matches!(&error, Error::Unauthorized(_)) && said(&error), "{name}: {error:?}");
        let error = ask(&answered(500, "")).unwrap_err();
        assert!(matches!(&error, Error::Server(_)) && said(&error), "{name}: {error:?}");
    }
    let error = answered(403, "").data_sources().unwrap_err();
    assert!(matches!(&error, Error::Forbidden(_)) && said(&error), "{error:?}");

    assert_eq!(answered(404, "").dashboard("jobs").unwrap(), None);
    assert_eq!(answered(404, "").folder("f").unwrap(), None);
    assert_eq!(answered(404, "").data_source("prom").unwrap(), None);
    assert_eq!(answered(404, "").rule_group("f", "g").unwrap(), None);
    assert!(!answered(404, "").delete_dashboard("jobs").unwrap());
    assert!(matches!(save(&answered(404, "")), Err(Error::NotFound(_))));

    let error = over(&answered(412, "version-mismatch")).unwrap_err();
    assert!(matches!(&error, Error::Conflict { .. }) && said(&error), "{error:?}");
    let error = save(&answered(412, "name-exists")).unwrap_err();
    assert!(matches!(&error, Error::Taken(_)) && said(&error), "{error:?}");
    let error = over(&answered(412, "plugin-dashboard")).unwrap_err();
    assert!(matches!(&error, Error::Refused(_)) && said(&error), "{error:?}");
    let error = save(&answered(422, "")).unwrap_err();
    assert!(matches!(&error, Error::Unprocessable(_)) && said(&error), "{error:?}");
    let error = save(&answered(400, "")).unwrap_err();
    assert!(matches!(&error, Error::Refused(_)) && said(&error), "{error:?}");

    // Only where something is written does the document have this code: what is read before has no such answer.
    use crate::grafana::transport::{Ask, Method};
    let source =
        json!({ "uid": "p", "name": "P", "type": "prometheus", "url": "http://p", "access": "proxy", "version": 1 });
    let put = || Ask::new(Method::Put, "/api/datasources/uid/p".to_owned()).body(&source);
    let error = answered(409, "old-version").write(&put()).unwrap_err();
    assert!(matches!(&error, Error::Conflict { .. }) && said(&error), "{error:?}");
    let error = answered(409, "name-taken").write(&put()).unwrap_err();
    assert!(matches!(&error, Error::Taken(_)) && said(&error), "{error:?}");
    let unwell = mock().header("Prefer", "code=503").build().unwrap();
    assert!(matches!(unwell.health(), Err(Error::Server(_))));
}

/// `prism` as a proxy, until it is dropped.
struct Proxy(std::process::Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The client and the stand-in, with somebody in between who knows the published document: neither a request nor an answer may go against it.
#[test]
#[ignore = "needs the mock of `ci/long/grafana-contract`"]
fn the_stand_in_answers_as_it_is_published() {
    let told = |name: &str| std::env::var(name).expect("`ci/long/grafana-contract` says where it is");
    let (prism, document) = (told("TELEMETRY_GRAFANA_PRISM"), told("TELEMETRY_GRAFANA_DOCUMENT"));
    let server = StandIn::start(Api::Both, "");
    server.world().has_no_nulls = true;
    // Taken by nobody, and soon by the proxy.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut proxy = std::process::Command::new(prism);
    proxy.args(["proxy", "--errors", "-h", "127.0.0.1", "-p", &port, &document, &server.url()]);
    let proxy = Proxy(proxy.stdout(std::process::Stdio::null()).spawn().unwrap());
    let client = Client::builder(format!("http://127.0.0.1:{port}")).token(TOKEN).retries(0).build().unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while matches!(client.health(), Err(Error::Unreachable { .. })) && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    client.health().unwrap();
    let mut source = DataSource::prometheus("prom", "Prometheus", "http://p");
    source.secrets.insert("httpHeaderValue1".into(), "word".into());
    for (folder, expr, url) in [("Jobs", "up", "http://p"), ("Work", "down", "http://q")] {
        source.url = url.into();
        let mut point = point();
        point.settings["url"] = url.into();
        let all = || {
            [
                client.ensure_data_source(&source).unwrap(),
                client.ensure_folder("f", folder).unwrap(),
                client.ensure_dashboard(&dashboard(folder), &in_folder()).unwrap(),
                client.ensure_rule_group(&group(expr)).unwrap(),
                client.ensure_contact_point(&point).unwrap(),
            ]
        };
        assert!(all().iter().all(Change::is_change));
        assert_eq!(all(), [const { Change::Unchanged }; 5]);
    }
    server.world().meanwhile = Some(Box::new(|world| world.dashboards.get_mut("jobs").unwrap().version += 1));
    let error = client.ensure_dashboard(&dashboard("Ours"), &in_folder()).unwrap_err();
    let Error::Conflict { read, now, .. } = &error else { panic!("{error:?}") };
    assert_eq!((read.as_deref(), now.as_deref()), (Some("2"), Some("3")));
    assert_eq!(client.search(&Search::default()).unwrap().len(), 1);
    assert_eq!(client.data_sources().unwrap().len(), 1);
    assert_eq!(client.folders().unwrap().len(), 1);
    assert_eq!(client.alert_rules().unwrap().len(), 1);
    let number = client.create_annotation(&Annotation::new("a")).unwrap();
    let patch = AnnotationPatch { time_end: Some(std::time::SystemTime::now()), ..AnnotationPatch::default() };
    client.patch_annotation(number, &patch).unwrap();
    assert!(client.delete_rule_group("f", "jobs / all").unwrap());
    assert!(client.delete_contact_point("ops").unwrap());
    assert!(client.delete_dashboard("jobs").unwrap());
    drop(proxy);
}
