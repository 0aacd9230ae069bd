//! What is published of a process: one target group, on one line.

use crate::export::json;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// The label by which entries are told apart. What stands in `"…":"` is nowhere else in an entry: in a value the quotes would be escaped.
const MARK: &str = "__meta_telemetry_process";

/// Where Prometheus reaches what listens on `address`. An address that stands for all becomes the machine's name.
pub(super) fn target(address: SocketAddr, host: Option<&str>) -> String {
    let named = match host {
        Some(host) => Some(host.to_owned()),
        None if address.ip().is_unspecified() => Some(crate::host::name().unwrap_or_else(|| "localhost".to_owned())),
        None => None,
    };
    match named {
        None => address.to_string(),
        Some(host) => match host.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, address.port()).to_string(),
            Err(_) => format!("{host}:{}", address.port()),
        },
    }
}

/// The target group of this process, as JSON without a line feed.
pub(super) fn entry(target: &str, has_tls: bool, resource: &BTreeMap<String, String>, mark: &str) -> String {
    let mut labels = vec![("job", crate::config::job(resource))];
    if has_tls {
        labels.push(("__scheme__", "https".to_owned()));
    }
    if let Some(id) = resource.get("service.instance.id").filter(|id| !id.is_empty()) {
        labels.push(("instance", id.clone()));
    }
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    labels.extend(program.map(|name| ("__meta_telemetry_program", name)));
    labels.extend(crate::host::name().map(|name| ("__meta_telemetry_host", name)));
    labels.push(("__meta_telemetry_pid", std::process::id().to_string()));
    labels.push((MARK, mark.to_owned()));
    let labels = json::object(labels.into_iter().map(|(name, value)| (name, json::text(&value))));
    json::object([("targets", json::array([json::text(target)].into_iter())), ("labels", labels)])
}

/// Whose an entry is; `None` where it is none of ours.
pub(super) fn mark(entry: &str) -> Option<&str> {
    let (_, rest) = entry.split_once(&format!("\"{MARK}\":\""))?;
    rest.split_once('"').map(|(mark, _)| mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_what_prometheus_can_reach() {
        let target = |address: &str, host| target(address.parse().unwrap(), host);
        assert_eq!(target("127.0.0.1:8000", None), "127.0.0.1:8000");
        assert_eq!(target("[::1]:8000", None), "[::1]:8000");
        assert_eq!(target("0.0.0.0:8000", Some("db1")), "db1:8000");
        assert_eq!(target("0.0.0.0:8000", Some("fe80::1")), "[fe80::1]:8000");
        let host = crate::host::name().unwrap();
        assert_eq!(target("0.0.0.0:8000", None), format!("{host}:8000"));
    }

    #[test]
    fn the_owner_of_an_entry_is_found_whatever_its_labels_hold() {
        let tricky = "\"__meta_telemetry_process\":\"other\"\n".to_owned();
        let resource =
            BTreeMap::from([("service.name".to_owned(), tricky), ("service.instance.id".to_owned(), "i".into())]);
        let entry = entry("127.0.0.1:1", true, &resource, "12-34");
        assert!(!entry.contains('\n') && entry.contains("\"instance\":\"i\""), "{entry}");
        assert!(entry.contains("\"__scheme__\":\"https\""), "{entry}");
        assert_eq!(mark(&entry), Some("12-34"));
        assert_eq!(mark("{\"targets\":[\"a:1\"]}"), None);
    }
}
