use super::Complaints;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::BTreeSet;

/// What is wrong in spans that can be decoded.
pub(crate) fn traces(request: &ExportTraceServiceRequest) -> Vec<String> {
    let mut complaints = Complaints::default();
    let mut ids = BTreeSet::new();
    for group in &request.resource_spans {
        complaints.resource(group.resource.as_ref());
        for span in group.scope_spans.iter().flat_map(|scoped| &scoped.spans) {
            check(span, &mut complaints);
            if !ids.insert((&span.trace_id, &span.span_id)) {
                complaints.add(&span.name, "a span stands twice");
            }
        }
    }
    complaints.all
}

fn check(span: &Span, complaints: &mut Complaints) {
    let name = &span.name;
    if name.is_empty() {
        complaints.add("", "a span has no name");
    }
    complaints.id(name, "trace id", &span.trace_id, 16);
    complaints.id(name, "span id", &span.span_id, 8);
    if !span.parent_span_id.is_empty() {
        complaints.id(name, "parent's id", &span.parent_span_id, 8);
    }
    if span.parent_span_id == span.span_id {
        complaints.add(name, "it is its own parent");
    }
    if span.start_time_unix_nano == 0 || span.end_time_unix_nano == 0 {
        complaints.add(name, "it has no start or no end");
    } else if span.end_time_unix_nano < span.start_time_unix_nano {
        complaints.add(name, "it ends before it starts");
    }
    if !(1..=5).contains(&span.kind) {
        complaints.add(name, &format!("its kind is {}, not from 1 to 5", span.kind));
    }
    match span.status.as_ref().map(|status| (status.code, status.message.is_empty())) {
        Some((code, _)) if !(0..=2).contains(&code) => {
            complaints.add(name, &format!("its status is {code}, not from 0 to 2"));
        }
        Some((0 | 1, false)) => complaints.add(name, "its status has a text, but is no error"),
        _ => {}
    }
    complaints.attributes(name, &span.attributes);
    for event in &span.events {
        if event.name.is_empty() || event.time_unix_nano == 0 {
            complaints.add(name, "an event has no name or no time");
        }
        complaints.attributes(name, &event.attributes);
    }
    for link in &span.links {
        complaints.id(name, "link's trace id", &link.trace_id, 16);
        complaints.id(name, "link's span id", &link.span_id, 8);
        complaints.attributes(name, &link.attributes);
    }
}
