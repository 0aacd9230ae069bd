use crate::received::{Attributes, Scope, attributes, hex, scope};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A span that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// 32 hex digits.
    pub trace: String,
    /// 16 hex digits.
    pub id: String,
    /// 16 hex digits, or nothing for a root.
    pub parent: String,
    /// As it was sent on.
    pub trace_state: String,
    /// What was called.
    pub name: String,
    /// 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    /// Of the span.
    pub attributes: Attributes,
    /// Name, time and attributes of each.
    pub events: Vec<(String, u64, Attributes)>,
    /// Trace, span and attributes of each.
    pub links: Vec<(String, String, Attributes)>,
    /// What went wrong, where the status says that something did.
    pub error: Option<String>,
    /// 0 unset, 1 ok, 2 error.
    pub status: i32,
    /// With the bits that say whether the parent is in another process.
    pub flags: u32,
    /// Who made it.
    pub scope: Scope,
    /// Of the resource.
    pub resource: Attributes,
}

impl Span {
    /// How long it took.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end.saturating_sub(self.start))
    }
}

/// Spans, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// All of them.
    pub all: Vec<Span>,
}

impl Spans {
    /// Those of a name.
    pub fn named(&self, name: &str) -> Vec<&Span> {
        self.all.iter().filter(|span| span.name == name).collect()
    }

    /// The spans of each trace, in the order of their start; the traces in the order in which they came.
    pub fn traces(&self) -> Vec<Trace<'_>> {
        let mut places = BTreeMap::new();
        let mut traces: Vec<Trace<'_>> = Vec::new();
        for span in &self.all {
            let place = *places.entry(span.trace.as_str()).or_insert(traces.len());
            if place == traces.len() {
                traces.push(Trace { id: &span.trace, spans: Vec::new() });
            }
            traces[place].spans.push(span);
        }
        for trace in &mut traces {
            trace.spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        }
        traces
    }

    /// What is wrong with any of the traces: see [`Trace::faults`]. To be compared with an empty list.
    pub fn faults(&self) -> Vec<String> {
        self.traces()
            .iter()
            .flat_map(|trace| trace.faults().into_iter().map(|fault| format!("trace {}: {fault}", trace.id)))
            .collect()
    }
}

/// The spans of one trace, in the order of their start.
#[derive(Clone, Debug)]
pub struct Trace<'a> {
    /// 32 hex digits.
    pub id: &'a str,
    /// All of them.
    pub spans: Vec<&'a Span>,
}

impl<'a> Trace<'a> {
    /// Spans without a parent.
    pub fn roots(&self) -> Vec<&'a Span> {
        self.spans.iter().filter(|span| span.parent.is_empty()).copied().collect()
    }

    /// Spans whose parent did not come.
    pub fn orphans(&self) -> Vec<&'a Span> {
        let there: BTreeSet<_> = self.spans.iter().map(|span| span.id.as_str()).collect();
        let orphan = |span: &&&Span| !span.parent.is_empty() && !there.contains(span.parent.as_str());
        self.spans.iter().filter(orphan).copied().collect()
    }

    /// What a span called, in the order of their start.
    pub fn children(&self, span: &Span) -> Vec<&'a Span> {
        self.spans.iter().filter(|child| child.parent == span.id).copied().collect()
    }

    /// Its parent, where that came.
    pub fn parent(&self, span: &Span) -> Option<&'a Span> {
        self.spans.iter().find(|parent| parent.id == span.parent && !span.parent.is_empty()).copied()
    }

    /// Children that begin before their parent or end after it, with the parent. Both times come from the sender's clocks, so across machines this may be
    /// nobody's fault; what was started and not waited for ends after its parent rightly.
    pub fn outside(&self) -> Vec<(&'a Span, &'a Span)> {
        let outside = |child: &&'a Span| {
            let parent = self.parent(child)?;
            (child.start < parent.start || child.end > parent.end).then_some((*child, parent))
        };
        self.spans.iter().filter_map(outside).collect()
    }

    /// Spans that no way from a root or an orphan leads to: their parents go round in a circle.
    fn circling(&self) -> usize {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<_> = self.roots().into_iter().chain(self.orphans()).collect();
        let mut of: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
        for span in &self.spans {
            of.entry(&span.parent).or_default().push(span);
        }
        while let Some(span) = next.pop() {
            if reached.insert(&span.id) {
                next.extend(of.get(span.id.as_str()).into_iter().flatten());
            }
        }
        self.spans.iter().filter(|span| !reached.contains(span.id.as_str())).count()
    }

    /// All that keeps it from being a tree whose times nest: no root or several, orphans, children outside their parents, an id twice, circles.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let roots: Vec<_> = self.roots().iter().map(|span| span.name.as_str()).collect();
        if roots.len() != 1 {
            faults.push(format!("{} roots: {}", roots.len(), roots.join(", ")));
        }
        faults.extend(
            self.orphans()
                .iter()
                .map(|span| format!("`{}` has the parent {}, which did not come", span.name, span.parent)),
        );
        let mut ids = BTreeSet::new();
        let twice = self.spans.iter().filter(|span| !ids.insert(span.id.as_str()));
        faults.extend(twice.map(|span| format!("`{}` has the id {}, which another span has", span.name, span.id)));
        faults.extend(self.outside().iter().map(|(child, parent)| {
            let (early, late) = (parent.start.saturating_sub(child.start), child.end.saturating_sub(parent.end));
            format!("`{}` begins {early} ns before and ends {late} ns after its parent `{}`", child.name, parent.name)
        }));
        let circling = self.circling();
        if circling > 0 {
            faults.push(format!("{circling} spans are their own ancestors"));
        }
        faults
    }

    /// From the first start to the last end.
    pub fn duration(&self) -> Duration {
        let start = self.spans.iter().map(|span| span.start).min().unwrap_or(0);
        let end = self.spans.iter().map(|span| span.end).max().unwrap_or(0);
        Duration::from_nanos(end.saturating_sub(start))
    }
}

