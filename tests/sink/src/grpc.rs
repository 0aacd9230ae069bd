use crate::answer::{Answer, Status};
use crate::http::{complain, in_time, misbehave, partial_metrics, partial_traces, received, unzip};
use crate::received::{Data, Protocol, Received, Signal};
use crate::serve::{BODY_LIMIT, Connection, Piece, Pieces};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::http::{HeaderName, HeaderValue, StatusCode};
use hyper::{HeaderMap, Request, Response};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;
use std::sync::{Arc, Mutex, PoisonError};
use tonic::codec::CompressionEncoding;
use tonic::codegen::{Service, async_trait};

const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// The generated service of one call: keeps what it is given, and answers what tonic can answer.
#[derive(Clone)]
struct Call {
    /// What the script says; asked once the message could be read.
    asked: Arc<dyn Fn(Data) -> Answer + Send + Sync>,
    /// What is left to be played.
    answer: Arc<Mutex<Option<Answer>>>,
}

impl Call {
    /// The number and text of a partial success.
    async fn take(&self, data: Data) -> Result<Option<(i64, String)>, tonic::Status> {
        let answer = in_time((self.asked)(data)).await;
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
        match answer {
            Answer::Partial { rejected, message } => Ok(Some((rejected, message))),
            Answer::Code { code, retry, message } => {
                let details = retry.map(|_| Status::new(code, &message, retry).encode_to_vec()).unwrap_or_default();
                Err(tonic::Status::with_details(code.into(), message, details.into()))
            }
            _ => Ok(None),
        }
    }
}

#[async_trait]
impl MetricsService for Call {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        let partial = self.take(Data::Metrics(request.into_inner())).await?;
        Ok(tonic::Response::new(partial.map_or_else(Default::default, |(count, text)| partial_metrics(count, text))))
    }
}

#[async_trait]
impl TraceService for Call {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let partial = self.take(Data::Traces(request.into_inner())).await?;
        Ok(tonic::Response::new(partial.map_or_else(Default::default, |(count, text)| partial_traces(count, text))))
    }
}

/// Has the generated service read a request, and answers as the script says.
pub(crate) async fn answer(at: &Connection, parts: Parts, body: Bytes) -> Response<Pieces> {
    let mut request = received(at, &parts, &body);
    request.signal = match parts.uri.path() {
        METRICS => Some(Signal::Metrics),
        TRACES => Some(Signal::Traces),
        _ => None,
    };
    let is_grpc = request.content_type().is_some_and(|has| has.starts_with("application/grpc"));
    if parts.method != "POST" || !is_grpc {
        let (status, wrong) = if is_grpc {
            (405, format!("the method is {}, not POST", parts.method))
        } else {
            (415, "the content type is not application/grpc".to_owned())
        };
        request.answer = Answer::status(status);
        request.data = Data::Unreadable(wrong);
        at.state.keep(request);
        return http_status(status, &[]);
    }
    request.protocol = Some(Protocol::Grpc);
    frame(&mut request, &body);
    decide(at, parts, body, request).await
}

/// What the frame of a message says of it.
fn frame(request: &mut Received, body: &[u8]) {
    let Some((head, message)) = body.split_first_chunk::<5>() else { return };
    request.decoded_size = message.len();
    if head[0] == 1 {
        request.encoding = request.header("grpc-encoding").map(str::to_owned);
        request.decoded_size = unzip(message).map_or(message.len(), |plain| plain.len());
    }
}

async fn decide(at: &Connection, parts: Parts, body: Bytes, request: Received) -> Response<Pieces> {
    let (signal, state) = (request.signal, Arc::clone(&at.state));
    let kept = request.clone();
    let asked = Arc::new(move |data: Data| {
        let answer = kept.signal.map_or(Answer::Accept, |signal| state.answer(signal));
        let complaints = complain(&data);
        state.keep(Received { data, complaints, answer: answer.clone(), ..kept.clone() });
        answer
    });
    let call = Call { asked, answer: Arc::default() };
    let http = Request::from_parts(parts, Full::new(body));
    let response = if signal == Some(Signal::Traces) {
        let service = TraceServiceServer::new(call.clone()).accept_compressed(CompressionEncoding::Gzip);
        service.max_decoding_message_size(BODY_LIMIT).call(http).await
    } else {
        let service = MetricsServiceServer::new(call.clone()).accept_compressed(CompressionEncoding::Gzip);
        service.max_decoding_message_size(BODY_LIMIT).call(http).await
    };
    let response = whole(response.unwrap_or_else(|never| match never {})).await;
    let answer = call.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    match answer {
        Some(Answer::Accept | Answer::Partial { .. } | Answer::Code { .. }) => response,
        Some(other) => play(at, other, response).await,
        None => {
            // The service did not know the method, or could not read the message.
            let said =
                |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (code, message) = (said("grpc-status").parse().unwrap_or(2), said("grpc-message").to_owned());
            let message = if code == 12 && signal.is_none() { "no such method".to_owned() } else { message };
            let answer = Answer::Code { code, retry: None, message: message.clone() };
            at.state.keep(Received { data: Data::Unreadable(message), answer, ..request });
            response
        }
    }
}

/// A message, its frame, and what comes after it.
async fn whole(response: Response<tonic::body::Body>) -> Response<Pieces> {
    let (parts, body) = response.into_parts();
    // It was made from memory, so nothing can fail.
    let mut pieces = Pieces::default();
    if let Ok(body) = body.collect().await {
        let trailers = body.trailers().cloned();
        let bytes = body.to_bytes();
        if !bytes.is_empty() {
            pieces.0.push_back(Piece::Data(bytes));
        }
        pieces.0.extend(trailers.map(Piece::Trailers));
    }
    Response::from_parts(parts, pieces)
}

async fn play(at: &Connection, answer: Answer, success: Response<Pieces>) -> Response<Pieces> {
    match answer {
        Answer::Accept => success,
        Answer::Status { status, headers, .. } => http_status(status, &headers),
        Answer::Rubbish => {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            body(vec![Piece::Data(Bytes::from_static(b"\0\0\0\0\x04\xff\xff\xff\xff")), Piece::Trailers(trailers)])
        }
        Answer::Truncated => body(vec![Piece::Data(Bytes::from_static(b"\0\0\0\0\x40\n\x3e\x12"))]),
        other => misbehave(at, other, || success).await,
    }
}

fn body(pieces: Vec<Piece>) -> Response<Pieces> {
    let mut response = Response::new(Pieces(pieces.into()));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn http_status(status: u16, headers: &[(String, String)]) -> Response<Pieces> {
    let mut response = Response::new(Pieces::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
