//! What it answers by `/apis`.

use super::answers::{Answer, nothing};
use super::{Kept, World};
use serde_json::{Value, json};

pub(super) fn refused(code: u16, reason: &str, text: &str) -> Answer {
    Answer(
        code,
        json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": text, "reason": reason, "code": code }),
    )
}

pub(super) fn resource(world: &mut World, method: &str, group: &str, rest: &[&str], body: &Value) -> Answer {
    let missing = |uid: &str| refused(404, "NotFound", &format!("{group} {uid:?} not found"));
    let name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let folder = body["metadata"]["annotations"]["grafana.app/folder"].as_str().unwrap_or_default().to_owned();
    let given = body["metadata"]["resourceVersion"].as_str();
    let changed =
        || refused(409, "Conflict", "the object has been modified; please apply your changes to the latest version");
    let show = |uid: &str, spec: &Value, version: u64, annotations: Value| json!({ "metadata": { "name": uid, "resourceVersion": version.to_string(), "annotations": annotations }, "spec": spec });
    match (method, rest) {
        ("GET", ["dashboards", uid]) => match world.dashboards.get(*uid) {
            None => missing(uid),
            Some(kept) => {
                let mut annotations = json!({ "grafana.app/folder": kept.folder, "theirs": "kept" });
                if let Some(file) = &kept.file {
                    annotations["grafana.app/managedBy"] = "classic-file-provisioning".into();
                    annotations["grafana.app/sourcePath"] = file.as_str().into();
                }
                Answer(200, show(uid, &kept.spec, kept.version, annotations))
            }
        },
        ("POST", ["dashboards"]) if world.dashboards.contains_key(&name) => {
            refused(409, "AlreadyExists", "it already exists")
        }
        ("POST", ["dashboards"]) => {
            world
                .dashboards
                .insert(name.clone(), Kept { spec: body["spec"].clone(), folder, version: 100, file: None });
            Answer(201, show(&name, &body["spec"], 100, json!({})))
        }
        ("PUT", ["dashboards", uid]) => match world.dashboards.get_mut(*uid) {
            None => missing(uid),
            Some(kept) if given != Some(&*kept.version.to_string()) => changed(),
            Some(kept) => {
                assert_eq!(body["metadata"]["annotations"]["theirs"], "kept");
                *kept = Kept { spec: body["spec"].clone(), folder, version: kept.version + 1, file: None };
                Answer(200, show(uid, &kept.spec, kept.version, json!({})))
            }
        },
        ("DELETE", ["dashboards", uid]) => {
            world.dashboards.remove(*uid).map_or_else(|| missing(uid), |_| Answer(200, json!({})))
        }
        ("GET", ["folders"]) => {
            let all = world
                .folders
                .iter()
                .map(|(uid, (title, version))| show(uid, &json!({ "title": title }), *version, json!({})));
            Answer(200, json!({ "metadata": {}, "items": all.collect::<Vec<_>>() }))
        }
        ("GET", ["folders", uid]) => match world.folders.get(*uid) {
            None => missing(uid),
            Some((title, version)) => Answer(200, show(uid, &json!({ "title": title }), *version, json!({}))),
        },
        ("POST", ["folders"]) => {
            world.folders.insert(name.clone(), (body["spec"]["title"].as_str().unwrap().to_owned(), 100));
            Answer(201, show(&name, &body["spec"], 100, json!({})))
        }
        ("PUT", ["folders", uid]) => match world.folders.get_mut(*uid) {
            None => missing(uid),
            Some((_, version)) if given != Some(&*version.to_string()) => changed(),
            Some((title, version)) => {
                (*title, *version) = (body["spec"]["title"].as_str().unwrap().to_owned(), *version + 1);
                Answer(200, json!({}))
            }
        },
        _ => nothing(404),
    }
}
