//! Spans as they are sent to a collector: what waited, in requests of at most so many spans and bytes.

use super::signal::{Source, Way};
use super::split::{self, chunks};
use super::traces::{NAME, Spans};
use crate::builtin::push as families;
use crate::config::otlp;
use crate::config::push::Pace;
use crate::push::{Missing, Parcel, Receiver, Transport, When};
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

pub(crate) struct Traces {
    way: Way,
    pace: Pace,
    source: Source,
    spans: Spans,
    taken: Option<mpsc::Receiver<Box<SpanData>>>,
    limit: usize,
    /// Spans that could not be written.
    unwritten: u64,
}

impl Traces {
    /// `common` is what all that is pushed shares.
    pub(crate) fn new(
        settings: &otlp::Traces,
        common: Pace,
        resource: &opentelemetry_sdk::Resource,
        spans: &Spans,
    ) -> Traces {
        let pace = Pace {
            period: Some(settings.schedule_delay),
            timeout: settings.signal.timeout.min(settings.export_timeout),
            // Not what bounds it: who sends takes no more than was let in, when nothing waits.
            queue_samples: usize::MAX,
            ..common
        };
        Traces {
            way: Way::new(&settings.signal, METHOD),
            pace,
            source: resource.into(),
            spans: spans.clone(),
            taken: spans.taking(),
            limit: split::LIMIT,
            unwritten: 0,
        }
    }

    /// Takes out so many spans, of those that wait.
    fn drain(&self, most: usize) -> Vec<SpanData> {
        let Some(taken) = &self.taken else { return Vec::new() };
        let spans: Vec<_> = taken.try_iter().take(most).map(|span| *span).collect();
        self.spans.taken(spans.len());
        spans
    }

    fn pack(&mut self, spans: Vec<SpanData>) -> Vec<Parcel> {
        let source = self.spans.source(&self.source);
        let mut parcels = Vec::new();
        for request in requests(spans, &source, self.limit) {
            let count = count(&request);
            match self.way.parcel(&request, count) {
                Ok(parcel) => parcels.push(parcel),
                Err(_) => self.lost(count, "too_large"),
            }
        }
        parcels
    }

    fn lost(&mut self, spans: u64, reason: &str) {
        families::telemetry_push_dropped_samples_total(NAME, reason).add(spans);
        self.unwritten += spans;
    }
}

impl Receiver for Traces {
    fn name(&self) -> &'static str {
        NAME
    }

    fn shown(&self) -> String {
        self.way.shown()
    }

    fn samples(&self) -> &'static str {
        "spans"
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn bounds(&self) -> &'static str {
        "OTEL_BSP_MAX_QUEUE_SIZE is its size"
    }

    fn begins_at_once(&self) -> bool {
        false
    }

    fn take(&mut self, when: When) -> Vec<Parcel> {
        let mut left = match when {
            When::Due => self.spans.max_batch(),
            // What comes meanwhile is not waited for.
            When::Asked | When::Last => self.spans.waiting(),
        };
        let mut parcels = Vec::new();
        while left > 0 {
            let spans = self.drain(left.min(self.spans.max_batch()));
            if spans.is_empty() {
                break;
            }
            left -= spans.len();
            let count = spans.len() as u64;
            match catch_unwind(AssertUnwindSafe(|| self.pack(spans))) {
                Ok(packed) => parcels.extend(packed),
                // It costs these spans; they are counted here, where their number is known.
                Err(_) => {
                    self.lost(count, "panic");
                    families::telemetry_push_panics_total(NAME).inc();
                }
            }
        }
        parcels
    }

    fn held(&self) -> Option<u64> {
        Some(self.spans.waiting() as u64)
    }

    fn is_ready(&self) -> bool {
        self.spans.waiting() >= self.spans.max_batch()
    }

    fn missing(&mut self) -> Missing {
        Missing { no_room: self.spans.dropped(), unwritten: std::mem::take(&mut self.unwritten) }
    }

    fn close(&mut self) -> u64 {
        self.spans.close();
        self.drain(usize::MAX).len() as u64
    }

    fn transport(&self) -> Result<Box<dyn Transport>, String> {
        self.way.transport()
    }
}

/// Spans, grouped by who made them.
fn requests(spans: Vec<SpanData>, source: &Source, limit: usize) -> Vec<ExportTraceServiceRequest> {
    let mut places = HashMap::<InstrumentationScope, usize>::new();
    let mut scopes = Vec::<ScopeSpans>::new();
    for span in spans {
        let place = *places.entry(span.instrumentation_scope.clone()).or_insert_with_key(|scope| {
            let schema_url = scope.schema_url().unwrap_or_default().to_owned();
            scopes.push(ScopeSpans { scope: Some((scope, None).into()), spans: Vec::new(), schema_url });
            scopes.len() - 1
        });
        if let Some(scope) = scopes.get_mut(place) {
            scope.spans.push(Span::from(span));
        }
    }
    let Source { resource, schema_url } = source;
    let whole = |scope_spans| ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource.clone()),
            scope_spans,
            schema_url: schema_url.clone(),
        }],
    };
    let request = whole(scopes);
    if request.encoded_len() <= limit {
        return vec![request];
    }
    // Rare, with spans that hold whole documents: each scope by itself.
    let shell = whole(Vec::new()).encoded_len() + 64;
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    let split = scopes.flat_map(|ScopeSpans { scope, spans, schema_url }| {
        let shell = shell + scope.as_ref().map_or(0, Message::encoded_len) + schema_url.len();
        let of_scope = move |spans| ScopeSpans { scope: scope.clone(), spans, schema_url: schema_url.clone() };
        chunks(spans, limit.saturating_sub(shell)).map(of_scope)
    });
    split.map(|scope| whole(vec![scope])).collect()
}

fn count(request: &ExportTraceServiceRequest) -> u64 {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len() as u64).sum()
}

#[cfg(test)]
mod tests;
