//! Which propagator holds, and what it is shown.

use super::*;
use std::collections::HashMap;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn carrier(fields: &[(&str, &str)]) -> HashMap<String, String> {
    fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A carrier with several lines of a name.
struct Lines(Vec<(&'static str, &'static str)>);

impl Extractor for Lines {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let all: Vec<_> = self.0.iter().filter(|(name, _)| *name == key).map(|(_, value)| *value).collect();
        (!all.is_empty()).then_some(all)
    }
}

#[test]
fn fields_are_those_that_are_on() {
    let all = ["traceparent", "tracestate", "baggage"].as_slice();
    for (trace_context, baggage, fields) in
        [(true, true, all), (true, false, &all[..2]), (false, true, &all[2..]), (false, false, &[])]
    {
        let ours = Ours::new(trace_context, baggage);
        assert_eq!(ours.fields().collect::<Vec<_>>(), fields);
    }
}

#[test]
fn nothing_is_read_or_written_where_none_are_on() {
    let none = Ours::new(false, false);
    let context = none.extract(&carrier(&[("traceparent", PARENT), ("baggage", "a=1")]));
    assert!(!context.has_active_span());
    let mut written = HashMap::new();
    none.inject_context(extract(&carrier(&[("traceparent", PARENT)])).opentelemetry(), &mut written);
    assert!(written.is_empty());
}

#[test]
fn a_context_comes_back() {
    let fields = [("traceparent", PARENT), ("tracestate", "a=1,b=2"), ("baggage", "c=3")];
    let context = extract(&carrier(&fields));
    let mut written = HashMap::new();
    inject(context.opentelemetry(), &mut written);
    assert_eq!(written, carrier(&fields));
}

#[test]
fn a_parent_that_stands_there_twice_begins_a_new_trace() {
    let twice = extract(&Lines(vec![("traceparent", PARENT), ("traceparent", PARENT), ("baggage", "a=1")]));
    assert!(!twice.is_valid());
    assert_eq!(twice.baggage("a").as_deref(), Some("1"));
}

#[test]
fn lines_of_state_and_of_baggage_are_joined() {
    let context = extract(&Lines(vec![
        ("traceparent", PARENT),
        ("tracestate", "a=1"),
        ("tracestate", "b=2"),
        ("baggage", "c=3"),
        ("baggage", "d=4"),
    ]));
    let span = context.opentelemetry().span().span_context().clone();
    assert_eq!(span.trace_state().header(), "a=1,b=2");
    assert_eq!((context.baggage("c").as_deref(), context.baggage("d").as_deref()), (Some("3"), Some("4")));
}

#[test]
fn a_state_without_a_parent_is_not_used() {
    let context = extract(&carrier(&[("tracestate", "a=1")]));
    assert!(!context.is_valid());
    assert_eq!(context.opentelemetry().span().span_context().trace_state().header(), "");
}

#[test]
fn a_parent_with_a_mistake_in_its_state_is_used() {
    let context = extract(&carrier(&[("traceparent", PARENT), ("tracestate", "a=1,B=2")]));
    assert_eq!(context.traceparent().as_deref(), Some(PARENT));
    assert_eq!(context.opentelemetry().span().span_context().trace_state().header(), "");
}

#[test]
fn without_a_trace_a_context_has_no_parent_and_says_so() {
    let context = extract(&carrier(&[]));
    assert!(!context.is_valid() && !context.opentelemetry().has_active_span());
    assert!(context.opentelemetry().get::<process::NoParent>().is_some());
    let mut written = HashMap::new();
    inject(context.opentelemetry(), &mut written);
    assert!(written.is_empty(), "{written:?}");
}
