//! Requests as the official client (comet-ml 3.58.8) sends them, and what the answers mean.

use super::key::ApiKey;
use super::message::{Content, Git, MetricValue, Output, PICTURE, Parameter, Upload, git_fields};
use super::{limits, message};
use crate::config::push::Authorities;
use crate::config::push::access::{Secret, without_secrets};
use crate::outbound::{self, SHOWN, USER_AGENT, encoded, line};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::time::Duration;
use ureq::http::{HeaderValue, Request as HttpRequest};
use ureq::{Agent, AsSendBody, SendBody};

/// Whose protocol this is; a server may refuse clients that say they are older.
pub(super) const PROTOCOL: &str = "3.58.8";
/// How long everything of a kind waits where a server that says "too many" does not say how long.
const THROTTLED: Duration = Duration::from_secs(60);
/// Put on what it says.
const THROTTLED_MORE: Duration = Duration::from_millis(500);
/// No server is believed to mean more.
const LONGEST_THROTTLE: Duration = Duration::from_secs(3_600);
/// Bytes of an answer that are read.
const MOST_READ: u64 = 4 << 20;

/// One request.
pub(super) struct Request {
    /// In messages: what it carries.
    pub(super) what: String,
    method: &'static str,
    family: Family,
    /// From the family's base, with the query, encoded.
    path: String,
    body: Body,
}

/// Whose address it goes to, and what its headers say.
#[derive(Clone, Copy, PartialEq)]
enum Family {
    /// The client library's endpoints.
    Client,
    /// The public ones.
    Rest,
    /// Two of those have an address under the client library's.
    RestOfClient,
}

enum Body {
    Json(Value),
    /// JSON that is compressed, unless that is switched off.
    Batch(Value),
    Multipart {
        before: Vec<u8>,
        content: Content,
        after: Vec<u8>,
        boundary: String,
    },
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Taken, with what was answered.
    Taken(Value),
    /// Too many: nothing of this kind before so long.
    Throttled(Duration),
    /// Nobody answered, or not in time: the server may have it or not.
    Unreachable(String),
    /// The server failed.
    Failed(String),
    /// Not taken, for good.
    Refused { code: u64, why: String },
}

/// What the server has given a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pub(super) run: String,
    pub(super) project: Option<String>,
    /// Where a person sees the run.
    pub(super) url: Option<String>,
    /// Where the numbering of output lines begins.
    pub(super) offset: u64,
    pub(super) most_image_bytes: u64,
    pub(super) most_asset_bytes: u64,
    /// To be shown to the user.
    pub(super) note: Option<String>,
}

/// How the server is reached.
pub(super) struct Wire {
    agent: Agent,
    key: Secret,
    /// Ends in a slash.
    base: String,
    root: String,
    pub(super) experiment: String,
    header: Option<(String, Secret)>,
    timeout: Duration,
    upload_timeout: Duration,
    compresses: bool,
}

/// What [`Wire::new`] is told.
pub(super) struct Way {
    pub(super) key: ApiKey,
    pub(super) url: String,
    pub(super) experiment: String,
    pub(super) header: Option<(String, Secret)>,
    pub(super) authorities: Option<Authorities>,
    pub(super) checks_certificates: bool,
    pub(super) timeout: Duration,
    pub(super) upload_timeout: Duration,
    pub(super) compresses: bool,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("url", &self.shown()).field("experiment", &self.experiment).finish_non_exhaustive()
    }
}

/// The address of the server itself: scheme and host of the client library's.
pub(super) fn root(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
    Some(format!("{scheme}://{host}/"))
}

impl Wire {
    pub(super) fn new(way: Way) -> Wire {
        let mut base = way.url;
        if !base.ends_with('/') {
            base.push('/');
        }
        Wire {
            agent: outbound::agent_that(way.checks_certificates, way.authorities.as_ref(), None, &base),
            key: way.key.secret,
            root: root(&base).unwrap_or_else(|| base.clone()),
            base,
            experiment: way.experiment,
            header: way.header,
            timeout: way.timeout,
            upload_timeout: way.upload_timeout,
            compresses: way.compresses,
        }
    }

