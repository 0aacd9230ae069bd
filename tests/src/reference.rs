//! Other people's parsers: Python's `prometheus_client` for the text formats, Google's `protobuf` for the client model, in one process that
//! answers as long as a test asks.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const PROGRAM: &str = include_str!("reference.py");

/// The running parsers. End when dropped.
pub struct Reference {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// A sample as any reader sees it, comparable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flat {
    /// With its suffix.
    pub name: String,
    /// The values of `le` and `quantile` as Rust writes the number.
    pub labels: BTreeMap<String, String>,
    /// As Rust writes it.
    pub value: String,
    /// Labels, value, and seconds since 1970.
    pub exemplar: Option<(BTreeMap<String, String>, String, String)>,
}

impl Flat {
    /// A sample without an exemplar.
    pub fn new(name: impl Into<String>, labels: BTreeMap<String, String>, value: f64) -> Flat {
        Flat { name: name.into(), labels, value: plain(value), exemplar: None }
    }
}

/// A number as it is compared: a NaN is a NaN, and a zero has no sign, since Python reads `-0` as a whole number.
pub fn plain(value: f64) -> String {
    format!("{:?}", value + 0.0)
}

/// The numbers that stand in labels, written alike.
pub fn alike(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for name in ["le", "quantile", "threshold"] {
        let number = labels.get(name).and_then(|text| text.parse::<f64>().ok());
        number.and_then(|number| labels.insert(name.to_owned(), plain(number)));
    }
    labels
}

impl Reference {
    /// Starts them, from the virtual environment that `ci/install` makes, else from the installed Python. Where they are not there, says so and
    /// returns `None`: the test is then to be left, as skipped.
    ///
    /// # Panics
    /// Where Python does not start.
    pub fn start() -> Option<Reference> {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let pythons = [home.join(".cache/telemetry/python/bin/python"), PathBuf::from("python3")];
        let imports = ["-c", "import google.protobuf, prometheus_client"];
        let has_them =
            |python: &&PathBuf| Command::new(python).args(imports).output().is_ok_and(|ran| ran.status.success());
        let Some(python) = pythons.iter().find(has_them) else {
            let skipped = "SKIPPED: no Python with `prometheus_client` and `protobuf`; `ci/install` makes one";
            let _ = writeln!(std::io::stderr(), "{skipped}");
            return None;
        };
        let mut command = Command::new(python);
        let mut process =
            command.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
        let input = process.stdin.take().expect("its input");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        Some(Reference { process, input, output })
    }

    /// The samples, in order of their names, and the help texts of all families that have one, or what the parser has against it. `format` is
    /// `text`, `openmetrics` or `protobuf`.
    ///
    /// # Panics
    /// Where Python ends.
    pub fn read(&mut self, format: &str, body: &[u8]) -> Result<(Vec<Flat>, Vec<String>), String> {
        let body: String = body.iter().map(|&byte| char::from(byte)).collect();
        writeln!(self.input, "{}", json!({ "format": format, "body": body })).expect("Python listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("Python answers");
        let answer: Value = serde_json::from_str(&line).expect("JSON from Python");
        if let Some(error) = answer["error"].as_str() {
            return Err(error.to_owned());
        }
        let mut samples: Vec<_> = answer["samples"].as_array().expect("samples").iter().map(flat).collect();
        samples.sort();
        let helps = answer["helps"].as_array().expect("texts").iter().filter_map(Value::as_str);
        let mut helps: Vec<_> = helps.filter(|help| !help.is_empty()).map(str::to_owned).collect();
        helps.sort();
        Ok((samples, helps))
    }
}

fn flat(sample: &Value) -> Flat {
    let exemplar = &sample["exemplar"];
    let exemplar = (!exemplar.is_null()).then(|| {
        let at = exemplar["at"].as_str().map_or("none".to_owned(), |_| plain(number(&exemplar["at"])));
        (labels(&exemplar["labels"]), plain(number(&exemplar["value"])), at)
    });
    let name = sample["name"].as_str().expect("a name").to_owned();
    Flat { name, labels: alike(labels(&sample["labels"])), value: plain(number(&sample["value"])), exemplar }
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    let labels = value.as_object().expect("labels").iter();
    labels.map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned())).collect()
}

fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number")
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
