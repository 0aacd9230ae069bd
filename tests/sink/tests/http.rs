//! The sink over HTTP, asked by hand.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};
use telemetry_sink::{Answer, Data, Protocol, Signal, Sink, Temporality, Value};

/// The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);
const JSON: &str = "content-type: application/json\r\n";
const PROTOBUF: &str = "content-type: application/x-protobuf\r\n";
const SPAN: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"load","kind":1,"startTimeUnixNano":"1","endTimeUnixNano":"4"}]}]}]}"#;

fn connect(sink: &Sink) -> TcpStream {
    let address = sink.http_endpoint().replace("http://", "");
    let stream = TcpStream::connect(address).expect("a sink that listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

fn request(method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: sink\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The answer until the end of the connection, and how that came.
fn ask(sink: &Sink, method: &str, path: &str, headers: &str, body: &[u8]) -> (String, Option<ErrorKind>) {
    let mut stream = connect(sink);
    stream.write_all(&request(method, path, headers, body)).expect("a sink that reads");
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).err().map(|error| error.kind());
    (String::from_utf8_lossy(&answer).into_owned(), error)
}

fn post(sink: &Sink, headers: &str, body: &[u8]) -> String {
    ask(sink, "POST", "/v1/traces", headers, body).0
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn a_request_is_kept_as_it_came() {
    let sink = Sink::start();
    let answer = post(&sink, &format!("{JSON}x-tenant: 7\r\n"), SPAN.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\n{}"), "{answer}");
    let seen = sink.seen();
    let received = &seen.requests[0];
    assert_eq!((received.number, received.connection, received.size), (0, 0, SPAN.len()));
    assert_eq!((received.signal, received.protocol), (Some(Signal::Traces), Some(Protocol::HttpJson)));
    assert_eq!((received.header("x-tenant"), received.path.as_str()), (Some("7"), "/v1/traces"));
    assert_eq!((seen.complaints(), seen.spans().faults()), (vec![], vec![]));
    let span = seen.spans().all.remove(0);
    assert_eq!((span.name.as_str(), span.id.as_str(), span.duration().as_nanos()), ("load", "eee19b7ec3c1b174", 3));
    assert!(sink.bytes() > SPAN.len() as u64);
}

#[test]
fn gzip_is_read_and_both_sizes_are_told() {
    let sink = Sink::start();
    let mut zipped = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(SPAN.as_bytes(), flate2::Compression::best());
    encoder.read_to_end(&mut zipped).expect("gzip");
    assert_eq!(status(&post(&sink, &format!("{JSON}content-encoding: gzip\r\n"), &zipped)), "200");
    let seen = sink.seen();
    let received = &seen.requests[0];
    assert_eq!(
        (received.encoding.as_deref(), received.size, received.decoded_size),
        (Some("gzip"), zipped.len(), SPAN.len())
    );
}

#[test]
fn what_is_no_otlp_is_refused_without_using_up_the_script() {
    let sink = Sink::start();
    sink.script([Answer::status(429)]);
    for (method, path, headers, body, expected, message) in [
        ("POST", "/v1/logs", JSON, "{}", "404", "no such path: /v1/logs; there are /v1/metrics and /v1/traces"),
        ("POST", "/", JSON, "{}", "404", "no such path: /; there are /v1/metrics and /v1/traces"),
        ("GET", "/v1/traces", JSON, "", "405", "the method is GET, not POST"),
        (
            "POST",
            "/v1/traces",
            "",
            "{}",
            "415",
            "the content type is \"\", not application/x-protobuf or application/json",
        ),
        (
            "POST",
            "/v1/traces",
            "content-type: text/plain\r\n",
            "{}",
            "415",
            "the content type is \"text/plain\", not application/x-protobuf or application/json",
        ),
        (
            "POST",
            "/v1/traces",
            "content-type: application/json\r\ncontent-encoding: br\r\n",
            "{}",
            "415",
            "the content encoding is \"br\", not gzip",
        ),
        (
            "POST",
            "/v1/traces",
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
            "{}",
            "400",
            "no gzip: ",
        ),
        ("POST", "/v1/traces", JSON, "{", "400", "no JSON: "),
        ("POST", "/v1/metrics", PROTOBUF, "{rubbish", "400", "no protobuf: "),
    ] {
        let (answer, _) = ask(&sink, method, path, headers, body.as_bytes());
        assert_eq!(status(&answer), expected, "{answer}");
        let seen = sink.take();
        let Data::Unreadable(why) = &seen.requests[0].data else { panic!("read: {body}") };
        assert!(why.starts_with(message), "{why}");
        assert!(!seen.requests[0].accepted());
    }
    assert_eq!(sink.script_left(), 1);
    // A `google.rpc.Status`: code 3, and the text.
    let (answer, _) = ask(&sink, "POST", "/v1/metrics", PROTOBUF, b"\xff");
    assert!(answer.contains("\r\n\r\n\x08\x03\x12"), "{answer:?}");
    let (answer, _) = ask(&sink, "POST", "/v1/metrics", JSON, b"[]");
    assert!(answer.ends_with(r#"{"code":3,"message":"the body: an object belongs here, not []"}"#), "{answer}");
}

#[test]
fn the_script_is_played_in_order_and_by_signal() {
    let sink = Sink::start();
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    sink.script([Answer::status(503).retry_after_seconds(7), Answer::status(429).retry_after_date(date)]);
    sink.script_for(Signal::Metrics, [Answer::status(500)]);
    sink.script([Answer::Code { code: 14, retry: Some(Duration::from_millis(1500)), message: "busy".to_owned() }]);
    sink.script([Answer::Partial { rejected: 2, message: "old".to_owned() }]);
    let answers: Vec<_> = (0..5).map(|_| post(&sink, JSON, SPAN.as_bytes()).to_lowercase()).collect();
    assert!(status(&answers[0]) == "503" && answers[0].contains("\r\nretry-after: 7\r\n"), "{}", answers[0]);
    assert!(answers[1].contains("\r\nretry-after: tue, 14 nov 2023 22:13:20 gmt\r\n"), "{}", answers[1]);
    assert!(status(&answers[2]) == "503" && answers[2].contains("\r\nretry-after: 2\r\n"), "{}", answers[2]);
    assert!(answers[3].ends_with(r#"{"partialsuccess":{"errormessage":"old","rejectedspans":"2"}}"#), "{}", answers[3]);
    assert_eq!((status(&answers[4]), sink.script_left()), ("200", 1));
    assert_eq!(status(&ask(&sink, "POST", "/v1/metrics", JSON, b"{}").0), "500");
    assert_eq!(sink.seen().accepted().count(), 2);
    sink.otherwise(Answer::status(400));
    assert_eq!(status(&post(&sink, JSON, SPAN.as_bytes())), "400");
}

#[test]
fn each_misbehaviour_is_what_its_name_says() {
    let sink = Sink::start();
    sink.script([Answer::Close, Answer::Reset, Answer::Cut(20), Answer::Truncated, Answer::Rubbish]);
    let next = || ask(&sink, "POST", "/v1/traces", JSON, SPAN.as_bytes());
    assert_eq!(next(), (String::new(), None), "closed");
    assert_eq!(next(), (String::new(), Some(ErrorKind::ConnectionReset)), "reset");
    assert_eq!(next(), ("HTTP/1.1 200 OK\r\ncon".to_owned(), None), "cut");
    let (truncated, _) = next();
    assert!(truncated.contains("content-length: 64\r\n") && truncated.ends_with("\r\n\r\n\n>\x12"), "{truncated:?}");
    assert!(next().0.ends_with("{rubbish"));
    assert_eq!(sink.seen().accepted().count(), 2, "two were told a success");
}

#[test]
fn a_hanging_answer_never_comes_and_the_sink_still_ends() {
    let sink = Sink::start();
    sink.script([Answer::Hang]);
    let mut stream = connect(&sink);
    stream.write_all(&request("POST", "/v1/traces", JSON, SPAN.as_bytes())).expect("a sink that reads");
    assert!(sink.wait_until(PATIENCE, |seen| seen.requests.len() == 1));
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let error = stream.read(&mut [0; 1]).expect_err("nothing comes");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    drop(sink);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)), "its end");
}

#[test]
fn a_drip_takes_its_time_and_a_late_answer_too() {
    let sink = Sink::start();
    sink.script([Answer::Drip(Duration::from_millis(2)), Answer::status(503).late(Duration::from_millis(60))]);
    let start = Instant::now();
    let answer = post(&sink, JSON, SPAN.as_bytes());
    assert!(start.elapsed() >= Duration::from_millis(2) * answer.len() as u32, "{answer}");
    let start = Instant::now();
    assert_eq!(status(&post(&sink, JSON, SPAN.as_bytes())), "503");
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[test]
fn a_closed_sink_refuses_and_opens_on_the_same_port() {
    let sink = Sink::start();
    let address = sink.http_endpoint().replace("http://", "");
    let mut kept = connect(&sink);
    sink.refuse();
    assert_eq!(TcpStream::connect(&address).expect_err("nobody listens").kind(), ErrorKind::ConnectionRefused);
    assert!(matches!(kept.read(&mut [0; 1]), Ok(0) | Err(_)), "what was connected is closed");
    sink.serve();
    assert_eq!(status(&post(&sink, JSON, SPAN.as_bytes())), "200");
    let start = Instant::now();
    sink.refuse_for(Duration::from_millis(100));
    while TcpStream::connect(&address).is_err() {
        assert!(start.elapsed() < PATIENCE, "it did not open again");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
}

#[test]
fn a_hanging_sink_reads_nothing_until_it_serves() {
    let sink = Sink::start();
    sink.hang();
    let mut stream = connect(&sink);
    stream.write_all(&request("POST", "/v1/traces", JSON, SPAN.as_bytes())).expect("room in the socket");
    assert!(!sink.wait_until(Duration::from_millis(50), |seen| !seen.requests.is_empty()));
    sink.serve();
    assert!(sink.wait_until(PATIENCE, |seen| seen.requests.len() == 1), "what waited is read");
}

#[test]
fn a_taken_port_is_named() {
    let sink = Sink::start();
    let port = sink.http_endpoint().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let error = Sink::builder().http_port(port).start().expect_err("the port is taken");
    assert!(error.to_string().starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")), "{error}");
}

#[test]
fn the_course_of_a_series_is_followed() {
    let sink = Sink::start();
    let send = |start: u64, time: u64, value: i64, temporality: u8| {
        let body = format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","sum":{{"isMonotonic":true,"aggregationTemporality":{temporality},"dataPoints":[{{"startTimeUnixNano":"{start}","timeUnixNano":"{time}","asInt":"{value}","attributes":[{{"key":"k","value":{{"stringValue":"v"}}}}]}}]}}}}]}}]}}]}}"#
        );
        assert_eq!(status(&ask(&sink, "POST", "/v1/metrics", JSON, body.as_bytes()).0), "200");
    };
    send(1, 2, 5, 2);
    send(1, 3, 9, 2);
    // A new beginning.
    send(3, 4, 2, 2);
    let points = sink.take().points();
    assert_eq!((points.breaks(), points.total("m", &[("k", "v")])), (vec![], Some(11.0)));
    assert_eq!((points.total("m", &[]), points.names()), (None, vec!["m"]));
    let last = points.last("m", &[("k", "v")]).expect("three points");
    assert!(matches!(last.value, Value::Sum { temporality: Temporality::Cumulative, monotonic: true, .. }));
    send(1, 2, 5, 1);
    send(3, 4, 5, 1);
    let points = sink.take().points();
    assert_eq!(points.breaks(), ["m{\"k\": \"v\"}: begins at 3, not where the last one ended, 2"]);
    assert_eq!(points.total("m", &[("k", "v")]), Some(10.0));
    send(1, 2, 5, 2);
    send(1, 3, 4, 2);
    assert_eq!(sink.seen().points().breaks(), ["m{\"k\": \"v\"}: fell from 5 to 4"]);
}
