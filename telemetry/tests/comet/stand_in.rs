//! A Comet server on loopback: it judges every request by what the official client (comet-ml 3.58.8) was seen to send, keeps what arrives, and fails as it is told.

use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

pub const KEY: &str = "0123456789abcdefghijABCDE";

/// What is done in place of an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, with an error of this code.
    Status(u16, u64),
    /// 429, with the seconds in Comet's own header.
    Throttle(f64),
    /// No answer for so long, and then none.
    Hang(Duration),
    /// The connection is closed before the request is read.
    Refuse,
    /// So many bytes of the body are read, and then the connection is closed.
    Cut(usize),
    /// The answer comes a byte at a time, with this pause.
    Slow(Duration),
    /// A page of HTML in place of JSON.
    Html,
}

/// A file that arrived.
#[derive(Clone, Debug)]
pub struct Asset {
    pub query: BTreeMap<String, String>,
    pub bytes: Vec<u8>,
    pub is_picture: bool,
}

/// What the server knows.
#[derive(Default)]
pub struct Kept {
    /// Paths, in their order, with when they came.
    pub requests: Vec<(Instant, String)>,
    pub faults: Vec<String>,
    pub metrics: Vec<Value>,
    pub parameters: Vec<Value>,
    pub others: Vec<(String, Value)>,
    pub tags: Vec<String>,
    pub html: Vec<String>,
    pub output: Vec<Value>,
    pub assets: Vec<Asset>,
    pub handshakes: Vec<Value>,
    pub statuses: Vec<Value>,
    pub errors: Vec<Value>,
    pub offline: Vec<Value>,
    pub git: Vec<Value>,
    pub system: Vec<Value>,
    pub files: Vec<String>,
    pub not_throttled: usize,
    /// By what a path contains, which of its requests (from 1; 0: all), and what is done.
    rules: Vec<(String, usize, Fault)>,
    counts: BTreeMap<String, usize>,
    /// What requests of the official client alone do.
    is_official: bool,
    throttled_until: BTreeMap<String, Instant>,
}

