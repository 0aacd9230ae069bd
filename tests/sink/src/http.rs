use crate::answer::{Answer, Status, code_of, status_of};
use crate::json::{METRICS, TRACES, to_protobuf};
use crate::received::{Data, Protocol, Received, Signal};
use crate::serve::{BODY_LIMIT, Connection, Piece, Pieces};
use flate2::read::GzDecoder;
use hyper::Response;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::http::{HeaderName, HeaderValue, StatusCode};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;
use serde_json::json;
use std::io::Read;
use std::time::{Instant, SystemTime};

/// What is known of a request before its body is looked at.
pub(crate) fn received(at: &Connection, parts: &Parts, body: &[u8]) -> Received {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Received {
        number: 0,
        signal: None,
        protocol: None,
        path: parts.uri.path_and_query().map_or_else(String::new, |path| path.as_str().to_owned()),
        headers: parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        encoding: None,
        size: body.len(),
        decoded_size: body.len(),
        at: Instant::now(),
        time: SystemTime::now(),
        connection: at.number,
        data: Data::Unreadable(String::new()),
        answer: Answer::Accept,
        complaints: Vec::new(),
    }
}

/// Reads a request, keeps it, and answers as the script says; what cannot be read is refused without looking into the script.
pub(crate) async fn answer(at: &Connection, parts: &Parts, body: &[u8]) -> Response<Pieces> {
    let mut request = received(at, parts, body);
    let answer = match read(&mut request, parts, body) {
        Ok(signal) => at.state.answer(signal),
        Err((status, message)) => {
            request.data = Data::Unreadable(message);
            let allow = Answer::status(status);
            match status {
                405 => allow.header("allow", "POST"),
                415 => allow.header("accept-encoding", "gzip"),
                _ => allow,
            }
        }
    };
    request.answer = answer.clone();
    let message =
        if let Data::Unreadable(message) = &request.data { message.clone() } else { "as the script says".to_owned() };
    let (signal, protocol) = (request.signal, request.protocol);
    at.state.keep(request);
    play(at, answer, signal, protocol, &message).await
}

fn read(request: &mut Received, parts: &Parts, body: &[u8]) -> Result<Signal, (u16, String)> {
    let signal = match parts.uri.path() {
        "/v1/metrics" => Signal::Metrics,
        "/v1/traces" => Signal::Traces,
        path => return Err((404, format!("no such path: {path}; there are /v1/metrics and /v1/traces"))),
    };
    request.signal = Some(signal);
    let content_type = request.content_type().unwrap_or_default().to_owned();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    request.protocol = match essence.as_str() {
        "application/x-protobuf" => Some(Protocol::HttpProtobuf),
        "application/json" => Some(Protocol::HttpJson),
        _ => None,
    };
    if parts.method != "POST" {
        return Err((405, format!("the method is {}, not POST", parts.method)));
    }
    if request.protocol.is_none() {
        return Err((
            415,
            format!("the content type is {content_type:?}, not application/x-protobuf or application/json"),
        ));
    }
    let plain;
    let body = match request.header("content-encoding").map(str::to_ascii_lowercase).as_deref() {
        None | Some("identity") => body,
        Some("gzip") => {
            request.encoding = Some("gzip".to_owned());
            plain = unzip(body).map_err(|error| (400, error))?;
            &plain
        }
        Some(other) => return Err((415, format!("the content encoding is {other:?}, not gzip"))),
    };
    request.decoded_size = body.len();
    let (data, complaints) = decode(signal, request.protocol, body).map_err(|error| (400, error))?;
    request.data = data;
    request.complaints = complaints;
    Ok(signal)
}

/// The body without its compression.
pub(crate) fn unzip(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let limit = BODY_LIMIT as u64 * 4;
    GzDecoder::new(body).take(limit).read_to_end(&mut plain).map_err(|error| format!("no gzip: {error}"))?;
    Ok(plain)
}

fn decode(signal: Signal, protocol: Option<Protocol>, body: &[u8]) -> Result<(Data, Vec<String>), String> {
    let shape = if signal == Signal::Metrics { &METRICS } else { &TRACES };
    let from_json;
    let (body, mut complaints) = match protocol {
        Some(Protocol::HttpJson) => {
            let (bytes, complaints) = to_protobuf(body, shape)?;
            from_json = bytes;
            (from_json.as_slice(), complaints)
        }
        _ => (body, Vec::new()),
    };
    let wrong = |error: prost::DecodeError| format!("no protobuf: {error}");
    let data = match signal {
        Signal::Metrics => Data::Metrics(Message::decode(body).map_err(wrong)?),
        Signal::Traces => Data::Traces(Message::decode(body).map_err(wrong)?),
    };
    complaints.extend(complain(&data));
    Ok((data, complaints))
}

