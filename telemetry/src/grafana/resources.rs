//! Dashboards and folders by `/apis`, in the manner of Kubernetes, which Grafana has since 12.

use super::client::Client;
use super::dashboards::{SaveOptions, Saved};
use super::error::Error;
use super::models::{Dashboard, DashboardMeta, Folder, Version};
use super::path::{path, query};
use super::store::Store;
use super::transport::{Ask, Method};
use serde_json::{Value, json};

const DASHBOARDS: (&str, &str, &str) = ("dashboard.grafana.app", "Dashboard", "dashboards");
const FOLDERS: (&str, &str, &str) = ("folder.grafana.app", "Folder", "folders");
/// The oldest that has the classic model; later servers have it too.
const VERSION: &str = "v1beta1";

const FOLDER: &str = "grafana.app/folder";
const MESSAGE: &str = "grafana.app/message";
const MANAGED_BY: &str = "grafana.app/managedBy";
const SOURCE_PATH: &str = "grafana.app/sourcePath";

pub(super) struct Resources<'a>(pub(super) &'a Client);

impl Resources<'_> {
    fn list(&self, (group, _, plural): (&str, &str, &str)) -> Result<String, Error> {
        let namespace = self.namespace()?;
        path(&[&format!("/apis/{group}/{VERSION}/namespaces"), namespace, &format!("/{plural}")])
    }

    fn one(&self, kind: (&str, &str, &str), uid: &str) -> Result<String, Error> {
        Ok(self.list(kind)? + &path(&["", uid])?)
    }

    /// That of the organization, which the server is asked for once.
    fn namespace(&self) -> Result<&str, Error> {
        let shared = &self.0.shared;
        if let Some(known) = shared.namespace.get() {
            return Ok(known);
        }
        let number = match shared.transport.organization {
            Some(number) => number,
            None => self.0.organization()?.id,
        };
        let namespace = if number == 1 { "default".to_owned() } else { format!("org-{number}") };
        Ok(shared.namespace.get_or_init(|| namespace))
    }

    fn resource(&self, kind: (&str, &str, &str), uid: &str) -> Result<Value, Error> {
        let asked = self.one(kind, uid)?;
        let answer: Value = self.0.read(asked.clone())?;
        if answer["metadata"]["name"].is_string() && answer["spec"].is_object() {
            return Ok(answer);
        }
        let why = "it has no `metadata.name`, or no `spec`".to_owned();
        Err(Error::NotGrafana { request: format!("GET {asked}"), code: 200, why })
    }

    /// Writes a resource that replaces this version, or none.
    fn put(
        &self,
        kind: (&str, &str, &str),
        uid: &str,
        replaces: Option<&str>,
        annotations: &[(&str, Option<&str>)],
        spec: &Value,
    ) -> Result<Value, Error> {
        let (group, name, _) = kind;
        let mut metadata = match replaces {
            // What others noted there is theirs, and stays.
            Some(_) if !self.0.is_dry => self.resource(kind, uid)?["metadata"].take(),
            _ => json!({}),
        };
        metadata["name"] = uid.into();
        if let Some(version) = replaces {
            metadata["resourceVersion"] = version.into();
        }
        if !metadata["annotations"].is_object() {
            metadata["annotations"] = json!({});
        }
        for (annotation, value) in annotations {
            match value {
                Some(value) => metadata["annotations"][*annotation] = (*value).into(),
                None => drop(metadata["annotations"].as_object_mut().and_then(|all| all.remove(*annotation))),
            }
        }
        let body =
            json!({ "apiVersion": format!("{group}/{VERSION}"), "kind": name, "metadata": metadata, "spec": spec });
        let ask = match replaces {
            Some(_) => Ask::new(Method::Put, self.one(kind, uid)?),
            None => Ask::new(Method::Post, self.list(kind)?),
        };
        self.0.write(&ask.body(&body))
    }
}

fn version(resource: &Value) -> Option<Version> {
    resource["metadata"]["resourceVersion"].as_str().map(|version| Version::Resource(version.to_owned()))
}

fn folder(resource: &Value) -> Folder {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Folder {
        uid: text(&resource["metadata"]["name"]),
        title: text(&resource["spec"]["title"]),
        parent_uid: resource["metadata"]["annotations"][FOLDER].as_str().map(str::to_owned),
        version: version(resource),
    }
}

fn number(version: Option<&Version>) -> Option<&str> {
    match version {
        Some(Version::Resource(version)) => Some(version),
        _ => None,
    }
}

impl Store for Resources<'_> {
    fn dashboard(&self, uid: &str) -> Result<Dashboard, Error> {
        let mut resource = self.resource(DASHBOARDS, uid)?;
        let annotation = |name: &str| resource["metadata"]["annotations"][name].as_str().map(str::to_owned);
        let manager = annotation(MANAGED_BY);
        let meta = DashboardMeta {
            folder_uid: annotation(FOLDER).filter(|uid| !uid.is_empty()),
            version: version(&resource),
            is_provisioned: ["classic-file-provisioning", "repo"].into_iter().any(|by| manager.as_deref() == Some(by)),
            file: annotation(SOURCE_PATH),
            url: None,
        };
        let mut dashboard = resource["spec"].take();
        dashboard["uid"] = uid.into();
        Ok(Dashboard { dashboard, meta })
    }

    fn save_dashboard(&self, dashboard: &Value, options: &SaveOptions) -> Result<Saved, Error> {
        let uid = dashboard["uid"].as_str().unwrap_or_default();
        let mut spec = dashboard.clone();
        if let Some(members) = spec.as_object_mut() {
            members.retain(|name, _| !["id", "uid", "version"].contains(&&**name));
        }
        let message = options.shown_message();
        let folder = options.folder_uid.as_deref().filter(|uid| !uid.is_empty());
        let annotations = [(FOLDER, folder), (MESSAGE, Some(&*message).filter(|message| !message.is_empty()))];
        let saved = self.put(DASHBOARDS, uid, number(options.replaces.as_ref()), &annotations, &spec)?;
        Ok(Saved { uid: uid.to_owned(), version: version(&saved), url: None })
    }

    fn delete_dashboard(&self, uid: &str) -> Result<(), Error> {
        self.0.write(&Ask::new(Method::Delete, self.one(DASHBOARDS, uid)?)).map(drop)
    }

    fn folders(&self) -> Result<Vec<Folder>, Error> {
        let list = self.list(FOLDERS)?;
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let mut pairs = vec![("limit", "1000")];
            if !next.is_empty() {
                pairs.push(("continue", &*next));
            }
            let answer: Value = self.0.read(format!("{list}{}", query(&pairs)))?;
            all.extend(answer["items"].as_array().into_iter().flatten().map(folder));
            let more = answer["metadata"]["continue"].as_str().unwrap_or_default();
            // One that says the same again would be asked for ever.
            if more.is_empty() || more == next {
                return Ok(all);
            }
            next = more.to_owned();
        }
    }

    fn folder(&self, uid: &str) -> Result<Folder, Error> {
        self.resource(FOLDERS, uid).map(|resource| folder(&resource))
    }

    fn create_folder(&self, uid: &str, title: &str) -> Result<(), Error> {
        self.put(FOLDERS, uid, None, &[], &json!({ "title": title })).map(drop)
    }

    fn rename_folder(&self, folder: &Folder, title: &str) -> Result<(), Error> {
        let mut spec = self.resource(FOLDERS, &folder.uid)?["spec"].take();
        spec["title"] = title.into();
        self.put(FOLDERS, &folder.uid, number(folder.version.as_ref()), &[], &spec).map(drop)
    }
}
