//! A real Prometheus for a test: on loopback, scraping one target every second, ended with the test.

use crate::http::Request;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How often a state is asked for that is waited for.
const STEP: Duration = Duration::from_millis(100);
/// Prometheus is ready after 0.1 s, its first scrape comes after 5 s; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running Prometheus. Ends when dropped, so also when the test panics.
pub struct Prometheus {
    process: Child,
    address: SocketAddr,
    directory: TempDir,
    /// Besides those that all have.
    flags: Vec<String>,
}

/// Takes remote writes, native histograms among them.
const RECEIVES: &[&str] = &["--web.enable-remote-write-receiver", "--enable-feature=native-histograms"];

/// A series of a query's result.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Without `job` and `instance`, which are the server's.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

impl Prometheus {
    /// Starts the installed Prometheus and waits for its first scrape of `target`. Where none is installed, says so and returns `None`: the
    /// test is then to be left, as skipped.
    ///
    /// # Panics
    /// Where Prometheus does not start, or cannot scrape the target.
    pub fn scraping(target: SocketAddr) -> Option<Prometheus> {
        Prometheus::with_features(target, "")
    }

    /// The same, with these of its features switched on: names with commas between them.
    ///
    /// # Panics
    /// As [`Prometheus::scraping`].
    pub fn with_features(target: SocketAddr, features: &str) -> Option<Prometheus> {
        let flag = format!("--enable-feature={features}");
        let flags = if features.is_empty() { &[][..] } else { &[&*flag][..] };
        let prometheus = Prometheus::running(&format!("static_configs: [{{targets: [\"{target}\"]}}]"), flags)?;
        prometheus.wait_for_scrape();
        Some(prometheus)
    }

    /// The same, which also evaluates the rules of these files (`*` is allowed in the last part), every second.
    ///
    /// # Panics
    /// As [`Prometheus::scraping`].
    pub fn with_rules(target: SocketAddr, files: &str) -> Option<Prometheus> {
        let targets = format!("static_configs: [{{targets: [\"{target}\"]}}]");
        let prometheus = Prometheus::running_with(&targets, &format!("rule_files: [\"{files}\"]\n"), &[])?;
        prometheus.wait_for_scrape();
        Some(prometheus)
    }

    /// Starts the installed Prometheus, which then finds its targets by these files (`*` is allowed in the last part). `None` as with [`Prometheus::scraping`].
    ///
    /// # Panics
    /// Where it does not start.
    pub fn discovering(files: &str) -> Option<Prometheus> {
        Prometheus::running(&format!("file_sd_configs: [{{files: [\"{files}\"], refresh_interval: 1s}}]"), &[])
    }

    /// Starts the installed Prometheus without a target, to take remote writes, native histograms among them. `None` as with
    /// [`Prometheus::scraping`].
    ///
    /// # Panics
    /// Where it does not start.
    pub fn receiving() -> Option<Prometheus> {
        Prometheus::running("static_configs: []", RECEIVES)
    }

