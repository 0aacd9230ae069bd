//! What is logged, as it waits to be sent or written: all but metrics, which are thinned before they come here.

use super::limits;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// One value of a metric that is to be told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MetricValue {
    pub(super) name: Arc<str>,
    pub(super) context: Option<Arc<str>>,
    pub(super) value: f64,
    pub(super) step: Option<u64>,
    pub(super) epoch: Option<u64>,
    /// Milliseconds since 1970, as everywhere here.
    pub(super) at: u64,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) step: Option<u64>,
    pub(super) context: Option<Arc<str>>,
    pub(super) at: u64,
}

/// A piece of what the program wrote.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Output {
    pub(super) text: String,
    pub(super) is_error: bool,
    pub(super) at: u64,
}

/// Where the program's source was.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Git {
    pub(super) user: String,
    pub(super) root: String,
    pub(super) branch: String,
    pub(super) parent: String,
    pub(super) origin: String,
}

/// A file that is shown beside the run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Upload {
    /// Comet's type, such as `asset`, `histogram3d`, or `visualization` for what is a picture.
    pub(super) kind: Cow<'static, str>,
    /// 32 hexadecimal digits.
    pub(super) id: String,
    pub(super) name: String,
    /// Without a dot.
    pub(super) extension: Option<String>,
    pub(super) step: Option<u64>,
    pub(super) epoch: Option<u64>,
    pub(super) context: Option<Arc<str>>,
    /// Which of the run's pictures it is, where it is one.
    pub(super) figure: Option<u64>,
    pub(super) overwrites: bool,
    /// `null`, or an object.
    pub(super) metadata: Value,
    pub(super) content: Content,
    pub(super) at: u64,
}

/// What a file holds, or where it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Bytes(Arc<[u8]>),
    File(PathBuf),
}

/// The kind of an upload that goes where pictures do.
pub(super) const PICTURE: &str = "visualization";

/// Everything but metrics.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    Parameter(Parameter),
    Other(String, Value),
    Tag(String),
    Html(String, u64),
    Output(Output),
    FileName(String),
    Git(Git),
    /// A line of what is known of the machine.
    System(String, Value),
    Upload(Upload),
}

impl Message {
    /// Bytes that it holds, roughly.
    pub(super) fn size(&self) -> usize {
        const ITSELF: usize = 128;
        let text = match self {
            Message::Parameter(parameter) => parameter.name.len() + parameter.value.as_str().map_or(16, str::len),
            Message::Other(name, value) | Message::System(name, value) => {
                name.len() + value.as_str().map_or(16, str::len)
            }
            Message::Tag(text) | Message::Html(text, _) | Message::FileName(text) => text.len(),
            Message::Output(output) => output.text.len(),
            Message::Git(_) => ITSELF,
            Message::Upload(upload) => match &upload.content {
                Content::Bytes(bytes) => bytes.len() + ITSELF,
                Content::File(_) => 2 * ITSELF,
            },
        };
        ITSELF + text
    }

    /// As a line of an archive's `messages.json` has it; `file` is the member that has an upload's content. A tag stands elsewhere: `None`.
    pub(super) fn line(&self, number: u64, file: Option<&str>) -> Option<Value> {
        let (kind, payload) = match self {
            Message::Tag(_) => return None,
            Message::Parameter(parameter) => ("parameter_msg", parameter_payload(parameter)),
            Message::Other(key, value) => ("log_other", json!({ "key": key, "value": value })),
            Message::Html(html, _) => ("html", json!({ "html": html })),
            Message::Output(output) => (
                "standard_output",
                json!({ "output": output.text, "stderr": output.is_error, "local_timestamp": output.at }),
            ),
            Message::FileName(name) => ("file_name", json!({ "file_name": name })),
            Message::Git(git) => ("git_metadata", json!({ "git_metadata": git_fields(git) })),
            Message::System(key, value) => ("system_info", json!({ "system_info": { "key": key, "value": value } })),
            Message::Upload(upload) => ("file_upload", upload_payload(upload, file.unwrap_or_default())),
        };
        Some(numbered(kind, payload, number))
    }
}

impl MetricValue {
    pub(super) fn line(&self, number: u64) -> Value {
        let mut metric =
            json!({ "metricName": &*self.name, "metricValue": limits::number(self.value), "step": self.step });
        put(&mut metric, "epoch", self.epoch.map(Value::from));
        let mut payload = json!({ "local_timestamp": self.at, "metric": metric });
        put(&mut payload, "context", self.context.as_deref().map(Value::from));
        numbered("metric_msg", payload, number)
    }
}

fn numbered(kind: &str, mut payload: Value, number: u64) -> Value {
    put(&mut payload, "message_id", Some(number.into()));
    json!({ "type": kind, "payload": payload })
}

fn put(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(fields), Some(value)) = (object.as_object_mut(), value) {
        fields.insert(key.to_owned(), value);
    }
}

fn parameter_payload(parameter: &Parameter) -> Value {
    // A list has a field of another name.
    let field = if parameter.value.is_array() { "params" } else { "param" };
    let param = json!({ "paramName": parameter.name, "paramValue": parameter.value, "step": parameter.step, "source": "manual" });
    let mut payload = json!({ "local_timestamp": parameter.at, field: param });
    put(&mut payload, "context", parameter.context.as_deref().map(Value::from));
    payload
}

pub(super) fn git_fields(git: &Git) -> Value {
    json!({ "user": git.user, "root": git.root, "branch": git.branch, "parent": git.parent, "origin": git.origin })
}

fn upload_payload(upload: &Upload, file: &str) -> Value {
    // These become the query of the upload as they stand.
    let mut about = json!({ "step": upload.step, "context": upload.context.as_deref(), "overwrite": upload.overwrites, "runId": null });
    let mut set = |key: &str, value: Option<Value>| put(&mut about, key, value);
    if upload.kind == PICTURE {
        set("imageId", Some(upload.id.as_str().into()));
        set("figName", Some(upload.name.as_str().into()));
        set("figCounter", upload.figure.map(Value::from));
    } else {
        set("assetId", Some(upload.id.as_str().into()));
        set("fileName", Some(upload.name.as_str().into()));
        set("epoch", upload.epoch.map(Value::from));
        set("type", (upload.kind != "asset").then(|| upload.kind.as_ref().into()));
    }
    set("extension", upload.extension.as_deref().map(Value::from));
    let metadata = if upload.metadata.is_object() { upload.metadata.clone() } else { json!({}) };
    json!({
        "file_path": file,
        "upload_type": upload.kind,
        "local_timestamp": upload.at,
        "clean": true,
        "metadata": metadata,
        "additional_params": about,
    })
}

/// Milliseconds since 1970.
pub(super) fn millis(at: SystemTime) -> u64 {
    u64::try_from(at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Now.
pub(super) fn now() -> u64 {
    millis(SystemTime::now())
}

/// 32 hexadecimal digits that nobody else has: of the randomness that the standard library's hash keys are made of.
pub(super) fn id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let half = || RandomState::new().hash_one(now());
    format!("{:016x}{:016x}", half(), half())
}
