//! What it answers by `/api`, and what it keeps.

use super::resources::{refused, resource};
use super::{Api, Asked, BASIC, Kept, TOKEN, World};
use serde_json::{Value, json};

pub(super) struct Answer(pub(super) u16, pub(super) Value);

fn message(code: u16, text: &str) -> Answer {
    Answer(code, json!({ "message": text }))
}

pub(super) fn nothing(code: u16) -> Answer {
    Answer(code, Value::Null)
}

fn decoded(segment: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), segment.as_bytes());
    while let [first, after @ ..] = rest {
        let code =
            (*first == b'%').then(|| u8::from_str_radix(&segment[segment.len() - after.len()..][..2], 16).unwrap());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap()
}

/// `None` where it has no such interface.
pub(super) fn answer(world: &mut World, asked: &Asked, path: &str) -> Option<Answer> {
    let segments: Vec<String> = path.split('/').skip(1).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if segments == ["api", "health"] {
        return Some(Answer(200, json!({ "database": "ok", "version": "12.4.0", "commit": null, "more": 1 })));
    }
    match asked.headers.get("authorization").map(String::as_str) {
        Some(value) if value == format!("Bearer {TOKEN}") || value == format!("Basic {BASIC}") => {}
        // It says back what it was given, which no message may show.
        Some(value) => return Some(message(401, &format!("Invalid API key: {value}"))),
        None => return Some(message(401, "Unauthorized")),
    }
    let api = world.api.unwrap_or(Api::Both);
    let is_stored = matches!(segments.get(1), Some(&"dashboards" | &"folders"));
    match (segments[0], api) {
        ("api", Api::NewOnly(404)) if is_stored => return Some(message(404, "Not found")),
        ("api", Api::NewOnly(code)) if is_stored => return Some(nothing(code)),
        ("apis", Api::OldOnly) => return None,
        _ => {}
    }
    let (method, body) = (asked.method.as_str(), &asked.body);
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    Some(match (method, segments.as_slice()) {
        ("GET", ["api", "org"]) => {
            let id = asked.headers.get("x-grafana-org-id").map_or(1, |id| id.parse::<u64>().unwrap());
            Answer(200, json!({ "id": id, "name": "Main Org." }))
        }
        ("GET", ["api", "search"]) => {
            let hits = world.dashboards.iter().map(|(uid, kept)| {
                json!({ "uid": uid, "title": kept.spec["title"], "type": "dash-db", "tags": kept.spec["tags"], "folderUid": kept.folder })
            });
            Answer(200, hits.collect())
        }
        ("GET", ["api", "datasources"]) => Answer(200, world.sources.values().cloned().collect()),
        ("POST", ["api", "datasources"]) => {
            let uid = body["uid"].as_str().unwrap().to_owned();
            if world.sources.values().any(|source| source["name"] == body["name"]) {
                return Some(message(409, "data source with the same name already exists"));
            }
            let new = source(body, 1);
            world.sources.insert(uid, new.clone());
            let name = &body["name"];
            Answer(200, json!({ "id": 1, "name": name, "message": "Datasource added", "datasource": new }))
        }
        ("GET", ["api", "datasources", "uid", uid, "health"]) => match world.sources.get(*uid) {
            Some(source) if source["url"] == "http://down" => {
                Answer(400, json!({ "status": "ERROR", "message": "connection refused" }))
            }
            Some(_) => Answer(200, json!({ "status": "OK", "message": "works" })),
            None => message(404, "Data source not found"),
        },
        ("GET", ["api", "datasources", "uid", uid]) => found(world.sources.get(*uid).cloned(), "Data source not found"),
        ("GET", ["api", "datasources", "name", name]) => {
            let source = world.sources.values().find(|source| source["name"] == **name);
            found(source.cloned(), "Data source not found")
        }
        ("PUT", ["api", "datasources", "uid", uid]) => match world.sources.get(*uid) {
            None => message(404, "Data source not found"),
            Some(old) if old["readOnly"] == true => message(403, "Cannot update read-only data source"),
            Some(old) if old["version"] != body["version"] => {
                message(409, "Datasource has already been updated by someone else. Please reload and try again")
            }
            Some(old) => {
                let new = source(body, number(&old["version"]) + 1);
                world.sources.insert((*uid).to_owned(), new.clone());
                let name = &body["name"];
                Answer(200, json!({ "id": 1, "name": name, "message": "Datasource updated", "datasource": new }))
            }
        },
        ("GET", ["api", "folders"]) => {
            let first = !asked.query.contains("page=") || asked.query.contains("page=1");
            let all = world.folders.iter().map(|(uid, (title, _))| json!({ "uid": uid, "title": title }));
            Answer(200, if first { all.collect() } else { json!([]) })
        }
        ("GET", ["api", "folders", uid]) => {
            let folder = world.folders.get(*uid);
            let shown = |(title, version): &(String, u64)| json!({ "uid": uid, "title": title, "version": version, "parentUid": null });
            found(folder.map(shown), "folder not found")
        }
        ("POST", ["api", "folders"]) => {
            let uid = body["uid"].as_str().unwrap().to_owned();
            if world.folders.contains_key(&uid) {
                return Some(message(409, "a folder with the same uid already exists"));
            }
            world.folders.insert(uid, (body["title"].as_str().unwrap().to_owned(), 1));
            Answer(200, body.clone())
        }
        ("PUT", ["api", "folders", uid]) => match world.folders.get_mut(*uid) {
            None => message(404, "folder not found"),
            Some((_, version)) if number(&body["version"]) != *version => Answer(
                412,
                json!({ "status": "version-mismatch", "message": "the folder has been changed by someone else" }),
            ),
            Some((title, version)) => {
                (*title, *version) = (body["title"].as_str().unwrap().to_owned(), *version + 1);
                Answer(200, json!({}))
            }
        },
        ("GET", ["api", "dashboards", "uid", uid]) => {
            found(world.dashboards.get(*uid).map(classic), "Dashboard not found")
        }
        ("POST", ["api", "dashboards", "db"]) => save(world, body),
        ("DELETE", ["api", "dashboards", "uid", uid]) => match world.dashboards.remove(*uid) {
            Some(kept) if kept.file.is_some() => {
                world.dashboards.insert((*uid).to_owned(), kept);
                message(400, "provisioned dashboard cannot be deleted")
            }
            Some(kept) => {
                Answer(200, json!({ "uid": uid, "title": kept.spec["title"], "message": "Dashboard deleted" }))
            }
            None => message(404, "Dashboard not found"),
        },
        ("GET", ["api", "v1", "provisioning", "alert-rules"]) => {
            let rules = world.groups.values().flat_map(|group| group["rules"].as_array().cloned().unwrap());
            Answer(200, rules.collect())
        }
        ("GET", ["api", "v1", "provisioning", "alert-rules", uid]) => {
            let mut rules = world.groups.values().flat_map(|group| group["rules"].as_array().cloned().unwrap());
            // Without a body, as the server has it.
            rules.find(|rule| rule["uid"] == **uid).map_or(nothing(404), |rule| Answer(200, rule))
        }
        (_, ["api", "v1", "provisioning", "folder", folder, "rule-groups", group]) => {
            rule_group(world, method, ((*folder).to_owned(), (*group).to_owned()), asked)
        }
        ("GET", ["api", "v1", "provisioning", "contact-points"]) => {
            Answer(200, world.points.values().map(redacted).collect())
        }
        ("POST", ["api", "v1", "provisioning", "contact-points"]) if body["type"] == "pigeon" => {
            message(400, &format!("unknown type \"pigeon\" with settings {}", body["settings"]))
        }
        ("POST", ["api", "v1", "provisioning", "contact-points"]) => {
            world.points.insert(body["uid"].as_str().unwrap().to_owned(), body.clone());
            Answer(202, body.clone())
        }
        ("PUT", ["api", "v1", "provisioning", "contact-points", uid]) => {
            world.points.insert((*uid).to_owned(), body.clone());
            message(202, "contactpoint updated")
        }
        ("DELETE", ["api", "v1", "provisioning", "contact-points", uid]) => match world.points.remove(*uid) {
            Some(_) => message(202, "contactpoint deleted"),
            None => message(404, "contact point not found"),
        },
        ("POST", ["api", "annotations"]) => {
            world.annotations.push(body.clone());
            Answer(200, json!({ "id": world.annotations.len(), "message": "Annotation added" }))
        }
        ("PATCH", ["api", "annotations", id]) => {
            let at = id.parse::<usize>().unwrap() - 1;
            let Some(annotation) = world.annotations.get_mut(at) else {
                return Some(message(404, "annotation not found"));
            };
            for (name, value) in body.as_object().unwrap() {
                annotation[name] = value.clone();
            }
            message(200, "Annotation patched")
        }
        (_, ["apis", group, "v1beta1", "namespaces", namespace, rest @ ..]) => {
            if *namespace != "default" {
                return Some(refused(403, "Forbidden", "no access to this namespace"));
            }
            resource(world, method, group, rest, body)
        }
        _ => message(404, "Not found"),
    })
}