    /// The same with a `--web.config.file`, which asks for TLS: then it answers none of the questions of this type, which go in plain text.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn receiving_by_tls(web_config: &std::path::Path) -> Option<Prometheus> {
        let web_config = format!("--web.config.file={}", web_config.display());
        Prometheus::running("static_configs: []", &[RECEIVES, &[&web_config]].concat())
    }

    /// Ends it; what it has is kept for [`Prometheus::resume`].
    ///
    /// # Panics
    /// Where that cannot be done.
    pub fn stop(&mut self) {
        // SAFETY: the process is ours and was not waited for. Asked to end, it writes what it has.
        unsafe { libc::kill(self.process.id().cast_signed(), libc::SIGTERM) };
        self.process.wait().expect("its end");
    }

    /// Starts it again where it was.
    ///
    /// # Panics
    /// Where that cannot be done.
    pub fn resume(&mut self) {
        self.process = spawn(&self.directory, self.address, &self.flags);
        assert!(self.wait_until_ready(), "it ends right after its start:\n{}", self.log());
    }

    fn running(targets: &str, flags: &[&str]) -> Option<Prometheus> {
        Prometheus::running_with(targets, "", flags)
    }

    fn running_with(targets: &str, more: &str, flags: &[&str]) -> Option<Prometheus> {
        if Command::new("prometheus").arg("--version").output().is_err() {
            // Not by `eprintln!`, which the test harness keeps to itself. If nobody can be told, so be it.
            let skipped = "SKIPPED: no `prometheus` in the path; Debian's package `prometheus` has it";
            let _ = writeln!(std::io::stderr(), "{skipped}");
            return None;
        }
        // Another process may take the port before Prometheus does.
        let started = (0..3).find_map(|_| Prometheus::start(targets, more, flags));
        Some(started.expect("Prometheus ends right after its start"))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn start(targets: &str, more: &str, flags: &[&str]) -> Option<Prometheus> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let config = directory.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             {more}scrape_configs: [{{job_name: test, {targets}}}]\n"
        );
        std::fs::write(&config, text).expect("a configuration");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        drop(listener);
        let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let process = spawn(&directory, address, &flags);
        let mut prometheus = Prometheus { process, address, directory, flags };
        prometheus.wait_until_ready().then_some(prometheus)
    }

    /// Whether it came so far, or ended before.
    fn wait_until_ready(&mut self) -> bool {
        // One that wants TLS says so to who asks in plain text.
        let has_tls = self.flags.iter().any(|flag| flag.starts_with("--web.config.file"));
        let ready = if has_tls { 400 } else { 200 };
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if self.process.try_wait().expect("its state").is_some() {
                return false;
            }
            if Request::new("GET", "/-/ready").send(self.address).is_ok_and(|response| response.status == ready) {
                return true;
            }
            sleep(STEP);
        }
        panic!("Prometheus is not ready:\n{}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn wait_for_scrape(&self) {
        let end = Instant::now() + PATIENCE;
        let target = loop {
            let target = self.ask("/api/v1/targets")["activeTargets"][0].clone();
            if !target.is_null() && target["health"] != "unknown" {
                break target;
            }
            assert!(Instant::now() < end, "no scrape:\n{}", self.log());
            sleep(STEP);
        };
        assert_eq!(target["health"], "up", "{}", target["lastError"]);
        // The target is up a moment before its samples can be asked for; they come together with this one.
        self.wait_for_value("up", 1.0);
    }

    /// The `data` of an answer of its HTTP API.
    fn ask(&self, path: &str) -> Value {
        // Without chunks.
        let response = Request::new("GET", path).http_1_0().send(self.address).expect("an answer of Prometheus");
        let mut answer: Value = serde_json::from_str(&response.body).expect("JSON from Prometheus");
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].take()
    }

    /// The rules that it evaluates: each one's name and query.
    ///
    /// # Panics
    /// Where one of them cannot be evaluated.
    pub fn rules(&self) -> Vec<(String, String)> {
        let data = self.ask("/api/v1/rules");
        let groups = data["groups"].as_array().expect("groups").iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().expect("rules"));
        let rule = |rule: &Value| {
            assert_ne!(rule["health"], "err", "{rule}");
            let text = |key: &str| rule[key].as_str().expect("a text").to_owned();
            (text("name"), text("query"))
        };
        rules.map(rule).collect()
    }

    /// What a query gives now.
    pub fn query(&self, promql: &str) -> Vec<Series> {
        let data = self.ask(&format!("/api/v1/query?query={}", encoded(promql)));
        let series = |series: &Value| {
            let labels = series["metric"].as_object().expect("labels").iter();
            let labels = labels.filter(|(name, _)| !["job", "instance"].contains(&name.as_str()));
            let value = series["value"][1].as_str().and_then(|value| value.parse().ok()).expect("a value");
            Series {
                labels: labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned())).collect(),
                value,
            }
        };
        data["result"].as_array().expect("a result").iter().map(series).collect()
    }

    /// The one value that a query gives, or `None` where it gives nothing.
    ///
    /// # Panics
    /// Where it gives several.
    pub fn value(&self, promql: &str) -> Option<f64> {
        let series = self.query(promql);
        assert!(series.len() <= 1, "{promql}: {series:?}");
        series.first().map(|series| series.value)
    }

    /// The exemplars of the series that a query selects, of the last hour: each one's labels with the value.
    ///
    /// # Panics
    /// Where the answer is not as documented.
    pub fn exemplars(&self, promql: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a date").as_secs();
        let (start, end) = (now - 3_600, now + 60);
        let data = self.ask(&format!("/api/v1/query_exemplars?start={start}&end={end}&query={}", encoded(promql)));
        let series = data.as_array().expect("series").iter();
        let exemplars = series.flat_map(|series| series["exemplars"].as_array().expect("exemplars"));
        let exemplar = |exemplar: &Value| {
            let labels = exemplar["labels"].as_object().expect("labels").iter();
            let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned()));
            let value = exemplar["value"].as_str().and_then(|value| value.parse().ok()).expect("a value");
            (labels.collect(), value)
        };
        exemplars.map(exemplar).collect()
    }

    /// Waits until a query gives one number, as one over a range does after the second scrape.
    ///
    /// # Panics
    /// Where that does not happen in some 40 seconds.
    pub fn wait_for_number(&self, promql: &str) -> f64 {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.value(promql) {
                Some(value) if value.is_finite() => return value,
                other => assert!(Instant::now() < end, "{promql}: {other:?}\n{}", self.log()),
            }
            sleep(STEP);
        }
    }

    /// Waits until a query gives this value: what was recorded a moment ago comes with the next scrape.
    ///
    /// # Panics
    /// Where that does not happen in some 40 seconds.
    pub fn wait_for_value(&self, promql: &str, expected: f64) {
        let end = Instant::now() + PATIENCE;
        loop {
            let value = self.value(promql);
            if value == Some(expected) {
                return;
            }
            assert!(Instant::now() < end, "{promql}: {value:?}, not {expected}\n{}", self.log());
            sleep(STEP);
        }
    }
}

fn encoded(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Starts it in this directory, which has its configuration and gets its data.
fn spawn(directory: &TempDir, address: SocketAddr, flags: &[String]) -> Child {
    let path = |name: &str| directory.path().join(name).display().to_string();
    let log = File::options().create(true).append(true).open(directory.path().join("log")).expect("a log");
    Command::new("prometheus")
        .arg(format!("--config.file={}", path("prometheus.yml")))
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--storage.tsdb.path={}", path("data")))
        .arg("--storage.tsdb.retention.time=1h")
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("Prometheus starts")
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
