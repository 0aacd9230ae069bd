//! A Pushgateway's group: the text exposition, under a path that names the group.
//! <https://github.com/prometheus/pushgateway#api>

use super::client::{self, Judge};
use super::state::Packer;
use super::{Parcel, Verb, exported};
use crate::builtin::jobs::recorded as families;
use crate::config::push::Gateway;
use crate::config::push::access::Endpoint;
use crate::export::text;
use crate::snapshot::{Labels, Series, Snapshot};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeSet;
use std::sync::Arc;

const HEADERS: &[(&str, &str)] = &[("Content-Type", text::CONTENT_TYPE)];

pub(super) struct Group {
    settings: Gateway,
    url: Arc<str>,
}

impl Group {
    pub(super) fn new(settings: Gateway) -> Group {
        let url = url(&settings).into();
        Group { settings, url }
    }

    fn parcel(&self, verb: Verb, body: String) -> Parcel {
        let samples = body.lines().filter(|line| !line.starts_with('#')).count();
        let headers = if verb == Verb::Delete { &[] } else { HEADERS };
        Parcel { verb, url: Arc::clone(&self.url), headers, body: body.into_bytes(), samples: samples as u64 }
    }
}

impl Packer for Group {
    fn name(&self) -> &'static str {
        "pushgateway"
    }

    fn pack(&mut self, mut snapshot: Snapshot) -> Vec<Parcel> {
        give_way(&mut snapshot, &self.settings.grouping.keys().map(String::as_str).chain(["job"]).collect());
        // What replaces the group would take away an earlier run's success, which an alert lives by.
        let replaces = self.settings.replaces && knows_last_successes(&snapshot);
        let verb = if replaces { Verb::Put } else { Verb::Post };
        vec![self.parcel(verb, text::encode(&snapshot))]
    }

    fn pack_last(&mut self, snapshot: Snapshot) -> Vec<Parcel> {
        if self.settings.delete_at_exit {
            return vec![self.parcel(Verb::Delete, String::new())];
        }
        self.pack(snapshot)
    }

    fn keeps_latest_only(&self) -> bool {
        true
    }

    fn endpoint(&self) -> &Endpoint {
        &self.settings.endpoint
    }

    fn judge(&self) -> Judge {
        client::judged
    }
}

/// Whether each job of this process has succeeded, in it or by its state's word.
fn knows_last_successes(snapshot: &Snapshot) -> bool {
    let name = families::backfill_last_success_timestamp_seconds::DESCRIPTOR.name;
    let known = snapshot.families.iter().filter(|family| family.name == name).flat_map(|family| &family.series);
    let known: BTreeSet<&str> = known.filter_map(|series| series.label("job_name")).collect();
    snapshot.jobs.iter().all(|job| known.contains(&*job.name))
}

/// The group's URL: `…/metrics/job/nightly/shard/3`.
fn url(settings: &Gateway) -> String {
    let (base, query) = match settings.endpoint.url.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (settings.endpoint.url.as_str(), String::new()),
    };
    let mut url = format!("{}/metrics", base.trim_end_matches('/'));
    let job = ("job", settings.job.as_str());
    for (label, value) in [job].into_iter().chain(settings.grouping.iter().map(|(label, value)| (&**label, &**value))) {
        url.push('/');
        url.push_str(label);
        // What a path cannot say, or servers and proxies clean away, has another form; an empty value is one `=` there.
        if value.is_empty() {
            url.push_str("@base64/=");
        } else if value.contains('/') || [".", ".."].contains(&value) {
            url.push_str("@base64/");
            URL_SAFE_NO_PAD.encode_string(value, &mut url);
        } else {
            url.push('/');
            value.bytes().for_each(|byte| escape(byte, &mut url));
        }
    }
    url + &query
}

/// <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
fn escape(byte: u8, out: &mut String) {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        out.push(char::from(byte));
    } else {
        out.push_str(&format!("%{byte:02X}"));
    }
}

/// The gateway puts the group's labels over equal ones of the series, and series that differ in these alone would become one, which it refuses.
/// Ours give way as they do at a scrape: `shard` becomes `exported_shard`.
fn give_way(snapshot: &mut Snapshot, labels: &BTreeSet<&str>) {
    let all = snapshot.families.iter_mut().flat_map(|family| &mut family.series);
    for series in all.filter(|series| series.labels.iter().any(|(name, _)| labels.contains(&**name))) {
        series.labels = renamed(series, labels);
    }
}

fn renamed(series: &Series, taken: &BTreeSet<&str>) -> Labels {
    let is_own = |name: &str| series.label(name).is_some();
    let own = series.labels.iter().map(|(name, value)| {
        let name = if taken.contains(&**name) {
            exported(name, |name| taken.contains(name) || is_own(name)).into()
        } else {
            name.clone()
        };
        (name, Arc::clone(value))
    });
    own.collect()
}

#[cfg(test)]
mod tests;
