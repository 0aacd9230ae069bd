//! What both signals share: how a message becomes a request, and what carries it.

use super::{answer, json};
use crate::config::otlp::{Identity, Protocol, Signal};
use crate::push::client::Client;
use crate::push::{Parcel, Transport, Verb};
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use std::io::Write;
use std::sync::Arc;

/// As <https://opentelemetry.io/docs/specs/otel/protocol/exporter/#user-agent> has it, with this library as the distribution before it.
pub(super) const USER_AGENT: &str =
    concat!("telemetry/", env!("CARGO_PKG_VERSION"), " OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"));

const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const GZIP: (&str, &str) = ("Content-Encoding", "gzip");

/// Which program something is about, as messages have it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Source {
    pub(super) resource: Resource,
    pub(super) schema_url: String,
}

impl From<&opentelemetry_sdk::Resource> for Source {
    fn from(resource: &opentelemetry_sdk::Resource) -> Source {
        let ResourceAttributesWithSchema { attributes, schema_url } = resource.into();
        let resource = Resource { attributes: attributes.0, ..Resource::default() };
        Source { resource, schema_url: schema_url.unwrap_or_default() }
    }
}

/// The way to a receiver.
pub(super) struct Way {
    signal: Signal,
    /// For gRPC the path of the method.
    url: Arc<str>,
    headers: &'static [(&'static str, &'static str)],
}

impl Way {
    /// `method`: gRPC's path.
    pub(super) fn new(signal: &Signal, method: &'static str) -> Way {
        let headers: &'static [_] = match (signal.protocol, signal.is_compressed) {
            (Protocol::HttpProtobuf, false) => &[PROTOBUF],
            (Protocol::HttpProtobuf, true) => &[PROTOBUF, GZIP],
            (Protocol::HttpJson, false) => &[JSON],
            (Protocol::HttpJson, true) => &[JSON, GZIP],
            #[cfg(feature = "otlp-grpc")]
            (Protocol::Grpc, _) => &[],
        };
        let url = match signal.protocol {
            Protocol::HttpProtobuf | Protocol::HttpJson => signal.endpoint.url.as_str(),
            #[cfg(feature = "otlp-grpc")]
            Protocol::Grpc => method,
        };
        #[cfg(not(feature = "otlp-grpc"))]
        let _ = method;
        Way { signal: signal.clone(), url: url.into(), headers }
    }

    pub(super) fn shown(&self) -> String {
        self.signal.endpoint.shown()
    }

    /// A request with this message, which holds so many samples. Where it cannot be written, why.
    pub(super) fn parcel<M: prost::Message + serde::Serialize>(
        &self,
        message: &M,
        samples: u64,
    ) -> Result<Parcel, String> {
        let body = match self.signal.protocol {
            Protocol::HttpJson => json::encode(message).map_err(|error| error.to_string())?,
            Protocol::HttpProtobuf => message.encode_to_vec(),
            // Compressed when it is sent, as a part of its frame.
            #[cfg(feature = "otlp-grpc")]
            Protocol::Grpc => message.encode_to_vec(),
        };
        let body = if self.headers.contains(&GZIP) { gzip(&body).map_err(|error| error.to_string())? } else { body };
        Ok(Parcel { verb: Verb::Post, url: Arc::clone(&self.url), headers: self.headers, body, samples })
    }

    pub(super) fn transport(&self) -> Result<Box<dyn Transport>, String> {
        #[cfg(feature = "otlp-grpc")]
        if self.signal.protocol == Protocol::Grpc {
            return Ok(Box::new(super::grpc::Calls::new(&self.signal)?));
        }
        let Signal { endpoint, authorities, identity, .. } = &self.signal;
        let identity = identity.as_ref().map(|Identity { certificates, key }| (&certificates[..], &key[..]));
        let client = Client::new(endpoint.clone(), authorities.as_ref(), identity, answer::judged)?;
        Ok(Box::new(client.calls_itself(USER_AGENT)))
    }
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}
