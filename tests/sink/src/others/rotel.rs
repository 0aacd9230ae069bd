use super::with;
use crate::sink::Sink;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// It is up in 50 ms, on a machine that has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(10);

/// `rotel`, a collector of other people's, that hands on to a [`Sink`] over gRPC what it takes. Ends when dropped.
///
/// It decodes protobuf rightly, over HTTP and gRPC, plain and gzip. What it does wrongly, as of 0.0.1a15, says nothing of an exporter: JSON loses its values on the
/// way, it never pushes back, and of more than 8,192 spans or points at once some lose their resource.
#[derive(Debug)]
pub struct Rotel {
    process: Child,
    http: SocketAddr,
    grpc: SocketAddr,
}

impl Rotel {
    /// Starts it in front of a sink, or says that it is not installed or does not run here (it needs `libpython3.11`).
    ///
    /// # Panics
    /// Where it does not listen in time.
    pub fn start(sink: &Sink) -> Option<Rotel> {
        let find = "import pathlib\nprint(next(pathlib.Path(rotel.__file__).parent.rglob('rotel-agent')))";
        let (_, found) = with("rotel", find)?;
        let program = PathBuf::from(String::from_utf8_lossy(&found.stdout).trim());
        if !Command::new(&program).arg("--version").output().is_ok_and(|ran| ran.status.success()) {
            eprintln!("SKIPPED: rotel does not run here; it needs libpython3.11");
            return None;
        }
        let (http, grpc) = free_ports();
        let process = Command::new(program)
            .args(["start", "--otlp-http-endpoint", &http.to_string(), "--otlp-grpc-endpoint", &grpc.to_string()])
            .args(["--exporter", "otlp", "--otlp-exporter-endpoint", &sink.grpc_endpoint()])
            .args(["--otlp-exporter-protocol", "grpc", "--batch-timeout", "100ms"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("rotel starts");
        let rotel = Rotel { process, http, grpc };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(http).is_err() || TcpStream::connect(grpc).is_err() {
            assert!(Instant::now() < end, "rotel does not listen");
            thread::sleep(STEP);
        }
        Some(rotel)
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`, with `http/protobuf`.
    pub fn http_endpoint(&self) -> String {
        format!("http://{}", self.http)
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`, with `grpc`.
    pub fn grpc_endpoint(&self) -> String {
        format!("http://{}", self.grpc)
    }
}

/// It takes no listening socket and tells no port, so two that were free a moment ago must do.
fn free_ports() -> (SocketAddr, SocketAddr) {
    let bind = || TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (one, other) = (bind(), bind());
    let address = |listener: &TcpListener| listener.local_addr().expect("its address");
    (address(&one), address(&other))
}

impl Drop for Rotel {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
