use crate::sink::State;
use crate::wire::{Faults, Wire};
use crate::{grpc, http};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// More than any exporter sends at once; a Collector takes 20 MiB.
pub(crate) const BODY_LIMIT: usize = 64 << 20;
/// How long a port of ours may be somebody else's, when it is opened again.
const PORT_PATIENCE: Duration = Duration::from_secs(10);

/// What is done with those who connect.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Door {
    Open,
    Silent,
    Closed,
    ClosedFor(Duration),
}

/// What a test tells the thread, and where it hears that it is done.
#[derive(Debug)]
pub(crate) struct Order {
    pub door: Door,
    pub done: mpsc::Sender<io::Result<()>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Http,
    Grpc,
}

/// What an answer needs of its connection.
pub(crate) struct Connection {
    pub state: Arc<State>,
    pub faults: Arc<Faults>,
    pub number: u64,
}

/// A port that nobody has; an error names it.
pub(crate) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let bound = std::net::TcpListener::bind(address).and_then(|port| port.set_nonblocking(true).map(|()| port));
    bound.map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

struct Ports {
    addresses: (SocketAddr, SocketAddr),
    open: Option<(TcpListener, TcpListener)>,
}

impl Ports {
    async fn open(&mut self) -> io::Result<()> {
        let end = Instant::now() + PORT_PATIENCE;
        while self.open.is_none() {
            let both = bind(self.addresses.0).and_then(|http| Ok((http, bind(self.addresses.1)?)));
            match both {
                Ok((http, grpc)) => self.open = Some((TcpListener::from_std(http)?, TcpListener::from_std(grpc)?)),
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        Ok(())
    }

    async fn accept(&self) -> (Kind, io::Result<TcpStream>) {
        let Some((http, grpc)) = &self.open else { return std::future::pending().await };
        tokio::select! {
            accepted = http.accept() => (Kind::Http, accepted.map(|(socket, _)| socket)),
            accepted = grpc.accept() => (Kind::Grpc, accepted.map(|(socket, _)| socket)),
        }
    }
}

/// Serves until nobody can tell it anything any more.
pub(crate) async fn run(
    state: Arc<State>,
    (http, grpc): (std::net::TcpListener, std::net::TcpListener),
    tls: Option<(TlsAcceptor, TlsAcceptor)>,
    mut orders: UnboundedReceiver<Order>,
) {
    let addresses = http.local_addr().and_then(|http| Ok((http, grpc.local_addr()?)));
    let listeners = TcpListener::from_std(http).and_then(|http| Ok((http, TcpListener::from_std(grpc)?)));
    let (Ok(addresses), Ok(listeners)) = (addresses, listeners) else { return };
    let mut ports = Ports { addresses, open: Some(listeners) };
    let mut connections = JoinSet::new();
    let mut waiting = Vec::new();
    let mut silent = false;
    let mut again = None;
    loop {
        let reopen = async {
            if let Some(at) = again { tokio::time::sleep_until(at).await } else { std::future::pending().await }
        };
        tokio::select! {
            order = orders.recv() => {
                let Some(Order { door, done }) = order else { return };
                again = None;
                silent = matches!(door, Door::Silent);
                if !matches!(door, Door::Open) {
                    connections.shutdown().await;
                    waiting.clear();
                }
                let result = match door {
                    Door::Open | Door::Silent => ports.open().await,
                    Door::Closed | Door::ClosedFor(_) => {
                        ports.open = None;
                        Ok(())
                    }
                };
                if let Door::ClosedFor(duration) = door {
                    again = Some(Instant::now() + duration);
                }
                // Who asked may have gone.
                let _ = done.send(result);
            }
            () = reopen => {
                again = None;
                // Whoever took the port meanwhile is seen by the test, which nobody reaches.
                let _ = ports.open().await;
            }
            (kind, accepted) = ports.accept() => {
                // One that is gone again before it was accepted.
                let Ok(socket) = accepted else { continue };
                let number = state.connections.fetch_add(1, Relaxed);
                waiting.push((kind, socket, number));
            }
            Some(_) = connections.join_next() => {}
        }
        if !silent {
            for (kind, socket, number) in waiting.drain(..) {
                let tls = tls.as_ref().map(|(http, grpc)| if kind == Kind::Http { http.clone() } else { grpc.clone() });
                connections.spawn(connection(Arc::clone(&state), kind, socket, number, tls));
            }
        }
    }
}

async fn connection(state: Arc<State>, kind: Kind, socket: TcpStream, number: u64, tls: Option<TlsAcceptor>) {
    // A drip is to arrive as one.
    let _ = socket.set_nodelay(true);
    let faults = Faults::new(Arc::clone(&state.bytes));
    let wire = Wire::new(socket, Arc::clone(&faults));
    let at = Arc::new(Connection { state, faults: Arc::clone(&faults), number });
    let serve = async {
        match tls {
            None => talk(kind, wire, at).await,
            // Who does not like the certificate has said so to its own program.
            Some(tls) => {
                if let Ok(wire) = tls.accept(wire).await {
                    talk(kind, wire, at).await
                }
            }
        }
    };
    tokio::select! {
        () = serve => {}
        () = faults.end() => {}
    }
}

async fn talk(kind: Kind, wire: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, at: Arc<Connection>) {
    let service = service_fn(move |request| {
        let at = Arc::clone(&at);
        async move { respond(kind, &at, request).await }
    });
    let wire = TokioIo::new(wire);
    // How a connection ends is the client's business, or that of the script.
    let _ = match kind {
        Kind::Http => hyper::server::conn::http1::Builder::new().serve_connection(wire, service).await,
        Kind::Grpc => {
            hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(wire, service).await
        }
    };
}

async fn respond(kind: Kind, at: &Connection, request: Request<Incoming>) -> io::Result<Response<Pieces>> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let mut response = Response::new(Pieces::default());
            *response.status_mut() = hyper::StatusCode::PAYLOAD_TOO_LARGE;
            return Ok(response);
        }
        // The client broke off.
        Err(error) => return Err(io::Error::other(error)),
    };
    Ok(match kind {
        Kind::Http => http::answer(at, &parts, &body).await,
        Kind::Grpc => grpc::answer(at, parts, body).await,
    })
}

/// A part of an answer's body.
#[derive(Debug)]
pub(crate) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    /// Lets what came before go out.
    Flush,
    /// The connection ends here.
    Fail,
}

/// An answer's body.
#[derive(Debug, Default)]
pub(crate) struct Pieces(pub VecDeque<Piece>);

impl From<Vec<u8>> for Pieces {
    fn from(bytes: Vec<u8>) -> Pieces {
        Pieces(VecDeque::from([Piece::Data(bytes.into())]))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(match self.get_mut().0.pop_front() {
            None => None,
            Some(Piece::Data(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Piece::Fail) => Some(Err(io::Error::other("as the script says"))),
            Some(Piece::Flush) => {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        let data = |piece: &Piece| if let Piece::Data(bytes) = piece { Some(bytes.len() as u64) } else { None };
        let sizes: Option<Vec<_>> = self.0.iter().map(data).collect();
        sizes.map_or_else(SizeHint::default, |sizes| SizeHint::with_exact(sizes.iter().sum()))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}
