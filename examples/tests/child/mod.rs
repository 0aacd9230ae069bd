//! An example program as a child of a test: what it says, where it listens, how it ends.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};
use telemetry_tests::http;
use telemetry_tests::parser::{self, Exposition};

/// A year takes a minute, and the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running program. Killed when dropped.
pub struct Child {
    process: std::process::Child,
    output: Arc<Mutex<String>>,
    error: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// What a program left.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub output: String,
    pub error: String,
}

impl Child {
    /// Starts a program in a folder; its metrics are on a free port.
    pub fn start(program: &str, folder: &Path, arguments: &[&str]) -> Child {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(folder)
            .env("TELEMETRY_LISTEN", "127.0.0.1:0")
            .env("TELEMETRY_REPORT", "text")
            // Nobody's account is to get what tests do.
            .env_remove("COMET_API_KEY");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
        let (output, error) = (Arc::default(), Arc::default());
        let readers = vec![read(process.stdout.take().unwrap(), &output), read(process.stderr.take().unwrap(), &error)];
        Child { process, output, error, readers }
    }

    /// Waits until it says this, on either of its outputs.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(|| self.said().contains(text), text);
    }

    fn wait_until(&self, reached: impl Fn() -> bool, what: &str) {
        let end = Instant::now() + PATIENCE;
        while !reached() {
            assert!(Instant::now() < end, "waited in vain for {what}:\n{}", self.said());
            sleep(Duration::from_millis(20));
        }
    }

    fn said(&self) -> String {
        format!("{}{}", self.output.lock().unwrap(), self.error.lock().unwrap())
    }

    /// The address that it says after these words: `the source is at http://127.0.0.1:4711`.
    pub fn address(&self, words: &str) -> SocketAddr {
        let find = || {
            let said = self.said();
            let (_, rest) = said.split_once(&format!("{words} http://"))?;
            let (address, _) = rest.split_once(|end: char| end != '.' && end != ':' && !end.is_ascii_digit())?;
            address.parse().ok()
        };
        self.wait_until(|| find().is_some(), words);
        find().unwrap()
    }

    /// Its metrics now.
    pub fn scrape(&self, metrics: SocketAddr) -> Metrics {
        Metrics(parser::parse(&http::get(metrics, "/metrics").body).unwrap())
    }

    /// Waits until a metric has reached a value.
    pub fn wait_for_metric(&self, metrics: SocketAddr, name: &str, labels: &[(&str, &str)], least: f64) {
        self.wait_until(|| self.scrape(metrics).sum(name, labels) >= least, name);
    }

    /// Sends it a signal: `INT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.process.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.said());
            sleep(Duration::from_millis(20));
        };
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        let (output, error) = (self.output.lock().unwrap().clone(), self.error.lock().unwrap().clone());
        Ended { status, output, error }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read(pipe: impl Read + Send + 'static, into: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = String::new();
        while pipe.read_line(&mut line).is_ok_and(|read| read > 0) {
            into.lock().unwrap().push_str(&line);
            line.clear();
        }
    })
}

/// What a scrape returned.
pub struct Metrics(Exposition);

impl Metrics {
    /// The samples of a name that have all these labels.
    pub fn samples(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&parser::Sample> {
        let samples = self.0.families.iter().flat_map(|family| &family.samples).filter(|sample| sample.name == name);
        let has = |sample: &parser::Sample, (label, value): &(&str, &str)| {
            sample.labels.get(*label).is_some_and(|is| is == value)
        };
        samples.filter(|sample| labels.iter().all(|label| has(sample, label))).collect()
    }

    /// Their sum.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name, labels).iter().map(|sample| sample.value).sum()
    }
}
