//! Remote write, to a real Prometheus and to receivers that misbehave: what may still be delivered is, in order; the rest is counted.

use prost::Message;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use telemetry_tests::program::Program;
use telemetry_tests::prometheus::Prometheus;
use telemetry_tests::receiver::{Answer, Received, Receiver};

/// The messages of version 1, from their public definition.
#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Metadata>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    metric_family_name: String,
    #[prost(string, tag = "4")]
    help: String,
}

/// Of version 2, as much as is asked for here.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<References>,
}

#[derive(Clone, PartialEq, Message)]
struct References {
    #[prost(uint32, repeated, tag = "1")]
    labels_refs: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(int64, tag = "6")]
    created_timestamp: i64,
}

/// Prometheus' mark of a series' end.
const STALE: u64 = 0x7ff0_0000_0000_0002;

fn start(variables: &[(&str, &str)]) -> Program {
    let quiet = [("TELEMETRY_LISTEN", "off"), ("TELEMETRY_REPORT", "off"), ("OTEL_SERVICE_NAME", "writer")];
    let all: Vec<_> = quiet.into_iter().chain(variables.iter().copied()).collect();
    let mut program = Program::start(env!("CARGO_BIN_EXE_pushes"), &[], &all);
    assert_eq!(program.line().as_deref(), Some("serving nothing"));
    program
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/api/v1/write")
}

fn written(received: &Received) -> WriteRequest {
    let message = snap::raw::Decoder::new().decompress_vec(&received.body).expect("snappy's block format");
    WriteRequest::decode(message.as_slice()).expect("a WriteRequest")
}

