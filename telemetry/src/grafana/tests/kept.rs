//! What is to be there is there, and nothing of others is lost.

use super::*;

/// All kinds of servers, which are to be used alike.
const KINDS: [Api; 5] = [Api::Both, Api::OldOnly, Api::NewOnly(404), Api::NewOnly(410), Api::NewOnly(406)];

fn is_update(change: &Change, of: &str) {
    let Change::Updated(diff) = change else { panic!("{change:?}") };
    assert_eq!(diff.to_string(), of);
}

#[test]
fn a_dashboard_is_created_updated_and_left_alone() {
    for kind in KINDS {
        let server = StandIn::start(kind, "");
        let client = client(&server);
        assert_eq!(client.ensure_folder("f", "Jobs").unwrap(), Change::Created, "{kind:?}");
        assert_eq!(client.ensure_dashboard(&dashboard("Jobs"), &in_folder()).unwrap(), Change::Created, "{kind:?}");
        let writes = server.world().wrote();
        assert_eq!(client.ensure_folder("f", "Jobs").unwrap(), Change::Unchanged);
        assert_eq!(client.ensure_dashboard(&dashboard("Jobs"), &in_folder()).unwrap(), Change::Unchanged);
        assert_eq!(server.world().wrote(), writes, "{kind:?}: what is as it is to be is not written");
        let mut next = dashboard("Jobs");
        next["panels"][0]["targets"][0]["expr"] = "down".into();
        let change = client.ensure_dashboard(&next, &in_folder()).unwrap();
        is_update(&change, "  ~ panels[\"Calls\"].targets[\"A\"].expr: \"up\" → \"down\"");
        is_update(&client.ensure_folder("f", "Work").unwrap(), "  ~ title: \"Jobs\" → \"Work\"");
        let moved = client.ensure_dashboard(&next, &SaveOptions::default()).unwrap();
        is_update(&moved, "  - (folder): \"f\"");
        let world = server.world();
        assert_eq!(world.dashboards["jobs"].spec["panels"][0]["targets"][0]["expr"], "down");
        assert_eq!((&*world.dashboards["jobs"].folder, &*world.folders["f"].0), ("", "Work"));
    }
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    for kind in KINDS {
        let server = StandIn::start(kind, "");
        let (client, dry) = (client(&server), client(&server).dry_run(true));
        let group = group("up");
        let source = DataSource::prometheus("prom", "Prometheus", "http://p");
        let point = ContactPoint {
            uid: "ops".into(),
            name: "Ops".into(),
            kind: "webhook".into(),
            settings: json!({ "url": "http://hook" }),
            ..ContactPoint::default()
        };
        let all = |client: &Client| {
            [
                client.ensure_data_source(&source).unwrap(),
                client.ensure_folder("f", "Jobs").unwrap(),
                client.ensure_dashboard(&dashboard("Jobs"), &in_folder()).unwrap(),
                client.ensure_rule_group(&group).unwrap(),
                client.ensure_contact_point(&point).unwrap(),
            ]
        };
        assert_eq!(all(&dry), [const { Change::Created }; 5]);
        assert_eq!(server.world().wrote(), [""; 0]);
        assert_eq!(all(&client), [const { Change::Created }; 5]);
        assert_eq!(all(&dry), [const { Change::Unchanged }; 5]);
        let writes = server.world().wrote();
        is_update(&dry.ensure_dashboard(&dashboard("Other"), &in_folder()).unwrap(), "  ~ title: \"Jobs\" → \"Other\"");
        is_update(&dry.ensure_folder("f", "Other").unwrap(), "  ~ title: \"Jobs\" → \"Other\"");
        assert_eq!(server.world().wrote(), writes, "{kind:?}");
        let Err(Error::DryRun { request }) = dry.delete_dashboard("jobs") else {
            panic!("{kind:?}: it is no change to see")
        };
        assert!(request.starts_with("DELETE"), "{request}");
        assert!(matches!(dry.create_annotation(&Annotation::new("a")), Err(Error::DryRun { .. })));
    }
}