    /// The URL as messages have it.
    pub(super) fn shown(&self) -> String {
        without_secrets(&self.base)
    }

    // Requests.

    pub(super) fn handshake(&self, about: &super::archive::About, is_offline: bool) -> Request {
        use super::config::StartMode;
        let mut body = json!({ "apiKey": self.key.0, "local_timestamp": message::now(), "libVersion": PROTOCOL });
        let (path, more) = match about.mode {
            StartMode::Get => ("logger/get/run", json!({ "previousExperiment": self.experiment })),
            mode => (
                "logger/add/run",
                json!({
                    "experimentKey": self.experiment,
                    "offline": is_offline,
                    "projectName": about.project,
                    "teamName": about.workspace,
                    "getOrCreateEnabled": mode == StartMode::GetOrCreate,
                }),
            ),
        };
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.post("the start of the run", Family::Client, path, Body::Json(body))
    }

    pub(super) fn alive(&self, session: &Session, is_alive: bool, is_offline: bool) -> Request {
        let body = json!({
            "apiKey": self.key.0,
            "runId": session.run,
            "experimentKey": self.experiment,
            "projectId": session.project,
            "is_alive": is_alive,
            "local_timestamp": message::now(),
            "offline": is_offline,
        });
        self.post("that the run lives or has ended", Family::Client, "status-report/update", Body::Json(body))
    }

    pub(super) fn metrics(&self, values: &[MetricValue]) -> Request {
        let all: Vec<Value> = values
            .iter()
            .map(|value| {
                json!({
                    "metricName": &*value.name,
                    "metricValue": limits::number(value.value),
                    "step": value.step,
                    "epoch": value.epoch,
                    "context": value.context.as_deref(),
                    "timestamp": value.at,
                })
            })
            .collect();
        let body = json!({ "experimentKey": self.experiment, "values": all });
        let what = format!("{} values of metrics", values.len());
        self.post(&what, Family::Client, "batch/logger/experiment/metric", Body::Batch(body))
    }

    pub(super) fn parameters(&self, parameters: &[Parameter]) -> Request {
        let all: Vec<Value> = parameters
            .iter()
            .map(|parameter| {
                json!({
                    "parameterName": parameter.name,
                    "parameterValue": parameter.value,
                    "step": parameter.step,
                    "source": "manual",
                    "context": parameter.context.as_deref(),
                    "timestamp": parameter.at,
                })
            })
            .collect();
        let body = json!({ "experimentKey": self.experiment, "values": all });
        let what = format!("{} parameters", parameters.len());
        self.post(&what, Family::Client, "batch/logger/experiment/parameter", Body::Batch(body))
    }

    pub(super) fn tags(&self, tags: &[String]) -> Request {
        let body = json!({ "apiKey": self.key.0, "experimentKey": self.experiment, "addedTags": tags });
        self.post("tags", Family::Client, "tags/add-tags-to-experiment", Body::Json(body))
    }

    pub(super) fn other(&self, key: &str, value: &Value) -> Request {
        let body = json!({ "experimentKey": self.experiment, "key": key, "value": value, "timestamp": message::now() });
        self.post(&format!("the other {key:?}"), Family::Rest, "write/experiment/log-other", Body::Json(body))
    }

    pub(super) fn html(&self, html: &str, at: u64) -> Request {
        let body = json!({ "experimentKey": self.experiment, "html": html, "override": false, "timestamp": at });
        self.post("HTML", Family::Rest, "write/experiment/html", Body::Json(body))
    }

    /// Lines of one of the two streams.
    pub(super) fn output(&self, lines: &[Output], offset: u64) -> Request {
        let all: Vec<Value> = lines
            .iter()
            .zip(offset..)
            .map(|(line, offset)| json!({ "stderr": line.is_error, "output": line.text, "localTimestamp": line.at, "offset": offset }))
            .collect();
        let body = json!({ "experimentKey": self.experiment, "runContext": null, "outputLines": all });
        self.post("lines of output", Family::RestOfClient, "write/experiment/output", Body::Batch(body))
    }

    pub(super) fn file_path(&self, path: &str) -> Request {
        let body = json!({ "experimentKey": self.experiment, "filePath": path });
        self.post("the program's file", Family::Rest, "write/experiment/file-path", Body::Json(body))
    }

