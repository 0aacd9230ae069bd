//! The endpoint: HTTP/1 on a thread and a runtime of its own, since the program may have neither.
//!
//! Whoever reaches the port may be hostile or broken, so that everything has a limit: how long a request's head may take and how large it may
//! be, how long a connection lives, how many there are, how many snapshots are taken at once. A connection is for one request: a scraper
//! comes every few seconds, and an idle connection would be one more thing to bound.

mod answer; // from a request to a response
mod page; // what a person sees

use crate::snapshot::Snapshot;
use crate::sync::{Mutex, lock};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long a client may take for the head of its request: generous for one that is alive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may last in all: three times Prometheus' default scrape timeout.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a snapshot may take before the answer is that it took too long: Prometheus' default scrape timeout.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request. A scraper's is some 300 bytes; 8 KiB is the least buffer that hyper takes.
const MAX_HEAD: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;
/// When there are more, the oldest connection is closed: idle ones cannot shut scrapers out.
const MAX_CONNECTIONS: usize = 64;
/// One for a scraper, one for a person; others wait.
const MAX_SNAPSHOTS: usize = 2;
/// How long the end of a program waits for answers that are being written, and then for the thread.
const GRACE: Duration = Duration::from_millis(200);
const THREAD_GRACE: Duration = Duration::from_millis(800);
/// How long to wait when a connection cannot be taken, as when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

type TakeSnapshot = dyn Fn() -> Snapshot + Send + Sync;

/// A listening endpoint. Ends when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    /// In a mutex for the guard's sake, which is to be shared between threads.
    stopped: Mutex<mpsc::Receiver<()>>,
}

/// What every connection shares.
struct Shared {
    take_snapshot: Box<TakeSnapshot>,
    snapshots: Arc<Semaphore>,
    /// Whether only this machine can reach the port, so that names other than its own are somebody's trick.
    loopback: bool,
}

impl Server {
    /// Listens, and serves on a thread named `telemetry-server`.
    pub(crate) fn start(
        address: SocketAddr,
        take_snapshot: impl Fn() -> Snapshot + Send + Sync + 'static,
    ) -> io::Result<Server> {
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("telemetry-snapshot")
            .max_blocking_threads(MAX_SNAPSHOTS)
            .build()?;
        let shared = Arc::new(Shared {
            take_snapshot: Box::new(take_snapshot),
            snapshots: Arc::new(Semaphore::new(MAX_SNAPSHOTS)),
            loopback: address.ip().is_loopback(),
        });
        let (stop, stop_asked) = oneshot::channel();
        let (ended, stopped) = mpsc::channel();
        std::thread::Builder::new().name("telemetry-server".to_owned()).spawn(move || {
            runtime.block_on(serve(listener, shared, stop_asked));
            // Does not wait for a snapshot whose collector hangs.
            runtime.shutdown_background();
            // Nobody may be waiting any more.
            let _ = ended.send(());
        })?;
        Ok(Server { address, stop: Some(stop), stopped: Mutex::new(stopped) })
    }

