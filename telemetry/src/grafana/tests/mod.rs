//! The client against a stand-in that keeps what it is given.

mod contract; // against Grafana's published document
mod kept; // `ensure_…`
mod reached; // credentials, URLs, secrets
#[cfg(not(telemetry_off))]
mod runs; // annotations of jobs
mod stand_in;
#[cfg(all(feature = "tls", not(telemetry_off)))]
mod tls; // who vouches for the server
mod tried; // answers that are none, and attempts

use super::*;
use serde_json::{Value, json};
use stand_in::{Api, Fault, Kept, StandIn, TOKEN};
use std::time::Duration;

/// A client of a stand-in, which waits for nothing long.
fn client(server: &StandIn) -> Client {
    Client::builder(server.url()).token(TOKEN).timeout(Duration::from_secs(10)).build().unwrap()
}

fn dashboard(title: &str) -> Value {
    let panel = json!({ "id": 1, "type": "stat", "title": "Calls", "targets": [{ "refId": "A", "expr": "up" }] });
    json!({ "uid": "jobs", "title": title, "schemaVersion": 42, "tags": ["telemetry"], "panels": [panel] })
}

fn in_folder() -> SaveOptions {
    SaveOptions { folder_uid: Some("f".into()), message: Some("by a test".into()), ..SaveOptions::default() }
}

fn group(expr: &str) -> RuleGroup {
    let rule = json!({
        "uid": "stalled", "title": "Stalled", "condition": "A", "for": "5m", "labels": { "severity": "page" },
        "data": [{ "refId": "A", "datasourceUid": "prom", "relativeTimeRange": { "from": 600, "to": 0 }, "model": { "refId": "A", "expr": expr } }],
    });
    RuleGroup {
        folder_uid: "f".into(),
        title: "jobs / all".into(),
        interval: Duration::from_secs(60),
        rules: vec![rule],
    }
}
