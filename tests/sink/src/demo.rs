/// Metrics with their last values.
mod metrics;
/// Traces as trees.
mod tree;
/// Numbers, times and bytes as people write them.
mod words;

use metrics::Metrics;
use std::time::{Duration, Instant};
use telemetry_sink::{Data, Received, Signal, Sink, Span, Spans};
use words::{bytes, duration, grouped, plural};

/// Spans beyond these are counted and not kept: about 200 MB.
const SPANS: usize = 200_000;

/// A line of ours.
pub fn say(line: &str) {
    eprintln!("{line}");
}

#[derive(Default)]
struct Count {
    requests: u64,
    /// Points or spans.
    items: u64,
    /// As they were sent, and without compression.
    size: u64,
    plain: u64,
}

/// What came, as far as the end is to show it.
pub struct Summary {
    started: Instant,
    metrics: Metrics,
    spans: Vec<Span>,
    spans_left_out: u64,
    counts: [Count; 2],
    refused: u64,
    complaints: u64,
}

impl Default for Summary {
    fn default() -> Summary {
        Summary {
            started: Instant::now(),
            metrics: Metrics::default(),
            spans: Vec::new(),
            spans_left_out: 0,
            counts: [Count::default(), Count::default()],
            refused: 0,
            complaints: 0,
        }
    }
}

impl Summary {
    /// Waits so long at most for a request, and shows each that came.
    pub fn wait(&mut self, sink: &Sink, at_most: Duration) {
        sink.wait_until(at_most, |seen| !seen.requests.is_empty());
        let seen = sink.take();
        for request in &seen.requests {
            say(&self.line(request));
            self.complaints += request.complaints.len() as u64;
            for complaint in &request.complaints {
                say(&format!("          ! {complaint}"));
            }
        }
        for point in seen.points().all {
            self.metrics.add(point);
        }
        let spans = seen.spans().all;
        let room = SPANS - self.spans.len();
        self.spans_left_out += spans.len().saturating_sub(room) as u64;
        self.spans.extend(spans.into_iter().take(room));
    }

    fn line(&mut self, request: &Received) -> String {
        let since = request.at.saturating_duration_since(self.started).as_secs_f64();
        let protocol = request.protocol.map_or("", |protocol| protocol.name());
        let encoding = request.encoding.as_deref().unwrap_or("plain");
        let mut line = format!("{since:>7.2} s  ");
        let (items, what) = match &request.data {
            Data::Metrics(metrics) => (points_in(metrics), "point"),
            Data::Traces(traces) => (spans_in(traces), "span"),
            Data::Unreadable(why) => {
                self.refused += 1;
                line += &format!("refused  {}: {why}", request.path);
                return line;
            }
        };
        let signal = request.signal.unwrap_or(Signal::Metrics);
        let count = &mut self.counts[usize::from(signal == Signal::Traces)];
        count.requests += 1;
        count.items += items;
        count.size += request.size as u64;
        count.plain += request.decoded_size as u64;
        let size = bytes(request.size as u64);
        line += &format!("{signal:<8} {protocol:<13} {encoding:<5} {size:>9}   {}", plural(items, what));
        line
    }

    /// The end: tables, trees, totals.
    pub fn show(&self, sink: &Sink, all: bool) {
        for text in [self.metrics.table(all), tree::trees(&Spans { all: self.spans.clone() }, all)] {
            if !text.is_empty() {
                say(&format!("\n{}", text.trim_end()));
            }
        }
        say(&format!("\n{}", self.totals(sink).join("\n")));
    }

    fn totals(&self, sink: &Sink) -> Vec<String> {
        let requests = self.counts.iter().map(|count| count.requests).sum::<u64>();
        if requests + self.refused == 0 {
            return vec!["nothing came".to_owned()];
        }
        let size = self.counts.iter().map(|count| count.size).sum();
        let mut lines = vec![format!(
            "{} in {}, {} with headers, {} without",
            plural(requests, "request"),
            duration(self.started.elapsed().as_secs_f64()),
            bytes(sink.bytes()),
            bytes(size),
        )];
        let [metrics, traces] = &self.counts;
        if metrics.requests > 0 {
            lines.push(format!(
                "metrics: {}, {}",
                plural(self.metrics.series() as u64, "series"),
                each(metrics, "point")
            ));
        }
        if traces.requests > 0 {
            lines.push(format!("traces: {}", each(traces, "span")));
        }
        if self.spans_left_out > 0 {
            lines.push(format!("{} came too late to be shown", plural(self.spans_left_out, "span")));
        }
        if self.refused > 0 {
            lines.push(format!("{} could not be read", plural(self.refused, "request")));
        }
        if self.complaints > 0 {
            lines.push(format!(
                "{} that the protocol has something against, marked with ! above",
                plural(self.complaints, "thing")
            ));
        }
        lines
    }
}

fn each(count: &Count, what: &str) -> String {
    let (requests, items) = (count.requests.max(1), count.items.max(1));
    format!(
        "{} in {}; on average {} a request ({} before compression), {:.1} bytes a {what}",
        plural(count.items, what),
        plural(count.requests, "request"),
        bytes(count.size / requests),
        bytes(count.plain / requests),
        count.size as f64 / items as f64,
    )
}

fn points_in(metrics: &opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest) -> u64 {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let scoped = metrics.resource_metrics.iter().flat_map(|group| &group.scope_metrics);
    let points = scoped.flat_map(|scoped| &scoped.metrics).map(|metric| match &metric.data {
        None => 0,
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
    });
    points.sum::<usize>() as u64
}

fn spans_in(traces: &opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest) -> u64 {
    let scoped = traces.resource_spans.iter().flat_map(|group| &group.scope_spans);
    scoped.map(|scoped| scoped.spans.len() as u64).sum()
}

/// A number of series or of traces that are not shown.
fn more(left: usize, what: &str) -> String {
    format!("… {} more {what}", grouped(left as u64))
}