fn found(value: Option<Value>, otherwise: &str) -> Answer {
    value.map_or_else(|| message(404, otherwise), |value| Answer(200, value))
}

/// As the server shows it: secrets by name.
fn source(body: &Value, version: u64) -> Value {
    let mut source = body.clone();
    let secrets = source.as_object_mut().unwrap().remove("secureJsonData");
    let names =
        secrets.as_ref().and_then(Value::as_object).into_iter().flatten().map(|(name, _)| (name.clone(), json!(true)));
    source["secureJsonFields"] = names.collect();
    source["version"] = version.into();
    source["database"] = Value::Null;
    source["readOnly"] = false.into();
    source
}

fn redacted(point: &Value) -> Value {
    let mut point = point.clone();
    if point["settings"]["password"].is_string() {
        point["settings"]["password"] = "[REDACTED]".into();
    }
    point["settings"]["httpMethod"] = "POST".into();
    point["provenance"] = "api".into();
    point
}

fn classic(kept: &Kept) -> Value {
    let mut dashboard = kept.spec.clone();
    (dashboard["id"], dashboard["version"]) = (7.into(), kept.version.into());
    let meta = json!({
        "folderUid": kept.folder, "version": kept.version, "provisioned": kept.file.is_some(),
        "provisionedExternalId": kept.file.clone().unwrap_or_default(), "url": "/d/x", "annotationsPermissions": null,
    });
    json!({ "dashboard": dashboard, "meta": meta })
}

