use crate::answer::Answer;
use crate::received::{Received, Seen, Signal};
use crate::serve::{self, Door, Order};
use crate::tls::Tls;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// What connections and tests share.
#[derive(Debug)]
pub(crate) struct State {
    told: Mutex<Told>,
    changed: Condvar,
    /// That came on all sockets, with headers, frames and TLS.
    pub bytes: Arc<AtomicU64>,
    pub connections: AtomicU64,
}

#[derive(Debug)]
struct Told {
    requests: Vec<Arc<Received>>,
    count: usize,
    script: VecDeque<(Option<Signal>, Answer)>,
    otherwise: Answer,
}

impl State {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the script says for a readable request.
    pub fn answer(&self, signal: Signal) -> Answer {
        let mut told = self.told();
        let place = told.script.iter().position(|(only, _)| only.is_none_or(|only| only == signal));
        place.and_then(|place| told.script.remove(place)).map_or_else(|| told.otherwise.clone(), |(_, answer)| answer)
    }

    /// Keeps a request, and tells those who wait.
    pub fn keep(&self, mut request: Received) {
        let mut told = self.told();
        request.number = told.count;
        told.count += 1;
        told.requests.push(Arc::new(request));
        self.changed.notify_all();
    }
}

/// A running receiver. Its port refuses connections once it is dropped, and its thread has ended.
#[derive(Debug)]
pub struct Sink {
    http: SocketAddr,
    grpc: SocketAddr,
    tls: Option<Arc<Tls>>,
    state: Arc<State>,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// How a [`Sink`] is to be.
#[derive(Debug, Default)]
pub struct Builder {
    http: u16,
    grpc: u16,
    tls: Option<Tls>,
}

impl Builder {
    /// The port for HTTP, in place of a free one.
    pub fn http_port(mut self, port: u16) -> Builder {
        self.http = port;
        self
    }

    /// The port for gRPC, in place of a free one.
    pub fn grpc_port(mut self, port: u16) -> Builder {
        self.grpc = port;
        self
    }

    /// Both ports speak TLS alone.
    pub fn tls(mut self, tls: Tls) -> Builder {
        self.tls = Some(tls);
        self
    }

    /// Starts it, on 127.0.0.1.
    ///
    /// # Errors
    /// Where a port is taken; the text names it.
    pub fn start(self) -> io::Result<Sink> {
        let (http, grpc) = (
            serve::bind((Ipv4Addr::LOCALHOST, self.http).into())?,
            serve::bind((Ipv4Addr::LOCALHOST, self.grpc).into())?,
        );
        let addresses = (http.local_addr()?, grpc.local_addr()?);
        let tls = self.tls.map(Arc::new);
        let acceptors = tls.as_ref().map(|tls| (tls.acceptor("http/1.1"), tls.acceptor("h2")));
        let told = Told { requests: Vec::new(), count: 0, script: VecDeque::new(), otherwise: Answer::Accept };
        let state = Arc::new(State {
            told: Mutex::new(told),
            changed: Condvar::new(),
            bytes: Arc::default(),
            connections: AtomicU64::new(0),
        });
        let (orders, given) = unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let serving = serve::run(Arc::clone(&state), (http, grpc), acceptors, given);
        let thread =
            thread::Builder::new().name("telemetry-sink".to_owned()).spawn(move || runtime.block_on(serving))?;
        Ok(Sink { http: addresses.0, grpc: addresses.1, tls, state, orders: Some(orders), thread: Some(thread) })
    }
}

impl Sink {
    /// Starts one on two free ports of 127.0.0.1.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start() -> Sink {
        Sink::builder().start().expect("two free ports")
    }

    /// Another kind of sink.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`, with `http/protobuf` and `http/json`.
    pub fn http_endpoint(&self) -> String {
        self.endpoint(self.http)
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`, with `grpc`.
    pub fn grpc_endpoint(&self) -> String {
        self.endpoint(self.grpc)
    }

    fn endpoint(&self, address: SocketAddr) -> String {
        format!("{}://{address}", if self.tls.is_some() { "https" } else { "http" })
    }

    /// Its certificates, where it has some.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// What the next readable requests are answered, each once; then it is as before. Goes after what was told earlier and not used up.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.told().script.extend(answers.into_iter().map(|answer| (None, answer)));
    }

    /// The same for requests of one signal.
    pub fn script_for(&self, signal: Signal, answers: impl IntoIterator<Item = Answer>) {
        self.state.told().script.extend(answers.into_iter().map(|answer| (Some(signal), answer)));
    }

    /// What is answered where the script says nothing, from now on.
    pub fn otherwise(&self, answer: Answer) {
        self.state.told().otherwise = answer;
    }

    /// How much of the script is left.
    pub fn script_left(&self) -> usize {
        self.state.told().script.len()
    }

    /// What came up to now.
    pub fn seen(&self) -> Seen {
        Seen { requests: self.state.told().requests.clone() }
    }

    /// What came up to now, which is then forgotten. Numbers go on.
    pub fn take(&self) -> Seen {
        Seen { requests: std::mem::take(&mut self.state.told().requests) }
    }

    /// Bytes that came, with headers, frames and TLS.
    pub fn bytes(&self) -> u64 {
        self.state.bytes.load(Relaxed)
    }

    /// Connections that came.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Relaxed)
    }

    /// Waits until it is so, and says whether it is. Asks again whenever a request came.
    pub fn wait_until(&self, deadline: Duration, condition: impl Fn(&Seen) -> bool) -> bool {
        let end = Instant::now() + deadline;
        loop {
            let seen = self.seen();
            if condition(&seen) {
                return true;
            }
            let told = self.state.told();
            if told.requests.len() != seen.requests.len() {
                continue;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            drop(self.state.changed.wait_timeout(told, left));
        }
    }

    /// Closes its ports and all connections, as a receiver that has ended. When this comes back, connections are refused.
    ///
    /// # Panics
    /// Where its thread is gone.
    pub fn refuse(&self) {
        self.order(Door::Closed).expect("a sink that closes");
    }

    /// Refuses connections for this long, and comes back at once.
    ///
    /// # Panics
    /// As [`refuse`](Self::refuse).
    pub fn refuse_for(&self, duration: Duration) {
        self.order(Door::ClosedFor(duration)).expect("a sink that closes");
    }

    /// Accepts connections and never reads from them. What is connected is closed.
    ///
    /// # Panics
    /// Where the ports were closed, and somebody else has them now.
    pub fn hang(&self) {
        self.order(Door::Silent).expect("the ports of before");
    }

    /// Serves again, on the same ports, also those who connected to a hanging one.
    ///
    /// # Panics
    /// As [`hang`](Self::hang).
    pub fn serve(&self) {
        self.order(Door::Open).expect("the ports of before");
    }

    fn order(&self, door: Door) -> io::Result<()> {
        let (done, wait) = mpsc::channel();
        let gone = || io::Error::other("the sink's thread has ended");
        self.orders.as_ref().and_then(|orders| orders.send(Order { door, done }).ok()).ok_or_else(gone)?;
        wait.recv().map_err(|_| gone())?
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // A panic of its thread was told already.
            let _ = thread.join();
        }
    }
}