/// What is wrong in data that could be decoded.
pub(crate) fn complain(data: &Data) -> Vec<String> {
    match data {
        Data::Metrics(metrics) => crate::check::metrics(metrics),
        Data::Traces(traces) => crate::check::traces(traces),
        Data::Unreadable(_) => Vec::new(),
    }
}

async fn play(
    at: &Connection,
    answer: Answer,
    signal: Option<Signal>,
    protocol: Option<Protocol>,
    message: &str,
) -> Response<Pieces> {
    let in_json = protocol == Some(Protocol::HttpJson);
    let success = || respond(200, in_json, if in_json { b"{}".to_vec() } else { Vec::new() });
    match in_time(answer).await {
        Answer::Accept => success(),
        Answer::Partial { rejected, message } => respond(200, in_json, partial(signal, in_json, rejected, message)),
        Answer::Status { status, headers, body } => {
            let body = body.unwrap_or_else(|| refusal(in_json, &Status::new(code_of(status), message, None)));
            let mut response = respond(status, in_json, body);
            for (name, value) in &headers {
                if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
                    response.headers_mut().append(name, value);
                }
            }
            response
        }
        Answer::Code { code, retry, message } => {
            let mut response = respond(status_of(code), in_json, refusal(in_json, &Status::new(code, &message, retry)));
            if let Some(after) = retry {
                response
                    .headers_mut()
                    .insert("retry-after", after.as_secs_f64().ceil().to_string().parse().expect("digits"));
            }
            response
        }
        Answer::Rubbish => respond(200, in_json, b"\xff\xff\xff{rubbish".to_vec()),
        Answer::Truncated => {
            let mut response = success();
            response.headers_mut().insert("content-length", HeaderValue::from_static("64"));
            *response.body_mut() =
                Pieces([Piece::Data(Bytes::from_static(b"\n\x3e\x12")), Piece::Flush, Piece::Fail].into());
            response
        }
        other => misbehave(at, other, success).await,
    }
}

/// The answers that are the same for HTTP and gRPC.
pub(crate) async fn misbehave(
    at: &Connection,
    answer: Answer,
    success: impl FnOnce() -> Response<Pieces>,
) -> Response<Pieces> {
    match answer {
        Answer::Cut(after) => {
            at.faults.cut(after);
            if after > 0 {
                return success();
            }
        }
        Answer::Drip(pause) => {
            at.faults.drip(pause);
            return success();
        }
        Answer::Reset => at.faults.reset(),
        Answer::Close => at.faults.close(),
        _ => {}
    }
    // The connection's end comes from its faults, or from whoever waits no longer.
    std::future::pending().await
}

/// Waits as long as the answer is to be late, and says which it is.
pub(crate) async fn in_time(mut answer: Answer) -> Answer {
    while let Answer::Late(after, then) = answer {
        tokio::time::sleep(after).await;
        answer = *then;
    }
    answer
}

fn respond(status: u16, in_json: bool, body: Vec<u8>) -> Response<Pieces> {
    let content_type = if in_json { "application/json" } else { "application/x-protobuf" };
    let empty = body.is_empty();
    let mut response = Response::new(if empty { Pieces::default() } else { body.into() });
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    response
}

fn refusal(in_json: bool, status: &Status) -> Vec<u8> {
    if !in_json {
        return status.encode_to_vec();
    }
    json!({ "code": status.code, "message": status.message }).to_string().into_bytes()
}

fn partial(signal: Option<Signal>, in_json: bool, rejected: i64, message: String) -> Vec<u8> {
    let traces = signal == Some(Signal::Traces);
    if in_json {
        let count = if traces { "rejectedSpans" } else { "rejectedDataPoints" };
        return json!({ "partialSuccess": { count: rejected.to_string(), "errorMessage": message } })
            .to_string()
            .into_bytes();
    }
    if traces {
        partial_traces(rejected, message).encode_to_vec()
    } else {
        partial_metrics(rejected, message).encode_to_vec()
    }
}

pub(crate) fn partial_metrics(rejected: i64, error_message: String) -> ExportMetricsServiceResponse {
    let partial = ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message };
    ExportMetricsServiceResponse { partial_success: Some(partial) }
}

pub(crate) fn partial_traces(rejected: i64, error_message: String) -> ExportTraceServiceResponse {
    let partial = ExportTracePartialSuccess { rejected_spans: rejected, error_message };
    ExportTraceServiceResponse { partial_success: Some(partial) }
}
