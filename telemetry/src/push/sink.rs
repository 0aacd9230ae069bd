//! A receiver for tests, which does what it is told.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// An HTTP receiver on a free port, which answers as it is told, and with 200 when it was told nothing more.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    received: Mutex<Vec<Received>>,
    held: Mutex<Vec<TcpStream>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Status, further lines of the head, body.
    Says(u16, &'static str, Vec<u8>),
    /// These bytes, and then the end.
    Raw(&'static str),
    Hangs,
}

impl Sink {
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer>) -> Sink {
        Sink::at("127.0.0.1:0".parse().unwrap(), answers)
    }

    pub(crate) fn at(address: SocketAddr, answers: impl IntoIterator<Item = Answer>) -> Sink {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { answers: Mutex::new(answers.into_iter().collect()), ..Shared::default() });
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || while shared.serve(stream.as_ref().unwrap()).is_some() {});
            }
        });
        Sink { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/x?token=secret", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }
}

impl Shared {
    fn serve(&self, mut stream: &TcpStream) -> Option<()> {
        let mut bytes = Vec::new();
        let mut more = [0; 4096];
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read(&mut more) {
                Ok(0) | Err(_) => return None,
                Ok(read) => bytes.extend_from_slice(&more[..read]),
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = bytes[end..].to_vec();
        let had = body.len();
        body.resize(len, 0);
        stream.read_exact(&mut body[had..]).ok()?;
        self.received.lock().unwrap().push(Received { head, body });
        match self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Says(200, "", Vec::new())) {
            Answer::Says(status, lines, body) => {
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{lines}\r\n", body.len());
                stream.write_all(&[head.into_bytes(), body].concat()).ok()
            }
            Answer::Raw(text) => {
                stream.write_all(text.as_bytes()).ok()?;
                stream.shutdown(std::net::Shutdown::Both).ok()?;
                None
            }
            Answer::Hangs => {
                self.held.lock().unwrap().push(stream.try_clone().ok()?);
                None
            }
        }
    }
}