/// The samples of every series, in the order in which they were taken, and that of the series' first.
fn series(received: &[Received]) -> BTreeMap<String, Vec<Sample>> {
    let mut all = BTreeMap::<String, Vec<Sample>>::new();
    for series in received.iter().filter(|received| received.taken).flat_map(|received| written(received).timeseries) {
        let labels: Vec<_> = series.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
        let names: Vec<_> = series.labels.iter().map(|label| label.name.as_str()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        all.entry(labels.join(",")).or_default().extend(series.samples);
    }
    all
}

/// The samples of the one series of this family with this label.
fn of(received: &[Received], family: &str, label: &str) -> Vec<Sample> {
    let name = format!("__name__={family},");
    let mut all = series(received).into_iter().filter(|(labels, _)| labels.contains(&name) && labels.contains(label));
    let found = all.next().map(|(_, samples)| samples).unwrap_or_default();
    assert_eq!(all.next(), None, "two series of {family} with {label}");
    found
}

fn count(program: &mut Program, family: &str, label: &str, value: &str) -> f64 {
    program.ask(&format!("value {family} {label} {value}")).parse().unwrap()
}

#[test]
fn a_real_prometheus_takes_what_is_written_and_answers_queries_with_it() {
    let Some(prometheus) = Prometheus::receiving() else { return };
    let url = url(prometheus.address());
    let variables = [
        ("TELEMETRY_REMOTE_WRITE", url.as_str()),
        ("TELEMETRY_PUSH_PERIOD", "200ms"),
        ("TELEMETRY_REMOTE_WRITE_BATCH", "50"),
        ("TELEMETRY_REMOTE_WRITE_LABELS", "region=eu"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=one,service.namespace=shop"),
    ];
    let mut program = start(&variables);
    program.ask("add flights 12");
    for seconds in ["0.25", "0.75", "0.75", "2.0", "9.0"] {
        program.ask(&format!("observe {seconds}"));
    }
    program.ask("step 1");
    for (promql, expected) in [
        (r#"pushed_rows_total{table="flights", shard="own", job="shop/writer", instance="one", region="eu"}"#, 12.0),
        (r#"pushed_step_seconds_bucket{le="1.0"}"#, 3.0),
        ("pushed_step_seconds_sum", 12.75),
        ("histogram_quantile(0.5, sum by (le) (pushed_step_seconds_bucket))", 0.875),
        (r#"function_calls_total{function="step", result="ok"}"#, 1.0),
        (r#"sum(function_calls_duration_seconds_count{function="step"})"#, 1.0),
        (r#"target_info{service_name="writer"}"#, 1.0),
        ("pushed_visible_ratio", 0.5),
    ] {
        prometheus.wait_for_value(promql, expected);
    }
    // Counters grow, and nothing was refused on the way.
    program.ask("add flights 30");
    prometheus.wait_for_value("sum(pushed_rows_total)", 42.0);
    prometheus.wait_for_value("sum(increase(pushed_rows_total[1m])) > bool 0", 1.0);
    assert_eq!(count(&mut program, "telemetry_push_requests_total", "result", "refused"), 0.0);
    // What vanishes ends at once, not after the five minutes that Prometheus looks back.
    program.ask("hide");
    prometheus.wait_for_value("absent(pushed_visible_ratio)", 1.0);
    assert_eq!(prometheus.value("sum(pushed_rows_total)"), Some(42.0));
    // At a clean end all of it ends, after the last state.
    program.ask("add flights 58");
    let ended = program.end();
    assert!(ended.status.success() && ended.error.is_empty(), "{ended:?}");
    prometheus.wait_for_value(r#"absent({region="eu"})"#, 1.0);
    assert_eq!(prometheus.value("max(max_over_time(pushed_rows_total[5m]))"), Some(100.0));
}

#[test]
fn a_real_prometheus_takes_native_histograms() {
    let Some(prometheus) = Prometheus::receiving() else { return };
    let url = url(prometheus.address());
    let variables = [
        ("TELEMETRY_REMOTE_WRITE", url.as_str()),
        ("TELEMETRY_PUSH_PERIOD", "off"),
        ("TELEMETRY_NATIVE_HISTOGRAMS", "on"),
    ];
    let mut program = start(&variables);
    for _ in 0..20 {
        program.ask("step 10");
    }
    program.ask("observe 0.7");
    assert!(program.ask("flush 10000").starts_with("true "));
    let duration = r#"function_calls_duration_seconds{function="step"}"#;
    prometheus.wait_for_value(&format!("histogram_count({duration})"), 20.0);
    let sum = prometheus.value(&format!("histogram_sum({duration})")).unwrap();
    let median = prometheus.value(&format!("histogram_quantile(0.5, {duration})")).unwrap();
    assert!((0.2..2.0).contains(&sum) && (0.0084..0.1).contains(&median), "{sum} {median}");
    // Those with bounds of the user's stay classic.
    assert_eq!(prometheus.value(r#"pushed_step_seconds_bucket{le="1.0"}"#), Some(1.0));
    assert_eq!(prometheus.value("count(function_calls_duration_seconds_bucket)"), None);
    let ended = program.end();
    assert!(ended.error.is_empty(), "{ended:?}");
    prometheus.wait_for_value(&format!("absent({duration})"), 1.0);
}

#[test]
fn a_prometheus_that_is_started_again_has_what_was_recorded_meanwhile() {
    let Some(mut prometheus) = Prometheus::receiving() else { return };
    let url = url(prometheus.address());
    let variables = [("TELEMETRY_REMOTE_WRITE", url.as_str()), ("TELEMETRY_PUSH_PERIOD", "200ms")];
    let mut program = start(&variables);
    program.ask("add flights 1");
    prometheus.wait_for_value("sum(pushed_rows_total)", 1.0);
    prometheus.stop();
    // A total that is there for some periods of the outage alone.
    program.ask("add flights 1");
    let waiting = |program: &mut Program| count(program, "telemetry_push_queue_samples", "receiver", "remote_write");
    let end = Instant::now() + Duration::from_secs(40);
    let mut seen = waiting(&mut program);
    for wanted in [seen + 500.0, seen + 1_000.0] {
        while seen < wanted {
            assert!(Instant::now() < end, "{seen} samples wait");
            std::thread::sleep(Duration::from_millis(20));
            seen = waiting(&mut program);
        }
        program.ask("add flights 1");
    }
    prometheus.resume();
    prometheus.wait_for_value("sum(pushed_rows_total)", 4.0);
    // All four totals are there: 1, 2 and 3 were recorded before, and while nobody listened.
    let zero = "(min_over_time(pushed_rows_total[5m]) == bool 0)";
    // A zero may have been written before the first row was counted: one change more.
    prometheus.wait_for_value(&format!("max(changes(pushed_rows_total[5m]) - {zero})"), 3.0);
    assert_eq!(count(&mut program, "telemetry_push_dropped_samples_total", "receiver", "remote_write"), 0.0);
    assert!(program.end().error.contains("takes what is pushed again; 0 samples"));
}

#[test]
fn https_is_spoken_with_whom_the_named_authority_vouches_for_and_with_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key, other) = (path("certificate.pem"), path("key.pem"), path("other.pem"));
    for certificate in [&other, &certificate] {
        let made = std::process::Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args([
                "-subj",
                "/CN=test",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .args(["-keyout", &key, "-out", certificate])
            .output();
        let Ok(made) = made else { return eprintln!("SKIPPED: no `openssl` in the path") };
        assert!(made.status.success(), "{made:?}");
    }
    // The password is `test`, as in Prometheus' guide to basic auth.
    let hash = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay";
    let config = folder.path().join("web.yml");
    let text = format!(
        "tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\nbasic_auth_users: {{user: {hash}}}\n"
    );
    std::fs::write(&config, text).unwrap();
    let Some(prometheus) = Prometheus::receiving_by_tls(&config) else { return };
    let address = prometheus.address();
    let push = |password: &str, authority: &str, deadline: &str| {
        let url = format!("https://user:{password}@{address}/api/v1/write");
        let variables = [
            ("TELEMETRY_REMOTE_WRITE", url.as_str()),
            ("TELEMETRY_PUSH_CA_FILE", authority),
            ("TELEMETRY_PUSH_PERIOD", "off"),
            ("TELEMETRY_PUSH_DEADLINE", deadline),
        ];
        let mut program = start(&variables);
        (program.ask("flush 5000"), program.end().error)
    };
    let (answer, error) = push("test", &certificate, "10s");
    assert!(answer.starts_with("true ") && error.is_empty(), "{answer}: {error}");
    let (answer, error) = push("wrong-password", &certificate, "10s");
    assert!(answer.starts_with("false ") && error.contains("answered 401"), "{answer}: {error}");
    assert!(!error.contains("wrong-password"), "{error}");
    let (answer, error) = push("test", &other, "300ms");
    assert!(answer.starts_with("false ") && error.contains("certificate"), "{answer}: {error}");
}

#[test]
fn a_request_is_as_the_protocol_has_it() {
    let receiver = Receiver::start(Answer::TAKEN);
    let url = url(receiver.address());
    let variables = [
        ("TELEMETRY_REMOTE_WRITE", url.as_str()),
        ("TELEMETRY_REMOTE_WRITE_TOKEN", "secret-token"),
        ("TELEMETRY_REMOTE_WRITE_BATCH", "10"),
        ("TELEMETRY_PUSH_PERIOD", "off"),
    ];
    let mut program = start(&variables);
    program.ask("add flights 3");
    assert!(program.ask("flush 5000").starts_with("true "));
    let received = receiver.received();
    for (name, value) in [
        ("content-encoding", "snappy"),
        ("content-type", "application/x-protobuf"),
        ("x-prometheus-remote-write-version", "0.1.0"),
        ("authorization", "Bearer secret-token"),
    ] {
        assert!(received.iter().all(|received| received.header(name) == Some(value)), "{name}: {received:?}");
    }
    assert!(received[0].header("user-agent").is_some_and(|agent| agent.starts_with("telemetry/")));
    assert!(received.len() > 2 && received.iter().all(|received| written(received).timeseries.len() <= 10));
    // Without a name for the instance it is the machine's and the process' number.
    let instance = format!(":{},", program.pid());
    assert_eq!(of(&received, "pushed_rows_total", &instance)[0].value, 3.0);
    let metadata: Vec<_> = received.iter().flat_map(|received| written(received).metadata).collect();
    let rows = metadata.iter().find(|metadata| metadata.metric_family_name == "pushed_rows_total").unwrap();
    assert_eq!((rows.kind, rows.help.as_str()), (1, "Rows of the program."));
    // Each flush is a later moment of the same series, and the end is later still.
    program.ask("flush 5000");
    drop(program.end());
    let samples = of(&receiver.received(), "pushed_rows_total", "table=flights");
    assert!(samples.is_sorted_by(|a, b| a.timestamp < b.timestamp), "{samples:?}");
    let last = samples.last().unwrap();
    assert_eq!((samples.len(), last.value.to_bits()), (4, STALE), "{samples:?}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    assert!((now - 60_000..=now + 1_000).contains(&last.timestamp), "{last:?} is in milliseconds");
}

#[test]
fn version_2_is_sent_where_it_is_asked_for() {
    let receiver = Receiver::start(Answer::TAKEN);
    let url = url(receiver.address());
    let variables = [
        ("TELEMETRY_REMOTE_WRITE", url.as_str()),
        ("TELEMETRY_REMOTE_WRITE_VERSION", "2"),
        ("TELEMETRY_PUSH_PERIOD", "off"),
    ];
    let mut program = start(&variables);
    program.ask("add flights 3");
    assert!(program.ask("flush 5000").starts_with("true "));
    let received = receiver.received();
    let first = &received[0];
    assert_eq!(first.header("content-type"), Some("application/x-protobuf;proto=io.prometheus.write.v2.Request"));
    assert_eq!(first.header("x-prometheus-remote-write-version"), Some("2.0.0"));
    let message = snap::raw::Decoder::new().decompress_vec(&first.body).unwrap();
    let request = Request::decode(message.as_slice()).unwrap();
    let labels = |series: &References| -> Vec<String> {
        series.labels_refs.iter().map(|&place| request.symbols[place as usize].clone()).collect()
    };
    let rows =
        request.timeseries.iter().find(|series| labels(series).contains(&"pushed_rows_total".to_owned())).unwrap();
    assert_eq!(labels(rows)[..2], ["__name__", "pushed_rows_total"]);
    assert_eq!(rows.samples[0].value, 3.0);
    assert!(rows.created_timestamp > 0 && rows.created_timestamp <= rows.samples[0].timestamp, "{rows:?}");
    drop(program.end());
    // A receiver of version 1 alone says so, and that is passed on.
    let refuses = Receiver::start(Answer::Status(415, "", "expected application/x-protobuf"));
    let url = self::url(refuses.address());
    let program = start(&[variables[1], variables[2], ("TELEMETRY_REMOTE_WRITE", url.as_str())]);
    let ended = program.end();
    assert!(
        ended.error.contains("answered 415") && ended.error.contains("expected application/x-protobuf"),
        "{ended:?}"
    );
}

#[test]
fn what_waits_for_a_receiver_that_is_away_is_delivered_in_order_and_none_is_missing() {
    // Refuses connections for a while, then answers that it is not ready, breaks off, and then takes.
    let address = Receiver::start(Answer::TAKEN).address();
    let url = url(address);
    let mut program = start(&[("TELEMETRY_REMOTE_WRITE", url.as_str()), ("TELEMETRY_PUSH_PERIOD", "100ms")]);
    program.ask("add flights 7");
    let end = Instant::now() + Duration::from_secs(40);
    while count(&mut program, "telemetry_push_requests_total", "result", "unreachable") < 2.0 {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
    let receiver = Receiver::start_at(address, Answer::Status(503, "", "starting"));
    receiver.wait_for("an attempt", |received| !received.is_empty());
    receiver.answer(Answer::CutOff);
    let before = receiver.received().len();
    receiver.wait_for("one more", |received| received.len() > before);
    receiver.answer(Answer::TAKEN);
    receiver.wait_for("what waited", |received| of(received, "pushed_visible_ratio", "").len() > 15);
    let dropped = program.ask("value telemetry_push_dropped_samples_total receiver remote_write");
    assert_eq!(dropped, "0");
    let ended = program.end();
    let received = receiver.received();
    for (labels, samples) in series(&received) {
        assert!(samples.is_sorted_by(|a, b| a.timestamp < b.timestamp), "{labels}: {samples:?}");
    }
    // One sample for each period, from the first on, and the end.
    let samples = of(&received, "pushed_visible_ratio", "");
    let gaps: Vec<_> = samples.windows(2).map(|pair| pair[1].timestamp - pair[0].timestamp).collect();
    let (most, _) = gaps.split_at(gaps.len() - 2);
    assert!(most.iter().filter(|&&gap| gap > 250).count() <= most.len() / 5, "{gaps:?}");
    assert_eq!(samples.last().map(|last| last.value.to_bits()), Some(STALE));
    let error = &ended.error;
    assert_eq!(error.matches("is kept and tried again").count(), 1, "{error}");
    assert!(error.contains("takes what is pushed again; 0 samples were dropped meanwhile"), "{error}");
}

#[test]
fn the_end_of_a_program_is_worth_an_attempt_however_long_the_back_off_still_is() {
    let address = Receiver::start(Answer::TAKEN).address();
    let url = url(address);
    let variables = [
        ("TELEMETRY_REMOTE_WRITE", url.as_str()),
        ("TELEMETRY_PUSH_PERIOD", "100ms"),
        ("TELEMETRY_PUSH_DEADLINE", "900ms"),
    ];
    let mut program = start(&variables);
    let end = Instant::now() + Duration::from_secs(60);
    // After six failures the next attempt is 3.2 s away, at least.
    while count(&mut program, "telemetry_push_requests_total", "result", "unreachable") < 6.0 {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
    let receiver = Receiver::start_at(address, Answer::TAKEN);
    let ended = program.end();
    assert!(!ended.error.contains("before the program ended"), "{ended:?}");
    assert!(of(&receiver.received(), "pushed_visible_ratio", "").len() > 10);
}

#[test]
fn a_wait_that_the_receiver_asks_for_is_kept() {
    let receiver = Receiver::start(Answer::Status(429, "Retry-After: 2\r\n", "slow down"));
    let url = url(receiver.address());
    let mut program = start(&[("TELEMETRY_REMOTE_WRITE", url.as_str()), ("TELEMETRY_PUSH_PERIOD", "50ms")]);
    let received = receiver.wait_for("a second attempt", |received| received.len() >= 2);
    let gap = received[1].at - received[0].at;
    assert!(gap >= Duration::from_millis(1_950), "{gap:?}");
    assert_eq!(received[0].body, received[1].body, "the same samples, of the same time");
    assert!(count(&mut program, "telemetry_push_requests_total", "result", "throttled") >= 1.0);
    receiver.answer(Answer::TAKEN);
    receiver.wait_for("all of it", |received| received.iter().filter(|received| received.taken).count() > 30);
}

#[test]
fn what_is_refused_is_never_sent_again_and_holds_up_nothing() {
    let receiver = Receiver::start(Answer::Status(400, "", "out of order sample"));
    let url = url(receiver.address());
    let mut program = start(&[("TELEMETRY_REMOTE_WRITE", url.as_str()), ("TELEMETRY_PUSH_PERIOD", "50ms")]);
    let received = receiver.wait_for("ten requests", |received| received.len() >= 10);
    let bodies: std::collections::BTreeSet<_> = received.iter().map(|received| &received.body).collect();
    assert_eq!(bodies.len(), received.len(), "none came twice");
    let dropped = count(&mut program, "telemetry_push_dropped_samples_total", "reason", "refused");
    assert!(dropped > 100.0, "{dropped}");
    receiver.answer(Answer::TAKEN);
    receiver.wait_for("a later one", |received| received.iter().any(|received| received.taken));
    let ended = program.end();
    assert_eq!(ended.error.matches("out of order sample").count(), 1, "{}", ended.error);
}

#[test]
fn a_queue_that_is_full_drops_the_oldest_and_memory_has_an_end() {
    // A receiver that takes connections and never answers.
    let receiver = Receiver::start(Answer::Hang);
    let url = url(receiver.address());
    let variables = [
        ("TELEMETRY_REMOTE_WRITE", url.as_str()),
        ("TELEMETRY_PUSH_PERIOD", "20ms"),
        ("TELEMETRY_PUSH_TIMEOUT", "100ms"),
        ("TELEMETRY_PUSH_QUEUE_BYTES", "300000"),
        ("TELEMETRY_PUSH_QUEUE_SAMPLES", "20000"),
    ];
    let mut program = start(&variables);
    program.ask("many 1500");
    let resident = |program: &Program| -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let dropped =
        |program: &mut Program| count(program, "telemetry_push_dropped_samples_total", "reason", "queue_full");
    let end = Instant::now() + Duration::from_secs(60);
    let mut first = None;
    let mut last;
    loop {
        last = dropped(&mut program);
        // When the queue is full for the first time, and after it was filled ten times over.
        if last > 0.0 && first.is_none() {
            first = Some(resident(&program));
        }
        if last > 200_000.0 {
            break;
        }
        assert!(Instant::now() < end, "{last} samples were dropped");
        std::thread::sleep(Duration::from_millis(20));
    }
    let (before, after) = (first.unwrap(), resident(&program));
    assert!(after < before + 8_000, "from {before} to {after} KiB");
    let waiting = count(&mut program, "telemetry_push_queue_samples", "receiver", "remote_write");
    let bytes = count(&mut program, "telemetry_push_queue_bytes", "receiver", "remote_write");
    assert!((1.0..=20_000.0).contains(&waiting) && bytes <= 300_000.0, "{waiting} samples, {bytes} bytes");
    assert!(count(&mut program, "telemetry_push_requests_total", "result", "timeout") >= 1.0);
    // What is left comes, newest last, once the receiver is itself again.
    receiver.answer(Answer::TAKEN);
    receiver.wait_for("what was kept", |received| of(received, "pushed_rows_total", "table=1499").len() > 3);
    let ended = program.end();
    assert!(ended.error.contains("takes what is pushed again"), "{}", ended.error);
    let received = receiver.received();
    for (labels, samples) in series(&received) {
        assert!(samples.is_sorted_by(|a, b| a.timestamp < b.timestamp), "{labels}");
    }
}
