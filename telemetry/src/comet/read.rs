//! The lines of an archive, ours or the official client's, as what was logged.

use super::message::{Content, Git, Message, MetricValue, Output, PICTURE, Parameter, Upload};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    Metric(MetricValue),
    /// An upload's content is the file of that name in the archive.
    Message(Message),
    /// A type that is known to be one, and that is not sent.
    Other(String),
}

/// Types of the official client that we do not send on.
const OTHERS: [&str; 10] = [
    "cloud_details",
    "gpu_static_info",
    "graph",
    "htmlOverride",
    "installed_packages",
    "log_dependency",
    "os_packages",
    "remote_file",
    "system_details",
    "ws_msg",
];

/// Reads a line.
pub(super) fn line(text: &str) -> Result<Line, String> {
    let line: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let kind = line.get("type").and_then(Value::as_str).ok_or("it has no type")?;
    let payload = line.get("payload").filter(|payload| payload.is_object()).ok_or("it has no payload")?;
    if OTHERS.contains(&kind) {
        return Ok(Line::Other(kind.to_owned()));
    }
    let told = match kind {
        "metric_msg" => {
            return metric(payload)
                .map(Line::Metric)
                .ok_or_else(|| "its metric lacks a name, a value, a step or a time".to_owned());
        }
        "parameter_msg" => parameter(payload).map(Message::Parameter),
        "log_other" => Some((text_of(payload, "key"), payload.get("value")))
            .and_then(|(key, value)| Some(Message::Other(key?, value?.clone()))),
        "html" => {
            text_of(payload, "html").map(|html| Message::Html(html, time(payload).unwrap_or_else(super::message::now)))
        }
        "standard_output" => output(payload).map(Message::Output),
        "file_name" => text_of(payload, "file_name").map(Message::FileName),
        "git_metadata" => payload.get("git_metadata").filter(|git| git.is_object()).map(git).map(Message::Git),
        "system_info" => payload
            .get("system_info")
            .and_then(|info| Some(Message::System(text_of(info, "key")?, info.get("value")?.clone()))),
        "file_upload" => upload(payload).map(Message::Upload),
        other => return Err(format!("its type {other:?} is not known")),
    };
    told.map(Line::Message).ok_or_else(|| format!("what {kind} takes is not in it"))
}

fn text_of(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn context(object: &Value) -> Option<Arc<str>> {
    text_of(object, "context").map(Arc::from)
}

fn time(payload: &Value) -> Option<u64> {
    payload.get("local_timestamp")?.as_u64()
}

/// A step: a whole number, or what a fraction is cut to.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as the official client does; what is negative is 0"
)]
fn step(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().map(|step| step as u64))
}

fn metric(payload: &Value) -> Option<MetricValue> {
    let metric = payload.get("metric")?;
    let value = match metric.get("metricValue")? {
        Value::Number(number) => number.as_f64()?,
        // Rust reads the three words as they are written.
        Value::String(word) => word.parse().ok()?,
        _ => return None,
    };
    Some(MetricValue {
        name: text_of(metric, "metricName")?.into(),
        context: context(payload),
        value,
        step: step(metric.get("step")?),
        epoch: metric.get("epoch").and_then(step),
        at: time(payload)?,
    })
}

fn parameter(payload: &Value) -> Option<Parameter> {
    let parameter = payload.get("param").or_else(|| payload.get("params"))?;
    Some(Parameter {
        name: text_of(parameter, "paramName")?,
        value: parameter.get("paramValue")?.clone(),
        step: parameter.get("step").and_then(step),
        context: context(payload),
        at: time(payload)?,
    })
}

fn output(payload: &Value) -> Option<Output> {
    Some(Output { text: text_of(payload, "output")?, is_error: payload.get("stderr")?.as_bool()?, at: time(payload)? })
}

fn git(fields: &Value) -> Git {
    let field = |name: &str| text_of(fields, name).unwrap_or_default();
    Git {
        user: field("user"),
        root: field("root"),
        branch: field("branch"),
        parent: field("parent"),
        origin: field("origin"),
    }
}

fn upload(payload: &Value) -> Option<Upload> {
    let kind = text_of(payload, "upload_type")?;
    let about = payload.get("additional_params")?;
    let is_picture = kind == PICTURE;
    let field = |name: &str| text_of(about, name);
    Some(Upload {
        id: field(if is_picture { "imageId" } else { "assetId" }).unwrap_or_else(super::message::id),
        name: field(if is_picture { "figName" } else { "fileName" }).unwrap_or_default(),
        extension: field("extension"),
        step: about.get("step").and_then(step),
        epoch: about.get("epoch").and_then(step),
        context: context(about),
        figure: about.get("figCounter").and_then(Value::as_u64),
        overwrites: about.get("overwrite").and_then(Value::as_bool).unwrap_or(false),
        metadata: payload.get("metadata").cloned().unwrap_or(Value::Null),
        content: Content::File(PathBuf::from(text_of(payload, "file_path")?)),
        at: time(payload)?,
        kind: kind.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_written_is_read_back() {
        let metric = MetricValue {
            name: "loss".into(),
            context: Some("train".into()),
            value: f64::INFINITY,
            step: None,
            epoch: Some(2),
            at: 1_760_000_000_123,
        };
        assert_eq!(line(&metric.line(1).to_string()), Ok(Line::Metric(metric)));
        let upload = |kind: &'static str, figure| Upload {
            kind: kind.into(),
            id: "a".repeat(32),
            name: "weights".into(),
            extension: Some("png".into()),
            step: Some(3),
            epoch: None,
            context: None,
            figure,
            overwrites: false,
            metadata: json!({}),
            content: Content::File("file1".into()),
            at: 5,
        };
        let all = [
            Message::Parameter(Parameter {
                name: "layers".into(),
                value: json!([64, 32]),
                step: None,
                context: Some("train".into()),
                at: 7,
            }),
            Message::Parameter(Parameter {
                name: "rate".into(),
                value: json!(0.1),
                step: Some(1),
                context: None,
                at: 7,
            }),
            Message::Other("Name".into(), json!("first try")),
            Message::Output(Output { text: "epoch 1\n".into(), is_error: true, at: 9 }),
            Message::FileName("main".into()),
            Message::Git(Git {
                user: "u".into(),
                root: "c0ffee".into(),
                branch: "main".into(),
                parent: "c0ffee".into(),
                origin: "o".into(),
            }),
            Message::System("gpu".into(), json!("H100")),
            Message::Upload(upload(PICTURE, Some(4))),
            Message::Upload(upload("histogram3d", None)),
            Message::Upload(upload("asset", None)),
        ];
        for message in all {
            let written = message.line(1, Some("file1")).unwrap().to_string();
            assert_eq!(line(&written), Ok(Line::Message(message)), "{written}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, why) in [
            ("{", "no JSON"),
            ("{}", "no type"),
            (r#"{"type":"metric_msg"}"#, "no payload"),
            (r#"{"type":"nonsense","payload":{}}"#, "\"nonsense\" is not known"),
            (
                r#"{"type":"metric_msg","payload":{"local_timestamp":1,"metric":{"metricName":"a","metricValue":true,"step":null}}}"#,
                "a value",
            ),
            (
                r#"{"type":"metric_msg","payload":{"local_timestamp":1,"metric":{"metricName":"a","metricValue":1}}}"#,
                "a step",
            ),
            (r#"{"type":"log_other","payload":{"key":1,"value":2}}"#, "what log_other takes"),
        ] {
            let error = line(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert_eq!(line(r#"{"type":"graph","payload":{"graph":"x"}}"#), Ok(Line::Other("graph".into())));
    }
}
