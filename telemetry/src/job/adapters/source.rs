//! A source for tests: an HTTP server that does to each request what the test says, and counts.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// A code, and headers as they are written.
    Answer(u16, &'static str),
    /// The connection is torn down before the request was read.
    Reset,
    /// Nothing ever comes.
    Hang,
    /// Half of the body, then the end.
    CutOff,
    /// Something that is no HTTP.
    Garbage,
    /// A whole answer, byte by byte.
    Trickle,
    /// A redirect to the same place.
    Circle,
}

#[derive(Default)]
struct Shared {
    seen: BTreeMap<Fate, u64>,
    /// What hangs is kept open.
    hanging: Vec<TcpStream>,
    asked: usize,
}

pub(crate) struct Source {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Source {
    /// `fate` is given how many requests came before. The thread ends with the test's process.
    pub(crate) fn of(fate: impl Fn(usize) -> Fate + Send + Sync + 'static) -> Source {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Mutex<Shared>>::default();
        let (mine, fate) = (shared.clone(), Arc::new(fate));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, fate) = (mine.clone(), fate.clone());
                thread::spawn(move || {
                    let fate = {
                        let mut shared = shared.lock().unwrap();
                        let fate = fate(shared.asked);
                        shared.asked += 1;
                        *shared.seen.entry(fate).or_default() += 1;
                        fate
                    };
                    // The client may be gone by now, which is what some tests are about.
                    let _ = meet(stream, fate, &shared, address);
                });
            }
        });
        Source { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn seen(&self, fate: Fate) -> u64 {
        self.shared.lock().unwrap().seen.get(&fate).copied().unwrap_or(0)
    }

    pub(crate) fn seen_in_all(&self) -> usize {
        self.shared.lock().unwrap().asked
    }
}

fn meet(mut stream: TcpStream, fate: Fate, shared: &Mutex<Shared>, address: SocketAddr) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    if fate == Fate::Reset {
        // A connection that is dropped with something unread in it is reset.
        stream.peek(&mut [0])?;
        return Ok(());
    }
    if fate == Fate::Garbage {
        // Whatever the client begins with, it may be a handshake.
        let _ = stream.read(&mut [0; 4096])?;
        return stream.write_all(b"SSH-2.0-OpenSSH_9.9 and nothing else\r\n\r\n");
    }
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? > 0 {
        head.push(byte[0]);
    }
    match fate {
        Fate::Answer(code, headers) => {
            write!(stream, "HTTP/1.1 {code} x\r\nContent-Length: 5\r\nConnection: close\r\n{headers}\r\npage!")
        }
        Fate::Hang => {
            shared.lock().unwrap().hanging.push(stream);
            Ok(())
        }
        Fate::CutOff => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\npage!"),
        Fate::Circle => {
            write!(
                stream,
                "HTTP/1.1 302 x\r\nLocation: http://{address}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        Fate::Trickle => {
            stream.set_nodelay(true)?;
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\npage!" {
                stream.write_all(&[*byte])?;
                thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        }
        Fate::Reset | Fate::Garbage => Ok(()),
    }
}