#[test]
fn what_somebody_else_saved_meanwhile_is_not_overwritten() {
    for (kind, read, now) in [(Api::Both, "1", "2"), (Api::NewOnly(404), "100", "101")] {
        let server = StandIn::start(kind, "");
        let client = client(&server);
        let _ = client.ensure_folder("f", "Jobs").unwrap();
        let _ = client.ensure_dashboard(&dashboard("Jobs"), &in_folder()).unwrap();
        server.world().meanwhile = Some(Box::new(|world| {
            let kept = world.dashboards.get_mut("jobs").unwrap();
            kept.version += 1;
            kept.spec["title"] = "Theirs".into();
        }));
        let error = client.ensure_dashboard(&dashboard("Ours"), &in_folder()).unwrap_err();
        let Error::Conflict { what, read: had, now: has, refusal } = &error else { panic!("{error:?}") };
        assert_eq!((&**what, had.as_deref(), has.as_deref()), ("dashboard jobs", Some(read), Some(now)));
        assert!(!refusal.message.is_empty() && error.to_string().contains("nothing was overwritten"), "{error}");
        assert_eq!(server.world().dashboards["jobs"].spec["title"], "Theirs");
        // One that appears while ours is created is theirs too.
        server.world().dashboards.clear();
        server.world().meanwhile = Some(Box::new(|world| {
            let spec = json!({ "uid": "jobs", "title": "Theirs" });
            world.dashboards.insert("jobs".into(), Kept { spec, folder: String::new(), version: 9, file: None });
        }));
        let error = client.ensure_dashboard(&dashboard("Ours"), &in_folder()).unwrap_err();
        assert!(matches!(error, Error::Conflict { .. } | Error::Taken(_)), "{error:?}");
        assert_eq!(server.world().dashboards["jobs"].spec["title"], "Theirs");
        server.world().meanwhile = Some(Box::new(|world| world.folders.get_mut("f").unwrap().1 += 1));
        let error = client.ensure_folder("f", "Other").unwrap_err();
        assert!(matches!(&error, Error::Conflict { what, .. } if what == "folder f"), "{error:?}");
    }
}

#[test]
fn a_save_whose_answer_was_lost_is_known_to_be_ours() {
    for kind in [Api::Both, Api::NewOnly(404)] {
        let server = StandIn::start(kind, "");
        let client = client(&server);
        let _ = client.ensure_folder("f", "Jobs").unwrap();
        let _ = client.ensure_dashboard(&dashboard("Jobs"), &in_folder()).unwrap();
        // The answers before are to reading it.
        let reads = if kind == Api::Both { 1 } else { 2 };
        server.faults((0..reads).map(|_| Fault::None).chain([Fault::LosesAnswer]));
        let change = client.ensure_dashboard(&dashboard("Next"), &in_folder()).unwrap();
        is_update(&change, "  ~ title: \"Jobs\" → \"Next\"");
        assert_eq!(server.world().dashboards["jobs"].spec["title"], "Next");
    }
}

