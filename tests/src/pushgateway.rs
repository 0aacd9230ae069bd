//! A real Pushgateway for a test: on loopback, ended with the test.

use crate::http::{Request, Response};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// It is ready after 0.06 s; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running Pushgateway. Ends when dropped, so also when the test panics.
pub struct Pushgateway {
    process: Child,
    address: SocketAddr,
}

impl Pushgateway {
    /// Starts the installed Pushgateway. Where none is installed, says so and returns `None`: the test is then to be left, as skipped.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start() -> Option<Pushgateway> {
        if Command::new("prometheus-pushgateway").arg("--version").output().is_err() {
            // Not by `eprintln!`, which the test harness keeps to itself. If nobody can be told, so be it.
            let skipped = "SKIPPED: no `prometheus-pushgateway` in the path; Debian's package of that name has it";
            let _ = writeln!(std::io::stderr(), "{skipped}");
            return None;
        }
        // Another process may take the port before it does.
        Some((0..3).find_map(|_| Pushgateway::start_once()).expect("Pushgateway ends right after its start"))
    }

    fn start_once() -> Option<Pushgateway> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        drop(listener);
        let process = Command::new("prometheus-pushgateway")
            .arg(format!("--web.listen-address={address}"))
            // Debian's keeps what was pushed in a file of the system, for the next one to start with.
            .arg("--persistence.file=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Pushgateway starts");
        let mut gateway = Pushgateway { process, address };
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if gateway.process.try_wait().expect("its state").is_some() {
                return None;
            }
            if Request::new("GET", "/-/ready").send(address).is_ok_and(|response| response.status == 200) {
                return Some(gateway);
            }
            sleep(Duration::from_millis(20));
        }
        panic!("Pushgateway is not ready");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a Prometheus would scrape of it.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn metrics(&self) -> String {
        // Without chunks.
        let response: Response = Request::new("GET", "/metrics").http_1_0().send(self.address).expect("an answer");
        response.body
    }
}

impl Drop for Pushgateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
