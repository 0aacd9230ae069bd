//! Metrics and spans by OTLP, to receivers that share no code with the library: what arrives is what was recorded, and no receiver harms the program.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use telemetry_sink::others::{Python, Rotel};
use telemetry_sink::{Answer, Points, Protocol, Signal, Sink, Temporality};
use telemetry_tests::program::{Ended, Program};

const LONG: Duration = Duration::from_secs(30);
const PROTOCOLS: [&str; 3] = ["http/protobuf", "http/json", "grpc"];

fn start(endpoint: &str, protocol: &str, variables: &[(&str, &str)]) -> Program {
    let own = [
        ("TELEMETRY_LISTEN", "off"),
        ("TELEMETRY_REPORT", "off"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
    ];
    let all: Vec<_> = own.into_iter().chain(variables.iter().copied()).collect();
    let mut program = Program::start(env!("CARGO_BIN_EXE_pushes"), &[], &all);
    assert_eq!(program.line().as_deref(), Some("serving nothing"));
    program
}

fn endpoint(sink: &Sink, protocol: &str) -> String {
    if protocol == "grpc" { sink.grpc_endpoint() } else { sink.http_endpoint() }
}

/// The rows that arrived, of cumulative totals or of deltas.
fn rows(points: &Points) -> Option<f64> {
    points.total("pushed_rows", &[("shard", "own"), ("table", "flights")])
}

fn took(ended: &Ended) -> u64 {
    let milliseconds = ended.output.lines().last().and_then(|line| line.strip_prefix("ended ")?.parse().ok());
    milliseconds.unwrap_or_else(|| panic!("no end in {ended:?}"))
}

/// A program's work, in two intervals.
fn work(program: &mut Program) -> [f64; 3] {
    program.ask("add flights 2");
    program.ask("step 1");
    program.ask("observe 0.7");
    assert!(program.ask("flush 20000").starts_with("true "));
    program.ask("add flights 3");
    program.ask("observe 3");
    program.ask("step 2");
    let mut value = |question: &str| program.ask(question).parse().unwrap();
    [
        value("value pushed_rows_total table flights"),
        value("value function_calls_total function step"),
        value("value function_calls_started_total function step"),
    ]
}

fn check(points: &Points, temporality: Temporality, [all_rows, calls, started]: [f64; 3]) {
    assert_eq!((all_rows, calls, started), (5.0, 2.0, 2.0));
    assert_eq!(rows(points), Some(all_rows));
    assert_eq!(
        points.total("function_calls", &[("function", "step"), ("module", "pushes"), ("result", "ok")]),
        Some(calls)
    );
    assert_eq!(points.total("function_calls_started", &[("function", "step"), ("module", "pushes")]), Some(started));
    let steps = points.series("pushed_step", &[]);
    let count: u64 = match temporality {
        Temporality::Delta => steps.iter().filter_map(|point| point.value.count()).sum(),
        _ => steps.last().unwrap().value.count().unwrap(),
    };
    assert_eq!(count, 2);
    for point in points.named("pushed_rows").iter().chain(&steps) {
        assert_eq!(point.value.temporality(), Some(temporality), "{point:?}");
        assert!(point.start < point.time, "{point:?}");
        assert_eq!(point.scope.name, "telemetry-tests", "{point:?}");
    }
    assert_eq!(points.named("pushed_step")[0].unit, "s");
    assert_eq!(points.breaks(), Vec::<String>::new());
}

#[test]
fn what_arrives_is_what_was_recorded_by_every_protocol() {
    for protocol in PROTOCOLS {
        for (compression, preference, temporality) in
            [("none", "cumulative", Temporality::Cumulative), ("gzip", "delta", Temporality::Delta)]
        {
            let sink = Sink::start();
            let variables = [
                ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
                ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference),
                ("OTEL_SERVICE_NAME", "flights"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=seven"),
            ];
            let mut program = start(&endpoint(&sink, protocol), protocol, &variables);
            let recorded = work(&mut program);
            let ended = program.end();
            assert!(ended.status.success() && ended.error.is_empty(), "{protocol}: {ended:?}");
            let seen = sink.seen();
            assert_eq!(seen.complaints(), Vec::<String>::new(), "{protocol}");
            check(&seen.points(), temporality, recorded);
            let expected = match protocol {
                "http/protobuf" => Protocol::HttpProtobuf,
                "http/json" => Protocol::HttpJson,
                _ => Protocol::Grpc,
            };
            for request in &seen.requests {
                assert_eq!(request.protocol, Some(expected));
                assert_eq!(
                    request.encoding.as_deref().unwrap_or("identity") == "gzip",
                    compression == "gzip",
                    "{protocol}"
                );
            }
            let spans = seen.spans();
            assert_eq!(spans.named("step").len(), 2, "{protocol}: each call is a span");
            assert_eq!(spans.faults(), Vec::<String>::new());
            let resource = &spans.named("step")[0].resource;
            let has = |key: &str, value: &str| resource.iter().any(|(k, v)| k == key && v == value);
            assert!(has("service.name", "flights") && has("service.instance.id", "seven"), "{resource:?}");
        }
    }
}

#[test]
fn a_collector_of_other_people_hands_on_the_same() {
    for protocol in ["http/protobuf", "grpc"] {
        let behind = Sink::start();
        let Some(rotel) = Rotel::start(&behind) else { return };
        let url = if protocol == "grpc" { rotel.grpc_endpoint() } else { rotel.http_endpoint() };
        let mut program = start(&url, protocol, &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")]);
        let recorded = work(&mut program);
        let ended = program.end();
        assert!(ended.status.success() && ended.error.is_empty(), "{protocol}: {ended:?}");
        let is_there = || {
            let seen = behind.seen();
            seen.spans().named("step").len() == 2 && rows(&seen.points()) == Some(5.0)
        };
        let start = Instant::now();
        while !is_there() {
            assert!(start.elapsed() < LONG, "{protocol}: {:?}", behind.seen().complaints());
            std::thread::sleep(Duration::from_millis(20));
        }
        check(&behind.seen().points(), Temporality::Cumulative, recorded);
    }
}

#[test]
fn python_decodes_the_same() {
    for protocol in ["http/protobuf", "grpc"] {
        let Some(mut python) = Python::start() else { return };
        let url = if protocol == "grpc" { python.grpc_endpoint() } else { python.http_endpoint() }.to_owned();
        let mut program = start(&url, protocol, &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")]);
        let recorded = work(&mut program);
        let ended = program.end();
        assert!(ended.status.success() && ended.error.is_empty(), "{protocol}: {ended:?}");
        let all_there = |python: &Python| {
            let steps = python.spans.iter().filter(|span| span.name == "step").count();
            steps == 2 && rows(&Points { all: python.points.clone() }) == Some(5.0)
        };
        assert!(python.wait_until(LONG, all_there), "{protocol}: {:?}", python.requests);
        check(&Points { all: python.points.clone() }, Temporality::Cumulative, recorded);
    }
}

#[test]
fn what_may_be_sent_again_arrives_once() {
    for protocol in PROTOCOLS {
        let sink = Sink::start();
        let again = if protocol == "grpc" {
            vec![
                Answer::code(14).retry_info(Duration::from_millis(300)),
                Answer::code(8).retry_info(Duration::from_millis(100)),
                Answer::code(4),
                Answer::Close,
            ]
        } else {
            vec![Answer::status(503).retry_after_seconds(1), Answer::status(429), Answer::status(504), Answer::Close]
        };
        let tries = again.len();
        sink.script_for(Signal::Metrics, again);
        let delta = [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")];
        let mut program = start(&endpoint(&sink, protocol), protocol, &delta);
        program.ask("add flights 5");
        assert!(program.ask("flush 25000").starts_with("true "), "{protocol}");
        let ended = program.end();
        assert!(ended.status.success(), "{protocol}: {ended:?}");
        let seen = sink.seen();
        assert_eq!(rows(&Points { all: accepted(&sink).all }), Some(5.0), "{protocol}");
        assert!(seen.of(Signal::Metrics).count() > tries, "{protocol}");
        assert_eq!(sink.script_left(), 0);
    }
}

/// What was said to be taken, alone.
fn accepted(sink: &Sink) -> Points {
    sink.seen().points()
}

#[test]
fn what_is_refused_is_counted_and_never_sent_again() {
    for protocol in PROTOCOLS {
        let sink = Sink::start();
        sink.script_for(Signal::Metrics, [if protocol == "grpc" { Answer::code(3) } else { Answer::status(400) }]);
        let mut program = start(&endpoint(&sink, protocol), protocol, &[]);
        program.ask("add flights 5");
        assert!(program.ask("flush 20000").starts_with("false "), "{protocol}");
        let dropped: f64 = program.ask("value telemetry_push_dropped_samples_total reason refused").parse().unwrap();
        assert!(dropped > 10.0, "{protocol}: {dropped}");
        assert_eq!(sink.seen().of(Signal::Metrics).count(), 1, "{protocol}");
        let ended = program.end();
        assert!(ended.error.contains("dropped"), "{protocol}: {}", ended.error);
        assert_eq!(rows(&accepted(&sink)), Some(5.0), "{protocol}: the next state has all");
    }
}

#[test]
fn a_program_ends_within_the_deadline_whatever_its_collector_does() {
    for protocol in PROTOCOLS {
        for answer in [Answer::Hang, Answer::Drip(Duration::from_millis(200)), Answer::status(503), Answer::Reset] {
            let sink = Sink::start();
            sink.otherwise(answer.clone());
            let mut program = start(&endpoint(&sink, protocol), protocol, &[("TELEMETRY_PUSH_DEADLINE", "1s")]);
            program.ask("add flights 1");
            program.ask("step 1");
            let start = Instant::now();
            let ended = program.end();
            assert!(ended.status.success(), "{protocol} {answer:?}: {ended:?}");
            // Half a second for a machine that is busy.
            assert!(
                took(&ended) < 1_500 && start.elapsed() < Duration::from_secs(5),
                "{protocol} {answer:?}: {ended:?}"
            );
            for lost in ["data points", "1 span "] {
                assert!(
                    ended.error.contains(lost),
                    "{protocol} {answer:?}: {lost} is said to be lost: {}",
                    ended.error
                );
            }
        }
    }
}

#[test]
fn a_collector_that_comes_back_gets_what_waited() {
    for protocol in PROTOCOLS {
        let sink = Sink::start();
        sink.refuse();
        let delta = [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")];
        let mut program = start(&endpoint(&sink, protocol), protocol, &delta);
        for _ in 0..3 {
            program.ask("add flights 1");
            program.ask("step 0");
            assert!(program.ask("flush 300").starts_with("false "), "{protocol}");
        }
        sink.serve();
        assert!(program.ask("flush 25000").starts_with("true "), "{protocol}");
        let ended = program.end();
        assert!(ended.status.success(), "{protocol}: {ended:?}");
        assert_eq!(rows(&accepted(&sink)), Some(3.0), "{protocol}: {}", ended.error);
        assert_eq!(sink.seen().spans().named("step").len(), 3, "{protocol}");
    }
}

#[test]
fn two_processes_three_threads_and_forty_tasks_are_one_trace() {
    let sink = Sink::start();
    let variables = [
        ("TELEMETRY_LISTEN", "off"),
        ("TELEMETRY_REPORT", "off"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*sink.http_endpoint()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ];
    let ended = Program::start(env!("CARGO_BIN_EXE_relays"), &[], &variables).end();
    assert!(ended.status.success(), "{ended:?}");
    let spans = sink.seen().spans();
    // In each of both: the work, forty tasks and three threads with what they call; in the first, who starts the second.
    assert_eq!(spans.all.len(), 2 * (1 + 2 * 40 + 2 * 3) + 1);
    assert_eq!(spans.faults(), Vec::<String>::new());
    let traces = spans.traces();
    let [trace] = traces.as_slice() else { panic!("{} traces", traces.len()) };
    let [root] = trace.roots()[..] else { panic!("{:?}", trace.roots()) };
    assert_eq!(root.name, "work");
    let pids: BTreeSet<_> =
        spans.all.iter().flat_map(|span| &span.resource).filter(|(key, _)| *key == "process.pid").collect();
    assert_eq!(pids.len(), 2, "{pids:?}");
    for span in &trace.spans {
        let parent = trace.parent(span).map(|parent| parent.name.as_str());
        let expected = match span.name.as_str() {
            "work" if span.id == root.id => None,
            "work" => Some("other_process"),
            "task" | "thread" | "other_process" => Some("work"),
            _ => continue,
        };
        assert_eq!(parent, expected, "{span:?}");
    }
    let errors: Vec<_> = trace.spans.iter().filter_map(|span| span.error.as_deref()).collect();
    assert_eq!(errors, ["thirteen", "thirteen"]);
}
