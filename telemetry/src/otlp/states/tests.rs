//! Snapshots, as a collector decodes them.

use super::*;
use crate::config::otlp::{Protocol, Signal};
use crate::config::push::access::Endpoint;
use crate::config::push::{Pace, Settings};
use crate::metric::Kind;
use crate::push::sink::{Answer, Received, Sink};
use crate::push::tests::PACE;
use crate::push::{Plan, Pusher};
use crate::snapshot::{Family, Histogram, Labels, Series, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_sdk::Resource;
use prost::Message;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The state after so many things.
fn state(of: u64) -> Snapshot {
    let labels = || Labels::from([("kind", "a")]);
    let family = |name: &'static str, kind, value| Family {
        name: name.into(),
        help: "Help.".into(),
        kind,
        unit: "".into(),
        series: vec![Series { labels: labels(), value }],
    };
    let histogram =
        Histogram { bounds: vec![1.0].into(), buckets: vec![of, 2 * of], sum: of as f64, exemplars: Vec::new() };
    Snapshot::of_families(
        at(50),
        at(100 + of),
        vec![
            family("things_size", Kind::Histogram, Value::Histogram(histogram)),
            family("things_total", Kind::Counter, Value::Integer(of)),
            family("things_waiting", Kind::Gauge, Value::Float(if of == 3 { f64::NAN } else { of as f64 })),
        ],
    )
}

fn settings(url: String, protocol: Protocol, temporality: Temporality) -> otlp::Metrics {
    let endpoint = Endpoint { url, authorization: None, headers: Vec::new() };
    otlp::Metrics {
        signal: Signal {
            protocol,
            endpoint,
            is_compressed: true,
            timeout: Duration::from_secs(10),
            authorities: None,
            identity: None,
        },
        period: Duration::from_secs(3_600),
        timeout: Duration::from_secs(10),
        style: Style { temporality, ..Style::default() },
    }
}

fn plan(metrics: otlp::Metrics, take_snapshot: fn() -> Snapshot) -> Plan {
    let push = Settings {
        #[cfg(feature = "push")]
        gateway: None,
        #[cfg(feature = "push")]
        remote: None,
        pace: Pace { queue_bytes: 1 << 20, ..PACE },
        authorities: None,
    };
    Plan {
        push,
        resource: BTreeMap::from([("service.name".to_owned(), "s".to_owned())]),
        listens: None,
        take_snapshot,
        otlp: Some(otlp::Settings { metrics: Some(metrics), traces: None, ..Default::default() }),
        otlp_resource: |configured| {
            let of = |(key, value): (&String, &String)| opentelemetry::KeyValue::new(key.clone(), value.clone());
            let pid = opentelemetry::KeyValue::new("process.pid", i64::from(std::process::id()));
            Resource::builder_empty().with_attributes(configured.iter().map(of)).with_attribute(pid).build()
        },
    }
}

fn decoded(sink: &Sink) -> Vec<ExportMetricsServiceRequest> {
    let decode = |received: Received| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*received.body), &mut bytes).unwrap();
        if received.head.contains("content-type: application/json") {
            return serde_json::from_slice(&bytes).unwrap();
        }
        ExportMetricsServiceRequest::decode(&*bytes).unwrap()
    };
    sink.received().into_iter().map(decode).collect()
}

