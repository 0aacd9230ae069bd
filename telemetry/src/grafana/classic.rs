//! Dashboards and folders by `/api`, which Grafana has from its beginning.

use super::client::Client;
use super::dashboards::{SaveOptions, Saved};
use super::error::Error;
use super::models::{Dashboard, DashboardMeta, Folder, Version};
use super::path::{path, query};
use super::store::Store;
use super::transport::{Ask, Method};
use serde_json::{Value, json};

/// So many folders come with one answer.
const PAGE: usize = 1_000;

pub(super) struct Classic<'a>(pub(super) &'a Client);

impl Store for Classic<'_> {
    fn dashboard(&self, uid: &str) -> Result<Dashboard, Error> {
        let asked = path(&["/api/dashboards/uid", uid])?;
        let mut answer: Value = self.0.read(asked.clone())?;
        let dashboard = answer["dashboard"].take();
        if !dashboard.is_object() {
            let why = "it has no member `dashboard`".to_owned();
            return Err(Error::NotGrafana { request: format!("GET {asked}"), code: 200, why });
        }
        let meta = &answer["meta"];
        let text = |name: &str| meta[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let version = dashboard["version"].as_u64().or(meta["version"].as_u64());
        let meta = DashboardMeta {
            folder_uid: text("folderUid"),
            version: version.map(Version::Number),
            is_provisioned: meta["provisioned"].as_bool().unwrap_or_default(),
            file: text("provisionedExternalId"),
            url: text("url"),
        };
        Ok(Dashboard { dashboard, meta })
    }

    fn save_dashboard(&self, dashboard: &Value, options: &SaveOptions) -> Result<Saved, Error> {
        let mut dashboard = dashboard.clone();
        // The number is another one on each server.
        dashboard["id"] = Value::Null;
        match &options.replaces {
            Some(Version::Number(version)) => dashboard["version"] = json!(version),
            _ => drop(dashboard.as_object_mut().and_then(|members| members.remove("version"))),
        }
        let body = json!({
            "dashboard": dashboard,
            // Left out, it would move the dashboard to the root.
            "folderUid": options.folder_uid.as_deref().unwrap_or_default(),
            "message": options.shown_message(),
            "overwrite": false,
        });
        let ask = Ask::new(Method::Post, "/api/dashboards/db".to_owned()).body(&body);
        // A second one of a version finds that it is gone.
        let ask = if options.replaces.is_some() { ask.idempotent() } else { ask };
        let answer = self.0.write(&ask)?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let uid = text("uid").or_else(|| dashboard["uid"].as_str().map(str::to_owned)).unwrap_or_default();
        Ok(Saved { uid, version: answer["version"].as_u64().map(Version::Number), url: text("url") })
    }

    fn delete_dashboard(&self, uid: &str) -> Result<(), Error> {
        self.0.write(&Ask::new(Method::Delete, path(&["/api/dashboards/uid", uid])?)).map(drop)
    }

    fn folders(&self) -> Result<Vec<Folder>, Error> {
        let mut all = Vec::new();
        for page in 1u32.. {
            let asked = query(&[("limit", &PAGE.to_string()), ("page", &page.to_string())]);
            let some: Vec<Folder> = self.0.read(format!("/api/folders{asked}"))?;
            let is_last = some.len() < PAGE;
            all.extend(some);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    fn folder(&self, uid: &str) -> Result<Folder, Error> {
        let asked = path(&["/api/folders", uid])?;
        let answer: Value = self.0.read(asked.clone())?;
        let version = answer["version"].as_u64().map(Version::Number);
        let folder: Folder = self.0.decoded(&Ask::new(Method::Get, asked), answer)?;
        Ok(Folder { version, ..folder })
    }

    fn create_folder(&self, uid: &str, title: &str) -> Result<(), Error> {
        let body = json!({ "uid": uid, "title": title });
        self.0.write(&Ask::new(Method::Post, "/api/folders".to_owned()).body(&body)).map(drop)
    }

    fn rename_folder(&self, folder: &Folder, title: &str) -> Result<(), Error> {
        let version = match folder.version {
            Some(Version::Number(version)) => Some(version),
            _ => None,
        };
        let body = json!({ "title": title, "version": version, "overwrite": false });
        self.0.write(&Ask::new(Method::Put, path(&["/api/folders", &folder.uid])?).body(&body)).map(drop)
    }
}