fn save(world: &mut World, body: &Value) -> Answer {
    let dashboard = &body["dashboard"];
    if dashboard["title"].as_str().is_none_or(str::is_empty) {
        return Answer(400, json!({ "status": "empty-name", "message": "Dashboard title cannot be empty" }));
    }
    let folder = body["folderUid"].as_str().expect("`folderUid` is always sent").to_owned();
    if !folder.is_empty() && !world.folders.contains_key(&folder) {
        return message(404, "folder not found");
    }
    assert_eq!(dashboard["id"], Value::Null, "a number is another one on each server");
    let uid = dashboard["uid"].as_str().unwrap().to_owned();
    let version = match world.dashboards.get(&uid) {
        None => 0,
        Some(kept) if kept.file.is_some() => return message(400, "Cannot save provisioned dashboard"),
        Some(kept) if body["overwrite"] == true || dashboard["version"].as_u64() == Some(kept.version) => kept.version,
        Some(_) => {
            return Answer(
                412,
                json!({ "status": "version-mismatch", "message": "The dashboard has been changed by someone else" }),
            );
        }
    };
    let kept = Kept { spec: dashboard.clone(), folder, version: version + 1, file: None };
    world.dashboards.insert(uid.clone(), kept);
    Answer(
        200,
        json!({ "id": 7, "uid": uid, "url": "/d/x", "status": "success", "title": dashboard["title"], "version": version + 1 }),
    )
}

fn rule_group(world: &mut World, method: &str, at: (String, String), asked: &Asked) -> Answer {
    match method {
        "GET" => found(world.groups.get(&at).cloned(), "rule group not found"),
        "DELETE" => world.groups.remove(&at).map_or_else(|| message(404, "rule group not found"), |_| nothing(204)),
        _ => {
            if !world.folders.contains_key(&at.0) {
                return message(404, "folder not found");
            }
            let mut group = asked.body.clone();
            let provenance = if asked.headers.contains_key("x-disable-provenance") { "" } else { "api" };
            for rule in group["rules"].as_array_mut().unwrap() {
                // What the server adds by itself.
                (rule["id"], rule["updated"], rule["isPaused"]) =
                    (1.into(), "2026-01-01T00:00:00Z".into(), false.into());
                (rule["provenance"], rule["orgID"]) = (provenance.into(), 4.into());
            }
            world.groups.insert(at, group.clone());
            Answer(200, group)
        }
    }
}
