//! What an answer says of its request: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>
//!
//! What is taken in part is never sent again: the receiver took what it could. Neither is what was answered with 200 and words that cannot be read, or that
//! end too early: the status came first and says that all was taken, and a second copy would count twice in deltas and show each span twice.

use crate::config::push::access::Endpoint;
use crate::outbound::{SHOWN, line, retry_after};
use crate::push::Outcome;
use prost::Message;
use std::io::Read;
use std::time::SystemTime;
use ureq::Body;
use ureq::http::{Response, StatusCode};

/// How much of an answer is read. Its message is a sentence.
const READ: u64 = 1 << 20;

/// `ExportMetricsServiceResponse` and `ExportTraceServiceResponse`, which are alike.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Answer {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    /// Data points or spans.
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`, in which refusals are told. <https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto>
#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

/// Of an HTTP request.
pub(super) fn judged(response: Response<Body>, endpoint: &Endpoint) -> Outcome {
    let (head, body) = response.into_parts();
    let is_json =
        head.headers.get("Content-Type").is_some_and(|content| content.as_bytes().starts_with(b"application/json"));
    let mut bytes = Vec::new();
    let read = body.into_reader().take(READ).read_to_end(&mut bytes);
    let status = head.status;
    if status.is_success() {
        return match read {
            Ok(_) => understood(&bytes, is_json, endpoint),
            Err(error) => {
                let why = format!("took a request, but its answer broke off ({error}); it is not sent again");
                Outcome::Partly { rejected: 0, why }
            }
        };
    }
    let said = if is_json { json_message(&bytes) } else { protobuf_message(&bytes) };
    let said = said.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned());
    let why = match shown(&said, endpoint) {
        said if said.is_empty() => format!("answered {status}"),
        said => format!("answered {status}: {said}"),
    };
    let later = |kind| {
        let after = retry_after(&head.headers, SystemTime::now());
        Outcome::Later { after, kind, why: why.clone() }
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS => later("throttled"),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => later("unavailable"),
        _ => Outcome::Refused { taken: 0, why },
    }
}

/// What the answer to a request that was taken says besides.
pub(super) fn understood(bytes: &[u8], is_json: bool, endpoint: &Endpoint) -> Outcome {
    // Nothing is all that there is to say, usually; as JSON it would be `{}`, and is forgiven.
    if bytes.is_empty() {
        return Outcome::Taken;
    }
    let answer = if is_json { json(bytes) } else { Answer::decode(bytes).ok() };
    let Some(Answer { partial_success }) = answer else {
        let why = "took a request, but its answer makes no sense; it is not sent again".to_owned();
        return Outcome::Partly { rejected: 0, why };
    };
    let Some(PartialSuccess { rejected, error_message }) = partial_success else { return Outcome::Taken };
    let said = shown(&error_message, endpoint);
    match (u64::try_from(rejected).unwrap_or(0), said.is_empty()) {
        (0, true) => Outcome::Taken,
        (0, false) => Outcome::Partly { rejected: 0, why: format!("took a request, and says: {said}") },
        (rejected, true) => {
            Outcome::Partly { rejected, why: "took a request in part, and does not say why".to_owned() }
        }
        (rejected, false) => Outcome::Partly { rejected, why: format!("took a request in part: {said}") },
    }
}

/// As it may be shown.
pub(super) fn shown(said: &str, endpoint: &Endpoint) -> String {
    let said = endpoint.without_secrets_in(&line(said));
    let end = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    said.char_indices().take_while(|(at, _)| *at < end).map(|(_, character)| character).collect()
}

fn protobuf_message(bytes: &[u8]) -> Option<String> {
    // Text is no message: its first letter would be a field of which there is none of that kind.
    let message = Status::decode(bytes).ok()?.message;
    (!message.is_empty()).then_some(message)
}

fn json_message(bytes: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    value.get("message")?.as_str().map(str::to_owned)
}

fn json(bytes: &[u8]) -> Option<Answer> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let all = value.as_object()?;
    let Some(partial) = all.get("partialSuccess").filter(|partial| !partial.is_null()) else {
        return Some(Answer { partial_success: None });
    };
    let partial = partial.as_object()?;
    let rejected = match partial.get("rejectedSpans").or_else(|| partial.get("rejectedDataPoints")) {
        None | Some(serde_json::Value::Null) => 0,
        // A 64-bit integer is a text, and a number is accepted.
        Some(serde_json::Value::String(digits)) => digits.parse().ok()?,
        Some(number) => number.as_i64()?,
    };
    let error_message = partial.get("errorMessage").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Some(Answer { partial_success: Some(PartialSuccess { rejected, error_message }) })
}

#[cfg(test)]
mod tests;
