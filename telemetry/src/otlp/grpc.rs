//! Requests by gRPC: <https://opentelemetry.io/docs/specs/otlp/#otlpgrpc>
//!
//! The client is `tonic`, on a runtime of our own that lives where requests are waited for, and runs only while one is: the application's runtime is
//! never asked, may be one of a single thread, and may be gone.

use super::answer::{self, Status};
use super::signal::USER_AGENT;
use crate::config::otlp::{Identity, Signal};
use crate::config::push::Authorities;
use crate::config::push::access::{Endpoint, Secret};
use crate::push::{Outcome, Parcel, Transport};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost::bytes::{Buf, BufMut};
use std::error::Error;
use std::fmt::Write;
use std::time::Duration;
use tokio::runtime::{self, Runtime};
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::{self, Certificate, Channel, ClientTlsConfig};
use tonic::{Code, Request};
use ureq::http::uri::PathAndQuery;

pub(super) struct Calls {
    /// Where to.
    place: transport::Endpoint,
    endpoint: Endpoint,
    metadata: MetadataMap,
    is_compressed: bool,
    /// From the first request on: made on the thread that sends, since one that is inside of a runtime must not end another.
    connection: Option<(Runtime, Channel)>,
}

impl Calls {
    pub(super) fn new(signal: &Signal) -> Result<Calls, String> {
        let wrong = |error: transport::Error| told(&error);
        let Signal { endpoint, authorities, identity, .. } = signal;
        let mut place = transport::Endpoint::from_shared(endpoint.url.clone()).map_err(wrong)?;
        if endpoint.url.starts_with("https:") {
            let tls = ClientTlsConfig::new();
            let tls = match authorities {
                Some(Authorities(all)) => tls.ca_certificates(all.iter().map(|der| Certificate::from_pem(pem(der)))),
                None => tls.with_webpki_roots(),
            };
            let tls = match identity {
                Some(Identity { certificates, key }) => tls.identity(transport::Identity::from_pem(certificates, key)),
                None => tls,
            };
            place = place.tls_config(tls).map_err(wrong)?;
        }
        let place = place.user_agent(USER_AGENT).map_err(wrong)?;
        Ok(Calls {
            place,
            metadata: metadata(endpoint)?,
            endpoint: endpoint.clone(),
            is_compressed: signal.is_compressed,
            connection: None,
        })
    }

    fn connection(&mut self) -> std::io::Result<&(Runtime, Channel)> {
        if self.connection.is_none() {
            let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
            let channel = {
                let _inside = runtime.enter();
                self.place.connect_lazy()
            };
            self.connection = Some((runtime, channel));
        }
        self.connection.as_ref().ok_or_else(|| std::io::Error::other("there is no runtime"))
    }
}

impl Transport for Calls {
    fn send(&mut self, parcel: &Parcel, timeout: Duration) -> Outcome {
        let mut request = Request::new(parcel.body.clone());
        *request.metadata_mut() = self.metadata.clone();
        // The deadline goes along, so that the receiver too can give up.
        request.set_timeout(timeout);
        let is_compressed = self.is_compressed;
        let refused = |why: String| Outcome::Refused { taken: 0, why: format!("cannot be asked ({why})") };
        let path: PathAndQuery = match parcel.url.parse() {
            Ok(path) => path,
            Err(error) => return refused(error.to_string()),
        };
        let (runtime, channel) = match self.connection() {
            Ok(connection) => connection,
            Err(error) => return refused(error.to_string()),
        };
        let mut client = Grpc::new(channel.clone()).accept_compressed(CompressionEncoding::Gzip);
        if is_compressed {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let call = async {
            client.ready().await.map_err(|error| tonic::Status::from_error(Box::new(error)))?;
            client.unary(request, path, Bytes).await
        };
        match runtime.block_on(async { tokio::time::timeout(timeout, call).await }) {
            Ok(Ok(response)) => answer::understood(response.get_ref(), false, &self.endpoint),
            Ok(Err(status)) => judged(&status, &self.endpoint),
            Err(_) => Outcome::Later { after: None, kind: "timeout", why: "did not answer in time".to_owned() },
        }
    }
}

/// What every request has besides its message.
fn metadata(endpoint: &Endpoint) -> Result<MetadataMap, String> {
    let mut metadata = MetadataMap::new();
    let headers = endpoint.headers.iter().map(|(name, value)| (&**name, value));
    for (name, Secret(value)) in headers.chain(endpoint.authorization.iter().map(|value| ("authorization", value))) {
        let key = MetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes());
        let (Ok(key), Ok(mut value)) = (key, MetadataValue::try_from(value.as_str())) else {
            return Err(format!("the header {name} cannot be one of gRPC's"));
        };
        // Not to be shown where the client logs what it does, and not kept by compression.
        value.set_sensitive(true);
        metadata.append(key, value);
    }
    Ok(metadata)
}

/// <https://opentelemetry.io/docs/specs/otlp/#failures>
fn judged(status: &tonic::Status, endpoint: &Endpoint) -> Outcome {
    let after = retry_info(status.details());
    let code = status.code();
    // What no receiver said has a cause on our side: there was no answer.
    let is_answer = status.source().is_none();
    let why = match status.source() {
        _ if is_timeout(status) => "did not answer in time".to_owned(),
        Some(cause) => format!("cannot be reached ({})", answer::shown(&told(cause), endpoint)),
        None => match answer::shown(status.message(), endpoint) {
            said if said.is_empty() => format!("answered {code:?}"),
            said => format!("answered {code:?}: {said}"),
        },
    };
    let kind = match code {
        _ if is_timeout(status) => "timeout",
        _ if !is_answer => "unreachable",
        Code::ResourceExhausted if after.is_some() => "throttled",
        Code::Unavailable if after.is_some() => "throttled",
        Code::Cancelled | Code::Aborted | Code::OutOfRange | Code::Unavailable | Code::DataLoss => "unavailable",
        _ => return Outcome::Refused { taken: 0, why },
    };
    Outcome::Later { after, kind, why }
}

/// Whether time was up, at the receiver or here.
fn is_timeout(status: &tonic::Status) -> bool {
    let mut causes = std::iter::successors(status.source(), |&cause| cause.source());
    status.code() == Code::DeadlineExceeded || causes.any(|cause| cause.is::<tonic::TimeoutExpired>())
}

/// An error with its causes, which say more than itself.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_told = next.to_string();
        if !told.contains(&next_told) {
            // Writing to a text cannot fail.
            let _ = write!(told, ": {next_told}");
        }
        cause = next.source();
    }
    told
}

/// `google.rpc.RetryInfo`. <https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// How long the receiver asks to be left alone: what came in `grpc-status-details-bin`.
fn retry_info(details: &[u8]) -> Option<Duration> {
    let details = Status::decode(details).ok()?.details;
    let info = details.iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let Delay { seconds, nanos } = RetryInfo::decode(&*info.value).ok()?.retry_delay?;
    // A wait that is over is none.
    let seconds = u64::try_from(seconds).unwrap_or(0);
    Some(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))))
}

/// <https://www.rfc-editor.org/rfc/rfc7468#section-5>
fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
}

/// Messages that were written before, and answers that are read afterwards.
#[derive(Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Bytes;
    type Decoder = Bytes;

    fn encoder(&mut self) -> Bytes {
        Bytes
    }

    fn decoder(&mut self) -> Bytes {
        Bytes
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = tonic::Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = tonic::Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, tonic::Status> {
        let mut item = vec![0; from.remaining()];
        from.copy_to_slice(&mut item);
        Ok(Some(item))
    }
}

#[cfg(test)]
mod tests;
