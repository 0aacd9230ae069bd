//! Names that stay: of dashboards, and of panels within them.
//!
//! Both follow from what they name, so that a link, an annotation and an alert still point at the same panel when others come and go.

use std::collections::BTreeSet;
// FNV-1a, which stays: the standard library's hashes may change with it.
use telemetry_dashboards::hash;

/// Grafana takes no more. <https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/>
const MAX_UID: usize = 40;
/// Digits of a hash behind a name that had to be cut.
const HASH: usize = 8;

/// A dashboard's uid: letters in lower case, digits and dashes, which is also a name for Kubernetes. A text that says more is told apart by
/// its hash.
pub(in crate::dashboard) fn uid(kind: &str, text: &str) -> String {
    let mut uid = String::from(kind);
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        uid.push('-');
        uid.push_str(&word.to_ascii_lowercase());
    }
    let whole = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !whole || uid.len() > MAX_UID {
        let mark = format!("{:016x}", hash(text));
        uid.truncate(MAX_UID - HASH - 1);
        uid = format!("{}-{}", uid.trim_end_matches('-'), &mark[..HASH]);
    }
    uid
}

/// The ids of a dashboard's panels.
#[derive(Default)]
pub(super) struct Ids(BTreeSet<u32>);

impl Ids {
    /// The id of what this key names: a number that JavaScript and Grafana's database hold, the next free one where two keys meet.
    pub(super) fn of(&mut self, key: &str) -> u32 {
        let mut id = (hash(key) % 0x7fff_ffff) as u32 + 1;
        while !self.0.insert(id) {
            id = id % 0x7fff_ffff + 1;
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_short_plain_and_of_its_text_alone() {
        assert_eq!(uid("service", "flights"), "service-flights");
        assert_eq!(uid("service", "flights-2"), "service-flights-2");
        for text in
            ["Flights", "flights ", "flüge", "", "a".repeat(200).as_str(), "a/b", "a b", "--", "unknown_service:x"]
        {
            let uid = uid("service", text);
            assert!(
                uid.len() <= MAX_UID && uid.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{uid}"
            );
            assert!(!uid.ends_with('-'), "{uid}");
        }
        let others = ["a b", "a/b", "A b", "a-b", "a  b"];
        assert_eq!(others.map(|text| uid("service", text)).into_iter().collect::<BTreeSet<_>>().len(), others.len());
    }

    #[test]
    fn panels_whose_hashes_meet_have_ids_of_their_own() {
        let mut ids = Ids::default();
        assert_ne!(ids.of("a"), ids.of("a"));
        assert_eq!(Ids::default().of("a"), Ids::default().of("a"));
    }
}
