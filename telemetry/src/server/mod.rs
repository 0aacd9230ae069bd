//! The endpoint: HTTP/1 on a thread and a runtime of its own, since the program may have neither.
//!
//! Whoever reaches the port may be hostile or broken, so that everything has a limit: how long a request's head may take and how large it may
//! be, how long a connection lives, how many there are, how much memory the answers to slow readers take. A connection is for one request: a scraper
//! comes every few seconds, and an idle connection would be one more thing to bound.
//!
//! ```text
//! connection -> answer: host, auth, coding, document -> batch: one snapshot for all who wait -> answer
//! ```

mod answer; // from a request to a response
mod auth; // who asks
#[cfg(feature = "axum")]
pub mod axum; // on a program's own server
mod batch; // documents, made for all who wait for them
mod coding; // compressed, or not
mod connections; // how many there may be, and which goes
mod document; // what is at which path
mod host; // the name by which we are asked
mod page; // what a person sees
pub(crate) mod start; // from the settings to an endpoint, or the reason why not
mod summary; // the same without a script
#[cfg(feature = "tls")]
pub(crate) mod tls; // over what

use crate::config::server::Server as Settings;
use crate::snapshot::Snapshot;
use crate::sync::{Mutex, lock};
use answer::{Desk, From};
use batch::Batches;
use connections::{Connections, Open, Phase};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// How long a client may take for the head of its request, and how long for the start of TLS: generous for one that is alive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may last in all: three times Prometheus' default scrape timeout.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest head of a request. A scraper's is some 300 bytes; 8 KiB is the least buffer that hyper takes.
const MAX_HEAD: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;
/// What the kernel keeps of an answer that is not read; Linux takes twice that. Left alone it grows to 4 MiB, and counts as the program's where that is in a
/// control group. Enough for 5 MB a second at a distance of 50 ms.
const SEND_BUFFER: u32 = 256 * 1024;
/// Connections that the kernel keeps for us until we take them in, so that a flood does not make others try again a second later.
const BACKLOG: u32 = 1_024;
/// How long the end of a program waits for answers that are being written, and then for the thread.
const GRACE: Duration = Duration::from_millis(200);
const THREAD_GRACE: Duration = Duration::from_millis(800);
/// How long to wait when a connection cannot be taken, as when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening endpoint. Ends when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    /// In a mutex for the guard's sake, which is to be shared between threads.
    stopped: Mutex<mpsc::Receiver<()>>,
}

/// An endpoint that has its port, and answers nobody yet: all that can fail has been done.
pub(crate) struct Listening {
    // Dropped before the server, which waits for the thread, which waits for this.
    serve: oneshot::Sender<()>,
    server: Server,
}

/// What every connection shares.
struct Shared {
    desk: Desk,
    connections: Arc<Connections>,
    #[cfg(feature = "tls")]
    tls: Option<tls::Acceptor>,
}

impl Listening {
    /// Takes the port, and starts the thread `telemetry-server`.
    pub(crate) fn start(
        address: SocketAddr,
        settings: &Settings,
        #[cfg(feature = "tls")] tls: Option<tls::Acceptor>,
        take_snapshot: impl Fn() -> Snapshot + Send + Sync + 'static,
    ) -> io::Result<Listening> {
        let connections = Arc::new(Connections::default());
        let readers = Arc::clone(&connections);
        let cut = move |answer| readers.cut_readers(answer);
        let batches = Batches::new(take_snapshot, cut, |time| Box::pin(sleep(time)));
        let shared = Shared {
            desk: Desk::new(settings, batches),
            connections,
            #[cfg(feature = "tls")]
            tls,
        };
        let (stop, stop_asked) = oneshot::channel();
        let (serve, serve_asked) = oneshot::channel();
        let (ended, stopped) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        // The runtime lives and ends on its own thread: where the program runs on one too, that one's threads may not end ours.
        std::thread::Builder::new().name("telemetry-server".to_owned()).spawn(move || {
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    runtime.block_on(run(address, Arc::new(shared), tell, serve_asked, stop_asked));
                    runtime.shutdown_background();
                }
                // Somebody waits for it.
                Err(error) => drop(tell.send(Err(error))),
            }
            // Nobody may be waiting any more.
            let _ = ended.send(());
        })?;
        let address = told.recv().unwrap_or_else(|_| Err(io::Error::other("the endpoint's thread ended")))?;
        Ok(Listening { serve, server: Server { address, stop: Some(stop), stopped: Mutex::new(stopped) } })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Answers from now on.
    pub(crate) fn serve(self) -> Server {
        // The thread waits for it.
        let _ = self.serve.send(());
        self.server
    }
}

impl Server {
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

async fn run(
    address: SocketAddr,
    shared: Arc<Shared>,
    tell: mpsc::Sender<io::Result<SocketAddr>>,
    serve_asked: oneshot::Receiver<()>,
    stop_asked: oneshot::Receiver<()>,
) {
    let listening = async {
        let listener = listener(address)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    let (listener, address) = match listening.await {
        Ok(listening) => listening,
        Err(error) => return drop(tell.send(Err(error))),
    };
    if tell.send(Ok(address)).is_err() || serve_asked.await.is_err() {
        return;
    }
    let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
    // Asked to stop, or the guard is gone: both mean the end.
    let _ = stop_asked.await;
    accepting.abort();
    // What is not written by then is cut off with the runtime.
    let _ = timeout(GRACE, shared.connections.all_ended()).await;
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port whose last connections are still remembered may be taken again; elsewhere the option means that it may be taken from somebody.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // Those that are taken in have it too.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let open = shared.connections.admit(peer.ip()).await;
        let connection = Arc::clone(&open.connection);
        let shared = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            // A client that is too slow, or gone, is not our concern.
            let _ = timeout(CONNECTION_TIMEOUT, serve(stream, &open, shared)).await;
        });
        // It has none yet.
        let _ = connection.task.set(task.abort_handle());
    }
}

async fn serve(stream: TcpStream, open: &Open, shared: Arc<Shared>) {
    // An answer is written in as few pieces as there can be; none waits for the next.
    let _ = stream.set_nodelay(true);
    let reached = stream.local_addr().ok();
    #[cfg(feature = "tls")]
    if let Some(acceptor) = &shared.tls {
        if let Ok(Ok(stream)) = timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
            http(stream, reached, open, Arc::clone(&shared)).await;
        }
        return;
    }
    http(stream, reached, open, shared).await;
}

async fn http<S>(stream: S, reached: Option<SocketAddr>, open: &Open, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let (shared, connection) = (Arc::clone(&shared), Arc::clone(&open.connection));
        async move {
            connection.enter(Phase::Waiting);
            // The body is not looked at.
            let (head, _) = request.into_parts();
            let from = From { reached: reached.map(|address| address.ip()), base: "/" };
            let (answer, number) = shared.desk.answer(&head, from).await;
            connection.answer.store(number, Relaxed);
            connection.enter(Phase::Reading);
            Ok::<_, Infallible>(answer)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        // A client that has said all it has to say still gets its answer.
        .half_close(true)
        .max_buf_size(MAX_HEAD)
        .max_header_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // Too slow, gone, or not HTTP: said to the client as far as it can be.
    drop(served);
}

#[cfg(test)]
pub(crate) mod tests;