    pub(super) fn git(&self, git: &Git) -> Request {
        let mut body = git_fields(git);
        if let Some(body) = body.as_object_mut() {
            body.insert("experimentKey".to_owned(), self.experiment.as_str().into());
        }
        self.post("the commit", Family::Rest, "write/experiment/git/metadata", Body::Json(body))
    }

    pub(super) fn system(&self, key: &str, value: &Value) -> Request {
        let lines = json!([{ "key": key, "value": value }]);
        let body = json!({ "experimentKey": self.experiment, "logAdditionalSystemInfoList": lines });
        self.post("facts of the machine", Family::RestOfClient, "write/experiment/system-details", Body::Json(body))
    }

    pub(super) fn error(&self, error: &str) -> Request {
        let body = json!({ "experimentKey": self.experiment, "isAlive": true, "error": error, "hasCrashed": true });
        self.post("that the run failed", Family::Rest, "write/experiment/update-status", Body::Json(body))
    }

    pub(super) fn offline_times(&self, session: &Session, start: u64, end: u64) -> Request {
        let body = json!({
            "apiKey": self.key.0,
            "runId": session.run,
            "experimentKey": self.experiment,
            "startTimestamp": start,
            "endTimestamp": end,
        });
        self.post("when the run was", Family::Client, "status-report/offline-metadata", Body::Json(body))
    }

    pub(super) fn not_throttled(&self) -> Request {
        let path = format!("write/experiment/{}/mark-not-throttled", self.experiment);
        self.post("that all is through", Family::Rest, &path, Body::Json(json!({})))
    }