    /// Where it listens: with the port that was free, where port 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended by itself.
            let _ = stop.send(());
        }
        // Not for ever: a program's end does not hang on us.
        let _ = lock(&self.stopped).recv_timeout(GRACE + THREAD_GRACE);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn serve(listener: StdListener, shared: Arc<Shared>, stop_asked: oneshot::Receiver<()>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let open = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let accepting = tokio::spawn(accept(listener, shared, Arc::clone(&open)));
    // Asked to stop, or the guard is gone: both mean the end.
    let _ = stop_asked.await;
    accepting.abort();
    // All permits are back when no connection is open. What is not written by then is cut off with the runtime.
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    let _ = timeout(GRACE, open.acquire_many(all)).await;
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, open: Arc<Semaphore>) {
    let mut connections = VecDeque::<JoinHandle<()>>::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        connections.retain(|connection| !connection.is_finished());
        if connections.len() >= MAX_CONNECTIONS {
            if let Some(oldest) = connections.pop_front() {
                oldest.abort();
            }
        }
        let shared = Arc::clone(&shared);
        let open = Arc::clone(&open);
        connections.push_back(tokio::spawn(async move {
            let _open = open.acquire().await;
            // A client that is too slow, or gone, is not our concern.
            let _ = timeout(CONNECTION_TIMEOUT, connection(stream, shared)).await;
        }));
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer::answer(&request, &shared).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        // A client that has said all it has to say still gets its answer.
        .half_close(true)
        .max_buf_size(MAX_HEAD)
        .max_header_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

impl Shared {
    /// Takes a snapshot on another thread, since a collector may be slow. `None` where it takes too long.
    async fn snapshot(self: &Arc<Shared>) -> Option<Snapshot> {
        let taken = async {
            // The permit goes along: a snapshot that hangs counts, and no third one is begun.
            let permit = Arc::clone(&self.snapshots).acquire_owned().await.ok()?;
            let shared = Arc::clone(self);
            let taken = tokio::task::spawn_blocking(move || {
                let snapshot = (shared.take_snapshot)();
                drop(permit);
                snapshot
            });
            taken.await.ok()
        };
        timeout(SNAPSHOT_TIMEOUT, taken).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::{Instant, SystemTime};

    fn empty() -> Snapshot {
        let now = SystemTime::UNIX_EPOCH;
        Snapshot { taken_at: now, started_at: now, families: Vec::new(), jobs: Vec::new(), statements: Vec::new() }
    }

    fn start() -> Server {
        Server::start("127.0.0.1:0".parse().unwrap(), empty).unwrap()
    }

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    #[test]
    fn connections_beyond_the_cap_push_out_the_oldest_and_not_the_newest() {
        let server = start();
        let idle: Vec<_> = (0..2 * MAX_CONNECTIONS).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
        let response = ask(&server, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        let mut oldest = &idle[0];
        oldest.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(oldest.read(&mut [0]).unwrap(), 0, "the oldest is closed");
    }

    #[test]
    fn a_head_without_end_is_refused() {
        let server = start();
        let long = format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD));
        assert!(ask(&server, &long).starts_with("HTTP/1.1 431"));
        let many = format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(2 * MAX_HEADERS));
        assert!(ask(&server, &many).starts_with("HTTP/1.1 431"));
    }

    #[test]
    fn a_client_that_says_no_more_still_gets_its_answer() {
        let server = start();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.ends_with("\r\n\r\nok\n"), "{response}");
    }

    #[test]
    fn clients_that_are_mute_or_drip_are_ended() {
        let server = start();
        let start = Instant::now();
        let mut mute = TcpStream::connect(server.address()).unwrap();
        let mut dripping = TcpStream::connect(server.address()).unwrap();
        while start.elapsed() < HEAD_TIMEOUT + Duration::from_secs(2) && dripping.write_all(b"G").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
        for client in [&mut mute, &mut dripping] {
            client.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
            // Its end, with or without a refusal, or a reset: but not a wait.
            let ended = client.read_to_end(&mut Vec::new());
            assert!(!ended.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock), "still open");
        }
    }

    #[test]
    fn the_end_does_not_wait_for_a_snapshot_that_hangs() {
        let hang = || {
            std::thread::sleep(Duration::from_secs(60));
            empty()
        };
        let server = Server::start("127.0.0.1:0".parse().unwrap(), hang).unwrap();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert!(ask(&server, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").ends_with("ok\n"));
        let start = Instant::now();
        drop(server);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }

    #[test]
    fn the_port_is_free_again_after_the_end() {
        let server = start();
        let address = server.address();
        ask(&server, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        drop(server);
        assert!(TcpStream::connect(address).is_err());
        drop(Server::start(address, empty).unwrap());
    }
}