#[test]
fn a_new_interface_that_is_away_for_a_moment_is_not_taken_for_the_only_one() {
    let server = StandIn::start(Api::Both, "");
    let client = Client::builder(server.url()).token(TOKEN).retries(0).build().unwrap();
    let gone = Fault::Answer(404, "", r#"{"message": "Not found"}"#.to_owned());
    server.faults([gone, Fault::None, Fault::Answer(503, "", "{}".to_owned())]);
    assert!(matches!(client.folder("f"), Err(Error::Server(_))));
    assert_eq!(client.folder("f").unwrap(), None);
    assert_eq!(server.world().asked.last().unwrap().path, "/api/folders/f");
}

#[test]
fn others_dashboards_and_files_are_left_alone() {
    for kind in [Api::Both, Api::NewOnly(404)] {
        let server = StandIn::start(kind, "");
        let client = client(&server);
        let kept = |file: Option<&str>| Kept {
            spec: json!({ "uid": "jobs", "title": "Theirs", "tags": null }),
            folder: String::new(),
            version: 3,
            file: file.map(str::to_owned),
        };
        server.world().dashboards.insert("jobs".into(), kept(None));
        let ours = SaveOptions::default();
        let error = client.ensure_dashboard(&dashboard("Ours"), &ours).unwrap_err();
        assert_eq!(error, Error::Foreign { uid: "jobs".into(), title: "Theirs".into() });
        assert_eq!(client.dry_run(true).ensure_dashboard(&dashboard("Ours"), &ours).unwrap_err(), error);
        let told = SaveOptions { overwrite_foreign: true, ..SaveOptions::default() };
        assert!(client.ensure_dashboard(&dashboard("Ours"), &told).unwrap().is_change());
        assert_eq!(client.ensure_dashboard(&dashboard("Ours"), &ours).unwrap(), Change::Unchanged, "now it is");
        server.world().dashboards.insert("jobs".into(), kept(Some("a/jobs.json")));
        let error = client.ensure_dashboard(&dashboard("Ours"), &told).unwrap_err();
        assert_eq!(error, Error::Provisioned { what: "dashboard jobs".into(), file: Some("a/jobs.json".into()) });
        assert!(error.to_string().contains("a/jobs.json"), "{error}");
        assert_eq!(server.world().dashboards["jobs"].spec["title"], "Theirs");
    }
}

#[test]
fn a_dashboard_gets_our_tag_and_its_numbers_do_not_count() {
    let server = StandIn::start(Api::Both, "");
    let client = client(&server);
    let mut bare = json!({ "id": 99, "version": 12, "iteration": 5, "uid": "jobs", "title": "Jobs" });
    assert_eq!(client.ensure_dashboard(&bare, &SaveOptions::default()).unwrap(), Change::Created);
    assert_eq!(server.world().dashboards["jobs"].spec["tags"], json!([TAG]));
    bare["version"] = 44.into();
    assert_eq!(client.ensure_dashboard(&bare, &SaveOptions::default()).unwrap(), Change::Unchanged);
    let hits = client.search(&Search { tags: vec![TAG.into()], limit: Some(5), ..Search::default() }).unwrap();
    assert_eq!((hits.len(), &*hits[0].uid, hits[0].tags.len()), (1, "jobs", 1));
    assert_eq!(server.world().asked.last().unwrap().query, "tag=telemetry&limit=5");
    assert!(client.delete_dashboard("jobs").unwrap());
    assert!(!client.delete_dashboard("jobs").unwrap(), "it is gone");
    assert_eq!(client.dashboard("jobs").unwrap(), None);
}

#[test]
fn a_dashboard_is_saved_over_the_version_that_is_named_and_no_other() {
    let server = StandIn::start(Api::Both, "");
    let client = client(&server);
    let saved = client.save_dashboard(&dashboard("A"), &SaveOptions::default()).unwrap();
    let over = SaveOptions { replaces: saved.version.clone(), ..SaveOptions::default() };
    assert_eq!(client.save_dashboard(&dashboard("B"), &over).unwrap().version, Some(Version::Number(2)));
    for options in [over, SaveOptions::default()] {
        let error = client.save_dashboard(&dashboard("C"), &options).unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    }
    let error = client.save_dashboard(&dashboard("A"), &in_folder()).unwrap_err();
    assert!(matches!(&error, Error::NotFound(refusal) if refusal.message == "folder not found"), "{error:?}");
}

#[test]
fn a_data_source_keeps_what_is_not_said_of_it() {
    let server = StandIn::start(Api::Both, "");
    let client = client(&server);
    let mut source = DataSource::prometheus("prom", "Prometheus / main", "http://p");
    source.secrets.insert("httpHeaderValue1".into(), "word".into());
    assert_eq!(client.ensure_data_source(&source).unwrap(), Change::Created);
    assert_eq!(client.ensure_data_source(&source).unwrap(), Change::Unchanged);
    {
        let mut world = server.world();
        let kept = world.sources.get_mut("prom").unwrap();
        (kept["jsonData"]["theirs"], kept["isDefault"]) = (1.into(), true.into());
    }
    source.url = "http://q".into();
    is_update(&client.ensure_data_source(&source).unwrap(), "  ~ url: \"http://p\" → \"http://q\"");
    let kept = server.world().sources["prom"].clone();
    assert_eq!(
        (&kept["jsonData"]["theirs"], &kept["isDefault"], &kept["url"]),
        (&json!(1), &json!(true), &json!("http://q"))
    );
    assert_eq!(client.data_source_named("Prometheus / main").unwrap().unwrap().uid, "prom");
    assert_eq!(client.data_source("prom").unwrap().unwrap().url, "http://q");
    assert_eq!(client.data_source("none").unwrap(), None);
    assert_eq!(client.data_sources().unwrap().len(), 1);
    assert!(client.data_source_health("prom").unwrap().is_ok);
    source.url = "http://down".into();
    let _ = client.ensure_data_source(&source).unwrap();
    let health = client.data_source_health("prom").unwrap();
    assert_eq!((health.is_ok, &*health.message), (false, "connection refused"));
    source.url = "http://u:secret@q".into();
    is_update(&client.ensure_data_source(&source).unwrap(), "  ~ url: \"http://down\" → \"http://…@q\"");
    source.renew_secrets = true;
    let renewed = client.ensure_data_source(&source).unwrap();
    is_update(&renewed, "  ~ secureJsonData.httpHeaderValue1: (not shown) → (not shown)");
    source.secrets.clear();
    source.name = "Other".into();
    server.world().meanwhile = Some(Box::new(|world| world.sources.get_mut("prom").unwrap()["version"] = 99.into()));
    let error = client.ensure_data_source(&source).unwrap_err();
    assert!(matches!(&error, Error::Conflict { now: Some(now), .. } if now == "99"), "{error:?}");
    server.world().sources.get_mut("prom").unwrap()["readOnly"] = true.into();
    assert!(matches!(client.ensure_data_source(&source), Err(Error::Provisioned { .. })));
    let same_name = DataSource { uid: "b".into(), ..DataSource::prometheus("b", "Prometheus / main", "http://p") };
    assert!(matches!(client.ensure_data_source(&same_name), Err(Error::Taken(_))));
}

#[test]
fn a_rule_group_is_replaced_as_a_whole() {
    let server = StandIn::start(Api::Both, "");
    let client = client(&server);
    assert!(matches!(client.ensure_rule_group(&group("up")), Err(Error::NotFound(_))), "the folder is not there");
    let _ = client.ensure_folder("f", "Jobs").unwrap();
    assert_eq!(client.ensure_rule_group(&group("up")).unwrap(), Change::Created);
    assert_eq!(client.ensure_rule_group(&group("up")).unwrap(), Change::Unchanged);
    let change = client.ensure_rule_group(&group("down")).unwrap();
    is_update(&change, "  ~ rules[\"Stalled\"].data[\"A\"].model.expr: \"up\" → \"down\"");
    let other =
        RuleGroup { rules: vec![json!({ "uid": "b", "title": "B", "condition": "A", "data": [] })], ..group("") };
    assert!(client.ensure_rule_group(&other).unwrap().is_change());
    let rules = client.alert_rules().unwrap();
    assert_eq!((rules.len(), &*rules[0].uid, &*rules[0].provenance), (1, "b", "api"), "what is not said is deleted");
    assert_eq!(client.alert_rule("b").unwrap().unwrap().rule_group, "jobs / all");
    assert_eq!(client.alert_rule("stalled").unwrap(), None, "a 404 without a body");
    assert_eq!(client.rule_group("f", "jobs / all").unwrap().unwrap().interval, Duration::from_secs(60));
    let asked = server.world().asked.last().unwrap().path.clone();
    assert_eq!(asked, "/api/v1/provisioning/folder/f/rule-groups/jobs%20%2F%20all");
    let editable = Client::builder(server.url()).token(TOKEN).editable(true).build().unwrap();
    let _ = editable.ensure_rule_group(&group("up")).unwrap();
    assert_eq!(client.alert_rules().unwrap()[0].provenance, "");
    for rule in server.world().groups.values_mut().flat_map(|group| group["rules"].as_array_mut().unwrap()) {
        rule["provenance"] = "file".into();
    }
    assert!(matches!(client.ensure_rule_group(&group("x")), Err(Error::Provisioned { .. })));
    assert!(client.delete_rule_group("f", "jobs / all").unwrap());
    assert!(!client.delete_rule_group("f", "jobs / all").unwrap());
    assert_eq!(client.rule_group("f", "jobs / all").unwrap(), None);
}

#[test]
fn a_contact_points_secrets_are_neither_compared_nor_shown() {
    let server = StandIn::start(Api::Both, "");
    let client = client(&server);
    let mut point = ContactPoint {
        uid: "ops".into(),
        name: "Ops".into(),
        kind: "webhook".into(),
        settings: json!({ "url": "http://hook", "password": "hidden-word" }),
        ..ContactPoint::default()
    };
    assert_eq!(client.ensure_contact_point(&point).unwrap(), Change::Created);
    assert_eq!(
        client.ensure_contact_point(&point).unwrap(),
        Change::Unchanged,
        "the server has [REDACTED], and a default more"
    );
    point.settings["url"] = "http://other-hook".into();
    let change = client.ensure_contact_point(&point).unwrap();
    is_update(&change, "  ~ settings.url: (not shown) → (not shown)");
    assert!(!format!("{point:?} {change:?}").contains("//"));
    assert_eq!(client.contact_points().unwrap()[0].settings["password"], "[REDACTED]");
    let pigeon = ContactPoint { uid: "p".into(), kind: "pigeon".into(), ..point.clone() };
    let error = client.ensure_contact_point(&pigeon).unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert!(error.to_string().contains("pigeon") && !error.to_string().contains("hidden-word"), "{error}");
    assert!(client.delete_contact_point("ops").unwrap());
    assert!(!client.delete_contact_point("ops").unwrap());
}
