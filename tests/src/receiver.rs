//! A receiver of pushes that does what a test tells it: takes, refuses, hangs, drips, breaks off.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often a state is asked for that is waited for.
const STEP: Duration = Duration::from_millis(10);
/// The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a receiver does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status, headers (each with its line end), and a body.
    Status(u16, &'static str, &'static str),
    /// Nothing, ever; the connection stays open.
    Hang,
    /// A success, a byte of it every while, without an end.
    Drip,
    /// The first half of a status line, and then the end.
    CutOff,
}

impl Answer {
    /// 204, as Prometheus answers.
    pub const TAKEN: Answer = Answer::Status(204, "", "");
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// `POST`.
    pub method: String,
    /// As it was asked for.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
    /// When it was complete.
    pub at: Instant,
    /// Whether it was answered with a success.
    pub taken: bool,
}

impl Received {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
struct State {
    answer: Mutex<Answer>,
    received: Mutex<Vec<Received>>,
    ended: AtomicBool,
}

/// A running receiver. Ends when dropped; then its port refuses connections.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts one on a free port.
    pub fn start(answer: Answer) -> Receiver {
        Receiver::start_at((Ipv4Addr::LOCALHOST, 0).into(), answer)
    }

    /// Starts one where another one was.
    ///
    /// # Panics
    /// Where the address is taken.
    pub fn start_at(address: SocketAddr, answer: Answer) -> Receiver {
        let listener = TcpListener::bind(address).expect("a port");
        listener.set_nonblocking(true).expect("a listener that can be ended");
        let address = listener.local_addr().expect("its address");
        let state = State { answer: Mutex::new(answer), received: Mutex::default(), ended: AtomicBool::new(false) };
        let state = Arc::new(state);
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            while !shared.ended.load(Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let shared = Arc::clone(&shared);
                        // A connection that breaks is the other side's to tell.
                        thread::spawn(move || drop(shared.serve(stream)));
                    }
                    Err(_) => thread::sleep(STEP),
                }
            }
        });
        Receiver { address, state, thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does from now on.
    pub fn answer(&self, answer: Answer) {
        *lock(&self.state.answer) = answer;
    }

    /// All that came so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state.received).clone()
    }

    /// Waits until what came is as a test wants it, and returns it.
    ///
    /// # Panics
    /// Where that does not happen in some 40 seconds.
    pub fn wait_for(&self, what: &str, is_there: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let end = Instant::now() + PATIENCE;
        loop {
            let received = self.received();
            if is_there(&received) {
                return received;
            }
            assert!(Instant::now() < end, "{what}: not in {} requests", received.len());
            thread::sleep(STEP);
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.state.ended.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends, unless it panicked.
            let _ = thread.join();
        }
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(STEP))?;
        let mut bytes = Vec::new();
        while !self.ended.load(Relaxed) {
            let Some((mut received, length)) = request(&bytes) else {
                let mut part = [0; 65_536];
                match stream.read(&mut part) {
                    Ok(0) => return Ok(()),
                    Ok(read) => bytes.extend_from_slice(&part[..read]),
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                    Err(error) => return Err(error),
                }
                continue;
            };
            bytes.drain(..length);
            let answer = lock(&self.answer).clone();
            received.taken = matches!(answer, Answer::Status(200..=299, ..) | Answer::Drip);
            lock(&self.received).push(received);
            self.reply(&mut stream, &answer)?;
        }
        Ok(())
    }

    fn reply(&self, stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
        match answer {
            Answer::Status(204, headers, _) => {
                stream.write_all(format!("HTTP/1.1 204 No Content\r\n{headers}\r\n").as_bytes())
            }
            Answer::Status(status, headers, body) => {
                let head = format!("HTTP/1.1 {status} Test\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
                stream.write_all((head + body).as_bytes())
            }
            Answer::Hang => {
                while !self.ended.load(Relaxed) {
                    thread::sleep(STEP);
                }
                Ok(())
            }
            Answer::Drip => {
                for byte in "HTTP/1.1 200 OK\r\nX-Filler: ".bytes().chain(std::iter::repeat(b'x')) {
                    if self.ended.load(Relaxed) {
                        break;
                    }
                    stream.write_all(&[byte])?;
                    thread::sleep(STEP * 10);
                }
                Ok(())
            }
            Answer::CutOff => {
                stream.write_all(b"HTTP/1.1 2")?;
                stream.shutdown(std::net::Shutdown::Both)
            }
        }
    }
}

/// The first request of these bytes, and how long it is, once it is complete.
fn request(bytes: &[u8]) -> Option<(Received, usize)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let mut line = lines.next()?.split(' ');
    let (method, path) = (line.next()?.to_owned(), line.next()?.to_owned());
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let headers: Vec<_> = lines.filter_map(header).collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(Some(0), |(_, value)| value.parse().ok())?;
    let body = bytes.get(head + 4..head + 4 + length)?.to_vec();
    let received = Received { method, path, headers, body, at: Instant::now(), taken: false };
    Some((received, head + 4 + length))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test has panicked with it")
}