/// The server, until it is dropped.
pub struct StandIn {
    pub address: std::net::SocketAddr,
    kept: Arc<Mutex<Kept>>,
    ends: Arc<AtomicBool>,
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl StandIn {
    pub fn start() -> StandIn {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (kept, ends) = (Arc::new(Mutex::new(Kept::default())), Arc::new(AtomicBool::new(false)));
        let (of_thread, until) = (Arc::clone(&kept), Arc::clone(&ends));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if until.load(SeqCst) {
                    return;
                }
                let (Ok(stream), kept) = (stream, Arc::clone(&of_thread)) else { continue };
                thread::spawn(move || serve(stream, &kept));
            }
        });
        StandIn { address, kept, ends }
    }

    /// The base of the client library's endpoints.
    pub fn url(&self) -> String {
        format!("http://{}/clientlib/", self.address)
    }

    /// Does that to the `nth` request (from 1; 0: to all) whose path contains this.
    pub fn when(&self, path: &str, nth: usize, fault: Fault) {
        self.kept().rules.push((path.to_owned(), nth, fault));
    }

    /// From now on it is well.
    pub fn heal(&self) {
        self.kept().rules.clear();
    }

    pub fn official(&self) {
        self.kept().is_official = true;
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    #[track_caller]
    pub fn judge(&self) {
        let kept = self.kept();
        assert!(kept.faults.is_empty(), "{:#?}", kept.faults);
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.ends.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Kept {
    pub fn values(&self, name: &str) -> Vec<f64> {
        let values = self.metrics.iter().filter(|value| value["metricName"] == name);
        values.map(|value| value["metricValue"].as_f64().unwrap_or(f64::NAN)).collect()
    }

    pub fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters.iter().rfind(|value| value["parameterName"] == name).map(|value| &value["parameterValue"])
    }

    pub fn other(&self, name: &str) -> Option<&Value> {
        self.others.iter().rfind(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets
            .iter()
            .find(|asset| [asset.query.get("fileName"), asset.query.get("figName")].contains(&Some(&name.to_owned())))
    }

    pub fn paths(&self, containing: &str) -> usize {
        self.requests.iter().filter(|(_, path)| path.contains(containing)).count()
    }
}

fn serve(stream: TcpStream, kept: &Mutex<Kept>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    while let Some((mut request, length)) = head(&mut reader) {
        let fault = {
            let mut kept = kept.lock().unwrap();
            kept.requests.push((Instant::now(), request.path.clone()));
            let mut found = None;
            for (rule, (path, nth, fault)) in kept.rules.clone().iter().enumerate() {
                if request.path.contains(path) {
                    let count = kept.counts.entry(format!("{rule} {path}")).or_default();
                    *count += 1;
                    if *nth == 0 || *nth == *count {
                        found = Some(fault.clone());
                    }
                }
            }
            found
        };
        match &fault {
            Some(Fault::Refuse) => return,
            Some(Fault::Cut(bytes)) => {
                let mut some = vec![0; (*bytes).min(length.unwrap_or(*bytes))];
                let _ = reader.read_exact(&mut some);
                return;
            }
            _ => {}
        }
        request.body = match body(&mut reader, length) {
            Ok(body) => body,
            Err(_) => return,
        };
        if let Some(Fault::Hang(time)) = fault {
            thread::sleep(time);
            return;
        }
        let (status, answer, header) = match &fault {
            Some(Fault::Status(status, code)) => (
                *status,
                json!({ "msg": format!("as told, for {KEY}"), "code": status, "data": null, "sdk_error_code": code })
                    .to_string(),
                String::new(),
            ),
            Some(Fault::Throttle(seconds)) => {
                let mut kept = kept.lock().unwrap();
                kept.throttled_until.insert(request.path.clone(), Instant::now() + Duration::from_secs_f64(*seconds));
                (429, "{}".to_owned(), format!("Retry-After-Custom: {seconds}\r\n"))
            }
            Some(Fault::Html) => (502, "<html><body>Bad Gateway</body></html>".to_owned(), String::new()),
            _ => (200, kept.lock().unwrap().take(&request).to_string(), String::new()),
        };
        let text = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{header}Content-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        let written = if let Some(Fault::Slow(pause)) = fault {
            text.bytes().try_for_each(|byte| {
                thread::sleep(pause);
                writer.write_all(&[byte])
            })
        } else {
            writer.write_all(text.as_bytes())
        };
        if written.is_err() {
            return;
        }
    }
}

fn head(reader: &mut impl BufRead) -> Option<(Request, Option<usize>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    Some((Request { method, path: path.to_owned(), query, headers, body: Vec::new() }, length))
}

fn body(reader: &mut impl BufRead, length: Option<usize>) -> std::io::Result<Vec<u8>> {
    let Some(length) = length else { return Ok(Vec::new()) };
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Kept {
    fn fault(&mut self, path: &str, what: impl std::fmt::Display) {
        self.faults.push(format!("{path}: {what}"));
    }

    /// Judges a request, keeps what it brings, and answers.
    fn take(&mut self, request: &Request) -> Value {
        let path = request.path.clone();
        self.headers(request);
        if self.throttled_until.get(&path).is_some_and(|until| Instant::now() < *until) {
            self.fault(&path, "it comes although it was throttled");
        }
        let Some(end) = path.strip_prefix("/clientlib/").or_else(|| path.strip_prefix("/api/rest/v2/")) else {
            self.fault(&path, "there is no such address");
            return json!({});
        };
        let has_begun = !self.handshakes.is_empty();
        let is_first = matches!(end, "logger/add/run" | "logger/get/run" | "isAlive/ver");
        if !has_begun && !is_first {
            self.fault(&path, "it comes before the handshake");
        }
        let is_over = self.statuses.last().is_some_and(|status| status["is_alive"] == false);
        let may_follow =
            ["status-report/offline-metadata", "isAlive/ver", "asset/upload", "visualizations/upload", "health/ping"];
        if is_over && !may_follow.contains(&end) && !is_first && !self.is_official {
            self.fault(&path, "it comes after the end of the run");
        }
        if end.ends_with("/upload") {
            self.file(request, end.starts_with("visualizations"));
            return json!({});
        }
        let body = self.json(request);
        match end {
            "isAlive/ver" => return json!({ "version": "4.40.0" }),
            "health/ping" | "notification/experiment" | "asset/3d-limits" => {}
            "logger/add/run" => {
                let fields = [
                    "apiKey",
                    "local_timestamp",
                    "experimentKey",
                    "offline",
                    "projectName",
                    "teamName",
                    "libVersion",
                    "getOrCreateEnabled",
                ];
                self.fields(&path, &body, &fields);
                self.is(&path, &body, "libVersion", body["libVersion"] == "3.58.8");
                self.is(&path, &body, "apiKey", body["apiKey"] == KEY);
                let key = body["experimentKey"].as_str().unwrap_or_default();
                self.is(
                    &path,
                    &body,
                    "experimentKey",
                    (32..=50).contains(&key.len()) && key.chars().all(|c| c.is_ascii_alphanumeric()),
                );
                self.handshakes.push(body);
                return json!({ "runId": "8d00", "project_id": "5100", "focusUrl": format!("http://example.com/team/project/"), "lastOffset": 3, "s3DirectAccessEnabled": false, "unknown": 1 });
            }
            "logger/get/run" => {
                self.fields(&path, &body, &["apiKey", "local_timestamp", "previousExperiment", "libVersion"]);
                self.handshakes.push(body);
                return json!({ "runId": "8d01", "project_id": "5100", "lastOffset": 100 });
            }
            "status-report/update" => {
                self.fields(
                    &path,
                    &body,
                    &["apiKey", "runId", "experimentKey", "projectId", "is_alive", "local_timestamp", "offline"],
                );
                self.is(&path, &body, "runId", body["runId"].as_str().is_some_and(|run| run.starts_with("8d")));
                self.is(&path, &body, "projectId", body["projectId"] == "5100");
                self.is(&path, &body, "is_alive", body["is_alive"].is_boolean());
                self.statuses.push(body);
                return json!({ "is_alive_beat_duration_millis": 1000, "gpu_monitor_interval_millis": 60000, "cpu_monitor_interval_millis": 68000, "parameter_update_interval_millis": 10000, "pending_rpcs": false });
            }
            "status-report/offline-metadata" => {
                self.fields(&path, &body, &["apiKey", "runId", "experimentKey", "startTimestamp", "endTimestamp"]);
                self.offline.push(body);
            }
            "batch/logger/experiment/metric" => {
                self.fields(&path, &body, &["experimentKey", "values"]);
                for value in body["values"].as_array().cloned().unwrap_or_default() {
                    self.fields(&path, &value, &["metricName", "metricValue", "step", "epoch", "context", "timestamp"]);
                    self.name(&path, &value, "metricName");
                    self.time(&path, &value, "timestamp");
                    let is_value = value["metricValue"].is_number()
                        || ["NaN", "Infinity", "-Infinity"].iter().any(|word| value["metricValue"] == *word);
                    self.is(&path, &value, "metricValue", is_value);
                    self.is(&path, &value, "step", value["step"].is_null() || value["step"].is_u64());
                    self.metrics.push(value);
                }
                let count = body["values"].as_array().map_or(0, Vec::len);
                self.is(&path, &json!(count), "values", (1..=1_000).contains(&count) || self.is_official);
            }
            "batch/logger/experiment/parameter" => {
                self.fields(&path, &body, &["experimentKey", "values"]);
                for value in body["values"].as_array().cloned().unwrap_or_default() {
                    self.fields(
                        &path,
                        &value,
                        &["parameterName", "parameterValue", "step", "source", "context", "timestamp"],
                    );
                    self.name(&path, &value, "parameterName");
                    self.time(&path, &value, "timestamp");
                    let is_plain = |value: &Value| !value.is_object() && !value.is_array();
                    let is_flat = is_plain(&value["parameterValue"])
                        || value["parameterValue"].as_array().is_some_and(|list| list.iter().all(is_plain));
                    self.is(&path, &value, "parameterValue", is_flat);
                    self.text(&path, &value["parameterValue"]);
                    self.parameters.push(value);
                }
            }
            "tags/add-tags-to-experiment" => {
                self.fields(&path, &body, &["apiKey", "experimentKey", "addedTags"]);
                let tags = body["addedTags"].as_array().cloned().unwrap_or_default();
                self.is(
                    &path,
                    &body,
                    "addedTags",
                    !tags.is_empty() && tags.iter().all(|tag| tag.as_str().is_some_and(|tag| !tag.is_empty())),
                );
                self.tags.extend(tags.iter().filter_map(|tag| tag.as_str().map(str::to_owned)));
            }
            "write/experiment/log-other" => {
                self.some_fields(&path, &body, &["experimentKey", "key", "value"], &["timestamp"]);
                self.name(&path, &body, "key");
                self.text(&path, &body["value"]);
                self.is(&path, &body, "value", !body["value"].is_array() && !body["value"].is_object());
                self.others.push((body["key"].as_str().unwrap_or_default().to_owned(), body["value"].clone()));
            }
            "write/experiment/html" => {
                self.fields(&path, &body, &["experimentKey", "html", "override", "timestamp"]);
                if !self.is_official {
                    self.time(&path, &body, "timestamp");
                }
                self.html.push(body["html"].as_str().unwrap_or_default().to_owned());
            }
            "rest/v2/write/experiment/output" | "write/experiment/output" => {
                self.fields(&path, &body, &["experimentKey", "runContext", "outputLines"]);
                let lines = body["outputLines"].as_array().cloned().unwrap_or_default();
                let streams: std::collections::BTreeSet<_> =
                    lines.iter().map(|line| line["stderr"].as_bool()).collect();
                self.is(&path, &body, "outputLines", streams.len() == 1);
                for line in &lines {
                    self.fields(&path, line, &["stderr", "output", "localTimestamp", "offset"]);
                }
                self.output.extend(lines);
            }
            "rest/v2/write/experiment/system-details" | "write/experiment/system-details" => self.system.push(body),
            "write/experiment/dependencies"
            | "write/experiment/graph"
            | "write/experiment/cloud-details"
            | "write/experiment/code" => {}
            "write/experiment/file-path" => {
                self.fields(&path, &body, &["experimentKey", "filePath"]);
                self.files.push(body["filePath"].as_str().unwrap_or_default().to_owned());
            }
            "write/experiment/git/metadata" => {
                self.fields(&path, &body, &["experimentKey", "user", "root", "branch", "parent", "origin"]);
                self.git.push(body);
            }
            "write/experiment/update-status" => {
                self.fields(&path, &body, &["experimentKey", "isAlive", "error", "hasCrashed"]);
                self.errors.push(body);
            }
            "experiment/metadata" => return json!({ "throttle": false }),
            other if other.ends_with("/mark-not-throttled") => self.not_throttled += 1,
            _ => self.fault(&path, "there is no such endpoint"),
        }
        json!({ "msg": "Saved" })
    }

    fn headers(&mut self, request: &Request) {
        let path = request.path.clone();
        let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
        if header("authorization") != KEY {
            self.fault(&path, "the header Authorization is not the key");
        }
        if header("x-comet-debug-sdk-version") != "3.58.8" {
            self.fault(&path, "the header X-COMET-DEBUG-SDK-VERSION lacks");
        }
        let is_client = path.starts_with("/clientlib/") && !path.contains("rest/v2") && !path.ends_with("isAlive/ver");
        if is_client && header("x-comet-debug-experiment-key").is_empty() {
            self.fault(&path, "the header X-COMET-DEBUG-EXPERIMENT-KEY lacks");
        }
        let is_rest = path.contains("rest/v2");
        if is_rest && !self.is_official && !["Experiment", "API"].contains(&header("x-comet-sdk-source").as_str()) {
            self.fault(&path, "the header X-COMET-SDK-SOURCE lacks");
        }
        let is_post = request.method == "POST";
        let is_batch = path.contains("/batch/") || path.ends_with("/output");
        if is_post
            && is_batch != (header("content-encoding") == "gzip")
            && !(self.is_official && path.ends_with("/output"))
        {
            self.fault(&path, "batches are compressed, and nothing else is");
        }
        let kind = header("content-type");
        if is_post && path.ends_with("/upload") {
            if !kind.starts_with("multipart/form-data; boundary=") {
                self.fault(&path, format!("its type is {kind}"));
            }
        } else if is_post && kind != "application/json;charset=utf-8" {
            self.fault(&path, format!("its type is {kind}"));
        }
    }

    fn json(&mut self, request: &Request) -> Value {
        if request.method == "GET" {
            return Value::Null;
        }
        let mut text = Vec::new();
        if request.headers.get("content-encoding").is_some_and(|coding| coding == "gzip") {
            if GzDecoder::new(&*request.body).read_to_end(&mut text).is_err() {
                self.fault(&request.path, "it is not compressed by gzip");
            }
        } else {
            text.clone_from(&request.body);
        }
        match serde_json::from_slice(&text) {
            Ok(Value::Object(body)) => Value::Object(body),
            _ => {
                self.fault(&request.path, "its body is no JSON object");
                Value::Object(Map::new())
            }
        }
    }

    fn fields(&mut self, path: &str, object: &Value, fields: &[&str]) {
        self.some_fields(path, object, fields, &[]);
    }

    fn some_fields(&mut self, path: &str, object: &Value, fields: &[&str], others: &[&str]) {
        let there: Vec<String> = object.as_object().into_iter().flat_map(Map::keys).cloned().collect();
        for field in fields.iter().filter(|field| !there.iter().any(|name| name == *field)) {
            self.fault(path, format!("{field} lacks"));
        }
        for field in there.iter().filter(|field| !fields.contains(&field.as_str()) && !others.contains(&field.as_str()))
        {
            self.fault(path, format!("{field} is too much"));
        }
        if object.get("experimentKey").is_some_and(|key| key.as_str().is_none_or(|key| key.len() < 32)) {
            self.fault(path, "experimentKey is none");
        }
    }

    fn is(&mut self, path: &str, object: &Value, field: &str, is_right: bool) {
        if !is_right {
            self.fault(path, format!("{field} is wrong in {object}"));
        }
    }

    fn name(&mut self, path: &str, object: &Value, field: &str) {
        let is_right = object[field].as_str().is_some_and(|name| !name.is_empty() && name.chars().count() <= 100);
        self.is(path, object, field, is_right);
    }

    fn text(&mut self, path: &str, value: &Value) {
        if value.as_str().is_some_and(|text| text.chars().count() > 1_000) {
            self.fault(path, "a text has more than 1000 characters");
        }
    }

    fn time(&mut self, path: &str, object: &Value, field: &str) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64;
        let is_right = object[field].as_u64().is_some_and(|time| time > 1_500_000_000_000 && time <= now + 1_000);
        self.is(path, object, field, is_right);
    }

    fn file(&mut self, request: &Request, is_picture: bool) {
        let path = request.path.clone();
        let query = request.query.clone();
        let has = |name: &str| query.get(name).is_some_and(|value| !value.is_empty());
        let mut needed = vec!["experimentId", "projectId", "runId", "overwrite"];
        needed.extend(if is_picture { ["imageId", "figName", "figCounter"] } else { ["assetId", "fileName", "runId"] });
        for name in needed.iter().filter(|name| !has(name)) {
            self.fault(&path, format!("{name} lacks in the query"));
        }
        let known = [
            "experimentId",
            "projectId",
            "runId",
            "step",
            "overwrite",
            "context",
            "extension",
            "assetId",
            "fileName",
            "type",
            "epoch",
            "imageId",
            "figName",
            "figCounter",
        ];
        for name in query.keys().filter(|name| !known.contains(&name.as_str())) {
            self.fault(&path, format!("{name} is too much in the query"));
        }
        let id = query.get(if is_picture { "imageId" } else { "assetId" }).cloned().unwrap_or_default();
        if id.len() != 32 || !id.chars().all(|c| c.is_ascii_hexdigit()) {
            self.fault(&path, format!("{id:?} is no id"));
        }
        if !["True", "False"].contains(&query.get("overwrite").map_or("", String::as_str)) {
            self.fault(&path, "overwrite is spelled otherwise");
        }
        let types = [
            "",
            "asset",
            "audio",
            "video",
            "embeddings",
            "histogram3d",
            "text-sample",
            "model-element",
            "curve",
            "notebook",
            "source_code",
            "dataframe",
            "confusion-matrix",
        ];
        let kind = query.get("type").cloned().unwrap_or_default();
        if !types.contains(&kind.as_str()) {
            self.fault(&path, format!("type {kind:?} is none"));
        }
        let Some(bytes) = parts(&request.headers["content-type"], &request.body) else {
            self.fault(&path, "its parts are not well formed");
            return;
        };
        let document: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let is_well = match kind.as_str() {
            "histogram3d" => {
                has("step")
                    && document["version"] == 2
                    && document["index_values"].as_array().is_some_and(|bins| !bins.is_empty())
                    && document["step"] == 1.1
            }
            "curve" => {
                document["x"].as_array().map(Vec::len) == document["y"].as_array().map(Vec::len)
                    && document["name"].is_string()
            }
            "confusion-matrix" => {
                document["matrix"].as_array().map(Vec::len) == document["labels"].as_array().map(Vec::len)
                    && document["version"] == 1
            }
            _ => true,
        };
        if !is_well {
            self.fault(&path, format!("its content is no {kind}: {document}"));
        }
        self.assets.push(Asset { query, bytes, is_picture });
    }
}

/// The file; metadata, if there is any, has to be JSON.
fn parts(kind: &str, body: &[u8]) -> Option<Vec<u8>> {
    let boundary = format!("--{}", kind.split_once("boundary=")?.1.trim_matches('"'));
    let find = |from: usize, what: &[u8]| {
        body[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    if !body.starts_with(boundary.as_bytes()) || !body.ends_with(format!("\r\n{boundary}--\r\n").as_bytes()) {
        return None;
    }
    let (mut at, mut file) = (boundary.len() + 2, None);
    loop {
        let content = find(at, b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&body[at..content]).into_owned();
        let end = find(content, format!("\r\n{boundary}").as_bytes())?;
        if head.contains("name=\"file\"; filename=\"file\"") {
            file = Some(body[content..end].to_vec());
        } else if head.contains("name=\"metadata\"") && !head.contains("filename") {
            serde_json::from_slice::<Map<String, Value>>(&body[content..end]).ok()?;
        } else {
            return None;
        }
        at = end + 2 + boundary.len();
        if body[at..].starts_with(b"--") {
            return file;
        }
        at += 2;
    }
}
