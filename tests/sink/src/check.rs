/// What the data model says of metrics.
mod metrics;
/// What the data model says of spans.
mod traces;

pub(crate) use metrics::metrics;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::collections::BTreeSet;
pub(crate) use traces::traces;

/// What is wrong, each kind for each name once: a request has thousands of points.
#[derive(Default)]
struct Complaints {
    all: Vec<String>,
    known: BTreeSet<String>,
}

impl Complaints {
    fn add(&mut self, name: &str, what: &str) {
        let complaint = format!("`{name}`: {what}");
        if self.known.insert(complaint.clone()) {
            self.all.push(complaint);
        }
    }

    fn resource(&mut self, resource: Option<&Resource>) {
        let Some(resource) = resource else { return self.add("resource", "it is missing") };
        self.attributes("resource", &resource.attributes);
        if !resource.attributes.iter().any(|pair| pair.key == "service.name") {
            self.add("resource", "it has no service.name");
        }
    }

    fn attributes(&mut self, name: &str, attributes: &[KeyValue]) {
        let mut keys = BTreeSet::new();
        for pair in attributes {
            if pair.key.is_empty() {
                self.add(name, "an attribute has an empty key");
            }
            if !keys.insert(&pair.key) {
                self.add(name, &format!("the attribute {} is given twice", pair.key));
            }
            if pair.value.as_ref().is_none_or(|value| value.value.is_none()) {
                self.add(name, &format!("the attribute {} has no value", pair.key));
            }
        }
    }

    fn id(&mut self, name: &str, what: &str, id: &[u8], length: usize) {
        if id.len() != length {
            self.add(name, &format!("its {what} has {} bytes, not {length}", id.len()));
        } else if id.iter().all(|byte| *byte == 0) {
            self.add(name, &format!("its {what} is zero"));
        }
    }
}

#[cfg(test)]
mod tests;