    pub(super) fn upload(&self, session: &Session, upload: &Upload) -> Request {
        let is_picture = upload.kind == PICTURE;
        let mut query = vec![("experimentId", self.experiment.clone()), ("runId", session.run.clone())];
        query.extend(session.project.clone().map(|project| ("projectId", project)));
        query.extend(upload.step.map(|step| ("step", step.to_string())));
        query.push(("overwrite", if upload.overwrites { "True" } else { "False" }.to_owned()));
        query.extend(upload.context.as_deref().map(|context| ("context", context.to_owned())));
        query.extend(upload.extension.clone().map(|extension| ("extension", extension)));
        if is_picture {
            query.push(("imageId", upload.id.clone()));
            query.push(("figName", upload.name.clone()));
            query.extend(upload.figure.map(|number| ("figCounter", number.to_string())));
        } else {
            query.push(("assetId", upload.id.clone()));
            query.push(("fileName", upload.name.clone()));
            query.extend((upload.kind != "asset").then(|| ("type", upload.kind.to_string())));
            query.extend(upload.epoch.map(|epoch| ("epoch", epoch.to_string())));
        }
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let path = if is_picture { "visualizations/upload" } else { "asset/upload" };
        // Nobody else's bytes have it.
        let boundary = format!("telemetry-{}", message::id());
        let before =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\r\n");
        let mut after = "\r\n".to_owned();
        if upload.metadata.as_object().is_some_and(|metadata| !metadata.is_empty()) {
            after.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{}\r\n",
                upload.metadata
            ));
        }
        after.push_str(&format!("--{boundary}--\r\n"));
        let body = Body::Multipart {
            before: before.into_bytes(),
            content: upload.content.clone(),
            after: after.into_bytes(),
            boundary,
        };
        self.post(
            &format!("{} {:?}", upload.kind, upload.name),
            Family::Client,
            &format!("{path}?{}", query.join("&")),
            body,
        )
    }

    fn post(&self, what: &str, family: Family, path: &str, body: Body) -> Request {
        Request { what: what.to_owned(), method: "POST", family, path: path.to_owned(), body }
    }

    // Sending.

    /// Sends it once, and waits no longer than until then where a request's own time would be longer.
    pub(super) fn send(&self, request: &Request, most: Duration) -> Outcome {
        let time = if matches!(request.body, Body::Multipart { .. }) { self.upload_timeout } else { self.timeout };
        match self.ask(request, time.min(most).max(Duration::from_millis(1))) {
            Ok(outcome) => outcome,
            Err(ureq::Error::Timeout(_)) => Outcome::Unreachable(format!("{} did not answer in time", self.shown())),
            // A file of the user's that is not there any more is nobody's fault but its own.
            Err(ureq::Error::Io(error)) if is_of_file(request, &error) => {
                Outcome::Refused { code: 0, why: error.to_string() }
            }
            Err(error) => Outcome::Unreachable(self.words(&format!("{}: {error}", self.shown()))),
        }
    }

    fn ask(&self, request: &Request, time: Duration) -> Result<Outcome, ureq::Error> {
        let base = match request.family {
            Family::Client => self.base.clone(),
            Family::Rest => format!("{}api/rest/v2/", self.root),
            Family::RestOfClient => format!("{}clientlib/rest/v2/", self.root),
        };
        let mut key = HeaderValue::from_str(&self.key.0).map_err(ureq::http::Error::from)?;
        // Not to be shown where the HTTP client logs what it does.
        key.set_sensitive(true);
        let mut builder = HttpRequest::builder()
            .method(request.method)
            .uri(format!("{base}{}", request.path))
            .header("Authorization", key)
            .header("User-Agent", USER_AGENT)
            .header("X-COMET-DEBUG-SDK-VERSION", PROTOCOL);
        builder = match request.family {
            Family::Client => builder.header("X-COMET-DEBUG-EXPERIMENT-KEY", &self.experiment),
            _ => builder.header("X-COMET-SDK-SOURCE", "Experiment"),
        };
        if let Some((name, Secret(value))) = &self.header {
            builder = builder.header(name, value);
        }
        let json = "application/json;charset=utf-8";
        match &request.body {
            Body::Json(body) => self.run(builder.header("Content-Type", json).body(body.to_string())?, time),
            Body::Batch(body) if self.compresses => {
                let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
                packed.write_all(body.to_string().as_bytes())?;
                let builder = builder.header("Content-Type", json).header("Content-Encoding", "gzip");
                self.run(builder.body(packed.finish()?)?, time)
            }
            Body::Batch(body) => self.run(builder.header("Content-Type", json).body(body.to_string())?, time),
            Body::Multipart { before, content, after, boundary } => {
                let (content, length): (Box<dyn Read + Send>, u64) = match content {
                    Content::Bytes(bytes) => (Box::new(Cursor::new(bytes.clone())), bytes.len() as u64),
                    Content::File(path) => {
                        let file = File::open(path)?;
                        let length = file.metadata()?.len();
                        // It may grow meanwhile, and the length is told before.
                        (Box::new(file.take(length)), length)
                    }
                };
                let length = before.len() as u64 + length + after.len() as u64;
                let body = Cursor::new(before.clone()).chain(content).chain(Cursor::new(after.clone()));
                let builder = builder
                    .header("Content-Type", format!("multipart/form-data; boundary={boundary}"))
                    .header("Content-Length", length);
                self.run(builder.body(SendBody::from_owned_reader(body))?, time)
            }
        }
    }

    fn run<B: AsSendBody>(&self, request: HttpRequest<B>, time: Duration) -> Result<Outcome, ureq::Error> {
        let request = self.agent.configure_request(request).timeout_global(Some(time)).build();
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        let bytes = match body.with_config().limit(MOST_READ).read_to_vec() {
            Ok(bytes) => bytes,
            // It was answered; few answers matter.
            Err(error) if parts.status.is_success() => return Ok(Outcome::Failed(error.to_string())),
            Err(error) => return Err(error),
        };
        let said: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let code = parts.status.as_u16();
        let text = said
            .get("msg")
            .and_then(Value::as_str)
            .map_or_else(|| String::from_utf8_lossy(&bytes).into_owned(), str::to_owned);
        let why = self.words(&format!("{code} {text}"));
        Ok(match code {
            200..300 => Outcome::Taken(said),
            429 => Outcome::Throttled(throttle(parts.headers.get("Retry-After-Custom"))),
            500.. => Outcome::Failed(why),
            _ => {
                let sdk_code = ["sdk_error_code", "sdkErrorCode"].iter().find_map(|field| said.get(field)?.as_u64());
                match sdk_code {
                    // The official client tries these again, too.
                    None if matches!(code, 401 | 403) => Outcome::Failed(why),
                    sdk_code => Outcome::Refused { code: sdk_code.unwrap_or(0), why },
                }
            }
        })
    }

    /// A text as one line with an end, without the key that a server may have said back.
    pub(super) fn words(&self, text: &str) -> String {
        let mut said = text.replace(&self.key.0, "…");
        if let Some((key, _)) = self.key.0.split_once('*') {
            said = said.replace(key, "…");
        }
        if let Some((_, Secret(value))) = &self.header
            && !value.is_empty()
        {
            said = said.replace(value, "…");
        }
        let said = line(&said);
        let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
        said.chars().take(shown).collect()
    }
}

