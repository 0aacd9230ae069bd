//! Requests that are not too large for those who receive them.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, Gauge, Histogram, Metric, ResourceMetrics, ScopeMetrics, Sum, Summary,
};
use prost::Message;

/// The most that a request may take as protobuf, before it is compressed. 4 MiB is what gRPC's servers accept where nobody set more
/// (`defaultServerMaxReceiveMessageSize` of grpc-go, which OpenTelemetry's Collector has); a quarter of it is left for what was not counted. The
/// Collector's HTTP accepts 20 MiB, and JSON is up to four times as large.
pub(super) const LIMIT: usize = 3 << 20;

/// What the length and the number of a field take at most.
const FRAME: usize = 8;

/// The same data points in as few requests as fit the limit. A single point that is larger goes by itself.
pub(super) fn metrics(request: ExportMetricsServiceRequest, limit: usize) -> Vec<ExportMetricsServiceRequest> {
    if request.encoded_len() <= limit {
        return vec![request];
    }
    let mut requests = Vec::new();
    for ResourceMetrics { resource, scope_metrics, schema_url } in request.resource_metrics {
        let shell = ResourceMetrics { resource, scope_metrics: Vec::new(), schema_url };
        let taken = shell.encoded_len() + FRAME;
        let mut filled = Vec::<ScopeMetrics>::new();
        let mut size = taken;
        let mut close = |filled: &mut Vec<ScopeMetrics>| {
            let scope_metrics = std::mem::take(filled);
            if !scope_metrics.is_empty() {
                let resource_metrics = vec![ResourceMetrics { scope_metrics, ..shell.clone() }];
                requests.push(ExportMetricsServiceRequest { resource_metrics });
            }
        };
        for ScopeMetrics { scope, metrics, schema_url } in scope_metrics {
            let scope = ScopeMetrics { scope, metrics: Vec::new(), schema_url };
            let of_scope = scope.encoded_len() + FRAME;
            let mut is_open = false;
            let room = limit.saturating_sub(taken + of_scope + FRAME);
            for metric in metrics.into_iter().flat_map(|metric| pieces(metric, room)) {
                let len = metric.encoded_len() + FRAME;
                if size + len + if is_open { 0 } else { of_scope } > limit {
                    close(&mut filled);
                    (size, is_open) = (taken, false);
                }
                if !is_open {
                    filled.push(scope.clone());
                    size += of_scope;
                    is_open = true;
                }
                if let Some(last) = filled.last_mut() {
                    last.metrics.push(metric);
                }
                size += len;
            }
        }
        close(&mut filled);
    }
    requests
}

/// How many data points there are.
pub(super) fn count(request: &ExportMetricsServiceRequest) -> u64 {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics).map(|metric| points(metric) as u64).sum()
}

fn points(metric: &Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(Data::Gauge(of)) => of.data_points.len(),
        Some(Data::Sum(of)) => of.data_points.len(),
        Some(Data::Histogram(of)) => of.data_points.len(),
        Some(Data::ExponentialHistogram(of)) => of.data_points.len(),
        Some(Data::Summary(of)) => of.data_points.len(),
    }
}

/// A metric, or the same one several times with some of its points each.
fn pieces(metric: Metric, limit: usize) -> Vec<Metric> {
    if metric.encoded_len() <= limit {
        return vec![metric];
    }
    let Metric { name, description, unit, metadata, data } = metric;
    let shell = Metric { name, description, unit, metadata, data: None };
    let room = limit.saturating_sub(shell.encoded_len() + 2 * FRAME);
    let data: Vec<Data> = match data {
        None => Vec::new(),
        Some(Data::Gauge(of)) => {
            chunks(of.data_points, room).map(|data_points| Data::Gauge(Gauge { data_points })).collect()
        }
        Some(Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })) => chunks(data_points, room)
            .map(|data_points| Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic }))
            .collect(),
        Some(Data::Histogram(Histogram { data_points, aggregation_temporality })) => chunks(data_points, room)
            .map(|data_points| Data::Histogram(Histogram { data_points, aggregation_temporality }))
            .collect(),
        Some(Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })) => {
            chunks(data_points, room)
                .map(|data_points| {
                    Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
                })
                .collect()
        }
        Some(Data::Summary(of)) => {
            chunks(of.data_points, room).map(|data_points| Data::Summary(Summary { data_points })).collect()
        }
    };
    data.into_iter().map(|data| Metric { data: Some(data), ..shell.clone() }).collect()
}

/// Messages in their order, in groups of so many bytes.
pub(super) fn chunks<M: Message>(messages: Vec<M>, limit: usize) -> impl Iterator<Item = Vec<M>> {
    let mut messages = messages.into_iter().peekable();
    std::iter::from_fn(move || {
        let first = messages.next()?;
        let mut size = first.encoded_len() + FRAME;
        let mut chunk = vec![first];
        while let Some(next) = messages.next_if(|next| size + next.encoded_len() + FRAME <= limit) {
            size += next.encoded_len() + FRAME;
            chunk.push(next);
        }
        Some(chunk)
    })
}

#[cfg(test)]
mod tests;