/// All spans of a request.
pub(crate) fn of(traces: &ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for group in &traces.resource_spans {
        let resource =
            group.resource.as_ref().map_or_else(Attributes::new, |resource| attributes(&resource.attributes));
        for scoped in &group.scope_spans {
            let scope = scope(scoped.scope.as_ref());
            spans.extend(scoped.spans.iter().map(|span| flat(span, &scope, &resource)));
        }
    }
    spans
}

fn flat(span: &otlp::Span, scope: &Scope, resource: &Attributes) -> Span {
    let event = |event: &otlp::span::Event| (event.name.clone(), event.time_unix_nano, attributes(&event.attributes));
    let link = |link: &otlp::span::Link| (hex(&link.trace_id), hex(&link.span_id), attributes(&link.attributes));
    let status = span.status.as_ref().map_or(0, |status| status.code);
    Span {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        trace_state: span.trace_state.clone(),
        name: span.name.clone(),
        kind: span.kind,
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        attributes: attributes(&span.attributes),
        events: span.events.iter().map(event).collect(),
        links: span.links.iter().map(link).collect(),
        error: span.status.as_ref().filter(|status| status.code == 2).map(|status| status.message.clone()),
        status,
        flags: span.flags,
        scope: scope.clone(),
        resource: resource.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: &str, start: u64, end: u64) -> Span {
        Span {
            trace: "aa".to_owned(),
            id: id.to_owned(),
            parent: parent.to_owned(),
            trace_state: String::new(),
            name: format!("call {id}"),
            kind: 1,
            start,
            end,
            attributes: Attributes::new(),
            events: Vec::new(),
            links: Vec::new(),
            error: None,
            status: 0,
            flags: 0,
            scope: Scope::default(),
            resource: Attributes::new(),
        }
    }

    fn faults(all: Vec<Span>) -> Vec<String> {
        Spans { all }.faults()
    }

    #[test]
    fn a_tree_whose_times_nest_has_no_fault() {
        let spans = Spans { all: vec![span("3", "2", 3, 4), span("2", "1", 2, 9), span("1", "", 1, 10)] };
        assert_eq!(spans.faults(), Vec::<String>::new());
        let traces = spans.traces();
        let names: Vec<_> = traces[0].spans.iter().map(|span| span.id.as_str()).collect();
        assert_eq!((names.as_slice(), traces[0].duration().as_nanos()), (["1", "2", "3"].as_slice(), 9));
        assert_eq!(traces[0].children(traces[0].roots()[0])[0].id, "2");
    }

    #[test]
    fn each_fault_of_a_tree_is_named() {
        assert_eq!(faults(vec![span("1", "", 1, 2), span("2", "", 1, 2)]), ["trace aa: 2 roots: call 1, call 2"]);
        assert_eq!(
            faults(vec![span("1", "", 1, 9), span("2", "7", 1, 2)]),
            ["trace aa: `call 2` has the parent 7, which did not come"]
        );
        assert_eq!(
            faults(vec![span("1", "", 5, 9), span("2", "1", 3, 10)]),
            ["trace aa: `call 2` begins 2 ns before and ends 1 ns after its parent `call 1`"]
        );
        assert_eq!(
            faults(vec![span("1", "", 1, 9), span("2", "1", 2, 3), span("2", "1", 4, 5)]),
            ["trace aa: `call 2` has the id 2, which another span has"]
        );
        let circle = faults(vec![span("1", "", 1, 9), span("2", "3", 2, 3), span("3", "2", 2, 3)]);
        assert_eq!(circle, ["trace aa: 2 spans are their own ancestors"]);
    }
}