/// Name, temporality, start and what was counted.
fn told(request: &ExportMetricsServiceRequest) -> Vec<(String, i32, u64, f64)> {
    let resource = &request.resource_metrics[0];
    let keys: Vec<_> = resource.resource.as_ref().unwrap().attributes.iter().map(|of| of.key.as_str()).collect();
    assert!(keys.contains(&"service.name") && keys.contains(&"process.pid"), "{keys:?}");
    let metrics = resource.scope_metrics.iter().flat_map(|scope| &scope.metrics);
    let told = metrics.map(|metric| {
        let name = metric.name.clone();
        match metric.data.as_ref().unwrap() {
            Data::Sum(of) => match of.data_points[0].value {
                Some(Number::AsInt(value)) => {
                    (name, of.aggregation_temporality, of.data_points[0].start_time_unix_nano, value as f64)
                }
                other => panic!("{other:?}"),
            },
            Data::Histogram(of) => {
                let point = &of.data_points[0];
                assert_eq!(
                    (point.bucket_counts[0] * 2, point.count),
                    (point.bucket_counts[1], 3 * point.bucket_counts[0])
                );
                (name, of.aggregation_temporality, point.start_time_unix_nano, point.sum.unwrap())
            }
            Data::Gauge(of) => match of.data_points[0].value {
                Some(Number::AsDouble(value)) => (name, 0, 0, value),
                // The decoder of JSON that these messages have does not know it; what is written is tested beside the writer.
                None => (name, 0, 0, f64::NAN),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    });
    told.collect()
}

const CUMULATIVE: i32 = 2;
const DELTA: i32 = 1;

fn names(told: Vec<(String, i32, u64, f64)>) -> Vec<(String, i32, u64, f64)> {
    told.into_iter().map(|(name, how, start, value)| (name, how, start / 1_000_000_000, value)).collect()
}

fn owned(all: [(&str, i32, u64, f64); 3]) -> Vec<(String, i32, u64, f64)> {
    all.map(|(name, how, start, value)| (name.to_owned(), how, start, value)).to_vec()
}

#[test]
fn totals_go_out_as_they_are_and_deltas_from_what_was_taken_last_whatever_became_of_that() {
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    fn next() -> Snapshot {
        state(TAKEN.fetch_add(1, Ordering::Relaxed) + 1)
    }
    let long = Some(Duration::from_secs(10));
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
        for (temporality, how) in [(Temporality::Cumulative, CUMULATIVE), (Temporality::Delta, DELTA)] {
            TAKEN.store(0, Ordering::Relaxed);
            // The second state is refused and lost.
            let sink = Sink::start([Answer::Says(200, "", Vec::new()), Answer::Says(400, "", Vec::new())]);
            let pusher = Pusher::start(plan(settings(sink.url(), protocol, temporality), next)).unwrap();
            assert_eq!([pusher.flush(long), pusher.flush(long), pusher.end(long)], [true, false, true]);
            let requests = decoded(&sink);
            let third = names(told(&requests[2]));
            assert!(third[2].3.is_nan(), "a number that JSON does not have");
            let first = names(told(&requests[0]));
            assert_eq!(
                first,
                owned([("things_size", how, 50, 1.0), ("things", how, 50, 1.0), ("things_waiting", 0, 0, 1.0)])
            );
            let (start, value) = if how == DELTA { (102, 1.0) } else { (50, 3.0) };
            assert_eq!(
                third[..2],
                owned([("things_size", how, start, value), ("things", how, start, value), ("", 0, 0, 0.0)])[..2]
            );
        }
    }
}

#[test]
fn what_waits_is_sent_as_it_was_when_a_receiver_comes_back() {
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    fn next() -> Snapshot {
        state(TAKEN.fetch_add(1, Ordering::Relaxed) + 1)
    }
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{gone}/v1/metrics");
    let pusher = Pusher::start(plan(settings(url, Protocol::HttpProtobuf, Temporality::Delta), next)).unwrap();
    let short = Some(Duration::from_millis(300));
    assert_eq!([pusher.flush(short), pusher.flush(short)], [false, false]);
    let sink = Sink::at(gone, []);
    assert!(pusher.end(Some(Duration::from_secs(10))));
    let counted: Vec<_> = decoded(&sink).iter().map(|request| names(told(request))[1].clone()).collect();
    let expected = [50, 101, 102].map(|start| ("things".to_owned(), DELTA, start, 1.0));
    assert_eq!(counted, expected, "each with what it counted, in their order");
}

#[test]
fn a_large_state_goes_in_several_requests() {
    let sink = Sink::start([]);
    let settings = settings(sink.url(), Protocol::HttpProtobuf, Temporality::Cumulative);
    let mut metrics = super::Metrics::new(&settings, PACE, &Resource::builder_empty().build(), || state(1));
    metrics.limit = 150;
    let parcels = metrics.take(When::Due);
    assert!(parcels.len() > 1 && parcels.iter().all(|parcel| parcel.samples > 0));
    assert_eq!(parcels.iter().map(|parcel| parcel.samples).sum::<u64>(), 3);
    assert_eq!(metrics.pace().period, Some(Duration::from_secs(3_600)));
}

#[test]
fn exemplars_are_left_out_where_nobody_wants_them() {
    fn with_exemplar() -> Snapshot {
        let mut state = state(1);
        let exemplar = crate::snapshot::Exemplar { labels: Labels::from([("trace_id", "0a")]), value: 0.5, at: at(60) };
        if let Value::Histogram(histogram) = &mut state.families[0].series[0].value {
            histogram.exemplars.push(exemplar);
        }
        state
    }
    let settings = otlp::Metrics {
        signal: Signal {
            is_compressed: false,
            ..settings("http://h".into(), Protocol::HttpJson, Temporality::Cumulative).signal
        },
        ..settings("http://h".into(), Protocol::HttpJson, Temporality::Cumulative)
    };
    for has_exemplars in [true, false] {
        let metrics = super::Metrics::new(&settings, PACE, &Resource::builder_empty().build(), with_exemplar);
        let parcels = metrics.with_exemplars(has_exemplars).take(When::Due);
        let written = String::from_utf8(parcels[0].body.clone()).unwrap();
        assert_eq!(written.contains(r#""traceId":"0a""#), has_exemplars, "{written}");
    }
}

#[cfg(unix)]
#[test]
fn a_child_of_a_fork_delivers_for_itself_once_it_was_told_to() {
    let sink = Sink::start([]);
    let settings = settings(sink.url(), Protocol::HttpProtobuf, Temporality::Cumulative);
    let pusher = Pusher::start(plan(settings, || state(7))).unwrap();
    let long = Some(Duration::from_secs(10));
    // SAFETY: the child starts threads, sends, and ends at once, without running what others registered.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let nothing = pusher.flush(long);
        pusher.start_in_child();
        let sent = pusher.flush(long) && pusher.end(long);
        // SAFETY: ends the child.
        unsafe { libc::_exit(if nothing && sent { 0 } else { 1 }) }
    }
    assert!(child > 0);
    let ended = std::cell::Cell::new(0);
    let has_ended = || {
        let mut status = 0;
        // SAFETY: waits for a child of this process alone.
        let waited = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
        ended.set(status);
        waited != 0
    };
    crate::push::tests::wait_until("the child ended", has_ended);
    assert_eq!(ended.get(), 0, "the child could send");
    let pids = |requests: &[ExportMetricsServiceRequest]| -> Vec<_> {
        let resource = |request: &ExportMetricsServiceRequest| request.resource_metrics[0].resource.clone().unwrap();
        let pid = |request| resource(request).attributes.into_iter().find(|of| of.key == "process.pid").unwrap().value;
        requests.iter().map(|request| format!("{:?}", pid(request))).collect()
    };
    let of_child = pids(&decoded(&sink));
    assert_eq!(of_child.len(), 2, "its flush and its end, and nothing before it was told to: {of_child:?}");
    assert!(of_child.iter().all(|pid| pid.contains(&format!("({child})"))), "{of_child:?} of {child}");
    assert!(pusher.end(long), "the parent goes on");
    assert_eq!(decoded(&sink).len(), 3);
}