fn is_of_file(request: &Request, error: &io::Error) -> bool {
    use io::ErrorKind::{IsADirectory, NotFound, PermissionDenied};
    let is_file = matches!(&request.body, Body::Multipart { content: Content::File(_), .. });
    is_file && matches!(error.kind(), NotFound | PermissionDenied | IsADirectory)
}

fn throttle(header: Option<&HeaderValue>) -> Duration {
    let said = header.and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    let said = said
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
        .map(|seconds| seconds.min(LONGEST_THROTTLE.as_secs_f64()));
    said.map_or(THROTTLED, Duration::from_secs_f64) + THROTTLED_MORE
}

/// What the server gave at the start; `None` where it gave no run.
pub(super) fn session(answer: &Value, experiment: &str) -> Option<Session> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let mebibytes = |name: &str| answer.get(name).and_then(Value::as_u64).and_then(|size| size.checked_mul(1 << 20));
    Some(Session {
        run: text("runId")?,
        project: text("project_id"),
        url: text("focusUrl").map(|url| format!("{url}{experiment}")),
        offset: answer.get("lastOffset").and_then(Value::as_u64).unwrap_or(0),
        most_image_bytes: mebibytes("upload_file_size_limit_in_mb").unwrap_or(limits::IMAGE_BYTES),
        most_asset_bytes: mebibytes("asset_upload_file_size_limit_in_mb").unwrap_or(limits::ASSET_BYTES),
        note: text("msg"),
    })
}

/// How often the server wants to hear that the run lives.
pub(super) fn beat(answer: &Value) -> Option<Duration> {
    let millis = answer.get("is_alive_beat_duration_millis")?.as_u64()?;
    // More often than that no server needs it, and more rarely it would not notice.
    Some(Duration::from_millis(millis.clamp(500, 600_000)))
}

/// Codes after which nothing more is taken of this run.
pub(super) fn is_fatal(code: u64) -> bool {
    matches!(
        code,
        90212 | 90219 | 98219 | 1341241 | 90999 | 90210 | 7_000_011 | 7_000_020 | 7_000_008 | 7_000_023 | 34_323
    )
}

/// Codes after which no more files of that type are taken.
pub(super) fn is_full(code: u64) -> bool {
    matches!(code, 7_000_001 | 7_000_012..=7_000_018)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_is_obeyed_as_said() {
        let said = |text: &'static str| throttle(Some(&HeaderValue::from_static(text)));
        assert_eq!(said("3"), Duration::from_millis(3_500));
        assert_eq!(throttle(None), Duration::from_millis(60_500));
        assert_eq!(said("soon"), Duration::from_millis(60_500));
        assert_eq!(said("1e300"), LONGEST_THROTTLE + THROTTLED_MORE);
        assert_eq!(said("-1"), Duration::from_millis(60_500));
    }

    #[test]
    fn the_root_is_scheme_and_host() {
        assert_eq!(root("https://www.comet.com/clientlib/").as_deref(), Some("https://www.comet.com/"));
        assert_eq!(root("http://127.0.0.1:8080").as_deref(), Some("http://127.0.0.1:8080/"));
        assert_eq!(root("nowhere"), None);
    }

    #[test]
    fn names_are_encoded_in_queries() {
        assert_eq!(encoded("a b&c=ä/+"), "a%20b%26c%3D%C3%A4%2F%2B");
    }
}
